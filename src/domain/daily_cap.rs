//! How many calls a campaign makes in a day at most. A day is one of the calendar, on the clock of the campaign's own zone;
//! how often one number is called is [`super::caps`]' concern.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::zone::Zone;

/// One call a second, all day: more cannot be meant.
pub const MOST_CALLS: u32 = 86_400;

/// The day on which a campaign last called, and its calls on it. What was taken back is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallDay {
    /// The day.
    pub on: NaiveDate,
    /// The calls.
    pub calls: u32,
}

/// The day to which a call counts that is made now.
///
/// Days only go forward: should the clock be set back over midnight, by a person or by a zone, the call counts to the day
/// that has begun already. So nobody gets the calls of a day twice.
pub fn day_of(last: Option<CallDay>, zone: &Zone, now: DateTime<Utc>) -> NaiveDate {
    let today = zone.local(now).date();
    last.map_or(today, |last| last.on.max(today))
}

/// Until when a campaign makes no more calls that makes `most` in a day: the beginning of the next one. None if it may make
/// one now.
pub fn full_until(
    most: Option<u32>,
    last: Option<CallDay>,
    zone: &Zone,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (most, last) = (most?, last?);
    let day = day_of(Some(last), zone, now);
    (last.on == day && last.calls >= most).then(|| end_of(day, zone, now))
}

/// When the day after this one begins. Zones have days without a midnight, and some have left out a day.
fn end_of(day: NaiveDate, zone: &Zone, now: DateTime<Utc>) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).map(|next| next.and_time(NaiveTime::MIN));
    let begins = next.and_then(|midnight| zone.instants(midnight).into_iter().min());
    begins.filter(|begins| *begins > now).unwrap_or(now + TimeDelta::days(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn on(day: &str, calls: u32) -> Option<CallDay> {
        Some(CallDay { on: day.parse().unwrap(), calls })
    }

    #[test]
    fn a_day_is_full_when_its_calls_are_made_and_ends_at_midnight_where_the_campaign_is() {
        // Monday, ten at night in New York, Tuesday in UTC.
        let now = utc("2026-03-03T03:00:00Z");
        let midnight = Some(utc("2026-03-03T05:00:00Z"));
        let cases = [
            ("no cap", None, on("2026-03-02", 99), None),
            ("nobody called yet", Some(3), None, None),
            ("one call left", Some(3), on("2026-03-02", 2), None),
            ("as many as may be", Some(3), on("2026-03-02", 3), midnight),
            ("more, since the cap was lowered", Some(3), on("2026-03-02", 7), midnight),
            ("those of yesterday", Some(3), on("2026-03-01", 3), None),
            (
                "those of tomorrow, after the clock was set back",
                Some(3),
                on("2026-03-03", 3),
                Some(utc("2026-03-04T05:00:00Z")),
            ),
        ];
        for (case, most, last, expected) in cases {
            assert_eq!(full_until(most, last, &zone("America/New_York"), now), expected, "{case}");
        }
    }

    #[test]
    fn a_day_ends_also_where_the_next_has_no_midnight_or_is_left_out() {
        let cairo =
            full_until(Some(1), on("2026-04-23", 1), &zone("Africa/Cairo"), utc("2026-04-23T12:00:00Z"));
        assert_eq!(cairo, Some(utc("2026-04-23T22:00:00Z")));
        // Samoa went from the 29th to the 31st of December 2011.
        let apia =
            full_until(Some(1), on("2011-12-29", 1), &zone("Pacific/Apia"), utc("2011-12-30T00:00:00Z"));
        assert_eq!(apia, Some(utc("2011-12-30T10:00:00Z")));
    }

    #[test]
    fn a_day_that_has_begun_is_not_left_when_clocks_go_back_over_midnight() {
        // In Havana clocks are set back from one in the morning to midnight, so its midnight comes twice.
        let havana = zone("America/Havana");
        let second_midnight = utc("2026-11-01T05:00:00Z");
        assert_eq!(day_of(on("2026-11-01", 1), &havana, second_midnight).to_string(), "2026-11-01");
        let full = full_until(Some(1), on("2026-11-01", 1), &havana, second_midnight);
        assert_eq!(full, Some(utc("2026-11-02T05:00:00Z")));
    }

    proptest! {
        /// Whoever waits until then may call again, and the day has not ended before.
        #[test]
        fn a_full_day_ends_with_the_first_instant_of_another(
            name in prop::sample::select(vec![
                "UTC", "America/New_York", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
            ]),
            seconds in 1_600_000_000i64..1_900_000_000,
        ) {
            let (zone, now) = (zone(name), DateTime::from_timestamp(seconds, 0).unwrap());
            let day = day_of(None, &zone, now);
            let last = Some(CallDay { on: day, calls: 5 });
            let until = full_until(Some(5), last, &zone, now).unwrap();
            prop_assert!(until > now);
            prop_assert_eq!(full_until(Some(5), last, &zone, until), None);
            prop_assert!(full_until(Some(5), last, &zone, until - TimeDelta::seconds(1)).is_some());
        }
    }
}
