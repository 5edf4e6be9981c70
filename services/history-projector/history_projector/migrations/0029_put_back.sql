-- migrate:up
-- Whoever reads the histories has to see whether they were put back from a backup; it says nothing of anybody.
GRANT SELECT ON incarnation TO PUBLIC;

-- migrate:down
-- Migrations only go forward.
