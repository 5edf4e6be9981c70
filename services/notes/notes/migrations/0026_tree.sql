-- migrate:up
CREATE TABLE tree_leaves (
    place bigint PRIMARY KEY,
    ticket_id text NOT NULL,
    version integer NOT NULL,
    head bytea NOT NULL
);
COMMENT ON TABLE tree_leaves IS 'Heads of tickets'' chains in the order in which they were sealed; this table only grows.';
CREATE INDEX tree_leaves_ticket ON tree_leaves (ticket_id, version);

CREATE TABLE tree_nodes (
    level smallint NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, place)
);
COMMENT ON TABLE tree_nodes IS 'Roots of the tree''s complete subtrees, which never change; those of level 0 are its leaves'' hashes.';

CREATE TABLE tree_heads (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    checkpoint text NOT NULL,
    event_id uuid NOT NULL,
    sealed_at timestamptz NOT NULL,
    published boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN tree_heads.checkpoint IS 'Size and root, signed with a key that no database has.';
CREATE INDEX tree_heads_unpublished ON tree_heads (size) WHERE NOT published;

CREATE TABLE sealing (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE sealing IS 'Its lock makes one process seal at a time; up to this place in the log every ticket is sealed.';
INSERT INTO sealing DEFAULT VALUES;

-- Costs next to nothing to keep, since the log grows in this order; btree would cost each append.
CREATE INDEX events_by_seq ON events USING brin (seq) WITH (pages_per_range = 16, autosummarize = on);

-- migrate:down
-- Migrations only go forward.
