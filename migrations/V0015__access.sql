-- What a key is for, until when it is good, and when somebody last came with it. Whoever had a key so far could do everything.
ALTER TABLE api_keys
    ADD COLUMN role         text NOT NULL DEFAULT 'admin'
        CONSTRAINT known_role CHECK (role IN ('viewer', 'operator', 'admin')),
    ADD COLUMN expires_at   timestamptz,
    ADD COLUMN last_used_at timestamptz;
ALTER TABLE api_keys ALTER COLUMN role DROP DEFAULT;

-- Keys are looked up by their hash alone, whoever's they are.
CREATE INDEX api_keys_by_hash ON api_keys (hash);
CREATE INDEX api_keys_by_age ON api_keys (team_id, id);
