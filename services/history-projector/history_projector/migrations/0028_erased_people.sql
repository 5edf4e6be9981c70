-- migrate:up
-- The portal ends the sessions of people who have been erased.
GRANT SELECT ON erased_people TO portal_executor;

-- migrate:down
-- Migrations only go forward.
