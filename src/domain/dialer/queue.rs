//! Whose turn it is: the pending contacts of a campaign, area by area, and when the first of them may be called.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Because;
use crate::domain::area::Area;
use crate::domain::contact::ContactState;
use crate::domain::contactable::{BUSINESS_HOURS, Decision, Person, Reason, Terms};
use crate::domain::hours::Shut;
use crate::domain::rules;

/// The pending contacts of one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The area's number in its campaign.
    pub number: i16,
    /// The area.
    pub area: Arc<Area>,
    /// When the first of them is due.
    pub next_due_at: DateTime<Utc>,
    /// The earlier calls to the number of the first who is due later, as [`Terms::reach`] asks for them, where somebody
    /// wants to know what is waited for. The dialer goes without them: no step but a reason depends on them.
    pub calls_to_next: Vec<DateTime<Utc>>,
}

impl Queue {
    /// When the first of them may be called, as far as hours and due times are concerned. Where nothing tells the zone
    /// and the campaign does not call then, their turn comes all the same: they are told off by the claim.
    pub(super) fn turn<'a>(&'a self, terms: &'a Terms<'_>, now: DateTime<Utc>) -> Decision<'a> {
        let due_at = self.next_due_at;
        match terms.opening(&self.area, due_at.max(now)) {
            Decision::Now { .. } if due_at > now => {
                Decision::NotUntil { at: due_at, because: self.why_not_due(terms, now) }
            }
            Decision::Never { because: Reason::Unmapped(_) } if due_at > now => {
                Decision::NotUntil { at: due_at, because: Reason::NotDue }
            }
            Decision::Never { because: Reason::Unmapped(_) } => Decision::Now { until: now },
            decision => decision,
        }
    }

    /// Why nobody of them is due: it is their time to wait, or the first of them was called too often.
    fn why_not_due<'a>(&'a self, terms: &'a Terms<'_>, now: DateTime<Utc>) -> Reason<'a> {
        let first = Person {
            state: ContactState::Pending,
            due_at: Some(self.next_due_at),
            area: &self.area,
            is_suppressed: false,
            calls: &self.calls_to_next,
        };
        terms.capped_until(&first, now).map_or(Reason::NotDue, |(_, limit)| Reason::Capped(limit))
    }

    fn is_ready(&self, terms: &Terms<'_>, now: DateTime<Utc>) -> bool {
        self.next_due_at <= now && terms.is_open(&self.area, now).unwrap_or(true)
    }
}

/// The areas from which somebody may be claimed now.
pub fn ready_queues<'q>(queues: &'q [Queue], terms: &Terms<'_>, now: DateTime<Utc>) -> Vec<&'q Queue> {
    queues.iter().filter(|queue| queue.is_ready(terms, now)).collect()
}

/// What the first of all queues waits for.
pub(super) enum Turn<'a> {
    /// Nothing: somebody may be called now.
    Now,
    /// Until this instant.
    NotUntil { at: DateTime<Utc>, because: Reason<'a> },
    /// The hours of nobody who is left ever open.
    Never { because: Reason<'a> },
    /// Nobody waits.
    Nobody,
}

/// When the first of a campaign's contacts may be called, as far as hours and due times are concerned.
pub(super) fn first_turn<'a>(queues: &'a [Queue], terms: &'a Terms<'_>, now: DateTime<Utc>) -> Turn<'a> {
    if queues.iter().any(|queue| queue.is_ready(terms, now)) {
        return Turn::Now;
    }
    let mut first = Turn::Nobody;
    let mut walked = BTreeSet::new();
    for queue in queues {
        if queue.next_due_at <= now && !terms.hours(&queue.area).is_none_or(|hours| walked.insert(hours)) {
            continue;
        }
        // Nobody of it can come before its due time, so its hours need not be walked.
        if matches!(first, Turn::NotUntil { at, .. } if at <= queue.next_due_at) {
            continue;
        }
        first = match (queue.turn(terms, now), first) {
            (Decision::Now { .. }, _) => return Turn::Now,
            (Decision::NotUntil { at, .. }, Turn::NotUntil { at: earlier, because }) if earlier <= at => {
                Turn::NotUntil { at: earlier, because }
            }
            (Decision::NotUntil { at, because }, _) => Turn::NotUntil { at, because },
            (Decision::Never { because }, Turn::Nobody) => Turn::Never { because },
            (Decision::Never { .. }, first) => first,
        };
    }
    first
}

/// Why the first of the queues never opens of which that is so. Those whose hours are the same are asked once.
pub(super) fn first_never_open<'a>(
    queues: &'a [Queue],
    terms: &'a Terms<'_>,
    now: DateTime<Utc>,
) -> Option<Reason<'a>> {
    let mut walked = BTreeSet::new();
    queues.iter().find_map(|queue| {
        if !walked.insert(terms.hours(&queue.area)?) {
            return None;
        }
        match terms.opening(&queue.area, now) {
            Decision::Never { because } => Some(because),
            Decision::Now { .. } | Decision::NotUntil { .. } => None,
        }
    })
}

impl From<Reason<'_>> for Because {
    fn from(reason: Reason<'_>) -> Self {
        match reason {
            Reason::NotDue | Reason::Final(_) | Reason::Suppressed | Reason::Unmapped(_) => Self::NobodyDue,
            Reason::Capped(_) => Self::Capped,
            Reason::DayIsFull => Self::DailyCap,
            Reason::SpendCap => Self::SpendCap,
            Reason::NotStarted => Self::NotStarted,
            Reason::BeingCalled => Self::CallOpen,
            Reason::Closed(rules::Because::Closed { rule: BUSINESS_HOURS, shut, .. }) => match shut {
                Shut::Holiday(..) | Shut::HolidaysUnknown(_) => Self::Holiday,
                Shut::OutsideHours | Shut::ClosesSoon => Self::OutsideHours,
            },
            Reason::Closed(_) => Self::CalledPartyHours,
        }
    }
}
