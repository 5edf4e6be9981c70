-- migrate:up
CREATE UNLOGGED TABLE portal.open_pages (
    ticket_id text NOT NULL,
    person_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('attendant', 'requester')),
    page text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('viewing', 'writing')),
    for_team boolean NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, person_id, role, page)
);
COMMENT ON TABLE portal.open_pages IS 'Who has which ticket open. Worth seconds, hence not worth a write-ahead log.';
COMMENT ON COLUMN portal.open_pages.page IS 'Which of their pages says so: one that is closed leaves the others.';
COMMENT ON COLUMN portal.open_pages.for_team IS 'What is written is internal so far: requesters are not told of it.';
CREATE INDEX open_pages_until ON portal.open_pages (until);
COMMENT ON TABLE portal.presence IS 'Of versions before pages were told apart; to be removed.';

-- migrate:down
-- Migrations only go forward.
