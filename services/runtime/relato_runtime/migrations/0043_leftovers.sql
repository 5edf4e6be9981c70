-- migrate:up
CREATE TABLE leftovers (
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE leftovers IS 'A row each time that rows lost what their old versions on the disk, or the topic of dead letters, still say.';

-- migrate:down
-- Migrations only go forward.
