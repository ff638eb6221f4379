//! What the called people do: shares of outcomes, ring and talk times, and fixed behaviour per number.
//!
//! What happens to a call depends on the seed, the number and how many calls the number had before, and on nothing
//! else: the same list has the same day however fast, and in whatever order, it is called.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::behavior::{AnsweredBy, Behavior, Outcome};

/// What the called people do. Read from JSON; unknown keys are refused, absent ones have the defaults.
///
/// ```json
/// {"shares": {"answer": 0.7, "busy": 0.3}, "ring_seconds": {"min": 3, "max": 12},
///  "numbers": {"+12125550123": ["busy", {"does": "answer", "talk_seconds": 20, "digits": ["9"]}]}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// How often each outcome is drawn. Given shares replace all of the default ones.
    pub shares: Shares,
    /// From leaving the queue until the far end rings.
    pub dial_seconds: Span,
    /// How long it rings until it is answered.
    pub ring_seconds: Span,
    /// How long the called person stays; the script's end, or the time limit, may come earlier.
    pub talk_seconds: Span,
    /// How long machine detection takes to tell a human from a machine.
    pub verdict_seconds: Span,
    /// How long a machine's greeting lasts, which `DetectMessageEnd` waits for.
    pub greeting_seconds: Span,
    /// How long every `<Play>` lasts.
    pub play_seconds: f64,
    /// How long `<Connect>`, `<Dial>` and `<Record>` last; absent: until the called person hangs up.
    pub connect_seconds: Option<f64>,
    /// What single numbers do, call by call; the last entry repeats.
    pub numbers: BTreeMap<String, Vec<Behavior>>,
}

/// How often each outcome is drawn; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shares {
    /// A person answers.
    #[serde(default)]
    pub answer: f64,
    /// An answering machine answers.
    #[serde(default)]
    pub machine: f64,
    /// It rings until the timeout.
    #[serde(default)]
    pub no_answer: f64,
    /// The line is busy.
    #[serde(default)]
    pub busy: f64,
    /// The call cannot be completed as dialed.
    #[serde(default)]
    pub failed: f64,
}

/// A range of seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
}

/// A scenario that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum BadScenario {
    /// It is not the JSON of a scenario.
    #[error("expected a scenario in JSON")]
    Json(#[from] serde_json::Error),
    /// The shares are not a distribution.
    #[error("expected shares of at least 0 that add up to 1, got a sum of {0}")]
    Shares(f64),
    /// A time is impossible.
    #[error("expected 0 to 86400 seconds, min no greater than max, in {0}")]
    Seconds(String),
    /// A number has an empty list.
    #[error("expected at least one behavior for {0}")]
    NoBehavior(String),
}

/// Everything that will happen on one call, as far as the far end decides it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fate {
    pub(super) outcome: Outcome,
    pub(super) dial_seconds: f64,
    pub(super) ring_seconds: f64,
    pub(super) talk_seconds: f64,
    pub(super) verdict_seconds: f64,
    pub(super) greeting_seconds: f64,
    pub(super) answered_by: AnsweredBy,
    pub(super) digits: Vec<String>,
    pub(super) play_seconds: f64,
    pub(super) connect_seconds: Option<f64>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            shares: Shares { answer: 0.55, machine: 0.10, no_answer: 0.20, busy: 0.10, failed: 0.05 },
            dial_seconds: Span { min: 0.5, max: 1.5 },
            ring_seconds: Span { min: 3.0, max: 12.0 },
            talk_seconds: Span { min: 10.0, max: 60.0 },
            verdict_seconds: Span { min: 2.0, max: 5.0 },
            greeting_seconds: Span { min: 6.0, max: 15.0 },
            play_seconds: 5.0,
            connect_seconds: None,
            numbers: BTreeMap::new(),
        }
    }
}

impl Scenario {
    /// Reads a scenario from JSON.
    pub fn parse(json: &str) -> Result<Self, BadScenario> {
        let scenario: Self = serde_json::from_str(json)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Everybody does the same, with the default times.
    pub fn always(outcome: Outcome) -> Self {
        Self { shares: Shares::only(outcome), ..Self::default() }
    }

    /// Everybody does the same, and nothing takes any time.
    pub fn instant(outcome: Outcome) -> Self {
        Self {
            shares: Shares::only(outcome),
            dial_seconds: Span::exactly(0.0),
            ring_seconds: Span::exactly(0.0),
            talk_seconds: Span::exactly(0.0),
            verdict_seconds: Span::exactly(0.0),
            greeting_seconds: Span::exactly(0.0),
            play_seconds: 0.0,
            ..Self::default()
        }
    }

    /// Whether the scenario makes sense.
    pub fn check(&self) -> Result<(), BadScenario> {
        let shares = self.shares.all();
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        if shares.iter().any(|(_, share)| share.is_nan() || *share < 0.0) || (sum - 1.0).abs() > 0.001 {
            return Err(BadScenario::Shares(sum));
        }
        let spans = [
            ("dial_seconds", self.dial_seconds),
            ("ring_seconds", self.ring_seconds),
            ("talk_seconds", self.talk_seconds),
            ("verdict_seconds", self.verdict_seconds),
            ("greeting_seconds", self.greeting_seconds),
            ("play_seconds", Span::exactly(self.play_seconds)),
            ("connect_seconds", Span::exactly(self.connect_seconds.unwrap_or(0.0))),
        ];
        for (name, span) in spans {
            if !span.is_possible() {
                return Err(BadScenario::Seconds(name.to_owned()));
            }
        }
        for (number, behaviors) in &self.numbers {
            check_behaviors(number, behaviors)?;
        }
        Ok(())
    }

    /// What happens on the `nth` call to a number, counted from 0.
    pub(super) fn fate(&self, seed: u64, number: &str, nth: u64, fixed: Option<&Behavior>) -> Fate {
        // Everything is drawn every time and in this order, so that fixing one thing moves no other.
        let mut chance = chance(seed, &[number.as_bytes(), &nth.to_be_bytes()]);
        let drawn = self.shares.pick(chance.random());
        let dial_seconds = self.dial_seconds.pick(chance.random());
        let ring_seconds = self.ring_seconds.pick(chance.random());
        let talk_seconds = self.talk_seconds.pick(chance.random());
        let verdict_seconds = self.verdict_seconds.pick(chance.random());
        let greeting_seconds = self.greeting_seconds.pick(chance.random());
        let outcome = fixed.map_or(drawn, |behavior| behavior.does);
        let by_outcome = if outcome == Outcome::Machine { AnsweredBy::Machine } else { AnsweredBy::Human };
        Fate {
            outcome,
            dial_seconds,
            ring_seconds: fixed.and_then(|behavior| behavior.ring_seconds).unwrap_or(ring_seconds),
            talk_seconds: fixed.and_then(|behavior| behavior.talk_seconds).unwrap_or(talk_seconds),
            verdict_seconds: fixed.and_then(|behavior| behavior.verdict_seconds).unwrap_or(verdict_seconds),
            greeting_seconds,
            answered_by: fixed.and_then(|behavior| behavior.answered_by).unwrap_or(by_outcome),
            digits: fixed.map(|behavior| behavior.digits.clone()).unwrap_or_default(),
            play_seconds: self.play_seconds,
            connect_seconds: self.connect_seconds,
        }
    }
}

/// Whether behaviours that are fixed for a number make sense.
pub(super) fn check_behaviors(number: &str, behaviors: &[Behavior]) -> Result<(), BadScenario> {
    if behaviors.is_empty() {
        return Err(BadScenario::NoBehavior(number.to_owned()));
    }
    let mut times =
        behaviors.iter().flat_map(|one| [one.ring_seconds, one.talk_seconds, one.verdict_seconds]).flatten();
    match times.all(|seconds| Span::exactly(seconds).is_possible()) {
        true => Ok(()),
        false => Err(BadScenario::Seconds(format!("the behavior of {number}"))),
    }
}

/// A source of chance that depends on the seed and these parts, and on nothing else.
pub(super) fn chance(seed: u64, parts: &[&[u8]]) -> StdRng {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    StdRng::from_seed(hash.finalize().into())
}

impl Shares {
    fn only(outcome: Outcome) -> Self {
        let share = |of| if of == outcome { 1.0 } else { 0.0 };
        Self {
            answer: share(Outcome::Answer),
            machine: share(Outcome::Machine),
            no_answer: share(Outcome::NoAnswer),
            busy: share(Outcome::Busy),
            failed: share(Outcome::Failed),
        }
    }

    fn all(&self) -> [(Outcome, f64); 5] {
        [
            (Outcome::Answer, self.answer),
            (Outcome::Machine, self.machine),
            (Outcome::NoAnswer, self.no_answer),
            (Outcome::Busy, self.busy),
            (Outcome::Failed, self.failed),
        ]
    }

    /// The outcome at `point` of the unit interval.
    fn pick(&self, point: f64) -> Outcome {
        let mut upto = 0.0;
        let mut last = Outcome::Answer;
        for (outcome, share) in self.all() {
            upto += share;
            if point < upto {
                return outcome;
            }
            if share > 0.0 {
                last = outcome;
            }
        }
        last
    }
}

impl Span {
    /// Always the same.
    pub fn exactly(seconds: f64) -> Self {
        Self { min: seconds, max: seconds }
    }

    fn is_possible(self) -> bool {
        0.0 <= self.min && self.min <= self.max && self.max <= 86_400.0
    }

    fn pick(self, point: f64) -> f64 {
        self.min + (self.max - self.min) * point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(last: u32) -> String {
        format!("+1212555{last:04}")
    }

    #[test]
    fn the_default_draws_its_shares() {
        let scenario = Scenario::default();
        let draws: Vec<Fate> = (0..4000).map(|n| scenario.fate(7, &number(n), 0, None)).collect();
        let share = |outcome| draws.iter().filter(|fate| fate.outcome == outcome).count() as f64 / 4000.0;
        for (outcome, expected) in scenario.shares.all() {
            assert!((share(outcome) - expected).abs() < 0.03, "{outcome:?}: {}", share(outcome));
        }
        assert!(draws.iter().all(|fate| (3.0..=12.0).contains(&fate.ring_seconds)));
        assert!(draws.iter().all(|fate| (10.0..=60.0).contains(&fate.talk_seconds)));
    }

    #[test]
    fn a_draw_depends_on_seed_number_and_count_only() {
        let scenario = Scenario::default();
        let fate = |seed, last, nth| scenario.fate(seed, &number(last), nth, None);
        assert_eq!(fate(1, 5, 2), fate(1, 5, 2));
        assert_ne!(fate(1, 5, 2), fate(2, 5, 2));
        assert_ne!(fate(1, 5, 2), fate(1, 6, 2));
        assert_ne!(fate(1, 5, 2), fate(1, 5, 3));
    }

    #[test]
    fn fixing_the_outcome_moves_no_other_draw() {
        let scenario = Scenario::default();
        let free = scenario.fate(1, &number(5), 0, None);
        let fixed = scenario.fate(1, &number(5), 0, Some(&Behavior::busy()));
        assert_eq!(fixed.outcome, Outcome::Busy);
        assert_eq!(fixed.ring_seconds, free.ring_seconds);
        assert_eq!(fixed.talk_seconds, free.talk_seconds);
    }

    #[test]
    fn a_scenario_with_an_unknown_key_is_refused() {
        for bad in [
            r#"{"share": {}}"#,
            r#"{"shares": {"answers": 1}}"#,
            r#"{"ring_seconds": {"min": 1, "max": 2, "avg": 1}}"#,
            r#"{"numbers": {"+12125550123": [{"does": "answer", "talks": 3}]}}"#,
            r#"{"numbers": {"+12125550123": ["sleeps"]}}"#,
        ] {
            assert!(matches!(Scenario::parse(bad), Err(BadScenario::Json(_))), "{bad}");
        }
    }

    #[test]
    fn a_scenario_that_makes_no_sense_is_refused() {
        for bad in [
            r#"{"shares": {"answer": 0.9}}"#,
            r#"{"shares": {"answer": 1.5, "busy": -0.5}}"#,
            r#"{"ring_seconds": {"min": 5, "max": 2}}"#,
            r#"{"talk_seconds": {"min": -1, "max": 2}}"#,
            r#"{"numbers": {"+12125550123": []}}"#,
            r#"{"numbers": {"+12125550123": [{"does": "answer", "talk_seconds": -3}]}}"#,
        ] {
            assert!(Scenario::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Scenario::parse("{}").unwrap(), Scenario::default());
    }
}
