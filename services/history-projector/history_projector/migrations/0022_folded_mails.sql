-- migrate:up
TRUNCATE folded_records;
ALTER TABLE folded_records ADD COLUMN topic text NOT NULL;
DROP INDEX folded_records_place;
CREATE INDEX folded_records_place ON folded_records (ticket_id, topic, partition, record_offset);
-- Verifications that are under way begin anew: where they have come to is written in another way.
DELETE FROM job_findings WHERE job IN (SELECT id FROM jobs WHERE finished_at IS NULL AND kind = 'verify');
UPDATE jobs SET reached = '{}', done = 0 WHERE finished_at IS NULL AND kind = 'verify';

-- migrate:down
-- Migrations only go forward.
