-- migrate:up
-- Who last changed what, and when: unknown of what was taken in before this, until its next fact.
ALTER TABLE reference.people ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz;
ALTER TABLE reference.groups ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz;
ALTER TABLE reference.parameters ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz;
ALTER TABLE reference.categories ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz;
ALTER TABLE reference.origins ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz;

-- These topics have no position yet, so they are read from their start.
CREATE TABLE reference.email_templates (
    template_id text PRIMARY KEY,
    name text NOT NULL,
    variants jsonb NOT NULL,
    changed_by text,
    changed_at timestamptz
);

CREATE TABLE reference.tickets (
    ticket_id text PRIMARY KEY,
    title text NOT NULL,
    status text NOT NULL,
    requester_id text NOT NULL,
    group_id text NOT NULL,
    responsible_id text,
    opened_at timestamptz NOT NULL,
    changed_by text,
    changed_at timestamptz
);
COMMENT ON TABLE reference.tickets IS 'As the ITSM last said, for administrators; what happened on them is in history.';
CREATE INDEX tickets_opened ON reference.tickets (opened_at DESC, ticket_id DESC);

GRANT SELECT ON reference.email_templates, reference.tickets TO portal_executor;

-- migrate:down
-- Migrations only go forward.
