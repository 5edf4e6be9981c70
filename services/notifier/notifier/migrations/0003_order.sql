-- migrate:up
CREATE INDEX mails_ahead ON mails (ticket_id, recipient, planned_at)
    WHERE state IN ('planned', 'leased', 'submitting');
-- Not of the states in which most mails are for a moment: no search for one ticket's mails is to take it for its own.
DROP INDEX mails_state;
CREATE INDEX mails_state ON mails (state, planned_at) WHERE state IN ('retry', 'rejected', 'dead', 'uncertain');

-- migrate:down
-- Migrations only go forward.
