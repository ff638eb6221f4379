-- Who is told of events by a POST. Each hook belongs to one living node at a time, as campaigns do, and what is delivered is
-- one position: all events up to it are delivered or dead.
CREATE TABLE hooks (
    id                 uuid NOT NULL,
    team_id            uuid NOT NULL REFERENCES teams,
    name               text,
    url                text NOT NULL,
    -- Nothing stands for all kinds.
    kinds              text[],
    -- What bodies are signed with: it has to be known, a hash would not do.
    secret             bytea NOT NULL,
    former_secret      bytea,
    former_until       timestamptz,
    stopped_because    text,
    stopped_at         timestamptz,
    delivered_position bigint NOT NULL,
    -- Since when it works. Events that are older have waited no longer than this.
    working_since      timestamptz NOT NULL,
    -- The first try that failed since the last one that did not.
    failing_since      timestamptz,
    last_delivered_at  timestamptz,
    -- Grows with whatever is wished for it, so that the node that works for it notices.
    version            bigint NOT NULL DEFAULT 0,
    node               uuid,
    epoch              bigint NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (id, team_id),
    CONSTRAINT known_reason_to_stop CHECK (stopped_because IN ('by-hand', 'gone', 'failing')),
    CONSTRAINT stopped_hooks_say_why CHECK ((stopped_because IS NULL) = (stopped_at IS NULL)),
    CONSTRAINT a_former_secret_has_an_end CHECK ((former_secret IS NULL) = (former_until IS NULL)),
    CONSTRAINT a_secret_is_long_enough CHECK (length(secret) BETWEEN 24 AND 64)
) WITH (fillfactor = 70);

-- What did not arrive at the first try, or is to be delivered once more. What arrived at once leaves no row.
CREATE TABLE hook_deliveries (
    hook_id      uuid NOT NULL,
    team_id      uuid NOT NULL,
    -- The event's position.
    event        bigint NOT NULL,
    kind         text NOT NULL,
    state        text NOT NULL,
    tries        integer NOT NULL,
    first_try_at timestamptz,
    last_try_at  timestamptz,
    next_try_at  timestamptz,
    -- What the last try came to: the answer's status, or why there was none, and how its body begins.
    status       integer,
    error        text,
    response     text,
    PRIMARY KEY (hook_id, event, team_id),
    FOREIGN KEY (hook_id, team_id) REFERENCES hooks (id, team_id) ON DELETE CASCADE,
    CONSTRAINT known_delivery_state CHECK (state IN ('retrying', 'dead', 'asked', 'delivered')),
    CONSTRAINT retried_exactly_while_there_is_a_next_try CHECK ((state = 'retrying') = (next_try_at IS NOT NULL)),
    CONSTRAINT tries_have_their_instants
        CHECK ((tries > 0) = (first_try_at IS NOT NULL) AND (tries > 0) = (last_try_at IS NOT NULL))
);

-- An event is delivered or dead before the next one's turn.
CREATE UNIQUE INDEX one_event_at_a_time ON hook_deliveries (hook_id, team_id) WHERE state = 'retrying';
CREATE INDEX deliveries_asked_for ON hook_deliveries (hook_id, event) WHERE state = 'asked';
CREATE INDEX dead_deliveries ON hook_deliveries (hook_id, event) WHERE state = 'dead';
