//! What must be true of the rows at every instant between two transactions, counted anew.

use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::domain::retry::RetryPolicy;

use super::{Counts, Event, Store};

/// The attempts of a contact.
#[derive(Debug, Clone, Default)]
struct Tally {
    /// Those that count.
    tries: u32,
    /// Whether one is not settled.
    is_open: bool,
}

impl Store {
    /// Returns the first sentence that is not true of the rows.
    pub(in crate::domain::simulation) fn check(&self) -> Result<(), String> {
        let tallies = self.tally();
        for (contact, tally) in tallies.iter().enumerate() {
            self.check_contact(contact, tally)?;
        }
        for campaign in 0..self.campaigns.len() {
            let row = &self.campaigns[campaign];
            let recounted = self.recount(campaign, &tallies);
            if row.counts.without_zeros() != recounted {
                return Err(format!("campaign {campaign} counts {:?}, recounted {recounted:?}", row.counts));
            }
            if let Some(limit) = row.limit {
                let of_campaign = |contact: &usize| self.contacts[*contact].campaign == campaign;
                let called = (0..self.contacts.len()).filter(of_campaign);
                let called = called.filter(|contact| self.is_called_within_limit(*contact)).count() as u32;
                if called + limit.left != limit.size {
                    return Err(format!(
                        "campaign {campaign} has called {called}, and its limit is {limit:?}"
                    ));
                }
            }
            let events = self.events.iter().filter(|(of, _)| *of == campaign);
            if events.count() != row.last_event {
                return Err(format!("campaign {campaign}'s events have a gap"));
            }
        }
        let settled = self.attempts.iter().filter(|attempt| attempt.settled.is_some()).count();
        let ended = self.events.iter().filter(|(_, event)| *event == Event::AttemptEnded).count();
        if ended < settled {
            return Err(format!("{settled} attempts are settled and only {ended} were told of"));
        }
        Ok(())
    }

    fn check_contact(&self, index: usize, tally: &Tally) -> Result<(), String> {
        let (contact, open) = (&self.contacts[index], tally.is_open);
        if (contact.state == ContactState::Calling) != open {
            return Err(format!("contact {index} is {} and its open attempt says {open}", contact.state));
        }
        if (contact.state == ContactState::Pending) != contact.due_at.is_some() {
            return Err(format!("contact {index} is {} and due {:?}", contact.state, contact.due_at));
        }
        let allowed = match &self.campaigns[contact.campaign].settings.retry_policy {
            RetryPolicy::Simple(policy) => policy.max_retries + 1,
            RetryPolicy::ByOutcome(policy) => policy.max_attempts,
        };
        if contact.attempts > allowed + contact.callbacks {
            return Err(format!("contact {index} was tried {} times", contact.attempts));
        }
        if contact.attempts != tally.tries {
            return Err(format!("contact {index} counts {} tries wrongly", contact.attempts));
        }
        Ok(())
    }

    fn tally(&self) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.contacts.len()];
        for attempt in &self.attempts {
            let tally = &mut tallies[attempt.contact];
            tally.tries += u32::from(attempt.outcome().is_some_and(Outcome::counts_as_attempt));
            tally.is_open |= attempt.settled.is_none();
        }
        tallies
    }

    fn recount(&self, campaign: usize, tallies: &[Tally]) -> Counts {
        let mut counts = Counts::default();
        for (index, contact) in self.contacts.iter().enumerate().filter(|(_, one)| one.campaign == campaign) {
            *counts.contacts.entry(contact.state).or_default() += 1;
            let tries = tallies[index].tries;
            counts.attempts += tries;
            counts.retries += tries.saturating_sub(1);
        }
        for attempt in self.attempts.iter().filter(|attempt| attempt.campaign == campaign) {
            let Some(outcome) = attempt.outcome() else { continue };
            *counts.outcomes.entry(outcome).or_default() += 1;
            // What is heard of an unknown attempt after a newer one was made is not counted any more.
            counts.talk_seconds += if outcome == Outcome::Unknown { 0 } else { attempt.talk_seconds() };
        }
        counts
    }
}

impl Counts {
    fn without_zeros(&self) -> Self {
        Self {
            contacts: self.contacts.iter().filter(|(_, count)| **count > 0).map(|(k, v)| (*k, *v)).collect(),
            outcomes: self.outcomes.iter().filter(|(_, count)| **count > 0).map(|(k, v)| (*k, *v)).collect(),
            ..*self
        }
    }
}
