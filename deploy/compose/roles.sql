-- The services' databases and roles: each owns its own and cannot enter another's. For psql 15 or newer, once,
-- as someone who may create roles; passwords come from the environment.
\set ON_ERROR_STOP on
\getenv notes_password NOTES_PASSWORD
\getenv notifier_password NOTIFIER_PASSWORD
\getenv history_projector_password HISTORY_PROJECTOR_PASSWORD
\getenv portal_query_password PORTAL_QUERY_PASSWORD
\getenv portal_executor_password PORTAL_EXECUTOR_PASSWORD
\getenv portal_requester_password PORTAL_REQUESTER_PASSWORD

CREATE ROLE notes LOGIN PASSWORD :'notes_password';
CREATE ROLE notifier LOGIN PASSWORD :'notifier_password';
CREATE ROLE history_projector LOGIN PASSWORD :'history_projector_password';
-- They read the database history: what each may see there is granted by its owner's migrations.
CREATE ROLE portal_query LOGIN PASSWORD :'portal_query_password';
CREATE ROLE portal_executor LOGIN PASSWORD :'portal_executor_password';
CREATE ROLE portal_requester LOGIN PASSWORD :'portal_requester_password';

-- Each service says how old the oldest transaction in its database is, whoever holds it open.
GRANT pg_read_all_stats TO notes, notifier, history_projector, portal_query;

CREATE DATABASE notes OWNER notes TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE notifier OWNER notifier TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE history OWNER history_projector TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE notes FROM PUBLIC;
REVOKE ALL ON DATABASE notifier FROM PUBLIC;
REVOKE ALL ON DATABASE history FROM PUBLIC;
GRANT CONNECT ON DATABASE history TO portal_query, portal_executor, portal_requester;
-- For its own schema of sessions.
GRANT CREATE ON DATABASE history TO portal_query;
