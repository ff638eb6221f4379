-- Whose calls a node places: campaigns go only to nodes of their own account, as long as one lives. A node of a version
-- that does not say so has none that others could leave theirs to.
ALTER TABLE nodes ADD COLUMN account_sid text NOT NULL DEFAULT '';

-- No lease is given for longer than a minute. One that seems to last longer was given before the database's clock was set
-- back, and says nothing: a living node renews it within seconds.
CREATE VIEW living_nodes AS
SELECT * FROM nodes
WHERE alive_until > clock_timestamp() AND alive_until <= clock_timestamp() + interval '1 minute';
