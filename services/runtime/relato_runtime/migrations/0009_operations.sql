-- migrate:up
-- Numbers are shared with the services' own migrations, which go on behind this one.
-- What operators did to a service, and who is at it: in every service's own database.
CREATE TABLE operations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    person_id text NOT NULL,
    name text NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    target text,
    reason text NOT NULL,
    dry_run boolean NOT NULL
);
COMMENT ON TABLE operations IS 'Who did what as an operator, when and why; never changed.';
COMMENT ON COLUMN operations.subject IS 'What was acted on: a projection, dead letters, mails, sending, events.';
COMMENT ON COLUMN operations.target IS 'Which of it: the number of a generation, the id of a mail; null where it is all or none.';

CREATE TABLE operation_leases (
    subject text PRIMARY KEY,
    token uuid NOT NULL,
    person_id text NOT NULL,
    name text NOT NULL,
    action text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL
);
COMMENT ON TABLE operation_leases IS 'Who acts on a subject right now; others are refused meanwhile.';

-- migrate:down
-- Migrations only go forward.
