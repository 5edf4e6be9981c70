"""A reader's rights on a ticket by the groups they are in: as the role ``portal_executor``."""

from relato_runtime.database import Pool

from portal_query.offers import Offers
from portal_query.read import Row


async def offers(pool: Pool, person_id: str, ticket: Row) -> Offers:
    """What somebody can do on a ticket that they may see (a row of ``read.ticket``)."""
    rights = await pool.fetchrow(_RIGHTS, person_id, ticket["group_id"])
    assert rights is not None
    return Offers(
        person_id=person_id,
        is_requester=ticket["requester_id"] == person_id,
        closed=ticket["status"] in {"closed", "cancelled"},
        **rights,
    )


async def settings(pool: Pool) -> str:
    """A mark of all that is set and that a ticket's page depends on, and of who has been erased."""
    return str(await pool.fetchval(_SETTINGS))


_SETTINGS = """
SELECT md5(concat_ws(
    ' ', string_agg(p.number || '=' || p.value, ' ' ORDER BY p.number), bool_or(t.template_id IS NOT NULL),
    (SELECT concat(number, ' ', extract(epoch FROM last)) FROM public.erasures_done)
))
FROM reference.parameters AS p
LEFT JOIN reference.email_templates AS t ON p.number = 251 AND t.template_id = p.value
WHERE p.number IN (251, 297, 298, 299, 316)
"""
_MAY = """EXISTS (
        SELECT FROM own
        WHERE permissions @> jsonb_build_array(
            jsonb_build_object('group_id', $2::text, 'may', jsonb_build_array('{}'))
        )
    )"""
_ON = "EXISTS (SELECT FROM reference.parameters WHERE number = {} AND value = 'S')"
_RIGHTS = f"""
WITH own AS (
    SELECT group_id, permissions FROM reference.groups
    WHERE member_ids @> ARRAY[$1::text]
      AND EXISTS (SELECT FROM reference.people AS p WHERE p.person_id = $1 AND p.active)
)
SELECT
    EXISTS (SELECT FROM own WHERE group_id = $2) OR {_MAY.format("execute")} AS may_execute,
    {_MAY.format("comment")} AS may_comment,
    {_ON.format(298)} AS occurrences_enabled,
    {_ON.format(299)} AS messages_enabled,
    {_ON.format(316)} AS chat_enabled
"""  # noqa: S608  # constants alone
