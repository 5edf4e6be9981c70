"""Sessions of browsers, and all SQL about them: a cookie here, the issuer's tokens there.

The cookie's value is a random id, of which only the SHA-256 is kept; tokens are kept encrypted and
never leave for a browser.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from relato_runtime.database import Connection, Pool
from relato_runtime.readiness import Readiness

log = structlog.get_logger(__name__)

_ENCRYPTED = {"alg": "dir", "enc": "A256GCM"}
_FRESH = timedelta(seconds=30)
"""A token is not handed on when it would expire on its way."""
_TOUCH = timedelta(minutes=1)
_SWEEP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gave for a person, and until when the access token counts."""

    access_token: str
    refresh_token: str | None
    expire_at: datetime


class LoginEnded(Exception):
    """The issuer gives no new tokens for this login."""


Refresh = Callable[[str], Awaitable[Tokens]]
"""Asks the issuer for new tokens; ``LoginEnded`` when it gives none."""


class Sessions:
    """Begins, looks up and ends sessions."""

    def __init__(self, pool: Pool, secret: str, *, idle: timedelta, absolute: timedelta) -> None:
        self._pool = pool
        self._key = OctKey.import_key(hmac.digest(secret.encode(), b"relato session tokens", "sha256"))
        self._idle = idle
        self._absolute = absolute

    async def begin(self, person_id: str, tokens: Tokens, *, instead_of: str | None) -> str:
        """A new session's id, for its cookie; an earlier session of the same browser ends."""
        session_id = secrets.token_urlsafe(32)
        async with self._pool.acquire() as connection, connection.transaction():
            if instead_of is not None:
                await _end(connection, instead_of)
            await connection.execute(
                """
                INSERT INTO portal.sessions (session_hash, person_id, tokens, tokens_expire_at, ends_at)
                VALUES ($1, $2, $3, $4, now() + $5)
                """,
                *(_hash(session_id), person_id, self._sealed(tokens), tokens.expire_at, self._absolute),
            )
        return session_id

    async def access_token(self, session_id: str, *, active: bool, refresh: Refresh) -> str | None:
        """The token that this session's requests are made with; None when it has ended.

        ``active`` requests keep the session from ending for idleness. A token that expires is replaced.
        """
        row = await self._pool.fetchrow(_FIND, _hash(session_id), self._idle)
        if row is None:
            return None
        tokens = self._opened(row["tokens"], row["tokens_expire_at"])
        if tokens is None:
            return None
        if active and datetime.now(UTC) - row["last_seen_at"] > _TOUCH:
            await self._pool.execute(
                "UPDATE portal.sessions SET last_seen_at = now() WHERE session_hash = $1", _hash(session_id)
            )
        if _fresh(tokens):
            return tokens.access_token
        return await self._renewed(session_id, refresh)

    async def end(self, session_id: str, *, everywhere: bool) -> None:
        """End a session, or with it all sessions of the same person."""
        if everywhere:
            await self._pool.execute(
                """
                DELETE FROM portal.sessions WHERE person_id = (
                    SELECT person_id FROM portal.sessions
                    WHERE session_hash = $1 AND ends_at > now() AND last_seen_at > now() - $2::interval
                )
                """,
                _hash(session_id),
                self._idle,
            )
        await _end(self._pool, session_id)

    async def sweep(self, readiness: Readiness, part: str) -> None:
        """A loop that forgets sessions that have ended by themselves."""
        while True:
            await self._pool.execute(
                "DELETE FROM portal.sessions WHERE ends_at <= now() OR last_seen_at <= now() - $1::interval",
                self._idle,
            )
            readiness.has(part)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _renewed(self, session_id: str, refresh: Refresh) -> str | None:
        """One request asks the issuer, and others wait for it, because a refresh token counts once."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FIND + " FOR UPDATE", _hash(session_id), self._idle)
            tokens = row and self._opened(row["tokens"], row["tokens_expire_at"])
            if not tokens:
                return None
            if _fresh(tokens):
                return tokens.access_token
            if tokens.refresh_token is not None:
                try:
                    tokens = await refresh(tokens.refresh_token)
                except LoginEnded as error:
                    log.info("session ended by the issuer", reason=str(error))
                else:
                    await connection.execute(
                        """
                        UPDATE portal.sessions SET tokens = $2, tokens_expire_at = $3 WHERE session_hash = $1
                        """,
                        *(_hash(session_id), self._sealed(tokens), tokens.expire_at),
                    )
                    return tokens.access_token
            await _end(connection, session_id)
            return None

    def _sealed(self, tokens: Tokens) -> str:
        kept = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
        return jwe.encrypt_compact(_ENCRYPTED, json.dumps(kept).encode(), self._key)

    def _opened(self, sealed: str, expire_at: datetime) -> Tokens | None:
        try:
            plaintext = jwe.decrypt_compact(sealed, self._key).plaintext
        except JoseError as error:
            # The secret was changed, which is how an operator ends all sessions.
            log.info("session cannot be opened", error=type(error).__name__)
            return None
        kept = json.loads(plaintext or b"")
        return Tokens(kept["access_token"], kept["refresh_token"], expire_at)


async def _end(connection: "Connection | Pool", session_id: str) -> None:
    await connection.execute("DELETE FROM portal.sessions WHERE session_hash = $1", _hash(session_id))


def _hash(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()


def _fresh(tokens: Tokens) -> bool:
    return tokens.expire_at - datetime.now(UTC) > _FRESH


_FIND = """
SELECT tokens, tokens_expire_at, last_seen_at FROM portal.sessions
WHERE session_hash = $1 AND ends_at > now() AND last_seen_at > now() - $2::interval
"""
