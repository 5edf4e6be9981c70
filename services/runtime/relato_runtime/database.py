"""PostgreSQL: pools of connections, and migrations before anything else."""

import asyncio
import os
import sysconfig
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog

from relato_runtime import stopping

log = structlog.get_logger(__name__)

if TYPE_CHECKING:  # only their type stubs are generic
    Connection: TypeAlias = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool

Required: TypeAlias = Callable[[Connection], Coroutine[Any, Any, None]]

# What asyncpg raises while the server is away or going away; all of it may pass.
UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,  # dropped, and not yet put back
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    TimeoutError,
    OSError,
)


class MigrationFailed(Exception):
    """The database could not be brought to the version that this program needs."""


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    size: int = 10,
    by_key: bool = False,
    required: Required | None = None,
) -> AsyncIterator[Pool]:
    """Open a pool of at most ``size`` connections; statements are bounded to 30 s.

    What is ``required`` of a connection raises where it does not hold, whoever asked for one; none is
    opened before then.

    Where rows are looked up ``by_key`` alone, no statement is planned again for its parameters, which
    may take longer than running it, and none begins to scan tables because they once were empty.
    """
    session = {"idle_in_transaction_session_timeout": "30s"} | (_BY_KEY if by_key else {})
    pool = await asyncpg.create_pool(
        url,
        min_size=0 if required else 1,
        max_size=size,
        init=required,
        command_timeout=30,
        timeout=5,
        max_inactive_connection_lifetime=300,
        # A process that is stopped in the middle of a transaction must not hold its locks for ever.
        server_settings=session,
        reset=_keep,
    )
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(stopping.POOL):
                await pool.close()  # it cuts connections off when it is cancelled
        except TimeoutError:
            log.warning("connections were still in use at the end")


_BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}


async def _keep(_connection: Connection) -> None:
    """Nothing to undo between two users of a connection: what we do ends with its transaction.

    In its place asyncpg would send a statement after each use.
    """


async def migrate(url: str, package: str, *, schema: str = "public", consumes: bool = True) -> None:
    """Apply a package's numbered migrations, one process at a time.

    What ``consumes`` topics gets the runtime's own tables first. Which migrations have been applied
    is written down in ``schema``.
    """
    directories = [_migrations(each) for each in (("relato_runtime", package) if consumes else (package,))]
    command = [
        str(Path(sysconfig.get_path("scripts")) / "dbmate"),
        "--no-dump-schema",
        "--migration-lock",
        *(argument for directory in directories for argument in ("--migrations-dir", str(directory))),
        "--migrations-table",
        f"{schema}.migrations",
        "migrate",
        "--strict",
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "DATABASE_URL": _for_dbmate(url)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise MigrationFailed(output.decode(errors="replace").strip()[-500:])
    log.info("migrated", package=package)


def _migrations(package: str) -> Path:
    return Path(str(files(package))) / "migrations"


def _for_dbmate(url: str) -> str:
    """The same address for Go's driver, which does not try TLS and then go without."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query.setdefault("sslmode", "disable" if query.get("host", "").startswith("/") else "prefer")
    if query["sslmode"] == "prefer":
        query["sslmode"] = "disable" if parts.hostname in {"127.0.0.1", "localhost", "::1"} else "require"
    return urlunsplit(parts._replace(query=urlencode(query, safe="/")))
