"""What a backup that was put back lacks, of the log or of its topic: all SQL of bringing them level."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from relato_runtime.database import Connection

_LARGE_SECONDS = 600


async def known(connection: Connection, event_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these events the log has."""
    rows = await connection.fetch("SELECT event_id FROM events WHERE event_id = ANY($1::uuid[])", event_ids)
    return {row["event_id"] for row in rows}


async def taken(connection: Connection, versions: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which of these tickets' versions the log has, whatever they are."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version FROM events
        WHERE (ticket_id, version) IN (SELECT * FROM unnest($1::text[], $2::int[]))
        """,
        [ticket_id for ticket_id, _ in versions],
        [version for _, version in versions],
    )
    return {(row["ticket_id"], row["version"]) for row in rows}


async def forget(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """Do not publish what Kafka has."""
    await connection.execute(
        """
        DELETE FROM outbox USING events
        WHERE events.event_id = ANY($1::uuid[])
            AND outbox.seq = events.seq
        """,
        event_ids,
    )


async def latest(connection: Connection, event_ids: Sequence[UUID]) -> int | None:
    """The highest place in the log of those of these events that it has."""
    seq: int | None = await connection.fetchval(
        "SELECT max(seq) FROM events WHERE event_id = ANY($1::uuid[])", event_ids
    )
    return seq


async def tickets(connection: Connection) -> list[str]:
    """All tickets of the log."""
    rows = await connection.fetch("SELECT ticket_id FROM streams WHERE version > 0", timeout=_LARGE_SECONDS)
    return [row["ticket_id"] for row in rows]


async def publish_again(connection: Connection, after: Mapping[str, int]) -> int:
    """Put events back into the outbox: of each of these tickets those behind a place in the log."""
    number: int = await connection.fetchval(
        """
        WITH again AS (
            INSERT INTO outbox (seq, ticket_id, version)
            SELECT seq, ticket_id, version
            FROM events JOIN unnest($1::text[], $2::bigint[]) AS given (ticket_id, after) USING (ticket_id)
            WHERE seq > after
            ON CONFLICT (seq) DO NOTHING
            RETURNING seq
        )
        SELECT count(*) FROM again
        """,
        list(after),
        list(after.values()),
        timeout=_LARGE_SECONDS,
    )
    return number
