"""Events as their chains are checked, and leaves beside the log: all SQL of that."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from relato_runtime.database import Connection

from notes.proof.tree import Leaf

_LARGE_SECONDS = 600


class Chained(NamedTuple):
    """An event with its place in its ticket's chain; a tuple, since a verification makes millions."""

    ticket_id: str
    version: int
    event_id: UUID
    type: str
    subject_id: UUID | None
    actor: str
    correlation_id: str
    recorded_at: datetime
    data: str
    salt: bytes | None
    openings: str | None
    hash: bytes | None


class End(NamedTuple):
    """Where a ticket's chain ends, as its stream has it."""

    chained: int
    head: bytes | None


async def ends(connection: Connection, after: str, until: str) -> dict[str, End]:
    """The ends of the chains of tickets behind one, up to another."""
    rows = await connection.fetch(
        "SELECT ticket_id, chained, head FROM streams WHERE ticket_id > $1 AND ticket_id <= $2",
        *(after, until),
        timeout=_LARGE_SECONDS,
    )
    return {row["ticket_id"]: End(row["chained"], row["head"]) for row in rows}


async def following(connection: Connection, after: tuple[str, int], until: str, limit: int) -> list[Chained]:
    """The next events of these tickets, ticket by ticket, in the order of versions."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, event_id, type, subject_id, actor, correlation_id, recorded_at,
            data::text, salt, openings::text, hash
        FROM events WHERE (ticket_id, version) > ($1, $2) AND ticket_id <= $3
        ORDER BY ticket_id, version LIMIT $4
        """,
        *(*after, until, limit),
        timeout=_LARGE_SECONDS,
    )
    return [Chained(*row) for row in rows]


async def of_ticket(connection: Connection, ticket_id: str) -> list[Chained]:
    """All of a ticket's events, in the order of versions."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, event_id, type, subject_id, actor, correlation_id, recorded_at,
            data::text, salt, openings::text, hash
        FROM events WHERE ticket_id = $1 AND hash IS NOT NULL ORDER BY version
        """,
        ticket_id,
    )
    return [Chained(*row) for row in rows]


async def on_topic(connection: Connection, places: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which of these tickets' versions the verification under way has read of the topic."""
    if not places:
        return set()
    rows = await connection.fetch(
        """
        SELECT DISTINCT ticket_id, version FROM checked_records
        WHERE (ticket_id, version) IN (SELECT * FROM unnest($1::text[], $2::int[]))
        """,
        [ticket_id for ticket_id, _ in places],
        [version for _, version in places],
    )
    return {(row["ticket_id"], row["version"]) for row in rows}


async def contradicting(connection: Connection, leaves: Sequence[Leaf]) -> list[tuple[str, int, str]]:
    """Of which of these leaves the log says something else: ticket, version, and what.

    ``cut`` where the log ends before it, ``rewritten`` where another event has led to its place.
    """
    rows = await connection.fetch(
        """
        SELECT leaf.ticket_id, leaf.version,
            CASE WHEN events.version IS NULL THEN 'cut' ELSE 'rewritten' END AS kind
        FROM unnest($1::text[], $2::int[], $3::bytea[]) AS leaf (ticket_id, version, head)
        LEFT JOIN events USING (ticket_id, version)
        WHERE CASE
            WHEN events.version IS NULL THEN NOT EXISTS (
                SELECT FROM events AS later
                WHERE later.ticket_id = leaf.ticket_id AND later.version > leaf.version
            )
            ELSE events.hash IS DISTINCT FROM leaf.head
        END
        ORDER BY 1, 2
        """,
        [each.ticket_id for each in leaves],
        [each.version for each in leaves],
        [each.head for each in leaves],
        timeout=_LARGE_SECONDS,
    )
    return [(row["ticket_id"], row["version"], row["kind"]) for row in rows]
