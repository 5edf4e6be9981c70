-- migrate:up
CREATE TABLE mails (
    mail_id uuid PRIMARY KEY,
    event_id uuid NOT NULL,
    event_version integer NOT NULL,
    event_at timestamptz NOT NULL,
    correlation_id text,
    traceparent text,
    ticket_id text NOT NULL,
    subject_id uuid NOT NULL,
    parameter integer NOT NULL CHECK (parameter IN (251, 253, 447)),
    recipient text NOT NULL,
    recipient_role text NOT NULL CHECK (recipient_role IN ('requester', 'responsible', 'group')),
    template_id text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'planned', 'leased', 'submitting', 'accepted', 'retry', 'rejected', 'suppressed', 'dead', 'uncertain'
    )),
    reason text,
    sender text,
    message_id text,
    source bytea,
    planned_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    slots smallint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    lease uuid,
    leased_until timestamptz,
    UNIQUE (event_id, recipient, template_id),
    CHECK (state = 'suppressed' OR (recipient <> '' AND source IS NOT NULL))
);
COMMENT ON TABLE mails IS 'The ledger: one row for each event, recipient and template, sent or not.';
COMMENT ON COLUMN mails.recipient IS 'An address; empty where there is none to suppress a mail to.';
COMMENT ON COLUMN mails.source IS 'The mail as it is sent (RFC 5322), rendered when it was planned.';
COMMENT ON COLUMN mails.slots IS 'Rates that this mail already waits for its turn in: 1 the recipient''s, 2 also the domain''s.';
COMMENT ON COLUMN mails.attempts IS 'Attempts begun; the number of the last row in attempts.';
CREATE INDEX mails_due ON mails (due_at, mail_id) WHERE state IN ('planned', 'retry');
CREATE INDEX mails_leased ON mails (leased_until) WHERE state IN ('leased', 'submitting');
CREATE INDEX mails_thread ON mails (ticket_id, recipient, planned_at);
CREATE INDEX mails_unsent ON mails (subject_id) WHERE state IN ('planned', 'retry', 'leased');
CREATE INDEX mails_state ON mails (state, planned_at) WHERE state NOT IN ('accepted', 'suppressed');

CREATE TABLE attempts (
    mail_id uuid NOT NULL REFERENCES mails,
    attempt integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL,
    code integer,
    answer text NOT NULL DEFAULT '',
    PRIMARY KEY (mail_id, attempt)
);
COMMENT ON TABLE attempts IS 'Every attempt to hand a mail over, with what the server said.';

CREATE TABLE rates (
    name text PRIMARY KEY,
    next_at timestamptz NOT NULL
);
COMMENT ON TABLE rates IS 'Of a recipient or a domain: when the next mail would be due if none came in bursts.';

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outcome_id uuid NOT NULL UNIQUE,
    ticket_id text NOT NULL,
    type text NOT NULL,
    event_id uuid NOT NULL,
    correlation_id text,
    traceparent text,
    at timestamptz NOT NULL,
    data text NOT NULL
);
COMMENT ON TABLE outbox IS 'Outcomes that Kafka has not acknowledged yet.';

-- migrate:down
-- Migrations only go forward.
