use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use proptest::prelude::*;

use super::*;
use crate::domain::hours::{BusinessHours, Shut, SimpleHours};
use crate::domain::phone::Phone;
use crate::domain::rules::tests::{around_the_clock, eight_to_nine, pack, rule};
use crate::domain::settings::tests::settings;
use crate::domain::zone::Zone;
use crate::domain::zone::second_opinion::OtherClock;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn area(number: &str) -> Area {
    Area::of(&Phone::from_e164(number).unwrap(), None, None)
}

fn person(area: &Area) -> Person<'_> {
    Person { state: ContactState::Pending, due_at: None, area, is_suppressed: false, calls: &[] }
}

fn unmapped(text: &str) -> OnUnmapped {
    serde_json::from_str(text).unwrap()
}

fn safe_window() -> OnUnmapped {
    unmapped(r#"{"safe-window": {"timezone": "America/Los_Angeles", "window": ["11:00", "17:00"]}}"#)
}

const NEW_YORK: &str = "+12125550123";
const SPLIT: &str = "+18505550123";
const TOLL_FREE: &str = "+18005550123";

/// The area codes that cover several zones.
const SPLIT_CODES: [u32; 36] = [
    208, 219, 236, 250, 257, 270, 308, 364, 367, 418, 423, 448, 458, 541, 574, 581, 605, 606, 620, 672, 701,
    709, 729, 775, 778, 785, 807, 812, 850, 867, 879, 906, 907, 928, 930, 986,
];

#[test]
fn only_a_pending_contact_that_is_not_suppressed_is_called() {
    let (settings, rules, area) = (settings(), around_the_clock(), area(NEW_YORK));
    let (terms, now) = (Terms::of(&settings, &rules), utc("2026-01-14T17:00:00Z"));
    for &state in ContactState::ALL {
        for is_suppressed in [false, true] {
            let person = Person { state, is_suppressed, ..person(&area) };
            let decision = terms.decide(&person, now);
            match (state, is_suppressed) {
                (ContactState::Pending, false) => assert!(matches!(decision, Decision::Now { .. })),
                (ContactState::Pending, true) => {
                    assert_eq!(decision, Decision::Never { because: Reason::Suppressed });
                }
                (ContactState::Calling, _) => {
                    assert_eq!(decision, Decision::NotUntil { at: now, because: Reason::BeingCalled });
                }
                (ContactState::Completed | ContactState::Failed | ContactState::Suppressed, _) => {
                    assert_eq!(decision, Decision::Never { because: Reason::Final(state) });
                }
            }
        }
    }
}

#[test]
fn every_reason_has_its_name_and_its_sentence() {
    let new_york = Zone::parse("America/New_York").unwrap();
    let closed = |rule, shut| Reason::Closed(rules::Because::Closed { rule, zone: &new_york, shut });
    let thanksgiving = Shut::Holiday("2026-11-26".parse().unwrap(), Some("Thanksgiving Day"));
    let cases = [
        (Reason::Final(ContactState::Completed), "final", "the contact is completed"),
        (Reason::Final(ContactState::Failed), "final", "the contact is failed"),
        (Reason::Final(ContactState::Suppressed), "final", "the contact is suppressed"),
        (Reason::BeingCalled, "call-open", "it is being called"),
        (Reason::Suppressed, "suppressed", "the number must not be contacted"),
        (
            Reason::Unmapped(Unmapped::TollFree),
            "unmapped",
            "nothing tells the person's time zone (toll-free), and the campaign's setting unmapped is block",
        ),
        (Reason::NotDue, "not-due", "it is due later"),
        (
            Reason::Capped(Limit {
                rule: "us-states/FL",
                cap: rules::Cap { calls: 3, within: TimeDelta::hours(24) },
            }),
            "capped",
            "the number was called often enough: us-states/FL: at most 3 calls within 24 hours",
        ),
        (
            closed(BUSINESS_HOURS, Shut::OutsideHours),
            "outside-hours",
            "business_hours in America/New_York: it is outside the hours",
        ),
        (
            closed("us-states/LA", thanksgiving),
            "called-party-hours",
            "us-states/LA in America/New_York: 2026-11-26 is a holiday, Thanksgiving Day",
        ),
        (
            closed("default", Shut::ClosesSoon),
            "called-party-hours",
            "default in America/New_York: the hours end too soon",
        ),
        (
            closed("fr", Shut::HolidaysUnknown("2033-01-05".parse().unwrap())),
            "called-party-hours",
            "fr in America/New_York: the tables of holidays do not reach 2033",
        ),
        (
            Reason::Closed(rules::Because::NothingKnown),
            "called-party-hours",
            "neither a time zone nor a rule is known",
        ),
    ];
    for (reason, name, sentence) in cases {
        assert_eq!((reason.as_str(), reason.to_string().as_str()), (name, sentence));
    }
    for why in Unmapped::ALL {
        let sentence = Reason::Unmapped(*why).to_string();
        assert!(
            sentence.starts_with(&format!("nothing tells the person's time zone ({why}),")),
            "{sentence}"
        );
    }
}

#[test]
fn a_number_that_was_called_often_enough_is_free_when_the_caps_and_the_hours_are() {
    let (rules, area) = (eight_to_nine(), area("+12025550101"));
    let mut settings = settings();
    settings.caps.per_day = Some(2);
    let terms = Terms::of(&settings, &rules);
    // In New York: three in the afternoon, noon, and the evening before.
    let now = utc("2026-01-14T20:00:00Z");
    let (noon, evening) = (utc("2026-01-14T17:00:00Z"), utc("2026-01-14T00:30:00Z"));
    let decide = |calls: &[DateTime<Utc>], due_at| {
        let person = Person { calls, due_at, ..person(&area) };
        match terms.decide(&person, now) {
            Decision::NotUntil { at, because } => Some((at, because.as_str())),
            Decision::Now { .. } => None,
            never => panic!("{never:?}"),
        }
    };
    assert_eq!(decide(&[noon], None), None);
    let freed_at = utc("2026-01-15T00:30:00Z");
    assert_eq!(decide(&[noon, evening], None), Some((freed_at, "capped")));
    assert_eq!(decide(&[noon, evening], Some(now)), Some((freed_at, "capped")));
    // Due later than that, that is why.
    let due_at = utc("2026-01-15T01:00:00Z");
    assert_eq!(decide(&[noon, evening], Some(due_at)), Some((due_at, "not-due")));
    // Freed at three in the night, they sleep until eight.
    let night = utc("2026-01-14T08:00:00Z");
    assert_eq!(decide(&[noon, night], None), Some((utc("2026-01-15T13:00:00Z"), "called-party-hours")));
}

#[test]
fn the_last_call_begins_so_early_that_it_has_rung_out_by_the_end() {
    let (settings, rules, area) = (settings(), eight_to_nine(), area(NEW_YORK));
    let terms = Terms::of(&settings, &rules);
    let (last, too_late) = (utc("2026-01-15T01:59:24Z"), utc("2026-01-15T01:59:25Z"));
    assert_eq!(terms.opening(&area, last), Decision::Now { until: utc("2026-01-15T02:00:00Z") });
    let Decision::NotUntil { at, because } = terms.opening(&area, too_late) else { panic!("it is open") };
    assert_eq!(at, utc("2026-01-15T13:00:00Z"));
    assert_eq!(because.to_string(), "eight-to-nine in America/New_York: the hours end too soon");
    assert_eq!((terms.is_open(&area, last), terms.is_open(&area, too_late)), (Ok(true), Ok(false)));
}

#[test]
fn those_whose_zone_nothing_tells_are_called_as_the_campaign_has_it() {
    let rules = eight_to_nine();
    let area = area(TOLL_FREE);
    let with = |unmapped| Settings { unmapped, ..settings() };
    // At eight in New York it is five in Los Angeles, and at eleven there it is fourteen in New York.
    let (early, eight, eleven) =
        (utc("2026-01-14T12:00:00Z"), utc("2026-01-14T13:00:00Z"), utc("2026-01-14T19:00:00Z"));

    let block = with(OnUnmapped::Block);
    let terms = Terms::of(&block, &rules);
    let never = Decision::Never { because: Reason::Unmapped(Unmapped::TollFree) };
    assert_eq!(terms.opening(&area, eleven), never);
    assert_eq!(terms.is_open(&area, eleven), Err(Unmapped::TollFree));
    let due_later = Person { due_at: Some(eleven), ..person(&area) };
    assert_eq!(terms.decide(&due_later, eight), never);

    let as_the_campaign = with(OnUnmapped::CampaignZone);
    let terms = Terms::of(&as_the_campaign, &rules);
    assert!(matches!(terms.opening(&area, early), Decision::NotUntil { at, .. } if at == eight));
    assert_eq!(terms.is_open(&area, eight), Ok(true));

    let narrow = with(safe_window());
    let terms = Terms::of(&narrow, &rules);
    let Decision::NotUntil { at, because } = terms.opening(&area, utc("2026-01-14T16:30:00Z")) else {
        panic!("the safe window is closed")
    };
    assert_eq!(at, eleven);
    assert_eq!(because.to_string(), "unmapped in America/Los_Angeles: it is outside the hours");
    assert_eq!(because.as_str(), "called-party-hours");
    assert_eq!(terms.opening(&area, eleven), Decision::Now { until: utc("2026-01-15T01:00:00Z") });

    // Whoever is somewhere is called there, whatever is done about the others.
    let known = self::area(NEW_YORK);
    for settings in [&block, &as_the_campaign, &narrow] {
        assert_eq!(Terms::of(settings, &rules).is_open(&known, eight), Ok(true));
    }
}

/// Both edges of every area code that covers several zones: it opens with the last of them and closes with the first.
#[test]
fn a_split_area_code_opens_when_all_its_zones_are_open_and_closes_with_the_first() {
    let (settings, rules) = (settings(), eight_to_nine());
    let terms = Terms::of(&settings, &rules);
    // A second until the request has left, 30 to ring, and five that the provider may add.
    let (second, margin) = (TimeDelta::seconds(1), TimeDelta::seconds(36));
    // A winter's day, a summer's day, and the two on which the United States change their clocks.
    for day in ["2026-01-14", "2026-07-15", "2026-03-08", "2026-11-01"] {
        let night = utc(&format!("{day}T04:00:00Z"));
        for code in SPLIT_CODES {
            let area = area(&format!("+1{code}5550123"));
            let names = area.zones_text().unwrap();
            let clocks: Vec<_> = names.split(',').map(|name| OtherClock::find(name).unwrap()).collect();
            assert!(clocks.len() > 1, "{code} is not split");
            let all_awake =
                |at: &DateTime<Utc>| clocks.iter().all(|clock| (8..21).contains(&clock.shows(*at).hour()));
            let first = |from, awake| {
                (0..2880).map(|minute| from + MINUTE * minute).find(|at| all_awake(at) == awake)
            };
            let closed_at = first(night, false).unwrap();
            let opens_at = first(closed_at, true).unwrap();
            let closes_at = first(opens_at, false).unwrap();
            match terms.opening(&area, closed_at) {
                Decision::NotUntil { at, .. } => assert_eq!(at, opens_at, "{code} {names}"),
                decision => panic!("{code}: {decision:?}"),
            }
            assert_eq!(terms.opening(&area, opens_at), Decision::Now { until: closes_at }, "{code} {names}");
            let around = [opens_at - second, opens_at, closes_at - margin, closes_at - margin + second];
            let open = around.map(|at| terms.is_open(&area, at));
            assert_eq!(open, [Ok(false), Ok(true), Ok(true), Ok(false)], "{code} {names}");
        }
    }
}

/// Hours as plain numbers, read without any of the code that is tested.
#[derive(Debug, Clone)]
struct Plain {
    /// From Monday on.
    days: Vec<bool>,
    from: u32,
    minutes: u32,
    never_on: NaiveDate,
}

impl Plain {
    fn is_open(&self, local: NaiveDateTime) -> bool {
        let (date, minute) = (local.date(), local.hour() * 60 + local.minute());
        let began_on = |date: NaiveDate, minute| {
            self.days[date.weekday().num_days_from_monday() as usize]
                && date != self.never_on
                && (self.from..self.from + self.minutes).contains(&minute)
        };
        date != self.never_on
            && (began_on(date, minute) || began_on(date - TimeDelta::days(1), minute + 1440))
    }

    fn window(&self) -> [String; 2] {
        [self.from, self.from + self.minutes]
            .map(|minute| format!("{:02}:{:02}", minute / 60 % 24, minute % 60))
    }

    fn windows(&self) -> String {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let open = names.iter().zip(&self.days).filter(|(_, is_open)| **is_open);
        let week: std::collections::BTreeMap<_, _> = open.map(|(name, _)| (*name, [self.window()])).collect();
        serde_json::to_string(&week).unwrap()
    }

    fn simple(&self) -> BusinessHours {
        let time = |text: &String| text.clone().try_into().unwrap();
        let [start_time, end_time] = self.window();
        let days = (1..=7).filter(|day| self.days[usize::from(*day) - 1]).collect();
        let (start_time, end_time) = (time(&start_time), time(&end_time));
        BusinessHours::Simple(SimpleHours { enabled: true, days, start_time, end_time })
    }

    fn weekly(&self) -> BusinessHours {
        let (windows, never_on) = (self.windows(), self.never_on);
        serde_json::from_str(&format!(r#"{{"windows": {windows}, "holidays": ["{never_on}"]}}"#)).unwrap()
    }
}

/// In these nights clocks are set back in Europe and America, set forward in both and back in Australia, and a year ends.
const WEEKS: [&str; 5] = [
    "2026-10-23T00:00:00Z",
    "2026-10-30T00:00:00Z",
    "2027-03-12T00:00:00Z",
    "2027-04-01T00:00:00Z",
    "2026-12-29T00:00:00Z",
];

/// Numbers with one zone and with several, in places with a rule of their own and without, and of no zone at all.
const NUMBERS: [&str; 9] = [
    NEW_YORK,
    SPLIT,
    TOLL_FREE,
    "+13055550123",
    "+12505550123",
    "+12145550123",
    "+442079460123",
    "+61491570006",
    "+64211234567",
];

const CAMPAIGN_ZONES: [&str; 4] = ["America/New_York", "Asia/Kolkata", "Pacific/Chatham", "America/Santiago"];

prop_compose! {
    fn any_hours()(
        days in prop::collection::vec(prop::bool::weighted(0.8), 7),
        from in 0u32..1440,
        minutes in 120u32..1440,
    ) -> (Vec<bool>, u32, u32) {
        (days, from, minutes)
    }
}

fn plain((days, from, minutes): (Vec<bool>, u32, u32), never_on: NaiveDate) -> Plain {
    Plain { days, from, minutes, never_on }
}

/// Everything that has to be open, by its name, on the clock of a zone, by its name.
type Everything<'a> = Vec<(&'a str, String, &'a Plain)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The decision names the first instant at which everything holds, as counting minutes finds it.
    #[test]
    fn a_decision_is_what_counting_minutes_finds(
        (own, everywhere, florida) in (any_hours(), any_hours(), any_hours()),
        (has_hours, is_weekly, has_holiday) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (number, campaign_zone, on_unmapped) in (
            prop::sample::select(&NUMBERS), prop::sample::select(&CAMPAIGN_ZONES), 0..3usize
        ),
        (week, second, due) in (prop::sample::select(&WEEKS), 0i64..6 * 86_400, -86_400i64..3 * 86_400),
        ring_seconds in 15u32..=600,
    ) {
        const DAYS: i64 = 9;
        let now = utc(week) + TimeDelta::seconds(second);
        let never = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        let holiday = if has_holiday { now.date_naive() + TimeDelta::days(1) } else { never };
        let (own, everywhere, florida) =
            (plain(own, if is_weekly { holiday } else { never }), plain(everywhere, never), plain(florida, holiday));
        prop_assume!(own.days.contains(&true));
        let business_hours = match (has_hours, is_weekly) {
            (false, _) => BusinessHours::around_the_clock(),
            (true, false) => own.simple(),
            (true, true) => own.weekly(),
        };
        let settings = Settings {
            business_hours,
            ring_seconds,
            timezone: Zone::parse(campaign_zone).unwrap(),
            unmapped: [OnUnmapped::Block, OnUnmapped::CampaignZone, safe_window()][on_unmapped].clone(),
            ..settings()
        };
        let rules = pack("drawn", vec![
            rule("everywhere", None, &everywhere.windows(), &[]),
            rule("florida", Some("US-FL"), &florida.windows(), &[&holiday.to_string()]),
        ]);
        let area = area(number);
        let terms = Terms::of(&settings, &rules);
        let due_at = now + TimeDelta::seconds(due);
        let decision = terms.decide(&Person { due_at: Some(due_at), ..person(&area) }, now);

        // The same, told again: zones, hours, and how long it may ring.
        let narrow = plain((vec![true; 7], 11 * 60, 6 * 60), never);
        let zones = match (area.zones_text(), on_unmapped) {
            (Some(zones), _) => zones,
            (None, 0) => "",
            (None, 1) => campaign_zone,
            (None, _) => "America/Los_Angeles",
        };
        if zones.is_empty() {
            prop_assert_eq!(decision, Decision::Never { because: Reason::Unmapped(Unmapped::TollFree) });
            return Ok(());
        }
        let mut everything: Everything<'_> = Vec::new();
        for zone in zones.split(',') {
            everything.push(("everywhere", zone.to_owned(), &everywhere));
            if area.places_text() == "US-FL" {
                everything.push(("florida", zone.to_owned(), &florida));
            }
            if area.zones_text().is_none() && on_unmapped == 2 {
                everything.push(("unmapped", zone.to_owned(), &narrow));
            }
        }
        if has_hours {
            everything.push(("business_hours", campaign_zone.to_owned(), &own));
        }
        let clock = |zone: &str| OtherClock::find(zone).unwrap();
        let clocks: Vec<_> = everything.iter().map(|(_, zone, hours)| (clock(zone), *hours)).collect();
        let open = |at: DateTime<Utc>| clocks.iter().all(|(clock, hours)| hours.is_open(clock.shows(at)));
        let whole_minute = |at: DateTime<Utc>| at - TimeDelta::seconds(at.timestamp().rem_euclid(60)) + MINUTE;
        let rung_out = |at: DateTime<Utc>| at + TimeDelta::seconds(i64::from(ring_seconds) + 6);
        let minutes_until = |at, end: DateTime<Utc>| {
            std::iter::successors(Some(whole_minute(at)), |at| Some(*at + MINUTE)).take_while(move |at| *at < end)
        };
        let fits = |at: DateTime<Utc>| open(at) && minutes_until(at, rung_out(at)).all(open);
        let (from, limit) = (now.max(due_at), now.max(due_at) + TimeDelta::days(DAYS));
        let first = std::iter::once(from).chain(minutes_until(from, limit)).find(|at| fits(*at));

        prop_assert_eq!(terms.is_open(&area, from), Ok(first == Some(from)));
        match decision {
            Decision::Now { until } => {
                prop_assert!(due_at <= now);
                prop_assert_eq!(first, Some(now));
                let look_again = now + TimeDelta::days(8);
                let closes = minutes_until(now, look_again).find(|at| !open(*at));
                prop_assert_eq!(until, closes.unwrap_or(look_again));
            }
            Decision::NotUntil { at, because: Reason::NotDue } => {
                prop_assert!(due_at > now);
                prop_assert_eq!((Some(at), at), (first, due_at));
            }
            Decision::NotUntil { at, because: Reason::Closed(rules::Because::Closed { rule, zone, .. }) } => {
                match first {
                    Some(first) => prop_assert_eq!(at, first),
                    None => prop_assert!(at >= limit),
                }
                // What it names is what opened last.
                let named = everything.iter().find(|(name, its, _)| *name == rule && its == zone.name());
                let (_, zone, hours) = named.expect("a rule that applies, in a zone that counts");
                let is_open = |at| hours.is_open(clock(zone).shows(at));
                prop_assert!(is_open(at) && !is_open(at - TimeDelta::seconds(1)), "{rule} in {zone}");
            }
            Decision::Never { because: Reason::Closed(_) } => prop_assert_eq!(first, None),
            Decision::NotUntil { .. } | Decision::Never { .. } => prop_assert!(false, "{decision:?}"),
        }
    }
}
