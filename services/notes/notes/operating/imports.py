"""Events that were uploaded and are to be in the log: all SQL about them."""

from collections.abc import Sequence
from uuid import UUID

from relato_runtime.database import Connection

_MINUTES = 10


async def filled(connection: Connection) -> bool:
    """Whether the log has anything."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM events)"))


async def uploading(connection: Connection, person_id: str) -> str | None:
    """Who else has uploaded lately."""
    other: str | None = await connection.fetchval(
        """
        SELECT person_id FROM imported_lines
        WHERE person_id <> $1 AND at > now() - make_interval(mins => $2) LIMIT 1
        """,
        *(person_id, _MINUTES),
    )
    return other


async def clear(connection: Connection) -> None:
    """Forget what was uploaded."""
    await connection.execute("TRUNCATE imported_lines")


async def keep(connection: Connection, person_id: str, lines: Sequence[tuple[str, int, str]]) -> None:
    """Add lines, each with its ticket and version; one that is there already is an error."""
    await connection.executemany(
        "INSERT INTO imported_lines (ticket_id, version, person_id, line) VALUES ($1, $2, $3, $4)",
        [(ticket_id, version, person_id, line) for ticket_id, version, line in lines],
    )


async def count(connection: Connection) -> tuple[int, int]:
    """How many tickets were uploaded, with how many events."""
    row = await connection.fetchrow(
        "SELECT count(DISTINCT ticket_id) AS tickets, count(*) AS events FROM imported_lines"
    )
    assert row is not None
    return row["tickets"], row["events"]


async def following(connection: Connection) -> tuple[str, list[str]] | None:
    """A ticket that is still to be taken in, with its lines in the order of versions."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, line FROM imported_lines
        WHERE ticket_id = (SELECT min(ticket_id) FROM imported_lines) ORDER BY version
        """
    )
    return (rows[0]["ticket_id"], [row["line"] for row in rows]) if rows else None


async def forget(connection: Connection, ticket_id: str) -> None:
    """A ticket has been dealt with."""
    await connection.execute("DELETE FROM imported_lines WHERE ticket_id = $1", ticket_id)


async def replayed(connection: Connection, event_ids: Sequence[UUID], replay_id: str) -> None:
    """These events are published as a replay: nobody is told of what happened elsewhere."""
    await connection.execute(
        """
        UPDATE outbox SET replay_id = $2 FROM events
        WHERE events.event_id = ANY($1::uuid[]) AND outbox.seq = events.seq
        """,
        event_ids,
        replay_id,
    )
