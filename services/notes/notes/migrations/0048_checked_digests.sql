-- migrate:up
COMMENT ON COLUMN checked_records.digest IS 'SHA-256 of type, line feed and value; then that of ce_actor, and that of ce_correlationid.';

-- migrate:down
-- Migrations only go forward.
