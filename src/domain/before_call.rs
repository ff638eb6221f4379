//! The word of somebody else's server before each call: who is asked, what the answers mean, and what is done where none
//! comes. How it is asked is said elsewhere.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::names;

/// How long a server may be given to answer. Nothing else happens in the campaign meanwhile.
const LONGEST_TIMEOUT_SECONDS: u32 = 10;

/// How long a server that gave no answer is left alone after the first, second, … time; the last repeats.
pub const LEFT_ALONE_FOR: [TimeDelta; 5] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(10),
    TimeDelta::seconds(20),
    TimeDelta::seconds(40),
    TimeDelta::seconds(60),
];

/// A call is put off by so long at least: whoever is due at once would be asked about again at once.
const SHORTEST_PUT_OFF: TimeDelta = TimeDelta::seconds(10);

/// And by so long at most. What lies further ahead is not meant.
const LONGEST_PUT_OFF: TimeDelta = TimeDelta::days(366);

/// As many characters of a reason are kept.
const LONGEST_REASON: usize = 300;

/// Who is asked before each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeforeCall {
    /// The hook whose server is asked, and with whose secret the question is signed.
    pub hook: Uuid,
    /// How long it may take to answer, in seconds.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u32,
    /// What is done where it gives no answer.
    #[serde(default = "default_if_silent")]
    pub if_silent: IfSilent,
}

fn default_timeout_seconds() -> u32 {
    3
}

fn default_if_silent() -> IfSilent {
    IfSilent::Wait
}

names! {
    /// What is done where the server that is asked before each call gives no answer that can be understood.
    pub enum IfSilent: "what to do without an answer" {
        /// Nobody is called until it answers.
        Wait = "wait",
        /// Everybody is called as if nobody had to be asked.
        Call = "call",
    }
}

/// A server is given too little time to answer, or too much.
#[derive(Debug, thiserror::Error)]
#[error("timeout_seconds is {0}, expected seconds from 1 to {LONGEST_TIMEOUT_SECONDS}")]
pub struct BadTimeout(u32);

impl BeforeCall {
    /// Refuses a time to answer in which nobody can, or that holds the campaign up.
    pub fn check(&self) -> Result<(), BadTimeout> {
        match self.timeout_seconds {
            1..=LONGEST_TIMEOUT_SECONDS => Ok(()),
            other => Err(BadTimeout(other)),
        }
    }

    /// What is to be done before somebody is called, as things stand with the hook. `said_yes` is whether the server has
    /// agreed to this call a short while ago.
    pub fn duty(&self, hook: &HookStanding, said_yes: bool, now: DateTime<Utc>) -> Duty {
        match (hook, self.if_silent) {
            (HookStanding::Off { .. }, IfSilent::Wait) => Duty::Wait { until: None },
            (HookStanding::Silent { until, .. }, IfSilent::Wait) if *until > now => {
                Duty::Wait { until: Some(*until) }
            }
            (HookStanding::Off { .. }, IfSilent::Call) => Duty::Call,
            (HookStanding::Silent { until, .. }, IfSilent::Call) if *until > now => Duty::Call,
            (HookStanding::Answers | HookStanding::Silent { .. }, _) if said_yes => Duty::Call,
            (HookStanding::Answers | HookStanding::Silent { .. }, _) => Duty::Ask,
        }
    }
}

/// How things stand with the hook whose server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookStanding {
    /// Nothing speaks against asking it.
    Answers,
    /// It gave no answer, and is left alone.
    Silent {
        /// Until when.
        until: DateTime<Utc>,
        /// Why there was none.
        why: String,
    },
    /// It is not asked: somebody has deleted or stopped it.
    Off {
        /// Which of both, in words.
        why: &'static str,
    },
}

impl HookStanding {
    /// Why it gives no answer, if it gives none.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Answers => None,
            Self::Silent { why, .. } => Some(why),
            Self::Off { why } => Some(why),
        }
    }
}

/// What is to be done before somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Nothing: he may be called.
    Call,
    /// The server is asked about whoever would be next.
    Ask,
    /// Nobody is called: it would give no answer. Until then, or, if nothing is said, until somebody changes something.
    Wait {
        /// When it is asked again.
        until: Option<DateTime<Utc>>,
    },
}

/// A server's word about somebody who would be called next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// He may be called.
    Call,
    /// He must not be called, ever.
    Veto {
        /// Why, in the server's words.
        reason: Option<String>,
    },
    /// He is called later.
    Postpone {
        /// From when on.
        until: DateTime<Utc>,
        /// Why, in the server's words.
        reason: Option<String>,
    },
}

impl Word {
    /// A veto, as it is kept and shown.
    pub fn veto(reason: Option<&str>) -> String {
        with_reason("vetoed by the server that is asked before each call", reason)
    }

    /// A postponement, as it is kept and shown.
    pub fn postponement(reason: Option<&str>) -> String {
        with_reason("postponed by the server that is asked before each call", reason)
    }
}

fn with_reason(said: &str, reason: Option<&str>) -> String {
    match reason.map(as_reason).filter(|reason| !reason.is_empty()) {
        None => said.to_owned(),
        Some(reason) => format!("{said}: {reason}"),
    }
}

/// A text of somebody else's as it can be kept and shown: in one line of bounded length.
pub fn as_reason(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.trim().chars().take(LONGEST_REASON).collect()
}

/// When somebody is due whose call a server wants to be made then: neither at once nor in another age.
pub fn put_off_until(wanted: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    wanted.clamp(now + SHORTEST_PUT_OFF, now + LONGEST_PUT_OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T15:00:00Z".parse().unwrap()
    }

    fn after(seconds: i64) -> DateTime<Utc> {
        now() + TimeDelta::seconds(seconds)
    }

    fn asking(if_silent: IfSilent) -> BeforeCall {
        BeforeCall { hook: Uuid::from_u128(1), timeout_seconds: 3, if_silent }
    }

    fn silent(seconds: i64) -> HookStanding {
        HookStanding::Silent { until: after(seconds), why: "no answer within 3 seconds".to_owned() }
    }

    #[test]
    fn nobody_is_called_unasked_unless_it_was_set_so_and_there_is_no_answer() {
        use IfSilent::{Call, Wait};
        let gone = HookStanding::Off { why: "the hook was deleted" };
        for (if_silent, hook, said_yes, duty) in [
            (Wait, &HookStanding::Answers, false, Duty::Ask),
            (Wait, &HookStanding::Answers, true, Duty::Call),
            (Wait, &silent(5), false, Duty::Wait { until: Some(after(5)) }),
            (Wait, &silent(5), true, Duty::Wait { until: Some(after(5)) }),
            (Wait, &silent(0), false, Duty::Ask),
            (Wait, &silent(0), true, Duty::Call),
            (Wait, &gone, true, Duty::Wait { until: None }),
            (Call, &HookStanding::Answers, false, Duty::Ask),
            (Call, &silent(5), false, Duty::Call),
            (Call, &silent(0), false, Duty::Ask),
            (Call, &gone, false, Duty::Call),
        ] {
            assert_eq!(
                asking(if_silent).duty(hook, said_yes, now()),
                duty,
                "{if_silent} {hook:?} {said_yes}"
            );
        }
    }

    #[test]
    fn a_call_is_put_off_neither_to_this_moment_nor_to_another_age() {
        assert_eq!(put_off_until(after(-3600), now()), after(10));
        assert_eq!(put_off_until(after(3600), now()), after(3600));
        assert_eq!(put_off_until(DateTime::<Utc>::MAX_UTC, now()), now() + TimeDelta::days(366));
    }

    #[test]
    fn a_reason_is_kept_in_one_line_of_bounded_length() {
        let veto = Word::veto(Some("has paid\n\u{0} since"));
        assert_eq!(veto, "vetoed by the server that is asked before each call: has paid since");
        assert_eq!(Word::veto(Some(" \n ")), "vetoed by the server that is asked before each call");
        let long = Word::postponement(Some(&"é".repeat(1000)));
        assert!(long.ends_with(&"é".repeat(300)) && !long.ends_with(&"é".repeat(301)), "{long}");
    }

    #[test]
    fn a_server_has_one_to_ten_seconds_to_answer() {
        let with = |timeout_seconds| BeforeCall { timeout_seconds, ..asking(IfSilent::Wait) }.check();
        assert!(with(1).is_ok() && with(10).is_ok());
        assert_eq!(with(0).unwrap_err().to_string(), "timeout_seconds is 0, expected seconds from 1 to 10");
        assert!(with(11).is_err());
    }
}
