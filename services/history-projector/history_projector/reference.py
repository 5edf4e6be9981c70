"""itsm.* facts into the schema ``reference``: names, switches, who may see what, and who changed it."""

import json
from collections.abc import Mapping, Sequence

from relato_contracts import itsm
from relato_contracts.fields import Fact
from relato_contracts.people import PersonErased
from relato_contracts.topics import CATALOG, EMAIL_TEMPLATES, ERASURES, GROUPS, PARAMETERS, PEOPLE, TICKETS
from relato_runtime import erased
from relato_runtime.database import Connection
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter

from history_projector import people

CONSUMER = "history-reference"
TOPICS = (ERASURES, PEOPLE, GROUPS, PARAMETERS, CATALOG, EMAIL_TEMPLATES, TICKETS)
_REMOVALS = {
    PEOPLE.name: ("DELETE FROM reference.people WHERE person_id = $1",),
    GROUPS.name: ("DELETE FROM reference.groups WHERE group_id = $1",),
    PARAMETERS.name: ("DELETE FROM reference.parameters WHERE number::text = $1",),
    # One topic, two kinds of ids: a tombstone does not say which it means.
    CATALOG.name: (
        "DELETE FROM reference.categories WHERE category_id = $1",
        "DELETE FROM reference.origins WHERE origin_id = $1",
    ),
    EMAIL_TEMPLATES.name: ("DELETE FROM reference.email_templates WHERE template_id = $1",),
    TICKETS.name: ("DELETE FROM reference.tickets WHERE ticket_id = $1",),
}


async def apply(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
    """Bring the tables to what the records say, one after the other."""
    for _, _, fact in decoded:
        if isinstance(fact, PersonErased):
            await people.erase(connection, fact)
    instead = await erased.taken_in(connection, (fact for _, _, fact in decoded))
    for record, envelope, said in decoded:
        if isinstance(said, PersonErased):
            continue
        if said is not None:
            fact = instead.get(said, said)
            await connection.execute(_SAVED[type(fact)], *_values(fact), envelope.actor, envelope.time)
        elif record.key is not None:
            topic = next(name for name in _REMOVALS if record.topic.endswith(name))
            for statement in _REMOVALS[topic]:
                await connection.execute(statement, record.key.decode())
    if any(record.topic.endswith((PARAMETERS.name, EMAIL_TEMPLATES.name)) for record, _, _ in decoded):
        await connection.execute("SELECT pg_notify('settings', '')")  # for pages that are open
    return ()


def _values(fact: Fact) -> tuple[object, ...]:
    """What a fact says, in the order of its table's columns."""
    match fact:
        case itsm.PersonSaved():
            return fact.person_id, fact.name, fact.email, fact.language, fact.time_zone, fact.active
        case itsm.GroupSaved():
            members, emails = list(fact.member_ids), list(fact.emails)
            return fact.group_id, fact.name, members, emails, _json(fact.permissions)
        case itsm.ParameterSaved():
            return fact.number, fact.value
        case itsm.CategorySaved():
            return fact.category_id, fact.name, fact.active
        case itsm.OriginSaved():
            return fact.origin_id, fact.name, fact.active
        case itsm.EmailTemplateSaved():
            return fact.template_id, fact.name, _json(fact.variants)
        case itsm.TicketSaved():
            people = fact.requester_id, fact.group_id, fact.responsible_id
            return fact.ticket_id, fact.title, fact.status, *people, fact.opened_at, fact.description
        case _:
            raise TypeError(f"{type(fact).__name__} is not reference data")


def _json(parts: Sequence[Fact]) -> str:
    return json.dumps([part.model_dump(mode="json") for part in parts])


def _upsert(table: str, key: str, *columns: str) -> str:
    """The statement that keeps a row as the last fact said it, with who said so and when."""
    columns = (*columns, "changed_by", "changed_at")
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 2))
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return (
        f"INSERT INTO reference.{table} ({key}, {', '.join(columns)}) VALUES ({places}) "  # noqa: S608  # names from below
        f"ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )


_SAVED: Mapping[type[Fact], str] = {
    itsm.PersonSaved: _upsert("people", "person_id", "name", "email", "language", "time_zone", "active"),
    itsm.GroupSaved: _upsert("groups", "group_id", "name", "member_ids", "emails", "permissions"),
    itsm.ParameterSaved: _upsert("parameters", "number", "value"),
    itsm.CategorySaved: _upsert("categories", "category_id", "name", "active"),
    itsm.OriginSaved: _upsert("origins", "origin_id", "name", "active"),
    itsm.EmailTemplateSaved: _upsert("email_templates", "template_id", "name", "variants"),
    itsm.TicketSaved: _upsert(
        *(
            "tickets",
            "ticket_id",
            "title",
            "status",
            "requester_id",
            "group_id",
            "responsible_id",
            "opened_at",
            "description",
        )
    ),
}
