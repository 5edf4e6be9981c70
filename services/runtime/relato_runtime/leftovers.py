"""That rows have lost what the disk and dead letters still say, until that is cleared: all SQL of it."""

from datetime import datetime, timedelta

from relato_runtime.database import Connection


async def note(connection: Connection) -> None:
    """Rows have just lost something, in the caller's transaction.

    Only afterwards: what a clearing has seen noted is then also gone from the rows that it writes anew.
    """
    await connection.execute("INSERT INTO leftovers DEFAULT VALUES")


async def due(connection: Connection, quiet: timedelta) -> bool:
    """Whether there is something to clear, and nothing more has come for so long."""
    so: bool = await connection.fetchval(
        "SELECT coalesce(max(at) <= clock_timestamp() - $1::interval, false) FROM leftovers", quiet
    )
    return so


async def now(connection: Connection) -> datetime:
    """From when on whatever is noted is to be cleared once more."""
    moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return moment


async def cleared(connection: Connection, before: datetime) -> None:
    """What had been noted by then is nowhere any more."""
    await connection.execute("DELETE FROM leftovers WHERE at < $1", before)
