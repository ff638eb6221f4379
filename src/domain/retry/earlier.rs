//! What a retry depends on of a contact's earlier attempts.

use chrono::{DateTime, Utc};

use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;

use super::part_of_day::Parts;

/// A contact's earlier attempts that counted: how many came to what, and in which parts of the day nobody was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Earlier {
    counts: [u16; Outcome::ALL.len()],
    missed: Parts,
}

impl Earlier {
    /// The attempts, each with its outcome and the instant at which it ended or was given up, in any order. Those that
    /// do not count are passed over. The parts of the day are read in this zone.
    pub fn of(attempts: impl IntoIterator<Item = (Outcome, DateTime<Utc>)>, zone: &Zone) -> Self {
        let begin = Self::default();
        attempts.into_iter().fold(begin, |earlier, (outcome, ended_at)| earlier.and(outcome, ended_at, zone))
    }

    fn and(mut self, outcome: Outcome, ended_at: DateTime<Utc>, zone: &Zone) -> Self {
        if outcome.counts_as_attempt() {
            let count = &mut self.counts[outcome as usize];
            *count = count.saturating_add(1);
            self.missed = self.missed_with(outcome, ended_at, zone);
        }
        self
    }

    /// How many there were.
    pub fn tries(&self) -> u32 {
        self.counts.iter().map(|count| u32::from(*count)).sum()
    }

    /// How many came to this.
    pub fn that_came_to(&self, outcome: Outcome) -> u16 {
        self.counts[outcome as usize]
    }

    /// The parts of the day in which nobody was there, up to and with an attempt that came to this.
    pub(super) fn missed_with(&self, outcome: Outcome, ended_at: DateTime<Utc>, zone: &Zone) -> Parts {
        match outcome {
            Outcome::NoAnswer | Outcome::Machine => self.missed.with(ended_at, zone),
            Outcome::Answered
            | Outcome::Busy
            | Outcome::Failed
            | Outcome::Canceled
            | Outcome::InvalidNumber
            | Outcome::Blocked
            | Outcome::NotPlaced
            | Outcome::Unknown => self.missed,
        }
    }
}
