-- migrate:up
CREATE TABLE explained_events (
    event_id uuid NOT NULL,
    ticket_id text NOT NULL,
    version integer NOT NULL,
    subject_id uuid NOT NULL,
    parameter integer NOT NULL
);
COMMENT ON TABLE explained_events IS 'What the verification under way has read of events that mails are about; empty otherwise.';
CREATE INDEX explained_events_id ON explained_events (event_id);

-- migrate:down
-- Migrations only go forward.
