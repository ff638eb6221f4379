-- The team-wide list of numbers that must not be contacted: where each comes from, a note beside its reason, and what
-- was taken off it, when, and with whose key. Pages of the list follow the team's numbers, so the key begins with it.
ALTER TABLE suppressions
    DROP CONSTRAINT suppressions_pkey,
    ADD CONSTRAINT one_suppression_per_number PRIMARY KEY (team_id, phone),
    ADD COLUMN note text,
    ADD CONSTRAINT known_suppression_source CHECK (source IN ('api', 'file', 'opt-out-key', 'agent', 'provider'));

CREATE TABLE lifted_suppressions (
    team_id    uuid NOT NULL REFERENCES teams,
    phone      text NOT NULL,
    reason     text NOT NULL,
    source     text NOT NULL,
    note       text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    lifted_at  timestamptz NOT NULL,
    lifted_by  uuid NOT NULL,
    PRIMARY KEY (team_id, phone, lifted_at, created_at)
);

-- Since when somebody wants the call ended, whoever talks in it, and when the provider last took our request to end it.
ALTER TABLE attempts
    ADD COLUMN end_wanted_at timestamptz,
    ADD COLUMN end_asked_at timestamptz;
