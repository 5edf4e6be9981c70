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
    connection: Connection, choice: Choice, after: tuple[str, int], limit: int, up_to: int
) -> Sequence[Pending]:
    """The next chosen events, ticket by ticket, each in the order of its versions."""
    rows = await connection.fetch(
        f"""
        SELECT seq, ticket_id, version, event_id, type, actor, correlation_id, traceparent, recorded_at,
            data::text, NULL AS request
        FROM events
        WHERE {_CHOSEN} AND (ticket_id, version) > ($5, $6) AND seq <= $7
        ORDER BY ticket_id, version LIMIT $8
        """,  # noqa: S608  # constants
        *(*choice.arguments(), *after, up_to, limit),
        timeout=_LARGE_SECONDS,
    )
    return [Pending(**dict(row)) for row in rows]


_CHOSEN = """
    ($1::text IS NULL OR ticket_id = $1) AND ($2::text IS NULL OR type = $2)
    AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
"""
