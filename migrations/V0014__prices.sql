-- What calls cost, in millionths of the account's currency, where the campaign has a cap on it. The provider tells a price
-- only a while after the end, to whoever asks: until then `ask_price_at` says when it is asked next, and once it is known, or
-- assumed because it was never told, that is null. Prices are not negative, though the provider writes them so.
--
-- The campaign's row holds the sums, so that a claim, which holds it, can tell whether there may be one more call. Nodes
-- that are at work reach attempts by way of campaigns, and so does this.

ALTER TABLE campaigns
    ADD COLUMN spent         bigint NOT NULL DEFAULT 0,
    ADD COLUMN unpriced      integer NOT NULL DEFAULT 0,
    ADD COLUMN highest_price bigint NOT NULL DEFAULT 0,
    ADD COLUMN currency      text,
    ADD CONSTRAINT sums_of_prices_are_not_negative CHECK (least(spent, unpriced, highest_price) >= 0);

ALTER TABLE attempts
    ADD COLUMN ask_price_at     timestamptz,
    ADD COLUMN price            bigint,
    ADD COLUMN price_unit       text,
    ADD COLUMN price_is_assumed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT a_price_that_is_known_is_not_asked_for CHECK (price IS NULL OR ask_price_at IS NULL),
    ADD CONSTRAINT prices_are_not_negative CHECK (price >= 0),
    ADD CONSTRAINT prices_are_asked_for_when_settled CHECK (ask_price_at IS NULL OR settled_at IS NOT NULL);

CREATE INDEX attempts_without_a_price ON attempts (campaign_id, ask_price_at) WHERE ask_price_at IS NOT NULL;
