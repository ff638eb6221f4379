-- Lists as they were uploaded: the file, what became of its rows, and the contacts that it made.

-- What the file says of the person, the repair that its number needed, and where it comes from.
ALTER TABLE contacts
    ADD COLUMN timezone text,
    ADD COLUMN priority smallint NOT NULL DEFAULT 0,
    ADD COLUMN repair text,
    ADD COLUMN import_id uuid;

-- Every contact belongs to a campaign, which takes its contacts along when it is deleted. A foreign key says the same,
-- but asks for every single row: that was 11 of the 27 seconds of a COPY of a million contacts. These triggers ask once
-- for a statement, and lock the campaign's row against its deletion as the foreign key did.
ALTER TABLE contacts DROP CONSTRAINT contacts_campaign_id_team_id_fkey;

CREATE FUNCTION contacts_belong_to_a_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    belongs record;
BEGIN
    FOR belongs IN SELECT DISTINCT campaign_id, team_id FROM added LOOP
        PERFORM FROM campaigns WHERE id = belongs.campaign_id AND team_id = belongs.team_id FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no such campaign' USING
                ERRCODE = 'foreign_key_violation', TABLE = 'contacts', CONSTRAINT = 'contacts_belong_to_a_campaign';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER contacts_belong_to_a_campaign AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_belong_to_a_campaign();

CREATE FUNCTION contacts_stay_in_their_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a contact stays in its campaign' USING
        ERRCODE = 'foreign_key_violation', TABLE = 'contacts', CONSTRAINT = 'contacts_stay_in_their_campaign';
END $$;

CREATE TRIGGER contacts_stay_in_their_campaign BEFORE UPDATE OF campaign_id, team_id ON contacts
    FOR EACH ROW EXECUTE FUNCTION contacts_stay_in_their_campaign();

CREATE FUNCTION campaigns_take_their_contacts_along() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM contacts WHERE campaign_id = OLD.id AND team_id = OLD.team_id;
    RETURN NULL;
END $$;

CREATE TRIGGER campaigns_take_their_contacts_along AFTER DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION campaigns_take_their_contacts_along();

-- A list that was uploaded. Until it is stored in a campaign it is a preview, and it is kept until it expires.
CREATE TABLE imports (
    id          uuid NOT NULL,
    team_id     uuid NOT NULL REFERENCES teams,
    campaign_id uuid,
    -- None for contacts that came as JSON.
    file_name   text,
    digest      bytea NOT NULL,
    bytes       bigint NOT NULL,
    -- How the file was read: country, columns, sheet.
    options     jsonb NOT NULL,
    -- What became of its rows: the account.
    report      jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    stored_at   timestamptz,
    expires_at  timestamptz,
    PRIMARY KEY (id, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE,
    CONSTRAINT stored_imports_name_their_campaign CHECK ((stored_at IS NULL) = (campaign_id IS NULL)),
    CONSTRAINT imports_expire_until_they_are_stored CHECK ((stored_at IS NULL) = (expires_at IS NOT NULL)),
    CONSTRAINT a_digest_is_a_sha_256 CHECK (octet_length(digest) = 32),
    CONSTRAINT files_are_not_shorter_than_nothing CHECK (bytes >= 0)
);

CREATE INDEX imports_of_a_campaign ON imports (campaign_id, id) WHERE campaign_id IS NOT NULL;
CREATE INDEX imports_of_a_file ON imports (team_id, digest) WHERE campaign_id IS NOT NULL;
CREATE INDEX imports_that_expire ON imports (expires_at) WHERE expires_at IS NOT NULL;

-- The file of a preview, so that a campaign can be made of it on any node without another upload.
CREATE TABLE import_pieces (
    import_id uuid NOT NULL,
    team_id   uuid NOT NULL,
    -- From 0.
    number    integer NOT NULL,
    bytes     bytea NOT NULL,
    PRIMARY KEY (import_id, number, team_id),
    FOREIGN KEY (import_id, team_id) REFERENCES imports (id, team_id) ON DELETE CASCADE,
    CONSTRAINT a_piece_is_at_most_a_mebibyte CHECK (octet_length(bytes) BETWEEN 1 AND 1048576)
);

-- Kept for a day at most: the time to compress it is worth more than the room.
ALTER TABLE import_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The rows of which something is to be said.
CREATE TABLE import_rows (
    import_id   uuid NOT NULL,
    team_id     uuid NOT NULL,
    -- The line or sheet row, and which of the import's remarks it is: a row may be spoken of twice.
    file_row    integer NOT NULL,
    number      integer NOT NULL,
    kind        text NOT NULL,
    column_name text NOT NULL,
    -- What stands there, masked.
    value       text NOT NULL,
    reason      text NOT NULL,
    sentence    text NOT NULL,
    suggestion  text,
    -- The row of the same file that a duplicate repeats; none if the campaign had the contact before.
    repeats     integer,
    -- The refused row as it was, for the rejects file.
    cells       jsonb,
    PRIMARY KEY (import_id, file_row, number, team_id),
    FOREIGN KEY (import_id, team_id) REFERENCES imports (id, team_id) ON DELETE CASCADE,
    CONSTRAINT known_kind_of_remark CHECK (kind IN ('refused', 'repaired', 'duplicate')),
    CONSTRAINT refused_rows_keep_their_cells CHECK ((kind = 'refused') = (cells IS NOT NULL)),
    CONSTRAINT only_refused_rows_are_given_a_suggestion CHECK (kind = 'refused' OR suggestion IS NULL),
    CONSTRAINT only_duplicates_repeat CHECK (kind = 'duplicate' OR repeats IS NULL)
);
