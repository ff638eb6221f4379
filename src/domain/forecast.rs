//! What becomes of a campaign's contacts if it goes on as it is: how many may be called now, from when on the others,
//! who never, and how long it takes. It is asked before a campaign is started, and while it runs.
//!
//! It works on counts. Whether it is time to call is asked of [`Terms`] once for all areas whose hours are the same, and
//! never for a contact, so that a million of them cost no more than the statement that counts them. When a single contact
//! is called next says `super::next_call`.

mod estimate;
mod past;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::estimate::{Estimate, estimate};
pub use self::past::{Basis, Calls, ENOUGH, Past, Rates};
pub use self::walk::End;
use super::area::Area;
use super::caps::{self, Reach};
use super::contactable::{Decision, Hours, Reason, Terms};
use super::rules::Cap;
use super::zone::Candidates;

/// From one value to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range<T> {
    /// The smaller.
    pub low: T,
    /// The larger.
    pub high: T,
}

/// How the contacts of a campaign stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// Those who are pending, by area.
    pub areas: Vec<Pending>,
    /// Those who are being called.
    pub calling: u32,
    /// Those who were reached.
    pub completed: u32,
    /// Those who were given up, whose number is good as far as is known.
    pub failed: u32,
    /// Those who were given up because the provider says that no such number can be called.
    pub invalid: u32,
    /// Those who are final because their number must not be contacted.
    pub suppressed: u32,
}

/// The pending contacts of an area. Each is in one of the counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The area.
    pub area: Arc<Area>,
    /// Those whose number must not be contacted now. Whoever is in another count may be.
    pub suppressed: u32,
    /// Those who are due when the campaign begins.
    pub due: u32,
    /// Those who would be due if their number had not been called so often lately, by the cap that holds longest.
    pub capped: Vec<Capped>,
    /// Those who are due later, and not because of a cap.
    pub later: Option<Later>,
    /// How many of all but the suppressed have been tried how often, as `(attempts that counted, contacts)`.
    pub tried: Vec<(u32, u32)>,
}

/// Contacts whose numbers have been called as often as a cap allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped {
    /// Who says so: `caps`, or a rule's name.
    pub rule: Arc<str>,
    /// The cap.
    pub cap: Cap,
    /// How many: at least one.
    pub contacts: u32,
    /// When the first of their numbers may be called again.
    pub first_at: DateTime<Utc>,
    /// When the last of them may be.
    pub last_at: DateTime<Utc>,
}

/// As a reason: `us-states/FL: at most 3 calls within 24 hours`.
impl std::fmt::Display for Capped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        caps::Limit { rule: &self.rule, cap: self.cap }.fmt(f)
    }
}

/// Contacts that are due later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// How many: at least one.
    pub contacts: u32,
    /// When the first of them is due.
    pub first_at: DateTime<Utc>,
    /// When the last of them is due.
    pub last_at: DateTime<Utc>,
}

impl Pending {
    /// When the first of those who may be called is due, or freed by a cap: at the beginning at the earliest.
    fn first_at(&self, begins_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = (self.due > 0).then_some(begins_at);
        let later = self.later.map(|later| later.first_at);
        let capped = self.capped.iter().map(|capped| capped.first_at);
        capped.chain(due).chain(later).min().map(|at| at.max(begins_at))
    }

    /// Nobody in an area.
    pub fn none_in(area: Arc<Area>) -> Self {
        Self { area, suppressed: 0, due: 0, capped: Vec::new(), later: None, tried: Vec::new() }
    }

    /// Adds contacts that a cap holds back.
    pub fn add_capped(&mut self, capped: &Capped) {
        Capped::add_to(&mut self.capped, capped);
    }

    /// Adds contacts that have been tried so often.
    pub fn add_tried(&mut self, attempts: u32, contacts: u32) {
        match self.tried.iter_mut().find(|(tries, _)| *tries == attempts) {
            Some((_, known)) => *known += contacts,
            None => self.tried.push((attempts, contacts)),
        }
    }
}

impl Later {
    /// These and those.
    #[must_use]
    pub fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        Self {
            contacts: self.contacts + other.contacts,
            first_at: self.first_at.min(other.first_at),
            last_at: self.last_at.max(other.last_at),
        }
    }
}

/// The caps of a campaign, and how much of a number's past decides about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The caps that hold now, by area; of one area in the order in which they are told.
    pub of_areas: Vec<Limit>,
    /// The calls that matter.
    pub reach: Reach,
}

/// A cap that holds for the numbers of an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The area's number in its campaign.
    pub area: i16,
    /// Who says so: `caps`, or a rule's name.
    pub rule: Arc<str>,
    /// The cap.
    pub cap: Cap,
}

impl Limits {
    /// No cap at all.
    pub const NONE: Self = Self { of_areas: Vec::new(), reach: Reach::NONE };

    /// The caps that hold at these terms for the numbers of each of these areas, which stand in the places of their
    /// numbers.
    pub fn of(terms: &Terms<'_>, areas: &[Arc<Area>], now: DateTime<Utc>) -> Self {
        let of_area = |(area, place): (i16, &Arc<Area>)| {
            let limits = terms.limits(place, now);
            let limits =
                limits.into_iter().map(move |limit| Limit { area, rule: limit.rule.into(), cap: limit.cap });
            limits.collect::<Vec<_>>()
        };
        Self { of_areas: (0..).zip(areas).flat_map(of_area).collect(), reach: terms.reach() }
    }
}

/// What becomes of the contacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast<'a> {
    /// How many of them stand how.
    pub counts: Counts,
    /// The pending ones by zones and hours, those who may be called now first.
    pub groups: Vec<Group<'a>>,
    /// When the first of those who are due later is due.
    pub first_due_at: Option<DateTime<Utc>>,
    /// Those whose numbers have been called as often as may be, by the cap that holds longest; the most first.
    pub capped: Vec<Capped>,
    /// The pending ones whose zone nothing tells, called or not. Those who are not are in the counts.
    pub without_zone: u32,
}

/// How many contacts stand how. Each is in one of the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Due, and it is time to call them.
    pub callable_now: u32,
    /// Due when the campaign begins, which is later, and then it is time to call them.
    pub not_started: u32,
    /// Due, and it is not time to call them.
    pub outside_hours: u32,
    /// Due later.
    pub due_later: u32,
    /// Due, or put off by a cap until it frees them: their number has been called as often as may be.
    pub capped: u32,
    /// Must not be contacted, final or not yet.
    pub suppressed: u32,
    /// Nothing tells their zone, and the campaign does not call in that case.
    pub unmapped: u32,
    /// All the hours that count for them are never open together.
    pub never: u32,
    /// Being called.
    pub calling: u32,
    /// Reached.
    pub completed: u32,
    /// Given up.
    pub failed: u32,
    /// Given up, because there is no such number.
    pub invalid: u32,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u32 {
        let open = self.callable_now + self.not_started;
        let pending = open + self.outside_hours + self.due_later + self.capped;
        let not_called = self.suppressed + self.unmapped + self.never;
        pending + not_called + self.calling + self.completed + self.failed + self.invalid
    }
}

/// Pending contacts, none of them suppressed, whose zones are the same, and of whom the hours say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// Their zones, or why nothing tells them.
    pub zones: &'a Candidates,
    /// What the hours say.
    pub decision: Decision<'a>,
    /// Those who are due.
    pub due: u32,
    /// Those who are due later.
    pub later: u32,
    /// Those whose numbers have been called as often as may be.
    pub capped: u32,
}

impl Group<'_> {
    /// All of them.
    pub fn contacts(&self) -> u32 {
        self.due + self.later + self.capped
    }
}

/// What becomes of contacts that stand so when their campaign begins, which is now or later, at these terms.
pub fn forecast<'a>(
    standing: &'a Standing,
    terms: &'a Terms<'_>,
    begins_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Forecast<'a> {
    let Standing { calling, completed, failed, invalid, suppressed, .. } = *standing;
    let mut counts = Counts { calling, completed, failed, invalid, suppressed, ..Counts::default() };
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut capped: Vec<Capped> = Vec::new();
    let mut known: BTreeMap<Hours<'a>, Decision<'a>> = BTreeMap::new();
    for pending in &standing.areas {
        counts.suppressed += pending.suppressed;
        let opening = || match terms.opening(&pending.area, begins_at) {
            Decision::Now { .. } if begins_at > now => {
                Decision::NotUntil { at: begins_at, because: Reason::NotStarted }
            }
            decision => decision,
        };
        let decision = match terms.hours(&pending.area) {
            Some(hours) => *known.entry(hours).or_insert_with(opening),
            None => opening(),
        };
        let group = Group::of(pending, decision);
        counts.add(&group);
        if !matches!(decision, Decision::Never { .. }) {
            pending.capped.iter().for_each(|of_area| Capped::add_to(&mut capped, of_area));
        }
        match groups.iter_mut().find(|known| known.is_like(&group)) {
            Some(known) => known.add(&group),
            None if group.contacts() > 0 => groups.push(group),
            None => {}
        }
    }
    groups.sort_by_key(|group| (turn(&group.decision), std::cmp::Reverse(group.contacts())));
    let later = standing.areas.iter().filter_map(|pending| pending.later);
    capped.sort_by_key(|capped| std::cmp::Reverse(capped.contacts));
    let unmapped = groups.iter().filter(|group| group.zones.zones().is_none());
    Forecast {
        counts,
        first_due_at: later.map(|later| later.first_at).min(),
        capped,
        without_zone: unmapped.map(Group::contacts).sum(),
        groups,
    }
}

impl Capped {
    fn add_to(all: &mut Vec<Self>, more: &Self) {
        match all.iter_mut().find(|known| (&known.rule, known.cap) == (&more.rule, more.cap)) {
            Some(known) => {
                known.contacts += more.contacts;
                known.first_at = known.first_at.min(more.first_at);
                known.last_at = known.last_at.max(more.last_at);
            }
            None => all.push(more.clone()),
        }
    }
}

impl Counts {
    /// The hours come last: before them it is asked whether somebody may ever be called, is due, and is not capped.
    fn add(&mut self, group: &Group<'_>) {
        match group.decision {
            Decision::Never { because: Reason::Unmapped(_) } => self.unmapped += group.contacts(),
            Decision::Never { .. } => self.never += group.contacts(),
            Decision::Now { .. } | Decision::NotUntil { .. } => {
                self.due_later += group.later;
                self.capped += group.capped;
                match group.decision {
                    Decision::Now { .. } => self.callable_now += group.due,
                    Decision::NotUntil { because: Reason::NotStarted, .. } => self.not_started += group.due,
                    _ => self.outside_hours += group.due,
                }
            }
        }
    }
}

impl<'a> Group<'a> {
    fn of(pending: &'a Pending, decision: Decision<'a>) -> Self {
        let later = pending.later.map_or(0, |later| later.contacts);
        let capped = pending.capped.iter().map(|capped| capped.contacts).sum();
        Self { zones: &pending.area.zones, decision, due: pending.due, later, capped }
    }

    fn is_like(&self, other: &Self) -> bool {
        let same_zones = match (self.zones, other.zones) {
            (Candidates::In { zones, .. }, Candidates::In { zones: others, .. }) => zones == others,
            (Candidates::Unmapped(why), Candidates::Unmapped(other)) => why == other,
            (Candidates::In { .. }, Candidates::Unmapped(_)) => false,
            (Candidates::Unmapped(_), Candidates::In { .. }) => false,
        };
        same_zones && self.decision == other.decision
    }

    fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.later += other.later;
        self.capped += other.capped;
    }
}

/// By what groups are ordered: now, then by the instant at which it opens, then never.
fn turn(decision: &Decision<'_>) -> (u8, Option<DateTime<Utc>>) {
    match decision {
        Decision::Now { .. } => (0, None),
        Decision::NotUntil { at, .. } => (1, Some(*at)),
        Decision::Never { .. } => (2, None),
    }
}
