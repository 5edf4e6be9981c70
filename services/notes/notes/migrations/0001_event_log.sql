-- migrate:up
CREATE TABLE streams (
    ticket_id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT 'epoch',
    seen_up_to integer NOT NULL DEFAULT 0,
    shown_version integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE streams IS 'One row a ticket; its lock orders the ticket''s events.';
COMMENT ON COLUMN streams.recorded_at IS 'Of the last event: the next is never recorded before it, whatever a clock says.';
COMMENT ON COLUMN streams.seen_up_to IS 'The last version that the requester has seen.';
COMMENT ON COLUMN streams.shown_version IS 'Of the last fact that changed what the requester can see.';

CREATE SEQUENCE events_seq;
COMMENT ON SEQUENCE events_seq IS 'Drawn under the stream lock, so that it follows each ticket''s versions.';

CREATE TABLE events (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    type text NOT NULL,
    subject_id uuid,
    actor text NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    recorded_at timestamptz NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
COMMENT ON COLUMN events.subject_id IS 'The occurrence or message that the fact is about.';
COMMENT ON COLUMN events.data IS 'The fact exactly as it goes to Kafka; json and not jsonb, which would rewrite it.';
CREATE INDEX events_subject ON events (subject_id, version) WHERE subject_id IS NOT NULL;

CREATE TABLE outbox (
    seq bigint PRIMARY KEY,
    ticket_id text NOT NULL,
    version integer NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE outbox IS 'Events that Kafka has not acknowledged yet.';

CREATE TABLE relay_lease (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE relay_lease IS 'Who relays; the epoch fences whoever was stopped and woke up.';
INSERT INTO relay_lease DEFAULT VALUES;

CREATE TABLE idempotency_keys (
    person_id text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    response json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE drafts (
    person_id text NOT NULL,
    ticket_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('occurrence', 'message', 'chat')),
    body jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, ticket_id, kind)
);

-- migrate:down
-- Migrations only go forward.
