"""Who can be chosen: the people of `itsm.people`, as the history's database knows them, and their roles."""

import json
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from relato.errors import StackError
from relato.stack.home import plain_errors, write_private

_ROLES = {"davi": ["administrator"], "olga": ["operator"]}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone a token can speak of."""

    person_id: str
    name: str
    active: bool


async def everyone(database_url: str) -> list[Person]:
    """Who may come in, by name; raises StackError when they cannot be asked for."""
    return await _read(
        database_url,
        "SELECT person_id, name, active FROM reference.people WHERE active ORDER BY lower(name), person_id",
    )


async def one(database_url: str, person_id: str) -> Person | None:
    """The person with that id, active or not; raises StackError when they cannot be asked for."""
    found = await _read(
        database_url,
        "SELECT person_id, name, active FROM reference.people WHERE person_id = $1",
        person_id,
    )
    return found[0] if found else None


def roles(home: Path, person_id: str) -> list[str]:
    """Someone's roles, from ``roles.json`` of RELATO_HOME, which is written when it is not there."""
    return _roles(home).get(person_id, [])


def holder(home: Path, role: str) -> str:
    """The first who has that role; raises StackError when nobody has."""
    for person_id, theirs in _roles(home).items():
        if role in theirs:
            return person_id
    raise StackError(f"Nobody is {role} in {home / 'roles.json'}.")


def _roles(home: Path) -> dict[str, list[str]]:
    path = home / "roles.json"
    with plain_errors(path):
        if not path.exists():
            write_private(path, json.dumps(_ROLES, indent=1))
        try:
            given = json.loads(path.read_text())
        except ValueError as error:
            raise StackError(f"{path} is not JSON: {error}.") from error
    if not isinstance(given, dict) or not all(isinstance(theirs, list) for theirs in given.values()):
        raise StackError(f'{path} has to be of the form {{"person_id": ["role"]}}.')
    return {person_id: [str(role) for role in theirs] for person_id, theirs in given.items()}


async def _read(database_url: str, statement: str, *arguments: str) -> list[Person]:
    try:
        connection = await asyncpg.connect(database_url, timeout=5, command_timeout=5)
        try:
            rows = await connection.fetch(statement, *arguments)
        finally:
            await connection.close(timeout=2)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return []
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise StackError(f"The database that knows the people cannot be reached ({reason}).") from error
    return [Person(row["person_id"], row["name"], row["active"]) for row in rows]
