//! Whether several schedules, each on the clock of its own zone, are open together, and when they are next.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::hours::{Schedule, Shut};
use crate::domain::zone::Zone;

/// How far ahead a common opening is looked for: over every season and every change of clocks.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// How far ahead the end of an opening is looked for. What is open longer is looked at again by then.
const END_AHEAD: TimeDelta = TimeDelta::days(8);

/// One schedule that has to be open, on the clock of one zone.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'a> {
    /// What it is called, such as `us-states/TX` or `business_hours`.
    pub rule: &'a str,
    /// When it is open.
    pub schedule: &'a Schedule,
    /// On whose clock.
    pub zone: &'a Zone,
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Permission<'a> {
    /// It may, at least until this instant, which is at most eight days away.
    Open {
        /// When it closes, or when to look again.
        until: DateTime<Utc>,
    },
    /// It may not before this instant, the first at which it may.
    ClosedUntil {
        /// When it opens.
        at: DateTime<Utc>,
        /// What is closed up to then.
        because: Because<'a>,
    },
    /// It may not within a year.
    Never {
        /// What never opens while everything else is open.
        because: Because<'a>,
    },
}

/// What keeps a call from beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Because<'a> {
    /// A rule in a zone.
    Closed {
        /// The rule's name.
        rule: &'a str,
        /// The zone on whose clock it is closed.
        zone: &'a Zone,
        /// Why it is closed.
        shut: Shut,
    },
    /// Two rules, each on the clock of its zone, of which one is closed whenever the other is open.
    Apart {
        /// The one's name.
        rule: &'a str,
        /// On whose clock.
        zone: &'a Zone,
        /// The other's name.
        other_rule: &'a str,
        /// On whose clock.
        other_zone: &'a Zone,
    },
    /// There is no zone to read a clock in, or no rule to go by.
    NothingKnown,
}

impl std::fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed { rule, zone, shut } => write!(f, "{rule} in {}: {shut}", zone.name()),
            Self::Apart { rule, zone, other_rule, other_zone } => write!(
                f,
                "{rule} in {} and {other_rule} in {} are never open together within a year",
                zone.name(),
                other_zone.name()
            ),
            Self::NothingKnown => f.write_str("neither a time zone nor a rule is known"),
        }
    }
}

/// Whether a call may begin now: whether every condition is open, and stays open for `margin`, which is how long it
/// may ring.
///
/// The search leaps: whichever condition is closed says when it opens next, and nothing before that instant can do.
pub fn permission<'a>(conditions: &[Condition<'a>], margin: TimeDelta, now: DateTime<Utc>) -> Permission<'a> {
    if conditions.is_empty() {
        return Permission::Never { because: Because::NothingKnown };
    }
    let horizon = now + AHEAD;
    let mut at = now;
    let mut last: Option<Because<'a>> = None;
    // Who was in the way before the one that is: the two of them leap over each other until the horizon.
    let mut in_the_way: [Option<Condition<'a>>; 2] = [None, None];
    loop {
        let Some(Obstacle { condition, shut, closed_at }) = obstacle(conditions, margin, at) else {
            return match last {
                None => Permission::Open { until: end(conditions, at) },
                Some(because) => Permission::ClosedUntil { at, because },
            };
        };
        let because = |shut| Because::Closed { rule: condition.rule, zone: condition.zone, shut };
        if in_the_way[0].is_none_or(|known| !known.is_called_like(condition)) {
            in_the_way = [Some(*condition), in_the_way[0]];
        }
        let Some(opens_at) = condition.schedule.opens(condition.zone, closed_at, horizon) else {
            return Permission::Never {
                because: match (why_never(condition, shut, horizon), in_the_way[1]) {
                    (unknown @ Shut::HolidaysUnknown(_), _) => because(unknown),
                    (shut, None) => because(shut),
                    (_, Some(other)) => apart(condition, &other),
                },
            };
        };
        at = opens_at;
        last = Some(because(shut));
    }
}

impl Condition<'_> {
    fn is_called_like(&self, other: &Condition<'_>) -> bool {
        self.rule == other.rule && self.zone.name() == other.zone.name()
    }
}

/// Whose order it is depends on the hour at which it is asked; it is told in one.
fn apart<'a>(one: &Condition<'a>, other: &Condition<'a>) -> Because<'a> {
    let (first, second) = if (one.rule, one.zone.name()) <= (other.rule, other.zone.name()) {
        (one, other)
    } else {
        (other, one)
    };
    Because::Apart { rule: first.rule, zone: first.zone, other_rule: second.rule, other_zone: second.zone }
}

/// Whether a call may begin now: what [`permission`] says, without looking for an end or for the next opening.
pub fn is_open(conditions: &[Condition<'_>], margin: TimeDelta, now: DateTime<Utc>) -> bool {
    !conditions.is_empty() && obstacle(conditions, margin, now).is_none()
}

/// What keeps a call from beginning at an instant.
struct Obstacle<'c, 'a> {
    condition: &'c Condition<'a>,
    shut: Shut,
    /// When it is closed: then, or before it could have rung.
    closed_at: DateTime<Utc>,
}

/// What is closed at an instant, or closes too soon after it.
fn obstacle<'c, 'a>(
    conditions: &'c [Condition<'a>],
    margin: TimeDelta,
    at: DateTime<Utc>,
) -> Option<Obstacle<'c, 'a>> {
    // Reading the clock costs least: first see that all are open.
    for condition in conditions {
        if let Some(shut) = condition.schedule.shut(condition.zone, at) {
            return Some(Obstacle { condition, shut, closed_at: at });
        }
    }
    let closing = |condition: &'c Condition<'a>| {
        let closed_at = condition.schedule.closes_within(condition.zone, at, margin)?;
        Some(Obstacle { condition, shut: Shut::ClosesSoon, closed_at })
    };
    conditions.iter().find_map(closing)
}

/// When the first of those that are open at an instant closes, or when to look again; none if one of them is closed.
pub fn closing(conditions: &[Condition<'_>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let is_open = obstacle(conditions, TimeDelta::zero(), at).is_none();
    is_open.then(|| end(conditions, at))
}

/// When the first of those that are open at an instant closes, or when to look again.
fn end(conditions: &[Condition<'_>], at: DateTime<Utc>) -> DateTime<Utc> {
    let closes = |until, condition: &Condition<'_>| {
        condition.schedule.closes(condition.zone, at, until).unwrap_or(until)
    };
    conditions.iter().fold(at + END_AHEAD, closes)
}

/// Where the tables of holidays end before the horizon that is why it never opens, not the hour at which it was asked.
fn why_never(condition: &Condition<'_>, shut: Shut, horizon: DateTime<Utc>) -> Shut {
    match (shut, condition.schedule.shut(condition.zone, horizon)) {
        (
            Shut::OutsideHours | Shut::Holiday(..) | Shut::ClosesSoon,
            Some(unknown @ Shut::HolidaysUnknown(_)),
        ) => unknown,
        _ => shut,
    }
}
