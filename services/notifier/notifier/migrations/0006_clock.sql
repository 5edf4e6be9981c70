-- migrate:up
CREATE TABLE clock_seen (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at timestamptz NOT NULL
);
COMMENT ON TABLE clock_seen IS 'The last time of the clock that was seen, which tells when it is set back.';
INSERT INTO clock_seen (at) VALUES ('-infinity');

-- migrate:down
-- Migrations only go forward.
