"""The OpenID Connect issuer as a client sees it: authorisation code with PKCE, and refreshing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from relato_runtime.auth import Authenticator, trusted
from relato_runtime.problems import Problem, unavailable

from portal_query.sessions import LoginEnded
from portal_query.settings import PortalSettings
from portal_query.tokens import Tokens

log = structlog.get_logger(__name__)

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
        self._after_logout = f"{settings.public_url}/login"
        self._parameters = settings.oidc_login_parameters
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._client = OAuth().register(
            "issuer",
            client_id=settings.oidc_client_id,
            # Authlib does not encode it, as RFC 6749 §2.3.1 wants and strict issuers do.
            client_secret=quote(settings.oidc_client_secret.get_secret_value(), safe=""),
            server_metadata_url=settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.oidc_scope,
                "code_challenge_method": "S256",
                "trust_env": False,
                "timeout": 10,
                "verify": trusted(),
            },
        )

    async def begin(self) -> tuple[str, Attempt]:
        """Where to send a browser, and what to remember until it comes back."""
        try:
            begun = await self._client.create_authorization_url(self._callback, **self._parameters)
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error
        return begun["url"], Attempt(begun["state"], begun["nonce"], begun["code_verifier"])

    async def finish(self, code: str, attempt: Attempt, *, issuer: str | None) -> tuple[str, Tokens]:
        """Who came back with a code, and their tokens; ``LoginFailed`` if that cannot be verified."""
        claims = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        try:
            metadata = await self._client.load_server_metadata()
            named = metadata.get("authorization_response_iss_parameter_supported") or issuer is not None
            if named and issuer != self._issuer:  # RFC 9207 §2.4
                raise LoginFailed("another issuer answered")
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

    async def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens for a login; ``LoginEnded`` when the issuer gives none."""
        try:
            given = await self._client.fetch_access_token(
                grant_type="refresh_token", refresh_token=tokens.refresh_token
            )
            # An issuer that does not rotate refresh tokens need not repeat them (RFC 6749 §6).
            return _tokens({"refresh_token": tokens.refresh_token, "id_token": tokens.id_token, **given})
        except OAuthError as error:
            raise LoginEnded(error.error) from error
        except LoginFailed as error:
            raise LoginEnded(str(error)) from error
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error

    async def farewell(self, tokens: Tokens) -> str | None:
        """Where a browser ends its session at the issuer, if that has such (RP-Initiated Logout 1.0 §2)."""
        try:
            metadata = await self._client.load_server_metadata()
            if not metadata.get("end_session_endpoint"):
                return None
            leaving = await self._client.create_logout_url(
                post_logout_redirect_uri=self._after_logout,
                id_token_hint=tokens.id_token,
                client_id=self._client_id,
            )
        except (httpx.HTTPError, ValueError) as error:
            # One is logged out here, all the same.
            log.warning("issuer not asked to log out", error=type(error).__name__)
            return None
        return str(leaving["url"])


def _tokens(given: dict[str, object]) -> Tokens:
    access_token = _text(given, "access_token")
    if access_token is None:
        raise LoginFailed("there is no access token")
    lifetime = given.get("expires_in")
    lasting = timedelta(seconds=lifetime) if isinstance(lifetime, int | float) else _LIFETIME
    return Tokens(
        access_token, _text(given, "refresh_token"), _text(given, "id_token"), datetime.now(UTC) + lasting
    )


def _text(given: dict[str, object], name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) else None
