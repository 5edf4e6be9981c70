-- migrate:up
CREATE SCHEMA IF NOT EXISTS portal;
COMMENT ON SCHEMA portal IS 'What the portal keeps by itself: sessions, and who is there.';

CREATE TABLE portal.sessions (
    session_hash bytea PRIMARY KEY,
    person_id text NOT NULL,
    tokens text NOT NULL,
    tokens_expire_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL
);
COMMENT ON COLUMN portal.sessions.session_hash IS 'SHA-256 of the id in the cookie, which is kept nowhere.';
COMMENT ON COLUMN portal.sessions.tokens IS 'JWE of the issuer''s tokens.';
CREATE INDEX sessions_person ON portal.sessions (person_id);

CREATE UNLOGGED TABLE portal.presence (
    ticket_id text NOT NULL,
    person_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('attendant', 'requester')),
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('viewing', 'writing')),
    until timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, person_id, role)
);
COMMENT ON TABLE portal.presence IS 'Worth seconds, hence not worth a write-ahead log.';
CREATE INDEX presence_until ON portal.presence (until);

-- migrate:down
-- Migrations only go forward.
