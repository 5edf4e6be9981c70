-- migrate:up
ALTER TABLE tickets ADD COLUMN closed_since timestamptz;
COMMENT ON COLUMN tickets.closed_since IS 'Since when the ITSM says that it is closed or cancelled; null while it is neither.';
CREATE INDEX tickets_closed ON tickets (closed_since) WHERE closed_since IS NOT NULL;
-- What was taken in without this is read once more: the topic is compacted and holds every ticket's last state, which
-- may be later than its closing, and never earlier.
UPDATE positions SET next_offset = 0 WHERE consumer = 'notes-reference' AND right(topic, 12) = 'itsm.tickets';

-- migrate:down
-- Migrations only go forward.
