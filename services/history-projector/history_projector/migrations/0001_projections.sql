-- migrate:up
CREATE SCHEMA history;
COMMENT ON SCHEMA history IS 'Views of the live generation: what portal-query reads.';
CREATE SCHEMA reference;
COMMENT ON SCHEMA reference IS 'What the itsm.* topics say now; not part of any generation.';

CREATE TABLE generations (
    generation integer PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    measured_at timestamptz NOT NULL DEFAULT now(),
    applied bigint NOT NULL DEFAULT 0,
    rate double precision NOT NULL DEFAULT 0
);
COMMENT ON TABLE generations IS 'Each has its tables in the schema history_<generation>.';
COMMENT ON COLUMN generations.applied IS 'Records taken in, when it was last measured.';
COMMENT ON COLUMN generations.rate IS 'Records a second between the last two measurements.';
CREATE UNIQUE INDEX generations_one_live ON generations (state) WHERE state = 'live';

CREATE TABLE reference.people (
    person_id text PRIMARY KEY,
    name text NOT NULL,
    email text,
    language text NOT NULL,
    time_zone text NOT NULL,
    active boolean NOT NULL
);

CREATE TABLE reference.groups (
    group_id text PRIMARY KEY,
    name text NOT NULL,
    member_ids text[] NOT NULL,
    emails text[] NOT NULL,
    permissions jsonb NOT NULL
);
CREATE INDEX groups_members ON reference.groups USING gin (member_ids);

CREATE TABLE reference.parameters (
    number integer PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE reference.categories (
    category_id text PRIMARY KEY,
    name text NOT NULL,
    active boolean NOT NULL
);

CREATE TABLE reference.origins (
    origin_id text PRIMARY KEY,
    name text NOT NULL,
    active boolean NOT NULL
);

-- Where nobody made the readers beforehand, they exist without a way in.
DO $$
DECLARE
    reader text;
BEGIN
    FOREACH reader IN ARRAY ARRAY['portal_executor', 'portal_requester'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- roles belong to the server, and another database's migration was faster
            END;
        END IF;
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA history TO portal_executor, portal_requester;
GRANT USAGE ON SCHEMA reference TO portal_executor;
GRANT SELECT ON ALL TABLES IN SCHEMA reference TO portal_executor;

-- migrate:down
-- Migrations only go forward.
