//! How often a number may be called: the campaign's own caps and those of the packs of rules, and when they let the
//! next call through. It owns the arithmetic; which calls count, and that all campaigns of a team count together, is
//! `crate::db::calls`'s.

mod length;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use self::length::Length;
use super::retry::Span;
use super::rules::{Cap, Rule};

/// What the campaign's own caps are called where they are given as a reason.
pub const OWN: &str = "caps";

/// More calls than anybody should suffer.
const MOST_CALLS: u32 = 100;

/// A campaign's own caps reach back a year at most, and a leap year is a day longer.
const LONGEST_OWN: TimeDelta = TimeDelta::days(366);

const DAY: TimeDelta = TimeDelta::hours(24);
const WEEK: TimeDelta = TimeDelta::hours(7 * 24);

/// A call leaves within a second of its intent, but of one whose answer was lost it may be heard much later; its instant
/// is then the later one. By so much longer a stretch of intents is read.
const HEARD_WITHIN: TimeDelta = TimeDelta::hours(24);

/// The campaign's own caps, each of them optional: `{"per_day": 3, "per_week": 7, "minimum_gap": "2h"}`. They are added
/// to those of the packs, so whichever is stricter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// The most calls to a number within any 24 hours, from 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// The most calls to a number within any 7 times 24 hours, from 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_week: Option<u32>,
    /// How long a number is left alone between two calls, from the beginning of one to the beginning of the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_gap: Option<Span>,
}

/// Caps that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCaps {
    /// Nobody could be called, or anybody at any time.
    #[error("per_day is {0}, expected calls from 1 to {MOST_CALLS}")]
    PerDay(u32),
    /// Nobody could be called, or anybody at any time.
    #[error("per_week is {0}, expected calls from 1 to {MOST_CALLS}")]
    PerWeek(u32),
    /// The day's cap could never be reached, so one of the two is a mistake.
    #[error("per_week is {per_week}, expected at least per_day, which is {per_day}")]
    WeekBelowDay {
        /// The cap of a week.
        per_week: u32,
        /// The cap of a day.
        per_day: u32,
    },
}

impl Caps {
    /// Refuses caps that make no sense.
    pub fn check(&self) -> Result<(), BadCaps> {
        let sensible = |calls: &u32| (1..=MOST_CALLS).contains(calls);
        if let Some(calls) = self.per_day.filter(|calls| !sensible(calls)) {
            return Err(BadCaps::PerDay(calls));
        }
        if let Some(calls) = self.per_week.filter(|calls| !sensible(calls)) {
            return Err(BadCaps::PerWeek(calls));
        }
        match (self.per_day, self.per_week) {
            (Some(per_day), Some(per_week)) if per_week < per_day => {
                Err(BadCaps::WeekBelowDay { per_week, per_day })
            }
            _ => Ok(()),
        }
    }

    fn limits<'a>(self) -> impl Iterator<Item = Limit<'a>> {
        let per_day = self.per_day.map(|calls| Cap { calls, within: DAY });
        let per_week = self.per_week.map(|calls| Cap { calls, within: WEEK });
        let gap = self.minimum_gap.map(|gap| one_within(gap.length()));
        [per_day, per_week, gap].into_iter().flatten().map(|cap| Limit { rule: OWN, cap })
    }
}

/// A gap between two calls is a cap of one call within its length.
fn one_within(gap: TimeDelta) -> Cap {
    Cap { calls: 1, within: gap }
}

/// One cap that holds, with who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<'a> {
    /// What it is called: `caps`, or a rule's name, such as `us-states/FL`.
    pub rule: &'a str,
    /// So many calls within so long. Whoever reads caps refuses those of no call at all; here they let one through.
    pub cap: Cap,
}

/// As a reason: `us-states/FL: at most 3 calls within 24 hours`.
impl std::fmt::Display for Limit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cap { calls, within } = self.cap;
        let plural = if calls == 1 { "" } else { "s" };
        write!(f, "{}: at most {calls} call{plural} within {}", self.rule, Length(within))
    }
}

/// Every cap that holds at this moment for somebody to whom these rules apply.
///
/// A rule's caps hold on the days on which it is in force anywhere on earth: they are counted over days and weeks, and
/// no zone decides where a day of theirs begins.
pub fn limits<'a>(
    own: &Caps,
    rules: impl IntoIterator<Item = &'a Rule>,
    now: DateTime<Utc>,
) -> Vec<Limit<'a>> {
    let in_force = rules.into_iter().filter(|rule| is_in_force(rule, now));
    own.limits().chain(in_force.flat_map(limits_of)).collect()
}

fn limits_of(rule: &Rule) -> impl Iterator<Item = Limit<'_>> {
    let caps = rule.caps.iter().copied().chain(rule.minimum_gap.map(one_within));
    caps.map(|cap| Limit { rule: &rule.name, cap })
}

fn is_in_force(rule: &Rule, now: DateTime<Utc>) -> bool {
    let (yesterday, tomorrow) = ((now - DAY).date_naive(), (now + DAY).date_naive());
    let days = rule.schedule.in_force;
    days.from.is_none_or(|from| from <= tomorrow) && days.to.is_none_or(|to| to >= yesterday)
}

/// How much of a number's past has to be known: no more calls than these, the newest, and none before this stretch.
/// Older ones cannot matter, whichever of the limits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The most calls that matter.
    pub calls: u32,
    /// How long ago they may lie.
    pub stretch: TimeDelta,
}

impl Reach {
    /// No past at all, as where nothing is limited.
    pub const NONE: Self = Self { calls: 0, stretch: TimeDelta::zero() };

    /// What has to be known for whatever caps a campaign may have, now or later, and for these rules.
    pub fn longest<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let all = Self::of(&Caps::default(), rules);
        Self { calls: all.calls.max(MOST_CALLS), stretch: all.stretch.max(LONGEST_OWN) }
    }

    /// What has to be known for all caps of a campaign and its packs, whomever it calls and whenever.
    pub fn of<'a>(own: &Caps, rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let all = own.limits().chain(rules.into_iter().flat_map(limits_of));
        all.fold(Self::NONE, |reach, Limit { cap, .. }| Self {
            calls: reach.calls.max(cap.calls.max(1)),
            stretch: reach.stretch.max(cap.within),
        })
    }

    /// The instant before which no intent matters any more: the stretch, and how much later than its intent a call may
    /// have been heard of.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.stretch - HEARD_WITHIN
    }
}

/// Whether a number may be called once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance<'a> {
    /// It may be called now.
    Now,
    /// It may not.
    NotUntil {
        /// The first instant at which all limits allow it, if nobody calls it before.
        at: DateTime<Utc>,
        /// The limit that holds longest; of several, the first.
        because: Limit<'a>,
    },
}

/// Whether a number that was called at these instants may be called now. The calls come in any order; of them the newest
/// that [`Reach`] asks for are enough, and more do no harm. A call later than `now` counts: clocks differ.
///
/// Stretches are half-open: a call exactly 24 hours ago is none of the last 24 hours. So a limit of n calls lets the next
/// one through once the n-th newest lies its whole stretch back.
pub fn allowance<'a>(limits: &[Limit<'a>], calls: &[DateTime<Utc>], now: DateTime<Utc>) -> Allowance<'a> {
    let mut newest_first = calls.to_vec();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    let frees_at = |limit: &Limit<'a>| {
        let nth = usize::try_from(limit.cap.calls).unwrap_or(usize::MAX).saturating_sub(1);
        newest_first.get(nth).map(|call| *call + limit.cap.within)
    };
    let mut longest: Option<(DateTime<Utc>, Limit<'a>)> = None;
    for limit in limits {
        if let Some(at) = frees_at(limit).filter(|at| *at > now)
            && longest.is_none_or(|(longest, _)| longest < at)
        {
            longest = Some((at, *limit));
        }
    }
    longest.map_or(Allowance::Now, |(at, because)| Allowance::NotUntil { at, because })
}
