-- migrate:up
CREATE TABLE checked_heads (
    ticket_id text PRIMARY KEY,
    due integer NOT NULL DEFAULT 0,
    sealed integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE checked_heads IS 'What the verification under way holds against published heads; empty otherwise.';
COMMENT ON COLUMN checked_heads.due IS 'Up to which version a head was to vouch for the ticket, when the verification began.';
COMMENT ON COLUMN checked_heads.sealed IS 'Up to which version a head that it has read does.';

-- migrate:down
-- Migrations only go forward.
