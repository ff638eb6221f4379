//! Time zones: their rules, and in which of them a phone number is.
//!
//! A [`Zone`] is known by its IANA name and has the rules of the bundled [`database`], or of the files that were put in
//! its place at the start. The machine's own zone data is not asked unless it is named: a dialer must not call at night
//! because a server's package is old. How old the data in use is tells [`release`].
//!
//! A number tells its zone only roughly: [`zones_of`] finds all that it may be in, as a [`ZoneSet`], and whoever calls
//! it respects every one of them.

mod aliases;
mod candidates;
mod database;
mod overlays;
mod release;
mod same_rules;
mod set;
mod table;
mod written;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

pub use self::candidates::{Candidates, Evidence, Unmapped, zones_of};
pub use self::database::{Database, Origin, UnusableZoneData};
pub use self::release::Release;
pub use self::set::{BadZoneSet, ZoneSet};

/// A time zone with its rules; on the wire its IANA name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

/// A name that the database in use does not know, or that is not taken for a zone though it does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {0:?}, {expected}", expected = written::expected(.0))]
pub struct UnknownZone(pub String);

impl UnknownZone {
    /// What to write instead, without what was written.
    pub fn expected(&self) -> String {
        written::expected(&self.0)
    }
}

impl Zone {
    /// The zone of this IANA name, or of what an old name stands for: `Asia/Calcutta` is `Asia/Kolkata`. What comes
    /// from outside is read by [`Zone::written`] and [`Zone::of_a_place`], which take less.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        Database::in_use().find(name)
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What a clock on the wall there shows at `instant`.
    pub fn local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        let offset = Timestamp::from_second(instant.timestamp())
            .map_or(Offset::UTC, |timestamp| self.0.to_offset(timestamp));
        instant.naive_utc() + TimeDelta::seconds(i64::from(offset.seconds()))
    }

    /// What the clock there is called at `instant`, such as `EST`; `UTC-3` where it has no name but its distance.
    pub fn abbreviation(&self, instant: DateTime<Utc>) -> String {
        let Ok(timestamp) = Timestamp::from_second(instant.timestamp()) else { return "UTC".to_owned() };
        let told = self.0.to_offset_info(timestamp);
        let name = told.abbreviation();
        if !name.starts_with(['+', '-']) {
            return name.to_owned();
        }
        let seconds = told.offset().seconds();
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
        match minutes % 60 {
            0 => format!("UTC{sign}{}", minutes / 60),
            rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
        }
    }

    /// The instants at which a clock on the wall there shows `local`: one as a rule, two where clocks are set back.
    /// Where they are set forward over it, the first instant after the gap.
    pub fn instants(&self, local: NaiveDateTime) -> Vec<DateTime<Utc>> {
        let Some(civil) = to_civil(local) else { return Vec::new() };
        let at = |offset: Offset| (local - TimeDelta::seconds(i64::from(offset.seconds()))).and_utc();
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![at(offset)],
            AmbiguousOffset::Fold { before, after } => vec![at(before), at(after)],
            AmbiguousOffset::Gap { before, .. } => self.end_of_gap(at(before)).into_iter().collect(),
        }
    }

    /// The transition that makes a gap, found from an instant that the rules before it put into the gap.
    fn end_of_gap(&self, inside: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let inside = Timestamp::from_second(inside.timestamp() + 1).ok()?;
        let transition = self.0.preceding(inside).next()?;
        DateTime::from_timestamp(transition.timestamp().as_second(), 0)
    }
}

fn to_civil(local: NaiveDateTime) -> Option<civil::DateTime> {
    use chrono::{Datelike, Timelike};
    let narrow = |part: u32| i8::try_from(part).ok();
    civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        narrow(local.month())?,
        narrow(local.day())?,
        narrow(local.hour())?,
        narrow(local.minute())?,
        narrow(local.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
pub(crate) mod second_opinion;

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn an_unknown_zone_is_refused_with_an_example() {
        let error = Zone::parse("Mars/Olympus").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown time zone \"Mars/Olympus\", expected an IANA name such as America/New_York"
        );
    }

    #[test]
    fn local_time_follows_daylight_saving() {
        let new_york = zone("America/New_York");
        assert_eq!(new_york.local(utc("2026-01-15T14:00:00Z")), local("2026-01-15T09:00:00"));
        assert_eq!(new_york.local(utc("2026-07-15T13:00:00Z")), local("2026-07-15T09:00:00"));
    }

    #[test]
    fn a_clock_has_the_name_that_it_has_at_the_instant_or_else_its_distance() {
        let (winter, summer) = (utc("2026-01-15T12:00:00Z"), utc("2026-07-15T12:00:00Z"));
        for (name, in_winter, in_summer) in [
            ("America/New_York", "EST", "EDT"),
            ("Europe/Berlin", "CET", "CEST"),
            ("America/Sao_Paulo", "UTC-3", "UTC-3"),
            ("Asia/Kathmandu", "UTC+5:45", "UTC+5:45"),
            ("America/St_Johns", "NST", "NDT"),
            ("UTC", "UTC", "UTC"),
        ] {
            let zone = zone(name);
            let told = (zone.abbreviation(winter), zone.abbreviation(summer));
            assert_eq!(told, (in_winter.to_owned(), in_summer.to_owned()), "{name}");
        }
    }

    #[test]
    fn much_of_canada_no_longer_changes_its_clocks() {
        for (name, noon) in [
            ("America/Vancouver", "2026-12-01T19:00:00Z"),
            ("America/Edmonton", "2026-12-01T18:00:00Z"),
            ("America/Inuvik", "2026-12-01T18:00:00Z"),
            ("America/Winnipeg", "2026-12-01T17:00:00Z"),
        ] {
            assert_eq!(zone(name).local(utc(noon)), local("2026-12-01T12:00:00"), "{name}");
        }
    }

    #[test]
    fn names_that_stand_for_no_place_are_no_zones() {
        for name in ["Etc/Unknown", "Factory", "local", "", "../America/Chicago"] {
            assert_eq!(Zone::parse(name), Err(UnknownZone(name.to_owned())));
        }
    }

    #[test]
    fn old_names_and_other_spellings_are_the_zone_of_today() {
        assert_eq!(zone("Asia/Calcutta"), zone("Asia/Kolkata"));
        assert_eq!(zone("us/eastern").name(), "America/New_York");
        assert_eq!(zone("AMERICA/CHICAGO"), zone("America/Chicago"));
    }

    #[test]
    fn an_hour_that_is_repeated_has_two_instants() {
        let twice = zone("America/New_York").instants(local("2026-11-01T01:30:00"));
        assert_eq!(twice, [utc("2026-11-01T05:30:00Z"), utc("2026-11-01T06:30:00Z")]);
    }

    #[test]
    fn an_hour_that_is_skipped_gives_the_first_instant_after_it() {
        let after = zone("America/New_York").instants(local("2026-03-08T02:30:00"));
        assert_eq!(after, [utc("2026-03-08T07:00:00Z")]);
        // A day without a midnight.
        let after = zone("Africa/Cairo").instants(local("2026-04-24T00:00:00"));
        assert_eq!(after, [utc("2026-04-23T22:00:00Z")]);
    }
}
