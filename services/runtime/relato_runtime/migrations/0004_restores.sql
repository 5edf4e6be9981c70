-- migrate:up
-- Numbers are shared with the services' own migrations, which go on behind this one.
-- What tells that a backup was put back, of this database or of the broker.
ALTER TABLE positions ADD COLUMN witness bigint;
COMMENT ON COLUMN positions.witness IS 'Kafka''s time (Unix, milliseconds) of the latest record taken in: what comes later was not there yet.';

CREATE TABLE published (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    witness bigint,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE published IS 'How far a topic of our own was, with the last record that Kafka acknowledged to us.';

CREATE TABLE incarnation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    marker text NOT NULL
);
COMMENT ON TABLE incarnation IS 'The server and database in which this was last found to be level with Kafka; elsewhere it is a copy.';

-- migrate:down
-- Migrations only go forward.
