//! A year of one campaign whose people live in ten countries and in zones that change their clocks in either half of
//! the earth: long retries, callbacks at all hours, holidays, area codes of several zones, edits of the hours on the
//! way. Each request is judged by a [`Watch`] that shares nothing with the program.

mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc, Weekday};

pub(super) use watch::Watch;

use crate::domain::answering_machine::{AnsweringMachine, Detect, OnMachine};
use crate::domain::area::Area;
use crate::domain::campaign::Move;
use crate::domain::hours::OnHolidays;
use crate::domain::outcome::Outcome;
use crate::domain::pacing::Pacing;
use crate::domain::retry::{PolicyByOutcome, RetryPolicy, Rule as RetryRule, Span};
use crate::domain::rules::Rules;
use crate::domain::rules::tests::{pack, rule};
use crate::domain::settings::Settings;
use crate::domain::settings::tests::settings;
use crate::domain::zone::Zone;

use super::chance::Chance;
use super::flaw::Flaw;
use super::ledger::Promise;
use super::run::{Limits, live};
use super::weather::Weather;
use super::world::{Event, Shared, World};
use watch::{KIRIBATI, OwnHours, Wall};

const BEGINS_AT: &str = "2026-02-20T00:00:00Z";

/// Contacts in each area.
const PEOPLE: u32 = 2;

/// Where the contacts may be: zones, and the place by the number.
const AREAS: [(&str, &str); 12] = [
    ("America/Chicago", "US-TX"),
    ("America/Chicago,America/New_York", "US-FL"),
    ("America/Chicago,America/Denver", "US-NE"),
    ("America/Edmonton,America/Vancouver", "CA-BC"),
    ("America/Santiago", "CL"),
    ("Africa/Cairo", "EG"),
    ("Europe/Paris", "FR"),
    ("Europe/London", "GB"),
    ("Asia/Kolkata", "IN"),
    ("Australia/Adelaide,Australia/Lord_Howe,Australia/Sydney", "AU"),
    ("Pacific/Auckland,Pacific/Chatham", "NZ"),
    // The same time of day, and never the same day.
    ("Pacific/Honolulu,Pacific/Kiritimati", "KI"),
];

/// The campaign's own hours from a day on: as they are written, and as the watch is told them.
struct Hours {
    from_day: i64,
    zone: &'static str,
    written: &'static str,
    is_open: fn(Wall) -> bool,
}

const OWN_HOURS: [Hours; 6] = [
    Hours { from_day: 0, zone: "America/New_York", written: r#"{"enabled": false}"#, is_open: |_| true },
    Hours {
        from_day: 50,
        zone: "America/New_York",
        written: r#"{"windows": {"mon-sun": [["06:00", "23:00"]]}}"#,
        is_open: |wall| wall.between(6_00, 23_00),
    },
    Hours {
        from_day: 110,
        zone: "Europe/Berlin",
        written: r#"{"windows": {"mon-sat": [["17:00", "05:00"]]}, "holidays": ["2026-07-14", "US"]}"#,
        is_open: |wall| {
            let closed = |wall: Wall| wall.is_american_holiday() || wall.is_one_of(&["2026-07-14"]);
            let begins = |wall: Wall| !closed(wall) && !wall.is(&[Weekday::Sun]);
            let evening = wall.between(17_00, 24_00) && begins(wall);
            evening || (wall.between(0_00, 5_00) && !closed(wall) && begins(wall.yesterday()))
        },
    },
    Hours {
        from_day: 190,
        zone: "Australia/Lord_Howe",
        written: r#"{"days": [1, 2, 3, 4, 5], "start_time": "07:00", "end_time": "20:00"}"#,
        is_open: |wall| wall.between(7_00, 20_00) && !wall.is_weekend(),
    },
    Hours {
        from_day: 260,
        zone: "America/Santiago",
        written: r#"{"windows": {"mon-fri": [["06:00", "12:00"], ["13:30", "23:00"]], "sat": [["09:00", "24:00"]]}}"#,
        is_open: |wall| match wall {
            _ if wall.is(&[Weekday::Sun]) => false,
            _ if wall.is(&[Weekday::Sat]) => wall.between(9_00, 24_00),
            _ => wall.between(6_00, 12_00) || wall.between(13_30, 23_00),
        },
    },
    Hours { from_day: 320, zone: "Asia/Kolkata", written: r#"{"enabled": false}"#, is_open: |_| true },
];

/// The times of day at which hours end somewhere: people ask to be called just before.
const ENDS: [u32; 7] = [12, 13, 17, 18, 19, 20, 21];

fn begins_at() -> DateTime<Utc> {
    BEGINS_AT.parse().expect("an instant")
}

/// Packs as they are shipped: for everybody, for countries, for states, with other hours at weekends and on holidays.
fn rules() -> Rules {
    let afternoon = serde_json::from_str(r#"["13:00", "21:00"]"#).expect("a window");
    let mut nebraska = rule(
        "ne",
        Some("US-NE"),
        r#"{"mon-sat": [["08:00", "21:00"]], "sun": [["13:00", "21:00"]]}"#,
        &["US"],
    );
    nebraska.schedule.on_holidays = OnHolidays::Windows(vec![afternoon]);
    let rules = vec![
        rule("default", None, r#"{"mon-sun": [["08:00", "21:00"]]}"#, &[]),
        rule("us", Some("US"), r#"{"mon-sun": [["08:00", "21:00"]]}"#, &[]),
        rule("tx", Some("US-TX"), r#"{"mon-sat": [["09:00", "21:00"]], "sun": [["12:00", "21:00"]]}"#, &[]),
        rule("fl", Some("US-FL"), r#"{"mon-sun": [["08:00", "20:00"]]}"#, &[]),
        nebraska,
        rule("ca", Some("CA"), r#"{"mon-fri": [["09:00", "21:30"]], "sat-sun": [["10:00", "18:00"]]}"#, &[]),
        rule("fr", Some("FR"), r#"{"mon-fri": [["10:00", "13:00"], ["14:00", "20:00"]]}"#, &["FR"]),
        rule("uk", Some("GB"), r#"{"mon-sat": [["08:00", "21:00"]], "sun": [["09:00", "21:00"]]}"#, &[]),
        rule("au", Some("AU"), r#"{"mon-fri": [["09:00", "20:00"]], "sat": [["09:00", "17:00"]]}"#, &["AU"]),
        rule("in", Some("IN"), r#"{"mon-sun": [["10:00", "19:00"]]}"#, &[]),
        rule("ki", Some("KI"), r#"{"mon-sat": [["08:00", "21:00"]]}"#, &KIRIBATI),
    ];
    pack("year", rules)
}

fn settings_with(hours: &Hours) -> Settings {
    let retry = |after: &[&str], other_part_of_day| {
        let after = after.iter().map(|text| Span::parse(text).expect("a length of time"));
        RetryRule { after: after.collect(), other_part_of_day }
    };
    let rules = BTreeMap::from([
        (Outcome::NoAnswer, retry(&["1d", "5d", "12d"], true)),
        (Outcome::Busy, retry(&["30m", "2d", "9d"], false)),
        (Outcome::Machine, retry(&["7d"], true)),
        (Outcome::Failed, retry(&["1d", "20d"], false)),
        (Outcome::Canceled, retry(&["3d"], false)),
    ]);
    Settings {
        timezone: Zone::parse(hours.zone).expect("a zone that there is"),
        business_hours: serde_json::from_str(hours.written).expect("hours that are well written"),
        retry_policy: RetryPolicy::ByOutcome(PolicyByOutcome { max_attempts: 8, rules }),
        answering_machine: AnsweringMachine {
            detect: Detect::Fast,
            on_machine: OnMachine::Continue,
            message: None,
        },
        pacing: Pacing { delay_seconds: 10 },
        ring_seconds: 120,
        max_call_seconds: 900,
        ..settings()
    }
}

/// A little of every trouble, all year long; nobody opts out, or hardly anybody would be left.
fn weather() -> Weather {
    Weather {
        lost_callbacks: 0.1,
        doubled_callbacks: 0.05,
        late_callbacks: 0.1,
        lost_answers: 0.02,
        throttled: 0.02,
        delay: 0.2,
        slow_database: 0.1,
        failing_database: 0.005,
        lost_wakes: 0.2,
        crashes: 0.02,
        freezes: 0.02,
        ..Weather::default()
    }
}

/// When somebody wants to be called: at any time of the next days, or just before hours end where they are.
fn draw_wish(chance: &mut Chance, zone: &Zone, asked_at: DateTime<Utc>) -> DateTime<Utc> {
    if chance.happens(0.5) {
        return asked_at + chance.millis(3_600_000, 5 * 86_400_000);
    }
    let day = zone.local(asked_at).date() + TimeDelta::days(chance.between(1, 5));
    let end = day.and_time(NaiveTime::MIN) + TimeDelta::hours(i64::from(chance.pick(&ENDS)));
    let wanted = end - chance.millis(0, 180_000);
    zone.instants(wanted).first().copied().expect("a time that there is")
}

/// The world of a year: what is planned is drawn at its beginning.
fn world(seed: u64, flaw: Option<Flaw>) -> World {
    let begins_at = begins_at();
    let on = |day: i64| begins_at + TimeDelta::days(day) + TimeDelta::minutes(day * 37 % 1440);
    let mut world = World::at(begins_at, Chance::from_seed(seed), weather(), flaw);
    let areas = AREAS.map(|(zones, place)| Area::parse(Some(zones), "column", place).expect("an area"));
    let zones = areas.each_ref().map(|area| area.zones.zones().expect("its zones").zones()[0].clone());
    let phones: Vec<u32> = (0..AREAS.len() as u32 * PEOPLE).collect();
    let terms = (settings_with(&OWN_HOURS[0]), rules());
    world.store.insert_campaign(terms, None, areas.to_vec(), &phones, begins_at);
    world.schedule(begins_at, Event::Command { campaign: 0, given: Move::Start });
    for hours in &OWN_HOURS[1..] {
        let settings = Arc::new(settings_with(hours));
        world.schedule(on(hours.from_day), Event::Edit { campaign: 0, settings });
    }
    for contact in 0..phones.len() {
        let mut day = world.chance.between(5, 40);
        while day < 350 {
            let asked_at = on(day);
            let at = draw_wish(&mut world.chance, &zones[contact % AREAS.len()], asked_at);
            world.schedule(asked_at, Event::AskForCallback { contact, at });
            day += world.chance.between(15, 40);
        }
    }
    world.schedule(on(360), Event::Calm);
    let hours = OWN_HOURS.iter().map(|Hours { from_day, zone, is_open, .. }| {
        let from = if *from_day == 0 { begins_at } else { on(*from_day) };
        OwnHours { from, zone, is_open: *is_open }
    });
    world.watch = Some(Watch { rings: TimeDelta::seconds(120), hours: hours.collect() });
    world
}

fn live_through(seed: u64, flaw: Option<Flaw>) -> Shared {
    // Everything but the ticks has a trigger of its own, and a year of them would take long.
    let limits = Limits { days: 450, events: 100_000, tick: TimeDelta::hours(2) };
    live(world(seed, flaw), limits, false).0
}

#[test]
fn in_a_year_no_request_leaves_at_a_forbidden_minute() {
    let world = live_through(0, None);
    let world = world.borrow();
    assert_eq!(world.ledger.broken, None, "at {}", world.now);
    // It was a year in which everybody was called in nearly every month, under all hours, and not only in fair weather.
    let departures = &world.ledger.departures;
    let mut months = vec![BTreeSet::new(); AREAS.len()];
    for (at, attempt) in departures {
        months[world.store.attempts[*attempt].contact % AREAS.len()].insert(at.month());
    }
    for (area, months) in AREAS.iter().zip(months) {
        assert!(months.len() >= 9, "{area:?} was called in {months:?} only");
    }
    for hours in &OWN_HOURS {
        let begin = begins_at() + TimeDelta::days(hours.from_day);
        let calls =
            departures.iter().filter(|(at, _)| (begin..begin + TimeDelta::days(40)).contains(at)).count();
        assert!(calls > 20, "only {calls} calls under {}", hours.written);
    }
    for what in [
        "crashes",
        "standstills",
        "taken back",
        "given up as unknown",
        "asked for a callback when all was over",
    ] {
        assert!(world.ledger.seen().contains_key(what), "never seen: {what}");
    }
}

/// The watch is awake: he notices who builds the dialer wrong.
#[test]
fn the_watch_notices_every_flaw_of_the_hours() {
    for flaw in [
        Flaw::ForgetsAZone,
        Flaw::ForgetsThePlace,
        Flaw::IgnoresTheRing,
        Flaw::KeepsOldSettings,
        Flaw::IgnoresHours,
    ] {
        let broken = live_through(0, Some(flaw)).borrow().ledger.broken.clone();
        let is_noticed = broken.as_ref().is_some_and(|(promise, what)| {
            *promise == Promise::NeverAtTheWrongTime && what.contains("the watch")
        });
        assert!(is_noticed, "{flaw:?} is not noticed, but {broken:?}");
    }
}
