"""What topics say into local tables and back: all SQL about reference data and occurrences."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter
from relato_contracts import itsm
from relato_contracts.fields import Fact
from relato_contracts.topics import EMAIL_TEMPLATES, GROUPS, PARAMETERS, PEOPLE, TICKETS, Topic
from relato_runtime.database import Connection

from notifier.known import PARAMETERS as NUMBERS
from notifier.known import TEMPLATES, Group, Known, Person, Ticket
from notifier.occurrence import Occurrence

_VARIANTS: TypeAdapter[tuple[itsm.EmailVariant, ...]] = TypeAdapter(tuple[itsm.EmailVariant, ...])


@dataclass(frozen=True, slots=True)
class _Table:
    """How the facts of a topic are kept: what others wait for is ``name`` and the key."""

    name: str
    save: str
    remove: str


_TABLES: Mapping[str, _Table] = {
    TICKETS.name: _Table(
        "ticket",
        """
        INSERT INTO tickets (ticket_id, title, group_id, responsible_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT (ticket_id) DO UPDATE SET title = excluded.title, group_id = excluded.group_id,
            responsible_id = excluded.responsible_id
        """,
        "DELETE FROM tickets WHERE ticket_id = $1",
    ),
    PEOPLE.name: _Table(
        "person",
        """
        INSERT INTO people (person_id, name, email, language, time_zone, active)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (person_id) DO UPDATE SET name = excluded.name, email = excluded.email,
            language = excluded.language, time_zone = excluded.time_zone, active = excluded.active
        """,
        "DELETE FROM people WHERE person_id = $1",
    ),
    GROUPS.name: _Table(
        "group",
        """
        INSERT INTO groups (group_id, name, emails, member_ids, executes, comments)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, emails = excluded.emails,
            member_ids = excluded.member_ids, executes = excluded.executes, comments = excluded.comments
        """,
        "DELETE FROM groups WHERE group_id = $1",
    ),
    PARAMETERS.name: _Table(
        "parameter",
        """
        INSERT INTO parameters (number, value) VALUES ($1, $2)
        ON CONFLICT (number) DO UPDATE SET value = excluded.value
        """,
        "DELETE FROM parameters WHERE number::text = $1",
    ),
    EMAIL_TEMPLATES.name: _Table(
        "template",
        """
        INSERT INTO email_templates (template_id, variants) VALUES ($1, $2)
        ON CONFLICT (template_id) DO UPDATE SET variants = excluded.variants
        """,
        "DELETE FROM email_templates WHERE template_id = $1",
    ),
}
TOPICS: tuple[Topic, ...] = (TICKETS, PEOPLE, GROUPS, PARAMETERS, EMAIL_TEMPLATES)


async def save(connection: Connection, facts: Mapping[tuple[str, str], Fact | None]) -> list[str]:
    """Bring the tables to what the last fact of each topic and key says; no fact removes.

    Returns what has arrived, as it is named by those who wait for it.
    """
    saved: dict[str, list[tuple[object, ...]]] = {}
    removed: dict[str, list[tuple[str]]] = {}
    for (topic, key), fact in facts.items():
        if fact is None:
            removed.setdefault(topic, []).append((key,))
        else:
            saved.setdefault(topic, []).append(_columns(fact))
    for topic, keys in removed.items():
        if topic == PEOPLE.name:
            await connection.executemany(_MOVED, [(key, None) for (key,) in keys])
        await connection.executemany(_TABLES[topic].remove, keys)
    for topic, rows in saved.items():
        if topic == PEOPLE.name:
            await connection.executemany(_MOVED, [(person_id, email) for person_id, _, email, *_ in rows])
        await connection.executemany(_TABLES[topic].save, rows)
    return [f"{_TABLES[topic].name}:{key}" for (topic, key), fact in facts.items() if fact is not None]


_MOVED = """
    INSERT INTO former_addresses (person_id, address, until)
    SELECT person_id, email, clock_timestamp() FROM people
    WHERE person_id = $1 AND email IS NOT NULL AND lower(email) IS DISTINCT FROM lower($2)
    ON CONFLICT (person_id, address) DO UPDATE SET until = excluded.until
"""


def _columns(fact: Fact) -> tuple[object, ...]:
    match fact:
        case itsm.TicketSaved():
            return fact.ticket_id, fact.title, fact.group_id, fact.responsible_id
        case itsm.PersonSaved():
            return fact.person_id, fact.name, fact.email, fact.language, fact.time_zone, fact.active
        case itsm.GroupSaved():
            may = {
                what: [each.group_id for each in fact.permissions if what in each.may]
                for what in ("execute", "comment")
            }
            members = list(fact.member_ids)
            return fact.group_id, fact.name, list(fact.emails), members, may["execute"], may["comment"]
        case itsm.ParameterSaved():
            return fact.number, fact.value
        case itsm.EmailTemplateSaved():
            return fact.template_id, json.dumps([each.model_dump() for each in fact.variants])
        case _:
            raise TypeError(f"{type(fact).__name__} is not reference data of the notifier")


async def load(connection: Connection, ticket_ids: Iterable[str], person_ids: Iterable[str]) -> Known:
    """What is known of tickets, of people and of those responsible for the tickets, and all settings."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, title, group_id, responsible_id, groups.name AS group_name, groups.emails
        FROM tickets LEFT JOIN groups USING (group_id) WHERE ticket_id = ANY($1::text[])
        """,
        list(ticket_ids),
    )
    tickets = {row["ticket_id"]: Ticket(row["title"], row["group_id"], row["responsible_id"]) for row in rows}
    groups = {
        row["group_id"]: Group(row["group_name"], tuple(row["emails"]))
        for row in rows
        if row["group_name"] is not None
    }
    wanted = {*person_ids, *(ticket.responsible_id for ticket in tickets.values() if ticket.responsible_id)}
    parameters = await connection.fetch(
        "SELECT number, value FROM parameters WHERE number = ANY($1::int[])", NUMBERS
    )
    values = {row["number"]: row["value"] for row in parameters}
    templates = [values[number].strip() for number in TEMPLATES if number in values]
    return Known(
        tickets=tickets,
        people=await _people(connection, wanted),
        groups=groups,
        parameters=values,
        templates=await _templates(connection, templates),
    )


async def _people(connection: Connection, ids: Iterable[str]) -> dict[str, Person]:
    rows = await connection.fetch("SELECT * FROM people WHERE person_id = ANY($1::text[])", list(ids))
    return {
        row["person_id"]: Person(row["name"], row["email"], row["language"], row["time_zone"], row["active"])
        for row in rows
    }


async def _templates(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[itsm.EmailVariant, ...]]:
    rows = await connection.fetch(
        "SELECT * FROM email_templates WHERE template_id = ANY($1::text[])", list(ids)
    )
    return {row["template_id"]: _VARIANTS.validate_json(row["variants"]) for row in rows}


async def load_occurrences(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Occurrence]:
    """Occurrences as they now are."""
    rows = await connection.fetch(
        "SELECT * FROM occurrences WHERE occurrence_id = ANY($1::uuid[])", list(ids)
    )
    return {row["occurrence_id"]: Occurrence(**dict(row)) for row in rows}


async def save_occurrences(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Keep occurrences as they now are."""
    if not occurrences:
        return
    await connection.executemany(
        """
        INSERT INTO occurrences (occurrence_id, version, author_name, occurred_at, html, text,
            solution_html, visible, retracted, ticket_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (occurrence_id) DO UPDATE SET version = excluded.version,
            occurred_at = excluded.occurred_at, html = excluded.html, text = excluded.text,
            solution_html = excluded.solution_html, visible = excluded.visible,
            retracted = excluded.retracted, ticket_id = excluded.ticket_id
        """,
        [
            (
                each.occurrence_id,
                each.version,
                each.author_name,
                each.occurred_at,
                each.html,
                each.text,
                each.solution_html,
                each.visible,
                each.retracted,
                each.ticket_id,
            )
            for each in occurrences
        ],
    )
