-- Who is signed in to the dashboard: a cookie stands for a key, as long as the key is good. Only a hash of the cookie is kept.
-- Instants are the database's own, of real time, whatever the course of the server's clock is.
CREATE TABLE sessions (
    hash         bytea NOT NULL,
    team_id      uuid NOT NULL,
    key_id       uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (hash, team_id),
    FOREIGN KEY (key_id, team_id) REFERENCES api_keys (id, team_id) ON DELETE CASCADE
);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Those that are shown first on the page that everybody begins with, however many are over. The state is in another index's
-- condition already, so no update becomes dearer.
CREATE INDEX campaigns_at_work ON campaigns (team_id, id) WHERE state IN ('pending', 'running', 'paused');
