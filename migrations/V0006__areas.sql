-- Where the contacts of a campaign may be, so that everybody's hours can be judged: a few areas for each campaign. The
-- claim looks for the next contact in each area that is open, and leaves the others alone.

CREATE TABLE areas (
    campaign_id  uuid NOT NULL,
    team_id      uuid NOT NULL,
    -- From 0, without gaps.
    number       smallint NOT NULL,
    -- The zones that count, with commas between them, and what tells them; without zones, why nothing tells them.
    zones        text,
    told_by      text NOT NULL,
    -- The places whose rules protect them, such as US-TX, with commas between them.
    places       text NOT NULL,
    -- Nobody of the area who is pending stands before these in the claim's order, so the claim starts from them.
    order_cursor bigint NOT NULL DEFAULT -9223372036854775808,
    due_cursor   timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (campaign_id, number, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE,
    CONSTRAINT areas_are_counted_from_zero CHECK (number >= 0)
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX areas_differ ON areas (campaign_id, coalesce(zones, ''), told_by, places, team_id);

-- Contacts that were there before are taken to be where their campaign is, as they were until now.
INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
SELECT id, team_id, 0, settings ->> 'timezone', 'campaign', '' FROM campaigns;

ALTER TABLE campaigns DROP COLUMN order_cursor, DROP COLUMN due_cursor;

-- Whose turn it is: the highest priority first, and then the order of the list.
ALTER TABLE contacts
    ADD COLUMN area smallint NOT NULL DEFAULT 0,
    ADD COLUMN place bigint NOT NULL GENERATED ALWAYS AS ((-priority::bigint << 32) + position) STORED;
ALTER TABLE contacts ALTER COLUMN area DROP DEFAULT;

-- What the claim probes in each area: those with a due time of their own, then the others in their order.
DROP INDEX contacts_by_due_time, contacts_in_order;
CREATE INDEX contacts_by_due_time ON contacts (campaign_id, area, due_at) WHERE state = 'pending' AND timed;
CREATE INDEX contacts_in_order ON contacts (campaign_id, area, place) WHERE state = 'pending' AND NOT timed;
