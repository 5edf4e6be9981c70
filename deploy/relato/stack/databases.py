"""Databases and roles of the services, each owner of its own and unable to enter another's."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import asyncpg

from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import postgres
from relato.stack.home import Home

OWNERS = {"notes": "notes", "notifier": "notifier", "history": "history_projector"}
READERS = ("portal_query", "portal_executor", "portal_requester")
"""They read the database ``history``: what each may see there is granted by its owner's migrations."""


@dataclass(frozen=True, slots=True)
class Databases:
    """How to reach each database as each role."""

    admin: str
    home: Home
    embedded: bool

    def url(self, role: str, database: str) -> str:
        """The address of a database as that role."""
        parts = urlsplit(self.admin)
        # On the embedded server's socket the directory's mode is the key; elsewhere it is a password.
        user = role if self.embedded else f"{role}:{quote(self._password(role), safe='')}"
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{user}@{place}", path=f"/{database}"))

    @property
    def place(self) -> str:
        """Where the server is, without anything secret."""
        parts = urlsplit(self.admin)
        return parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")

    def _password(self, role: str) -> str:
        return self.home.secret(f"postgres-{role}")

    async def provision(self) -> None:
        """Make the roles and databases that do not exist yet; raises StackError when it may not."""
        try:
            connection = await asyncpg.connect(self.admin, timeout=10)
        except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
            raise StackError(f"PostgreSQL (RELATO_POSTGRES_URL) cannot be reached: {error}.") from error
        try:
            for role in (*OWNERS.values(), *READERS):
                await self._role(connection, role)
            for database, owner in OWNERS.items():
                await _database(connection, database, owner)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise StackError(f"Databases and roles cannot be made in PostgreSQL: {error}.") from error
        finally:
            await connection.close()

    async def _role(self, connection: "asyncpg.Connection[asyncpg.Record]", role: str) -> None:
        # Role names and the generated password come from this program; neither can be a parameter here.
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
            if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
                # Otherwise only a superuser could make a database that is another's.
                await connection.execute(f"GRANT {role} TO CURRENT_USER")
        # Each service says how old the oldest transaction in its database is, whoever holds it open.
        if await connection.fetchval(_MAY_GRANT):
            await connection.execute(f"GRANT pg_read_all_stats TO {role}")
        if not self.embedded:
            await connection.execute(f"ALTER ROLE {role} PASSWORD '{self._password(role)}'")


_MAY_GRANT = "SELECT pg_has_role('pg_read_all_stats', 'MEMBER WITH ADMIN OPTION')"


def of(settings: StackSettings) -> Databases:
    """The databases of these settings: on the given server, else on the embedded one."""
    home = Home(settings.home)
    if settings.postgres_url is not None:
        return Databases(settings.postgres_url.get_secret_value(), home, embedded=False)
    return Databases(postgres.dsn(home.postgres), home, embedded=True)


def address(admin: str, database: str) -> str:
    """The administrator's address of another database of the same server."""
    return urlunsplit(urlsplit(admin)._replace(path=f"/{database}"))


async def _database(connection: "asyncpg.Connection[asyncpg.Record]", database: str, owner: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await connection.execute(
            f"CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
        )
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    if database == "history":
        await connection.execute(f"GRANT CONNECT ON DATABASE history TO {', '.join(READERS)}")
        # For its own schema of sessions.
        await connection.execute("GRANT CREATE ON DATABASE history TO portal_query")
