"""Which server and database this is: one that was put back from a backup finds another than it knew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from relato_runtime.database import Connection

# A dump makes another database, recovery another timeline, and a new server has another identifier.
_MARKER = """
    concat_ws('/',
        (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


class PutBack(ConnectionError):
    """This database was put back from a backup, and is not level with Kafka yet."""


_ONE = 0x4C65766C  # "Levl"
_LARGE_SECONDS = 600


@asynccontextmanager
async def alone(connection: Connection) -> AsyncIterator[None]:
    """While the block lasts, no other process brings this database and its topic level."""
    await connection.execute("SELECT pg_advisory_lock($1)", _ONE, timeout=_LARGE_SECONDS)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _ONE)


async def known(connection: Connection) -> Literal["same", "other", "none"]:
    """Whether this is where the database was last level with Kafka; ``none`` when it never was."""
    same: bool | None = await connection.fetchval(f"SELECT marker = {_MARKER} FROM incarnation")  # noqa: S608  # a constant
    if same is None:
        return "none"
    return "same" if same else "other"


async def required(connection: Connection) -> None:
    """Raise ``PutBack`` for a copy, whose words may have been withdrawn since; for pools that only read.

    Whoever puts a database back cuts its connections, so it is enough to ask each new one.
    """
    match await known(connection):
        case "other":
            raise PutBack("The database was put back from a backup, and is not level with Kafka yet.")
        case "same" if not await compared(connection):
            raise PutBack("The projector has not looked yet whether the database was put back as a whole.")


async def remember(connection: Connection) -> None:
    """This is where it is level with Kafka."""
    await connection.execute(
        f"""
        INSERT INTO incarnation (marker) VALUES ({_MARKER})
        ON CONFLICT (one) DO UPDATE SET marker = excluded.marker
        """  # noqa: S608  # a constant
    )


async def doubt(connection: Connection) -> None:
    """It is not level with Kafka, wherever it is, until that is remembered again."""
    await connection.execute(
        """
        INSERT INTO incarnation (marker) VALUES ('in doubt')
        ON CONFLICT (one) DO UPDATE SET marker = excluded.marker
        """
    )


async def compared(connection: Connection) -> bool:
    """Whether this was compared with what is kept elsewhere since the server began.

    Disks that are put back whole bear the mark that they had, but not without the server being begun anew.
    """
    return bool(await connection.fetchval("SELECT compared_at = pg_postmaster_start_time() FROM incarnation"))


async def has_been_compared(connection: Connection) -> None:
    """Nobody need compare it before the server is begun anew."""
    await connection.execute("UPDATE incarnation SET compared_at = pg_postmaster_start_time()")
