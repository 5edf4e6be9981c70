"""An issuer where browsers log in: codes with PKCE, refresh tokens, and whatever may be wrong with them."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse

from tests.support.issuer import Issuer
from tests.support.serving import serving

CLIENT_ID, CLIENT_SECRET = "relato-portal", "a secret of this test"
_BASIC = base64.b64encode(f"{CLIENT_ID}:{quote(CLIENT_SECRET)}".encode()).decode()


@dataclass
class LoginIssuer(Issuer):
    """Knows one client; a test plays the person who logs in."""

    lifetime: int = 3600
    refreshed: int = 0
    """How often tokens were refreshed."""
    refuses_refresh: bool = False
    gives_refresh_tokens: bool = True
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nobody's tokens are refreshed."""
    more_metadata: Mapping[str, object] = field(default_factory=dict)
    """What it says about itself besides; clients read it once."""
    wrong_id_claims: Mapping[str, object] = field(default_factory=dict)
    """What the next ID token says instead of the truth."""
    _granted: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.answering.set()

    def consent(self, location: str, person_id: str) -> str:
        """The person says yes at the address that their browser was sent to; gives the code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.url}/authorize?")
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._granted[code] = asked | {"person_id": person_id}
        return code

    def grant(self, code: str, verifier: str, redirect_uri: str) -> dict[str, object] | None:
        """Tokens for a code, once."""
        asked = self._granted.pop(code, None)
        if asked is None or asked["redirect_uri"] != redirect_uri:
            return None
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if digest != asked["code_challenge"]:
            return None
        about: dict[str, object] = {"aud": CLIENT_ID, "nonce": asked["nonce"], **self.wrong_id_claims}
        id_token = self.token(asked["person_id"], **about)
        return self._tokens(asked["person_id"]) | {"id_token": id_token}

    def refresh(self, refresh_token: str) -> dict[str, object] | None:
        """New tokens; the refresh token counts once."""
        if self.refuses_refresh or refresh_token not in self._granted:
            return None
        self.refreshed += 1
        return self._tokens(self._granted.pop(refresh_token)["person_id"])

    def _tokens(self, person_id: str) -> dict[str, object]:
        tokens: dict[str, object] = {
            "access_token": self.token(person_id, jti=secrets.token_urlsafe(8)),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if self.gives_refresh_tokens:
            refresh_token = secrets.token_urlsafe(16)
            self._granted[refresh_token] = {"person_id": person_id}
            tokens["refresh_token"] = refresh_token
        return tokens


@asynccontextmanager
async def running_login_issuer() -> AsyncIterator[LoginIssuer]:
    """Such an issuer, on a free port."""
    issuer = LoginIssuer()
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, object]:
        return {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/jwks",
            "authorization_endpoint": f"{issuer.url}/authorize",
            "token_endpoint": f"{issuer.url}/token",
            "id_token_signing_alg_values_supported": ["ES256"],
            **issuer.more_metadata,
        }

    @app.get("/jwks")
    async def jwks() -> dict[str, object]:
        return {"keys": [issuer.key.as_dict(private=False)]}

    @app.post("/token")
    async def token(
        request: Request,
        grant_type: Annotated[str, Form()],
        code: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
        refresh_token: Annotated[str, Form()] = "",
    ) -> JSONResponse:
        if request.headers.get("authorization") != f"Basic {_BASIC}":  # RFC 6749 §2.3.1
            return JSONResponse({"error": "invalid_client"}, 401)
        if grant_type == "refresh_token":
            await issuer.answering.wait()
            tokens = issuer.refresh(refresh_token)
        else:
            tokens = issuer.grant(code, code_verifier, redirect_uri)
        return JSONResponse(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

    async with serving(app) as issuer.url:
        yield issuer
