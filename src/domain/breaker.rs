//! When a campaign whose calls keep failing calls less. A campaign dials one at a time, so that the call which is let
//! through after a pause is the probe: if it does not fail, the campaign goes on as before. Everything follows from the
//! last calls, so nothing is stored, and whoever takes the campaign over pauses just as long.

use chrono::{DateTime, TimeDelta, Utc};

use super::outcome::Outcome;

/// How many of the last calls are looked at.
pub const WINDOW: usize = 20;

/// The last calls are looked for among so many attempts: what was taken back was no call.
pub const AMONG: usize = 10 * WINDOW;

/// Fewer calls than this say nothing.
const ENOUGH: usize = 10;

/// Of ten calls so many have to fail. Old lists have many numbers that are out of service; hardly any has so many.
const TOO_MANY_OF_TEN: usize = 8;

/// By fewer failures nobody is stopped.
pub const FEWEST_FAILURES: usize = ENOUGH * TOO_MANY_OF_TEN / 10;

const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// A call that is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// What it came to.
    pub outcome: Outcome,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
}

/// Too many of the last calls have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tripped {
    /// How many.
    pub failures: usize,
    /// Of how many.
    pub calls: usize,
    /// When one call may be made to see whether it works again.
    pub until: DateTime<Utc>,
}

/// Judges the last calls, of which the newest comes first, without what was taken back.
pub fn tripped(newest_first: &[Call]) -> Option<Tripped> {
    let calls = &newest_first[..newest_first.len().min(WINDOW)];
    let failures = calls.iter().filter(|call| is_failure(call.outcome)).count();
    let in_a_row = calls.iter().take_while(|call| is_failure(call.outcome)).count();
    let newest = calls.first()?;
    if in_a_row == 0 || calls.len() < ENOUGH || failures * 10 < calls.len() * TOO_MANY_OF_TEN {
        return None;
    }
    let doublings = u32::try_from(in_a_row.saturating_sub(ENOUGH)).unwrap_or(u32::MAX);
    let pause = FIRST_PAUSE * 2_i32.saturating_pow(doublings.min(8));
    let until = newest.ended_at + pause.min(LONGEST_PAUSE);
    Some(Tripped { failures, calls: calls.len(), until })
}

/// The same, unless it had come to that already before the newest of them.
pub fn newly_tripped(newest_first: &[Call]) -> Option<Tripped> {
    let before = newest_first.get(1..).and_then(tripped);
    tripped(newest_first).filter(|_| before.is_none())
}

/// Whether something was wrong on the way. Nobody answering, or a number that cannot be called, is no failure.
pub fn is_failure(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::Unknown => true,
        Outcome::Answered
        | Outcome::Machine
        | Outcome::NoAnswer
        | Outcome::Busy
        | Outcome::Canceled
        | Outcome::InvalidNumber
        | Outcome::Blocked
        | Outcome::NotPlaced => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls a minute apart, the oldest first, by the first letters of their outcomes.
    fn calls(outcomes: &str) -> Vec<Call> {
        let outcome = |letter| match letter {
            'f' => Outcome::Failed,
            'u' => Outcome::Unknown,
            'n' => Outcome::NoAnswer,
            'i' => Outcome::InvalidNumber,
            _ => Outcome::Answered,
        };
        let call = |(minute, letter)| Call { outcome: outcome(letter), ended_at: at(minute as i64) };
        let mut calls: Vec<Call> = outcomes.chars().enumerate().map(call).collect();
        calls.reverse();
        calls
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_460_000 + minute * 60, 0).unwrap()
    }

    #[test]
    fn a_campaign_pauses_when_most_of_its_last_calls_failed() {
        let judged = |outcomes| tripped(&calls(outcomes)).map(|tripped| (tripped.failures, tripped.calls));
        let cases = [
            ("", None),
            ("fffffffff", None),
            ("ffffffffff", Some((10, 10))),
            ("uuuuuuuuuu", Some((10, 10))),
            ("aaffffffff", Some((8, 10))),
            ("aaafffffff", None),
            ("nnnnnnnnnn", None),
            ("iiiiiiiiii", None),
            ("ffffffffffa", None),
            ("ffffffffffaf", Some((11, 12))),
            // What came long before no longer counts.
            ("aaaaaaaaaaaaaaaaffffffffffffffff", Some((16, 20))),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(judged(outcomes), expected, "{outcomes}");
        }
    }

    #[test]
    fn it_is_news_only_once_that_most_have_failed() {
        let is_news = |outcomes: &str| newly_tripped(&calls(outcomes)).is_some();
        assert!(is_news("ffffffffff"));
        assert!(!is_news("fffffffffff"));
        assert!(is_news("ffffffffffaf"), "one went through meanwhile");
        assert!(is_news(&("a".repeat(5) + &"f".repeat(16))));
        assert!(!is_news(&("a".repeat(4) + &"f".repeat(17))));
    }

    #[test]
    fn the_pause_grows_with_every_probe_that_fails_up_to_a_quarter_of_an_hour() {
        let pause = |outcomes: &str| {
            let last = at(outcomes.len() as i64 - 1);
            (tripped(&calls(outcomes)).unwrap().until - last).num_minutes()
        };
        let pauses = (10..=20).map(|failures| pause(&"f".repeat(failures)));
        assert_eq!(pauses.collect::<Vec<_>>(), [1, 2, 4, 8, 15, 15, 15, 15, 15, 15, 15]);
    }

    #[test]
    fn fewer_failures_than_the_fewest_never_trip() {
        for calls_before in 0..=WINDOW {
            let outcomes = "a".repeat(calls_before) + &"f".repeat(FEWEST_FAILURES - 1);
            assert_eq!(tripped(&calls(&outcomes)), None);
        }
    }
}
