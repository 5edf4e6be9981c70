-- migrate:up
ALTER TABLE mails
    ADD COLUMN patience_from timestamptz,
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN mails.patience_from IS 'When somebody had it sent again, which gives it all its patience; before that, since it was planned.';
COMMENT ON COLUMN mails.attempts_before IS 'Attempts until then.';

-- migrate:down
-- Migrations only go forward.
