"""Who is calling: bearer tokens of an OpenID Connect issuer, verified against its keys."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from functools import cache

import httpx
import structlog
from cachetools import TTLCache
from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import TypeAdapter, ValidationError
from relato_contracts.fields import Id

from relato_runtime.caller import Caller
from relato_runtime.problems import unauthenticated, unavailable
from relato_runtime.settings import ServiceSettings

log = structlog.get_logger(__name__)

_LEEWAY_SECONDS = 30
_KEYS_SECONDS = 600.0
_RELOAD_SECONDS = 5.0  # a forged key id must not make us ask the issuer with every request
_TOKEN_LIMIT = 8_192
_VERIFIED_SECONDS = 60.0  # for so long a key counts that the issuer has withdrawn
_VERIFIED_LIMIT = 10_000
_person = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    until: float


@cache
def trusted() -> ssl.SSLContext:
    """Whom an issuer's certificate may be signed by: read once, as that holds all requests up for 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


class Authenticator:
    """Verifies tokens: signature, issuer, audience, expiry; algorithms are pinned by settings."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.oidc_issuer},
            aud={"essential": True, "value": settings.oidc_audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._keys: KeySet | None = None
        self._loaded = -_KEYS_SECONDS
        self._loading = asyncio.Lock()
        # Verifying a signature takes as long as all that a command decides.
        self._verified: TTLCache[str, _Verified] = TTLCache(_VERIFIED_LIMIT, _VERIFIED_SECONDS)

    async def __call__(self, request: Request) -> Caller:
        """The caller of a request, as a FastAPI dependency."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated("A bearer token is needed.")
        return await self.verify(token.strip())

    async def verify(self, token: str) -> Caller:
        """The caller that a token names; ``Problem`` 401 when it does not count, 503 without keys."""
        known = self._verified.get(token)
        if known is not None and time.time() < known.until:
            return known.caller
        if len(token) > _TOKEN_LIMIT:
            raise unauthenticated("The token is too long.")
        try:
            decoded = jwt.decode(
                token, await self._key_set(), algorithms=list(self._settings.oidc_algorithms)
            )
        except (JoseError, ValueError):
            # The issuer may have new keys since we last asked.
            try:
                keys = await self._key_set(newer=True)
                decoded = jwt.decode(token, keys, algorithms=list(self._settings.oidc_algorithms))
            except (JoseError, ValueError) as error:
                raise unauthenticated("The token cannot be verified.") from error
        try:
            self._claims.validate(decoded.claims)
            person_id = _person.validate_python(decoded.claims["sub"])
        except (JoseError, ValidationError) as error:
            raise unauthenticated(f"The token does not count: {getattr(error, 'error', 'sub')}.") from error
        roles = decoded.claims.get(self._settings.oidc_roles_claim, [])
        caller = Caller(
            person_id,
            str(decoded.claims.get("name", person_id)),
            frozenset(role for role in roles if isinstance(role, str))
            if isinstance(roles, list)
            else frozenset(),
        )
        self._verified[token] = _Verified(caller, decoded.claims["exp"] + _LEEWAY_SECONDS)
        return caller

    async def _key_set(self, *, newer: bool = False) -> KeySet:
        age = time.monotonic() - self._loaded
        if self._keys is not None and age < (_RELOAD_SECONDS if newer else _KEYS_SECONDS):
            return self._keys
        async with self._loading:
            if self._keys is None or time.monotonic() - self._loaded >= age:
                try:
                    self._keys = await self._fetch()
                    self._loaded = time.monotonic()
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    log.warning("issuer's keys not available", error=type(error).__name__)
                    if self._keys is None:
                        raise unavailable("The issuer of tokens cannot be reached.", retry_after=2) from error
            return self._keys

    async def _fetch(self) -> KeySet:
        async with httpx.AsyncClient(timeout=5, trust_env=False, verify=trusted()) as client:
            issuer = self._settings.oidc_issuer.rstrip("/")
            discovery = (
                (await client.get(f"{issuer}/.well-known/openid-configuration")).raise_for_status().json()
            )
            if discovery["issuer"] != self._settings.oidc_issuer:
                raise ValueError("the issuer calls itself something else")  # OpenID Connect Discovery §4.3
            keys = (await client.get(discovery["jwks_uri"])).raise_for_status().json()
        return KeySet.import_key_set(keys)
