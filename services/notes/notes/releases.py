"""When occurrences that are held back are due: all SQL of releases."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from relato_runtime.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence that is held back: until when, and whose request did so."""

    occurrence_id: UUID
    ticket_id: str
    person_id: str
    due_at: datetime
    correlation_id: str
    traceparent: str | None


async def due(pool: Pool, now: datetime, farthest: timedelta, limit: int) -> list[Due]:
    """Those whose time has come, longest ago first; and what is due further ahead than anything can be."""
    rows = await pool.fetch(
        """
        SELECT occurrence_id, ticket_id, person_id, due_at, correlation_id, traceparent
        FROM releases WHERE due_at <= $1 OR due_at > $2 ORDER BY due_at LIMIT $3
        """,
        *(now, now + farthest, limit),
    )
    return [Due(**dict(row)) for row in rows]


async def put(connection: Connection, held: Collection[Due]) -> None:
    """Look again at these when they are due; of one occurrence, what was said last holds."""
    await connection.executemany(
        """
        INSERT INTO releases (occurrence_id, ticket_id, person_id, due_at, correlation_id, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (occurrence_id) DO UPDATE SET person_id = excluded.person_id, due_at = excluded.due_at,
            correlation_id = excluded.correlation_id, traceparent = excluded.traceparent
        """,
        [
            (each.occurrence_id, each.ticket_id, each.person_id, each.due_at, each.correlation_id,
             each.traceparent)
            for each in held
        ],
    )  # fmt: skip


async def remove(connection: Connection, occurrence_ids: Collection[UUID]) -> None:
    """These are not held back any more."""
    await connection.execute("DELETE FROM releases WHERE occurrence_id = ANY($1::uuid[])", occurrence_ids)
