"""Which events are to be published again, and who would see them: all SQL of replays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relato_runtime.database import Connection

from notes.outbox import Pending

_LARGE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Choice:
    """Of which events; what is None does not matter."""

    ticket_id: str | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def arguments(self) -> tuple[Any, ...]:
        """As the parameters of ``_CHOSEN``."""
        return self.ticket_id, self.type, self.since, self.until


async def count(connection: Connection, choice: Choice, up_to: int | None = None) -> int:
    """How many events are chosen, up to a place in the log."""
    number: int = await connection.fetchval(
        f"SELECT count(*) FROM events WHERE {_CHOSEN} AND ($5::bigint IS NULL OR seq <= $5)",  # noqa: S608  # constants
        *(*choice.arguments(), up_to),
        timeout=_LARGE_SECONDS,
    )
    return number


async def end(connection: Connection) -> int:
    """The last place in the log."""
    seq: int = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM events", timeout=_LARGE_SECONDS)
    return seq


async def following(
    connection: Connection,
    choice: Choice,
    after: tuple[str, int],
    limit: int,
    up_to: int,
    *,
    requests: bool = False,
) -> Sequence[Pending]:
    """The next chosen events, ticket by ticket, in the order of versions; perhaps with their ``requests``."""
    rows = await connection.fetch(
        f"""
        SELECT seq, ticket_id, version, event_id, type, actor, correlation_id, traceparent, recorded_at,
            data::text, {_REQUEST if requests else "NULL"} AS request, salt, openings::text
        FROM events
        WHERE {_CHOSEN} AND (ticket_id, version) > ($5, $6) AND seq <= $7
        ORDER BY ticket_id, version LIMIT $8
        """,  # noqa: S608  # constants
        *(*choice.arguments(), *after, up_to, limit),
        timeout=_LARGE_SECONDS,
    )
    return [Pending(**dict(row)) for row in rows]


async def remember_requests(connection: Connection) -> None:
    """Look up requests by what they led to, for as long as this connection lasts."""
    await connection.execute(
        """
        CREATE TEMPORARY TABLE asked AS
        SELECT person_id, response->>'ticket_id' AS ticket_id, (response->>'version')::int AS version,
            encode(request_hash, 'hex') || ' ' || coalesce(response->>'notification', 'none') || ' ' || key
                AS request
        FROM idempotency_keys WHERE response->>'recorded' IS DISTINCT FROM 'false'
        """,
        timeout=_LARGE_SECONDS,
    )
    await connection.execute("CREATE INDEX ON asked (ticket_id, version)", timeout=_LARGE_SECONDS)


_REQUEST = """(
    SELECT request FROM asked
    WHERE asked.ticket_id = events.ticket_id AND asked.version = events.version AND person_id = actor
    LIMIT 1
)"""
_CHOSEN = """
    ($1::text IS NULL OR ticket_id = $1) AND ($2::text IS NULL OR type = $2)
    AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
"""
