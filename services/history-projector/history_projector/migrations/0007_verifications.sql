-- migrate:up
CREATE TABLE verifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation integer NOT NULL,
    against integer NOT NULL,
    person_id text NOT NULL,
    name text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    reached text NOT NULL DEFAULT '',
    compared bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL,
    claimed_until timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE verifications IS 'Comparisons of two generations; whichever process claims one goes on behind what was reached.';
COMMENT ON COLUMN verifications.reached IS 'The last ticket that was compared, in the order of their ids.';
CREATE UNIQUE INDEX verifications_one_at_a_time ON verifications ((true)) WHERE finished_at IS NULL;

CREATE TABLE verification_findings (
    verification bigint NOT NULL,
    ticket_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('missing', 'unexpected', 'different', 'moving')),
    part text,
    key jsonb,
    columns text[] NOT NULL
);
COMMENT ON COLUMN verification_findings.part IS 'The table; null where a ticket changed all the time and could not be compared.';
COMMENT ON COLUMN verification_findings.columns IS 'Which differ. What they hold is not written down: it may be confidential.';
CREATE INDEX verification_findings_of ON verification_findings (verification);

-- migrate:down
-- Migrations only go forward.
