"""The statements about tickets, and who may see them: put together from the parts that they share.

Parameters: $1 is always who asks, and where the statement is about one ticket, $2 is that.
"""
# ruff: noqa: S608  # put together from constants alone; what is asked for comes as parameters

import unicodedata

# The groups whose tickets somebody may see, as ``mine``; nobody's, of who is not active.
MINE = """
WITH own AS (
    SELECT group_id, permissions FROM reference.groups
    WHERE member_ids @> ARRAY[$1::text]
      AND EXISTS (SELECT FROM reference.people AS p WHERE p.person_id = $1::text AND p.active)
), mine AS (
    SELECT group_id FROM own
    UNION
    SELECT permission ->> 'group_id' FROM own, jsonb_array_elements(permissions) AS permission
    WHERE permission -> 'may' ?| ARRAY['execute', 'comment']
)
"""
IS_EXECUTOR = f"{MINE} SELECT EXISTS (SELECT FROM mine)"

# The requester's lines of chat that whoever asks has not read; who never read any is asked about those alone
# that nobody has answered.
_UNREAD = """(
        SELECT count(*)::integer FROM history.chat_entries AS line
        WHERE line.ticket_id = t.ticket_id AND line.sender = 'requester'
          AND EXISTS (SELECT FROM reference.parameters WHERE number = 316 AND value = 'S')
          AND line.version > coalesce(
              (
                  SELECT up_to_version FROM portal.chat_read
                  WHERE chat_read.person_id = $1 AND chat_read.ticket_id = t.ticket_id
              ),
              (
                  SELECT max(answer.version) FROM history.chat_entries AS answer
                  WHERE answer.ticket_id = t.ticket_id AND answer.sender = 'executor'
              ),
              0
          )
    )"""
_TICKETS = f"""
{MINE}
SELECT
    t.ticket_id, t.title, t.status, t.opened_at, t.last_version, t.last_activity_at, {_UNREAD} AS unread,
    t.requester_id, coalesce(requester.name, t.requester_id) AS requester_name,
    t.group_id, coalesce(ticket_group.name, t.group_id) AS group_name,
    t.responsible_id, coalesce(responsible.name, t.responsible_id) AS responsible_name,
    (
        SELECT coalesce(sum(total.minutes), 0)::bigint FROM history.time_totals AS total
        WHERE total.ticket_id = t.ticket_id
    ) AS time_spent_minutes
FROM history.tickets AS t
LEFT JOIN reference.people AS requester ON requester.person_id = t.requester_id
LEFT JOIN reference.people AS responsible ON responsible.person_id = t.responsible_id
LEFT JOIN reference.groups AS ticket_group ON ticket_group.group_id = t.group_id
WHERE t.title IS NOT NULL AND t.group_id IN (SELECT group_id FROM mine)
"""
TICKET = f"{_TICKETS} AND t.ticket_id = $2"
# Who of many may see a ticket goes the other way round: from which groups it can be seen, and who is in them.
WHO_MAY_SEE = """
WITH ticket AS (SELECT group_id FROM history.tickets WHERE ticket_id = $2 AND title IS NOT NULL)
SELECT p.person_id
FROM unnest($1::text[]) AS asking (person_id) JOIN reference.people AS p ON p.person_id = asking.person_id
WHERE p.active
INTERSECT
SELECT unnest(g.member_ids) FROM reference.groups AS g
WHERE g.member_ids && $1::text[] AND (
    g.group_id = (SELECT group_id FROM ticket)
    OR EXISTS (
        SELECT FROM jsonb_array_elements(g.permissions) AS permission
        WHERE permission ->> 'group_id' = (SELECT group_id FROM ticket)
          AND permission -> 'may' ?| ARRAY['execute', 'comment']
    )
)
"""


def pattern(search: str) -> str:
    """A search as a LIKE pattern: without accents and case, as the statements fold what they search."""
    decomposed = unicodedata.normalize("NFKD", search).lower()
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    for special in ("\\", "%", "_"):
        plain = plain.replace(special, "\\" + special)
    return f"%{plain}%"


def folded(text: str) -> str:
    """SQL that takes accents and case from a text, so that it can be compared with a ``pattern``."""
    return f"translate(lower({text}), 'áàâãäåéèêëíìîïóòôõöúùûüçñ', 'aaaaaaeeeeiiiiooooouuuucn')"


_DESK_FILTERED = f"""
{_TICKETS}
AND (t.last_activity_at, t.ticket_id) < ($2::timestamptz, $3::text)
AND ($4::text[] IS NULL OR t.status = ANY($4))
AND ($5::text IS NULL OR t.group_id = $5)
AND ($6::text IS NULL OR t.responsible_id = $6)
"""
_DESK_PAGE = "ORDER BY t.last_activity_at DESC, t.ticket_id DESC LIMIT $7"


def _on(parameter: int) -> str:
    return f"(SELECT count(*) FROM reference.parameters WHERE number = {parameter} AND value = 'S') = 1"


_SOLUTION = r"regexp_replace(o.solution_html, '(<[^>]*>|\s)+', ' ', 'g')"
# What people wrote, as far as it still stands and its part of the history is shown. OFFSET 0 keeps PostgreSQL
# from looking through everything that anybody wrote beforehand: ticket after ticket it ends with a full page.
_DESK_SEARCH = f"""
AND (
    {folded("concat_ws(' ', t.ticket_id, t.title, requester.name)")} LIKE $8
    OR {_on(298)} AND EXISTS (
        SELECT FROM history.occurrences AS o
        WHERE o.ticket_id = t.ticket_id AND NOT o.retracted
          AND {folded(f"concat_ws(' ', o.description_text, {_SOLUTION})")} LIKE $8
        OFFSET 0
    )
    OR EXISTS (
        SELECT FROM history.ticket_entries AS e
        WHERE e.ticket_id = t.ticket_id AND CASE e.kind
            WHEN 'message' THEN {folded("e.data ->> 'text'")} LIKE $8
            WHEN 'action' THEN e.version > 0 AND NOT e.data ? 'release_outcome' AND {_on(298)}
                AND {folded("e.data ->> 'reason'")} LIKE $8
        END
        OFFSET 0
    )
    OR {_on(316)} AND EXISTS (
        SELECT FROM history.chat_entries AS c WHERE c.ticket_id = t.ticket_id AND {folded("c.text")} LIKE $8
        OFFSET 0
    )
)
"""
DESK = {
    (False, False): f"{_DESK_FILTERED} {_DESK_PAGE}",
    (False, True): f"{_DESK_FILTERED} AND t.ticket_id = ANY($8::text[]) {_DESK_PAGE}",
    (True, False): f"{_DESK_FILTERED} {_DESK_SEARCH} {_DESK_PAGE}",
    (True, True): f"{_DESK_FILTERED} {_DESK_SEARCH} AND t.ticket_id = ANY($9::text[]) {_DESK_PAGE}",
}
"""The desk's list: searched or not, and of all tickets or of some."""
