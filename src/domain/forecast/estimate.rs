//! How long a campaign takes: how many calls are left, how long each takes, and when the hours leave time for them. It
//! is a range, from what the calls so far leave open, and it says on what it is based.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::walk::{End, Work, by_hours, walk};
use super::{Past, Pending, Range, Rates, Standing};
use crate::domain::area::Area;
use crate::domain::caps::{Allowance, Limit, allowance};
use crate::domain::contactable::{Decision, Hours, Terms};
use crate::domain::outcome::Outcome;
use crate::domain::retry::{Earlier, Ended, Verdict};
use crate::domain::settings::Settings;

/// Nobody knows the end of a campaign better than this.
const AS_FINE_AS: TimeDelta = TimeDelta::minutes(15);

/// At best, with less than half a contact left nobody is.
const HALF_A_CONTACT: f64 = 0.5;

/// At worst somebody is left as long as one list of twenty like this one would have somebody.
const ONE_OF_TWENTY: f64 = 0.05;

/// How long a campaign takes from an instant on, if nothing about it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// What the calls are expected to be like, and what tells so.
    pub rates: Rates,
    /// When the first call may come: when the campaign has begun, somebody is due, and it is time to call him.
    pub begins_at: DateTime<Utc>,
    /// How many calls are left.
    pub calls: Range<u64>,
    /// How long it dials, rings, talks and pauses, without the time in which it is closed or waits for somebody to be
    /// due. Two digits of it are told.
    pub dialing: Range<TimeDelta>,
    /// When everybody is final.
    pub ends: Range<End>,
}

/// How long those who are left take; nothing if nobody is left who may ever be called.
pub fn estimate(
    standing: &Standing,
    past: &Past,
    terms: &Terms<'_>,
    begins_at: DateTime<Utc>,
) -> Option<Estimate> {
    let rates = past.rates(terms.settings());
    let course = |answered, jitter| Course::of(standing, &rates, terms, answered, jitter, begins_at);
    // The more are reached the fewer calls there are, and the more is talked: which takes longer is seen at the end.
    let (one, other) = (course(rates.answered.high, 0.0)?, course(rates.answered.low, 1.0)?);
    let calls = range(one.calls, other.calls);
    let dialing = range(one.dialing_seconds, other.dialing_seconds);
    let ends = if one.end <= other.end { (one.end, other.end) } else { (other.end, one.end) };
    Some(Estimate {
        begins_at: first_call_at(standing, terms, begins_at).unwrap_or(begins_at),
        calls: Range { low: calls.low.floor() as u64, high: calls.high.ceil() as u64 },
        dialing: Range { low: two_digits(dialing.low), high: two_digits(dialing.high) },
        ends: Range { low: coarse(ends.0), high: coarse(ends.1) },
        rates,
    })
}

/// When the first of them may be called: the hours are asked once for all areas in which they are the same.
fn first_call_at(standing: &Standing, terms: &Terms<'_>, begins_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut first: BTreeMap<Hours<'_>, (DateTime<Utc>, &Area)> = BTreeMap::new();
    for pending in &standing.areas {
        let (Some(hours), Some(at)) = (terms.hours(&pending.area), pending.first_at(begins_at)) else {
            continue;
        };
        let known = first.entry(hours).or_insert((at, &pending.area));
        known.0 = known.0.min(at);
    }
    let opening = |(at, area): (DateTime<Utc>, &Area)| match terms.opening(area, at) {
        Decision::Now { .. } => Some(at),
        Decision::NotUntil { at, .. } => Some(at),
        Decision::Never { .. } => None,
    };
    first.into_values().filter_map(opening).min()
}

fn range(one: f64, other: f64) -> Range<f64> {
    Range { low: one.min(other), high: one.max(other) }
}

/// How it goes if this share of the calls reaches somebody.
struct Course {
    calls: f64,
    dialing_seconds: f64,
    end: End,
}

impl Course {
    fn of(
        standing: &Standing,
        rates: &Rates,
        terms: &Terms<'_>,
        answered: f64,
        jitter: f64,
        begins_at: DateTime<Utc>,
    ) -> Option<Self> {
        let settings = terms.settings();
        let life = Life::of(rates, settings, answered);
        let seconds = seconds_of_a_call(rates, settings, answered);
        let work = |calls: &dyn Fn(&Pending) -> f64| {
            let areas = standing.areas.iter().filter(|pending| !pending.tried.is_empty());
            let work = areas.map(|pending| Work { area: &pending.area, seconds: calls(pending) * seconds });
            by_hours(terms, work, begins_at)
        };
        let all = work(&|pending| life.calls(&pending.tried));
        let dialing_seconds: f64 = all.iter().map(|work| work.seconds).sum();
        if dialing_seconds <= 0.0 {
            return None;
        }
        let dialed = walk(terms, &all, begins_at);
        // The last to be called are tried again, too. At best everybody is called once before anybody is called again,
        // at worst somebody's first call is the last but his own.
        let last_begins = if jitter == 0.0 {
            walk(terms, &work(&|pending| f64::from(contacts(&pending.tried))), begins_at)
        } else {
            dialed
        };
        // Nobody knows in whose area the unluckiest is, so at best it is where the caps let him be called the earliest.
        let retries = limits(standing, terms, begins_at);
        let retries =
            retries.iter().map(|limits| life.last_retry(standing, settings, limits, last_begins, jitter));
        let last_retry = if jitter == 0.0 { retries.min() } else { retries.max() };
        let last_due = last_due_at(standing).map(End::At);
        // So it is with the hours in which the last call may begin. It takes its time, too.
        let last_call = [last_retry, last_due].into_iter().flatten().map(|last| match jitter == 0.0 {
            true => opening(terms, &all, last, Iterator::min),
            false => opening(terms, &all, last, Iterator::max).after(rates.ring + rates.talk),
        });
        let end = last_call.fold(dialed, End::max);
        Some(Self { calls: dialing_seconds / seconds, dialing_seconds, end })
    }
}

/// From the beginning of a call to that of the next, on average. At least a moment: pacing may be none.
fn seconds_of_a_call(rates: &Rates, settings: &Settings, answered: f64) -> f64 {
    let taken = (answered + rates.by_machine).min(1.0);
    let call = rates.ring.as_seconds_f64() + taken * rates.talk.as_seconds_f64();
    (f64::from(settings.pacing.delay_seconds) + call).max(0.1)
}

fn contacts(tried: &[(u32, u32)]) -> u32 {
    tried.iter().map(|(_, contacts)| contacts).sum()
}

/// The caps of the areas in which somebody is left who may be called, those that are the same once.
fn limits<'t>(standing: &'t Standing, terms: &'t Terms<'_>, now: DateTime<Utc>) -> Vec<Vec<Limit<'t>>> {
    let mut different = Vec::new();
    for pending in standing.areas.iter().filter(|pending| !pending.tried.is_empty()) {
        let limits = terms.limits(&pending.area, now);
        if !different.contains(&limits) {
            different.push(limits);
        }
    }
    different
}

/// When the last is due of those who are not due yet, or capped.
fn last_due_at(standing: &Standing) -> Option<DateTime<Utc>> {
    let later = standing.areas.iter().filter_map(|pending| pending.later).map(|later| later.last_at);
    let capped = standing.areas.iter().flat_map(|pending| &pending.capped).map(|capped| capped.last_at);
    later.chain(capped).max()
}

/// How contacts fare: after each call they are reached, given up, or tried again.
struct Life {
    most_attempts: u32,
    /// The share of calls after which another one follows while attempts are left.
    again: f64,
    /// What most of those come to that are tried again.
    usual: Option<Outcome>,
}

impl Life {
    fn of(rates: &Rates, settings: &Settings, answered: f64) -> Self {
        let at = DateTime::UNIX_EPOCH;
        let is_tried_again = |outcome| {
            let ended = Ended { outcome, at, earlier: Earlier::default() };
            matches!(settings.verdict(&ended, 0.0), Verdict::Due(_))
        };
        let again = rates.unanswered.iter().filter(|(outcome, _)| is_tried_again(*outcome));
        let usual = again.clone().max_by(|(_, one), (_, other)| one.total_cmp(other));
        Self {
            most_attempts: settings.retry_policy.most_attempts(),
            again: (1.0 - answered) * again.map(|(_, share)| share).sum::<f64>(),
            usual: usual.map(|(outcome, _)| *outcome),
        }
    }

    /// Attempts that are left to somebody: at least the one that he is due for, as by a callback.
    fn left(&self, tries: u32) -> u32 {
        self.most_attempts.saturating_sub(tries).max(1)
    }

    /// The share of those who are called that is called for the n-th time.
    fn share_of_round(&self, round: u32) -> f64 {
        self.again.powi(i32::try_from(round).unwrap_or(i32::MAX).saturating_sub(1))
    }

    /// How many calls contacts will need that were tried so often.
    fn calls(&self, tried: &[(u32, u32)]) -> f64 {
        let calls = |tries| (1..=self.left(tries)).map(|round| self.share_of_round(round)).sum::<f64>();
        tried.iter().map(|(tries, contacts)| f64::from(*contacts) * calls(*tries)).sum()
    }

    /// How often the unluckiest is called, if nobody is with less than so much of a contact left.
    fn rounds(&self, standing: &Standing, least: f64) -> u32 {
        let tried: Vec<(u32, u32)> =
            standing.areas.iter().flat_map(|pending| &pending.tried).copied().collect();
        let comes_to = |round: &u32| {
            let still = tried.iter().filter(|(tries, _)| self.left(*tries) >= *round);
            let contacts: f64 = still.map(|(_, contacts)| f64::from(*contacts)).sum();
            contacts * self.share_of_round(*round) >= least
        };
        (1..=self.most_attempts).take_while(comes_to).last().unwrap_or(1)
    }

    /// When the unluckiest of those who are called first at `from` is called for the last time, by the waits of the
    /// policy and where these caps hold, if nobody else calls the number.
    fn last_retry(
        &self,
        standing: &Standing,
        settings: &Settings,
        limits: &[Limit<'_>],
        from: End,
        jitter: f64,
    ) -> End {
        let (End::At(mut at), Some(outcome)) = (from, self.usual) else { return from };
        let (mut earlier, mut calls): (Vec<(Outcome, DateTime<Utc>)>, _) = (Vec::new(), vec![at]);
        let least = if jitter == 0.0 { HALF_A_CONTACT } else { ONE_OF_TWENTY };
        for _ in 1..self.rounds(standing, least) {
            let before = Earlier::of(earlier.iter().copied(), &settings.timezone);
            let Verdict::Due(due_at) = settings.verdict(&Ended { outcome, at, earlier: before }, jitter)
            else {
                break;
            };
            earlier.push((outcome, at));
            at = match allowance(limits, &calls, due_at) {
                Allowance::Now => due_at,
                Allowance::NotUntil { at, .. } => at,
            };
            calls.push(at);
        }
        End::At(at)
    }
}

/// When whoever is due then may be called, if he is among those of these for whom that is the earliest, or the latest.
fn opening(
    terms: &Terms<'_>,
    work: &[Work<'_>],
    due: End,
    of_all: fn(std::vec::IntoIter<DateTime<Utc>>) -> Option<DateTime<Utc>>,
) -> End {
    let End::At(at) = due else { return due };
    let openings = work.iter().filter_map(|work| match terms.opening(work.area, at) {
        Decision::Now { .. } => Some(at),
        Decision::NotUntil { at, .. } => Some(at),
        Decision::Never { .. } => None,
    });
    let openings: Vec<_> = openings.collect();
    End::At(of_all(openings.into_iter()).unwrap_or(at))
}

/// Rounded up: an end is not promised too early.
fn coarse(end: End) -> End {
    let up = |at: DateTime<Utc>| {
        let down = at.duration_trunc(AS_FINE_AS).unwrap_or(at);
        if down == at { at } else { down + AS_FINE_AS }
    };
    match end {
        End::At(at) => End::At(up(at)),
        End::After(at) => End::After(up(at)),
    }
}

fn two_digits(seconds: f64) -> TimeDelta {
    let unit = 10_f64.powf((seconds.max(1.0).log10().floor() - 1.0).max(0.0));
    TimeDelta::seconds(((seconds / unit).round() * unit) as i64)
}
