"""The situations that commands are decided in, read with one query for a whole batch."""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

from relato_runtime.database import Connection

from notes.commands import AnyCommand, CorrectOccurrence, RecordOccurrence
from notes.situation import Situation

_DECIDING = (251, 252, 253, 262, 263, 297, 298, 299, 316, 371, 447)


async def read(connection: Connection, commands: Sequence[AnyCommand]) -> list[Situation]:
    """The situation of each command, in the same order."""
    rows = await connection.fetch(
        _SITUATIONS,
        [command.ticket_id for command in commands],
        [command.author_id for command in commands],
        [_catalog(command)[0] for command in commands],
        [_catalog(command)[1] for command in commands],
        max(command.now for command in commands),
        _DECIDING,
    )
    configuration = _configuration(json.loads(rows[0]["switches"]))
    return [
        Situation(**{name: value for name, value in row.items() if name != "switches"}, **configuration)
        for row in rows
    ]


class _Configuration(TypedDict):
    """What all situations share."""

    portal_category_id: str | None
    portal_origin_id: str | None
    parameters: Mapping[int, str]
    configured_templates: frozenset[int]


class _Switch(TypedDict):
    number: int
    value: str
    template: bool
    category: bool
    origin: bool


def _configuration(switches: Sequence[_Switch]) -> _Configuration:
    return _Configuration(
        portal_category_id=next(
            (each["value"] for each in switches if each["number"] == 262 and each["category"]), None
        ),
        portal_origin_id=next(
            (each["value"] for each in switches if each["number"] == 263 and each["origin"]), None
        ),
        parameters={each["number"]: each["value"] for each in switches},
        configured_templates=frozenset(each["number"] for each in switches if each["template"]),
    )


def _catalog(command: AnyCommand) -> tuple[str | None, str | None]:
    if isinstance(command, RecordOccurrence | CorrectOccurrence):
        return command.category_id, command.origin_id
    return None, None


_SITUATIONS = """
SELECT
    ticket.ticket_id IS NOT NULL AS ticket_known,
    coalesce(ticket.status, 'open') AS status,
    coalesce(ticket.requester_id, '') AS requester_id,
    coalesce(author.name, '') AS author_name,
    coalesce(author.active AND ticket.requester_id = author.person_id, false) AS is_requester,
    coalesce(author.active, false) AS author_active,
    coalesce(author.active AND may.execute, false) AS may_execute,
    coalesce(author.active AND may.comment, false) AS may_comment,
    given.category_id IS NULL OR category.active IS TRUE AS category_known,
    given.origin_id IS NULL OR origin.active IS TRUE AS origin_known,
    EXISTS (
        SELECT FROM presence
        WHERE ticket_id = ticket.ticket_id AND person_id = ticket.requester_id AND until > $5
    ) AS requester_online,
    EXISTS (
        SELECT FROM presence AS there
        WHERE there.ticket_id = ticket.ticket_id AND there.until > $5
            AND CASE WHEN ticket.responsible_id IS NOT NULL THEN there.person_id = ticket.responsible_id
                ELSE there.person_id <> ticket.requester_id AND EXISTS (
                    SELECT FROM groups AS own
                    LEFT JOIN group_permissions AS permission
                        ON permission.group_id = own.group_id AND permission.on_group_id = ticket.group_id
                    WHERE own.member_ids @> ARRAY[there.person_id]
                        AND (own.group_id = ticket.group_id OR 'execute' = ANY(permission.may))
                ) END
    ) AS attendant_online,
    coalesce(requester.active AND requester.has_email, true) AS requester_has_address,
    CASE WHEN ticket.responsible_id IS NULL THEN coalesce(ticket_group.has_email, true)
        ELSE coalesce(responsible.active AND responsible.has_email, true) END AS attendant_has_address,
    (
        SELECT coalesce(json_agg(json_build_object(
            'number', number, 'value', value,
            'template', EXISTS (SELECT FROM email_templates WHERE template_id = value),
            'category', EXISTS (SELECT FROM categories WHERE category_id = value AND active),
            'origin', EXISTS (SELECT FROM origins WHERE origin_id = value AND active)
        )), '[]')
        FROM parameters WHERE number = ANY($6::int[])
    ) AS switches
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS given (ticket_id, person_id, category_id, origin_id, place)
LEFT JOIN tickets AS ticket ON ticket.ticket_id = given.ticket_id
LEFT JOIN people AS author ON author.person_id = given.person_id
LEFT JOIN people AS requester ON requester.person_id = ticket.requester_id
LEFT JOIN people AS responsible ON responsible.person_id = ticket.responsible_id
LEFT JOIN groups AS ticket_group ON ticket_group.group_id = ticket.group_id
LEFT JOIN categories AS category ON category.category_id = given.category_id
LEFT JOIN origins AS origin ON origin.origin_id = given.origin_id
LEFT JOIN LATERAL (
    SELECT
        bool_or(own.group_id = ticket.group_id OR 'execute' = ANY(permission.may)) AS execute,
        bool_or('comment' = ANY(permission.may)) AS comment
    FROM groups AS own
    LEFT JOIN group_permissions AS permission
        ON permission.group_id = own.group_id AND permission.on_group_id = ticket.group_id
    WHERE own.member_ids @> ARRAY[given.person_id]
) AS may ON true
ORDER BY given.place
"""
