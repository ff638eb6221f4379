//! Hooks: when an event that a receiver did not take is sent again, and when it is given up. How it is sent, and to where
//! it may be, is said elsewhere.

pub mod receiver;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Moment, names};

/// How long is waited after an event's first, second, … try; the last repeats.
const PAUSES: [TimeDelta; 7] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(10),
    TimeDelta::minutes(30),
    TimeDelta::hours(1),
    TimeDelta::hours(2),
];

/// A pause is longer by up to this part of it, so that those who failed together do not come again together.
const SPREAD: f64 = 0.2;

/// How long an event is tried after it happened.
pub const TRIED_FOR: TimeDelta = TimeDelta::days(1);

/// After how long without a single success a hook is stopped.
pub const FAILS_FOR: TimeDelta = TimeDelta::days(5);

/// How long a secret is good beside the one that took its place.
pub const FORMER_SECRET_LASTS: TimeDelta = TimeDelta::days(1);

names! {
    /// How a delivery stands that did not succeed at once, or is to be repeated.
    pub enum DeliveryState: "state of a delivery" {
        /// It failed, and is tried again. Nothing is delivered after it before.
        Retrying = "retrying",
        /// It was given up. Somebody may ask for it again.
        Dead = "dead",
        /// Somebody asked for it again.
        Asked = "asked",
        /// It succeeded in the end.
        Delivered = "delivered",
    }
}

names! {
    /// Why a hook is stopped.
    pub enum Stopped: "reason to stop" {
        /// Somebody wished it.
        ByHand = "by-hand",
        /// The receiver answered 410: it wants no more.
        Gone = "gone",
        /// Nothing was delivered for days.
        Failing = "failing",
    }
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// HTTP's word.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<TimeDelta>,
    },
    /// It did not.
    Nothing {
        /// Why, in a sentence.
        why: String,
    },
}

impl Answer {
    /// Whether the event was taken.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Status { status: 200..=299, .. })
    }

    /// Whether the receiver wants nothing any more. Source: Standard Webhooks, "Deliverability and reliability".
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Status { status: 410, .. })
    }

    /// How long the receiver wants to be left alone, where a status says that it is meant (RFC 9110, 10.2.3, and RFC 6585).
    fn wish(&self) -> Option<TimeDelta> {
        match self {
            Self::Status { status: 429 | 503, retry_after } => *retry_after,
            _ => None,
        }
    }
}

/// What is done after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next event has its turn.
    GoOn,
    /// It is tried again then.
    Again(DateTime<Utc>),
    /// It is given up, and the next event has its turn.
    GiveUp,
    /// Nothing is sent any more until somebody wishes it, and then this event first.
    Stop(Stopped),
}

/// How an event and its hook stand when a try of it is over.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The tries so far, this one included: at least 1.
    pub tries: u32,
    /// Since when the event has waited: since it happened, or since the hook works if that is later.
    pub waits_since: DateTime<Utc>,
    /// Since when nothing has been delivered by the hook, if it was failing before this try.
    pub failing_since: Option<DateTime<Utc>>,
}

/// What is done after a try. An event is tried at least once, and until it has waited for [`TRIED_FOR`]: the last try is
/// made then. So behind a receiver that was away for longer, those that have waited so long get one try each.
pub fn next(answer: &Answer, standing: Standing, at: Moment) -> Next {
    if answer.is_success() {
        return Next::GoOn;
    }
    if answer.is_gone() {
        return Next::Stop(Stopped::Gone);
    }
    if standing.failing_since.is_some_and(|since| at.now - since >= FAILS_FOR) {
        return Next::Stop(Stopped::Failing);
    }
    let last_try = standing.waits_since + TRIED_FOR;
    if at.now >= last_try {
        return Next::GiveUp;
    }
    let pause = answer.wish().map_or_else(|| pause(standing.tries), within_bounds);
    let spread = (pause.num_milliseconds() as f64 * SPREAD * at.jitter) as i64;
    Next::Again((at.now + pause + TimeDelta::milliseconds(spread)).min(last_try))
}

fn pause(tries: u32) -> TimeDelta {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    PAUSES[index.min(PAUSES.len() - 1)]
}

/// A receiver's wish, neither shorter than the shortest pause nor longer than the longest.
fn within_bounds(wish: TimeDelta) -> TimeDelta {
    wish.clamp(PAUSES[0], PAUSES[PAUSES.len() - 1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn fresh(tries: u32) -> Standing {
        Standing { tries, waits_since: noon(), failing_since: None }
    }

    fn status(status: u16) -> Answer {
        Answer::Status { status, retry_after: None }
    }

    fn wishing(status: u16, seconds: i64) -> Answer {
        Answer::Status { status, retry_after: Some(TimeDelta::seconds(seconds)) }
    }

    fn at(now: DateTime<Utc>) -> Moment {
        Moment { now, jitter: 0.0 }
    }

    #[test]
    fn every_answer_but_2xx_is_a_failure_and_410_ends_it() {
        for taken in [200, 204, 299] {
            assert_eq!(next(&status(taken), fresh(1), at(noon())), Next::GoOn);
        }
        for refused in [100, 199, 301, 302, 307, 400, 401, 404, 413, 500, 503] {
            let again = Next::Again(noon() + TimeDelta::seconds(5));
            assert_eq!(next(&status(refused), fresh(1), at(noon())), again, "{refused}");
        }
        assert_eq!(next(&status(410), fresh(1), at(noon())), Next::Stop(Stopped::Gone));
    }

    #[test]
    fn pauses_grow_to_two_hours() {
        let answer = Answer::Nothing { why: "no connection".to_owned() };
        let waits = (1..=9).map(|tries| match next(&answer, fresh(tries), at(noon())) {
            Next::Again(then) => (then - noon()).num_seconds(),
            other => panic!("{other:?}"),
        });
        assert_eq!(waits.collect::<Vec<_>>(), [5, 30, 120, 600, 1800, 3600, 7200, 7200, 7200]);
    }

    #[test]
    fn a_receiver_s_wish_counts_within_bounds_where_it_is_meant() {
        for (answer, seconds) in [
            (wishing(429, 60), 60),
            (wishing(503, 60), 60),
            (wishing(503, 0), 5),
            (wishing(429, 1_000_000), 7200),
            (wishing(500, 60), 5),
        ] {
            let then = Next::Again(noon() + TimeDelta::seconds(seconds));
            assert_eq!(next(&answer, fresh(1), at(noon())), then, "{answer:?}");
        }
    }

    #[test]
    fn what_has_waited_for_a_day_gets_one_try_and_a_hook_that_fails_for_five_days_is_stopped() {
        let late = noon() + TRIED_FOR + TimeDelta::hours(3);
        assert_eq!(next(&status(500), fresh(1), at(late)), Next::GiveUp);
        assert_eq!(next(&status(200), fresh(1), at(late)), Next::GoOn);
        let failing = |days| Standing { failing_since: Some(late - TimeDelta::days(days)), ..fresh(1) };
        assert_eq!(next(&status(500), failing(4), at(late)), Next::GiveUp);
        assert_eq!(next(&status(500), failing(5), at(late)), Next::Stop(Stopped::Failing));
    }

    proptest! {
        /// Whatever the receiver answers, an event comes to its end: its tries are few, each later than the one before by
        /// five seconds at least but for the last, which is made when the day is over.
        #[test]
        fn an_event_that_is_never_taken_is_given_up_after_a_day(
            waited in 0i64..200_000,
            chances in prop::collection::vec((0.0f64..1.0, 0i64..20_000, prop::bool::ANY), 1..8),
        ) {
            let begins = noon() + TimeDelta::seconds(waited);
            let last_try = noon() + TRIED_FOR;
            let (mut now, mut tries) = (begins, 0u32);
            loop {
                tries += 1;
                let (jitter, wish, is_meant) = chances[tries as usize % chances.len()];
                let answer = if is_meant { wishing(429, wish) } else { status(500) };
                match next(&answer, fresh(tries), Moment { now, jitter }) {
                    Next::Again(then) => {
                        prop_assert!(then > now && then <= last_try);
                        let is_early = then - now < TimeDelta::seconds(5);
                        prop_assert!(!is_early || then == last_try);
                        prop_assert!(then - now <= TimeDelta::minutes(144));
                        now = then;
                    }
                    Next::GiveUp => break,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(now, begins.max(last_try));
        }

        #[test]
        fn without_wishes_a_day_has_nineteen_tries_at_most(jitter in 0.0f64..1.0) {
            let (mut now, mut tries) = (noon(), 1u32);
            while let Next::Again(then) = next(&status(500), fresh(tries), Moment { now, jitter }) {
                (now, tries) = (then, tries + 1);
            }
            prop_assert!((15..=19).contains(&tries), "{}", tries);
        }
    }
}
