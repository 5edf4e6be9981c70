"""An OpenID Connect issuer as services see it: discovery, keys, and tokens signed with them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.support.serving import serving


class Issuer:
    """Signs tokens; its keys are served at ``url``."""

    def __init__(self) -> None:
        self.url = ""
        self.key: ECKey | RSAKey = ECKey.generate_key("P-256", auto_kid=True)

    def token(self, person_id: str, *roles: str, **claims: object) -> str:
        """A token that counts for an hour, unless the claims say otherwise."""
        now = int(time.time())
        body = {
            "iss": self.url,
            "aud": "relato",
            "sub": person_id,
            "iat": now,
            "exp": now + 3600,
            "name": person_id.title(),
            "roles": list(roles),
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, body | claims, self.key)

    def bearer(self, person_id: str, *roles: str) -> dict[str, str]:
        """The header that a request as this person carries."""
        return {"Authorization": f"Bearer {self.token(person_id, *roles)}"}


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """An issuer that answers on a free port."""
    issuer = Issuer()
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, str]:
        return {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}

    @app.get("/jwks")
    async def jwks() -> dict[str, object]:
        return {"keys": [issuer.key.as_dict(private=False)]}

    async with serving(app) as issuer.url:
        yield issuer
