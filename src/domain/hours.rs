//! When a campaign may call: business hours in its zone.
//!
//! Windows are half-open, `[start, end)`, in local time. "Open now?" converts the instant to local time, which is
//! never ambiguous; "next opening" converts back and checks its own result, because an opening may fall into a gap.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::zone::Zone;

/// Days ahead in which an opening is looked for. Weekly hours open within 7; the rest is for openings that a change
/// of clocks swallows.
const DAYS_AHEAD: i64 = 15;

/// The weekly hours of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusinessHours {
    /// False means that the campaign may call around the clock.
    pub enabled: bool,
    /// ISO weekdays on which a window begins, 1 = Monday.
    pub days: Vec<u8>,
    /// When the window begins.
    pub start_time: TimeOfDay,
    /// When it ends: on the same day, or on the next where it is not later than the start.
    pub end_time: TimeOfDay,
}

impl Default for BusinessHours {
    fn default() -> Self {
        Self {
            enabled: true,
            days: vec![1, 2, 3, 4, 5],
            start_time: TimeOfDay { minutes: 9 * 60 },
            end_time: TimeOfDay { minutes: 17 * 60 },
        }
    }
}

/// Whether calling is allowed at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is.
    Open,
    /// It is not, until this instant.
    ClosedUntil(DateTime<Utc>),
}

/// Business hours under which nothing could ever be called, or that say something else than was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// No weekday is named.
    #[error("days is empty, expected at least one ISO weekday from 1 (Monday) to 7 (Sunday)")]
    NoDays,
    /// A number is no weekday.
    #[error("days holds {0}, expected ISO weekdays from 1 (Monday) to 7 (Sunday)")]
    NoSuchDay(u8),
    /// The window has no length.
    #[error("start_time and end_time are both {0}; to call around the clock set enabled to false")]
    Empty(TimeOfDay),
}

impl BusinessHours {
    /// Refuses hours that make no sense.
    pub fn check(&self) -> Result<(), BadHours> {
        if !self.enabled {
            return Ok(());
        }
        if self.days.is_empty() {
            return Err(BadHours::NoDays);
        }
        if let Some(day) = self.days.iter().find(|day| !(1..=7).contains(*day)) {
            return Err(BadHours::NoSuchDay(*day));
        }
        if self.start_time == self.end_time {
            return Err(BadHours::Empty(self.start_time));
        }
        Ok(())
    }

    /// Whether the campaign may call now, and if not, from when on.
    pub fn opening(&self, zone: &Zone, now: DateTime<Utc>) -> Opening {
        if self.is_open(zone, now) {
            return Opening::Open;
        }
        let today = zone.local(now).date();
        let next = (-1..=DAYS_AHEAD)
            .filter_map(|days| today.checked_add_signed(TimeDelta::days(days)))
            .filter(|date| self.begins_on(date.weekday()))
            .flat_map(|date| zone.instants(self.start_time.on(date)))
            .filter(|opening| *opening > now && self.is_open(zone, *opening))
            .min();
        // Hours that never open again stay closed: looking once more a day later costs nothing.
        Opening::ClosedUntil(next.unwrap_or(now + TimeDelta::days(1)))
    }

    fn is_open(&self, zone: &Zone, now: DateTime<Utc>) -> bool {
        if !self.enabled {
            return true;
        }
        let local = zone.local(now);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        let (start, end) = (self.start_time.minutes, self.end_time.minutes);
        let today = self.begins_on(local.weekday());
        if start < end {
            return today && (start..end).contains(&minute);
        }
        let yesterday = self.begins_on(local.weekday().pred());
        (today && minute >= start) || (yesterday && minute < end)
    }

    fn begins_on(&self, weekday: Weekday) -> bool {
        self.days.iter().any(|day| u32::from(*day) == weekday.number_from_monday())
    }
}

/// A time of day, to the minute, from `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    fn on(self, date: NaiveDate) -> NaiveDateTime {
        date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(self.minutes))
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (hours, minutes) = text.split_once(':')?;
            if hours.len() != 2 || minutes.len() != 2 {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let total = hours * 60 + minutes;
            (minutes < 60 && total <= 24 * 60).then_some(Self { minutes: total })
        };
        parse().ok_or_else(|| format!("{text:?} is no time of day, expected HH:MM from 00:00 to 24:00"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(days: &[u8], start: &str, end: &str) -> BusinessHours {
        BusinessHours {
            enabled: true,
            days: days.to_vec(),
            start_time: start.to_owned().try_into().unwrap(),
            end_time: end.to_owned().try_into().unwrap(),
        }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const WEEK: &[u8] = &[1, 2, 3, 4, 5];

    #[test]
    fn windows_are_half_open_and_open_again_on_the_next_day_named() {
        let zone = Zone::parse("America/New_York").unwrap();
        let office = hours(WEEK, "09:00", "17:00");
        let cases = [
            ("2026-03-02T13:59:59Z", Opening::ClosedUntil(utc("2026-03-02T14:00:00Z"))),
            ("2026-03-02T14:00:00Z", Opening::Open),
            ("2026-03-02T21:59:59Z", Opening::Open),
            ("2026-03-02T22:00:00Z", Opening::ClosedUntil(utc("2026-03-03T14:00:00Z"))),
            // Friday evening, over the weekend on which the clocks are set forward.
            ("2026-03-06T23:00:00Z", Opening::ClosedUntil(utc("2026-03-09T13:00:00Z"))),
        ];
        for (now, expected) in cases {
            assert_eq!(office.opening(&zone, utc(now)), expected, "{now}");
        }
    }

    #[test]
    fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
        let zone = Zone::parse("UTC").unwrap();
        let friday_night = hours(&[5], "22:00", "02:00");
        let cases = [
            ("2026-03-06T21:59:00Z", Opening::ClosedUntil(utc("2026-03-06T22:00:00Z"))),
            ("2026-03-06T22:00:00Z", Opening::Open),
            ("2026-03-07T01:59:00Z", Opening::Open),
            ("2026-03-07T02:00:00Z", Opening::ClosedUntil(utc("2026-03-13T22:00:00Z"))),
            ("2026-03-06T01:00:00Z", Opening::ClosedUntil(utc("2026-03-06T22:00:00Z"))),
        ];
        for (now, expected) in cases {
            assert_eq!(friday_night.opening(&zone, utc(now)), expected, "{now}");
        }
    }

    #[test]
    fn an_opening_in_a_gap_comes_at_the_first_minute_that_exists() {
        let zone = Zone::parse("America/New_York").unwrap();
        let early = hours(&[7], "02:30", "04:00");
        let opening = early.opening(&zone, utc("2026-03-08T06:00:00Z"));
        assert_eq!(opening, Opening::ClosedUntil(utc("2026-03-08T07:00:00Z")));
    }

    #[test]
    fn a_window_inside_a_repeated_hour_opens_twice() {
        let zone = Zone::parse("America/New_York").unwrap();
        let narrow = hours(&[7], "01:30", "01:45");
        let opening = narrow.opening(&zone, utc("2026-11-01T05:50:00Z"));
        assert_eq!(opening, Opening::ClosedUntil(utc("2026-11-01T06:30:00Z")));
    }

    #[test]
    fn hours_that_are_switched_off_are_always_open() {
        let off = BusinessHours { enabled: false, days: vec![], ..BusinessHours::default() };
        assert_eq!(off.check(), Ok(()));
        assert_eq!(off.opening(&Zone::parse("UTC").unwrap(), utc("2026-03-08T03:00:00Z")), Opening::Open);
    }

    #[test]
    fn hours_that_make_no_sense_are_refused_with_what_was_expected() {
        assert_eq!(hours(&[], "09:00", "17:00").check(), Err(BadHours::NoDays));
        assert_eq!(hours(&[0], "09:00", "17:00").check(), Err(BadHours::NoSuchDay(0)));
        assert!(hours(WEEK, "09:00", "09:00").check().is_err());
        for bad in ["9:00", "09:60", "25:00", "24:01", "noon", "", "-1:00", "09:00:00"] {
            assert!(TimeOfDay::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    const ZONES: &[&str] = &[
        "America/New_York",
        "Europe/London",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Cairo",
        "America/Santiago",
        "Pacific/Apia",
    ];

    proptest! {
        /// The next opening is in the future, it is open, and a minute before it was not.
        #[test]
        fn the_next_opening_is_the_first(
            minute in 0i64..3 * 365 * 24 * 60,
            zone in prop::sample::select(ZONES),
            days in prop::collection::vec(1u8..=7, 1..4),
            start in 0u16..1440,
            length in 1u16..1439,
        ) {
            let zone = Zone::parse(zone).unwrap();
            let now = utc("2025-06-01T00:00:00Z") + TimeDelta::minutes(minute);
            let hours = BusinessHours {
                enabled: true,
                days,
                start_time: TimeOfDay { minutes: start },
                end_time: TimeOfDay { minutes: (start + length) % 1440 },
            };
            if let Opening::ClosedUntil(opening) = hours.opening(&zone, now) {
                prop_assert!(opening > now);
                prop_assert!(hours.is_open(&zone, opening));
                prop_assert!(!hours.is_open(&zone, opening - TimeDelta::minutes(1)));
            }
        }
    }
}
