-- migrate:up
-- Who may decide about a ticket's mails follows from groups.
ALTER TABLE groups ADD COLUMN member_ids text[] NOT NULL DEFAULT '{}';
ALTER TABLE groups ADD COLUMN executes text[] NOT NULL DEFAULT '{}';
ALTER TABLE groups ADD COLUMN comments text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN groups.executes IS 'Groups whose tickets the members may execute, beside their own.';
COMMENT ON COLUMN groups.comments IS 'Groups whose tickets the members may see and comment on.';
CREATE INDEX groups_members ON groups USING gin (member_ids);
-- What was taken in without these columns is read once more: the topic is compacted and holds every group.
UPDATE positions SET next_offset = 0 WHERE consumer = 'notifier' AND right(topic, 11) = 'itsm.groups';

ALTER TABLE mails ADD COLUMN decision jsonb;
COMMENT ON COLUMN mails.decision IS 'The last one of people about this mail, as outcomes tell it.';

CREATE TABLE decisions (
    person_id text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    mail_id uuid NOT NULL REFERENCES mails,
    decision jsonb NOT NULL,
    PRIMARY KEY (person_id, key)
);
COMMENT ON TABLE decisions IS 'What people decided about uncertain mails, all that there was.';
COMMENT ON COLUMN decisions.key IS 'The Idempotency-Key of the request.';
CREATE INDEX decisions_mail ON decisions (mail_id);

-- migrate:down
-- Migrations only go forward.
