-- migrate:up
ALTER TABLE incarnation ADD COLUMN compared_at timestamptz;
COMMENT ON COLUMN incarnation.compared_at IS 'The start of the server since which this was compared with what is kept elsewhere.';

-- migrate:down
-- Migrations only go forward.
