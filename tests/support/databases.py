"""A database for each test, copied from a template that was migrated once."""

from collections.abc import Sequence
from itertools import count
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from relato_runtime import database

_numbers = count(1)
_READERS = ("portal_executor", "portal_requester")


class Databases:
    """Makes databases on one server, and drops them again."""

    def __init__(self, admin: str) -> None:
        self.admin = admin
        self._templates: dict[tuple[str, ...], str] = {}
        self._made: list[str] = []

    async def create(self, *packages: str) -> str:
        """A new database with the migrations of these packages; gives its DSN."""
        template = self._templates.get(packages) or await self._template(packages)
        name = f"test_{next(_numbers)}"
        await self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        self._made.append(name)
        return with_database(self.admin, name)

    async def drop_all(self) -> None:
        """Drop what was made since the last time."""
        while self._made:
            await self._administer(f"DROP DATABASE IF EXISTS {self._made.pop()} WITH (FORCE)")

    async def _template(self, packages: Sequence[str]) -> str:
        name = f"template_{next(_numbers)}"
        await self._administer(f"CREATE DATABASE {name}")
        for package in packages:
            await database.migrate(with_database(self.admin, name), package)
        for role in _READERS:  # made by history_projector's migrations, without a way in
            await self._administer(
                f"DO $$ BEGIN ALTER ROLE {role} LOGIN PASSWORD '{role}'; "
                "EXCEPTION WHEN undefined_object THEN NULL; END $$"
            )
        self._templates[tuple(packages)] = name
        return name

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def with_database(dsn: str, name: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def with_role(dsn: str, role: str) -> str:
    """The same database as another role, whose password in tests is its name."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(role)}@{host}"))


async def provision_portal(url: str) -> None:
    """The portal's own role, as an installation makes it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """
            DO $$ BEGIN CREATE ROLE portal_query LOGIN PASSWORD 'portal_query';
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
            """
        )
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"GRANT CONNECT, CREATE ON DATABASE {name} TO portal_query")
    finally:
        await connection.close()


async def back_up(dsn: str) -> str:
    """A copy of a database that nobody uses at the moment; gives its name."""
    name = urlsplit(dsn).path.removeprefix("/")
    await _administer(dsn, f"CREATE DATABASE {name}_backup TEMPLATE {name}")
    return f"{name}_backup"


async def put_back(dsn: str, backup: str) -> None:
    """The database as the copy has it, which is gone then; whoever was connected is not any more."""
    name = urlsplit(dsn).path.removeprefix("/")
    await _administer(dsn, f"DROP DATABASE {name} WITH (FORCE)")
    await _administer(dsn, f"CREATE DATABASE {name} TEMPLATE {backup}")
    await _administer(dsn, f"DROP DATABASE {backup}")


async def _administer(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(with_database(dsn, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
