-- migrate:up
-- What a requester asked for, and what they may file a note under. Neither belongs to a generation: the ITSM says
-- what is so now, so a rebuild neither loses nor repeats it. Unknown of tickets taken in before this, until their next fact.
ALTER TABLE reference.tickets ADD COLUMN description text;
CREATE INDEX tickets_requester ON reference.tickets (requester_id, opened_at DESC, ticket_id DESC);

CREATE VIEW history.requester_descriptions WITH (security_barrier) AS
SELECT ticket_id, description FROM reference.tickets WHERE description IS NOT NULL;

CREATE VIEW history.requester_catalog WITH (security_barrier) AS
SELECT 'category' AS kind, category_id AS id, name FROM reference.categories WHERE active
UNION ALL
SELECT 'origin', origin_id, name FROM reference.origins WHERE active;

GRANT SELECT ON history.requester_descriptions, history.requester_catalog TO portal_requester, portal_executor;

-- migrate:down
-- Migrations only go forward.
