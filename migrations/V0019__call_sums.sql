-- What the calls of a campaign came to, summed by the quarter of an hour of their intent and by their number among their contact's
-- attempts: figures over two million attempts are read from some thousands of rows. Whoever calls writes nothing here. Whoever asks
-- for figures counts what is not summed yet, and sums up what cannot change any more (`db::metrics`).
--
-- Quarters, because the clocks of all zones go by whole ones, and figures are told by a campaign's own clock.
CREATE TABLE call_sums (
    campaign_id    uuid NOT NULL,
    team_id        uuid NOT NULL,
    -- Its first instant.
    quarter        timestamptz NOT NULL,
    -- Those of high numbers stand together.
    number         smallint NOT NULL,
    answered       integer NOT NULL,
    machine        integer NOT NULL,
    no_answer      integer NOT NULL,
    busy           integer NOT NULL,
    failed         integer NOT NULL,
    canceled       integer NOT NULL,
    invalid_number integer NOT NULL,
    blocked        integer NOT NULL,
    not_placed     integer NOT NULL,
    unknown        integer NOT NULL,
    talk_seconds   bigint NOT NULL,
    -- How long it rang, of so many attempts.
    ring_seconds   double precision NOT NULL,
    rung           integer NOT NULL,
    -- Prices that are known, in millionths of the campaign's currency, of so many attempts; and how many may have cost something.
    price          bigint NOT NULL,
    priced         integer NOT NULL,
    unpriced       integer NOT NULL,
    PRIMARY KEY (campaign_id, quarter, number, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE
);

-- How far a campaign's attempts are summed up: those up to this one, all of which had come to their end.
CREATE TABLE calls_summed_up (
    campaign_id uuid NOT NULL,
    team_id     uuid NOT NULL,
    until_id    uuid NOT NULL,
    -- Since when it has been summed up from its first attempt on.
    begun_at    timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, team_id),
    FOREIGN KEY (campaign_id, team_id) REFERENCES campaigns (id, team_id) ON DELETE CASCADE
);
