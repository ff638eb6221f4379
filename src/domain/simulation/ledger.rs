//! The ledger: every request and every call is held against the promises at the instant at which it happens, by
//! what is true in the world and not by what the dialer believes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::domain::area::Area;
use crate::domain::callback::Effect;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::hours::Opening;
use crate::domain::outcome::Outcome;
use crate::domain::retry::RetryPolicy;
use crate::domain::rules::Rules;
use crate::domain::rules::tests::is_eight_to_nine;
use crate::domain::zone::Zone;

use super::provider::Passage;
use super::shell::CONSENT_GOOD_FOR;
use super::store::{Attempt, Campaign, Sid};
use super::world::{Event, World};

/// A pause, a cancel and an opt-out take effect within this span.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// The promises of DESIGN §1 that a run is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    /// At most one request leaves for an attempt, ever.
    OneRingPerIntent,
    /// A campaign and a number have one call at a time. Two calls may overlap only where the earlier one's attempt
    /// was given up as unknown: no answer, no callback and no trace of it for three minutes.
    OneCallAtATime,
    /// No request leaves outside the hours, more than a second after a stop or an opt-out, or before the backoff of
    /// the contact's last call is over.
    NeverAtTheWrongTime,
    /// Every contact is final, or due at an instant and comes to its turn; the counts add up.
    NobodyForgotten,
}

#[derive(Default)]
pub(super) struct Ledger {
    requests: BTreeMap<usize, u32>,
    /// By contact: when the server that is asked before each call agreed to one that has not been made.
    pub(super) agreed: BTreeMap<usize, DateTime<Utc>>,
    /// By contact: how many attempts there were in the world when a callback was promised, and its instant.
    promised: BTreeMap<usize, Vec<(usize, DateTime<Utc>)>>,
    seen: BTreeMap<&'static str, u32>,
    /// The requests that have left, in order: when, and for which attempt.
    pub(super) departures: Vec<(DateTime<Utc>, usize)>,
    pub(super) broken: Option<(Promise, String)>,
}

impl Ledger {
    /// Notes that something of interest happened, so that a run can be seen not to be dull.
    pub(super) fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(super) fn seen(&self) -> &BTreeMap<&'static str, u32> {
        &self.seen
    }

    /// Only the first broken promise is kept: what follows is often its consequence.
    pub(super) fn accuse(&mut self, promise: Promise, what: String) {
        self.broken.get_or_insert((promise, what));
    }
}

impl World {
    /// A request to place a call leaves.
    pub(super) fn request_leaves(&mut self, attempt: usize) -> Passage {
        self.ledger.saw("requests");
        self.ledger.departures.push((self.now, attempt));
        let requests = self.ledger.requests.entry(attempt).or_default();
        *requests += 1;
        if *requests > 1 {
            let what = format!("attempt {attempt} was requested {requests} times");
            self.ledger.accuse(Promise::OneRingPerIntent, what);
        }
        if let Err(what) = self.check_word_on(attempt) {
            self.ledger.accuse(Promise::NeverAtTheWrongTime, format!("attempt {attempt}: {what}"));
        }
        if let Err(what) = self.check_time_of(attempt) {
            self.ledger.accuse(Promise::NeverAtTheWrongTime, format!("attempt {attempt}: {what}"));
        }
        let passage = self.provider.receive(&mut self.chance, &self.weather, self.now);
        if let Some((sid, at)) = passage.call {
            self.schedule(at, Event::Arrive { attempt, sid });
        }
        passage
    }

    /// Where a server is to be asked before each call, it has agreed to this one a short while ago, and to no other by the
    /// same word.
    fn check_word_on(&mut self, attempt: usize) -> Result<(), String> {
        let row = &self.store.attempts[attempt];
        if self.store.campaigns[row.campaign].settings.before_call.is_none() {
            return Ok(());
        }
        match self.ledger.agreed.remove(&row.contact) {
            Some(at) if self.now - at <= CONSENT_GOOD_FOR + GRACE => Ok(()),
            Some(at) => Err(format!("at {}, though its word was given at {at}", self.now)),
            None => Err(format!("at {}, without the word of the server that is to be asked", self.now)),
        }
    }

    fn check_time_of(&self, attempt: usize) -> Result<(), String> {
        let (now, row) = (self.now, &self.store.attempts[attempt]);
        let campaign = &self.store.campaigns[row.campaign];
        let area = self.store.area_of(attempt);
        match &self.watch {
            Some(watch) => watch.permit(now, &area)?,
            None => check_hours(campaign, &area, now)?,
        }
        if let Some(stopped_at) = campaign.stopped_at.filter(|at| now - *at > GRACE) {
            return Err(format!("at {now}, after its campaign was stopped at {stopped_at}"));
        }
        if let Some(at) = self.store.suppressions.get(&row.phone).filter(|at| now - **at > GRACE) {
            return Err(format!("at {now}, after its number was suppressed at {at}"));
        }
        if let Some((until, because)) = self.account.closed.filter(|(until, _)| now < *until)
            && now - self.account.closed_since > GRACE
        {
            return Err(format!("at {now}, while the account is closed until {until}: {because:?}"));
        }
        self.check_failures(attempt)?;
        if let Some(ready_at) = self.ready_at(attempt).filter(|ready_at| *ready_at > now) {
            return Err(format!("at {now}, before its backoff was over at {ready_at}"));
        }
        Ok(())
    }

    /// A minute at least passes after the last call, where most of a campaign's last twenty calls failed, those among its
    /// last two hundred attempts. Counted anew.
    fn check_failures(&self, attempt: usize) -> Result<(), String> {
        let campaign = self.store.attempts[attempt].campaign;
        let before = (0..attempt).rev().filter(|&other| self.store.attempts[other].campaign == campaign);
        let settled = before.filter_map(|other| Some((other, self.store.attempts[other].settled?)));
        let calls = settled.take(200).filter(|(_, (outcome, _))| *outcome != Outcome::NotPlaced);
        let calls: Vec<_> = calls.take(20).collect();
        let has_failed = |outcome| matches!(outcome, Outcome::Failed | Outcome::Unknown);
        let failed = calls.iter().filter(|(_, (outcome, _))| has_failed(*outcome)).count();
        let Some(&(last, (outcome, settled_at))) = calls.first() else { return Ok(()) };
        if calls.len() < 10 || failed * 5 < calls.len() * 4 || !has_failed(outcome) {
            return Ok(());
        }
        let ended_at = self.provider.call_of(last).map_or(settled_at, |call| call.ended_at().min(settled_at));
        match self.now - ended_at < TimeDelta::minutes(1) {
            true => Err(format!("at {}, although {failed} of {} calls failed", self.now, calls.len())),
            false => Ok(()),
        }
    }

    /// From when on a contact may be tried: at the instant of the callback that was promised to it since its last call
    /// began, or else after its backoff, by the real end of its last call that counts. Only of an attempt that was given
    /// up the end is not known: there it is the instant of giving up.
    fn ready_at(&self, attempt: usize) -> Option<DateTime<Utc>> {
        let row = &self.store.attempts[attempt];
        let earlier = (0..attempt).filter(|&other| self.store.attempts[other].contact == row.contact);
        let counted = earlier
            .filter_map(|other| Some((other, self.store.attempts[other].settled?)))
            .filter(|(_, (outcome, _))| *outcome != Outcome::NotPlaced);
        let counted: Vec<_> = counted.collect();
        let promised = self.ledger.promised.get(&row.contact).into_iter().flatten();
        let mut before = promised.filter(|(attempts, _)| *attempts <= attempt);
        let begun = counted.last().map_or(0, |(last, _)| last + 1);
        if let Some((_, at)) = before.rfind(|(attempts, _)| *attempts >= begun) {
            return Some(*at);
        }
        let (&(last, (outcome, settled_at)), earlier) = counted.split_last()?;
        let earlier: Vec<Outcome> = earlier.iter().map(|(_, (outcome, _))| *outcome).collect();
        let ended_at = match outcome {
            Outcome::Unknown => settled_at,
            _ => self.provider.call_of(last).map_or(settled_at, |call| call.ended_at()),
        };
        Some(ended_at + backoff(&self.store.campaigns[row.campaign].settings.retry_policy, outcome, &earlier))
    }

    /// Somebody asks to be called.
    pub(super) fn callback_is_asked_for(&mut self, contact: usize, at: DateTime<Utc>, node: usize) {
        let (was, attempts) = (self.store.contacts[contact].state, self.store.attempts.len());
        match self.store.ask_for_callback(contact, at, node, self.now) {
            Err(_) => return,
            Ok(Effect::Unchanged) => return self.ledger.saw("asked for the same callback again"),
            Ok(Effect::AfterItsCall) => self.ledger.saw("asked for a callback during its call"),
            Ok(Effect::DueThen { reopens_campaign: true }) => {
                self.ledger.saw("asked for a callback when all was over");
            }
            Ok(Effect::DueThen { reopens_campaign: false }) if was == ContactState::Pending => {
                self.ledger.saw("asked for a callback before its call");
            }
            Ok(Effect::DueThen { reopens_campaign: false }) => {}
        }
        self.ledger.promised.entry(contact).or_default().push((attempts, at));
        self.send_wake(self.store.contacts[contact].campaign);
    }

    /// A server that is asked before each call has forbidden this contact's, whatever was promised.
    pub(super) fn was_vetoed(&mut self, contact: usize) {
        self.ledger.promised.remove(&contact);
    }

    /// A callback that was promised is made, or still to come; only an opt-out, a veto, the end of its campaign, and a number
    /// that the provider refuses dispense with it.
    fn check_callbacks(&self) -> Result<(), String> {
        for (&contact, promised) in &self.ledger.promised {
            let Some(&(attempts, at)) = promised.last() else { continue };
            let of_contact = |attempt: &&Attempt| attempt.contact == contact;
            if self.store.attempts[attempts..].iter().any(|attempt| of_contact(&attempt)) {
                continue;
            }
            let row = &self.store.contacts[contact];
            let last = self.store.attempts.iter().rfind(of_contact);
            let is_kept = match row.state {
                ContactState::Pending => row.due_at >= Some(at),
                ContactState::Calling | ContactState::Suppressed => true,
                ContactState::Failed => {
                    last.and_then(|last| last.outcome()).is_some_and(Outcome::is_permanent)
                }
                ContactState::Completed => false,
            };
            if !is_kept {
                return Err(format!("contact {contact} is {} and was to be called at {at}", row.state));
            }
        }
        Ok(())
    }

    /// The provider makes a call.
    pub(super) fn call_is_made(&mut self, attempt: usize, sid: Sid) {
        let row = &self.store.attempts[attempt];
        let (campaign, phone) = (row.campaign, row.phone);
        for (other, call) in &self.provider.calls {
            let other_row = &self.store.attempts[call.attempt];
            let overlaps =
                call.ended_at() > self.now && (call.phone == phone || other_row.campaign == campaign);
            if !overlaps {
                continue;
            }
            if other_row.outcome() == Some(Outcome::Unknown) {
                self.ledger.saw("unavoidable overlap");
            } else {
                let what = format!("call {sid} of attempt {attempt} is made while call {other} is alive");
                self.ledger.accuse(Promise::OneCallAtATime, what);
            }
        }
        let settings = self.store.campaigns[campaign].settings.clone();
        let World { provider, chance, weather, now, .. } = self;
        for (at, report) in provider.make_call(chance, weather, &settings, (sid, attempt, phone), *now) {
            self.schedule(at, Event::Callback { attempt, sid, report });
        }
    }

    pub(super) fn check_rows(&mut self) {
        if let Err(what) = self.store.check().and_then(|()| self.check_callbacks()) {
            self.ledger.accuse(Promise::NobodyForgotten, what);
        }
    }

    /// When all troubles are over and nothing is left to happen, every campaign that was not given up is completed.
    pub(super) fn check_end(&mut self) {
        self.check_rows();
        for campaign in 0..self.store.campaigns.len() {
            let (state, open) = (self.store.campaigns[campaign].state, self.store.open_attempt(campaign));
            if !matches!(state, State::Completed | State::Canceled) || open.is_some() {
                let counts = &self.store.campaigns[campaign].counts.contacts;
                let what = format!("campaign {campaign} rests {state}, attempt open: {open:?}, {counts:?}");
                self.ledger.accuse(Promise::NobodyForgotten, what);
            }
        }
    }
}

/// It must neither leave nor ring outside the hours.
fn check_hours(campaign: &Campaign, area: &Area, now: DateTime<Utc>) -> Result<(), String> {
    let settings = &campaign.settings;
    for at in [now, now + settings.ring_time()] {
        if settings.business_hours.opening(&settings.timezone, at) != Opening::Open {
            return Err(format!("outside the hours, at {now}"));
        }
        if let Some(zone) = first_that_sleeps(&campaign.rules, area, at) {
            return Err(format!("at {now}, when it is not between 8 and 21 in {}", zone.name()));
        }
    }
    Ok(())
}

/// The first zone of an area in which the clock does not let anybody be called, told without asking the rules.
fn first_that_sleeps<'a>(rules: &Rules, area: &'a Area, at: DateTime<Utc>) -> Option<&'a Zone> {
    if !is_eight_to_nine(rules) {
        return None;
    }
    let mut zones = area.zones.zones().into_iter().flat_map(|zones| zones.zones());
    zones.find(|zone| !(8..21).contains(&zone.local(at).hour()))
}

/// The least that a policy lets pass after an attempt that came to this, counted anew.
fn backoff(policy: &RetryPolicy, outcome: Outcome, earlier: &[Outcome]) -> TimeDelta {
    match policy {
        RetryPolicy::Simple(policy) => {
            let hours = policy.backoff_hours[earlier.len().min(policy.backoff_hours.len() - 1)];
            TimeDelta::milliseconds((hours * 3_600_000.0) as i64)
        }
        RetryPolicy::ByOutcome(policy) => {
            let kind = |outcome| if outcome == Outcome::Unknown { Outcome::NoAnswer } else { outcome };
            let alike = earlier.iter().filter(|earlier| kind(**earlier) == kind(outcome)).count();
            let rule = policy.rules.get(&kind(outcome));
            rule.map_or(TimeDelta::hours(1), |rule| rule.after[alike.min(rule.after.len() - 1)].length())
        }
    }
}
