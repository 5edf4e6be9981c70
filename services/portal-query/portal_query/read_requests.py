"""What requesters read of their own tickets: all SQL as the role ``portal_requester``.

That role can read nothing internal, and each statement is about the person's own tickets alone.
"""

from collections.abc import Sequence
from datetime import datetime

from relato_runtime.database import Pool

from portal_query.offers import RequestOffer, on_request
from portal_query.read import Row, Rows

_LAST_VERSION = 2**31 - 1


async def requests(pool: Pool, person_id: str, before: tuple[datetime, str], limit: int) -> list[Row]:
    """The person's tickets, last activity first."""
    return await pool.fetch(_REQUESTS, person_id, *before, limit)


async def some(pool: Pool, person_id: str, ticket_ids: Sequence[str]) -> list[Row]:
    """Those of the tickets that are the person's."""
    return await pool.fetch(_SOME, person_id, ticket_ids)


async def request(pool: Pool, person_id: str, ticket_id: str) -> Row | None:
    """One ticket of the person's."""
    return await pool.fetchrow(_REQUEST, person_id, ticket_id)


async def description(pool: Pool, person_id: str, ticket_id: str) -> str | None:
    """What the person asked for with a ticket of theirs."""
    found: str | None = await pool.fetchval(_DESCRIPTION, person_id, ticket_id)
    return found


async def catalogue(pool: Pool) -> list[Row]:
    """What notes from the portal can be filed under; ``fixed`` where 262 or 263 say which it is."""
    return await pool.fetch(_CATALOGUE)


async def history(
    pool: Pool, person_id: str, ticket_id: str, before_version: int | None, limit: int
) -> Rows | None:
    """What the person may see of their ticket's history, newest first."""
    before = _LAST_VERSION if before_version is None else before_version
    return _rows(await pool.fetch(_HISTORY, person_id, ticket_id, before, limit))


async def chat(
    pool: Pool, person_id: str, ticket_id: str, before_version: int | None, limit: int
) -> Rows | None:
    """The ticket's chat, newest first."""
    before = _LAST_VERSION if before_version is None else before_version
    return _rows(await pool.fetch(_CHAT, person_id, ticket_id, before, limit))


async def since(pool: Pool, person_id: str, ticket_id: str, version: int) -> Rows | None:
    """What is new, different or gone for the person beyond a version of the ticket, in order."""
    return _rows(await pool.fetch(_SINCE, person_id, ticket_id, version))


async def offers(pool: Pool, status: str) -> list[RequestOffer]:
    """What requesters can do on a ticket of theirs in this state."""
    switches = await pool.fetchrow(_SWITCHES)
    assert switches is not None
    return on_request(status, **switches)


async def settings(pool: Pool) -> str:
    """A mark of all that is set and that a request's page depends on, and of who has been erased."""
    return str(await pool.fetchval(_SETTINGS))


def _rows(rows: list[Row]) -> Rows | None:
    """Each statement gives one row without ``version`` when its list is empty."""
    if not rows:
        return None
    first = rows[0]
    return Rows(
        first["ticket_version"],
        first["occurrences_shown"],
        first["chat_enabled"],
        [row for row in rows if row["version"] is not None],
        said=(first["ticket_title"], first["ticket_status"]),
    )


_OWN = """
SELECT
    own.ticket_id, own.title, own.status, own.opened_at, own.last_activity_at, own.unread,
    own.applied_version, own.requester_id, coalesce(person.name, own.requester_id) AS requester_name,
    greatest(
        (SELECT max(e.current_version) FROM history.requester_entries AS e WHERE e.ticket_id = own.ticket_id),
        (SELECT max(c.version) FROM history.requester_chat AS c WHERE c.ticket_id = own.ticket_id),
        0
    ) AS last_version
FROM history.requester_tickets AS own
LEFT JOIN history.requester_people AS person ON person.person_id = own.requester_id
WHERE own.requester_id = $1 AND own.title IS NOT NULL
"""
_DESCRIPTION = """
SELECT said.description FROM history.requester_tickets AS own
JOIN history.requester_descriptions AS said ON said.ticket_id = own.ticket_id
WHERE own.requester_id = $1 AND own.ticket_id = $2 AND own.title IS NOT NULL
"""
_CATALOGUE = """
SELECT entry.kind, entry.id, entry.name, fixing.value IS NOT NULL AS fixed
FROM history.requester_catalog AS entry
LEFT JOIN history.requester_parameters AS fixing
    ON fixing.number = CASE entry.kind WHEN 'category' THEN 262 ELSE 263 END AND fixing.value = entry.id
ORDER BY entry.kind, entry.name
"""
_REQUESTS = f"""
{_OWN} AND (own.last_activity_at, own.ticket_id) < ($2::timestamptz, $3::text)
ORDER BY own.last_activity_at DESC, own.ticket_id DESC LIMIT $4
"""
_SOME = f"{_OWN} AND own.ticket_id = ANY($2::text[]) ORDER BY own.last_activity_at DESC, own.ticket_id DESC"
_REQUEST = f"{_OWN} AND own.ticket_id = $2"

_TICKET = """
WITH ticket AS (
    SELECT own.ticket_id, own.applied_version AS ticket_version,
        own.title AS ticket_title, own.status AS ticket_status,
        EXISTS (SELECT FROM history.requester_parameters WHERE number = 298 AND value = 'S')
            AS occurrences_shown,
        EXISTS (SELECT FROM history.requester_parameters WHERE number = 316 AND value = 'S') AS chat_enabled
    FROM history.requester_tickets AS own
    WHERE own.requester_id = $1 AND own.ticket_id = $2 AND own.title IS NOT NULL
)
SELECT
    ticket.ticket_version, ticket.occurrences_shown, ticket.chat_enabled, ticket.ticket_title,
    ticket.ticket_status, entry.*
FROM ticket
"""
_ENTRY = """
    SELECT
        e.kind, e.version, e.current_version, e.subject_id, e.recorded_at, e.happened_at,
        e.author_id, e.author_name, e.description_html, e.solution_html, e.corrected,
        NULL::text AS sender, NULL::text AS text
    FROM history.requester_entries AS e WHERE e.ticket_id = ticket.ticket_id
"""
_LINE = """
    SELECT
        'chat' AS kind, c.version, c.version AS current_version, c.message_id AS subject_id,
        c.recorded_at, c.recorded_at AS happened_at, c.author_id, c.author_name,
        NULL::text AS description_html, NULL::text AS solution_html, false AS corrected, c.sender, c.text
    FROM history.requester_chat AS c WHERE c.ticket_id = ticket.ticket_id
"""
_GONE = """
    SELECT
        'gone' AS kind, g.version, g.version AS current_version, g.subject_id,
        NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::text, NULL::text, NULL::text, false,
        NULL::text, NULL::text
    FROM requesters.gone(ticket.ticket_id, $3) AS g
"""
_HISTORY = f"""
{_TICKET}
LEFT JOIN LATERAL ({_ENTRY} AND e.version < $3 ORDER BY e.version DESC LIMIT $4) AS entry ON true
ORDER BY entry.version DESC
"""
_CHAT = f"""
{_TICKET}
LEFT JOIN LATERAL ({_LINE} AND c.version < $3 ORDER BY c.version DESC LIMIT $4) AS entry ON true
ORDER BY entry.version DESC
"""
_SINCE = f"""
{_TICKET}
LEFT JOIN LATERAL (
    {_ENTRY} AND e.current_version > $3 UNION ALL {_LINE} AND c.version > $3 UNION ALL {_GONE}
) AS entry ON true
ORDER BY entry.current_version
"""
_SWITCHES = """
SELECT
    count(*) FILTER (WHERE number IN (252, 298)) = 2 AS notes,
    count(*) FILTER (WHERE number = 299) = 1 AS messages,
    count(*) FILTER (WHERE number = 316) = 1 AS chat
FROM history.requester_parameters WHERE value = 'S'
"""
_SETTINGS = """
SELECT md5(concat_ws(
    ' ', string_agg(number || '=' || value, ' ' ORDER BY number),
    (SELECT concat(number, ' ', extract(epoch FROM last)) FROM public.erasures_done)
))
FROM history.requester_parameters
"""
