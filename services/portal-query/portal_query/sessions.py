"""Sessions of browsers, and all SQL about them: a cookie here, the issuer's tokens there.

The cookie's value is a random id, of which only the SHA-256 is kept, and which changes while the
session lasts; tokens are kept encrypted and never leave for a browser.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from asyncpg import Record
from relato_runtime.database import Connection, Pool
from relato_runtime.readiness import Readiness

from portal_query.live import SESSIONS_CHANNEL
from portal_query.tokens import Seal, Tokens

log = structlog.get_logger(__name__)

_TOUCH = timedelta(minutes=1)
_ROTATE = timedelta(minutes=15)
_OVERLAP = timedelta(minutes=1)
"""So long an id still counts that was replaced: requests that carry it are on their way."""
_RENEWALS = 4
"""At a time; each holds a connection while the issuer thinks, and others need some, too."""
_SWEEP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Authorized:
    """The token for a request, and the id that the session has from now on if it was changed."""

    access_token: str
    rotated: str | None


class LoginEnded(Exception):
    """The issuer gives no new tokens for this login."""


class OtherPerson(Exception):
    """The session is not of the person for whom something is asked."""


Refresh = Callable[[Tokens], Awaitable[Tokens]]
"""Asks the issuer for new tokens; ``LoginEnded`` when it gives none."""


class Sessions:
    """Begins, looks up and ends sessions."""

    def __init__(self, pool: Pool, secret: str, *, idle: timedelta, absolute: timedelta) -> None:
        self._pool = pool
        self._seal = Seal(secret)
        self._idle = idle
        self._absolute = absolute
        self._renewals = asyncio.Semaphore(_RENEWALS)

    async def begin(self, person_id: str, tokens: Tokens, *, instead_of: str | None) -> str:
        """A new session's id, for its cookie; an earlier session of the same browser ends."""
        session_id = secrets.token_urlsafe(32)
        async with self._pool.acquire() as connection, connection.transaction():
            if instead_of is not None:
                await self._end(connection, instead_of)
            await connection.execute(
                """
                INSERT INTO portal.sessions (session_hash, person_id, tokens, tokens_expire_at, ends_at)
                VALUES ($1, $2, $3, $4, now() + $5)
                """,
                *(_hash(session_id), person_id, self._seal.close(tokens), tokens.expire_at, self._absolute),
            )
        return session_id

    async def authorize(
        self, session_id: str, *, active: bool, refresh: Refresh, person_id: str | None = None
    ) -> Authorized | None:
        """What this session's requests are made with; None when it has ended.

        A page names the person that it was made for; ``OtherPerson`` where another has logged in since.

        ``active`` requests keep the session from ending for idleness, and change its id now and then.
        A token that expires is replaced.
        """
        row = await self._pool.fetchrow(_FIND, _hash(session_id), self._idle)
        if row is None:
            return None
        if person_id not in {None, row["person_id"]}:
            raise OtherPerson
        if row["replaced_for"] is not None and row["replaced_for"] > _OVERLAP:
            # Two hold this session, and which of them is its owner nobody can say.
            log.warning("session ended: a replaced id was used", person_id=row["person_id"])
            await self._end(self._pool, session_id)
            return None
        tokens = self._seal.open(row["tokens"], row["tokens_expire_at"])
        if tokens is not None and not tokens.fresh:
            tokens = await self._renewed(session_id, refresh)
        if tokens is None:
            return None
        if row["waits"] or (active and datetime.now(UTC) - row["last_seen_at"] > _TOUCH):
            await self._pool.execute(_TOUCHED, _hash(session_id), active)
        due = active and datetime.now(UTC) - row["rotated_at"] > _ROTATE
        return Authorized(tokens.access_token, await self._rotated(session_id) if due else None)

    async def person(self, session_id: str) -> str | None:
        """Whose session this is; asking keeps nothing alive."""
        row = await self._pool.fetchrow(_FIND, _hash(session_id), self._idle)
        return None if row is None else str(row["person_id"])

    async def end(self, session_id: str, *, everywhere: bool) -> Tokens | None:
        """End a session, or with it all sessions of the same person; gives the tokens that it had."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await self._end(connection, session_id)
            if row is None:
                return None
            if everywhere and row["alive"]:
                await connection.execute(END_ALL, row["person_id"], SESSIONS_CHANNEL)
        return self._seal.open(row["tokens"], row["tokens_expire_at"])

    async def sweep(self, readiness: Readiness, part: str) -> None:
        """A loop that forgets sessions that have ended by themselves."""
        while True:
            await self._pool.execute(_FORGET, self._idle, SESSIONS_CHANNEL)
            readiness.has(part)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _renewed(self, session_id: str, refresh: Refresh) -> Tokens | None:
        """One request asks the issuer, and others wait for it, because a refresh token counts once."""
        async with self._renewals, self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FIND + " FOR UPDATE", _hash(session_id), self._idle)
            tokens = self._seal.open(row["tokens"], row["tokens_expire_at"]) if row else None
            if row is None or tokens is None or tokens.fresh:
                return tokens
            if tokens.refresh_token is not None:
                try:
                    tokens = await refresh(tokens)
                except LoginEnded as error:
                    log.info("session ended by the issuer", reason=str(error))
                else:
                    sealed = self._seal.close(tokens)
                    await connection.execute(_RENEWED, row["session_hash"], sealed, tokens.expire_at)
                    return tokens
            await self._end(connection, session_id)
            return None

    async def _rotated(self, session_id: str) -> str | None:
        """A new id, unless a request beside this one was given one already."""
        new = secrets.token_urlsafe(32)
        done = await self._pool.execute(_ROTATED, _hash(session_id), _hash(new), _ROTATE)
        return new if done == "UPDATE 1" else None

    async def _end(self, connection: "Connection | Pool", session_id: str) -> Record | None:
        return await connection.fetchrow(_END, _hash(session_id), self._idle, SESSIONS_CHANNEL)


def named(session_id: str) -> str:
    """What a session is called where it is told that sessions have ended."""
    return _hash(session_id).hex()


def _hash(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()


_FIND = """
SELECT session_hash, person_id, tokens, tokens_expire_at, last_seen_at, rotated_at,
    session_hash = $1 AND taken_up_at IS NULL AS waits,
    CASE WHEN session_hash <> $1 THEN now() - taken_up_at END AS replaced_for
FROM portal.sessions
WHERE (session_hash = $1 OR previous_hash = $1) AND ends_at > now() AND last_seen_at > now() - $2::interval
"""

_RENEWED = "UPDATE portal.sessions SET tokens = $2, tokens_expire_at = $3 WHERE session_hash = $1"

_TOUCHED = """
UPDATE portal.sessions SET
    last_seen_at = CASE WHEN $2 THEN now() ELSE last_seen_at END,
    taken_up_at = CASE WHEN session_hash = $1 THEN coalesce(taken_up_at, now()) ELSE taken_up_at END
WHERE session_hash = $1 OR previous_hash = $1
"""

# The id before stays good until the new one is used: its answer may never have reached the browser.
_ROTATED = """
UPDATE portal.sessions SET previous_hash = $1, session_hash = $2, rotated_at = now(), taken_up_at = NULL
WHERE (session_hash = $1 OR (previous_hash = $1 AND taken_up_at IS NULL))
    AND rotated_at < now() - $3::interval
"""

# Whoever ends sessions tells their streams so.
_TELL = "pg_notify({}, concat_ws(' ', encode(session_hash, 'hex'), encode(previous_hash, 'hex')))"
_END = f"""
WITH ended AS (DELETE FROM portal.sessions WHERE session_hash = $1 OR previous_hash = $1 RETURNING *)
SELECT person_id, tokens, tokens_expire_at,
    ends_at > now() AND last_seen_at > now() - $2::interval AS alive, {_TELL.format("$3")}
FROM ended
"""  # noqa: S608  # constants alone
END_ALL = f"""
WITH ended AS (DELETE FROM portal.sessions WHERE person_id = $1 RETURNING *)
SELECT {_TELL.format("$2")} FROM ended
"""  # noqa: S608  # constants alone
_FORGET = f"""
WITH ended AS (
    DELETE FROM portal.sessions WHERE ends_at <= now() OR last_seen_at <= now() - $1::interval RETURNING *
)
SELECT {_TELL.format("$2")} FROM ended
"""  # noqa: S608  # constants alone
