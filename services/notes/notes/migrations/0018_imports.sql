-- migrate:up
ALTER TABLE outbox ADD COLUMN replay_id text;
COMMENT ON COLUMN outbox.replay_id IS 'Of an import: nobody is to be told of what happened elsewhere.';

CREATE TABLE imported_lines (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    person_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    line text NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
COMMENT ON TABLE imported_lines IS 'Events as they were uploaded, until they are in the log.';

-- migrate:down
-- Migrations only go forward.
