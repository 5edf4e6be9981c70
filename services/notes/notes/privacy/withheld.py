"""Tickets whose partition is being rewritten: all SQL about what waits for that, and is published anew."""

from collections.abc import Sequence
from datetime import datetime

from relato_runtime.database import Connection

_LARGE_SECONDS = 600


async def pause(connection: Connection) -> None:
    """Let the relay leave everything where it is, for a moment."""
    await connection.execute("INSERT INTO withheld (ticket_id) VALUES ('') ON CONFLICT DO NOTHING")


async def go_on(connection: Connection, without: Sequence[str] = ()) -> None:
    """Let it go on, but for these tickets."""
    await connection.execute(
        """
        WITH others AS (DELETE FROM withheld WHERE ticket_id = '')
        INSERT INTO withheld SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
        """,
        list(without),
        timeout=_LARGE_SECONDS,
    )


async def every(connection: Connection) -> list[tuple[str, int]]:
    """All tickets of the log, with how many events each has."""
    rows = await connection.fetch(
        "SELECT ticket_id, version FROM streams WHERE version > 0", timeout=_LARGE_SECONDS
    )
    return [(row["ticket_id"], row["version"]) for row in rows]


async def following(connection: Connection, limit: int) -> list[tuple[str, int]]:
    """The next of them, with how many events each has."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version FROM streams JOIN withheld USING (ticket_id)
        ORDER BY ticket_id LIMIT $1
        """,
        limit,
    )
    return [(row["ticket_id"], row["version"]) for row in rows]


async def publish_again(connection: Connection, ticket_ids: Sequence[str], replay_id: str) -> None:
    """Put all events of these tickets into the outbox, before what waits there, and hold nothing back.

    An event that was recorded meanwhile is no replay: whoever is to hear of it does.
    """
    await connection.execute(
        """
        WITH again AS (
            INSERT INTO outbox (seq, ticket_id, version, replay_id)
            SELECT seq, ticket_id, version, $2 FROM events WHERE ticket_id = ANY($1::text[])
            ON CONFLICT (seq) DO NOTHING
        )
        DELETE FROM withheld WHERE ticket_id = ANY($1::text[])
        """,
        *(list(ticket_ids), replay_id),
        timeout=_LARGE_SECONDS,
    )


async def published(connection: Connection, replay_id: str) -> bool:
    """Whether Kafka has everything of what was published anew."""
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE replay_id = $1)", replay_id)


async def renewed(connection: Connection) -> tuple[int, datetime]:
    """Under which epoch, and until when, somebody relays: both change with each turn of the relay."""
    row = await connection.fetchrow("SELECT epoch, expires_at FROM relay_lease")
    assert row is not None
    return row["epoch"], row["expires_at"]
