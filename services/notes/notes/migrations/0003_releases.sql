-- migrate:up
CREATE TABLE releases (
    occurrence_id uuid PRIMARY KEY,
    ticket_id text NOT NULL,
    person_id text NOT NULL,
    due_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text
);
COMMENT ON TABLE releases IS 'When to look again at occurrences that are held back; what then happens, their facts say.';
COMMENT ON COLUMN releases.correlation_id IS 'Of the request that held it back, which causes the release.';
CREATE INDEX releases_due_at ON releases (due_at);

-- migrate:down
-- Migrations only go forward.
