-- migrate:up
CREATE TABLE told_before (
    mail_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('accepted', 'rejected', 'uncertain', 'suppressed')),
    reason text,
    at timestamptz NOT NULL
);
COMMENT ON TABLE told_before IS 'What Kafka knows of mails that this ledger, put back from a backup, did not.';

CREATE TABLE put_back (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    noticed_at timestamptz NOT NULL
);
COMMENT ON TABLE put_back IS 'Mails about what was recorded until then may have gone out unknown to this ledger.';

-- What a mail said may be lost with the ledger while what became of it is known.
ALTER TABLE mails DROP CONSTRAINT mails_check;
ALTER TABLE mails ADD CONSTRAINT mails_sendable CHECK (
    state IN ('accepted', 'rejected', 'uncertain', 'suppressed') OR (recipient <> '' AND source IS NOT NULL)
);

-- migrate:down
-- Migrations only go forward.
