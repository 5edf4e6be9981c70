"""The OpenID Connect issuer as a client sees it: authorisation code with PKCE, and refreshing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from relato_runtime.auth import Authenticator
from relato_runtime.problems import Problem, unavailable

from portal_query.sessions import LoginEnded, Tokens
from portal_query.settings import PortalSettings

_LIFETIME = timedelta(minutes=5)  # of a token whose issuer does not say (RFC 6749 §5.1)


class LoginFailed(Exception):
    """The issuer did not say who this is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that was begun: what has to match when the browser comes back."""

    state: str
    nonce: str
    code_verifier: str


class Issuer:
    """Authlib's client of the issuer that settings name."""

    def __init__(self, settings: PortalSettings, authenticate: Authenticator) -> None:
        self._authenticate = authenticate
        self._callback = f"{settings.public_url}/callback"
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._client = OAuth().register(
            "issuer",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            server_metadata_url=settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.oidc_scope,
                "code_challenge_method": "S256",
                "trust_env": False,
                "timeout": 10,
            },
        )

    async def begin(self) -> tuple[str, Attempt]:
        """Where to send a browser, and what to remember until it comes back."""
        try:
            begun = await self._client.create_authorization_url(self._callback)
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error
        return begun["url"], Attempt(begun["state"], begun["nonce"], begun["code_verifier"])

    async def finish(self, code: str, attempt: Attempt, *, issuer: str | None) -> tuple[str, Tokens]:
        """Who came back with a code, and their tokens; ``LoginFailed`` if that cannot be verified."""
        if issuer not in (None, self._issuer):  # RFC 9207 §2.4
            raise LoginFailed("another issuer answered")
        claims = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        try:
            given = await self._client.fetch_access_token(
                redirect_uri=self._callback, code=code, code_verifier=attempt.code_verifier
            )
            about = await self._client.parse_id_token(given, nonce=attempt.nonce, claims_options=claims)
        except (OAuthError, JoseError) as error:
            raise LoginFailed(getattr(error, "error", None) or type(error).__name__) from error
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error
        tokens = _tokens(given)
        if about is None:
            raise LoginFailed("there is no ID token")
        try:
            caller = await self._authenticate.verify(tokens.access_token)
        except Problem as problem:
            if problem.status != 401:
                raise
            raise LoginFailed("its access token does not count here") from problem
        if caller.person_id != about["sub"]:  # OpenID Connect Core §5.3.2, for any use of both
            raise LoginFailed("its tokens are about different people")
        return caller.person_id, tokens

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a login; ``LoginEnded`` when the issuer gives none."""
        try:
            given = await self._client.fetch_access_token(
                grant_type="refresh_token", refresh_token=refresh_token
            )
        except OAuthError as error:
            raise LoginEnded(error.error) from error
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error
        # An issuer that does not rotate refresh tokens need not repeat them (RFC 6749 §6).
        return _tokens({"refresh_token": refresh_token, **given})


def _tokens(given: dict[str, object]) -> Tokens:
    access_token = given.get("access_token")
    if not isinstance(access_token, str):
        raise LoginFailed("there is no access token")
    lifetime, refresh_token = given.get("expires_in"), given.get("refresh_token")
    lasting = timedelta(seconds=lifetime) if isinstance(lifetime, int | float) else _LIFETIME
    return Tokens(
        access_token, refresh_token if isinstance(refresh_token, str) else None, datetime.now(UTC) + lasting
    )
