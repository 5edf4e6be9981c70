-- migrate:up
-- Generations are made, compared, switched and dropped by operators while everything runs: what is to happen are
-- rows, so that whichever process looks next goes on with it.
ALTER TABLE generations DROP CONSTRAINT generations_state_check;
ALTER TABLE generations
    ADD CONSTRAINT generations_state_check
    CHECK (state IN ('preparing', 'building', 'live', 'retired', 'dropping')),
    ADD COLUMN shape integer NOT NULL DEFAULT 1,
    ADD COLUMN paused boolean NOT NULL DEFAULT false,
    ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN generations.shape IS 'Of its tables and views: a program works on those that it has itself.';
COMMENT ON COLUMN generations.retired_at IS 'When it was last live; it goes on taking in records until it is dropped.';
-- A number is never given twice: the broker may still know the consumer group of the one that had it.
CREATE SEQUENCE generation_numbers;
SELECT setval('generation_numbers', max(generation)) FROM generations HAVING max(generation) IS NOT NULL;

CREATE TABLE boundaries (
    generation integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (generation, topic, partition)
);
COMMENT ON TABLE boundaries IS
    'What lies before them has left its entries in the generation before, from which they were taken over.';

CREATE TABLE operator_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    person_id text NOT NULL,
    name text NOT NULL,
    projection text NOT NULL,
    action text NOT NULL,
    generation integer,
    reason text NOT NULL,
    dry_run boolean NOT NULL
);
COMMENT ON TABLE operator_actions IS 'Who did what to the projections, when and why; never changed.';

CREATE TABLE operator_leases (
    projection text PRIMARY KEY,
    token uuid NOT NULL,
    person_id text NOT NULL,
    name text NOT NULL,
    action text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL
);
COMMENT ON TABLE operator_leases IS 'Who acts on a projection right now; others are refused meanwhile.';

-- migrate:down
-- Migrations only go forward.
