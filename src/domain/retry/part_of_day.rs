//! Morning, afternoon and evening: whom nobody reached in one of them may be at home in another.
//!
//! The preference belongs to the retry policy's instant and not to the windows. It is drawn once, when an attempt is
//! settled, and kept as the contact's due time; windows are applied at each look, so that edited hours free people at
//! once.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

use crate::domain::hours::{BusinessHours, Opening};
use crate::domain::zone::Zone;

/// Nobody waits longer for the sake of another part of the day.
const LONGEST_DELAY: TimeDelta = TimeDelta::days(1);

/// The hours at which a part of the day begins or ends. The first and the last are those in which people may be called
/// at home (47 CFR 64.1200(c)(1): not before 8 and not after 21 o'clock, local time); a retry is never moved into the
/// night between them.
const MORNING: u32 = 8;
const AFTERNOON: u32 = 12;
const EVENING: u32 = 17;
const NIGHT: u32 = 21;

/// A part of the day in which a telephone may ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartOfDay {
    /// From 8:00 to 12:00.
    Morning,
    /// From 12:00 to 17:00.
    Afternoon,
    /// From 17:00 to 21:00.
    Evening,
}

impl PartOfDay {
    /// The part in which an instant lies by a clock on the wall there; none at night.
    fn of(instant: DateTime<Utc>, zone: &Zone) -> Option<Self> {
        match zone.local(instant).hour() {
            MORNING..AFTERNOON => Some(Self::Morning),
            AFTERNOON..EVENING => Some(Self::Afternoon),
            EVENING..NIGHT => Some(Self::Evening),
            _ => None,
        }
    }
}

/// A set of parts of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts(u8);

impl Parts {
    /// The set with the part in which this instant lies.
    pub(super) fn with(self, instant: DateTime<Utc>, zone: &Zone) -> Self {
        Self(self.0 | PartOfDay::of(instant, zone).map_or(0, bit))
    }

    fn contains(self, part: PartOfDay) -> bool {
        self.0 & bit(part) != 0
    }
}

fn bit(part: PartOfDay) -> u8 {
    1 << part as u8
}

/// By what the parts of a campaign's days are read: its zone, and the hours in which it calls at all.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    /// The zone.
    pub zone: &'a Zone,
    /// The hours.
    pub hours: &'a BusinessHours,
}

/// The first instant from `earliest` on that lies in a part of the day which is not among the `missed` ones and in which
/// the campaign calls: `earliest` itself, or the beginning of a part within a day. If there is none, `earliest`.
pub(super) fn prefer_other_part(
    earliest: DateTime<Utc>,
    missed: Parts,
    calendar: Calendar<'_>,
) -> DateTime<Utc> {
    let boundaries = boundaries_after(earliest, calendar.zone);
    let mut begins_at = earliest;
    for ends_at in boundaries {
        if begins_at - earliest > LONGEST_DELAY {
            break;
        }
        let is_better = match PartOfDay::of(begins_at, calendar.zone) {
            Some(part) => !missed.contains(part),
            // Whoever calls around the clock may mean the night; nobody is moved into it.
            None => begins_at == earliest,
        };
        if is_better && calls_between(begins_at, ends_at, calendar) {
            return begins_at;
        }
        begins_at = ends_at;
    }
    earliest
}

/// The instants of the next two days at which a part of the day or a night begins, the first first.
fn boundaries_after(earliest: DateTime<Utc>, zone: &Zone) -> Vec<DateTime<Utc>> {
    let today = zone.local(earliest).date();
    let days = (0..=2).filter_map(|days| today.checked_add_signed(TimeDelta::days(days)));
    let on = |date: NaiveDate| {
        let at = move |hour| date.and_time(NaiveTime::MIN) + TimeDelta::hours(i64::from(hour));
        [MORNING, AFTERNOON, EVENING, NIGHT].map(at)
    };
    let mut boundaries: Vec<_> = days.flat_map(on).flat_map(|local| zone.instants(local)).collect();
    boundaries.retain(|boundary| *boundary > earliest);
    boundaries.sort_unstable();
    boundaries
}

fn calls_between(begins_at: DateTime<Utc>, ends_at: DateTime<Utc>, calendar: Calendar<'_>) -> bool {
    match calendar.hours.opening(calendar.zone, begins_at) {
        Opening::Open => true,
        Opening::ClosedUntil(opens_at) => opens_at < ends_at,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::hours::SimpleHours;

    fn new_york() -> Zone {
        Zone::parse("America/New_York").unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An instant of Monday, 2 March 2026, or of a later day, by New York's clocks.
    fn on(day: i64, hour: i64, minute: i64) -> DateTime<Utc> {
        utc("2026-03-02T05:00:00Z")
            + TimeDelta::days(day)
            + TimeDelta::hours(hour)
            + TimeDelta::minutes(minute)
    }

    fn around_the_clock() -> BusinessHours {
        BusinessHours::around_the_clock()
    }

    fn preferred(earliest: DateTime<Utc>, missed: &[DateTime<Utc>], hours: &BusinessHours) -> DateTime<Utc> {
        let zone = new_york();
        let missed = missed.iter().fold(Parts::default(), |parts, at| parts.with(*at, &zone));
        prefer_other_part(earliest, missed, Calendar { zone: &zone, hours })
    }

    /// Earliest, missed, expected.
    type Row<'a> = (DateTime<Utc>, &'a [DateTime<Utc>], DateTime<Utc>);

    #[test]
    fn a_retry_moves_to_the_next_part_of_the_day_that_was_not_tried() {
        let (morning, afternoon, evening) = (on(0, 9, 30), on(0, 13, 0), on(0, 18, 0));
        let always = around_the_clock();
        let table: [Row<'_>; 9] = [
            (on(0, 10, 0), &[morning], on(0, 12, 0)),
            (on(0, 13, 0), &[morning], on(0, 13, 0)),
            (on(0, 13, 0), &[morning, afternoon], on(0, 17, 0)),
            (on(0, 18, 30), &[evening], on(1, 8, 0)),
            (on(0, 18, 30), &[morning, evening], on(1, 12, 0)),
            (on(0, 18, 30), &[morning, afternoon, evening], on(0, 18, 30)),
            // The last minute of a part belongs to it, the first of the next to the next.
            (on(0, 11, 59), &[morning], on(0, 12, 0)),
            (on(0, 12, 0), &[morning], on(0, 12, 0)),
            // Whoever calls at night calls at night.
            (on(0, 22, 0), &[evening], on(0, 22, 0)),
        ];
        for (earliest, missed, expected) in table {
            assert_eq!(preferred(earliest, missed, &always), expected, "{earliest}, missed {missed:?}");
        }
    }

    #[test]
    fn a_part_in_which_the_campaign_never_calls_is_not_waited_for() {
        // Monday to Friday, 9:00 to 17:00: there is no evening.
        let office = BusinessHours::default();
        let (morning, afternoon) = (on(0, 9, 30), on(0, 13, 0));
        assert_eq!(preferred(on(0, 16, 0), &[afternoon], &office), on(1, 8, 0));
        assert_eq!(preferred(on(0, 16, 0), &[morning, afternoon], &office), on(0, 16, 0));
        // At night it is closed until the morning, which was missed: the afternoon is meant.
        assert_eq!(preferred(on(0, 22, 0), &[morning], &office), on(1, 12, 0));
        // On Friday afternoon no other part is within a day.
        assert_eq!(preferred(on(4, 16, 0), &[on(4, 13, 0)], &office), on(4, 16, 0));
    }

    #[test]
    fn parts_are_read_by_the_clocks_of_the_zone_and_follow_their_changes() {
        // Saturday evening; on Sunday the clocks are set forward.
        let saturday = utc("2026-03-07T23:30:00Z");
        assert_eq!(preferred(saturday, &[saturday], &around_the_clock()), utc("2026-03-08T12:00:00Z"));
        let auckland = Zone::parse("Pacific/Auckland").unwrap();
        let morning = utc("2026-03-01T21:00:00Z");
        let missed = Parts::default().with(morning, &auckland);
        let calendar = Calendar { zone: &auckland, hours: &around_the_clock() };
        assert_eq!(prefer_other_part(morning, missed, calendar), utc("2026-03-01T23:00:00Z"));
    }

    const ZONES: &[&str] =
        &["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"];

    proptest! {
        /// Never earlier, never more than a day later, and never moved for nothing.
        #[test]
        fn a_retry_is_moved_by_a_day_at_most_and_only_into_a_part_that_was_not_missed(
            minute in 0i64..2 * 365 * 24 * 60,
            missed in prop::collection::vec(0i64..10 * 24 * 60, 0..4),
            zone in prop::sample::select(ZONES),
            days in prop::collection::vec(1u8..=7, 1..7),
            enabled in any::<bool>(),
        ) {
            let zone = Zone::parse(zone).unwrap();
            let earliest = utc("2025-06-01T00:00:00Z") + TimeDelta::minutes(minute);
            let missed = missed.iter().fold(Parts::default(), |parts, ago| {
                parts.with(earliest - TimeDelta::minutes(*ago), &zone)
            });
            let hours = BusinessHours::Simple(SimpleHours { enabled, days, ..SimpleHours::default() });
            let calendar = Calendar { zone: &zone, hours: &hours };
            let preferred = prefer_other_part(earliest, missed, calendar);
            prop_assert!(preferred >= earliest);
            prop_assert!(preferred <= earliest + LONGEST_DELAY);
            if preferred != earliest {
                let part = PartOfDay::of(preferred, &zone);
                prop_assert!(part.is_some_and(|part| !missed.contains(part)), "{:?}", part);
                let own = PartOfDay::of(earliest, &zone);
                let stays = own.is_none_or(|own| !missed.contains(own));
                prop_assert!(!stays || hours.opening(&zone, earliest) != Opening::Open);
            }
        }
    }
}
