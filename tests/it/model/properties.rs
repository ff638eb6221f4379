//! What must hold in every world, and of every step from one to the next.

use outdial::domain::contact::ContactState;

use super::actions::Action;
use super::world::{Attempt, Call, Campaign, Counters, Far, Owner, Request, Task, Word, World};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// At most one request for an attempt leaves.
    OneRequestPerAttempt,
    /// A campaign never has two open attempts.
    OneOpenAttempt,
    /// The provider never has two calls of the campaign, and so none of a contact, alive at once.
    OneRingAtATime,
    /// An attempt is settled once, and the counters say what a recount says.
    SettledOnce,
    /// Epochs only grow, an owner comes with a new one, and nothing is decided under an older one.
    NoDecisionOfAnOlderEpoch,
    /// What was heard of a call only ever stands higher in the fold's order, unless the attempt lets go of the call.
    StatusNeverRegresses,
    /// From here everybody becomes final, or due with all attempts used up, if nothing more goes wrong; and what was given
    /// up and is heard of all the same is corrected.
    NobodyIsForgotten,
}

/// What a world breaks.
pub fn broken_by_world(world: &World) -> impl Iterator<Item = Property> {
    let held = [
        (Property::OneRequestPerAttempt, world.provider.iter().all(|far| far.sent <= 1)),
        (Property::OneOpenAttempt, world.attempts.iter().filter(|attempt| attempt.is_open()).count() <= 1),
        (Property::OneRingAtATime, world.provider.iter().filter(|far| is_alive(far)).count() <= 1),
        (Property::SettledOnce, world.campaign.counters == recount(world) && contacts_add_up(world)),
    ];
    held.into_iter().filter(|(_, holds)| !holds).map(|(property, _)| property)
}

/// What a step from one world to the next breaks.
pub fn broken_by_step(before: &World, action: Action, after: &World) -> impl Iterator<Item = Property> {
    let mut pairs = before.attempts.iter().zip(&after.attempts);
    let held = [
        (Property::NoDecisionOfAnOlderEpoch, is_fenced(before, action, after)),
        (Property::StatusNeverRegresses, pairs.all(|(before, after)| never_regresses(before, after))),
    ];
    held.into_iter().filter(|(_, holds)| !holds).map(|(property, _)| property)
}

fn is_alive(far: &Far) -> bool {
    far.call == Some(Call::Rings)
}

fn tries<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> i8 {
    attempts.filter(|attempt| attempt.outcome.is_some_and(|outcome| outcome.counts_as_attempt())).count()
        as i8
}

fn recount(world: &World) -> Counters {
    let mut counters = Counters { tries: tries(world.attempts.iter()), ..Counters::default() };
    for contact in &world.contacts {
        *counters.of(contact.state) += 1;
    }
    counters
}

/// A contact is being called exactly while an attempt of it is open, and has as many tries as attempts that counted.
fn contacts_add_up(world: &World) -> bool {
    world.contacts.iter().enumerate().all(|(place, contact)| {
        let own = || world.attempts.iter().filter(|attempt| attempt.contact == place);
        let is_called = own().any(Attempt::is_open);
        is_called == (contact.state == ContactState::Calling) && contact.tries == tries(own())
    })
}

fn is_fenced(before: &World, action: Action, after: &World) -> bool {
    let (was, is) = (&before.campaign, &after.campaign);
    match action {
        Action::TakesOver { node } => is.epoch == was.epoch + 1 && is.owner == Owner::Living(node),
        Action::RunsOut | Action::Renews { .. } | Action::Dies { .. } => {
            Campaign { owner: is.owner, ..*was } == *is
        }
        Action::Steps { node } | Action::CommitUnheard { node } => {
            let is_owner = before.is_owned_by(node) && before.nodes[node].actor == Some(was.epoch);
            let decided = was != is || before.contacts != after.contacts;
            (is_owner || !decided) && was.epoch == is.epoch
        }
        _ => was == is && before.contacts == after.contacts,
    }
}

fn never_regresses(before: &Attempt, after: &Attempt) -> bool {
    if before.word == after.word {
        return true;
    }
    let lets_go = before.sid_is_adopted && before.sid != after.sid;
    lets_go || before.word.map(Word::key) <= after.word.map(Word::key)
}

/// Whether all is done: everybody final, or due with all attempts used up, nothing under way, and nothing left as
/// unknown that was heard of and could be corrected.
pub fn is_done(world: &World, attempts: usize) -> bool {
    let counters = &world.campaign.counters;
    let is_over = if counters.pending > 0 {
        world.attempts.len() == attempts
    } else {
        counters.calling == 0 && world.campaign.completed
    };
    is_over
        && world.open().is_none()
        && !world.attempts.iter().any(|attempt| attempt.word.is_some() && world.can_be_reopened(attempt))
        && world.provider.iter().all(|far| !is_alive(far) && far.request != Request::OnItsWay)
        && world.nodes.iter().all(|node| node.task == Task::Look)
}
