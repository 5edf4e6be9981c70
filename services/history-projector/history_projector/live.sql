-- Makes one generation the live one: views of its tables, and who may read them.
-- Names without a schema are resolved in the generation's, history_<generation>.

DROP VIEW IF EXISTS
    history.requester_tickets, history.requester_entries, history.shown_entries, history.requester_chat,
    history.requester_parameters, history.requester_people,
    history.tickets, history.ticket_entries, history.occurrences, history.chat_entries, history.views,
    history.email_outcomes, history.time_totals, history.parked_tickets;

CREATE VIEW history.tickets AS SELECT * FROM tickets;
CREATE VIEW history.ticket_entries AS SELECT * FROM ticket_entries;
CREATE VIEW history.occurrences AS SELECT * FROM occurrences;
CREATE VIEW history.chat_entries AS SELECT * FROM chat_entries;
CREATE VIEW history.views AS SELECT * FROM views;
CREATE VIEW history.email_outcomes AS SELECT * FROM email_outcomes;
CREATE VIEW history.time_totals AS SELECT * FROM time_totals;
CREATE VIEW history.parked_tickets AS SELECT ticket_id, reason, since, missing_version FROM parked_tickets;

CREATE VIEW history.requester_parameters WITH (security_barrier) AS
SELECT number, value FROM reference.parameters WHERE number IN (252, 262, 263, 298, 299, 316, 371);

CREATE VIEW history.requester_people WITH (security_barrier) AS
SELECT person_id, name, language, time_zone FROM reference.people;

-- No security_barrier from here on: it would have a page read the whole history, and there is nothing
-- internal in the tables below that it could guard.
-- Not for requesters: it says who made the last visible change.
CREATE VIEW history.shown_entries AS
SELECT * FROM requester_entries
WHERE CASE kind
    WHEN 'occurrence' THEN EXISTS (SELECT FROM reference.parameters WHERE number = 298 AND value = 'S')
    ELSE EXISTS (SELECT FROM reference.parameters WHERE number = 299 AND value = 'S')
END;

CREATE VIEW history.requester_entries AS
SELECT
    ticket_id, version, recorded_at, subject_id, kind, author_id, author_name, happened_at, description_html,
    CASE
        WHEN EXISTS (SELECT FROM reference.parameters WHERE number = 371 AND value = 'S') THEN solution_html
    END AS solution_html,
    corrected, current_version
FROM history.shown_entries;

CREATE VIEW history.requester_chat AS
SELECT ticket_id, version, message_id, recorded_at, sender, author_id, author_name, text
FROM chat_entries
WHERE EXISTS (SELECT FROM reference.parameters WHERE number = 316 AND value = 'S');

-- Unread is what others wrote, or changed, after what the requester has seen, and that they may see now.
CREATE VIEW history.requester_tickets AS
SELECT
    ticket_id, requester_id, title, status, opened_at, last_activity_at,
    (
        (
            SELECT count(*) FROM history.shown_entries AS entry
            WHERE entry.ticket_id = ticket.ticket_id
              AND entry.current_version > ticket.seen_up_to AND entry.current_by_id <> ticket.requester_id
        ) + (
            SELECT count(*) FROM history.requester_chat AS chat
            WHERE chat.ticket_id = ticket.ticket_id
              AND chat.version > ticket.seen_up_to AND chat.author_id <> ticket.requester_id
        )
    )::integer AS unread,
    applied_version
FROM requester_tickets AS ticket
WHERE requester_id IS NOT NULL;

GRANT SELECT ON ALL TABLES IN SCHEMA history TO portal_executor;
GRANT SELECT ON
    history.requester_tickets, history.requester_entries, history.requester_chat,
    history.requester_parameters, history.requester_people
TO portal_requester;
