//! What calls came to, as figures: sums that can be added, the rates made of them, and when on a campaign's clock they
//! were made. Whoever counts the calls is not known here.
//!
//! **What counts.** An attempt counts once it has ended and its outcome was applied; one that was taken back
//! (`not-placed`) is told and is in no denominator. The answer rate is answered ÷ attempts that count; the success rate
//! is completed ÷ final contacts. Talk time is averaged over the calls that somebody or something took.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::names::names;
use super::outcome::Outcome;
use super::zone::Zone;

names! {
    /// How long a stretch of calls is told as one.
    pub enum Bucket: "bucket" {
        /// An hour on the clock.
        Hour = "hour",
        /// A day of the calendar.
        Day = "day",
    }
}

/// What some attempts came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Calls {
    outcomes: [u32; Outcome::ALL.len()],
    /// Seconds of conversation.
    pub talk_seconds: i64,
    /// Seconds of ringing, of those of which that is known.
    pub ring_seconds: f64,
    /// How many these are.
    pub rung: u32,
}

impl Calls {
    /// So many that came to this, with nothing else known of them.
    pub fn of(outcome: Outcome, attempts: u32) -> Self {
        let mut calls = Self::default();
        calls.outcomes[outcome as usize] = attempts;
        calls
    }

    /// How many came to this.
    pub fn that_came_to(&self, outcome: Outcome) -> u32 {
        self.outcomes[outcome as usize]
    }

    /// How many count: all that were not taken back.
    pub fn attempts(&self) -> u32 {
        let counted = Outcome::ALL.iter().filter(|outcome| outcome.counts_as_attempt());
        counted.map(|outcome| self.that_came_to(*outcome)).sum()
    }

    /// How many were taken, by a person or a machine.
    pub fn taken(&self) -> u32 {
        self.that_came_to(Outcome::Answered) + self.that_came_to(Outcome::Machine)
    }

    /// How many count and reached nobody.
    pub fn not_reached(&self) -> u32 {
        self.attempts() - self.that_came_to(Outcome::Answered)
    }

    /// Answered ÷ attempts that count; none without any.
    pub fn answer_rate(&self) -> Option<f64> {
        share(self.that_came_to(Outcome::Answered), self.attempts())
    }

    /// Machines ÷ calls that were taken; none without any.
    pub fn machine_share(&self) -> Option<f64> {
        share(self.that_came_to(Outcome::Machine), self.taken())
    }

    /// Seconds of conversation for each call that was taken.
    pub fn average_talk_seconds(&self) -> Option<f64> {
        (self.taken() > 0).then(|| self.talk_seconds as f64 / f64::from(self.taken()))
    }

    /// Seconds for which it rang, where that is known.
    pub fn average_ring_seconds(&self) -> Option<f64> {
        (self.rung > 0).then(|| self.ring_seconds / f64::from(self.rung))
    }
}

impl AddAssign for Calls {
    fn add_assign(&mut self, more: Self) {
        for (count, more) in self.outcomes.iter_mut().zip(more.outcomes) {
            *count += more;
        }
        self.talk_seconds += more.talk_seconds;
        self.ring_seconds += more.ring_seconds;
        self.rung += more.rung;
    }
}

/// Seconds with three decimals at most, as they are told.
pub fn to_the_millisecond(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// A part of a whole; none of nothing.
pub fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// Calls that were intended within a quarter of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarter {
    /// The campaign's zone.
    pub zone: Zone,
    /// Its first instant.
    pub begins_at: DateTime<Utc>,
    /// What they came to.
    pub calls: Calls,
}

/// Hours of a day.
pub const HOURS: usize = 24;

/// Days of a week.
pub const WEEKDAYS: usize = 7;

/// Calls by when they were made, each on its campaign's own clock. An hour that clocks show twice is one.
#[derive(Debug, Clone, PartialEq)]
pub struct ByClock {
    /// By the day of the week, from Monday, and the hour.
    pub week: [[Calls; HOURS]; WEEKDAYS],
    /// One after the other, by the beginning of the hour or day; those without calls are left out.
    pub over_time: BTreeMap<NaiveDateTime, Calls>,
}

impl ByClock {
    /// Of these calls.
    pub fn of(quarters: &[Quarter], bucket: Bucket) -> Self {
        let mut by_clock = Self { week: Default::default(), over_time: BTreeMap::new() };
        for Quarter { zone, begins_at, calls } in quarters {
            let local = zone.local(*begins_at);
            let (weekday, hour) = (local.weekday().num_days_from_monday(), local.hour());
            by_clock.week[weekday as usize][hour as usize] += *calls;
            let hour = match bucket {
                Bucket::Hour => hour,
                Bucket::Day => 0,
            };
            let begins = local.date().and_time(NaiveTime::MIN) + chrono::TimeDelta::hours(hour.into());
            *by_clock.over_time.entry(begins).or_default() += *calls;
        }
        by_clock
    }

    /// By the hour of the day, whatever the day.
    pub fn hours(&self) -> [Calls; HOURS] {
        let mut hours = [Calls::default(); HOURS];
        for day in &self.week {
            hours.iter_mut().zip(day).for_each(|(sum, calls)| *sum += *calls);
        }
        hours
    }

    /// By the day of the week, from Monday, whatever the hour.
    pub fn weekdays(&self) -> [Calls; WEEKDAYS] {
        let sum = |day: &[Calls; HOURS]| {
            day.iter().fold(Calls::default(), |mut sum, calls| {
                sum += *calls;
                sum
            })
        };
        [0, 1, 2, 3, 4, 5, 6].map(|day| sum(&self.week[day]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_taken_back_is_in_no_denominator() {
        let mut calls = Calls::of(Outcome::Answered, 1);
        calls += Calls::of(Outcome::Unknown, 2);
        calls += Calls::of(Outcome::Machine, 1);
        calls += Calls::of(Outcome::NotPlaced, 100);
        calls.talk_seconds = 30;
        assert_eq!((calls.attempts(), calls.answer_rate()), (4, Some(0.25)));
        assert_eq!((calls.not_reached(), calls.machine_share()), (3, Some(0.5)));
        assert_eq!((calls.average_talk_seconds(), calls.average_ring_seconds()), (Some(15.0), None));
        assert_eq!([12.032_075_666, 61.0 / 3.0, 5.0].map(to_the_millisecond), [12.032, 20.333, 5.0]);
        assert_eq!(Calls::of(Outcome::NotPlaced, 9).answer_rate(), None);
    }

    #[test]
    fn calls_are_told_by_the_clock_of_their_campaign_also_where_it_is_a_quarter_off() {
        let quarter = |zone: &str, at: &str, answered| Quarter {
            zone: Zone::parse(zone).unwrap(),
            begins_at: at.parse().unwrap(),
            calls: Calls::of(Outcome::Answered, answered),
        };
        // Nepal is 5:45 ahead, so that its hours begin a quarter past those of Greenwich.
        let quarters = [
            quarter("America/New_York", "2026-03-02T04:45:00Z", 1),
            quarter("America/New_York", "2026-03-02T05:00:00Z", 2),
            quarter("Asia/Kathmandu", "2026-03-01T18:00:00Z", 4),
            quarter("Asia/Kathmandu", "2026-03-01T18:15:00Z", 8),
        ];
        let by_day = ByClock::of(&quarters, Bucket::Day);
        let answered = |calls: &Calls| calls.that_came_to(Outcome::Answered);
        assert_eq!(answered(&by_day.week[6][23]), 5);
        assert_eq!(answered(&by_day.week[0][0]), 10);
        assert_eq!(by_day.hours().each_ref().map(answered)[0], 10);
        assert_eq!(by_day.weekdays().each_ref().map(answered)[6], 5);
        let told: Vec<_> =
            by_day.over_time.iter().map(|(at, calls)| (at.to_string(), answered(calls))).collect();
        assert_eq!(told, [("2026-03-01 00:00:00".to_owned(), 5), ("2026-03-02 00:00:00".to_owned(), 10)]);
        let by_hour = ByClock::of(&quarters, Bucket::Hour);
        assert!(by_hour.over_time.keys().any(|at| at.to_string() == "2026-03-01 23:00:00"));
    }

    proptest! {
        /// However calls are spread over clocks and buckets, none is lost.
        #[test]
        fn the_parts_are_the_whole(
            quarters in prop::collection::vec((0i64..200_000, 0usize..4, 0u32..50), 0..60),
            by_hour in any::<bool>(),
        ) {
            let zones = ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"];
            let quarters: Vec<Quarter> = quarters.into_iter().map(|(quarter, zone, calls)| Quarter {
                zone: Zone::parse(zones[zone]).unwrap(),
                begins_at: DateTime::from_timestamp(1_700_000_000 / 900 * 900 + quarter * 900, 0).unwrap(),
                calls: Calls::of(Outcome::Busy, calls),
            }).collect();
            let all: u32 = quarters.iter().map(|quarter| quarter.calls.attempts()).sum();
            let by_clock = ByClock::of(&quarters, if by_hour { Bucket::Hour } else { Bucket::Day });
            prop_assert_eq!(by_clock.hours().iter().map(Calls::attempts).sum::<u32>(), all);
            prop_assert_eq!(by_clock.weekdays().iter().map(Calls::attempts).sum::<u32>(), all);
            prop_assert_eq!(by_clock.over_time.values().map(Calls::attempts).sum::<u32>(), all);
        }
    }
}
