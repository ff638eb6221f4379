-- How often a number was called lately, over all campaigns of a team: whatever may have rung, so everything but what was
-- taken back. The claim reads the newest few of one number and nobody else's.
--
-- Number, team and intent never change. The outcome changes only together with settled_at, on which other indexes stand
-- already, so facts are recorded as cheaply as before. An attempt that is taken back leaves the index, so that a number
-- whose calls were refused for an hour has no more to be read than any other.
CREATE INDEX calls_to_a_number ON attempts (to_phone, team_id, intended_at DESC)
    WHERE outcome IS DISTINCT FROM 'not-placed';

-- A campaign takes its attempts along when it is deleted, but the people whom it called were called all the same: the
-- caps have to know it, or deleting and uploading again would be a way around them.
CREATE TABLE calls_of_deleted_campaigns (
    attempt_id  uuid NOT NULL,
    team_id     uuid NOT NULL REFERENCES teams,
    to_phone    text NOT NULL,
    intended_at timestamptz NOT NULL,
    placed_at   timestamptz,
    PRIMARY KEY (to_phone, team_id, intended_at, attempt_id)
);

CREATE FUNCTION calls_outlive_their_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO calls_of_deleted_campaigns (attempt_id, team_id, to_phone, intended_at, placed_at)
    SELECT id, team_id, to_phone, intended_at, placed_at
    FROM attempts
    WHERE campaign_id = OLD.id AND team_id = OLD.team_id AND outcome IS DISTINCT FROM 'not-placed';
    RETURN OLD;
END $$;

CREATE TRIGGER calls_outlive_their_campaign BEFORE DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION calls_outlive_their_campaign();

-- The calls to all numbers, wherever they stand. Who asks for a number's newest names the team, says that the outcome is
-- distinct from not-placed, as the index does, and orders by the intent: then it is one probe of an index in each table,
-- and no more rows than are asked for.
CREATE VIEW calls AS
SELECT team_id, to_phone, intended_at, coalesce(placed_at, intended_at) AS called_at, outcome
FROM attempts
UNION ALL
SELECT team_id, to_phone, intended_at, coalesce(placed_at, intended_at), NULL
FROM calls_of_deleted_campaigns;
