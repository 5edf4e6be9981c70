-- migrate:up
-- Numbers are shared with the services' own migrations, which go on behind this one.
-- Operators try records again, or give them up.
ALTER TABLE dead_letters
    ADD COLUMN record_timestamp bigint,
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN tried_at timestamptz,
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_by text,
    ADD COLUMN settled_why text;
COMMENT ON COLUMN dead_letters.record_timestamp IS 'Kafka''s time of the record; of those that were kept without it, when they were.';
UPDATE dead_letters SET record_timestamp = floor(extract(epoch FROM at) * 1000);
CREATE INDEX dead_letters_parked ON dead_letters (consumer, topic, partition, record_offset) WHERE state = 'parked';

-- migrate:down
-- Migrations only go forward.
