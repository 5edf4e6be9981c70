-- migrate:up
-- What the itsm.* topics say, as far as commands are authorised and validated by it.
CREATE TABLE tickets (
    ticket_id text PRIMARY KEY,
    status text NOT NULL,
    requester_id text NOT NULL,
    group_id text NOT NULL,
    responsible_id text
);

CREATE TABLE people (
    person_id text PRIMARY KEY,
    name text NOT NULL,
    has_email boolean NOT NULL,
    active boolean NOT NULL
);

CREATE TABLE groups (
    group_id text PRIMARY KEY,
    member_ids text[] NOT NULL,
    has_email boolean NOT NULL
);
CREATE INDEX groups_members ON groups USING gin (member_ids);

CREATE TABLE group_permissions (
    group_id text NOT NULL,
    on_group_id text NOT NULL,
    may text[] NOT NULL,
    PRIMARY KEY (group_id, on_group_id)
);
COMMENT ON TABLE group_permissions IS 'What members of a group may do on tickets of another.';

CREATE TABLE parameters (
    number integer PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE email_templates (
    template_id text PRIMARY KEY
);

CREATE TABLE categories (
    category_id text PRIMARY KEY,
    active boolean NOT NULL
);

CREATE TABLE origins (
    origin_id text PRIMARY KEY,
    active boolean NOT NULL
);

CREATE TABLE presence (
    ticket_id text NOT NULL,
    person_id text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, person_id)
);

-- migrate:down
-- Migrations only go forward.
