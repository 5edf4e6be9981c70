-- migrate:up
CREATE TABLE portal.chat_read (
    person_id text NOT NULL,
    ticket_id text NOT NULL,
    up_to_version integer NOT NULL,
    PRIMARY KEY (person_id, ticket_id)
);
COMMENT ON TABLE portal.chat_read IS
    'How far executors have read the chat of tickets: each for themselves, and no fact of the ticket.';

-- The desk counts in one statement what each has not read.
GRANT USAGE ON SCHEMA portal TO portal_executor;
GRANT SELECT ON portal.chat_read TO portal_executor;

-- migrate:down
-- Migrations only go forward.
