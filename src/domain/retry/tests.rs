use proptest::prelude::*;

use super::*;
use crate::domain::hours::BusinessHours;
use crate::domain::zone::Zone;

/// Monday, ten o'clock in New York.
fn ended_at() -> DateTime<Utc> {
    "2026-03-02T15:00:00Z".parse().unwrap()
}

fn due_after(minutes: i64) -> Verdict {
    Verdict::Due(ended_at() + TimeDelta::minutes(minutes))
}

fn zone() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

/// The verdict on an attempt that ended at ten, after earlier ones that came to this, around the clock.
fn verdict(policy: &RetryPolicy, outcome: Outcome, earlier: &[Outcome], jitter: f64) -> Verdict {
    let hours = BusinessHours::around_the_clock();
    let zone = zone();
    let earlier = Earlier::of(earlier.iter().map(|outcome| (*outcome, ended_at())), &zone);
    policy.verdict(
        &Ended { outcome, at: ended_at(), earlier },
        Calendar { zone: &zone, hours: &hours },
        jitter,
    )
}

/// As many earlier attempts that came to nothing.
fn tries_before(tries: u32) -> Vec<Outcome> {
    vec![Outcome::NoAnswer; tries as usize]
}

fn read(text: &str) -> Result<RetryPolicy, String> {
    let policy: RetryPolicy = serde_json::from_str(text).map_err(|error| error.to_string())?;
    policy.check().map_err(|error| error.to_string())?;
    Ok(policy)
}

fn by_outcome() -> RetryPolicy {
    read(
        r#"{"max_attempts": 6,
            "no-answer": {"after": ["30m", "2h", "1d"]},
            "busy": {"after": ["5m", "15m", "45m"]},
            "machine": {"after": ["4h"]}}"#,
    )
    .unwrap()
}

#[test]
fn outcomes_lead_to_verdicts_by_the_default_policy() {
    let policy = RetryPolicy::default();
    let table = [
        (Outcome::Answered, 1, Verdict::Completed),
        (Outcome::NoAnswer, 1, due_after(60)),
        (Outcome::Busy, 2, due_after(240)),
        (Outcome::Failed, 3, due_after(24 * 60)),
        (Outcome::NoAnswer, 4, Verdict::Failed),
        (Outcome::Machine, 1, Verdict::Failed),
        (Outcome::Canceled, 1, Verdict::Failed),
        (Outcome::InvalidNumber, 1, Verdict::Failed),
        (Outcome::Blocked, 1, Verdict::Failed),
        (Outcome::Unknown, 1, due_after(60)),
        (Outcome::Unknown, 4, Verdict::Failed),
    ];
    for (outcome, tries, expected) in table {
        let earlier = tries_before(tries - 1);
        assert_eq!(verdict(&policy, outcome, &earlier, 0.0), expected, "{outcome}, try {tries}");
    }
}

#[test]
fn the_last_backoff_repeats_and_fractions_of_hours_count() {
    let policy = RetryPolicy::Simple(SimplePolicy {
        max_retries: 9,
        backoff_hours: vec![0.25, 0.5],
        ..Default::default()
    });
    for (tries, minutes) in [(1, 15), (2, 30), (3, 30), (9, 30)] {
        assert_eq!(verdict(&policy, Outcome::Busy, &tries_before(tries - 1), 0.0), due_after(minutes));
    }
}

#[test]
fn each_outcome_has_its_own_steps_and_they_count_its_own_attempts() {
    use Outcome::{Busy, Canceled, Failed, Machine, NoAnswer, Unknown};
    let table: [(&[Outcome], Outcome, Verdict); 13] = [
        (&[], NoAnswer, due_after(30)),
        (&[NoAnswer], NoAnswer, due_after(120)),
        (&[NoAnswer, NoAnswer], NoAnswer, due_after(24 * 60)),
        // The last step repeats until the attempts are used up.
        (&[NoAnswer, NoAnswer, NoAnswer, NoAnswer], NoAnswer, due_after(24 * 60)),
        (&[NoAnswer, NoAnswer, NoAnswer, NoAnswer, NoAnswer], NoAnswer, Verdict::Failed),
        (&[], Busy, due_after(5)),
        (&[NoAnswer, Busy], Busy, due_after(15)),
        (&[Busy, Busy], NoAnswer, due_after(30)),
        (&[Machine], Machine, due_after(240)),
        // No rule, no retry.
        (&[], Failed, Verdict::Failed),
        (&[], Canceled, Verdict::Failed),
        // What nobody knows of is taken for not answered, and counts as such.
        (&[Unknown], Unknown, due_after(120)),
        (&[Unknown], NoAnswer, due_after(120)),
    ];
    for (earlier, outcome, expected) in table {
        let got = verdict(&by_outcome(), outcome, earlier, 0.0);
        assert_eq!(got, expected, "{outcome} after {earlier:?}");
    }
    for permanent in [Outcome::InvalidNumber, Outcome::Blocked] {
        assert_eq!(verdict(&by_outcome(), permanent, &[], 0.0), Verdict::Failed);
    }
}

#[test]
fn an_unknown_end_is_tried_again_also_without_a_rule() {
    let policy = read(r#"{"busy": {"after": ["5m"]}}"#).unwrap();
    assert_eq!(verdict(&policy, Outcome::Unknown, &[], 0.0), due_after(60));
    assert_eq!(verdict(&policy, Outcome::Unknown, &[Outcome::Unknown], 0.0), due_after(240));
    assert_eq!(verdict(&policy, Outcome::Unknown, &tries_before(3), 0.0), Verdict::Failed);
}

#[test]
fn an_attempt_that_was_taken_back_is_no_try() {
    let earlier = [Outcome::NotPlaced, Outcome::NotPlaced, Outcome::NotPlaced, Outcome::NotPlaced];
    assert_eq!(verdict(&RetryPolicy::default(), Outcome::Busy, &earlier, 0.0), due_after(60));
}

#[test]
fn a_retry_may_wait_for_a_part_of_the_day_in_which_nobody_was_missed() {
    let policy =
        read(r#"{"no-answer": {"after": ["30m"], "other_part_of_day": true}, "busy": {"after": ["5m"]}}"#)
            .unwrap();
    // Missed at ten: the afternoon begins at twelve.
    assert_eq!(verdict(&policy, Outcome::NoAnswer, &[], 0.0), due_after(120));
    // A busy line is somebody at home.
    assert_eq!(verdict(&policy, Outcome::Busy, &[Outcome::NoAnswer], 0.0), due_after(5));
    let zone = zone();
    let calendar = Calendar { zone: &zone, hours: &BusinessHours::default() };
    let yesterday_afternoon = ended_at() - TimeDelta::hours(20);
    let at = |outcome| Ended {
        outcome: Outcome::NoAnswer,
        at: ended_at(),
        earlier: Earlier::of([(outcome, yesterday_afternoon)], &zone),
    };
    // Morning and afternoon were missed, and in the evening the campaign does not call.
    assert_eq!(policy.verdict(&at(Outcome::NoAnswer), calendar, 0.0), due_after(30));
    assert_eq!(policy.verdict(&at(Outcome::Busy), calendar, 0.0), due_after(120));
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let bad = |change: fn(&mut SimplePolicy)| {
        let mut policy = SimplePolicy::default();
        change(&mut policy);
        RetryPolicy::Simple(policy).check().is_err()
    };
    assert!(bad(|policy| policy.max_retries = 101));
    assert!(bad(|policy| policy.backoff_hours = Vec::new()));
    assert!(!bad(|policy| (policy.max_retries, policy.backoff_hours) = (0, Vec::new())));
    assert!(bad(|policy| policy.backoff_hours = vec![1.0, -1.0]));
    assert!(bad(|policy| policy.backoff_hours = vec![f64::NAN]));
    assert!(bad(|policy| policy.retryable_outcomes = vec![Outcome::Answered]));
    assert!(bad(|policy| policy.retryable_outcomes = vec![Outcome::InvalidNumber]));
    assert_eq!(RetryPolicy::default().check(), Ok(()));
}

#[test]
fn what_is_wrong_with_a_policy_is_named_with_what_was_expected() {
    let table = [
        (r#"{"max_retry": 1}"#, "unknown field `max_retry`, expected one of `max_retries`"),
        (r#"{"no-anwser": {"after": ["1h"]}}"#, "unknown field `no-anwser`, expected one of"),
        (r#"{"blocked": {"after": ["1h"]}}"#, "no rule for `blocked`, expected one for no-answer, busy"),
        (r#"{"unknown": {"after": ["1h"]}}"#, "no rule for `unknown`"),
        (r#"{"busy": {"after": ["1h"]}, "busy": {"after": ["1h"]}}"#, "duplicate field `busy`"),
        (r#"{"busy": {}}"#, "missing field `after`"),
        (r#"{"busy": {"after": ["1h"], "before": 1}}"#, "unknown field `before`, expected `after` or"),
        (r#"{"busy": {"after": ["1.5h"]}}"#, "\"1.5h\" is no length of time, expected a whole number"),
        (r#"{"busy": {"after": []}}"#, "busy.after is empty, expected one"),
        (r#"{"busy": {"after": ["1h", "30m"]}}"#, "busy.after holds 30m behind 1h, expected"),
        (
            r#"{"busy": {"after": ["1h"], "other_part_of_day": true}}"#,
            "busy.other_part_of_day is true, expected",
        ),
        (r#"{"busy": {"after": ["1h"]}, "max_attempts": 0}"#, "max_attempts is 0, expected 1 to 101"),
        (r#"{"busy": {"after": ["1h"]}, "max_attempts": 102}"#, "max_attempts is 102, expected 1 to 101"),
        (r#"{"busy": {"after": ["1h"]}, "max_retries": 1}"#, "the two forms are mixed, expected either"),
        (r#"{"max_attempts": 3}"#, "max_attempts stands alone, expected a rule"),
        (r#"[]"#, "expected an object with max_retries"),
    ];
    for (text, expected) in table {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_policy_is_written_as_it_was_read() {
    let stored = r#"{"max_retries":2,"backoff_hours":[0.5],"retryable_outcomes":["busy"]}"#;
    assert_eq!(serde_json::to_string(&read(stored).unwrap()).unwrap(), stored);
    assert_eq!(read("{}").unwrap(), RetryPolicy::default());
    let written = serde_json::to_string(&by_outcome()).unwrap();
    assert!(
        written.contains(r#""busy":{"after":["5m","15m","45m"],"other_part_of_day":false}"#),
        "{written}"
    );
    assert_eq!(read(&written).unwrap(), by_outcome());
}

prop_compose! {
    fn any_by_outcome()(
        max_attempts in 1u32..8,
        steps in prop::collection::btree_map(
            prop::sample::select(&WITH_RULES[..]), (prop::collection::vec(1u32..5_000, 1..4), any::<bool>()), 1..5,
        ),
    ) -> PolicyByOutcome {
        let rules = steps.into_iter().map(|(outcome, (mut minutes, other))| {
            minutes.sort_unstable();
            let after = minutes.iter().map(|minutes| Span::parse(&format!("{minutes}m")).unwrap()).collect();
            let there = matches!(outcome, Outcome::NoAnswer | Outcome::Machine);
            (outcome, Rule { after, other_part_of_day: other && there })
        });
        PolicyByOutcome { max_attempts, rules: rules.collect() }
    }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(Outcome::ALL)
}

proptest! {
    #[test]
    fn jitter_only_ever_adds_and_never_more_than_its_share(
        tries in 1u32..4, jitter in 0.0f64..1.0, hours in 0.0f64..48.0,
    ) {
        let policy = RetryPolicy::Simple(SimplePolicy { backoff_hours: vec![hours], ..Default::default() });
        let Verdict::Due(due) = verdict(&policy, Outcome::Busy, &tries_before(tries - 1), jitter) else {
            panic!("a retryable outcome was given up");
        };
        let waited = (due - ended_at()).num_milliseconds() as f64;
        prop_assert!(waited >= hours * 3_600_000.0);
        prop_assert!(waited <= hours * 3_600_000.0 * 1.1 + 2.0);
    }

    #[test]
    fn nobody_is_tried_more_often_than_the_policy_says(max_retries in 0u32..10, tries in 1u32..20) {
        let policy = RetryPolicy::Simple(SimplePolicy { max_retries, ..Default::default() });
        let verdict = verdict(&policy, Outcome::NoAnswer, &tries_before(tries - 1), 0.5);
        prop_assert_eq!(matches!(verdict, Verdict::Due(_)), tries <= max_retries);
    }

    /// Whatever the rules are: never before the end and the step, never later than jitter and a day, never one attempt
    /// more than allowed, and never after what no later call can change.
    #[test]
    fn a_retry_by_outcome_keeps_to_its_rule(
        policy in any_by_outcome(),
        earlier in prop::collection::vec(any_outcome(), 0..8),
        outcome in any_outcome(),
        jitter in 0.0f64..1.0,
    ) {
        prop_assert_eq!(policy.check(), Ok(()));
        let written = RetryPolicy::ByOutcome(policy.clone());
        let Verdict::Due(due_at) = verdict(&written, outcome, &earlier, jitter) else { return Ok(()) };
        let counted = earlier.iter().filter(|outcome| **outcome != Outcome::NotPlaced).count() as u32;
        prop_assert!(counted + 1 < policy.max_attempts);
        prop_assert!(!outcome.is_permanent() && outcome != Outcome::Answered);
        let waited = due_at - ended_at();
        match policy.rules.get(&outcome) {
            Some(rule) => {
                let before = earlier.iter().filter(|other| {
                    **other == outcome || outcome == Outcome::NoAnswer && **other == Outcome::Unknown
                });
                let step = rule.after[before.count().min(rule.after.len() - 1)].length();
                prop_assert!(waited >= step);
                let most = step + step / 10 + TimeDelta::milliseconds(1);
                prop_assert!(waited <= most + TimeDelta::days(i64::from(rule.other_part_of_day)));
            }
            None => prop_assert_eq!(outcome, Outcome::Unknown),
        }
    }
}
