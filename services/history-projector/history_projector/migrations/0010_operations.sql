-- migrate:up
-- What operators did is kept in the same way by every service.
INSERT INTO operations (at, person_id, name, subject, action, target, reason, dry_run)
SELECT at, person_id, name, projection, action, generation::text, reason, dry_run
FROM operator_actions ORDER BY id;
DROP TABLE operator_actions, operator_leases;

-- migrate:down
-- Migrations only go forward.
