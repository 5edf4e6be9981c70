"""The situations that commands are decided in, read with one query for a whole batch."""

from collections.abc import Sequence

from relato_runtime.database import Connection

from notes.commands import AnyCommand, CorrectOccurrence, RecordOccurrence
from notes.situation import Situation

_DECIDING = (251, 252, 253, 262, 263, 297, 298, 299, 316, 447)


async def read(connection: Connection, commands: Sequence[AnyCommand]) -> list[Situation]:
    """The situation of each command, in the same order."""
    rows = await connection.fetch(
        _SITUATIONS,
        [command.ticket_id for command in commands],
        [command.author_id for command in commands],
        [_catalog(command)[0] for command in commands],
        [_catalog(command)[1] for command in commands],
        max(command.now for command in commands),
    )
    switches = await connection.fetch(
        """
        SELECT number, value, template_id IS NOT NULL AS names_template,
            EXISTS (SELECT FROM categories WHERE category_id = value AND active) AS names_category,
            EXISTS (SELECT FROM origins WHERE origin_id = value AND active) AS names_origin
        FROM parameters LEFT JOIN email_templates ON template_id = value
        WHERE number = ANY($1::int[])
        """,
        _DECIDING,
    )
    parameters = {row["number"]: row["value"] for row in switches}
    templates = frozenset(row["number"] for row in switches if row["names_template"])
    category = next(
        (row["value"] for row in switches if row["number"] == 262 and row["names_category"]), None
    )
    origin = next((row["value"] for row in switches if row["number"] == 263 and row["names_origin"]), None)
    return [
        Situation(
            **dict(row),
            portal_category_id=category,
            portal_origin_id=origin,
            parameters=parameters,
            configured_templates=templates,
        )
        for row in rows
    ]


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
    coalesce(author.active AND may.execute, false) AS may_execute,
    coalesce(author.active AND may.comment, false) AS may_comment,
    given.category_id IS NULL OR category.active IS TRUE AS category_known,
    given.origin_id IS NULL OR origin.active IS TRUE AS origin_known,
    EXISTS (
        SELECT FROM presence
        WHERE ticket_id = ticket.ticket_id AND person_id = ticket.requester_id AND until > $5
    ) AS requester_online,
    EXISTS (
        SELECT FROM presence
        WHERE ticket_id = ticket.ticket_id AND person_id <> ticket.requester_id AND until > $5
    ) AS attendant_online,
    coalesce(requester.active AND requester.has_email, false) AS requester_has_address,
    CASE WHEN ticket.responsible_id IS NULL THEN coalesce(ticket_group.has_email, false)
        ELSE coalesce(responsible.active AND responsible.has_email, false) END AS attendant_has_address
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
