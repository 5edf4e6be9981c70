-- migrate:up
ALTER TABLE portal.sessions
    ADD COLUMN previous_hash bytea UNIQUE,
    ADD COLUMN rotated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN taken_up_at timestamptz DEFAULT now();
COMMENT ON COLUMN portal.sessions.previous_hash IS
    'SHA-256 of the id before, which counts until shortly after the browser has taken up the new one.';
COMMENT ON COLUMN portal.sessions.taken_up_at IS 'When the id was first used; null until then.';

-- migrate:down
-- Migrations only go forward.
