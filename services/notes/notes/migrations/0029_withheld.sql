-- migrate:up
CREATE TABLE withheld (
    ticket_id text PRIMARY KEY
);
COMMENT ON TABLE withheld IS 'Tickets whose events wait in the outbox until all that they have is published anew: of a partition that is rewritten.';
COMMENT ON COLUMN withheld.ticket_id IS 'Empty: all tickets, for the moment in which it is found out where that partition ends.';

-- migrate:down
-- Migrations only go forward.
