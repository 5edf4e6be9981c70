-- migrate:up
CREATE TABLE sending (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    stopped_at timestamptz,
    name text,
    reason text
);
COMMENT ON TABLE sending IS 'Whether mails go out: an operator may have stopped all of them.';
INSERT INTO sending DEFAULT VALUES;

ALTER TABLE mails
    ADD COLUMN event_type text,
    ADD COLUMN event_data text,
    ADD COLUMN doubted boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN mails.event_data IS 'What a mail that was suppressed unrendered would have been about, should it be released.';
COMMENT ON COLUMN mails.doubted IS 'It was given up while nobody knew whether it had gone out: it is not to be released.';
-- What was given up before this was kept may have been uncertain.
UPDATE mails SET doubted = true
WHERE state = 'suppressed' AND (decision IS NOT NULL OR reason LIKE 'dropped%'
    OR EXISTS (SELECT FROM attempts WHERE attempts.mail_id = mails.mail_id AND outcome IN ('submitting', 'uncertain')));

-- migrate:down
-- Migrations only go forward.
