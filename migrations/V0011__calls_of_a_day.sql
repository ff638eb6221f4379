-- How many calls a campaign makes in a day of its own time zone. The day on which it last called and the calls of that day
-- stand in its row, so that a claim, which holds it, can tell whether there may be one more; each attempt remembers on
-- which day it counts, so that taking it back counts it off there. Calls from before are not counted.

ALTER TABLE campaigns
    ADD COLUMN call_day  date,
    ADD COLUMN day_calls integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT calls_of_a_day_are_not_negative CHECK (day_calls >= 0),
    ADD CONSTRAINT calls_are_made_on_a_day CHECK (call_day IS NOT NULL OR day_calls = 0);

ALTER TABLE attempts ADD COLUMN call_day date;
