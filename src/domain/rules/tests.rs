use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::holidays::{Holiday, Holidays};
use crate::domain::hours::tests::zone_names;
use crate::domain::hours::{InForce, OnHolidays, Shut};
use crate::domain::phone::Phone;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn weekly(windows: &str) -> Schedule {
    Schedule::weekly(serde_json::from_str(windows).unwrap())
}

fn with_holidays(windows: &str, holidays: &[&str]) -> Schedule {
    let holidays = holidays.iter().map(|entry| Holiday::try_from((*entry).to_owned()).unwrap());
    Schedule { holidays: Holidays::new(holidays), ..weekly(windows) }
}

fn daily() -> Schedule {
    weekly(r#"{"mon-sun": [["08:00", "21:00"]]}"#)
}

fn on<'a>(rule: &'a str, schedule: &'a Schedule, zone: &'a Zone) -> Condition<'a> {
    Condition { rule, schedule, zone }
}

/// A rule that protects the people of a place, such as `US-TX`, or everybody.
pub(crate) fn rule(name: &str, place: Option<&str>, windows: &str, holidays: &[&str]) -> Rule {
    let jurisdiction = match place.map(|place| Place::parse(place).unwrap()) {
        None => Jurisdiction::Anywhere,
        Some(Place { country, subdivision: None }) => Jurisdiction::Country(country),
        Some(Place { country, subdivision: Some(part) }) => Jurisdiction::Subdivision(country, part),
    };
    Rule {
        name: name.to_owned(),
        jurisdiction,
        schedule: with_holidays(windows, holidays),
        zone: None,
        caps: Vec::new(),
        minimum_gap: None,
        source: "this test".to_owned(),
        confidence: Confidence::Practice,
    }
}

/// The rules of one pack.
pub(crate) fn pack(id: &str, rules: Vec<Rule>) -> Rules {
    let reviewed_on = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    let id = id.to_owned();
    Rules::new(vec![Arc::new(Pack { id, version: 1, reviewed_on, rules, loosening_approved_by: None })])
}

fn everybody(name: &str, windows: &str) -> Rules {
    pack(name, vec![rule(name, None, windows, &[])])
}

/// Rules that let everybody be called at any time, for tests that are not about them.
pub(crate) fn around_the_clock() -> Rules {
    everybody("around-the-clock", r#"{"mon-sun": [["00:00", "24:00"]]}"#)
}

/// Rules that let everybody be called from 8 to 21 on their clock.
pub(crate) fn eight_to_nine() -> Rules {
    everybody("eight-to-nine", r#"{"mon-sun": [["08:00", "21:00"]]}"#)
}

/// Whether rules are those.
pub(crate) fn is_eight_to_nine(rules: &Rules) -> bool {
    rules.packs.iter().any(|pack| pack.id == "eight-to-nine")
}

/// What it says, as text: `open until …`, or `closed until …: why`.
fn say(conditions: &[Condition<'_>], margin: i64, now: &str) -> String {
    match permission(conditions, TimeDelta::seconds(margin), utc(now)) {
        Permission::Open { until } => format!("open until {until:?}"),
        Permission::ClosedUntil { at, because } => format!("closed until {at:?}: {because}"),
        Permission::Never { because } => format!("never: {because}"),
    }
}

#[test]
fn every_zone_that_is_possible_has_to_be_open() {
    let (daily, new_york, chicago) = (daily(), zone("America/New_York"), zone("America/Chicago"));
    let both = [on("us", &daily, &new_york), on("us", &daily, &chicago)];
    let cases = [
        // Eight in New York is seven in Chicago.
        (
            "2026-01-14T13:00:00Z",
            "closed until 2026-01-14T14:00:00Z: us in America/Chicago: it is outside the hours",
        ),
        ("2026-01-14T14:00:00Z", "open until 2026-01-15T02:00:00Z"),
        // Nine in the evening in New York is eight in Chicago: the morning there comes last.
        (
            "2026-01-15T02:00:00Z",
            "closed until 2026-01-15T14:00:00Z: us in America/Chicago: it is outside the hours",
        ),
    ];
    for (now, expected) in cases {
        assert_eq!(say(&both, 0, now), expected, "{now}");
    }
}

#[test]
fn what_would_ring_past_the_end_does_not_begin() {
    let (daily, zone) = (daily(), zone("UTC"));
    let only = [on("default", &daily, &zone)];
    assert_eq!(say(&only, 60, "2026-01-14T20:59:00Z"), "open until 2026-01-14T21:00:00Z");
    assert_eq!(
        say(&only, 60, "2026-01-14T20:59:01Z"),
        "closed until 2026-01-15T08:00:00Z: default in UTC: the hours end too soon"
    );
    let minute = weekly(r#"{"mon": [["09:00", "09:01"], ["10:00", "10:05"]]}"#);
    assert_eq!(
        say(&[on("short", &minute, &zone)], 90, "2026-01-12T08:00:00Z"),
        "closed until 2026-01-12T10:00:00Z: short in UTC: the hours end too soon"
    );
}

#[test]
fn hours_that_have_nothing_in_common_never_open_and_say_why() {
    let utc_zone = zone("UTC");
    let (morning, evening) =
        (weekly(r#"{"mon-sun": [["08:00", "12:00"]]}"#), weekly(r#"{"mon-sun": [["12:00", "20:00"]]}"#));
    let apart = [on("morning", &morning, &utc_zone), on("evening", &evening, &utc_zone)];
    // Both are named, and in one order, whenever it is asked.
    for now in ["2026-01-14T09:00:00Z", "2026-01-14T13:00:00Z", "2026-01-14T23:00:00Z"] {
        let said = say(&apart, 0, now);
        assert_eq!(
            said, "never: evening in UTC and morning in UTC are never open together within a year",
            "{now}"
        );
    }
    // One that never opens has nobody else to blame, and a third that does open is not in the way of two that are apart.
    let (never, daily) = (weekly(r#"{"mon": [["09:00", "09:01"]]}"#), daily());
    assert_eq!(
        say(&[on("x", &never, &utc_zone)], 90, "2026-01-14T09:00:00Z"),
        "never: x in UTC: the hours end too soon"
    );
    let three = [apart[0], on("daily", &daily, &utc_zone), apart[1]];
    assert!(
        say(&three, 0, "2026-01-14T23:00:00Z").starts_with("never: evening in UTC and morning in UTC are")
    );
    assert_eq!(say(&[], 0, "2026-01-14T09:00:00Z"), "never: neither a time zone nor a rule is known");
}

#[test]
fn a_holiday_holds_on_its_own_side_of_the_date_line() {
    let new_year = with_holidays(r#"{"mon-sun": [["00:00", "24:00"]]}"#, &["2026-01-01"]);
    let (kiritimati, honolulu) = (zone("Pacific/Kiritimati"), zone("Pacific/Honolulu"));
    // Both clocks show noon, a day apart: 1 January in Kiritimati, 31 December in Honolulu.
    let now = "2025-12-31T22:00:00Z";
    assert_eq!(
        say(&[on("x", &new_year, &kiritimati)], 0, now),
        "closed until 2026-01-01T10:00:00Z: x in Pacific/Kiritimati: 2026-01-01 is a holiday"
    );
    assert_eq!(say(&[on("x", &new_year, &honolulu)], 0, now), "open until 2026-01-01T10:00:00Z");
    // Where both are possible the holiday goes round the earth, and takes two days.
    assert_eq!(
        say(&[on("x", &new_year, &kiritimati), on("x", &new_year, &honolulu)], 0, now),
        "closed until 2026-01-02T10:00:00Z: x in Pacific/Honolulu: 2026-01-01 is a holiday"
    );
}

#[test]
fn a_holiday_may_have_hours_of_its_own() {
    let mut nebraska = with_holidays(r#"{"mon-sun": [["08:00", "21:00"]]}"#, &["US-NE"]);
    nebraska.on_holidays = OnHolidays::Windows(vec![serde_json::from_str(r#"["13:00", "21:00"]"#).unwrap()]);
    let omaha = zone("America/Chicago");
    assert_eq!(
        say(&[on("us-states/NE", &nebraska, &omaha)], 0, "2026-11-26T15:00:00Z"),
        "closed until 2026-11-26T19:00:00Z: us-states/NE in America/Chicago: 2026-11-26 is a holiday, Thanksgiving Day"
    );
}

#[test]
fn a_rule_holds_from_its_first_day_to_its_last() {
    let day = |text: &str| Some(text.parse().unwrap());
    let mut sundays = weekly(r#"{"sun": [["09:00", "10:00"]]}"#);
    sundays.in_force = InForce { from: day("2026-03-02"), to: day("2026-03-04") };
    let zone = zone("UTC");
    let only = [on("x", &sundays, &zone)];
    assert_eq!(say(&only, 0, "2026-03-01T23:00:00Z"), "open until 2026-03-02T00:00:00Z");
    assert_eq!(
        say(&only, 0, "2026-03-02T00:00:00Z"),
        "closed until 2026-03-05T00:00:00Z: x in UTC: it is outside the hours"
    );
    assert_eq!(say(&only, 0, "2026-03-05T00:00:00Z"), "open until 2026-03-13T00:00:00Z");
}

#[test]
fn beyond_the_tables_nothing_opens() {
    let listed = with_holidays(r#"{"mon-sun": [["08:00", "21:00"]]}"#, &["US"]);
    let zone = zone("UTC");
    assert_eq!(
        say(&[on("x", &listed, &zone)], 0, "2032-12-31T22:00:00Z"),
        "never: x in UTC: the tables of holidays do not reach 2034"
    );
    assert_eq!(
        permission(&[on("x", &listed, &zone)], TimeDelta::zero(), utc("2033-01-03T12:00:00Z")),
        Permission::Never {
            because: Because::Closed {
                rule: "x",
                zone: &zone,
                shut: Shut::HolidaysUnknown("2033-01-03".parse().unwrap()),
            },
        }
    );
}

#[test]
fn a_number_says_in_which_places_its_owner_may_be() {
    let cases = [
        ("+12145550123", "US-TX"),
        ("+12035550123", "US-CT"),
        ("+18505550123", "US-FL"),
        ("+14165550123", "CA-ON"),
        ("+19025550123", "CA-NS CA-PE"),
        ("+17875550123", "US-PR"),
        ("+18005550123", "US CA"),
        ("+18762345678", "JM"),
        ("+442079460123", "GB"),
        ("+33123456789", "FR"),
    ];
    for (number, expected) in cases {
        let places = places_of(&Phone::from_e164(number).unwrap());
        let text = |place: &Place| match &place.subdivision {
            Some(part) => format!("{}-{part}", place.country),
            None => place.country.to_string(),
        };
        assert_eq!(places.iter().map(text).collect::<Vec<_>>().join(" "), expected, "{number}");
    }
    // Every state, the capital and the territories.
    assert_eq!(subdivisions_with_area_codes(Region::US).len(), 56);
}

/// Weeks in which clocks are set back in Europe, set forward in America, and a year ends.
const WEEKS: [&str; 3] = ["2026-10-22T00:00:00Z", "2027-03-11T00:00:00Z", "2027-12-27T00:00:00Z"];

prop_compose! {
    fn any_schedule()(
        days in prop::collection::btree_map(0usize..7, (0u32..1440, 60u32..1440), 4..8),
        holiday in 0i64..9,
        own_hours in any::<bool>(),
    ) -> Schedule {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let week: std::collections::BTreeMap<_, _> = days
            .into_iter()
            .map(|(day, (start, length))| (names[day], [[clock(start), clock(start + length)]]))
            .collect();
        let dates = WEEKS.map(|week| (utc(week).date_naive() + TimeDelta::days(holiday)).to_string());
        let dates = dates.each_ref().map(String::as_str);
        let mut schedule = with_holidays(&serde_json::to_string(&week).unwrap(), &dates);
        if own_hours {
            let window = serde_json::from_str(r#"["13:00", "21:00"]"#).unwrap();
            schedule.on_holidays = OnHolidays::Windows(vec![window]);
        }
        schedule
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// For two zones drawn from all: the permission is what a count of
    /// minutes gives, and it opens at the first minute at which all is open for as long as it may ring.
    #[test]
    fn two_zones_agree_with_counting_minutes(
        (one, other) in (any_schedule(), any_schedule()),
        (here, there) in (
            prop::sample::select(zone_names()),
            prop::sample::select(zone_names()),
        ),
        (week, start) in (prop::sample::select(&WEEKS), 0i64..7 * 1440),
        margin in 0i64..30,
    ) {
        const DAYS: i64 = 8;
        let (here, there) = (zone(here), zone(there));
        let now = utc(week) + TimeDelta::minutes(start);
        let at = |minute: i64| now + TimeDelta::minutes(minute);
        let open: Vec<bool> = (0..DAYS * 1440 + 60)
            .map(|minute| one.shut(&here, at(minute)).is_none() && other.shut(&there, at(minute)).is_none())
            .collect();
        let fits = |minute: i64| (minute..=minute.max(minute + margin - 1)).all(|later| open[later as usize]);
        let first = (0..DAYS * 1440).find(|minute| fits(*minute)).map(at);
        let conditions = [on("one", &one, &here), on("other", &other, &there)];
        let length = TimeDelta::minutes(margin);
        for moment in (0..DAYS).map(|day| at(day * 1440 + day * 173) + TimeDelta::seconds(day * 7)) {
            let says = permission(&conditions, length, moment);
            prop_assert_eq!(is_open(&conditions, length, moment), matches!(says, Permission::Open { .. }));
        }
        match permission(&conditions, TimeDelta::minutes(margin), now) {
            Permission::Open { until } => {
                prop_assert_eq!(first, Some(now));
                let closes = (0..DAYS * 1440).find(|minute| !open[*minute as usize]).unwrap_or(DAYS * 1440);
                prop_assert_eq!(until, at(closes));
            }
            Permission::ClosedUntil { at: opens_at, .. } => {
                prop_assert!(opens_at > now);
                match first {
                    Some(first) => prop_assert_eq!(opens_at, first),
                    None => prop_assert!(opens_at >= at(DAYS * 1440)),
                }
            }
            Permission::Never { .. } => prop_assert_eq!(first, None),
        }
    }
}
