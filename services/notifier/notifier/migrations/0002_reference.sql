-- migrate:up
-- What topics say, as far as mails are composed from it.
CREATE TABLE tickets (
    ticket_id text PRIMARY KEY,
    title text NOT NULL,
    group_id text NOT NULL,
    responsible_id text
);

CREATE TABLE people (
    person_id text PRIMARY KEY,
    name text NOT NULL,
    email text,
    language text NOT NULL,
    time_zone text NOT NULL,
    active boolean NOT NULL
);

CREATE TABLE groups (
    group_id text PRIMARY KEY,
    name text NOT NULL,
    emails text[] NOT NULL
);

CREATE TABLE parameters (
    number integer PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE email_templates (
    template_id text PRIMARY KEY,
    variants jsonb NOT NULL
);

CREATE TABLE occurrences (
    occurrence_id uuid PRIMARY KEY,
    version integer NOT NULL,
    author_name text NOT NULL,
    occurred_at timestamptz NOT NULL,
    html text NOT NULL,
    text text NOT NULL,
    solution_html text NOT NULL,
    visible boolean NOT NULL,
    retracted boolean NOT NULL
);
COMMENT ON TABLE occurrences IS 'As they now are: one that is shown later is mailed with the text of then.';

CREATE TABLE waiting (
    event_id uuid PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    correlation_id text,
    traceparent text,
    type text NOT NULL,
    data text NOT NULL,
    needs text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    look_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL
);
COMMENT ON TABLE waiting IS 'Events whose mail cannot be composed yet, for what has not arrived.';
CREATE INDEX waiting_needs ON waiting (needs);
CREATE INDEX waiting_look ON waiting (look_at);

-- migrate:down
-- Migrations only go forward.
