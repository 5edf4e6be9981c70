-- migrate:up
-- The ITSM forgets people first: their mails went to addresses that nobody else remembers then.
CREATE TABLE former_addresses (
    person_id text NOT NULL,
    address text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (person_id, address)
);
COMMENT ON TABLE former_addresses IS 'Where somebody was reached before, until they are erased.';
COMMENT ON COLUMN former_addresses.until IS 'What was planned later is somebody else''s, who may have the address now.';

-- Of a mail that is being handed over the process that does it has the source.
ALTER TABLE mails DROP CONSTRAINT mails_sendable;
ALTER TABLE mails ADD CONSTRAINT mails_sendable CHECK (
    state IN ('submitting', 'accepted', 'rejected', 'uncertain', 'suppressed', 'dead')
    OR (recipient <> '' AND source IS NOT NULL)
);

ALTER TABLE sending ADD COLUMN person_id text;
COMMENT ON COLUMN sending.person_id IS 'Who stopped it or let it go on last.';

-- migrate:down
-- Migrations only go forward.
