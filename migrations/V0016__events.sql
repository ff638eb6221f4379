-- Events are told to whoever follows them in one order that nobody can miss anything of. Numbers that are drawn at the
-- insert commit out of their order, so an event gets its position only after its commit, under the one row of `relay`:
-- who has seen a position has seen all before it. Within a campaign the ids are in the order of what happened, because
-- decisions are written while the campaign's row is held, and what is heard of a call is committed before it is decided on.
--
-- What has happened before has its positions at once: nobody who begins to follow is told of it as news. All of that takes as
-- long as writing the events anew, and nobody calls anybody meanwhile.
--
-- Events outlive their campaign, so that whoever was away learns also of one that was deleted.
ALTER TABLE events
    DROP CONSTRAINT events_pkey,
    DROP CONSTRAINT events_campaign_id_team_id_fkey,
    ADD COLUMN id bigint,
    ADD COLUMN position bigint;

UPDATE events
SET id = ordered.id,
    position = ordered.id,
    kind = CASE kind
        WHEN 'campaign.pending' THEN 'campaign.started'
        WHEN 'contact.set-aside' THEN 'contact.failed'
        WHEN 'contact.blocked' THEN 'contact.failed'
        WHEN 'contact.callback-asked' THEN 'contact.callback'
        ELSE kind END
FROM (SELECT campaign_id, number, row_number() OVER (ORDER BY at, campaign_id, number) AS id FROM events) ordered
WHERE ordered.campaign_id = events.campaign_id AND ordered.number = events.number;

ALTER TABLE events
    DROP COLUMN number,
    ALTER COLUMN id SET NOT NULL,
    ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY,
    ADD CONSTRAINT one_event_per_position UNIQUE (position, team_id),
    ADD CONSTRAINT known_event_kind CHECK (kind IN
        ('campaign.created', 'campaign.started', 'campaign.running', 'campaign.waiting', 'campaign.paused',
         'campaign.resumed', 'campaign.canceled', 'campaign.completed', 'campaign.reopened', 'campaign.failed',
         'campaign.edited', 'campaign.deleted', 'campaign.calls-fail', 'schedule.fired', 'schedule.skipped',
         'contacts.added', 'contacts.retried',
         'contact.completed', 'contact.failed', 'contact.suppressed', 'contact.callback',
         'attempt.started', 'attempt.answered', 'attempt.ended', 'attempt.reopened'));
SELECT setval(pg_get_serial_sequence('events', 'id'), coalesce(max(id), 0) + 1, false) FROM events;

CREATE INDEX events_without_position ON events (id) WHERE position IS NULL;
CREATE INDEX events_of_campaign ON events (campaign_id, position);
CREATE INDEX events_of_team ON events (team_id, position);

ALTER TABLE campaigns
    DROP COLUMN last_event,
    -- What was last told of why it waits, so that it is told once; nothing is decided by it.
    ADD COLUMN told_waiting text;

-- The last position that was given, in the one row.
CREATE TABLE relay (
    is_the_one    boolean PRIMARY KEY DEFAULT true,
    last_position bigint NOT NULL DEFAULT 0,
    CONSTRAINT one_relay CHECK (is_the_one)
);
INSERT INTO relay (last_position) SELECT coalesce(max(position), 0) FROM events;

-- Gives up to `most` events their positions, and returns how many. Two who call it at the same time come one after the
-- other: the second sees what the first has done, because each statement of a function has its own snapshot.
CREATE FUNCTION place_events(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
    placed integer;
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE position IS NULL) THEN
        RETURN 0;
    END IF;
    SELECT last_position INTO last FROM relay FOR NO KEY UPDATE;
    WITH next AS (
        SELECT id, row_number() OVER (ORDER BY id) AS number
        FROM (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT most) first
    )
    UPDATE events SET position = last + next.number FROM next WHERE events.id = next.id AND position IS NULL;
    GET DIAGNOSTICS placed = ROW_COUNT;
    UPDATE relay SET last_position = last + placed;
    RETURN placed;
END
$$;
