-- migrate:up
CREATE INDEX mails_ahead ON mails (ticket_id, recipient, planned_at) WHERE state IN ('planned', 'leased', 'submitting');

-- migrate:down
-- Migrations only go forward.
