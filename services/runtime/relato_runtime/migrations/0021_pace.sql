-- migrate:up
-- Numbers are shared with the services' own migrations, which go on behind this one.
ALTER TABLE jobs
    ADD COLUMN taken_up_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN taken_up_done bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN jobs.taken_up_at IS 'When a process last claimed it, with what was done by then: how fast it goes follows.';

-- migrate:down
-- Migrations only go forward.
