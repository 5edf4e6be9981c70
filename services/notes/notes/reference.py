"""itsm.* facts into local tables, as far as commands are authorised and validated by them."""

from collections.abc import Sequence
from datetime import datetime

from relato_contracts import itsm
from relato_contracts.fields import Fact
from relato_contracts.people import PersonErased
from relato_contracts.presence import PersonPresent
from relato_contracts.topics import (
    CATALOG,
    EMAIL_TEMPLATES,
    ERASURES,
    GROUPS,
    PARAMETERS,
    PEOPLE,
    PRESENCE,
    TICKETS,
)
from relato_runtime import erased
from relato_runtime.database import Connection
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter

TOPICS = (ERASURES, TICKETS, PEOPLE, GROUPS, PARAMETERS, EMAIL_TEMPLATES, CATALOG, PRESENCE)
_REMOVALS = {
    TICKETS.name: ("DELETE FROM tickets WHERE ticket_id = $1",),
    PEOPLE.name: ("DELETE FROM people WHERE person_id = $1",),
    GROUPS.name: (
        "DELETE FROM groups WHERE group_id = $1",
        "DELETE FROM group_permissions WHERE group_id = $1",
    ),
    PARAMETERS.name: ("DELETE FROM parameters WHERE number::text = $1",),
    EMAIL_TEMPLATES.name: ("DELETE FROM email_templates WHERE template_id = $1",),
    # One topic, two kinds of ids: a tombstone does not say which it means.
    CATALOG.name: (
        "DELETE FROM categories WHERE category_id = $1",
        "DELETE FROM origins WHERE origin_id = $1",
    ),
}
"""What a tombstone does; the stream of a ticket stays, and goes on should the ticket come back."""


async def apply(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
    """Bring the tables to what the records say, one after the other."""
    for _, _, fact in decoded:
        if isinstance(fact, PersonErased):  # nothing new, unless this database was put back from a backup
            await erased.remember(connection, fact.person_id, fact.erased_at)
    instead = await erased.taken_in(connection, [fact for _, _, fact in decoded])
    for record, envelope, fact in decoded:
        if isinstance(fact, PersonErased):
            continue
        if fact is not None:
            await _save(connection, instead.get(fact, fact), envelope.time)
        elif record.key is not None:
            topic = next(name for name in _REMOVALS if record.topic.endswith(name))
            for statement in _REMOVALS[topic]:
                await connection.execute(statement, record.key.decode())
    return ()


async def _save(connection: Connection, fact: Fact, at: datetime) -> None:
    match fact:
        case itsm.TicketSaved():
            await connection.execute(
                """
                INSERT INTO tickets AS known
                    (ticket_id, status, requester_id, group_id, responsible_id, closed_since)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (ticket_id) DO UPDATE SET status = excluded.status,
                    requester_id = excluded.requester_id, group_id = excluded.group_id,
                    responsible_id = excluded.responsible_id,
                    closed_since = CASE
                        WHEN excluded.closed_since IS NOT NULL
                            THEN coalesce(known.closed_since, excluded.closed_since)
                    END
                """,
                *(fact.ticket_id, fact.status, fact.requester_id, fact.group_id, fact.responsible_id),
                at if fact.status in {"closed", "cancelled"} else None,
            )
            await connection.execute(
                "INSERT INTO streams (ticket_id) VALUES ($1) ON CONFLICT DO NOTHING", fact.ticket_id
            )
        case itsm.PersonSaved():
            await connection.execute(
                """
                INSERT INTO people (person_id, name, has_email, active) VALUES ($1, $2, $3, $4)
                ON CONFLICT (person_id) DO UPDATE SET name = excluded.name,
                    has_email = excluded.has_email, active = excluded.active
                """,
                *(fact.person_id, fact.name, fact.email is not None, fact.active),
            )
        case itsm.GroupSaved():
            await _save_group(connection, fact)
        case itsm.ParameterSaved():
            await connection.execute(
                """
                INSERT INTO parameters (number, value) VALUES ($1, $2)
                ON CONFLICT (number) DO UPDATE SET value = excluded.value
                """,
                *(fact.number, fact.value),
            )
        case itsm.EmailTemplateSaved():
            await connection.execute(
                "INSERT INTO email_templates (template_id) VALUES ($1) ON CONFLICT DO NOTHING",
                fact.template_id,
            )
        case itsm.CategorySaved():
            await connection.execute(
                """
                INSERT INTO categories (category_id, active) VALUES ($1, $2)
                ON CONFLICT (category_id) DO UPDATE SET active = excluded.active
                """,
                *(fact.category_id, fact.active),
            )
        case itsm.OriginSaved():
            await connection.execute(
                """
                INSERT INTO origins (origin_id, active) VALUES ($1, $2)
                ON CONFLICT (origin_id) DO UPDATE SET active = excluded.active
                """,
                *(fact.origin_id, fact.active),
            )
        case PersonPresent(state="gone"):
            await connection.execute(
                "DELETE FROM presence WHERE ticket_id = $1 AND person_id = $2",
                *(fact.ticket_id, fact.person_id),
            )
        case PersonPresent():
            await connection.execute(
                """
                INSERT INTO presence (ticket_id, person_id, until) VALUES ($1, $2, $3)
                ON CONFLICT (ticket_id, person_id) DO UPDATE SET until = excluded.until
                """,
                *(fact.ticket_id, fact.person_id, fact.until),
            )
        case _:
            raise TypeError(f"{type(fact).__name__} is not reference data")


async def _save_group(connection: Connection, group: itsm.GroupSaved) -> None:
    await connection.execute(
        """
        INSERT INTO groups (group_id, member_ids, has_email) VALUES ($1, $2, $3)
        ON CONFLICT (group_id) DO UPDATE SET member_ids = excluded.member_ids,
            has_email = excluded.has_email
        """,
        *(group.group_id, list(group.member_ids), bool(group.emails)),
    )
    await connection.execute("DELETE FROM group_permissions WHERE group_id = $1", group.group_id)
    allowed: dict[str, set[str]] = {}
    for permission in group.permissions:
        allowed.setdefault(permission.group_id, set()).update(permission.may)
    await connection.executemany(
        "INSERT INTO group_permissions (group_id, on_group_id, may) VALUES ($1, $2, $3)",
        [(group.group_id, on_group_id, sorted(may)) for on_group_id, may in allowed.items()],
    )
