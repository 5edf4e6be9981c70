-- migrate:up
-- What a requester could see of their ticket and no longer can: an id and the version since when, and nothing of why.
-- A function and no view, because it belongs to no generation: it reads whichever is live when it is called, so that
-- generations that were made before this need not be built anew.
CREATE SCHEMA requesters;

SET LOCAL check_function_bodies = off; -- where there is no generation yet
CREATE FUNCTION requesters.gone(ticket text, beyond integer)
RETURNS TABLE (subject_id uuid, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT fact.subject_id, max(fact.version)
    FROM history.ticket_entries AS fact
    JOIN history.occurrences AS o ON o.occurrence_id = fact.subject_id
    WHERE fact.ticket_id = ticket AND fact.version > beyond AND fact.kind = 'action'
      AND (o.retracted OR NOT o.visible_to_requester)
      AND CASE fact.action
          -- What was hidden before it was retracted was gone already, and what was internal was never there.
          WHEN 'occurrence-retracted' THEN o.visible_to_requester
          -- Held back, or held back no longer without having been shown: nobody saw it.
          WHEN 'occurrence-visibility-changed' THEN NOT (fact.data -> 'visible_to_requester')::boolean
              AND NOT fact.data ?| ARRAY['release', 'release_outcome']
          ELSE false
      END
    GROUP BY fact.subject_id
$$;
COMMENT ON FUNCTION requesters.gone IS 'Occurrences that the requester could see until some version beyond the one given.';

REVOKE ALL ON FUNCTION requesters.gone FROM PUBLIC;
GRANT USAGE ON SCHEMA requesters TO portal_requester;
GRANT EXECUTE ON FUNCTION requesters.gone TO portal_requester;

-- migrate:down
-- Migrations only go forward.
