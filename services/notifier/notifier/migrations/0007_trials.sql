-- migrate:up
ALTER TABLE occurrences ADD COLUMN ticket_id text;
UPDATE occurrences SET ticket_id = mails.ticket_id FROM mails WHERE mails.subject_id = occurrences.occurrence_id;
CREATE INDEX occurrences_shown ON occurrences (ticket_id, occurrence_id) WHERE visible AND NOT retracted;

CREATE TABLE test_mails (
    person_id text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    recipient text NOT NULL,
    state text NOT NULL CHECK (state IN ('submitting', 'accepted', 'refused', 'uncertain')),
    code integer,
    answer text NOT NULL DEFAULT '',
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, key)
);
COMMENT ON TABLE test_mails IS 'What administrators sent themselves; each is handed over once, at most.';
COMMENT ON COLUMN test_mails.key IS 'The Idempotency-Key of the request.';
COMMENT ON COLUMN test_mails.ends_at IS 'When a mail that is still being submitted is no longer: the process that did so is gone.';

-- migrate:down
-- Migrations only go forward.
