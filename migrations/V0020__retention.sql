-- Personal data that is not kept for ever: a while after a campaign's end its contacts and attempts are left without names,
-- numbers and everything else that says who they were, and somebody who asks for it is at once. The rows stay, and with them
-- every count and every figure.

ALTER TABLE campaigns
    -- When it came to its end, in whatever way; none as long as it may go on.
    ADD COLUMN ended_at           timestamptz,
    -- Since when nobody of it can be told any more. A campaign that went on after that has ended again since.
    ADD COLUMN contacts_erased_at timestamptz,
    ADD COLUMN attempts_erased_at timestamptz;

-- When others were canceled or failed was not written down: their time begins now.
UPDATE campaigns SET ended_at = coalesce(completed_at, now())
WHERE state IN ('completed', 'canceled', 'failed');

CREATE INDEX campaigns_at_their_end ON campaigns (ended_at) WHERE ended_at IS NOT NULL;

-- When it was made impossible to tell who it is. In place of the number stands 'erased-' and the contact's own id, from which
-- nothing can be told, in place of the name and of what the file said there is nothing.
ALTER TABLE contacts
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT nothing_is_left_of_whom_nobody_can_tell CHECK
        (erased_at IS NULL OR phone = 'erased-' || id::text AND extension = '' AND name IS NULL AND metadata = '{}'
         AND raw_phone = '' AND alternates = '[]' AND callback_note IS NULL AND NOT callback_waits);

-- A call that was given up and has been heard of is not opened again for somebody of whom nothing is known any more.
CREATE OR REPLACE VIEW revived_attempts AS
SELECT attempts.id, attempts.team_id, attempts.campaign_id
FROM attempts
JOIN contacts ON contacts.id = attempts.contact_id AND contacts.team_id = attempts.team_id
JOIN campaigns ON campaigns.id = attempts.campaign_id AND campaigns.team_id = attempts.team_id
WHERE attempts.outcome = 'unknown' AND attempts.heard_at > attempts.settled_at
  AND contacts.last_number = attempts.number AND contacts.state IN ('pending', 'failed')
  AND contacts.set_aside IS NULL AND contacts.erased_at IS NULL
  AND campaigns.state IN ('pending', 'running', 'paused', 'completed')
  AND NOT EXISTS (SELECT FROM attempts other
                  WHERE other.to_phone = attempts.to_phone AND other.team_id = attempts.team_id
                    AND other.settled_at IS NULL);
