-- migrate:up
ALTER TABLE verifications ADD COLUMN cancelled boolean NOT NULL DEFAULT false;
ALTER TABLE verification_findings ADD COLUMN place bigint GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN verification_findings.place IS 'By which its list is paged.';

-- migrate:down
-- Migrations only go forward.
