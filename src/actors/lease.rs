//! Until when this node is surely alive to the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Deadline;

/// For how long a node's row is renewed.
pub(super) const LENGTH: Duration = Duration::from_secs(15);

/// How often it is renewed.
pub(super) const RENEWAL: Duration = Duration::from_secs(5);

/// How soon a renewal is tried again that failed.
pub(super) const NEXT_TRY: Duration = Duration::from_secs(1);

/// How soon the next one is at the earliest.
pub(super) const SOONEST: Duration = Duration::from_millis(250);

/// So long before the row runs out the node stops dialing by itself: others may take its campaigns the moment it
/// does.
const MARGIN: Duration = Duration::from_secs(3);

/// When the next renewal is due, after one from which the other nodes surely live for `others_until`: should one of them
/// not renew its lease, its campaigns are taken over as soon as it has run out.
pub(super) fn next_renewal(others_until: Option<Duration>) -> Duration {
    others_until.map_or(RENEWAL, |span| (span + SOONEST / 2).clamp(SOONEST, RENEWAL))
}

/// The node's own view of its lease, by the monotonic clock. It ends earlier than the row in the database, so that a
/// node which cannot renew has stopped dialing before anybody takes over.
#[derive(Debug, Clone, Default)]
pub struct Lease(Arc<Mutex<Option<Deadline>>>);

impl Lease {
    /// The lease that a renewal gives which is asked for now. It is to be kept when the renewal has succeeded: the
    /// time that the answer takes is not counted on.
    pub(super) fn asked_now() -> Deadline {
        Deadline::within(LENGTH - MARGIN)
    }

    /// Keeps a renewed lease.
    pub(super) fn keep(&self, until: Deadline) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Stops dialing at once, before the campaigns are let go of.
    pub fn give_up(&self) {
        self.keep(Deadline::within(Duration::ZERO));
    }

    /// For how long it is held unless it is renewed, zero if it is not.
    pub fn left(&self) -> Duration {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.left())
    }

    /// Whether nobody else can have taken this node's campaigns.
    pub fn is_held(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| !until.has_passed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_renewed_every_five_seconds_and_looks_at_once_when_another_s_lease_has_run_out() {
        assert_eq!(next_renewal(None), RENEWAL);
        assert_eq!(next_renewal(Some(LENGTH)), RENEWAL);
        assert_eq!(next_renewal(Some(Duration::from_secs(2))), Duration::from_millis(2125));
        assert_eq!(next_renewal(Some(Duration::ZERO)), SOONEST);
    }

    #[test]
    fn a_lease_is_held_from_its_first_renewal_until_it_runs_out() {
        let lease = Lease::default();
        assert!(!lease.is_held());
        lease.keep(Lease::asked_now());
        assert!(lease.is_held());
        lease.keep(Deadline::within(Duration::ZERO));
        assert!(!lease.is_held());
    }
}
