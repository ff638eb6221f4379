use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::domain::hours::{InForce, Schedule};
use crate::domain::rules::{Confidence, Jurisdiction};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn minute(minutes: i64) -> DateTime<Utc> {
    utc("2026-03-02T15:00:00Z") + TimeDelta::minutes(minutes)
}

fn caps(json: &str) -> Caps {
    serde_json::from_str(json).unwrap()
}

fn cap(calls: u32, hours: i64) -> Cap {
    Cap { calls, within: TimeDelta::hours(hours) }
}

fn rule(name: &str, caps: &[Cap], gap_hours: Option<i64>, in_force: InForce) -> Rule {
    let week = serde_json::from_str(r#"{"mon-sun": [["08:00", "21:00"]]}"#).unwrap();
    Rule {
        name: name.to_owned(),
        jurisdiction: Jurisdiction::Anywhere,
        schedule: Schedule { in_force, ..Schedule::weekly(week) },
        zone: None,
        caps: caps.to_vec(),
        minimum_gap: gap_hours.map(TimeDelta::hours),
        source: "a test".to_owned(),
        confidence: Confidence::Practice,
    }
}

/// What it says, as text: `now`, or `not until …: why`.
fn say(limits: &[Limit<'_>], calls: &[&str], now: &str) -> String {
    let calls: Vec<_> = calls.iter().map(|call| utc(call)).collect();
    match allowance(limits, &calls, utc(now)) {
        Allowance::Now => "now".to_owned(),
        Allowance::NotUntil { at, because } => format!("not until {at:?}: {because}"),
    }
}

#[test]
fn a_campaign_s_own_caps_come_back_as_they_were_written() {
    for text in [
        "{}",
        r#"{"per_day":3}"#,
        r#"{"per_week":7,"minimum_gap":"2h"}"#,
        r#"{"per_day":3,"per_week":7,"minimum_gap":"90m"}"#,
    ] {
        let caps = caps(text);
        assert_eq!(caps.check(), Ok(()), "{text}");
        assert_eq!(serde_json::to_string(&caps).unwrap(), text);
    }
    assert_eq!(caps("{}"), Caps::default());
}

#[test]
fn caps_that_make_no_sense_are_refused_with_what_was_expected() {
    let checked = [
        (r#"{"per_day": 0}"#, "per_day is 0, expected calls from 1 to 100"),
        (r#"{"per_day": 101}"#, "per_day is 101, expected calls from 1 to 100"),
        (r#"{"per_week": 0}"#, "per_week is 0, expected calls from 1 to 100"),
        (r#"{"per_week": 700}"#, "per_week is 700, expected calls from 1 to 100"),
        (r#"{"per_day": 4, "per_week": 3}"#, "per_week is 3, expected at least per_day, which is 4"),
    ];
    for (text, expected) in checked {
        assert_eq!(caps(text).check().unwrap_err().to_string(), expected, "{text}");
    }
    let unread = [
        (r#"{"per_month": 3}"#, "unknown field `per_month`"),
        (r#"{"per_day": -1}"#, "expected u32"),
        (r#"{"per_day": 1.5}"#, "expected u32"),
        (r#"{"minimum_gap": "2"}"#, "expected a whole number and s, m, h or d"),
        (r#"{"minimum_gap": 2}"#, "expected a string"),
    ];
    for (text, expected) in unread {
        let error = serde_json::from_str::<Caps>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn every_limit_holds_and_the_one_that_holds_longest_is_the_reason() {
    let florida = rule("us-states/FL", &[cap(3, 24)], None, InForce::default());
    let strict = rule("us-strict", &[cap(3, 24), cap(7, 168)], Some(2), InForce::default());
    let own = caps(r#"{"per_week": 4, "minimum_gap": "30m"}"#);
    let limits = limits(&own, [&florida, &strict], utc("2026-03-02T15:00:00Z"));
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "2026-03-02T15:00:00Z", "now"),
        (
            &["2026-03-02T14:00:00Z"],
            "2026-03-02T15:00:00Z",
            "not until 2026-03-02T16:00:00Z: us-strict: at most 1 call within 2 hours",
        ),
        (&["2026-03-02T14:00:00Z"], "2026-03-02T16:00:00Z", "now"),
        // The third newest has to lie a day back; two rules say so, and the first is named.
        (
            &["2026-03-02T09:00:00Z", "2026-03-02T14:00:00Z", "2026-03-02T11:00:00Z"],
            "2026-03-02T15:00:00Z",
            "not until 2026-03-03T09:00:00Z: us-states/FL: at most 3 calls within 24 hours",
        ),
        (
            &["2026-02-27T09:30:00Z", "2026-02-28T09:00:00Z", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"],
            "2026-03-02T15:00:00Z",
            "not until 2026-03-06T09:30:00Z: caps: at most 4 calls within 7 days",
        ),
        // A call by a clock that is ahead of ours counts.
        (
            &["2026-03-02T15:00:05Z"],
            "2026-03-02T15:00:00Z",
            "not until 2026-03-02T17:00:05Z: us-strict: at most 1 call within 2 hours",
        ),
    ];
    for (calls, now, expected) in cases {
        assert_eq!(say(&limits, calls, now), *expected, "{calls:?} at {now}");
    }
}

#[test]
fn without_a_limit_anybody_may_be_called_and_nothing_has_to_be_read() {
    let free = rule("uk", &[], None, InForce::default());
    assert_eq!(limits(&Caps::default(), [&free], minute(0)), []);
    assert_eq!(Reach::of(&Caps::default(), [&free]), Reach::NONE);
    assert_eq!(allowance(&[], &[minute(0); 50], minute(0)), Allowance::Now);
}

#[test]
fn a_limit_says_what_it_allows_in_words() {
    let table = [
        (cap(3, 24), "at most 3 calls within 24 hours"),
        (cap(7, 168), "at most 7 calls within 7 days"),
        (cap(1, 2), "at most 1 call within 2 hours"),
        (cap(1, 1), "at most 1 call within 1 hour"),
        (cap(1, 720), "at most 1 call within 30 days"),
        (cap(1, 36), "at most 1 call within 36 hours"),
        (one_within(TimeDelta::minutes(90)), "at most 1 call within 90 minutes"),
        (one_within(TimeDelta::seconds(61)), "at most 1 call within 61 seconds"),
    ];
    for (cap, expected) in table {
        assert_eq!(Limit { rule: "x", cap }.to_string(), format!("x: {expected}"));
    }
}

#[test]
fn a_rule_s_caps_hold_while_it_is_in_force_anywhere_on_earth() {
    let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    let in_force = InForce { from: day("2026-01-01"), to: day("2026-06-30") };
    let oregon = rule("us-states/OR", &[cap(3, 24)], None, in_force);
    let table = [
        ("2025-12-30T23:59:59Z", 0),
        ("2025-12-31T00:00:00Z", 1),
        ("2026-03-02T15:00:00Z", 1),
        ("2026-07-01T23:59:59Z", 1),
        ("2026-07-02T00:00:00Z", 0),
    ];
    for (now, expected) in table {
        assert_eq!(limits(&Caps::default(), [&oregon], utc(now)).len(), expected, "{now}");
    }
    assert_eq!(
        Reach::of(&Caps::default(), [&oregon]).calls,
        3,
        "what is read is enough whenever it comes into force"
    );
}

#[test]
fn the_largest_count_and_the_longest_stretch_have_to_be_read() {
    let italy = rule("it", &[], Some(720), InForce::default());
    let reach = Reach::of(&caps(r#"{"per_day": 3, "per_week": 7, "minimum_gap": "2h"}"#), [&italy]);
    assert_eq!(reach, Reach { calls: 7, stretch: TimeDelta::hours(720) });
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn some_limits() -> impl Strategy<Value = Vec<Limit<'static>>> {
    let one =
        (1u32..5, 1i64..90).prop_map(|(calls, minutes)| Cap { calls, within: TimeDelta::minutes(minutes) });
    prop::collection::vec(one, 0..NAMES.len())
        .prop_map(|caps| caps.into_iter().zip(NAMES).map(|(cap, rule)| Limit { rule, cap }).collect())
}

fn some_calls() -> impl Strategy<Value = Vec<DateTime<Utc>>> {
    prop::collection::vec((-150i64..10).prop_map(minute), 0..12)
}

/// The definition: a stretch that ends with a call at `at` would hold no more than the limit allows.
fn holds(limit: &Limit<'_>, calls: &[DateTime<Utc>], at: DateTime<Utc>) -> bool {
    let within = calls.iter().filter(|call| **call > at - limit.cap.within).count();
    within < limit.cap.calls as usize
}

fn by_brute_force(limits: &[Limit<'_>], calls: &[DateTime<Utc>]) -> DateTime<Utc> {
    let allowed = |at: &DateTime<Utc>| limits.iter().all(|limit| holds(limit, calls, *at));
    (0..).map(minute).find(allowed).unwrap()
}

proptest! {
    #[test]
    fn the_instant_is_the_first_at_which_all_limits_allow_it(limits in some_limits(), calls in some_calls()) {
        let first = by_brute_force(&limits, &calls);
        match allowance(&limits, &calls, minute(0)) {
            Allowance::Now => prop_assert_eq!(first, minute(0)),
            Allowance::NotUntil { at, because } => {
                prop_assert_eq!(first, at);
                prop_assert!(!holds(&because, &calls, at - TimeDelta::minutes(1)), "{} does not hold that long", because);
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_reach_cannot_matter(limits in some_limits(), mut calls in some_calls()) {
        let whole = allowance(&limits, &calls, minute(0));
        let rules: Vec<_> = limits
            .iter()
            .map(|limit| rule(limit.rule, &[limit.cap], None, InForce::default()))
            .collect();
        let reach = Reach::of(&Caps::default(), &rules);
        calls.sort_unstable();
        let newest_first = calls.into_iter().rev().filter(|call| *call > minute(0) - reach.stretch);
        let read: Vec<_> = newest_first.take(reach.calls as usize).collect();
        prop_assert_eq!(allowance(&limits, &read, minute(0)), whole);
    }

    #[test]
    fn whoever_always_calls_at_the_first_instant_breaks_no_limit(limits in some_limits(), begins in 0i64..100) {
        let mut calls: Vec<DateTime<Utc>> = Vec::new();
        let mut now = minute(begins);
        for _ in 0..20 {
            if let Allowance::NotUntil { at, .. } = allowance(&limits, &calls, now) {
                now = at;
            }
            calls.push(now);
        }
        for (limit, start) in limits.iter().flat_map(|limit| calls.iter().map(move |start| (limit, *start))) {
            let end = start + limit.cap.within;
            let within = calls.iter().filter(|call| (start..end).contains(*call)).count();
            prop_assert!(within <= limit.cap.calls as usize, "{} calls from {} on: {}", within, start, limit);
        }
    }
}
