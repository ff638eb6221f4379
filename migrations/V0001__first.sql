-- The first schema. States are text with CHECKs, constraints are named as the sentence that they enforce, and every
-- unique constraint contains the team, so that a distributed PostgreSQL can shard by it.

CREATE TABLE teams (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Only a hash of a key is kept; the prefix tells people which key it is.
CREATE TABLE api_keys (
    id         uuid NOT NULL,
    team_id    uuid NOT NULL REFERENCES teams,
    name       text NOT NULL,
    prefix     text NOT NULL,
    hash       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (id, team_id),
    CONSTRAINT one_key_per_hash UNIQUE (hash, team_id)
);

CREATE TABLE agents (
    id          uuid NOT NULL,
    team_id     uuid NOT NULL REFERENCES teams,
    name        text NOT NULL,
    prompt_text text,
    script      jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (id, team_id)
);

-- Who runs campaigns, and until when it is surely alive. By the database's own clock.
CREATE TABLE nodes (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    started_at  timestamptz NOT NULL,
    alive_until timestamptz NOT NULL
);

-- The provider account: its next free place among the calls per second, and until when and why it gives none. By
-- the database's own clock, because places are real time on every node.
CREATE TABLE accounts (
    sid            text PRIMARY KEY,
    next_place_at  timestamptz NOT NULL,
    closed_until   timestamptz,
    closed_because text,
    troubles       integer NOT NULL DEFAULT 0,
    CONSTRAINT closed_accounts_say_why CHECK ((closed_until IS NULL) = (closed_because IS NULL)),
    CONSTRAINT known_closure CHECK (closed_because IN ('rate-limited', 'provider-down'))
);

CREATE TABLE campaigns (
    id                 uuid NOT NULL,
    team_id            uuid NOT NULL REFERENCES teams,
    name               text NOT NULL,
    state              text NOT NULL,
    -- Why it is paused or failed: a word, and a sentence for people.
    state_reason       text,
    state_detail       text,
    -- The provider account that its calls go through, fixed at its start.
    account_sid        text,
    settings           jsonb NOT NULL,
    settings_version   integer NOT NULL DEFAULT 1,
    -- The agent as it was when the campaign was made.
    agent_id           uuid,
    agent              jsonb NOT NULL,
    -- The file's columns and its row counts.
    import             jsonb NOT NULL,
    starts_at          timestamptz,
    created_at         timestamptz NOT NULL,
    started_at         timestamptz,
    paused_at          timestamptz,
    completed_at       timestamptz,
    last_call_ended_at timestamptz,
    -- Contacts by state, attempts by outcome: changed in the transaction that makes them true.
    pending            integer NOT NULL DEFAULT 0,
    calling            integer NOT NULL DEFAULT 0,
    completed          integer NOT NULL DEFAULT 0,
    failed             integer NOT NULL DEFAULT 0,
    suppressed         integer NOT NULL DEFAULT 0,
    attempts           integer NOT NULL DEFAULT 0,
    retries            integer NOT NULL DEFAULT 0,
    outcomes           jsonb NOT NULL DEFAULT '{}',
    talk_seconds       bigint NOT NULL DEFAULT 0,
    -- The node that runs it, and the number of that ownership, which only grows.
    node               uuid,
    epoch              bigint NOT NULL DEFAULT 0,
    -- Nobody who is pending stands before these in the claim's order, so the claim starts from them.
    order_cursor       integer NOT NULL DEFAULT 0,
    due_cursor         timestamptz NOT NULL DEFAULT '-infinity',
    last_event         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (id, team_id),
    CONSTRAINT known_state CHECK (state IN
        ('draft', 'pending', 'running', 'paused', 'completed', 'failed', 'canceled')),
    CONSTRAINT paused_and_failed_campaigns_say_why CHECK
        (state NOT IN ('paused', 'failed') OR state_reason IS NOT NULL),
    CONSTRAINT started_campaigns_have_an_account CHECK
        (state IN ('draft', 'canceled') OR account_sid IS NOT NULL),
    CONSTRAINT completed_campaigns_have_nobody_left CHECK
        (state <> 'completed' OR pending + calling = 0),
    CONSTRAINT a_campaign_calls_one_contact_at_a_time CHECK (calling IN (0, 1)),
    CONSTRAINT counts_are_not_negative CHECK
        (least(pending, calling, completed, failed, suppressed, attempts, retries) >= 0)
) WITH (fillfactor = 70);

CREATE INDEX campaigns_by_age ON campaigns (team_id, id);
CREATE INDEX campaigns_to_run ON campaigns (node) WHERE state IN ('pending', 'running');

CREATE TABLE contacts (
    id           uuid NOT NULL,
    team_id      uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    -- Its place in the list, from 1.
    position     integer NOT NULL,
    phone        text NOT NULL,
    extension    text NOT NULL DEFAULT '',
    name         text,
    -- The file's other columns, under their own names.
    metadata     jsonb NOT NULL,
    -- What the file said, and where.
    file_row     integer NOT NULL,
    raw_phone    text NOT NULL,
    region       text,
    number_type  text,
    -- Further numbers of the same person.
    alternates   jsonb NOT NULL DEFAULT '[]',
    state        text NOT NULL,
    -- The retry policy's instant, set exactly while it is pending.
    due_at       timestamptz,
    -- Whether it stands in the queue by its due time, or in the order of the list because it was never given one.
    timed        boolean NOT NULL DEFAULT false,
    -- Attempts that count, and the number of the last attempt, counted or not.
    attempts     integer NOT NULL DEFAULT 0,
    last_number  integer NOT NULL DEFAULT 0,
    last_outcome text,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (id, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE,
    CONSTRAINT one_contact_per_number UNIQUE (campaign_id, phone, extension, team_id),
    CONSTRAINT one_contact_per_position UNIQUE (campaign_id, position, team_id),
    CONSTRAINT known_contact_state CHECK (state IN
        ('pending', 'calling', 'completed', 'failed', 'suppressed')),
    CONSTRAINT due_exactly_while_pending CHECK ((state = 'pending') = (due_at IS NOT NULL))
) WITH (fillfactor = 80);

-- What the claim probes: those with a due time of their own, then the others in the order of the list.
CREATE INDEX contacts_by_due_time ON contacts (campaign_id, due_at) WHERE state = 'pending' AND timed;
CREATE INDEX contacts_in_order ON contacts (campaign_id, position) WHERE state = 'pending' AND NOT timed;

CREATE TABLE attempts (
    id               uuid NOT NULL,
    team_id          uuid NOT NULL,
    campaign_id      uuid NOT NULL,
    contact_id       uuid NOT NULL,
    number           integer NOT NULL,
    channel          text NOT NULL DEFAULT 'voice',
    epoch            bigint NOT NULL,
    settings_version integer NOT NULL,
    to_phone         text NOT NULL,
    from_phone       text NOT NULL,
    -- The provider's id of the call; an adopted one was found by asking and gives way to the provider's own word.
    sid              text,
    sid_is_adopted   boolean NOT NULL DEFAULT false,
    -- What the provider said, folded; the key is the status's place in the fold's order.
    status           text,
    status_key       bigint NOT NULL DEFAULT 0,
    answered_by      text,
    sip_code         integer,
    duration_seconds integer,
    ringing_at       timestamptz,
    answered_at      timestamptz,
    ended_at         timestamptz,
    heard_at         timestamptz,
    asked_at         timestamptz,
    intended_at      timestamptz NOT NULL,
    placed_at        timestamptz,
    -- What it came to, for us, and when that was applied to its contact.
    outcome          text,
    error_code       integer,
    error_message    text,
    settled_at       timestamptz,
    PRIMARY KEY (id, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE,
    CONSTRAINT numbers_are_not_reused UNIQUE (contact_id, number, team_id),
    CONSTRAINT known_status CHECK (status IN
        ('queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled')),
    CONSTRAINT known_outcome CHECK (outcome IN
        ('answered', 'machine', 'no-answer', 'busy', 'failed', 'canceled', 'invalid-number', 'blocked',
         'not-placed', 'unknown')),
    CONSTRAINT settled_exactly_with_an_outcome CHECK ((settled_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT a_status_has_its_key CHECK ((status IS NULL) = (status_key = 0))
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX one_open_call_per_campaign ON attempts (campaign_id, team_id) WHERE settled_at IS NULL;
CREATE UNIQUE INDEX one_open_call_per_number ON attempts (to_phone, team_id) WHERE settled_at IS NULL;
CREATE UNIQUE INDEX one_attempt_per_call ON attempts (sid, team_id) WHERE sid IS NOT NULL;
CREATE INDEX attempts_by_age ON attempts (campaign_id, id);
CREATE INDEX attempts_nobody_knows_of ON attempts (campaign_id) WHERE outcome = 'unknown';

-- Attempts that were given up as unknown, have been heard of since, and whose contact is still theirs to correct.
-- While another campaign is calling the number they cannot be opened again, and nobody waits for that.
CREATE VIEW revived_attempts AS
SELECT attempts.id, attempts.team_id, attempts.campaign_id
FROM attempts
JOIN contacts ON contacts.id = attempts.contact_id AND contacts.team_id = attempts.team_id
JOIN campaigns ON campaigns.id = attempts.campaign_id AND campaigns.team_id = attempts.team_id
WHERE attempts.outcome = 'unknown' AND attempts.heard_at > attempts.settled_at
  AND contacts.last_number = attempts.number AND contacts.state IN ('pending', 'failed')
  AND campaigns.state IN ('pending', 'running', 'paused', 'completed')
  AND NOT EXISTS (SELECT FROM attempts other
                  WHERE other.to_phone = attempts.to_phone AND other.team_id = attempts.team_id
                    AND other.settled_at IS NULL);

CREATE TABLE suppressions (
    team_id    uuid NOT NULL REFERENCES teams,
    phone      text NOT NULL,
    reason     text NOT NULL,
    source     text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (phone, team_id)
);

-- What happened, numbered per campaign under the campaign's row lock.
CREATE TABLE events (
    team_id     uuid NOT NULL,
    campaign_id uuid NOT NULL,
    number      bigint NOT NULL,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    contact_id  uuid,
    attempt_id  uuid,
    data        jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (campaign_id, number, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE
);
