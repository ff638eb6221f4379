//! The policy by outcome: a rule of its own for each outcome that is tried again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::outcome::Outcome;

use super::span::Span;
use super::{BadRetryPolicy, Earlier};

/// The outcomes that may have a rule: those that a later call can change. An attempt of which nobody knows what became
/// of it is tried again by the rule for one that was not answered.
pub const WITH_RULES: [Outcome; 5] =
    [Outcome::NoAnswer, Outcome::Busy, Outcome::Machine, Outcome::Failed, Outcome::Canceled];

/// Those of them after which another part of the day may help: the telephone rang, and nobody was there.
const NOBODY_THERE: [Outcome; 2] = [Outcome::NoAnswer, Outcome::Machine];

/// Attempts for each contact where the policy names no number.
pub(super) const DEFAULT_MAX_ATTEMPTS: u32 = 4;

/// More tries than anybody should suffer.
const MOST_ATTEMPTS: u32 = 101;

/// How long is waited after an unknown end where no rule says what follows one that was not answered.
const AFTER_UNKNOWN: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::hours(4), TimeDelta::hours(24)];

/// A rule for each outcome after which a contact is tried again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyByOutcome {
    /// Attempts for each contact, the first one included.
    pub max_attempts: u32,
    /// What follows which outcome; after the others a contact is given up.
    #[serde(flatten)]
    pub rules: BTreeMap<Outcome, Rule>,
}

/// What follows an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How long is waited after the contact's first, second, … attempt that came to this; the last one repeats.
    pub after: Vec<Span>,
    /// Whether the retry should come in a part of the day in which nobody has been missed yet.
    #[serde(default)]
    pub other_part_of_day: bool,
}

impl PolicyByOutcome {
    pub(super) fn check(&self) -> Result<(), BadRetryPolicy> {
        if !(1..=MOST_ATTEMPTS).contains(&self.max_attempts) {
            return Err(BadRetryPolicy::BadMaxAttempts(self.max_attempts));
        }
        for (&outcome, rule) in &self.rules {
            if rule.after.is_empty() {
                return Err(BadRetryPolicy::NoSteps(outcome));
            }
            let shrinks = rule.after.windows(2).find(|pair| pair[1].length() < pair[0].length());
            if let Some(pair) = shrinks {
                return Err(BadRetryPolicy::Shrinks { outcome, longer: pair[0], shorter: pair[1] });
            }
            if rule.other_part_of_day && !NOBODY_THERE.contains(&outcome) {
                return Err(BadRetryPolicy::SomebodyThere(outcome));
            }
        }
        Ok(())
    }

    /// How long is waited after an attempt that came to this; none if the contact is not tried again.
    pub(super) fn backoff(&self, outcome: Outcome, earlier: &Earlier) -> Option<TimeDelta> {
        if earlier.tries() + 1 >= self.max_attempts {
            return None;
        }
        let step = self.earlier_of_this_rule(outcome, earlier);
        match self.rule(outcome) {
            Some(rule) => rule.after.get(step).or(rule.after.last()).map(|span| span.length()),
            None if outcome == Outcome::Unknown => Some(AFTER_UNKNOWN[step.min(AFTER_UNKNOWN.len() - 1)]),
            None => None,
        }
    }

    /// Whether a retry after this outcome should come in another part of the day.
    pub(super) fn wants_other_part(&self, outcome: Outcome) -> bool {
        self.rule(outcome).is_some_and(|rule| rule.other_part_of_day)
    }

    fn rule(&self, outcome: Outcome) -> Option<&Rule> {
        self.rules.get(&ruled_as(outcome))
    }

    fn earlier_of_this_rule(&self, outcome: Outcome, earlier: &Earlier) -> usize {
        let same_rule = Outcome::ALL.iter().filter(|other| ruled_as(**other) == ruled_as(outcome));
        same_rule.map(|other| usize::from(earlier.that_came_to(*other))).sum()
    }
}

fn ruled_as(outcome: Outcome) -> Outcome {
    if outcome == Outcome::Unknown { Outcome::NoAnswer } else { outcome }
}
