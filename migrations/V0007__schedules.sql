-- Campaigns that repeat themselves. One with a schedule calls nobody itself: while it is pending, starts_at is its next
-- firing, and each firing makes a campaign of its own, a run, which remembers where it comes from and for which firing.
ALTER TABLE campaigns
    ADD COLUMN repeats_of uuid,
    ADD COLUMN firing_at timestamptz,
    ADD CONSTRAINT runs_have_a_firing CHECK ((repeats_of IS NULL) = (firing_at IS NULL)),
    ADD CONSTRAINT one_run_per_firing UNIQUE (repeats_of, firing_at, team_id),
    ADD CONSTRAINT runs_do_not_repeat_themselves CHECK (repeats_of IS NULL OR NOT settings ? 'schedule'),
    ADD CONSTRAINT a_campaign_with_a_schedule_calls_nobody_itself CHECK
        (NOT settings ? 'schedule' OR state IN ('draft', 'pending', 'paused', 'canceled')),
    ADD CONSTRAINT a_schedule_that_is_started_has_a_next_firing CHECK
        (NOT settings ? 'schedule' OR state <> 'pending' OR starts_at IS NOT NULL);
