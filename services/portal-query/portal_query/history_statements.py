"""The statements about the history of one ticket: $1 is the person who asks, $2 the ticket.

Each gives at least one row when the person may see the ticket, and none otherwise.
"""
# ruff: noqa: S608  # put together from constants alone; what is asked for comes as parameters

from portal_query.statements import MINE, folded

_TICKET = f"""
{MINE}, ticket AS (
    SELECT t.ticket_id, t.last_version AS ticket_version, t.requester_id,
        EXISTS (SELECT FROM reference.parameters WHERE number = 298 AND value = 'S') AS occurrences_shown,
        EXISTS (SELECT FROM reference.parameters WHERE number = 316 AND value = 'S') AS chat_enabled
    FROM history.tickets AS t
    WHERE t.ticket_id = $2 AND t.title IS NOT NULL AND t.group_id IN (SELECT group_id FROM mine)
)
"""

# Where occurrences are switched off, neither they nor what was done to them is shown.
_SHOWN = """
    e.ticket_id = (SELECT ticket_id FROM ticket)
    AND ((SELECT occurrences_shown FROM ticket)
        OR e.kind <> 'occurrence' AND (e.kind <> 'action' OR e.version = 0))
"""
_PAGE = f"""
    SELECT e.* FROM history.ticket_entries AS e
    WHERE {_SHOWN}
      AND (e.recorded_at, e.version, e.event_id) < ($3::timestamptz, $4::integer, $5::uuid)
      AND e.kind = ANY($6::text[])
      AND ($8::text IS NULL OR e.author_id = $8)
"""
_PAGE_ORDER = "ORDER BY e.recorded_at DESC, e.version DESC, e.event_id DESC LIMIT $7"


def _searched(parameter: str, occurrence: str) -> str:
    fields = ("text", "reason", "from", "to", "title", "recipient", "description_text", "solution_text")
    said = ", ".join(f"e.data ->> '{field}'" for field in fields)
    other = folded(f"concat_ws(' ', e.author_name, {said})") + f" LIKE {parameter}"
    return f"AND CASE e.kind WHEN 'occurrence' THEN {occurrence} ELSE {other} END"


_OCCURRENCE_NOW = f"""EXISTS (
    SELECT FROM history.occurrences AS o WHERE o.occurrence_id = e.subject_id
    AND {folded("concat_ws(' ', o.author_name, o.description_text, o.solution_html)")} LIKE $9
)"""
_OCCURRENCE_THEN = (
    folded("concat_ws(' ', e.author_name, e.data ->> 'description_text', e.data ->> 'solution_html')")
    + " LIKE $10"
)

# What is held back says so in its last fact about being visible; few have one beside their recording.
_RELEASE = """CASE WHEN NOT o.visible_to_requester AND NOT o.retracted THEN
        coalesce(
            CASE WHEN o.version > page.version THEN (
                SELECT jsonb_build_object('held', fact.data -> 'release', 'by', fact.author_id, 'new', false)
                FROM history.ticket_entries AS fact
                WHERE fact.subject_id = page.subject_id AND fact.kind = 'action'
                  AND fact.action = 'occurrence-visibility-changed' AND fact.ticket_id = ticket.ticket_id
                ORDER BY fact.version DESC LIMIT 1
            ) END,
            jsonb_build_object('held', page.data -> 'release', 'by', page.author_id, 'new', true)
        )
    END"""

_RETRACTION = """CASE WHEN o.retracted THEN (
        SELECT jsonb_build_object(
            'reason', fact.data ->> 'reason', 'undone', fact.data ? 'release_outcome',
            'author', jsonb_build_object('id', fact.author_id, 'name', fact.author_name),
            'recorded_at', to_char(fact.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        )
        FROM history.ticket_entries AS fact
        WHERE fact.subject_id = page.subject_id AND fact.kind = 'action'
          AND fact.action = 'occurrence-retracted' AND fact.ticket_id = ticket.ticket_id
        LIMIT 1
    ) END"""


def _mail_decision(mail: str) -> str:
    """What somebody decided about a mail stands in the fact that says what became of it, and in no column."""
    return f"""
        SELECT fact.data -> 'decision' AS decision FROM history.ticket_entries AS fact
        WHERE fact.subject_id = {mail}.subject_id AND fact.kind = 'mail'
          AND fact.ticket_id = {mail}.ticket_id AND fact.event_id = {mail}.outcome_id"""


# A page's entries with all that belongs to them. Occurrences come as they now stand.
_ENTRIES = f"""
SELECT
    ticket.ticket_version, ticket.occurrences_shown, ticket.chat_enabled, ticket.requester_id,
    page.version, page.event_id, page.kind, page.action, page.subject_id, page.recorded_at, page.happened_at,
    page.author_id, coalesce(page.author_name, author.name, page.author_id) AS author_name,
    CASE WHEN page.kind <> 'occurrence' THEN page.data END AS data,
    o.version AS occurrence_version, o.occurred_at, o.channel, o.description_html, o.time_spent_minutes,
    o.solution_html, o.category_id, o.origin_id, o.visible_to_requester, o.notify_by_email, o.corrected,
    o.retracted, o.earlier, mails.emails, seen.seen_at, {_RELEASE} AS release,
    {_RETRACTION} AS retraction
FROM ticket
LEFT JOIN page ON true
LEFT JOIN history.occurrences AS o ON page.kind = 'occurrence' AND o.occurrence_id = page.subject_id
LEFT JOIN reference.people AS author ON page.author_name IS NULL AND author.person_id = page.author_id
LEFT JOIN (
    SELECT mail.subject_id, jsonb_agg(
        jsonb_strip_nulls(jsonb_build_object(
            'mail_id', mail.mail_id, 'recipient', mail.recipient, 'state', mail.state, 'reason', mail.reason,
            'at', to_char(mail.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'decision', told.decision
        )) ORDER BY mail.at, mail.mail_id
    ) AS emails
    FROM history.email_outcomes AS mail
    LEFT JOIN LATERAL ({_mail_decision("mail")}) AS told ON true
    WHERE mail.subject_id IN (SELECT subject_id FROM page WHERE kind IN ('occurrence', 'message', 'chat'))
    GROUP BY mail.subject_id
) AS mails ON page.kind IN ('occurrence', 'message', 'chat') AND mails.subject_id = page.subject_id
LEFT JOIN LATERAL (
    SELECT view.seen_at FROM history.views AS view
    WHERE view.ticket_id = ticket.ticket_id AND page.author_id <> ticket.requester_id
      AND view.up_to_version >= CASE page.kind WHEN 'occurrence' THEN o.shown_version ELSE page.version END
      AND page.kind IN ('occurrence', 'message', 'chat') AND o.visible_to_requester IS NOT FALSE
      AND (o.retracted IS NOT TRUE OR view.up_to_version < o.version)
    ORDER BY view.up_to_version LIMIT 1
) AS seen ON true
"""
_NEWEST_FIRST = "ORDER BY page.recorded_at DESC, page.version DESC, page.event_id DESC"
_NOW = f"{_TICKET}, page AS ({_PAGE} {_PAGE_ORDER}) {_ENTRIES} {_NEWEST_FIRST}"
_NOW_SEARCH = (
    f"{_TICKET}, page AS ({_PAGE} {_searched('$9', _OCCURRENCE_NOW)} {_PAGE_ORDER}) "
    f"{_ENTRIES} {_NEWEST_FIRST}"
)

# The same up to a moment: each entry with the facts about it until then, to be folded.
_ENTRIES_AS_OF = """
SELECT
    ticket.ticket_version, ticket.occurrences_shown, ticket.chat_enabled, ticket.requester_id,
    page.version, page.event_id, page.kind, page.action, page.subject_id, page.recorded_at, page.happened_at,
    page.author_id, coalesce(page.author_name, author.name, page.author_id) AS author_name,
    page.data, about.facts, seen.seen_at
FROM ticket
LEFT JOIN page ON true
LEFT JOIN reference.people AS author ON page.author_name IS NULL AND author.person_id = page.author_id
LEFT JOIN LATERAL (
    SELECT
        jsonb_agg(
            jsonb_build_object(
                'kind', fact.kind, 'action', fact.action, 'version', fact.version, 'data', fact.data,
                'author', jsonb_build_object('id', fact.author_id, 'name', fact.author_name),
                'recorded_at', to_char(fact.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ) ORDER BY fact.recorded_at, fact.version, fact.event_id
        ) AS facts,
        max(fact.version) FILTER (
            WHERE fact.action IN ('occurrence-solved', 'occurrence-visibility-changed')
            OR fact.data ?| ARRAY['description_html', 'occurred_at', 'solution_html']
        ) AS shown_version,
        max(fact.version) FILTER (WHERE fact.action = 'occurrence-retracted') AS retracted_version
    FROM history.ticket_entries AS fact
    WHERE page.kind IN ('occurrence', 'message', 'chat') AND fact.subject_id = page.subject_id
      AND fact.kind IN ('action', 'mail') AND fact.ticket_id = ticket.ticket_id AND fact.recorded_at <= $9
) AS about ON true
LEFT JOIN LATERAL (
    SELECT view.seen_at FROM history.views AS view
    WHERE view.ticket_id = ticket.ticket_id AND page.author_id <> ticket.requester_id
      AND page.kind IN ('occurrence', 'message', 'chat') AND view.seen_at <= $9
      AND view.up_to_version >= coalesce(about.shown_version, page.version)
      AND (about.retracted_version IS NULL OR view.up_to_version < about.retracted_version)
    ORDER BY view.up_to_version LIMIT 1
) AS seen ON true
"""
_THEN = f"{_TICKET}, page AS ({_PAGE} {_PAGE_ORDER}) {_ENTRIES_AS_OF} {_NEWEST_FIRST}"
_THEN_SEARCH = (
    f"{_TICKET}, page AS ({_PAGE} {_searched('$10', _OCCURRENCE_THEN)} {_PAGE_ORDER}) "
    f"{_ENTRIES_AS_OF} {_NEWEST_FIRST}"
)

OF = {
    (False, False): _NOW,
    (False, True): _NOW_SEARCH,
    (True, False): _THEN,
    (True, True): _THEN_SEARCH,
}
"""A page of a history: up to a moment or not, searched or not."""

AUTHORS = f"""
{_TICKET}
SELECT e.author_id, coalesce(max(e.author_name), max(person.name), e.author_id) AS name
FROM history.ticket_entries AS e
LEFT JOIN reference.people AS person ON person.person_id = e.author_id
WHERE {_SHOWN} AND e.author_id IS NOT NULL
GROUP BY e.author_id ORDER BY name, e.author_id
"""
# All facts about some notes, and who wrote them when: by their places, since there are more facts than these.
SUBJECTS = f"""
{_TICKET}
SELECT fact.subject_id, fact.kind, fact.action, fact.version, fact.recorded_at, fact.data,
    coalesce(fact.author_name, fact.author_id) AS author_name
FROM ticket
JOIN history.occurrences AS o
    ON ticket.occurrences_shown AND o.ticket_id = ticket.ticket_id AND o.occurrence_id = ANY($3::uuid[])
JOIN LATERAL (
    SELECT e.* FROM history.ticket_entries AS e
    WHERE (e.ticket_id, e.recorded_at, e.version) = (o.ticket_id, o.recorded_at, o.recorded_version)
      AND e.kind = 'occurrence'
    UNION ALL
    SELECT e.* FROM history.ticket_entries AS e
    WHERE e.subject_id = o.occurrence_id AND e.kind = 'action' AND e.ticket_id = o.ticket_id
) AS fact ON true
ORDER BY fact.version
"""
MESSAGES = f"""
{_TICKET}
SELECT e.subject_id, e.kind, e.action, e.version, e.recorded_at, e.data,
    coalesce(e.author_name, e.author_id) AS author_name
FROM ticket JOIN history.ticket_entries AS e ON e.ticket_id = ticket.ticket_id
WHERE e.kind IN ('message', 'chat') AND e.subject_id = ANY($3::uuid[])
"""
# For operators, who are in no group and look behind every switch; $1 counts for nothing.
EVERYTHING_THEN = f"""
WITH ticket AS (
    SELECT ticket_id, last_version AS ticket_version, requester_id,
        true AS occurrences_shown, true AS chat_enabled
    FROM history.tickets WHERE ticket_id = $2 AND $1::text IS NOT NULL
), page AS ({_PAGE} {_PAGE_ORDER}) {_ENTRIES_AS_OF} {_NEWEST_FIRST}
"""

CHAT = f"""
{_TICKET}
SELECT
    ticket.ticket_version, ticket.occurrences_shown, ticket.chat_enabled,
    line.version, line.message_id, line.recorded_at, line.sender, line.author_id, line.author_name, line.text
FROM ticket
LEFT JOIN LATERAL (
    SELECT c.* FROM history.chat_entries AS c
    WHERE c.ticket_id = ticket.ticket_id AND c.version < $3 AND ticket.chat_enabled
    ORDER BY c.version DESC LIMIT $4
) AS line ON true
ORDER BY line.version DESC
"""
MAILS = f"""
{_TICKET}
SELECT ticket.ticket_version, ticket.occurrences_shown, ticket.chat_enabled, mail.*
FROM ticket
LEFT JOIN LATERAL (
    SELECT m.mail_id, m.event_id, m.event_version, m.subject_id, m.recipient, m.recipient_role, m.template_id,
        m.state, m.at, m.reason, told.decision
    FROM history.email_outcomes AS m
    LEFT JOIN LATERAL ({_mail_decision("m")}) AS told ON true
    WHERE m.ticket_id = ticket.ticket_id AND (m.at, m.mail_id) < ($3::timestamptz, $4::uuid)
    ORDER BY m.at DESC, m.mail_id DESC LIMIT $5
) AS mail ON true
ORDER BY mail.at DESC, mail.mail_id DESC
"""
# Of chat, which is no entry on the ticket's page: what nobody knows the outcome of.
UNCERTAIN_CHAT_MAILS = f"""
SELECT m.mail_id, m.event_id, m.event_version, m.subject_id, m.recipient, m.recipient_role, m.template_id,
    m.state, m.at, m.reason, told.decision
FROM history.email_outcomes AS m
LEFT JOIN LATERAL ({_mail_decision("m")}) AS told ON true
WHERE m.ticket_id = $1 AND m.state = 'uncertain' AND EXISTS (
    SELECT FROM history.chat_entries AS c WHERE c.ticket_id = $1 AND c.message_id = m.subject_id
)
ORDER BY m.at, m.mail_id
"""

# What is new in a ticket's stream; an occurrence that a fact changed follows as it now stands.
_FRESH = f"""
    SELECT e.* FROM history.ticket_entries AS e
    WHERE {_SHOWN} AND e.recorded_at > $3::timestamptz AND e.version > $4::integer
"""
_CHANGED = """
    SELECT e.* FROM history.ticket_entries AS e
    JOIN history.occurrences AS o
        ON (o.ticket_id, o.recorded_at, o.recorded_version) = (e.ticket_id, e.recorded_at, e.version)
    WHERE o.occurrence_id IN (SELECT subject_id FROM fresh WHERE kind = 'action')
      AND e.kind = 'occurrence' AND e.ticket_id = (SELECT ticket_id FROM ticket)
"""
SINCE = f"""
{_TICKET}, fresh AS ({_FRESH}), page AS (SELECT * FROM fresh UNION {_CHANGED})
SELECT entry.*, (
    SELECT count(*) FROM history.ticket_entries AS e
    WHERE e.ticket_id = $2 AND e.recorded_at > $3::timestamptz AND e.version > $4::integer
) AS found
FROM ({_ENTRIES}) AS entry ORDER BY greatest(entry.version, entry.occurrence_version), entry.kind DESC
"""
ENTRIES = f"""
{_TICKET}, page AS (
    SELECT e.* FROM history.ticket_entries AS e
    WHERE {_SHOWN} AND e.version = 0 AND e.event_id = ANY($3::uuid[])
)
{_ENTRIES} ORDER BY page.recorded_at, page.event_id
"""
OUTSIDE = """
SELECT event_id, recorded_at FROM history.ticket_entries
WHERE ticket_id = $1 AND version = 0 ORDER BY recorded_at DESC LIMIT $2
"""
