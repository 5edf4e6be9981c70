-- migrate:up
-- A mail that was given up may have been erased, too.
ALTER TABLE mails DROP CONSTRAINT mails_sendable;
ALTER TABLE mails ADD CONSTRAINT mails_sendable CHECK (
    state IN ('accepted', 'rejected', 'uncertain', 'suppressed', 'dead') OR (recipient <> '' AND source IS NOT NULL)
);
-- Of those whose recipients were erased nobody knows any more who they were: several may have been about one event.
ALTER TABLE mails DROP CONSTRAINT mails_event_id_recipient_template_id_key;
CREATE UNIQUE INDEX mails_once ON mails (event_id, recipient, template_id) WHERE recipient <> '[erased]';

-- migrate:down
-- Migrations only go forward.
