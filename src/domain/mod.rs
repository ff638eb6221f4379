//! Decisions, pure: no I/O, no async, no clock, no randomness. Time and chance come in as arguments, effects go out
//! as values.

pub mod access;
pub mod agent;
pub mod answering_machine;
pub mod area;
pub mod attempt;
pub mod before_call;
pub mod beginning;
pub mod breaker;
pub mod callback;
pub mod called;
pub mod campaign;
pub mod caps;
pub mod contact;
pub mod contactable;
pub mod counted;
pub mod daily_cap;
pub mod dialer;
pub mod edit;
pub mod event;
pub mod fate;
pub mod forecast;
pub mod holidays;
pub mod hook;
pub mod hours;
pub mod instant;
pub mod metrics;
pub mod money;
pub mod names;
pub mod next_call;
pub mod outcome;
pub mod pacing;
pub mod phone;
pub mod poison;
mod public_host;
pub mod reconcile;
pub mod recurrence;
pub mod rehearsal;
pub mod retry;
pub mod roster;
pub mod rules;
pub mod script;
pub mod settings;
pub mod spend;
pub mod suppression;
pub mod template;
pub mod unmapped;
pub mod zone;

#[cfg(test)]
mod simulation;

pub(crate) use names::names;

/// A moment at which something is decided: time and chance, both from outside.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The present instant.
    pub now: chrono::DateTime<chrono::Utc>,
    /// A draw from `[0, 1)`, spent on spreading retries.
    pub jitter: f64,
}
