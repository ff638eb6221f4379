-- What a campaign's settings and its agent were under each version: every attempt names the one that it was made under. A
-- version's row is written with the version, whoever writes it.
ALTER TABLE campaigns
    -- Since when its settings are these, if not since it was made, and whose key gave them, if that is known.
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN edited_by uuid;

CREATE TABLE settings_versions (
    campaign_id uuid NOT NULL,
    team_id     uuid NOT NULL,
    version     integer NOT NULL,
    settings    jsonb NOT NULL,
    agent_id    uuid,
    agent       jsonb NOT NULL,
    at          timestamptz NOT NULL,
    key_id      uuid,
    PRIMARY KEY (campaign_id, version, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE
);

CREATE FUNCTION every_version_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO settings_versions (campaign_id, team_id, version, settings, agent_id, agent, at, key_id)
    VALUES (NEW.id, NEW.team_id, NEW.settings_version, NEW.settings, NEW.agent_id, NEW.agent,
            coalesce(NEW.edited_at, NEW.created_at), NEW.edited_by);
    RETURN NULL;
END $$;

-- The statements of the dialer name no version, so this costs them nothing.
CREATE TRIGGER the_first_version_is_kept AFTER INSERT ON campaigns
    FOR EACH ROW EXECUTE FUNCTION every_version_is_kept();
CREATE TRIGGER every_version_is_kept AFTER UPDATE OF settings_version ON campaigns
    FOR EACH ROW EXECUTE FUNCTION every_version_is_kept();

INSERT INTO settings_versions (campaign_id, team_id, version, settings, agent_id, agent, at)
SELECT id, team_id, settings_version, settings, agent_id, agent, created_at FROM campaigns;

-- How many more contacts a campaign calls before it is paused, if that is limited, and the number of that limit, which
-- only grows. Each attempt remembers under which limit it was made, so that a contact counts once however often it is
-- called, and not at all if its attempt was taken back.
ALTER TABLE campaigns
    ADD COLUMN limit_left   integer,
    ADD COLUMN limit_number integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT limits_are_not_negative CHECK (limit_left >= 0);

ALTER TABLE attempts ADD COLUMN limit_number integer;

-- The number of the attempt behind which a contact's retry policy began anew, because somebody wanted it tried again.
ALTER TABLE contacts ADD COLUMN anew_after integer NOT NULL DEFAULT 0;
