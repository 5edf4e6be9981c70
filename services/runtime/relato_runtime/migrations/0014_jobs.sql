-- migrate:up
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    kind text NOT NULL,
    wish jsonb NOT NULL,
    person_id text NOT NULL,
    name text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    cancelled boolean NOT NULL DEFAULT false,
    trouble text,
    reached jsonb NOT NULL DEFAULT '{}',
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    claim uuid,
    claimed_until timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobs IS 'Work of operators that takes long; whichever process claims it goes on behind what was reached.';
COMMENT ON COLUMN jobs.subject IS 'Of which one job at a time is under way.';
COMMENT ON COLUMN jobs.trouble IS 'Why it did not get on when it was last tried.';
CREATE UNIQUE INDEX jobs_one_at_a_time ON jobs (subject) WHERE finished_at IS NULL;
CREATE INDEX jobs_kind ON jobs (kind, id);

CREATE TABLE job_findings (
    job bigint NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    ticket_id text,
    version integer,
    topic text,
    partition integer,
    record_offset bigint,
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN job_findings.detail IS 'Names and numbers, never what somebody wrote.';
CREATE INDEX job_findings_of ON job_findings (job, place);

-- migrate:down
-- Migrations only go forward.
