//! What passes between an actor's shell and those who carry its steps out.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::Stopwatch;
use crate::db::look::Known;
use crate::domain::dialer::Because;
use crate::domain::poison::Failures;

use super::consult::Consent;
use super::place::Place;

/// What an actor remembers from step to step. Losing it costs a query, or makes an attempt be looked for that could
/// have been taken back.
pub(super) struct Memory {
    /// When the wake-up came that led to this step, perhaps by way of others.
    pub(super) woken: Stopwatch,
    pub(super) known: Option<Known>,
    pub(super) place: Option<Place>,
    /// The contact that may be called next, by the word of the server that is asked before.
    pub(super) consent: Option<Consent>,
    /// An attempt of which nothing left, and that could not be taken back because the database failed.
    pub(super) unsent: Option<Uuid>,
    /// Steps that contacts made fail.
    pub(super) failures: Failures,
    /// Claims in a row that found nobody although somebody seemed due.
    pub(super) empty_claims: u32,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            woken: Stopwatch::start(),
            known: None,
            place: None,
            consent: None,
            unsent: None,
            failures: Failures::default(),
            empty_claims: 0,
        }
    }
}

/// What carrying a step out came to.
pub(super) enum Carried {
    /// It is done, or somebody else has changed what it was decided on: look again.
    Out,
    /// A run was made, which is somebody else's to begin with: wake it, and look again.
    Made { run: Uuid },
    /// It could not be done now.
    NotYet { until: DateTime<Utc>, because: Because },
}
