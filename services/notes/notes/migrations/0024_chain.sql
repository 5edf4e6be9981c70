-- migrate:up
ALTER TABLE events
    ADD COLUMN salt bytea,
    ADD COLUMN openings json,
    ADD COLUMN erased_at timestamptz,
    ADD COLUMN hash bytea;
COMMENT ON COLUMN events.salt IS 'Random; without it nobody learns from the hash what the event said. Null once a text is erased.';
COMMENT ON COLUMN events.openings IS 'Of an event whose texts are erased, in place of the salt: those of the parts that stay.';
COMMENT ON COLUMN events.hash IS 'Of the event and the hash before it: its ticket''s chain up to here. It stays when texts go.';
COMMENT ON COLUMN events.data IS 'The fact as it goes to Kafka; json and not jsonb, which would rewrite it. Erased texts are replaced.';

ALTER TABLE streams
    ADD COLUMN chained integer NOT NULL DEFAULT 0,
    ADD COLUMN head bytea;
COMMENT ON COLUMN streams.head IS 'The hash of the ticket''s last event that is chained.';
COMMENT ON COLUMN streams.chained IS 'Its version; what comes behind it a release before this one has recorded.';

-- migrate:down
-- Migrations only go forward.
