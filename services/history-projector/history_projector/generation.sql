-- The tables of one generation. Names are resolved in its schema, history_<generation>.

CREATE TABLE tickets (
    ticket_id text PRIMARY KEY,
    title text,
    status text,
    requester_id text,
    group_id text,
    responsible_id text,
    opened_at timestamptz,
    last_version integer NOT NULL DEFAULT 0,
    last_activity_at timestamptz,
    unread integer NOT NULL DEFAULT 0
);
COMMENT ON COLUMN tickets.title IS 'Null, as what follows, while there is no TicketSaved.';
COMMENT ON COLUMN tickets.unread IS 'Entries by the requester since the last fact of somebody else.';
CREATE INDEX tickets_activity ON tickets (last_activity_at DESC, ticket_id DESC);
CREATE INDEX tickets_status ON tickets (status, last_activity_at DESC, ticket_id DESC);
CREATE INDEX tickets_group ON tickets (group_id, last_activity_at DESC, ticket_id DESC);
CREATE INDEX tickets_responsible ON tickets (responsible_id, last_activity_at DESC, ticket_id DESC);

CREATE TABLE ticket_entries (
    ticket_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    version integer NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('occurrence', 'message', 'chat', 'mail', 'action', 'view')),
    action text,
    subject_id uuid,
    author_id text,
    author_name text,
    happened_at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (ticket_id, recorded_at, version, event_id)
);
COMMENT ON TABLE ticket_entries IS 'One row a fact, never changed: the audit history.';
COMMENT ON COLUMN ticket_entries.version IS 'In the ticket''s stream; 0 for facts that stand outside of it.';
-- For live updates, and for what happened to an occurrence until some moment.
CREATE INDEX ticket_entries_outside ON ticket_entries (ticket_id, recorded_at) WHERE version = 0;
CREATE INDEX ticket_entries_subject ON ticket_entries (subject_id) WHERE kind IN ('action', 'mail');

CREATE TABLE occurrences (
    occurrence_id uuid PRIMARY KEY,
    ticket_id text NOT NULL,
    version integer NOT NULL,
    author_id text NOT NULL,
    author_name text NOT NULL,
    recorded_at timestamptz NOT NULL,
    occurred_at timestamptz NOT NULL,
    description_html text NOT NULL,
    description_text text NOT NULL,
    time_spent_minutes integer NOT NULL,
    solution_html text,
    category_id text,
    origin_id text,
    channel text NOT NULL,
    visible_to_requester boolean NOT NULL,
    notify_by_email boolean NOT NULL,
    corrected boolean NOT NULL,
    retracted boolean NOT NULL,
    earlier jsonb NOT NULL,
    recorded_version integer NOT NULL,
    described_version integer NOT NULL,
    described_by_id text NOT NULL,
    described_by_name text NOT NULL,
    described_at timestamptz NOT NULL,
    shown_version integer NOT NULL,
    shown_by_id text NOT NULL,
    shown_corrected boolean NOT NULL
);
COMMENT ON COLUMN occurrences.version IS 'Of the last fact about it.';
COMMENT ON COLUMN occurrences.described_version IS 'Of the fact that the present text comes from.';
COMMENT ON COLUMN occurrences.shown_version IS 'Of the last fact that changed what a requester sees of it.';
COMMENT ON COLUMN occurrences.shown_corrected IS 'What a requester could see was corrected.';
CREATE INDEX occurrences_ticket ON occurrences (ticket_id, recorded_version);

CREATE TABLE chat_entries (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    message_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    sender text NOT NULL,
    author_id text NOT NULL,
    author_name text NOT NULL,
    text text NOT NULL,
    recipient_online boolean NOT NULL,
    PRIMARY KEY (ticket_id, version)
);

CREATE TABLE views (
    ticket_id text NOT NULL,
    up_to_version integer NOT NULL,
    seen_at timestamptz NOT NULL,
    viewer_id text NOT NULL,
    PRIMARY KEY (ticket_id, up_to_version)
);
COMMENT ON TABLE views IS 'An entry was seen with the first view whose up_to_version reaches its version.';

CREATE TABLE email_outcomes (
    mail_id uuid PRIMARY KEY,
    ticket_id text NOT NULL,
    event_id uuid NOT NULL,
    event_version integer NOT NULL,
    subject_id uuid NOT NULL,
    recipient text NOT NULL,
    recipient_role text NOT NULL,
    template_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('accepted', 'rejected', 'uncertain', 'suppressed')),
    reason text,
    at timestamptz NOT NULL,
    outcome_id uuid NOT NULL
);
COMMENT ON COLUMN email_outcomes.outcome_id IS 'The fact that says so; the latest by time and id stands.';
CREATE INDEX email_outcomes_ticket ON email_outcomes (ticket_id, event_version);
CREATE INDEX email_outcomes_subject ON email_outcomes (subject_id);

CREATE TABLE time_totals (
    ticket_id text NOT NULL,
    author_id text NOT NULL,
    minutes bigint NOT NULL,
    PRIMARY KEY (ticket_id, author_id)
);
COMMENT ON TABLE time_totals IS 'Minutes of occurrences that were not retracted, by who recorded them.';

-- What requesters may see lies apart: nothing internal is ever written to these tables.
CREATE TABLE requester_tickets (
    ticket_id text PRIMARY KEY,
    requester_id text,
    title text,
    status text,
    opened_at timestamptz,
    last_activity_at timestamptz,
    applied_version integer NOT NULL,
    seen_up_to integer NOT NULL
);
COMMENT ON COLUMN requester_tickets.last_activity_at IS 'Of the last that a requester could see.';
CREATE INDEX requester_tickets_requester
ON requester_tickets (requester_id, last_activity_at DESC, ticket_id DESC);

CREATE TABLE requester_entries (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('occurrence', 'message')),
    author_id text NOT NULL,
    author_name text NOT NULL,
    happened_at timestamptz NOT NULL,
    description_html text NOT NULL,
    solution_html text,
    corrected boolean NOT NULL,
    current_version integer NOT NULL,
    current_by_id text NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
COMMENT ON COLUMN requester_entries.version IS 'Of its recording; current_version is of its last visible change.';
CREATE INDEX requester_entries_current ON requester_entries (ticket_id, current_version);

CREATE TABLE parked_tickets (
    ticket_id text PRIMARY KEY,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    missing_version integer,
    broken_offset bigint
);
COMMENT ON TABLE parked_tickets IS 'Tickets whose stream has a gap or a record that cannot be taken in.';
COMMENT ON COLUMN parked_tickets.broken_offset IS 'Of the last record on the ticket''s partition that could not be taken in.';

CREATE TABLE parked_records (
    ticket_id text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp bigint NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers json NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
COMMENT ON TABLE parked_records IS 'They wait, as they came, for the version that is missing before them.';
