-- migrate:up
CREATE TABLE folded_records (
    ticket_id text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp bigint NOT NULL,
    value bytea NOT NULL,
    headers json NOT NULL
);
COMMENT ON TABLE folded_records IS 'What the verification under way has read of tickets'' streams; empty otherwise.';
CREATE INDEX folded_records_place ON folded_records (ticket_id, partition, record_offset);

-- migrate:down
-- Migrations only go forward.
