-- migrate:up
CREATE TABLE accepted_records (
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (topic, partition, record_offset, kind)
);
COMMENT ON TABLE accepted_records IS 'Records that stay as they are, since nothing on a topic can be taken back; who decided so, and why, stands in operations.';
COMMENT ON COLUMN accepted_records.digest IS 'SHA-256 of type, line feed and value: an offset may be given out anew.';
-- Verifications that are under way begin anew: where they have come to is written in another way.
DELETE FROM job_findings WHERE job IN (SELECT id FROM jobs WHERE finished_at IS NULL AND kind = 'verify');
UPDATE jobs SET reached = '{}', done = 0 WHERE finished_at IS NULL AND kind = 'verify';

-- migrate:down
-- Migrations only go forward.
