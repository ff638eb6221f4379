-- Who did what to what. A row is written before anything is done, so that nothing is done unseen, and completed with the
-- answer. What was sent is not kept: it may hold people's numbers and names. It refers to nothing, because it outlives what
-- it tells of.
CREATE TABLE audit (
    id          uuid NOT NULL,
    team_id     uuid NOT NULL,
    at          timestamptz NOT NULL,
    source      text NOT NULL,
    -- The key as it was, and the request; none where somebody worked on the database itself.
    key_id      uuid,
    key_name    text,
    key_prefix  text,
    permission  text,
    request_id  text,
    -- Method and route, or the command.
    action      text NOT NULL,
    campaign_id uuid,
    -- The ids that were named, under the names that the route gives them.
    ids         jsonb NOT NULL,
    -- The status that was answered, and when: neither while it is under way, nor if it was broken off.
    status      smallint,
    finished_at timestamptz,
    -- What was made by it.
    made_id     uuid,
    detail      jsonb,
    PRIMARY KEY (id, team_id),
    CONSTRAINT known_audit_source CHECK (source IN ('api', 'command-line')),
    CONSTRAINT requests_are_somebody_s CHECK
        ((source = 'api') = (num_nulls(key_id, key_name, key_prefix, permission, request_id) = 0)),
    CONSTRAINT answered_exactly_when_finished CHECK ((status IS NULL) = (finished_at IS NULL))
) WITH (fillfactor = 80);

CREATE INDEX audit_by_time ON audit (team_id, at, id);
CREATE INDEX audit_of_key ON audit (key_id, at, id);
CREATE INDEX audit_of_campaign ON audit (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX audit_of_what_was_made ON audit (made_id) WHERE made_id IS NOT NULL;

-- Requests that make something and may come again: what each is to make, who is at it, and what was answered.
CREATE TABLE idempotency_keys (
    team_id     uuid NOT NULL,
    key_id      uuid NOT NULL,
    -- What whoever asks calls the request.
    name        text NOT NULL,
    -- The SHA-256 of what was asked for.
    fingerprint bytea NOT NULL,
    -- The id that what is made has, whoever makes it.
    made_id     uuid NOT NULL,
    -- The node that is at it; none if it was answered, or if nobody knows what came of it.
    node        uuid,
    status      smallint,
    body        bytea,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (key_id, name, team_id),
    CONSTRAINT nobody_is_at_what_was_answered CHECK (status IS NULL OR node IS NULL),
    CONSTRAINT no_body_without_an_answer CHECK (body IS NULL OR status IS NOT NULL)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
