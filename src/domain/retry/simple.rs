//! The simple policy: one list of backoffs for every outcome that is tried again.

use chrono::TimeDelta;
use serde::Serialize;

use crate::domain::outcome::Outcome;

use super::BadRetryPolicy;

/// Hours of backoff where the policy names none, as one that was stored before that was refused.
const DEFAULT_BACKOFF_HOURS: f64 = 1.0;

/// One list of backoffs for every outcome that is tried again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimplePolicy {
    /// Tries after the first one.
    pub max_retries: u32,
    /// Hours before the first, second, … retry; the last one repeats.
    pub backoff_hours: Vec<f64>,
    /// The outcomes after which a contact is tried again.
    pub retryable_outcomes: Vec<Outcome>,
}

impl Default for SimplePolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            backoff_hours: vec![1.0, 4.0, 24.0],
            retryable_outcomes: vec![Outcome::NoAnswer, Outcome::Busy, Outcome::Failed],
        }
    }
}

impl SimplePolicy {
    pub(super) fn check(&self) -> Result<(), BadRetryPolicy> {
        if self.max_retries > 100 {
            return Err(BadRetryPolicy::TooManyRetries(self.max_retries));
        }
        if self.backoff_hours.is_empty() && self.max_retries > 0 {
            return Err(BadRetryPolicy::NoBackoff);
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

    /// How long is waited after the `tries`-th attempt that counts came to this; none if it is not tried again.
    pub(super) fn backoff(&self, outcome: Outcome, tries: u32) -> Option<TimeDelta> {
        let retryable = outcome == Outcome::Unknown || self.retryable_outcomes.contains(&outcome);
        if !retryable || tries > self.max_retries {
            return None;
        }
        let step = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let hours = self.backoff_hours.get(step).or(self.backoff_hours.last());
        let hours = hours.copied().unwrap_or(DEFAULT_BACKOFF_HOURS);
        Some(TimeDelta::milliseconds((hours * 3_600_000.0).ceil() as i64))
    }
}
