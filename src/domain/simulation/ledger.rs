//! The ledger: every request and every call is held against the promises at the instant at which it happens, by
//! what is true in the world and not by what the dialer believes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::campaign::State;
use crate::domain::hours::Opening;
use crate::domain::outcome::Outcome;

use super::provider::Passage;
use super::store::Sid;
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
    seen: BTreeMap<&'static str, u32>,
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
        let requests = self.ledger.requests.entry(attempt).or_default();
        *requests += 1;
        if *requests > 1 {
            let what = format!("attempt {attempt} was requested {requests} times");
            self.ledger.accuse(Promise::OneRingPerIntent, what);
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

    fn check_time_of(&self, attempt: usize) -> Result<(), String> {
        let (now, row) = (self.now, &self.store.attempts[attempt]);
        let campaign = &self.store.campaigns[row.campaign];
        let settings = &campaign.settings;
        if settings.business_hours.opening(&settings.timezone, now) != Opening::Open {
            return Err(format!("outside the hours, at {now}"));
        }
        if let Some(stopped_at) = campaign.stopped_at.filter(|at| now - *at > GRACE) {
            return Err(format!("at {now}, after its campaign was stopped at {stopped_at}"));
        }
        if let Some(at) = self.store.suppressions.get(&row.phone).filter(|at| now - **at > GRACE) {
            return Err(format!("at {now}, after its number was suppressed at {at}"));
        }
        if let Some(ready_at) = self.ready_at(attempt).filter(|ready_at| *ready_at > now) {
            return Err(format!("at {now}, before its backoff was over at {ready_at}"));
        }
        Ok(())
    }

    /// From when on a contact may be tried again, by the real end of its last call that counts. Only of an attempt
    /// that was given up the end is not known: there it is the instant of giving up.
    fn ready_at(&self, attempt: usize) -> Option<DateTime<Utc>> {
        let row = &self.store.attempts[attempt];
        let earlier = (0..attempt).filter(|&other| self.store.attempts[other].contact == row.contact);
        let counted = earlier
            .filter_map(|other| Some((other, self.store.attempts[other].settled?)))
            .filter(|(_, (outcome, _))| *outcome != Outcome::NotPlaced);
        let (tries, (last, (outcome, settled_at))) = counted.enumerate().last()?;
        let ended_at = match outcome {
            Outcome::Unknown => settled_at,
            _ => self.provider.call_of(last).map_or(settled_at, |call| call.ended_at()),
        };
        let backoff = &self.store.campaigns[row.campaign].settings.retry_policy.backoff_hours;
        let hours = backoff[tries.min(backoff.len() - 1)];
        Some(ended_at + TimeDelta::milliseconds((hours * 3_600_000.0) as i64))
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
        if let Err(what) = self.store.check() {
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
