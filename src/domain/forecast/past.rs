//! What calls were like: of how many the answer is known, how long they rang, how long was talked. From the campaign's
//! own calls where there are enough, else from those of the team's other campaigns, else as assumed.

use chrono::TimeDelta;

use super::Range;
use crate::domain::names;
use crate::domain::outcome::Outcome;
use crate::domain::settings::Settings;

/// So many calls tell enough to go by them.
pub const ENOUGH: u32 = 30;

/// However many calls a team has made, they were made to other lists: what they tell is as sure as this many would be.
const AS_SURE_AS: u32 = 100;

/// What is assumed where no calls tell: outcomes of a hundred calls, and by how much the answered share may be wrong.
/// Nothing is known of the list, so the assumption is wide.
const ASSUMED_OUTCOMES: [(Outcome, u32); 4] =
    [(Outcome::Answered, 40), (Outcome::NoAnswer, 45), (Outcome::Busy, 10), (Outcome::Failed, 5)];
const ASSUMED_ANSWERED: Range<f64> = Range { low: 0.2, high: 0.6 };
const ASSUMED_RING_SECONDS: f64 = 20.0;
const ASSUMED_TALK_SECONDS: f64 = 60.0;

/// 95 of 100 such ranges hold the true share.
const Z: f64 = 1.96;

names! {
    /// What an estimate is based on.
    pub enum Basis: "basis" {
        /// The campaign's own calls.
        Campaign = "campaign",
        /// Calls of the team's campaigns that called last.
        Team = "team",
        /// No calls: what is assumed.
        Assumed = "assumed",
    }
}

/// Calls that came to the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calls {
    /// What they came to.
    pub outcome: Outcome,
    /// How many.
    pub calls: u32,
    /// From the intent until they were taken or ended, together.
    pub ring_seconds: f64,
    /// Of conversation, together.
    pub talk_seconds: f64,
}

/// The latest calls of the campaign, and those of its team.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The campaign's own.
    pub own: Vec<Calls>,
    /// The team's, on the same provider account.
    pub team: Vec<Calls>,
}

/// What the next calls are expected to be like.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// What tells so.
    pub basis: Basis,
    /// How many calls that were.
    pub sample: u32,
    /// How many calls the campaign has made of which something can be told, whether they were enough or not.
    pub own_calls: u32,
    /// The share of calls that reach somebody.
    pub answered: Range<f64>,
    /// The share of calls that a machine takes.
    pub by_machine: f64,
    /// The share that came to each other outcome, of all that did not reach anybody.
    pub unanswered: Vec<(Outcome, f64)>,
    /// How long it rings, however it ends.
    pub ring: TimeDelta,
    /// How long a call lasts that is taken.
    pub talk: TimeDelta,
}

impl Past {
    /// What the next calls are expected to be like.
    pub fn rates(&self, settings: &Settings) -> Rates {
        let count = |calls: &[Calls]| calls.iter().map(|calls| calls.calls).sum::<u32>();
        let own_calls = count(&self.own);
        if own_calls >= ENOUGH {
            return Rates { own_calls, ..rates(Basis::Campaign, &self.own, u32::MAX) };
        }
        if count(&self.team) >= ENOUGH {
            return Rates { own_calls, ..rates(Basis::Team, &self.team, AS_SURE_AS) };
        }
        let ring_seconds = ASSUMED_RING_SECONDS.min(f64::from(settings.ring_seconds));
        let talk_seconds = ASSUMED_TALK_SECONDS.min(f64::from(settings.max_call_seconds));
        let assumed = ASSUMED_OUTCOMES.map(|(outcome, calls)| Calls {
            outcome,
            calls,
            ring_seconds: ring_seconds * f64::from(calls),
            talk_seconds: if is_taken(outcome) { talk_seconds * f64::from(calls) } else { 0.0 },
        });
        let answered = ASSUMED_ANSWERED;
        Rates { sample: 0, own_calls, answered, ..rates(Basis::Assumed, &assumed, u32::MAX) }
    }
}

fn is_taken(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Answered | Outcome::Machine)
}

/// At least one call is among them.
fn rates(basis: Basis, past: &[Calls], as_sure_as: u32) -> Rates {
    let count = |is_meant: fn(Outcome) -> bool| -> u32 {
        past.iter().filter(|calls| is_meant(calls.outcome)).map(|calls| calls.calls).sum()
    };
    let sample = count(|_| true);
    let answered = count(|outcome| outcome == Outcome::Answered);
    let unanswered = past.iter().filter(|calls| calls.outcome != Outcome::Answered);
    let ring: f64 = past.iter().map(|calls| calls.ring_seconds).sum();
    let talk: f64 = past.iter().map(|calls| calls.talk_seconds).sum();
    Rates {
        basis,
        sample,
        own_calls: 0,
        answered: wilson(share(answered, sample), sample.min(as_sure_as)),
        by_machine: share(count(|outcome| outcome == Outcome::Machine), sample),
        unanswered: unanswered.map(|calls| (calls.outcome, share(calls.calls, sample - answered))).collect(),
        ring: seconds(ring / f64::from(sample.max(1))),
        talk: seconds(talk / f64::from(count(is_taken).max(1))),
    }
}

fn share(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

/// Where a share may truly lie that was seen in a sample: Wilson's interval, which also holds where it is 0 or 1.
fn wilson(share: f64, sample: u32) -> Range<f64> {
    let n = f64::from(sample.max(1));
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let (middle, whole) = (share + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
    Range { low: ((middle - spread) / whole).max(0.0), high: ((middle + spread) / whole).min(1.0) }
}

fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1000.0).round() as i64)
}
