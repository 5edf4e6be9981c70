-- migrate:up
CREATE TABLE checked_outcomes (
    mail_id uuid NOT NULL,
    state text NOT NULL,
    ticket_id text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (mail_id, state)
);
COMMENT ON TABLE checked_outcomes IS 'What the verification under way has read of outcomes of mails; empty otherwise.';
TRUNCATE explained_events;
-- Verifications that are under way begin anew: where they have come to is written in another way.
DELETE FROM job_findings WHERE job IN (SELECT id FROM jobs WHERE finished_at IS NULL AND kind = 'verify');
UPDATE jobs SET reached = '{}', done = 0 WHERE finished_at IS NULL AND kind = 'verify';

-- migrate:down
-- Migrations only go forward.
