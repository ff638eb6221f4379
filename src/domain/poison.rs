//! Contacts that make their campaign fail: one row that no code can work with must not stop all the others. Which failures
//! are a contact's is told by whoever meets them (`db::Error::contact`); an outage never is.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::reconcile::Silence;

/// A contact is set aside when it has made its campaign fail so often in a row.
pub const MOST_FAILURES: u32 = 3;

/// When so many contacts were set aside one after the other, and no call was settled in between, the fault is not theirs:
/// the campaign pauses, instead of giving up its whole list.
pub const MOST_IN_A_ROW: u32 = 3;

/// How often each contact has made a step of its campaign fail since a call to it was last settled.
///
/// An actor keeps this in its memory, and loses it when it stops, or when another node takes over. That delays by a few
/// seconds that a contact is set aside, and prevents it never: a row that cannot be worked with fails at every try, also
/// at the next owner's. In the database the count would have to be written by the very transaction that fails, or by a
/// further one, and set back by every call that goes well.
#[derive(Debug, Clone, Default)]
pub struct Failures(BTreeMap<Uuid, u32>);

impl Failures {
    /// Notes one more. Returns whether the contact is to be set aside.
    pub fn note(&mut self, contact: Uuid) -> bool {
        let failures = self.0.entry(contact).or_default();
        *failures += 1;
        *failures >= MOST_FAILURES
    }

    /// Something went well with this contact to its end, or it is set aside.
    pub fn forget(&mut self, contact: Uuid) {
        self.0.remove(&contact);
    }
}

/// What is known of the open attempt of a contact that is to be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCall {
    /// Nothing of it has left, certainly.
    Unsent,
    /// It is over.
    Over,
    /// It may still be under way.
    Alive {
        /// When it was last heard of, or intended.
        last_word: DateTime<Utc>,
    },
}

impl OpenCall {
    /// Until when it may last, if it may: so long its contact is not set aside, because the campaign would call the next
    /// one beside it.
    pub fn may_last_until(
        self,
        ring_time: TimeDelta,
        longest_call: TimeDelta,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        match self {
            Self::Unsent | Self::Over => None,
            Self::Alive { last_word } => {
                let over_at = Silence::Talking { heard_at: last_word }.over_at(ring_time, longest_call);
                (over_at > now).then_some(over_at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_contact_is_set_aside_at_its_third_failure_whoever_else_fails_in_between() {
        let mut failures = Failures::default();
        let noted: Vec<bool> = [ANN, BOB, ANN, BOB, ANN].map(|contact| failures.note(contact)).to_vec();
        assert_eq!(noted, [false, false, false, false, true]);
    }

    #[test]
    fn a_call_that_goes_well_makes_up_for_the_failures_before_it() {
        let mut failures = Failures::default();
        assert!(!failures.note(ANN) && !failures.note(ANN));
        failures.forget(ANN);
        assert!(!failures.note(ANN) && !failures.note(ANN));
        assert!(failures.note(ANN));
    }

    #[test]
    fn nobody_is_set_aside_while_his_call_may_last() {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        let (ring, longest) = (TimeDelta::seconds(30), TimeDelta::minutes(30));
        let ends = |call: OpenCall| call.may_last_until(ring, longest, now);
        assert_eq!(ends(OpenCall::Unsent), None);
        assert_eq!(ends(OpenCall::Over), None);
        let long_over = now - TimeDelta::hours(1);
        assert_eq!(ends(OpenCall::Alive { last_word: long_over }), None);
        let until = ends(OpenCall::Alive { last_word: now });
        assert!(until.is_some_and(|until| until >= now + ring + longest), "{until:?}");
    }
}
