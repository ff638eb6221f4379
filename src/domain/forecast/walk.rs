//! How long work takes that can be done only while somebody who is left may be called, one call at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::area::Area;
use crate::domain::contactable::{Decision, Hours, Terms};

/// How far ahead it is looked. Who would need longer is told so.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// So often the hours are asked at most, in one walk: a hundred different hours for two weeks and more.
const MOST_QUESTIONS: u32 = 3_000;

/// When something is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Then.
    At(DateTime<Utc>),
    /// Later than this; how much later was not looked for.
    After(DateTime<Utc>),
}

impl End {
    /// So much later.
    pub(super) fn after(self, span: TimeDelta) -> Self {
        match self {
            Self::At(at) => Self::At(at + span),
            Self::After(at) => Self::After(at + span),
        }
    }

    /// The instant, as far as one is known.
    pub fn instant(self) -> DateTime<Utc> {
        match self {
            Self::At(at) | Self::After(at) => at,
        }
    }
}

/// Calls to people whose hours are the same.
#[derive(Debug, Clone)]
pub(super) struct Work<'a> {
    /// One of their areas.
    pub(super) area: &'a Area,
    /// How many seconds of dialing are left.
    pub(super) seconds: f64,
}

/// Work by areas, those taken together whose hours are the same because the same rules hold on the same clocks. Areas
/// that may never be called are left out.
pub(super) fn by_hours<'a>(
    terms: &'a Terms<'_>,
    work: impl IntoIterator<Item = Work<'a>>,
    now: DateTime<Utc>,
) -> Vec<Work<'a>> {
    let mut together: BTreeMap<Hours<'a>, Option<Work<'a>>> = BTreeMap::new();
    for work in work {
        let Some(hours) = terms.hours(work.area) else { continue };
        let known = together.entry(hours).or_insert_with(|| {
            let never = matches!(terms.opening(work.area, now), Decision::Never { .. });
            (!never).then_some(Work { area: work.area, seconds: 0.0 })
        });
        if let Some(known) = known {
            known.seconds += work.seconds;
        }
    }
    together.into_values().flatten().collect()
}

/// When the work is done that is begun at this instant.
///
/// Of several areas that are open together each gets its share of the time, by what is left of it: a list is mixed.
pub(super) fn walk(terms: &Terms<'_>, work: &[Work<'_>], from: DateTime<Utc>) -> End {
    let mut left: Vec<Left<'_>> = work.iter().map(|work| Left::of(work, from)).collect();
    let (mut now, mut questions) = (from, 0);
    loop {
        left.retain(|one| one.seconds > 0.0);
        if left.is_empty() {
            return End::At(now);
        }
        for one in left.iter_mut().filter(|one| one.changes_at <= now) {
            questions += 1;
            if !one.look(terms, now) {
                return End::After(now);
            }
        }
        if questions > MOST_QUESTIONS || now > from + AHEAD {
            return End::After(now);
        }
        let changes_at = left.iter().map(|one| one.changes_at).min().unwrap_or(now);
        now = work_until(&mut left, now, changes_at);
    }
}

struct Left<'a> {
    area: &'a Area,
    seconds: f64,
    is_open: bool,
    changes_at: DateTime<Utc>,
}

impl<'a> Left<'a> {
    fn of(work: &Work<'a>, from: DateTime<Utc>) -> Self {
        Self { area: work.area, seconds: work.seconds, is_open: false, changes_at: from }
    }

    /// Returns false if it is never open any more.
    fn look(&mut self, terms: &Terms<'_>, now: DateTime<Utc>) -> bool {
        (self.is_open, self.changes_at) = match terms.opening(self.area, now) {
            Decision::Now { until } => (true, until),
            Decision::NotUntil { at, .. } => (false, at),
            Decision::Never { .. } => return false,
        };
        true
    }
}

/// Works until an instant, or until everything that is open is done. Returns when that is.
fn work_until(left: &mut [Left<'_>], now: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    let open: f64 = left.iter().filter(|one| one.is_open).map(|one| one.seconds).sum();
    let span = (until - now).as_seconds_f64();
    // Less than a millisecond is nothing, and would never end.
    let done = if open <= span + 0.001 { 1.0 } else { span / open };
    for one in left.iter_mut().filter(|one| one.is_open) {
        one.seconds = if done < 1.0 { one.seconds * (1.0 - done) } else { 0.0 };
    }
    if done < 1.0 || open == 0.0 {
        return until;
    }
    now + TimeDelta::milliseconds((open * 1000.0).ceil() as i64)
}
