//! What to do about a call that has fallen silent: when to ask the provider, and when to stop asking.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds after the intent at which a call is looked for whose placing was never answered.
const SEARCHES: &[i64] = &[2, 5, 15, 30, 60, 120, 180];

/// How long a call is looked for before nobody is said to know what became of it.
const TRACELESS_AFTER: TimeDelta = TimeDelta::seconds(180);

/// Beyond the schedule, and after an answer that told nothing new, so long is waited before the next question.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

/// A call that is taken is asked after so long without a word.
const QUIET_CONVERSATION: TimeDelta = TimeDelta::seconds(60);

/// A call that is not taken is asked after the ring time and this much more.
const QUIET_RINGING: TimeDelta = TimeDelta::seconds(10);

/// What is known of a call that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The intent is written; whether a call was placed is not known.
    Unplaced {
        /// When the intent was written.
        intended_at: DateTime<Utc>,
    },
    /// The provider has a call for it, which nobody has taken yet.
    Ringing {
        /// The last word of it.
        heard_at: DateTime<Utc>,
    },
    /// The call was taken.
    Talking {
        /// The last word of it.
        heard_at: DateTime<Utc>,
    },
}

impl Silence {
    /// When it was last heard of, if ever.
    pub fn heard_at(&self) -> Option<DateTime<Utc>> {
        match *self {
            Self::Unplaced { .. } => None,
            Self::Ringing { heard_at } | Self::Talking { heard_at } => Some(heard_at),
        }
    }

    /// Since when nothing was heard of it.
    pub fn since(&self) -> DateTime<Utc> {
        match *self {
            Self::Unplaced { intended_at: since }
            | Self::Ringing { heard_at: since }
            | Self::Talking { heard_at: since } => since,
        }
    }

    /// When the provider should be asked next, given when it last answered a question about this call.
    pub fn ask_at(&self, asked_at: Option<DateTime<Utc>>, ring_time: TimeDelta) -> DateTime<Utc> {
        match *self {
            Self::Unplaced { intended_at } => {
                let after = asked_at.unwrap_or(intended_at);
                let mut searches = SEARCHES.iter().map(|seconds| intended_at + TimeDelta::seconds(*seconds));
                searches.find(|search| *search > after).unwrap_or(after + ASK_AGAIN_AFTER)
            }
            Self::Ringing { heard_at } => later(heard_at + ring_time + QUIET_RINGING, asked_at),
            Self::Talking { heard_at } => later(heard_at + QUIET_CONVERSATION, asked_at),
        }
    }

    /// When a call is certainly over of which nobody can be asked: it has rung and lasted as long as it may.
    pub fn over_at(&self, ring_time: TimeDelta, longest_call: TimeDelta) -> DateTime<Utc> {
        self.since() + ring_time + longest_call + TRACELESS_AFTER
    }

    /// Whether a call is given up as unknown, or looked for again, if the provider was asked at `asked_at` and found no
    /// trace. How long it took to answer tells nothing: the call may have been placed since.
    pub fn is_traceless(&self, ring_time: TimeDelta, asked_at: DateTime<Utc>) -> bool {
        match *self {
            Self::Unplaced { intended_at } => asked_at >= intended_at + TRACELESS_AFTER,
            Self::Ringing { heard_at } => asked_at >= heard_at + ring_time + QUIET_RINGING + TRACELESS_AFTER,
            Self::Talking { heard_at } => asked_at >= heard_at + QUIET_CONVERSATION + TRACELESS_AFTER,
        }
    }
}

fn later(first: DateTime<Utc>, asked_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
    asked_at.map_or(first, |asked_at| first.max(asked_at + ASK_AGAIN_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: TimeDelta = TimeDelta::seconds(30);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_460_000 + second, 0).unwrap()
    }

    #[test]
    fn a_call_whose_answer_was_lost_is_looked_for_ever_less_often() {
        let lost = Silence::Unplaced { intended_at: at(0) };
        let mut asked_at = None;
        let mut asked = Vec::new();
        while asked.len() < 9 {
            let next = lost.ask_at(asked_at, RING);
            asked.push((next - at(0)).num_seconds());
            asked_at = Some(next);
        }
        assert_eq!(asked, [2, 5, 15, 30, 60, 120, 180, 210, 240]);
    }

    #[test]
    fn a_call_is_given_up_only_after_a_search_at_the_end_of_the_grace() {
        let lost = Silence::Unplaced { intended_at: at(0) };
        assert!(!lost.is_traceless(RING, at(179)));
        assert!(lost.is_traceless(RING, at(180)));
        // Somebody who could not ask in between asks once more before giving up.
        assert_eq!(lost.ask_at(Some(at(60)), RING), at(120));
    }

    #[test]
    fn a_silent_call_is_asked_after_its_ring_time_or_a_minute_of_talk() {
        assert_eq!(Silence::Ringing { heard_at: at(0) }.ask_at(None, RING), at(40));
        assert_eq!(Silence::Talking { heard_at: at(0) }.ask_at(None, RING), at(60));
        // An answer without news does not make the next question come at once.
        assert_eq!(Silence::Talking { heard_at: at(0) }.ask_at(Some(at(61)), RING), at(91));
    }
}
