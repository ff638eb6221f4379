//! When a campaign repeats itself: a cron expression, read by the clock on the wall of the campaign's zone. Who makes
//! the runs is not here.
//!
//! croner says which local minutes an expression names; what they mean as instants is decided here, the same for every
//! expression. A minute fires once, at its first instant: where clocks are set back the repeated minute does not fire
//! again, and where they are set forward the minutes that are skipped fire together, when the gap is over. croner's own
//! rules differ between expressions with and without wildcards.

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use super::zone::Zone;

/// Nobody calls a list more often; who seems to has mixed up the fields.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// A firing that was missed, because nothing ran, is made up for so long after it. Whoever expects calls at nine does
/// not expect them in the afternoon.
const LATE_BY: TimeDelta = TimeDelta::hours(1);

/// An expression is checked from this day on. It repeats itself by the calendar, so any day would do.
const CHECKED_FROM: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day of the calendar");

/// How a campaign repeats itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// The minutes at which it fires, by the campaign's zone.
    pub cron: Expression,
}

/// A cron expression of five fields: minute, hour, day of the month, month, and day of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    text: String,
    cron: Cron,
}

/// An expression that no campaign can repeat itself by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadExpression {
    /// It is no expression of five fields.
    #[error(
        "{0:?} is no cron expression, expected five fields (minute, hour, day of the month, month, day of the week), \
         such as \"0 9 * * MON-FRI\""
    )]
    Unreadable(String),
    /// It has a field more or less.
    #[error(
        "{text:?} has {fields} fields, expected five: minute, hour, day of the month, month and day of the week, such \
         as \"0 9 * * MON-FRI\""
    )]
    Fields {
        /// The expression.
        text: String,
        /// How many it has.
        fields: usize,
    },
    /// No day has such a date.
    #[error("{0:?} never fires, expected a date that there is")]
    Never(String),
    /// It fires all the time.
    #[error("{0:?} fires more often than every 5 minutes, expected at least 5 minutes between two firings")]
    TooOften(String),
}

impl TryFrom<String> for Expression {
    type Error = BadExpression;

    fn try_from(text: String) -> Result<Self, BadExpression> {
        Self::parse(&text)
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.text
    }
}

impl Expression {
    /// Reads an expression, and refuses one that never fires or fires all the time.
    pub fn parse(text: &str) -> Result<Self, BadExpression> {
        let fields = text.split_whitespace().count();
        if fields != 5 && !text.trim_start().starts_with('@') {
            return Err(BadExpression::Fields { text: text.to_owned(), fields });
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|_| BadExpression::Unreadable(text.to_owned()))?;
        let expression = Self { text: text.trim().to_owned(), cron };
        expression.check()?;
        Ok(expression)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every day on which it fires has the same minutes, so the first one tells how far apart they are.
    fn check(&self) -> Result<(), BadExpression> {
        let midnight = CHECKED_FROM.and_time(chrono::NaiveTime::MIN).and_utc();
        let never = || BadExpression::Never(self.text.clone());
        let first = self.minute_after(midnight - TimeDelta::seconds(1)).ok_or_else(never)?;
        let mut last = first;
        while let Some(next) = self.minute_after(last).filter(|next| next.date_naive() == first.date_naive())
        {
            if next - last < SHORTEST_PAUSE {
                return Err(BadExpression::TooOften(self.text.clone()));
            }
            last = next;
        }
        // The next day may be one, too.
        if first + TimeDelta::days(1) - last < SHORTEST_PAUSE {
            return Err(BadExpression::TooOften(self.text.clone()));
        }
        Ok(())
    }

    /// The next minute that it names, by a clock on the wall, which here is written as if it showed UTC.
    fn minute_after(&self, local: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&local, false).ok()
    }
}

/// What is to be done at an instant about a firing that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The firing that is made a run of now, if one is not too long ago.
    pub fires: Option<DateTime<Utc>>,
    /// Whether firings before it, or all that have come, were missed.
    pub missed: bool,
    /// The next firing.
    pub next: DateTime<Utc>,
}

impl Recurrence {
    /// The first firing after an instant; none beyond the calendar's end.
    pub fn next_after(&self, zone: &Zone, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = zone.local(after).trunc_subsecs(0).and_utc();
        loop {
            local = self.cron.minute_after(local)?;
            // Minutes that clocks show a second time have fired when they showed them first.
            let first = zone.instants(local.naive_utc()).into_iter().min()?;
            if first > after {
                return Some(first);
            }
        }
    }

    /// The first firing at an instant or after it.
    pub fn next_from(&self, zone: &Zone, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next_after(zone, from - TimeDelta::microseconds(1))
    }

    /// What is to be done now about the firing that was expected at `expected`: of those that have come since, the last
    /// is made up for if it is not too long ago. Nothing if the expected one is yet to come.
    pub fn due(&self, zone: &Zone, expected: DateTime<Utc>, now: DateTime<Utc>) -> Option<Due> {
        if now < expected {
            return None;
        }
        let mut next = expected.max(self.next_from(zone, now - LATE_BY)?);
        let mut fires = None;
        while next <= now {
            fires = Some(next);
            next = self.next_after(zone, next)?;
        }
        Some(Due { fires, missed: fires != Some(expected), next })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn recurrence(cron: &str) -> Recurrence {
        Recurrence { cron: Expression::parse(cron).unwrap() }
    }

    /// All firings in `(after, until]`.
    fn firings(cron: &str, name: &str, after: &str, until: &str) -> Vec<DateTime<Utc>> {
        let (recurrence, zone, until) = (recurrence(cron), zone(name), utc(until));
        let next = |at: &DateTime<Utc>| recurrence.next_after(&zone, *at);
        std::iter::successors(next(&utc(after)), next).take_while(|at| *at <= until).collect()
    }

    #[test]
    fn nine_o_clock_stays_nine_o_clock_on_working_days() {
        // From Friday to Tuesday, over the Sunday on which clocks are set forward.
        let nine =
            firings("0 9 * * MON-FRI", "America/New_York", "2026-03-06T00:00:00Z", "2026-03-10T23:00:00Z");
        assert_eq!(nine, ["2026-03-06T14:00:00Z", "2026-03-09T13:00:00Z", "2026-03-10T13:00:00Z"].map(utc));
        assert_eq!(
            nine,
            firings("0 9 * * 1-5", "America/New_York", "2026-03-06T00:00:00Z", "2026-03-10T23:00:00Z")
        );
    }

    #[test]
    fn minutes_that_clocks_skip_fire_once_when_the_gap_is_over() {
        for (cron, name, after, expected) in [
            ("30 2 * * *", "America/New_York", "2026-03-08T05:00:00Z", &["2026-03-08T07:00:00Z"][..]),
            // Several skipped minutes, and the first one that there is, are one firing.
            (
                "*/30 2-3 * * *",
                "America/New_York",
                "2026-03-08T05:00:00Z",
                &["2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"],
            ),
            ("15 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", &["2026-03-29T01:00:00Z"]),
            // Half an hour is skipped, from 2:00 to 2:30.
            ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T13:00:00Z", &["2026-10-03T15:30:00Z"]),
            // A day without a midnight.
            ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", &["2026-04-23T22:00:00Z"]),
        ] {
            assert_eq!(half_a_day(cron, name, after), expected.iter().map(|at| utc(at)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn minutes_that_clocks_show_twice_fire_once() {
        for (cron, name, after, expected) in [
            ("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", &["2026-11-01T05:30:00Z"][..]),
            // The same with a wildcard: from the first half past one to half past two.
            (
                "30 0-2/1 * * *",
                "America/New_York",
                "2026-11-01T04:00:00Z",
                &["2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T07:30:00Z"],
            ),
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", &["2026-10-25T00:30:00Z"]),
            // Half an hour is repeated, from 1:30 to 2:00.
            ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", &["2026-04-04T14:45:00Z"]),
        ] {
            assert_eq!(half_a_day(cron, name, after), expected.iter().map(|at| utc(at)).collect::<Vec<_>>());
        }
    }

    /// All firings in the twelve hours after an instant.
    fn half_a_day(cron: &str, name: &str, after: &str) -> Vec<DateTime<Utc>> {
        firings(cron, name, after, &(utc(after) + TimeDelta::hours(12)).to_rfc3339())
    }

    /// Walks through every minute of a year, and asks croner whether it is named: only the walk is our own.
    #[test]
    fn firings_are_those_that_a_walk_over_all_minutes_finds() {
        for name in ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"] {
            for cron in ["0 9 * * MON-FRI", "*/15 1-2 * * SUN", "30 0,2,23 1,15,31 * *"] {
                let (after, until) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
                assert_eq!(
                    firings(cron, name, after, until),
                    walk(&recurrence(cron), &zone(name), utc(after), utc(until)),
                    "{cron} in {name}"
                );
            }
        }
    }

    fn walk(
        recurrence: &Recurrence,
        zone: &Zone,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Vec<DateTime<Utc>> {
        let named = |local: NaiveDateTime| recurrence.cron.cron.is_time_matching(&local.and_utc()).unwrap();
        let minute = TimeDelta::minutes(1);
        let mut found = Vec::new();
        let mut highest = zone.local(after);
        let mut at = after + minute;
        while at <= until {
            let local = zone.local(at);
            // The minutes up to this one that no clock has shown yet: none where clocks are set back.
            let mut fires = false;
            while highest < local {
                highest += minute;
                fires |= named(highest);
            }
            if fires {
                found.push(at);
            }
            at += minute;
        }
        found
    }

    proptest! {
        #[test]
        fn firings_strictly_grow_and_are_minutes_that_the_expression_names(
            minute in 0_u32..60, hour in 0_u32..24, every in 1_u32..12, day in 0_u32..7,
            name in prop::sample::select(vec!["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]),
            seconds in 1_700_000_000_i64..1_900_000_000,
        ) {
            let zone = zone(name);
            let mut at = DateTime::from_timestamp(seconds, 0).unwrap();
            for cron in [format!("{minute} */{every} * * *"), format!("{minute} {hour} * * {day}")] {
                let recurrence = recurrence(&cron);
                for _ in 0..20 {
                    let next = recurrence.next_after(&zone, at).unwrap();
                    prop_assert!(next > at);
                    prop_assert_eq!(recurrence.next_from(&zone, next), Some(next));
                    let local = zone.local(next);
                    let came_late = zone.local(next - TimeDelta::seconds(1)) + TimeDelta::seconds(1) != local;
                    prop_assert!(came_late || local.minute() == minute);
                    at = next;
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_was_expected() {
        let refused = |text: &str| Expression::parse(text).unwrap_err().to_string();
        for (text, expected) in [
            ("", "has 0 fields, expected five"),
            ("9:00", "has 1 fields, expected five"),
            ("0 0 9 * * MON-FRI", "has 6 fields, expected five"),
            ("0 9 * * MON-FRI 2026", "has 6 fields, expected five"),
            ("0 25 * * *", "is no cron expression, expected five fields"),
            ("0 9 * * MOO", "is no cron expression"),
            ("@sometimes", "is no cron expression"),
            ("0 9 30 2 *", "never fires, expected a date that there is"),
            ("* * * * *", "fires more often than every 5 minutes"),
            ("* 9 * * MON-FRI", "fires more often than every 5 minutes"),
            ("0,4 9 * * *", "fires more often than every 5 minutes"),
            ("0,58 0,23 * * *", "fires more often than every 5 minutes"),
        ] {
            let error = refused(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in ["*/5 * * * *", "0 9 29 2 *", "@daily", "0 9 L * *", "0 9 * * MON#1", " 0 9 * * 7 "] {
            assert_eq!(Expression::parse(text).unwrap().as_str(), text.trim());
        }
    }

    #[test]
    fn monday_is_1_and_sunday_is_0_and_7() {
        for (day, weekday) in
            [("1", Weekday::Mon), ("0", Weekday::Sun), ("7", Weekday::Sun), ("5", Weekday::Fri)]
        {
            let next = recurrence(&format!("0 9 * * {day}"))
                .next_after(&zone("Europe/Paris"), utc("2026-03-01T23:00:00Z"));
            assert_eq!(next.unwrap().weekday(), weekday);
        }
    }

    #[test]
    fn a_missed_firing_is_made_up_for_within_an_hour_and_then_no_more() {
        let (daily, zone) = (recurrence("0 9 * * *"), zone("America/New_York"));
        let (expected, next) = (utc("2026-03-02T14:00:00Z"), utc("2026-03-03T14:00:00Z"));
        let due = |now: &str| daily.due(&zone, expected, utc(now));
        assert_eq!(due("2026-03-02T13:59:59Z"), None);
        for now in ["2026-03-02T14:00:00Z", "2026-03-02T14:00:07.5Z", "2026-03-02T15:00:00Z"] {
            assert_eq!(due(now), Some(Due { fires: Some(expected), missed: false, next }), "{now}");
        }
        for now in ["2026-03-02T15:00:01Z", "2026-03-03T13:59:59Z"] {
            assert_eq!(due(now), Some(Due { fires: None, missed: true, next }), "{now}");
        }
        // Two days later: one run, and not one for each day.
        let after = utc("2026-03-05T14:00:00Z");
        let made_up = Due { fires: Some(utc("2026-03-04T14:00:00Z")), missed: true, next: after };
        assert_eq!(due("2026-03-04T14:30:00Z"), Some(made_up));
    }

    #[test]
    fn of_several_firings_that_were_missed_the_last_one_is_made_up_for() {
        let (often, zone) = (recurrence("*/10 9 * * *"), zone("America/New_York"));
        let due = often.due(&zone, utc("2026-03-02T14:00:00Z"), utc("2026-03-02T14:25:00Z")).unwrap();
        let (fires, next) = (Some(utc("2026-03-02T14:20:00Z")), utc("2026-03-02T14:30:00Z"));
        assert_eq!(due, Due { fires, missed: true, next });
    }
}
