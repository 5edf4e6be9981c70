-- migrate:up
CREATE TABLE erased_people (
    person_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    done_at timestamptz
);
COMMENT ON TABLE erased_people IS 'Of whom nothing is kept but the id; what the ITSM still says of them is taken in without name, address or words.';
COMMENT ON COLUMN erased_people.done_at IS 'When this service had forgotten them, and its topics and disk had, too.';

-- migrate:down
-- Migrations only go forward.
