"""itsm.* facts into the schema ``reference``: names, switches and who may see which tickets."""

import json
from collections.abc import Sequence

from relato_contracts import itsm
from relato_contracts.fields import Fact
from relato_contracts.topics import CATALOG, GROUPS, PARAMETERS, PEOPLE
from relato_runtime.consume import Decoded
from relato_runtime.database import Connection
from relato_runtime.positions import DeadLetter

TOPICS = (PEOPLE, GROUPS, PARAMETERS, CATALOG)
_REMOVALS = {
    PEOPLE.name: ("DELETE FROM reference.people WHERE person_id = $1",),
    GROUPS.name: ("DELETE FROM reference.groups WHERE group_id = $1",),
    PARAMETERS.name: ("DELETE FROM reference.parameters WHERE number::text = $1",),
    # One topic, two kinds of ids: a tombstone does not say which it means.
    CATALOG.name: (
        "DELETE FROM reference.categories WHERE category_id = $1",
        "DELETE FROM reference.origins WHERE origin_id = $1",
    ),
}


async def apply(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
    """Bring the tables to what the records say, one after the other."""
    for record, _, fact in decoded:
        if fact is not None:
            await _save(connection, fact)
        elif record.key is not None:
            topic = next(name for name in _REMOVALS if record.topic.endswith(name))
            for statement in _REMOVALS[topic]:
                await connection.execute(statement, record.key.decode())
    return ()


async def _save(connection: Connection, fact: Fact) -> None:
    match fact:
        case itsm.PersonSaved():
            await connection.execute(
                """
                INSERT INTO reference.people (person_id, name, email, language, time_zone, active)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (person_id) DO UPDATE SET name = excluded.name, email = excluded.email,
                    language = excluded.language, time_zone = excluded.time_zone, active = excluded.active
                """,
                *(fact.person_id, fact.name, fact.email, fact.language, fact.time_zone, fact.active),
            )
        case itsm.GroupSaved():
            permissions = [permission.model_dump(mode="json") for permission in fact.permissions]
            await connection.execute(
                """
                INSERT INTO reference.groups (group_id, name, member_ids, emails, permissions)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, member_ids = excluded.member_ids,
                    emails = excluded.emails, permissions = excluded.permissions
                """,
                *(
                    fact.group_id,
                    fact.name,
                    list(fact.member_ids),
                    list(fact.emails),
                    json.dumps(permissions),
                ),
            )
        case itsm.ParameterSaved():
            await connection.execute(
                """
                INSERT INTO reference.parameters (number, value) VALUES ($1, $2)
                ON CONFLICT (number) DO UPDATE SET value = excluded.value
                """,
                *(fact.number, fact.value),
            )
        case itsm.CategorySaved():
            await connection.execute(
                """
                INSERT INTO reference.categories (category_id, name, active) VALUES ($1, $2, $3)
                ON CONFLICT (category_id) DO UPDATE SET name = excluded.name, active = excluded.active
                """,
                *(fact.category_id, fact.name, fact.active),
            )
        case itsm.OriginSaved():
            await connection.execute(
                """
                INSERT INTO reference.origins (origin_id, name, active) VALUES ($1, $2, $3)
                ON CONFLICT (origin_id) DO UPDATE SET name = excluded.name, active = excluded.active
                """,
                *(fact.origin_id, fact.name, fact.active),
            )
        case _:
            raise TypeError(f"{type(fact).__name__} is not reference data")
