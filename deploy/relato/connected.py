"""A connection to a service's database for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from relato_runtime.database import Connection

from relato.errors import StackError
from relato.reach import DatabaseName, Reach


@asynccontextmanager
async def connected(reach: Reach, name: DatabaseName) -> AsyncIterator[Connection]:
    """Connect, and turn what the database refuses into StackError."""
    try:
        connection = await asyncpg.connect(reach.database(name), timeout=5, command_timeout=30)
        try:
            yield connection
        finally:
            await connection.close(timeout=2)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise StackError(f"The database {name} is not set up yet: its service has not started.") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise StackError(f"The database {name} cannot be asked: {reason}.") from error
