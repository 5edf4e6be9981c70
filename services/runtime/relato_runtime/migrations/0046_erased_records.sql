-- migrate:up
CREATE TABLE erased_records (
    person_id text,
    topic text,
    number integer NOT NULL,
    gone_at timestamptz,
    PRIMARY KEY (person_id, topic)
);
COMMENT ON TABLE erased_records IS 'How many records of a topic said something of somebody when they were erased: no other row tells it any more.';
COMMENT ON COLUMN erased_records.gone_at IS 'When this service had rewritten the topic, or cut it off.';

-- migrate:down
-- Migrations only go forward.
