-- The views of one generation, and who may read them. They are made in a schema of their own, history_next, which is
-- kept as history_<generation>_views and is called history while its generation is the live one: a switch renames
-- two schemas, so that no reader waits for a lock on a view, and none finds it missing.
-- Names without a schema are resolved in the generation's, history_<generation>.
CREATE SCHEMA history_next;
COMMENT ON SCHEMA history_next IS 'Views of one generation; portal-query reads those in the schema history.';

CREATE VIEW history_next.tickets AS SELECT * FROM tickets;
CREATE VIEW history_next.ticket_entries AS SELECT * FROM ticket_entries;
CREATE VIEW history_next.occurrences AS SELECT * FROM occurrences;
CREATE VIEW history_next.chat_entries AS SELECT * FROM chat_entries;
CREATE VIEW history_next.views AS SELECT * FROM views;
CREATE VIEW history_next.email_outcomes AS SELECT * FROM email_outcomes;
CREATE VIEW history_next.time_totals AS SELECT * FROM time_totals;
CREATE VIEW history_next.parked_tickets AS SELECT ticket_id, reason, since, missing_version FROM parked_tickets;

CREATE VIEW history_next.requester_parameters WITH (security_barrier) AS
SELECT number, value FROM reference.parameters WHERE number IN (252, 262, 263, 298, 299, 316, 371);

CREATE VIEW history_next.requester_people WITH (security_barrier) AS
SELECT person_id, name, language, time_zone FROM reference.people;

CREATE VIEW history_next.requester_descriptions WITH (security_barrier) AS
SELECT ticket_id, description FROM reference.tickets WHERE description IS NOT NULL;

CREATE VIEW history_next.requester_catalog WITH (security_barrier) AS
SELECT 'category' AS kind, category_id AS id, name FROM reference.categories WHERE active
UNION ALL
SELECT 'origin', origin_id, name FROM reference.origins WHERE active;

-- No security_barrier from here on: it would have a page read the whole history, and there is nothing
-- internal in the tables below that it could guard.
-- Not for requesters: it says who made the last visible change.
CREATE VIEW history_next.shown_entries AS
SELECT * FROM requester_entries
WHERE CASE kind
    WHEN 'occurrence' THEN EXISTS (SELECT FROM reference.parameters WHERE number = 298 AND value = 'S')
    ELSE EXISTS (SELECT FROM reference.parameters WHERE number = 299 AND value = 'S')
END;

CREATE VIEW history_next.requester_entries AS
SELECT
    ticket_id, version, recorded_at, subject_id, kind, author_id, author_name, happened_at, description_html,
    CASE
        WHEN EXISTS (SELECT FROM reference.parameters WHERE number = 371 AND value = 'S') THEN solution_html
    END AS solution_html,
    corrected, current_version
FROM history_next.shown_entries;

CREATE VIEW history_next.requester_chat AS
SELECT ticket_id, version, message_id, recorded_at, sender, author_id, author_name, text
FROM chat_entries
WHERE EXISTS (SELECT FROM reference.parameters WHERE number = 316 AND value = 'S');

-- Unread is what others wrote, or changed, after what the requester has seen, and that they may see now.
CREATE VIEW history_next.requester_tickets AS
SELECT
    ticket_id, requester_id, title, status, opened_at, last_activity_at,
    (
        (
            SELECT count(*) FROM history_next.shown_entries AS entry
            WHERE entry.ticket_id = ticket.ticket_id
              AND entry.current_version > ticket.seen_up_to AND entry.current_by_id <> ticket.requester_id
        ) + (
            SELECT count(*) FROM history_next.requester_chat AS chat
            WHERE chat.ticket_id = ticket.ticket_id
              AND chat.version > ticket.seen_up_to AND chat.author_id <> ticket.requester_id
        )
    )::integer AS unread,
    applied_version
FROM requester_tickets AS ticket
WHERE requester_id IS NOT NULL;

GRANT USAGE ON SCHEMA history_next TO portal_executor, portal_requester;
GRANT SELECT ON ALL TABLES IN SCHEMA history_next TO portal_executor;
GRANT SELECT ON
    history_next.requester_tickets, history_next.requester_entries, history_next.requester_chat,
    history_next.requester_parameters, history_next.requester_people, history_next.requester_descriptions,
    history_next.requester_catalog
TO portal_requester;
