//! What an outcome means for the contact: reached, given up, or due again at an instant.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// By how much of itself a backoff may grow, so that those who failed together do not come back together.
const JITTER_SHARE: f64 = 0.1;

/// How long after an attempt that was taken back its contact is due again.
pub const TAKEN_BACK_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Hours of backoff where the policy names none.
const DEFAULT_BACKOFF_HOURS: f64 = 1.0;

/// When a contact that was not reached is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Tries after the first one.
    pub max_retries: u32,
    /// Hours before the first, second, … retry; the last one repeats.
    pub backoff_hours: Vec<f64>,
    /// The outcomes after which a contact is tried again.
    pub retryable_outcomes: Vec<Outcome>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            backoff_hours: vec![1.0, 4.0, 24.0],
            retryable_outcomes: vec![Outcome::NoAnswer, Outcome::Busy, Outcome::Failed],
        }
    }
}

/// What becomes of a contact after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was reached.
    Completed,
    /// It is given up.
    Failed,
    /// It is tried again from this instant on.
    Due(DateTime<Utc>),
}

/// A policy that could not be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadRetryPolicy {
    /// More tries than anybody should suffer.
    #[error("max_retries is {0}, expected at most 100")]
    TooManyRetries(u32),
    /// A backoff that is no length of time.
    #[error("backoff_hours holds {0}, expected hours from 0 to 8760, fractions allowed")]
    BadBackoff(f64),
    /// An outcome after which there is nothing to retry.
    #[error("retryable_outcomes holds {0}, expected only outcomes that a later call can change")]
    NotRetryable(Outcome),
}

impl RetryPolicy {
    /// Refuses a policy that makes no sense.
    pub fn check(&self) -> Result<(), BadRetryPolicy> {
        if self.max_retries > 100 {
            return Err(BadRetryPolicy::TooManyRetries(self.max_retries));
        }
        if let Some(&hours) = self.backoff_hours.iter().find(|hours| !(0.0..=8760.0).contains(*hours)) {
            return Err(BadRetryPolicy::BadBackoff(hours));
        }
        let settled_for_good = |outcome: &&Outcome| {
            matches!(**outcome, Outcome::Answered | Outcome::NotPlaced) || outcome.is_permanent()
        };
        match self.retryable_outcomes.iter().find(settled_for_good) {
            Some(&outcome) => Err(BadRetryPolicy::NotRetryable(outcome)),
            None => Ok(()),
        }
    }

    /// The verdict on a contact whose `tries`-th counted attempt ended with `outcome` at `ended_at`.
    ///
    /// A due time is never before `ended_at` plus the policy's backoff: `jitter`, from `[0, 1)`, only ever adds. An
    /// attempt of which nobody knows what became of it is tried again like one that was not answered, whatever
    /// the policy lists.
    pub fn verdict(&self, outcome: Outcome, tries: u32, ended_at: DateTime<Utc>, jitter: f64) -> Verdict {
        if outcome == Outcome::Answered {
            return Verdict::Completed;
        }
        let retryable = outcome == Outcome::Unknown || self.retryable_outcomes.contains(&outcome);
        if !retryable || outcome.is_permanent() || tries > self.max_retries {
            return Verdict::Failed;
        }
        Verdict::Due(ended_at + self.backoff(tries, jitter))
    }

    fn backoff(&self, tries: u32, jitter: f64) -> TimeDelta {
        let step = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let hours = self.backoff_hours.get(step).or(self.backoff_hours.last());
        let hours = hours.copied().unwrap_or(DEFAULT_BACKOFF_HOURS);
        let millis = hours * 3_600_000.0 * (1.0 + JITTER_SHARE * jitter.clamp(0.0, 1.0));
        TimeDelta::milliseconds(millis.ceil() as i64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ended_at() -> DateTime<Utc> {
        "2026-03-02T15:00:00Z".parse().unwrap()
    }

    fn due_after(minutes: i64) -> Verdict {
        Verdict::Due(ended_at() + TimeDelta::minutes(minutes))
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
            assert_eq!(policy.verdict(outcome, tries, ended_at(), 0.0), expected, "{outcome}, try {tries}");
        }
    }

    #[test]
    fn the_last_backoff_repeats_and_fractions_of_hours_count() {
        let policy = RetryPolicy { max_retries: 9, backoff_hours: vec![0.25, 0.5], ..RetryPolicy::default() };
        for (tries, minutes) in [(1, 15), (2, 30), (3, 30), (9, 30)] {
            assert_eq!(policy.verdict(Outcome::Busy, tries, ended_at(), 0.0), due_after(minutes));
        }
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        let bad = |change: fn(&mut RetryPolicy)| {
            let mut policy = RetryPolicy::default();
            change(&mut policy);
            policy.check().is_err()
        };
        assert!(bad(|policy| policy.max_retries = 101));
        assert!(bad(|policy| policy.backoff_hours = vec![1.0, -1.0]));
        assert!(bad(|policy| policy.backoff_hours = vec![f64::NAN]));
        assert!(bad(|policy| policy.retryable_outcomes = vec![Outcome::Answered]));
        assert!(bad(|policy| policy.retryable_outcomes = vec![Outcome::InvalidNumber]));
        assert_eq!(RetryPolicy::default().check(), Ok(()));
    }

    proptest! {
        #[test]
        fn jitter_only_ever_adds_and_never_more_than_its_share(
            tries in 1u32..4, jitter in 0.0f64..1.0, hours in 0.0f64..48.0,
        ) {
            let policy = RetryPolicy { backoff_hours: vec![hours], ..RetryPolicy::default() };
            let Verdict::Due(due) = policy.verdict(Outcome::Busy, tries, ended_at(), jitter) else {
                panic!("a retryable outcome was given up");
            };
            let waited = (due - ended_at()).num_milliseconds() as f64;
            prop_assert!(waited >= hours * 3_600_000.0);
            prop_assert!(waited <= hours * 3_600_000.0 * 1.1 + 1.0);
        }

        #[test]
        fn nobody_is_tried_more_often_than_the_policy_says(max_retries in 0u32..10, tries in 1u32..20) {
            let policy = RetryPolicy { max_retries, ..RetryPolicy::default() };
            let again = matches!(
                policy.verdict(Outcome::NoAnswer, tries, ended_at(), 0.5), Verdict::Due(_)
            );
            prop_assert_eq!(again, tries <= max_retries);
        }
    }
}
