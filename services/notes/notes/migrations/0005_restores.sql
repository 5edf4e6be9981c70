-- migrate:up
ALTER TABLE outbox ADD COLUMN request text;
COMMENT ON COLUMN outbox.request IS 'Of the request that the event came with, what its record keeps.';

-- migrate:down
-- Migrations only go forward.
