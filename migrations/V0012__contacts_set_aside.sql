-- Contacts that made their campaign fail again and again are set aside, so that the others are called.

-- How many were set aside one after the other, with no call settled in between: then it is hardly the contacts. Nodes that
-- are at work reach contacts by way of campaigns, and so does this.
ALTER TABLE campaigns ADD COLUMN set_aside_in_a_row integer NOT NULL DEFAULT 0;

-- Why, in the words of the error; such a contact has failed.
ALTER TABLE contacts
    ADD COLUMN set_aside text,
    ADD CONSTRAINT who_is_set_aside_has_failed CHECK (set_aside IS NULL OR state = 'failed');

CREATE INDEX contacts_set_aside ON contacts (campaign_id) WHERE set_aside IS NOT NULL;

-- A call that was given up and has been heard of is not opened again for somebody who was set aside.
CREATE OR REPLACE VIEW revived_attempts AS
SELECT attempts.id, attempts.team_id, attempts.campaign_id
FROM attempts
JOIN contacts ON contacts.id = attempts.contact_id AND contacts.team_id = attempts.team_id
JOIN campaigns ON campaigns.id = attempts.campaign_id AND campaigns.team_id = attempts.team_id
WHERE attempts.outcome = 'unknown' AND attempts.heard_at > attempts.settled_at
  AND contacts.last_number = attempts.number AND contacts.state IN ('pending', 'failed')
  AND contacts.set_aside IS NULL
  AND campaigns.state IN ('pending', 'running', 'paused', 'completed')
  AND NOT EXISTS (SELECT FROM attempts other
                  WHERE other.to_phone = attempts.to_phone AND other.team_id = attempts.team_id
                    AND other.settled_at IS NULL);
