-- migrate:up
-- Pages that are open are loaded anew once somebody has been erased: they show what is nowhere else any more.
CREATE VIEW erasures_done AS
    SELECT count(*) AS number, max(done_at) AS last FROM erased_people WHERE done_at IS NOT NULL;
COMMENT ON VIEW erasures_done IS 'How many, and when the last one ended; of nobody who they were.';
GRANT SELECT ON erasures_done TO portal_executor, portal_requester;

CREATE FUNCTION tell_pages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('settings', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER erasures_are_told AFTER UPDATE OF done_at ON erased_people
    FOR EACH STATEMENT EXECUTE FUNCTION tell_pages();

-- migrate:down
-- Migrations only go forward.
