//! `db::attempts`: claim, record, adopt, settle, reopen.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::attempt::Facts;
use crate::domain::campaign::{Move, State};
use crate::domain::contact::ContactState;
use crate::domain::contactable::Terms;
use crate::domain::dialer::Queue;
use crate::domain::fate::{Fate, FirstDue};
use crate::domain::outcome::Outcome;
use crate::domain::retry::Verdict;
use crate::domain::simulation::flaw::Flaw;

use super::{Attempt, Campaign, Event, Owner, Phone, Sid, Store};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain::simulation) enum Claim {
    Attempt { attempt: usize },
    Suppressed,
    PassedOver,
    NotNow,
    Another,
    Nobody,
    NotOurs,
}

/// Whose call a claim may begin: anybody's, or only that of whoever was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain::simulation) enum Whose {
    Anybody,
    Only(Option<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain::simulation) enum Permission {
    Granted,
    Refused,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::domain::simulation) struct Settlement {
    pub(in crate::domain::simulation) attempt: usize,
    pub(in crate::domain::simulation) outcome: Outcome,
    pub(in crate::domain::simulation) verdict: Verdict,
    pub(in crate::domain::simulation) call_ended_at: Option<DateTime<Utc>>,
    pub(in crate::domain::simulation) last_word: Option<DateTime<Utc>>,
}

impl Store {
    pub(in crate::domain::simulation) fn claim_next(
        &mut self,
        owner: Owner,
        terms: &Terms<'_>,
        (open, whose): (&[&Queue], Whose),
        now: DateTime<Utc>,
    ) -> Claim {
        match self.lock(owner) {
            Some(row) if row.state == State::Running && row.limit.is_none_or(|limit| limit.left > 0) => {}
            _ => return Claim::NotOurs,
        }
        let Some((contact, area)) = self.first_due(owner.campaign, open, now) else { return Claim::Nobody };
        let fate = self.fate(contact, area, terms, now);
        match fate {
            Fate::Call if matches!(whose, Whose::Only(asked_about) if asked_about != Some(contact)) => {
                Claim::Another
            }
            Fate::Call => {
                self.move_cursor(contact);
                self.begin(contact, now)
            }
            Fate::Suppress => {
                self.move_cursor(contact);
                self.move_contact(contact, ContactState::Suppressed, None);
                self.note(owner.campaign, Event::ContactSuppressed);
                Claim::Suppressed
            }
            Fate::PassOver { until } => {
                self.move_cursor(contact);
                let row = &mut self.contacts[contact];
                (row.timed, row.due_at) = (true, Some(until));
                Claim::PassedOver
            }
            Fate::Stay => Claim::NotNow,
            Fate::Block(_) | Fate::PutOff { .. } | Fate::Refile => {
                unreachable!("this world has no caps, and its areas are known")
            }
        }
    }

    /// What becomes of the first due contact, who is in this area as far as the dialer sees.
    fn fate(&self, contact: usize, area: &Queue, terms: &Terms<'_>, now: DateTime<Utc>) -> Fate {
        let row = &self.contacts[contact];
        let first = FirstDue {
            due_at: row.due_at.expect("a pending contact is due some time"),
            area: &area.area,
            is_suppressed: self.suppressions.contains_key(&row.phone)
                && self.flaw != Some(Flaw::ClaimsSuppressedNumbers),
            is_taken: self.is_being_called(row.phone) && self.flaw != Some(Flaw::ClaimsTakenNumbers),
            calls: &[],
        };
        first.fate(terms, now)
    }

    /// The first due contact of the areas that are open, and the queue in which he stands.
    fn first_due<'q>(
        &self,
        campaign: usize,
        open: &[&'q Queue],
        now: DateTime<Utc>,
    ) -> Option<(usize, &'q Queue)> {
        let timed = open.iter().filter_map(|&queue| {
            let contact = self.first_timed(campaign, queue.number as usize)?;
            Some((contact, queue))
        });
        let timed = timed.filter(|&(contact, _)| self.contacts[contact].due_at <= Some(now));
        let timed = timed.min_by_key(|&(contact, _)| self.contacts[contact].due_at);
        let in_order = open.iter().filter_map(|&queue| {
            let contact = self.first_in_order(campaign, queue.number as usize)?;
            Some((contact, queue))
        });
        timed.or_else(|| in_order.min_by_key(|&(contact, _)| contact))
    }

    /// Who would be called next, if anybody would be.
    pub(in crate::domain::simulation) fn find_next(
        &self,
        campaign: usize,
        terms: &Terms<'_>,
        open: &[&Queue],
        now: DateTime<Utc>,
    ) -> Option<usize> {
        let (contact, area) = self.first_due(campaign, open, now)?;
        (self.fate(contact, area, terms, now) == Fate::Call).then_some(contact)
    }

    pub(in crate::domain::simulation) fn veto(&mut self, owner: Owner, contact: usize) -> bool {
        let may = self.may_decide_about(owner, contact);
        if may {
            self.move_cursor_past(contact);
            self.contacts[contact].callback_waits = false;
            self.move_contact(contact, ContactState::Failed, None);
            self.note(owner.campaign, Event::ContactVetoed);
        }
        may
    }

    pub(in crate::domain::simulation) fn postpone(
        &mut self,
        owner: Owner,
        contact: usize,
        due_at: DateTime<Utc>,
    ) {
        if self.may_decide_about(owner, contact) {
            self.move_cursor_past(contact);
            let row = &mut self.contacts[contact];
            (row.timed, row.due_at) = (true, Some(due_at));
            let cursor = &mut self.campaigns[row.campaign].areas[row.area].due_cursor;
            *cursor = due_at.min(*cursor);
        }
    }

    fn may_decide_about(&mut self, owner: Owner, contact: usize) -> bool {
        self.lock(owner).is_some_and(|row| row.state == State::Running)
            && self.contacts[contact].state == ContactState::Pending
    }

    /// Moves the cursor of a contact's queue to him, unless somebody who is pending stands before him by now.
    fn move_cursor_past(&mut self, contact: usize) {
        let row = &self.contacts[contact];
        let first = match row.timed {
            true => self.first_timed(row.campaign, row.area),
            false => self.first_in_order(row.campaign, row.area),
        };
        let is_before = |first: usize| self.contacts[first].due_at < row.due_at;
        if first == Some(contact) || row.timed && !first.is_some_and(is_before) {
            self.move_cursor(contact);
        }
    }

    fn begin(&mut self, contact: usize, now: DateTime<Utc>) -> Claim {
        let row = &mut self.contacts[contact];
        (row.timed, row.last_number, row.callback_waits) = (true, row.last_number + 1, false);
        let (campaign, phone, number) = (row.campaign, row.phone, row.last_number);
        assert!(!self.is_being_called(phone), "one_open_call_per_number");
        assert_eq!(self.open_attempt(campaign), None, "one_open_call_per_campaign");
        self.move_contact(contact, ContactState::Calling, None);
        let is_new = !self.is_called_within_limit(contact);
        if let Some(limit) = self.campaigns[campaign].limit.as_mut().filter(|_| is_new) {
            limit.left -= 1;
        }
        self.attempts.push(Attempt {
            campaign,
            contact,
            number,
            is_limited: self.campaigns[campaign].limit.is_some(),
            settings_version: self.campaigns[campaign].settings_version,
            phone,
            sid: None,
            sid_is_adopted: false,
            facts: None,
            intended_at: now,
            heard_at: None,
            asked_at: None,
            end_asked_at: None,
            settled: None,
            given_end: None,
        });
        Claim::Attempt { attempt: self.attempts.len() - 1 }
    }

    /// Whether one of those whom the campaign's limit counts is this one: what was never placed called nobody.
    pub(super) fn is_called_within_limit(&self, contact: usize) -> bool {
        self.attempts.iter().any(|attempt| {
            attempt.contact == contact && attempt.is_limited && attempt.outcome() != Some(Outcome::NotPlaced)
        })
    }

    /// The first pending contact of an area with a due time of its own, from the cursor on.
    pub(super) fn first_timed(&self, campaign: usize, area: usize) -> Option<usize> {
        let cursor = self.campaigns[campaign].areas[area].due_cursor;
        self.pending(campaign, area)
            .filter(|&contact| self.contacts[contact].timed && self.contacts[contact].due_at >= Some(cursor))
            .min_by_key(|&contact| self.contacts[contact].due_at)
    }

    /// The first pending contact without one, in the order of the list, behind the cursor.
    pub(super) fn first_in_order(&self, campaign: usize, area: usize) -> Option<usize> {
        let cursor = self.campaigns[campaign].areas[area].order_cursor;
        self.pending(campaign, area)
            .find(|&contact| !self.contacts[contact].timed && self.contacts[contact].position > cursor)
    }

    fn pending(&self, campaign: usize, area: usize) -> impl Iterator<Item = usize> {
        (0..self.contacts.len()).filter(move |&contact| {
            self.contacts[contact].campaign == campaign
                && self.contacts[contact].area == area
                && self.contacts[contact].state == ContactState::Pending
        })
    }

    fn move_cursor(&mut self, contact: usize) {
        let contact = &self.contacts[contact];
        let row = &mut self.campaigns[contact.campaign].areas[contact.area];
        match contact.due_at {
            Some(due_at) if contact.timed => row.due_cursor = due_at,
            _ => row.order_cursor = contact.position,
        }
    }

    pub(in crate::domain::simulation) fn reset_cursors(&mut self, owner: Owner) {
        if let Some(row) = self.lock(owner) {
            for area in &mut row.areas {
                (area.order_cursor, area.due_cursor) = (0, DateTime::<Utc>::MIN_UTC);
            }
        }
    }

    fn is_being_called(&self, phone: Phone) -> bool {
        self.attempts.iter().any(|attempt| attempt.phone == phone && attempt.settled.is_none())
    }

    pub(super) fn move_contact(&mut self, contact: usize, to: ContactState, due_at: Option<DateTime<Utc>>) {
        let row = &mut self.contacts[contact];
        let from = std::mem::replace(&mut row.state, to);
        row.due_at = due_at;
        self.campaigns[row.campaign].counts.moved(from, to);
    }

    pub(in crate::domain::simulation) fn look_once_more(
        &mut self,
        owner: Owner,
        attempt: usize,
    ) -> Permission {
        let version = self.attempts[attempt].settings_version;
        let is_as_it_was =
            |row: &mut Campaign| row.state == State::Running && row.settings_version == version;
        let runs = self.lock(owner).is_some_and(is_as_it_was);
        let suppressed = self.suppressions.contains_key(&self.attempts[attempt].phone)
            && self.flaw != Some(Flaw::ClaimsSuppressedNumbers);
        if runs && !suppressed { Permission::Granted } else { Permission::Refused }
    }

    /// Records what was heard of a call. Returns whether the campaign's next step may have changed.
    pub(in crate::domain::simulation) fn record(
        &mut self,
        attempt: usize,
        sid: Sid,
        facts: &Facts,
        is_callback: bool,
        now: DateTime<Utc>,
    ) -> bool {
        let row = &mut self.attempts[attempt];
        assert!(row.sid.is_none_or(|known| known == sid), "this world has no call that is nobody's");
        row.sid_is_adopted = row.sid_is_adopted && !is_callback;
        row.sid = Some(sid);
        let given_up_at = row.settled.filter(|(outcome, _)| *outcome == Outcome::Unknown).map(|(_, at)| at);
        let earlier = row.heard_at.max(given_up_at).map(|at| at + TimeDelta::microseconds(1));
        row.heard_at = earlier.max(Some(now));
        let merged = row.facts.take().map_or(facts.clone(), |known| known.merge(facts.clone()));
        let ended = merged.status.is_end();
        row.facts = Some(merged);
        let outcome = row.outcome();
        let owners = self.attempts.iter().filter(|other| other.sid == Some(sid)).count();
        assert_eq!(owners, 1, "one_attempt_per_call");
        ended && outcome.is_none() || outcome == Some(Outcome::Unknown)
    }

    pub(in crate::domain::simulation) fn adopt(
        &mut self,
        attempt: usize,
        sid: Sid,
        now: DateTime<Utc>,
    ) -> bool {
        if self.attempts.iter().any(|other| other.sid == Some(sid)) {
            return false;
        }
        let row = &mut self.attempts[attempt];
        if row.sid.is_some() || row.settled.is_some() {
            return false;
        }
        (row.sid, row.sid_is_adopted, row.heard_at) = (Some(sid), true, Some(now));
        true
    }

    pub(in crate::domain::simulation) fn note_asked(&mut self, attempt: usize, now: DateTime<Utc>) {
        let row = &mut self.attempts[attempt];
        row.asked_at = row.asked_at.max(Some(now));
    }

    pub(in crate::domain::simulation) fn note_end_asked(&mut self, attempt: usize, now: DateTime<Utc>) {
        let row = &mut self.attempts[attempt];
        row.end_asked_at = row.end_asked_at.max(Some(now));
    }

    /// The campaigns that have a call to a number open.
    pub(in crate::domain::simulation) fn list_campaigns_calling(&self, phone: Phone) -> Vec<usize> {
        let calling = self.attempts.iter().filter(|row| row.phone == phone && row.settled.is_none());
        calling.map(|row| row.campaign).collect()
    }

    pub(in crate::domain::simulation) fn settle(
        &mut self,
        owner: Owner,
        settlement: &Settlement,
        now: DateTime<Utc>,
    ) -> bool {
        self.lock(owner).is_some() && self.apply(settlement, now)
    }

    pub(in crate::domain::simulation) fn settle_and_pause(
        &mut self,
        owner: Owner,
        settlement: &Settlement,
        now: DateTime<Utc>,
    ) -> bool {
        if self.lock(owner).is_none() {
            return false;
        }
        let settled = self.apply(settlement, now);
        self.make_move(owner, Move::Pause, now);
        settled
    }

    fn apply(&mut self, settlement: &Settlement, now: DateTime<Utc>) -> bool {
        let Settlement { attempt, outcome, call_ended_at, last_word, .. } = *settlement;
        let row = &mut self.attempts[attempt];
        let heard_of_since = outcome == Outcome::Unknown && row.heard_at != last_word;
        if row.settled.is_some() || heard_of_since {
            return false;
        }
        row.settled = Some((outcome, now));
        if self.flaw == Some(Flaw::EndsUnknownCallsAtGivingUp) {
            row.given_end = row.given_end.or(call_ended_at);
        }
        let (contact, campaign, talk, is_limited) =
            (row.contact, row.campaign, row.talk_seconds(), row.is_limited);
        let gives_back = is_limited && outcome == Outcome::NotPlaced && !self.is_called_within_limit(contact);
        if let Some(limit) = self.campaigns[campaign].limit.as_mut().filter(|_| gives_back) {
            limit.left += 1;
        }
        assert_eq!(
            self.contacts[contact].state,
            ContactState::Calling,
            "an open attempt's contact is calling"
        );
        match self.verdict_or_callback(contact, settlement) {
            Verdict::Completed => self.move_contact(contact, ContactState::Completed, None),
            Verdict::Failed => self.move_contact(contact, ContactState::Failed, None),
            Verdict::Due(due_at) => {
                self.move_contact(contact, ContactState::Pending, Some(due_at));
                let area = self.contacts[contact].area;
                let cursor = &mut self.campaigns[campaign].areas[area].due_cursor;
                *cursor = due_at.min(*cursor);
            }
        }
        let row = &mut self.campaigns[campaign];
        if outcome.counts_as_attempt() {
            self.contacts[contact].attempts += 1;
            row.counts.attempts += 1;
            row.counts.retries += u32::from(self.contacts[contact].attempts > 1);
        }
        *row.counts.outcomes.entry(outcome).or_default() += 1;
        row.counts.talk_seconds += talk;
        row.last_call_ended_at = row.last_call_ended_at.max(call_ended_at);
        self.note(campaign, Event::AttemptEnded);
        true
    }

    /// A callback that was asked for during the call wins over the verdict.
    fn verdict_or_callback(&mut self, contact: usize, settlement: &Settlement) -> Verdict {
        let row = &mut self.contacts[contact];
        row.callback_waits &= !settlement.outcome.is_permanent() && self.flaw != Some(Flaw::ForgetsCallbacks);
        match &row.callback {
            Some(callback) if row.callback_waits => Verdict::Due(callback.at),
            _ => settlement.verdict,
        }
    }

    /// Opens an attempt again that was given up as unknown and has been heard of since.
    pub(in crate::domain::simulation) fn reopen(&mut self, owner: Owner, attempt: usize) -> bool {
        if self.lock(owner).is_none()
            || self.attempts[attempt].outcome() != Some(Outcome::Unknown)
            || !self.is_last_try_of_an_idle_contact(attempt)
            || self.is_being_called(self.attempts[attempt].phone)
        {
            return false;
        }
        assert_eq!(self.open_attempt(owner.campaign), None, "one_open_call_per_campaign");
        let row = &mut self.attempts[attempt];
        row.settled = None;
        let contact = row.contact;
        self.move_contact(contact, ContactState::Calling, None);
        self.contacts[contact].attempts -= 1;
        let counts = &mut self.campaigns[owner.campaign].counts;
        if self.flaw != Some(Flaw::CountsReopenedAttemptsTwice) {
            counts.attempts -= 1;
            counts.retries -= u32::from(self.contacts[contact].attempts > 0);
        }
        *counts.outcomes.entry(Outcome::Unknown).or_default() -= 1;
        true
    }
}

impl Attempt {
    pub(super) fn talk_seconds(&self) -> u64 {
        self.facts.as_ref().and_then(|facts| facts.duration_seconds).map_or(0, u64::from)
    }
}
