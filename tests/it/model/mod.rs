//! The life of one call as an exhaustive model: leases, attempts, callbacks and reconciling, in every order in which
//! processes that stop, die and come back, a provider that loses answers, and callbacks that come twice, late or never
//! can make them happen. Within its bounds it proves what `simulation` samples.
//!
//! # What is the program's own, and what is a copy
//!
//! Decisions are the program's: [`decide`] asks `dialer::next_step`, `Settings::verdict` and `Silence::is_traceless`, and
//! a word is folded by `Facts::merge` and read by `attempt::outcome`. The rest stands for lines of the program:
//!
//! | here | there |
//! |---|---|
//! | `World::{claim, settle, reopen, record, adopt, take_over, finish}`, each atomic | the transactions of the same name in `db::attempts`, `db::nodes`, `db::campaigns` |
//! | `World::is_accepted` | `db::campaigns::lock` |
//! | `Task`, a step at a time | `CampaignActor`'s turn: `dial::dial` and `record_answer`, `carry_out::reconcile`, `ask` and `look_for` |
//! | `Task::Send` only while `Age::Fresh` | `single_shot`, which looks at the deadline as it hands the form over |
//! | `CommitUnheard` while taking back | `Memory::unsent` |
//! | `RunsOut`, `Renews`, `TakesOver`, `Musters` | `SupervisorActor`'s renewal and muster |
//!
//! # Time
//!
//! It has no measure. A process that is stopped is one whose turn does not come, so its row may run out between any two
//! of its steps. An attempt only grows older: `Fresh`, then `Late` after its second, then `Graced`. One thing is assumed,
//! and is the window that remains: a request that has left arrives, or is lost, before its attempt's grace is over, and
//! the provider lists every call that it has made. [`Flaw::RequestsOutlastGrace`] takes the assumption away.
//!
//! # What is left out, and allows more than can happen
//!
//! `look_once_more`, the node's own view of its lease, backoff, pacing, places, and how long ago somebody was asked: the
//! properties hold without them. A callback may come at any time once there is a call, and nobody may count on it, which
//! covers those that are lost.
//!
//! # What is left out altogether
//!
//! Pauses, cancels, opt-outs, hours, hang-ups, machine detection, numbers that several campaigns share, refusals that end
//! a contact, other accounts: `simulation` has them.

mod actions;
mod decide;
mod explore;
mod flaws;
mod properties;
mod world;

use outdial::domain::outcome::Outcome;

use actions::Rules;
use decide::Decider;
use explore::Explored;
use flaws::{Flaw, Flaws};
use properties::Property;
use world::{Bounds, Call, Owner, Request, Task, World};

/// Two processes and two tries of one contact: enough for a dead owner, a stopped one that comes back, and a second ring.
const TWO_TRIES: Bounds = Bounds { nodes: 2, contacts: 1, attempts: 2, epochs: 2 };

const TWO_CONTACTS: Bounds = Bounds { nodes: 2, contacts: 2, attempts: 2, epochs: 2 };

/// One process and whoever takes its place.
const ALONE: Bounds = Bounds { nodes: 1, contacts: 1, attempts: 2, epochs: 2 };

fn rules(bounds: Bounds, flaws: &'static [Flaw]) -> Rules {
    Rules { bounds, flaws: Flaws(flaws), decider: Decider::new() }
}

/// Explores all that the bounds allow, and holds it to every property but these. What it went through must be no less
/// than `worlds`, lest it become trivial unseen.
fn explore(bounds: Bounds, flaws: &'static [Flaw], worlds: usize, but: &[Property]) -> Explored {
    let explored = Explored::all(&rules(bounds, flaws));
    let (seen, steps) = explored.size();
    println!("{bounds:?} {flaws:?}: {seen} worlds, {steps} steps");
    if let Some(property) = explored.broken().into_iter().find(|property| !but.contains(property)) {
        panic!("{}", explored.story(property));
    }
    assert_eq!(explored.broken(), but);
    assert!(seen >= worlds, "only {seen} worlds, expected {worlds} at least");
    explored
}

/// Whether a dialer that is built so breaks this property, within bounds that the sound one keeps it in.
fn breaks(bounds: Bounds, flaws: &'static [Flaw], property: Property) {
    let explored = Explored::until_broken(&rules(bounds, flaws), property);
    assert!(explored.broken().contains(&property), "{flaws:?} does not break {property:?}");
    println!("{flaws:?}: {}", explored.story(property));
}

#[test]
fn three_processes_and_two_tries_of_a_contact_keep_every_promise() {
    let explored = explore(Bounds { nodes: 3, ..TWO_TRIES }, &[], 60_000, &[]);
    type Sight = (&'static str, fn(&World) -> bool);
    let sights: [Sight; 8] = [
        ("an older owner about to send", |world| {
            let is_older = |actor: Option<u8>| actor.is_some_and(|epoch| epoch < world.campaign.epoch);
            world.nodes.iter().any(|node| is_older(node.actor) && matches!(node.task, Task::Send { .. }))
        }),
        ("a dead owner's request that arrives", |world| {
            world.campaign.owner == Owner::Dead
                && world.provider.iter().any(|far| far.call == Some(Call::Rings))
        }),
        ("an adopted call", |world| world.attempts.iter().any(|attempt| attempt.sid_is_adopted)),
        ("a callback before the answer", |world| {
            let is_before = |task| matches!(task, Task::AwaitAnswer { attempt } if world.attempts[attempt].word.is_some());
            world.nodes.iter().any(|node| is_before(node.task))
        }),
        ("given up as unknown", |world| {
            world.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::Unknown))
        }),
        ("taken back", |world| {
            world.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::NotPlaced))
        }),
        ("a second call", |world| {
            world.provider.iter().filter(|far| far.request == Request::Taken).count() == 2
        }),
        ("a completed campaign", |world| world.campaign.completed),
    ];
    for (what, is_seen) in sights {
        assert!(explored.has(is_seen), "never seen: {what}");
    }
}

#[test]
fn three_owners_one_after_the_other_keep_every_promise() {
    explore(Bounds { nodes: 3, contacts: 1, attempts: 1, epochs: 3 }, &[], 40_000, &[]);
}

#[test]
fn two_contacts_keep_every_promise() {
    explore(TWO_CONTACTS, &[], 70_000, &[]);
}

#[test]
fn three_attempts_of_a_process_that_is_restarted_keep_every_promise() {
    explore(Bounds { attempts: 3, ..ALONE }, &[], 90_000, &[]);
}

/// The window that remains, and that it is no wider: a second ring, while everything else holds, also for what is
/// opened again.
#[test]
fn a_request_that_outlasts_the_grace_can_make_a_second_ring_and_break_nothing_else() {
    let explored = explore(ALONE, &[Flaw::RequestsOutlastGrace], 20_000, &[Property::OneRingAtATime]);
    assert!(explored.has(|world| world.nodes.iter().any(|node| matches!(node.task, Task::Reopen { .. }))));
}

/// What is left of the promises without the fence is held by the index, the budget, and by naming what is left.
#[test]
fn without_the_fence_an_older_owner_decides() {
    explore(TWO_TRIES, &[Flaw::NoFence], 60_000, &[Property::NoDecisionOfAnOlderEpoch]);
}

#[test]
fn without_fence_and_index_two_attempts_are_open_and_two_calls_ring() {
    breaks(TWO_CONTACTS, &[Flaw::NoFence, Flaw::NoIndex], Property::OneOpenAttempt);
    breaks(TWO_CONTACTS, &[Flaw::NoFence, Flaw::NoIndex], Property::OneRingAtATime);
}

#[test]
fn an_attempt_that_is_written_after_its_request_rings_twice() {
    breaks(TWO_TRIES, &[Flaw::WritesAfterRequest], Property::OneRingAtATime);
}

#[test]
fn a_lost_request_that_is_repeated_leaves_twice() {
    breaks(TWO_TRIES, &[Flaw::RepeatsLostRequests], Property::OneRequestPerAttempt);
}

#[test]
fn a_lost_request_that_is_taken_back_rings_twice() {
    breaks(TWO_TRIES, &[Flaw::TakesBackLostRequests], Property::OneRingAtATime);
}

#[test]
fn without_the_budget_a_process_that_was_stopped_rings_a_second_time() {
    breaks(TWO_TRIES, &[Flaw::NoBudget], Property::OneRingAtATime);
}

#[test]
fn a_settlement_that_does_not_name_what_it_leaves_counts_twice() {
    breaks(TWO_TRIES, &[Flaw::SettlesAgain], Property::SettledOnce);
}

#[test]
fn callbacks_that_overwrite_let_a_status_regress() {
    breaks(TWO_TRIES, &[Flaw::Overwrites], Property::StatusNeverRegresses);
}

#[test]
fn giving_up_without_a_grace_rings_twice() {
    breaks(TWO_TRIES, &[Flaw::NoGrace], Property::OneRingAtATime);
}

#[test]
fn a_dialer_that_never_asks_forgets_somebody() {
    explore(ALONE, &[Flaw::NeverAsks], 1_000, &[Property::NobodyIsForgotten]);
}

#[test]
fn a_word_that_counts_as_heard_before_the_giving_up_is_never_heeded() {
    let flaws = &[Flaw::RequestsOutlastGrace, Flaw::HeardTooEarly];
    explore(ALONE, flaws, 20_000, &[Property::OneRingAtATime, Property::NobodyIsForgotten]);
}

#[test]
fn a_grace_that_ends_while_the_search_is_answered_rings_twice() {
    breaks(TWO_TRIES, &[Flaw::JudgesGraceAfterAnswer], Property::OneRingAtATime);
}

#[test]
fn giving_up_what_was_heard_of_since_the_look_rings_twice() {
    breaks(TWO_TRIES, &[Flaw::GivesUpWhatWasHeard], Property::OneRingAtATime);
}
