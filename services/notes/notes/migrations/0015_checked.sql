-- migrate:up
CREATE TABLE checked_records (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    event_id text NOT NULL,
    at timestamptz,
    digest bytea NOT NULL,
    replayed boolean NOT NULL
);
COMMENT ON TABLE checked_records IS 'What the verification under way has read of the topic; empty otherwise.';
COMMENT ON COLUMN checked_records.digest IS 'SHA-256 of type, line feed and value.';
CREATE INDEX checked_records_key ON checked_records (ticket_id, version);

-- migrate:down
-- Migrations only go forward.
