-- migrate:up
ALTER TABLE portal.presence ADD COLUMN for_team boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN portal.presence.for_team IS 'What is written is internal so far: requesters are not told of it.';

-- migrate:down
-- Migrations only go forward.
