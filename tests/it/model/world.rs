//! How everything stands at once: the database, the provider with its ledger, the nodes. And the transactions by which
//! the database changes, each of them whole or not at all, as `db` writes them.

use outdial::domain::attempt::{Facts, Report, Source, Status, StatusKey, outcome};
use outdial::domain::contact::ContactState;
use outdial::domain::outcome::Outcome;

use super::decide::{Fate, NOW};
use super::flaws::{Flaw, Flaws};

/// The bounds of a world. Within them every order of everything that may happen is tried.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Processes.
    pub nodes: usize,
    /// Contacts of the campaign.
    pub contacts: usize,
    /// Attempts of all contacts together; once they are used up, being due is as good as being final.
    pub attempts: usize,
    /// Ownerships of the campaign. The last owner lives on.
    pub epochs: u8,
}

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub campaign: Campaign,
    pub contacts: Vec<Contact>,
    pub attempts: Vec<Attempt>,
    /// What the provider has of each attempt: the same places as in `attempts`, and a call's id is its place.
    pub provider: Vec<Far>,
    pub nodes: Vec<Node>,
}

/// The campaign's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Campaign {
    /// Running otherwise.
    pub completed: bool,
    pub owner: Owner,
    pub epoch: u8,
    pub counters: Counters,
}

/// Who owns the campaign, and whether the row in `nodes` still says that it lives. Rows of other nodes make no
/// difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Nobody, or a process that is dead and whose row has run out.
    Nobody,
    /// A process whose row has not run out.
    Living(usize),
    /// A process that was stopped or cut off for longer than its lease.
    RunOut(usize),
    /// A process that is dead, and whose row has not run out.
    Dead,
}

/// The campaign's counters. A settled attempt of a contact is counted in `tries`, unless nothing had left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counters {
    pub pending: i8,
    pub calling: i8,
    pub completed: i8,
    pub failed: i8,
    pub tries: i8,
}

impl Counters {
    /// How many contacts stand so.
    pub fn of(&mut self, state: ContactState) -> &mut i8 {
        match state {
            ContactState::Pending => &mut self.pending,
            ContactState::Calling => &mut self.calling,
            ContactState::Completed => &mut self.completed,
            ContactState::Failed => &mut self.failed,
            ContactState::Suppressed => unreachable!("nobody is suppressed here"),
        }
    }
}

/// A contact's row. One that is pending may be due at any time: no property rests on how long a backoff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Contact {
    pub state: ContactState,
    pub tries: i8,
    /// The number of its last attempt.
    pub last_number: u8,
}

/// An attempt's row, and how long ago its intent was written. When it was last asked about is left out: an attempt may
/// be asked about at any time after its second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub contact: usize,
    pub number: u8,
    /// Not yet, by a dialer that writes it after the request.
    pub written: bool,
    pub age: Age,
    pub sid: Option<usize>,
    pub sid_is_adopted: bool,
    pub word: Option<Word>,
    /// What it came to, once it is settled.
    pub outcome: Option<Outcome>,
    /// It was given up as unknown and heard of since.
    pub heard_since: bool,
}

impl Attempt {
    pub fn is_open(&self) -> bool {
        self.written && self.outcome.is_none()
    }

    /// What the call came to, by what was heard of it.
    pub fn end(&self) -> Option<Outcome> {
        self.word.and_then(|word| outcome(word.status, None, None))
    }
}

/// How long ago an intent was written, as far as anything depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Its second is not over: the request may leave.
    Fresh,
    /// Its second is over, and the grace is not.
    Late,
    /// The grace is over, too.
    Graced,
}

/// What was last heard of a call, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word {
    pub status: Status,
    pub source: Source,
}

impl Word {
    fn facts(self) -> Facts {
        let sequence = match (self.source, self.status) {
            (Source::Answer | Source::Fetch, _) => 0,
            (Source::Callback, status) => 1 + u32::from(status.is_end()),
        };
        Facts::from(&Report {
            status: self.status,
            source: self.source,
            sequence,
            at: NOW,
            duration_seconds: None,
            answered_by: None,
            sip_code: None,
        })
    }

    /// Where it stands in the fold's order.
    pub fn key(self) -> StatusKey {
        self.facts().key
    }

    /// What stands when both were heard: by [`Facts::merge`] itself.
    fn merge(self, other: Self) -> Self {
        let merged = self.facts().merge(other.facts());
        if merged.key == self.key() { self } else { other }
    }
}

/// What the provider has of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Far {
    pub request: Request,
    /// How many requests have left.
    pub sent: u8,
    /// What became of the call, if one was made. Its callbacks may come at any time from then on, any number of times.
    pub call: Option<Call>,
}

impl Far {
    /// What the provider says of the call, if there is one.
    pub fn status(&self) -> Option<Status> {
        self.call.map(|call| match call {
            Call::Rings => Status::Ringing,
            Call::Over(status) => status,
        })
    }
}

/// How far an attempt's request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing has left.
    Unsent,
    /// It has left, and whoever sent it cannot call it back.
    OnItsWay,
    /// It never arrives.
    Lost,
    /// It was refused, and no call was made.
    Refused,
    /// A call was made.
    Taken,
}

/// A call at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// It rings, or somebody talks: what matters is that it is alive.
    Rings,
    /// It ended so.
    Over(Status),
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The epoch under which its actor for the campaign works, if there is one.
    pub actor: Option<u8>,
    /// Where the actor's turn stands. Between any two steps of it the process may be stopped for any time.
    pub task: Task,
}

/// What an actor is about to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// To look.
    Look,
    /// To claim the next contact.
    Claim,
    /// To write the request, if its second is not over.
    Send { attempt: usize },
    /// To hear the answer.
    AwaitAnswer { attempt: usize },
    /// To record that the call was placed.
    RecordPlaced { attempt: usize },
    /// To take back an attempt of which nothing has left.
    TakeBack { attempt: usize },
    /// To settle an attempt whose call is over.
    Settle { attempt: usize, outcome: Outcome, fate: Fate },
    /// To ask the provider about a silent attempt.
    Ask { attempt: usize },
    /// To adopt the only call that it can be.
    Adopt { attempt: usize, call: usize, status: Status, grace_is_over: bool },
    /// To record what the provider said.
    RecordFetched { attempt: usize, call: usize, status: Status },
    /// To give up an attempt of which there is no trace, if the grace was over when the search was asked for.
    GiveUp { attempt: usize, grace_is_over: bool },
    /// To open an attempt again that was given up and lives.
    Reopen { attempt: usize },
    /// To complete the campaign.
    Finish,
}

impl World {
    /// A running campaign that nobody owns yet, and processes that have just been started.
    pub fn new(bounds: &Bounds) -> Self {
        let counters = Counters { pending: bounds.contacts as i8, ..Counters::default() };
        let contact = Contact { state: ContactState::Pending, tries: 0, last_number: 0 };
        Self {
            campaign: Campaign { completed: false, owner: Owner::Nobody, epoch: 0, counters },
            contacts: vec![contact; bounds.contacts],
            attempts: Vec::new(),
            provider: Vec::new(),
            nodes: vec![Node { actor: None, task: Task::Look }; bounds.nodes],
        }
    }

    /// The attempt that is not settled.
    pub fn open(&self) -> Option<usize> {
        self.attempts.iter().position(Attempt::is_open)
    }

    /// An attempt that was given up as unknown and heard of since: the view `revived_attempts`.
    pub fn revived(&self) -> Option<usize> {
        let is_revived = |attempt: &Attempt| attempt.heard_since && self.can_be_reopened(attempt);
        self.attempts.iter().position(is_revived).filter(|_| self.open().is_none())
    }

    /// Whether `attempts::reopen` would open it again.
    pub fn can_be_reopened(&self, attempt: &Attempt) -> bool {
        let contact = &self.contacts[attempt.contact];
        attempt.outcome == Some(Outcome::Unknown)
            && contact.last_number == attempt.number
            && matches!(contact.state, ContactState::Pending | ContactState::Failed)
    }

    /// Whether the campaign wants looking after.
    pub fn is_wanted(&self) -> bool {
        !self.campaign.completed || self.open().is_some() || self.revived().is_some()
    }

    /// Whether the campaign's row names this node.
    pub fn is_owned_by(&self, node: usize) -> bool {
        matches!(self.campaign.owner, Owner::Living(owner) | Owner::RunOut(owner) if owner == node)
    }

    /// `campaigns::lock`: whether a decision of this node's actor is accepted.
    fn is_accepted(&self, node: usize, flaws: Flaws) -> bool {
        let owns = self.is_owned_by(node) && self.nodes[node].actor == Some(self.campaign.epoch);
        owns || flaws.have(Flaw::NoFence)
    }

    fn move_contact(&mut self, contact: usize, state: ContactState) {
        let was = std::mem::replace(&mut self.contacts[contact].state, state);
        *self.campaign.counters.of(was) -= 1;
        *self.campaign.counters.of(state) += 1;
    }

    /// `nodes::take_over`.
    pub fn take_over(&mut self, node: usize) {
        self.campaign.owner = Owner::Living(node);
        self.campaign.epoch += 1;
    }

    /// `attempts::claim_next`. Returns the attempt, if there is one now.
    pub fn claim(&mut self, node: usize, flaws: Flaws) -> Option<usize> {
        let contact = self.contacts.iter().position(|contact| contact.state == ContactState::Pending)?;
        // The unique index `one_open_call_per_campaign`.
        let conflicts = self.open().is_some() && !flaws.have(Flaw::NoIndex);
        if !self.is_accepted(node, flaws) || self.campaign.completed || conflicts {
            return None;
        }
        self.attempts.push(Attempt {
            contact,
            number: 0,
            written: false,
            age: Age::Fresh,
            sid: None,
            sid_is_adopted: false,
            word: None,
            outcome: None,
            heard_since: false,
        });
        self.provider.push(Far { request: Request::Unsent, sent: 0, call: None });
        let attempt = self.attempts.len() - 1;
        if !flaws.have(Flaw::WritesAfterRequest) {
            self.write_intent(attempt);
        }
        Some(attempt)
    }

    /// The rows of a claim.
    pub fn write_intent(&mut self, attempt: usize) {
        let contact = self.attempts[attempt].contact;
        self.contacts[contact].last_number += 1;
        self.attempts[attempt].number = self.contacts[contact].last_number;
        self.attempts[attempt].written = true;
        self.move_contact(contact, ContactState::Calling);
    }

    /// `attempts::settle`.
    pub fn settle(&mut self, node: usize, attempt: usize, (outcome, fate): (Outcome, Fate), flaws: Flaws) {
        let names_what_it_leaves = !flaws.have(Flaw::SettlesAgain);
        let row = self.attempts[attempt];
        if !self.is_accepted(node, flaws) || !row.written || names_what_it_leaves && !row.is_open() {
            return;
        }
        let row = &mut self.attempts[attempt];
        (row.outcome, row.heard_since) = (Some(outcome), false);
        let tries = i8::from(outcome.counts_as_attempt());
        let contact = row.contact;
        self.contacts[contact].tries += tries;
        self.campaign.counters.tries += tries;
        if names_what_it_leaves {
            self.move_contact(contact, fate.state());
        } else {
            self.contacts[contact].state = fate.state();
            self.campaign.counters.calling -= 1;
            *self.campaign.counters.of(fate.state()) += 1;
        }
    }

    /// `attempts::reopen`.
    pub fn reopen(&mut self, node: usize, attempt: usize, flaws: Flaws) {
        let row = self.attempts[attempt];
        if !self.is_accepted(node, flaws) || !self.can_be_reopened(&row) || self.open().is_some() {
            return;
        }
        let row = &mut self.attempts[attempt];
        (row.outcome, row.heard_since) = (None, false);
        let contact = row.contact;
        self.contacts[contact].tries -= 1;
        self.campaign.counters.tries -= 1;
        self.campaign.completed = false;
        self.move_contact(contact, ContactState::Calling);
    }

    /// `campaigns::make_move` with `Move::Finish`.
    pub fn finish(&mut self, node: usize, flaws: Flaws) {
        let unfinished = self.campaign.counters.pending + self.campaign.counters.calling;
        if self.is_accepted(node, flaws) && unfinished == 0 {
            self.campaign.completed = true;
        }
    }

    /// `attempts::record`: unfenced, by whoever hears it.
    pub fn record(&mut self, attempt: usize, call: usize, word: Word, flaws: Flaws) {
        if !self.attempts[attempt].written {
            return;
        }
        let other =
            (0..self.attempts.len()).find(|one| *one != attempt && self.attempts[*one].sid == Some(call));
        let wrong =
            [other, Some(attempt).filter(|_| self.attempts[attempt].sid.is_some_and(|sid| sid != call))];
        for wrong in wrong.into_iter().flatten() {
            let row = &mut self.attempts[wrong];
            if !row.sid_is_adopted {
                return;
            }
            // `let_go`
            (row.sid, row.sid_is_adopted, row.word) = (None, false, None);
        }
        let row = &mut self.attempts[attempt];
        let word_now = match row.word {
            Some(known) if !flaws.have(Flaw::Overwrites) => known.merge(word),
            _ => word,
        };
        row.word = Some(word_now);
        row.sid = Some(call);
        row.sid_is_adopted &= word.source != Source::Callback;
        row.heard_since = row.outcome == Some(Outcome::Unknown) && !flaws.have(Flaw::HeardTooEarly);
    }

    /// `attempts::adopt`.
    pub fn adopt(&mut self, attempt: usize, call: usize) -> bool {
        let is_owned = self.attempts.iter().any(|other| other.sid == Some(call));
        let row = &mut self.attempts[attempt];
        if row.sid.is_some() || row.outcome.is_some() || is_owned {
            return false;
        }
        (row.sid, row.sid_is_adopted) = (Some(call), true);
        true
    }

    /// The calls that a search for an attempt's call finds and that belong to no attempt.
    pub fn unowned_calls(&self, attempt: usize) -> impl Iterator<Item = usize> {
        let to = self.attempts[attempt].contact;
        let is_owned = |call: usize| self.attempts.iter().any(|other| other.sid == Some(call));
        let calls = (0..self.provider.len()).filter(move |call| self.attempts[*call].contact == to);
        calls.filter(move |call| self.provider[*call].call.is_some() && !is_owned(*call))
    }

    /// Forgets what makes no difference: the age of an attempt whose request has left, and that is settled or knows its
    /// call for certain; and which node is which.
    pub fn tidied(mut self) -> Self {
        for (attempt, far) in self.attempts.iter_mut().zip(&self.provider) {
            let is_certain = attempt.sid.is_some() && !attempt.sid_is_adopted;
            if far.request != Request::Unsent && (is_certain || attempt.outcome.is_some()) {
                attempt.age = Age::Graced;
            }
        }
        if !self.nodes.is_sorted() {
            let mut order: Vec<usize> = (0..self.nodes.len()).collect();
            order.sort_by_key(|node| self.nodes[*node]);
            self.campaign.owner = match self.campaign.owner {
                Owner::Living(owner) => Owner::Living(place_of(owner, &order)),
                Owner::RunOut(owner) => Owner::RunOut(place_of(owner, &order)),
                owner => owner,
            };
            self.nodes.sort();
        }
        self
    }
}

fn place_of(node: usize, order: &[usize]) -> usize {
    order.iter().position(|one| *one == node).expect("every node has a place")
}
