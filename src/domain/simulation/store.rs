//! The database in memory. Each method is one statement or transaction of `db`, with its meaning and its name; what a
//! constraint forbids there panics here. Left out is what letting go of a wrongly adopted call does: in this world
//! nobody else calls through the account, so nothing is adopted wrongly.

mod attempts;
mod recount;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) use attempts::{Claim, Permission, Settlement, Whose};

use crate::domain::answering_machine::Detection;
use crate::domain::area::Area;
use crate::domain::attempt::{Facts, Status, outcome};
use crate::domain::breaker;
use crate::domain::callback::{Callback, Effect, NoCallback, Standing, ask};
use crate::domain::campaign::{Move, State};
use crate::domain::contact::ContactState;
use crate::domain::dialer::{Objection, OpenAttempt, Queue, Stage};
use crate::domain::outcome::Outcome;
use crate::domain::reconcile::Silence;
use crate::domain::retry::Earlier;
use crate::domain::rules::Rules;
use crate::domain::settings::Settings;

use super::flaw::Flaw;

pub(super) type Phone = u32;
pub(super) type Sid = usize;

/// A node's claim to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) campaign: usize,
    pub(super) node: usize,
    pub(super) epoch: u64,
}

#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) state: State,
    /// When it was last stopped, exactly while it does not run.
    pub(super) stopped_at: Option<DateTime<Utc>>,
    pub(super) node: Option<usize>,
    pub(super) epoch: u64,
    pub(super) settings: Arc<Settings>,
    /// Grows with every edit.
    settings_version: u32,
    pub(super) starts_at: Option<DateTime<Utc>>,
    last_call_ended_at: Option<DateTime<Utc>>,
    pub(super) rules: Rules,
    areas: Vec<AreaRow>,
    limit: Option<Limit>,
    last_event: usize,
    pub(super) counts: Counts,
}

/// How many different contacts it calls until it is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    size: u32,
    left: u32,
    /// Whether it is paused because none are left.
    is_reached: bool,
}

/// The contacts of a campaign that may be in the same zones, and its cursors.
#[derive(Debug)]
struct AreaRow {
    area: Arc<Area>,
    order_cursor: usize,
    due_cursor: DateTime<Utc>,
}

impl AreaRow {
    fn new(area: Area) -> Self {
        Self { area: Arc::new(area), order_cursor: 0, due_cursor: DateTime::<Utc>::MIN_UTC }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) contacts: BTreeMap<ContactState, u32>,
    attempts: u32,
    retries: u32,
    outcomes: BTreeMap<Outcome, u32>,
    talk_seconds: u64,
}

#[derive(Debug)]
pub(super) struct Contact {
    pub(super) campaign: usize,
    /// Its place in the list, from 1.
    position: usize,
    pub(super) phone: Phone,
    /// Its place among the campaign's areas.
    area: usize,
    pub(super) state: ContactState,
    pub(super) due_at: Option<DateTime<Utc>>,
    timed: bool,
    pub(super) attempts: u32,
    last_number: u32,
    callback: Option<Callback>,
    callback_waits: bool,
    /// How many were promised: each may be one attempt more than the policy allows.
    callbacks: u32,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) campaign: usize,
    pub(super) contact: usize,
    number: u32,
    /// Whether it was claimed within the campaign's limit.
    is_limited: bool,
    /// The version of the settings by which it was claimed.
    pub(super) settings_version: u32,
    pub(super) phone: Phone,
    pub(super) sid: Option<Sid>,
    sid_is_adopted: bool,
    pub(super) facts: Option<Facts>,
    pub(super) intended_at: DateTime<Utc>,
    heard_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
    end_asked_at: Option<DateTime<Utc>>,
    pub(super) settled: Option<(Outcome, DateTime<Utc>)>,
    /// The end that was written when it was settled: only the flawed variant writes one.
    given_end: Option<DateTime<Utc>>,
}

impl Attempt {
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.settled.map(|(outcome, _)| outcome)
    }
}

/// What the outbox is told. An attempt that is opened again is not told of, as in `db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    StateChanged,
    SettingsEdited,
    ContactSuppressed,
    ContactVetoed,
    CallbackAsked,
    AttemptEnded,
}

/// What `db::look` returns, as far as it concerns the campaign.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) state: State,
    pub(super) owner: (Option<usize>, u64),
    pub(super) settings: Arc<Settings>,
    pub(super) settings_version: u32,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) open: Option<OpenAttempt>,
    pub(super) revived: Option<Uuid>,
    pub(super) last_call_ended_at: Option<DateTime<Utc>>,
    pub(super) recent: Vec<breaker::Call>,
    pub(super) rules: Rules,
    pub(super) queues: Vec<Queue>,
    pub(super) has_unfinished: bool,
    pub(super) limit_left: Option<u32>,
}

pub(super) struct Store {
    pub(super) campaigns: Vec<Campaign>,
    pub(super) contacts: Vec<Contact>,
    pub(super) attempts: Vec<Attempt>,
    /// Numbers that must not be contacted, and since when.
    pub(super) suppressions: BTreeMap<Phone, DateTime<Utc>>,
    /// Until when each node is alive to the others.
    pub(super) alive_until: Vec<DateTime<Utc>>,
    events: Vec<(usize, Event)>,
    flaw: Option<Flaw>,
}

pub(super) fn attempt_id(index: usize) -> Uuid {
    Uuid::from_u128(index as u128)
}

pub(super) fn attempt_index(id: Uuid) -> usize {
    id.as_u128() as usize
}

impl Store {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            campaigns: Vec::new(),
            contacts: Vec::new(),
            attempts: Vec::new(),
            suppressions: BTreeMap::new(),
            alive_until: Vec::new(),
            events: Vec::new(),
            flaw,
        }
    }

    pub(super) fn insert_campaign(
        &mut self,
        (settings, rules): (Settings, Rules),
        starts_at: Option<DateTime<Utc>>,
        areas: Vec<Area>,
        phones: &[Phone],
        now: DateTime<Utc>,
    ) {
        let campaign = self.campaigns.len();
        let mut counts = Counts::default();
        counts.contacts.insert(ContactState::Pending, phones.len() as u32);
        self.campaigns.push(Campaign {
            state: State::Draft,
            stopped_at: Some(now),
            node: None,
            epoch: 0,
            settings: Arc::new(settings),
            settings_version: 1,
            starts_at,
            last_call_ended_at: None,
            rules,
            areas: areas.into_iter().map(AreaRow::new).collect(),
            limit: None,
            last_event: 0,
            counts,
        });
        self.contacts.extend(phones.iter().enumerate().map(|(place, &phone)| Contact {
            campaign,
            position: place + 1,
            phone,
            area: phone as usize % self.campaigns[campaign].areas.len(),
            state: ContactState::Pending,
            due_at: Some(now),
            timed: false,
            attempts: 0,
            last_number: 0,
            callback: None,
            callback_waits: false,
            callbacks: 0,
        }));
    }

    pub(super) fn look(&self, campaign: usize) -> Look {
        let row = &self.campaigns[campaign];
        Look {
            state: row.state,
            owner: (row.node, row.epoch),
            settings: row.settings.clone(),
            settings_version: row.settings_version,
            starts_at: row.starts_at,
            open: self.open_attempt(campaign).map(|index| self.read_open_attempt(index)),
            revived: self.revived(campaign).map(attempt_id),
            last_call_ended_at: row.last_call_ended_at,
            recent: self.recent(campaign),
            rules: row.rules.clone(),
            queues: self.queues(campaign),
            has_unfinished: self.has_unfinished(campaign),
            limit_left: row.limit.map(|limit| limit.left),
        }
    }

    fn recent(&self, campaign: usize) -> Vec<breaker::Call> {
        let settled = self.attempts.iter().rev().filter(|attempt| attempt.campaign == campaign);
        let settled = settled.filter_map(|attempt| {
            let (outcome, settled_at) = attempt.settled?;
            let ended_at = attempt.facts.as_ref().and_then(|facts| facts.ended_at);
            Some(breaker::Call { outcome, ended_at: ended_at.unwrap_or(settled_at) })
        });
        let is_call = |call: &breaker::Call| call.outcome != Outcome::NotPlaced;
        settled.take(breaker::AMONG).filter(is_call).take(breaker::WINDOW).collect()
    }

    fn queues(&self, campaign: usize) -> Vec<Queue> {
        let queue = |(number, row): (usize, &AreaRow)| {
            let first = [self.first_timed(campaign, number), self.first_in_order(campaign, number)];
            let due = first.into_iter().flatten().filter_map(|contact| self.contacts[contact].due_at);
            let (number, area, next_due_at) = (number as i16, row.area.clone(), due.min()?);
            Some(Queue { number, area, next_due_at, calls_to_next: Vec::new() })
        };
        self.campaigns[campaign].areas.iter().enumerate().filter_map(queue).collect()
    }

    fn read_open_attempt(&self, index: usize) -> OpenAttempt {
        let attempt = &self.attempts[index];
        let asked_at = attempt.asked_at;
        let heard_at = || attempt.heard_at.expect("an attempt with a call was heard of");
        let stage = match (&attempt.sid, &attempt.facts) {
            (None, None) => {
                Stage::Under { silence: Silence::Unplaced { intended_at: attempt.intended_at }, asked_at }
            }
            (Some(_), None) => Stage::Under { silence: Silence::Ringing { heard_at: heard_at() }, asked_at },
            (_, Some(facts)) => match outcome(facts.status, facts.answered_by, facts.sip_code) {
                Some(outcome) => {
                    let at = attempt.given_end.into_iter().chain(facts.ended_at).min();
                    let settings = &self.campaigns[attempt.campaign].settings;
                    let is_beside = settings.answering_machine.detection(false) == Some(Detection::Beside);
                    let is_silent = facts.status == Status::Completed && facts.answered_by.is_none();
                    Stage::Ended {
                        outcome,
                        at: at.expect("an ended call ended at some instant"),
                        awaits_verdict: is_beside && is_silent,
                    }
                }
                None if facts.status == Status::InProgress => {
                    Stage::Under { silence: Silence::Talking { heard_at: heard_at() }, asked_at }
                }
                None => Stage::Under { silence: Silence::Ringing { heard_at: heard_at() }, asked_at },
            },
        };
        let suppressed = self.suppressions.contains_key(&attempt.phone);
        let objection = suppressed.then_some(Objection::Suppressed { until: None });
        let end_asked_at = attempt.end_asked_at;
        OpenAttempt {
            id: attempt_id(index),
            area: self.area_of(index),
            earlier: self.find_earlier(index),
            stage,
            objection,
            end_asked_at,
        }
    }

    /// The attempts of the same contact that were settled before.
    pub(super) fn find_earlier(&self, index: usize) -> Earlier {
        let attempt = &self.attempts[index];
        let earlier = self.attempts[..index].iter().filter(|other| other.contact == attempt.contact);
        let settled = earlier.filter_map(|other| {
            let (outcome, settled_at) = other.settled?;
            let ended_at = other.facts.as_ref().and_then(|facts| facts.ended_at);
            Some((outcome, ended_at.unwrap_or(settled_at)))
        });
        Earlier::of(settled, &self.campaigns[attempt.campaign].settings.timezone)
    }

    pub(super) fn area_of(&self, attempt: usize) -> Arc<Area> {
        let attempt = &self.attempts[attempt];
        self.campaigns[attempt.campaign].areas[self.contacts[attempt.contact].area].area.clone()
    }

    pub(super) fn open_attempt(&self, campaign: usize) -> Option<usize> {
        let mut open = (0..self.attempts.len()).filter(|&index| {
            self.attempts[index].campaign == campaign && self.attempts[index].settled.is_none()
        });
        let first = open.next();
        assert_eq!(open.next(), None, "one_open_call_per_campaign");
        first
    }

    fn revived(&self, campaign: usize) -> Option<usize> {
        let at_work =
            matches!(self.campaigns[campaign].state, State::Pending | State::Running | State::Paused);
        (0..self.attempts.len()).find(|&index| {
            let attempt = &self.attempts[index];
            at_work
                && attempt.campaign == campaign
                && attempt.outcome() == Some(Outcome::Unknown)
                && attempt.facts.is_some()
                && self.is_last_try_of_an_idle_contact(index)
        })
    }

    fn is_last_try_of_an_idle_contact(&self, attempt: usize) -> bool {
        let attempt = &self.attempts[attempt];
        let contact = &self.contacts[attempt.contact];
        contact.last_number == attempt.number
            && matches!(contact.state, ContactState::Pending | ContactState::Failed)
    }

    fn has_unfinished(&self, campaign: usize) -> bool {
        let counts = &self.campaigns[campaign].counts;
        [ContactState::Pending, ContactState::Calling].iter().any(|state| counts.of(*state) > 0)
    }

    fn lock(&mut self, owner: Owner) -> Option<&mut Campaign> {
        let row = &mut self.campaigns[owner.campaign];
        let is_fenced = self.flaw != Some(Flaw::IgnoresTheFence);
        (!is_fenced || row.node == Some(owner.node) && row.epoch == owner.epoch).then_some(row)
    }

    /// A move of the dialer's own.
    pub(super) fn make_move(&mut self, owner: Owner, attempted: Move, now: DateTime<Utc>) -> bool {
        let Some(state) = self.lock(owner).map(|row| row.state) else { return false };
        let Ok(target) = state.after(attempted) else { return false };
        if target == State::Completed && self.has_unfinished(owner.campaign) {
            return false;
        }
        self.write_state(owner.campaign, target, now);
        true
    }

    /// A person's command, given at a node.
    pub(super) fn command(&mut self, campaign: usize, given: Move, node: usize, now: DateTime<Utc>) -> bool {
        let Ok(target) = self.campaigns[campaign].state.after(given) else { return false };
        self.set_limit(campaign, given);
        self.write_state(campaign, target, now);
        let owner_lives = self.owner_lives(campaign, now);
        let row = &mut self.campaigns[campaign];
        if target == State::Pending && !owner_lives {
            (row.node, row.epoch) = (Some(node), row.epoch + 1);
        }
        true
    }

    /// Every other campaign is started for half of its contacts, and goes on for all when it is resumed after them.
    fn set_limit(&mut self, campaign: usize, given: Move) {
        let row = &mut self.campaigns[campaign];
        let contacts: u32 = row.counts.contacts.values().sum();
        match given {
            Move::Start if campaign % 2 == 1 => {
                let size = contacts.div_ceil(2);
                row.limit = Some(Limit { size, left: size, is_reached: false });
            }
            Move::Resume if row.limit.is_some_and(|limit| limit.is_reached) => row.limit = None,
            _ => {}
        }
    }

    /// The pause of a campaign that has called as many as it was started for. Returns whether it was paused.
    pub(super) fn pause_at_limit(&mut self, owner: Owner, now: DateTime<Utc>) -> bool {
        let is_paused = self.make_move(owner, Move::Pause, now);
        if let Some(limit) = self.campaigns[owner.campaign].limit.as_mut().filter(|_| is_paused) {
            limit.is_reached = limit.left == 0;
        }
        is_paused
    }

    /// A person edits the settings of a campaign.
    pub(super) fn edit_settings(&mut self, campaign: usize, settings: Arc<Settings>) {
        if self.flaw != Some(Flaw::KeepsOldSettings) {
            let row = &mut self.campaigns[campaign];
            (row.settings, row.settings_version) = (settings, row.settings_version + 1);
            self.note(campaign, Event::SettingsEdited);
        }
    }

    /// Somebody asks at a node to be called then.
    pub(super) fn ask_for_callback(
        &mut self,
        contact: usize,
        at: DateTime<Utc>,
        node: usize,
        now: DateTime<Utc>,
    ) -> Result<Effect, NoCallback> {
        let (row, wanted) = (&self.contacts[contact], Callback { at, note: None });
        let campaign = row.campaign;
        let standing = Standing {
            campaign: self.campaigns[campaign].state,
            has_schedule: false,
            contact: row.state,
            last_outcome: self.last_outcome(contact),
            is_suppressed: self.suppressions.contains_key(&row.phone),
            is_erased: false,
            callback: row.callback.clone(),
        };
        let effect = ask(&standing, &wanted, now)?;
        if effect == Effect::Unchanged {
            return Ok(effect);
        }
        if effect == (Effect::DueThen { reopens_campaign: true }) {
            self.write_state(campaign, State::Running, now);
            if !self.owner_lives(campaign, now) {
                let row = &mut self.campaigns[campaign];
                (row.node, row.epoch) = (Some(node), row.epoch + 1);
            }
        }
        if effect != Effect::AfterItsCall {
            self.move_contact(contact, ContactState::Pending, Some(at));
            let area = self.contacts[contact].area;
            let cursor = &mut self.campaigns[campaign].areas[area].due_cursor;
            *cursor = at.min(*cursor);
        }
        let row = &mut self.contacts[contact];
        (row.callback, row.callback_waits, row.timed) = (Some(wanted), true, true);
        row.callbacks += 1;
        self.note(campaign, Event::CallbackAsked);
        Ok(effect)
    }

    fn last_outcome(&self, contact: usize) -> Option<Outcome> {
        let of_contact = self.attempts.iter().filter(|attempt| attempt.contact == contact);
        of_contact.rev().find_map(Attempt::outcome)
    }

    fn write_state(&mut self, campaign: usize, state: State, now: DateTime<Utc>) {
        let row = &mut self.campaigns[campaign];
        let stays_stopped = row.stopped_at.unwrap_or(now);
        row.state = state;
        row.stopped_at = (state != State::Running).then_some(stays_stopped);
        self.note(campaign, Event::StateChanged);
    }

    fn note(&mut self, campaign: usize, event: Event) {
        self.events.push((campaign, event));
        self.campaigns[campaign].last_event += 1;
    }

    fn owner_lives(&self, campaign: usize, now: DateTime<Utc>) -> bool {
        self.campaigns[campaign].node.is_some_and(|node| self.alive_until[node] > now)
    }

    fn has_something_to_do(&self, campaign: usize) -> bool {
        matches!(self.campaigns[campaign].state, State::Pending | State::Running)
            || self.open_attempt(campaign).is_some()
    }

    /// How many more campaigns belong to a node than its share.
    fn beyond_share(&self, node: usize, now: DateTime<Utc>) -> i64 {
        let dialing = self.campaigns.iter().filter(|row| is_dialing(row.state));
        let (mine, everybodys) = dialing.fold((0, 0), |(mine, everybodys), row| {
            (mine + i64::from(row.node == Some(node)), everybodys + 1)
        });
        let living = self.alive_until.iter().filter(|until| **until > now).count().max(1) as i64;
        mine - (everybodys + living - 1) / living
    }

    /// Lets go of campaigns beyond the node's share, except while one of them is on the phone.
    pub(super) fn hand_over(&mut self, node: usize, now: DateTime<Utc>) -> bool {
        let beyond = self.beyond_share(node, now).max(0) as usize;
        let excess = (0..self.campaigns.len()).rev().filter(|&campaign| {
            let row = &self.campaigns[campaign];
            row.node == Some(node) && is_dialing(row.state) && row.counts.of(ContactState::Calling) == 0
        });
        let excess: Vec<usize> = excess.take(beyond).collect();
        excess.iter().for_each(|&campaign| self.campaigns[campaign].node = None);
        !excess.is_empty()
    }

    /// Takes campaigns without a living owner: of those that dial, up to the node's share.
    pub(super) fn take_over(&mut self, node: usize, now: DateTime<Utc>) -> bool {
        if self.flaw == Some(Flaw::NeverTakesOver) && node > 0 {
            return false;
        }
        let mut wanting = (-self.beyond_share(node, now)).max(0);
        let mut taken = false;
        for campaign in self.ownerless(now) {
            if is_dialing(self.campaigns[campaign].state) {
                if wanting == 0 {
                    continue;
                }
                wanting -= 1;
            }
            let row = &mut self.campaigns[campaign];
            (row.node, row.epoch) = (Some(node), row.epoch + 1);
            taken = true;
        }
        taken
    }

    fn ownerless(&self, now: DateTime<Utc>) -> Vec<usize> {
        let all = 0..self.campaigns.len();
        all.filter(|&campaign| self.has_something_to_do(campaign) && !self.owner_lives(campaign, now))
            .collect()
    }

    /// Whether every campaign has an owner, and no owner more than his share.
    pub(super) fn is_evenly_shared(&self, now: DateTime<Utc>) -> bool {
        let mut living = (0..self.alive_until.len()).filter(|&node| self.alive_until[node] > now);
        self.ownerless(now).is_empty() && living.all(|node| self.beyond_share(node, now) <= 0)
    }

    /// A process that stops lets go of everything.
    pub(super) fn leave(&mut self, node: usize, now: DateTime<Utc>) {
        self.alive_until[node] = now;
        self.campaigns.iter_mut().filter(|row| row.node == Some(node)).for_each(|row| row.node = None);
    }

    pub(super) fn list_owned(&self, node: usize) -> Vec<Owner> {
        (0..self.campaigns.len())
            .filter(|&campaign| self.campaigns[campaign].node == Some(node))
            .filter(|&campaign| self.has_something_to_do(campaign))
            .map(|campaign| Owner { campaign, node, epoch: self.campaigns[campaign].epoch })
            .collect()
    }

    /// The node's campaigns whose next step seems overdue.
    pub(super) fn list_overdue(
        &self,
        node: usize,
        now: DateTime<Utc>,
        quiet_since: DateTime<Utc>,
    ) -> Vec<usize> {
        let is_overdue = |campaign: usize| {
            let row = &self.campaigns[campaign];
            if let Some(open) = self.open_attempt(campaign) {
                let attempt = &self.attempts[open];
                let heard = [Some(attempt.intended_at), attempt.heard_at, attempt.asked_at];
                let ended = attempt.facts.as_ref().is_some_and(|facts| facts.ended_at.is_some());
                return ended || heard.into_iter().max().flatten() < Some(quiet_since);
            }
            match row.state {
                State::Pending => row.starts_at.is_none_or(|starts_at| starts_at <= now),
                _ => {
                    !self.has_unfinished(campaign)
                        || self.queues(campaign).iter().any(|queue| queue.next_due_at <= now)
                }
            }
        };
        let owned = self.list_owned(node).into_iter().map(|owner| owner.campaign);
        owned.filter(|campaign| is_overdue(*campaign)).collect()
    }
}

fn is_dialing(state: State) -> bool {
    matches!(state, State::Pending | State::Running)
}

impl Counts {
    pub(super) fn of(&self, state: ContactState) -> u32 {
        self.contacts.get(&state).copied().unwrap_or(0)
    }

    fn moved(&mut self, from: ContactState, to: ContactState) {
        let left = self.contacts.get_mut(&from).expect("a contact was counted in the state it leaves");
        *left = left.checked_sub(1).expect("counts_are_not_negative");
        *self.contacts.entry(to).or_default() += 1;
    }
}
