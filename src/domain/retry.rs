//! What an outcome means for the contact: reached, given up, or due again at an instant.
//!
//! The instant is the policy's own, with its preference for a part of the day. Windows are not its business: they are
//! applied at each look.

mod by_outcome;
mod earlier;
mod part_of_day;
mod simple;
mod span;
mod written;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::outcome::Outcome;

pub use by_outcome::{PolicyByOutcome, Rule, WITH_RULES};
pub use earlier::Earlier;
pub use part_of_day::Calendar;
pub use simple::SimplePolicy;
pub use span::{NoSpan, Span};

/// By how much of itself a backoff may grow, so that those who failed together do not come back together.
const JITTER_SHARE: f64 = 0.1;

/// How long after an attempt that was taken back its contact is due again.
pub const TAKEN_BACK_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// When a contact that was not reached is tried again. On the wire an object of either form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RetryPolicy {
    /// `{"max_retries", "backoff_hours", "retryable_outcomes"}`, each with a default.
    Simple(SimplePolicy),
    /// `{"max_attempts", "no-answer": {"after", "other_part_of_day"}, …}`, with one rule at least.
    ByOutcome(PolicyByOutcome),
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::Simple(SimplePolicy::default())
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

/// An attempt that is over, and what went before it.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// What it came to.
    pub outcome: Outcome,
    /// When it ended, or was given up.
    pub at: DateTime<Utc>,
    /// The contact's earlier attempts that counted.
    pub earlier: Earlier,
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
    /// Retries, and nothing that says when.
    #[error("backoff_hours is empty, expected hours before one retry at least, such as [1]")]
    NoBackoff,
    /// An outcome after which there is nothing to retry.
    #[error("retryable_outcomes holds {0}, expected only outcomes that a later call can change")]
    NotRetryable(Outcome),
    /// No attempt at all, or more than anybody should suffer.
    #[error("max_attempts is {0}, expected 1 to 101")]
    BadMaxAttempts(u32),
    /// A rule that does not say when.
    #[error("{0}.after is empty, expected one length of time at least, such as 30m")]
    NoSteps(Outcome),
    /// A rule by which later tries come sooner.
    #[error("{outcome}.after holds {shorter} behind {longer}, expected steps that do not get shorter")]
    Shrinks {
        /// The rule's outcome.
        outcome: Outcome,
        /// The step before.
        longer: Span,
        /// The step after it.
        shorter: Span,
    },
    /// Another part of the day cannot help.
    #[error("{0}.other_part_of_day is true, expected it only in the rules for no-answer and machine")]
    SomebodyThere(Outcome),
}

impl RetryPolicy {
    /// Refuses a policy that makes no sense.
    pub fn check(&self) -> Result<(), BadRetryPolicy> {
        match self {
            Self::Simple(policy) => policy.check(),
            Self::ByOutcome(policy) => policy.check(),
        }
    }

    /// How often a contact is tried at most, unless somebody asks for more.
    pub fn most_attempts(&self) -> u32 {
        match self {
            Self::Simple(policy) => policy.max_retries + 1,
            Self::ByOutcome(policy) => policy.max_attempts,
        }
    }

    /// The verdict on a contact whose attempt ended so.
    ///
    /// A due time is never before the attempt's end plus the policy's backoff: `jitter`, from `[0, 1)`, only ever adds,
    /// and so does the wait for another part of the day, a day at most. An attempt of which nobody knows what became of
    /// it is tried again like one that was not answered, whatever the policy lists.
    pub fn verdict(&self, ended: &Ended, calendar: Calendar<'_>, jitter: f64) -> Verdict {
        let outcome = ended.outcome;
        if outcome == Outcome::Answered {
            return Verdict::Completed;
        }
        let backoff = match self {
            _ if outcome.is_permanent() => None,
            Self::Simple(policy) => policy.backoff(outcome, ended.earlier.tries() + 1),
            Self::ByOutcome(policy) => policy.backoff(outcome, &ended.earlier),
        };
        let Some(backoff) = backoff else { return Verdict::Failed };
        let due_at = ended.at + with_jitter(backoff, jitter);
        if !self.wants_other_part(outcome) {
            return Verdict::Due(due_at);
        }
        let missed = ended.earlier.missed_with(outcome, ended.at, calendar.zone);
        Verdict::Due(part_of_day::prefer_other_part(due_at, missed, calendar))
    }

    fn wants_other_part(&self, outcome: Outcome) -> bool {
        match self {
            Self::Simple(_) => false,
            Self::ByOutcome(policy) => policy.wants_other_part(outcome),
        }
    }
}

fn with_jitter(backoff: TimeDelta, jitter: f64) -> TimeDelta {
    let millis = backoff.num_milliseconds() as f64 * (1.0 + JITTER_SHARE * jitter.clamp(0.0, 1.0));
    TimeDelta::milliseconds(millis.ceil() as i64)
}

#[cfg(test)]
mod tests;
