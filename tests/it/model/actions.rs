//! Everything that may happen next in a world, and what it leads to.
//!
//! Time is whatever happens in between: that a process is stopped is that others act and it does not.

use outdial::domain::attempt::{Source, Status};
use outdial::domain::outcome::Outcome;

use super::decide::{Decider, Decision, Fate};
use super::flaws::{Flaw, Flaws};
use super::world::{Age, Bounds, Call, Node, Owner, Request, Task, Word, World};

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The owner renews its row after it had run out.
    Renews { node: usize },
    /// The owner's row runs out: it was stopped or cut off for longer than its lease, or it is dead.
    RunsOut,
    /// A process is killed; another one is started in its place.
    Dies { node: usize },
    /// A node takes the campaign, whose owner's row has run out.
    TakesOver { node: usize },
    /// A node starts the actor of its campaign.
    Musters { node: usize },
    /// An actor makes the next step of its turn.
    Steps { node: usize },
    /// An actor that is about to send finds that it may not any more, or that nobody can be reached.
    TakesBackInstead { node: usize },
    /// An actor's transaction is committed, and the answer to the commit is lost.
    CommitUnheard { node: usize },
    /// No answer to a request comes, or one that tells nothing: a timeout, a reset, a 5xx.
    AnswerLost { node: usize },
    /// So much time passes that more may be done about an open attempt.
    Ages { attempt: usize },
    /// A request arrives, and a call is made.
    IsTaken { attempt: usize },
    /// A request arrives, and is refused.
    IsRefused { attempt: usize },
    /// A request never arrives.
    IsLost { attempt: usize },
    /// A call ends.
    Ends { attempt: usize, status: Status },
    /// A callback arrives at some node, for the first time or again, early or late.
    CallsBack { attempt: usize, status: Status },
}

impl Action {
    /// Whether nobody may count on it: bad luck, and callbacks. Whatever has gone wrong must be mended without more of
    /// it, and without a callback.
    pub fn is_uncertain(self, world: &World) -> bool {
        match self {
            Self::Dies { .. }
            | Self::TakesBackInstead { .. }
            | Self::CommitUnheard { .. }
            | Self::IsRefused { .. }
            | Self::IsLost { .. }
            | Self::CallsBack { .. } => true,
            Self::RunsOut => world.campaign.owner != Owner::Dead,
            // An answer that does not come is not waited for forever.
            Self::AnswerLost { .. }
            | Self::Renews { .. }
            | Self::TakesOver { .. }
            | Self::Musters { .. }
            | Self::Steps { .. }
            | Self::Ages { .. }
            | Self::IsTaken { .. }
            | Self::Ends { .. } => false,
        }
    }
}

/// A world's rules: its bounds, what is wrong with it, and the program's decisions.
pub struct Rules {
    pub bounds: Bounds,
    pub flaws: Flaws,
    pub decider: Decider,
}

impl Rules {
    /// Everything that may happen next, with what it leads to.
    pub fn follow(&self, world: &World, mut found: impl FnMut(Action, World)) {
        let mut then = |action, change: &dyn Fn(&mut World)| {
            let mut next = world.clone();
            change(&mut next);
            found(action, next);
        };
        self.of_owner(world, &mut then);
        for node in 0..world.nodes.len() {
            self.of_node(world, node, &mut then);
        }
        for attempt in 0..world.attempts.len() {
            self.of_attempt(world, attempt, &mut then);
        }
    }

    fn of_owner(&self, world: &World, then: &mut impl FnMut(Action, &dyn Fn(&mut World))) {
        let owned_by = |owner| move |world: &mut World| world.campaign.owner = owner;
        match world.campaign.owner {
            Owner::Nobody => {}
            Owner::Dead => then(Action::RunsOut, &owned_by(Owner::Nobody)),
            Owner::RunOut(node) => then(Action::Renews { node }, &owned_by(Owner::Living(node))),
            Owner::Living(_) if self.is_last(world) => {}
            Owner::Living(node) => then(Action::RunsOut, &owned_by(Owner::RunOut(node))),
        }
    }

    /// Whether there is nobody by whom the owner could be followed.
    fn is_last(&self, world: &World) -> bool {
        world.campaign.epoch == self.bounds.epochs
    }

    fn of_node(&self, world: &World, node: usize, then: &mut impl FnMut(Action, &dyn Fn(&mut World))) {
        let owns = world.is_owned_by(node);
        let is_idle = world.nodes[node].actor.is_none();
        if !(owns && self.is_last(world)) && (owns || !is_idle) {
            then(Action::Dies { node }, &|world| {
                world.nodes[node] = Node { actor: None, task: Task::Look };
                world.campaign.owner = match world.campaign.owner {
                    Owner::Living(owner) if owner == node => Owner::Dead,
                    Owner::RunOut(owner) if owner == node => Owner::Nobody,
                    owner => owner,
                };
            });
        }
        let has_living_owner = matches!(world.campaign.owner, Owner::Living(_) | Owner::Dead);
        if !self.is_last(world) && world.is_wanted() && !has_living_owner {
            then(Action::TakesOver { node }, &|world| world.take_over(node));
        }
        match world.nodes[node].actor {
            None if owns && world.is_wanted() => {
                then(Action::Musters { node }, &|world| {
                    world.nodes[node].actor = Some(world.campaign.epoch);
                });
            }
            None => {}
            Some(epoch) => self.of_actor(world, node, epoch, then),
        }
    }

    fn of_actor(
        &self,
        world: &World,
        node: usize,
        epoch: u8,
        then: &mut impl FnMut(Action, &dyn Fn(&mut World)),
    ) {
        let (flaws, steps) = (self.flaws, Action::Steps { node });
        let turn = |world: &mut World, task| world.nodes[node].task = task;
        match world.nodes[node].task {
            Task::Look => match self.decider.decide(world, node, epoch) {
                // The bound of the model, not of the program.
                Decision::Do(Task::Claim) if world.attempts.len() == self.bounds.attempts => {}
                Decision::Do(Task::Ask { .. }) if flaws.have(Flaw::NeverAsks) => {}
                Decision::Do(task) => then(steps, &|world| turn(world, task)),
                Decision::Wait => {}
                Decision::Stop => then(steps, &|world| world.nodes[node].actor = None),
            },
            Task::Claim => {
                // Somebody else may have used the last attempt up.
                if world.attempts.len() == self.bounds.attempts {
                    return then(steps, &|world| turn(world, Task::Look));
                }
                then(steps, &|world| {
                    let claimed = world.claim(node, flaws);
                    turn(world, claimed.map_or(Task::Look, |attempt| Task::Send { attempt }));
                });
                then(Action::CommitUnheard { node }, &|world| {
                    world.claim(node, flaws);
                    turn(world, Task::Look);
                });
            }
            Task::Send { attempt } => {
                let in_time = world.attempts[attempt].age == Age::Fresh || flaws.have(Flaw::NoBudget);
                if in_time {
                    then(steps, &|world| {
                        world.provider[attempt].request = Request::OnItsWay;
                        world.provider[attempt].sent += 1;
                        turn(world, Task::AwaitAnswer { attempt });
                    });
                    then(Action::TakesBackInstead { node }, &|world| turn(world, Task::TakeBack { attempt }));
                } else {
                    then(steps, &|world| turn(world, Task::TakeBack { attempt }));
                }
            }
            Task::AwaitAnswer { attempt } => {
                match world.provider[attempt].request {
                    Request::Taken => then(steps, &|world| turn(world, Task::RecordPlaced { attempt })),
                    Request::Refused => then(steps, &|world| turn(world, Task::TakeBack { attempt })),
                    Request::Unsent | Request::OnItsWay | Request::Lost => {}
                }
                then(Action::AnswerLost { node }, &|world| {
                    let next = if flaws.have(Flaw::RepeatsLostRequests) {
                        Task::Send { attempt }
                    } else if flaws.have(Flaw::TakesBackLostRequests) {
                        Task::TakeBack { attempt }
                    } else {
                        Task::Look
                    };
                    turn(world, next);
                });
            }
            Task::RecordPlaced { attempt } => then(steps, &|world| {
                if !world.attempts[attempt].written {
                    world.write_intent(attempt);
                }
                let word = Word { status: Status::Queued, source: Source::Answer };
                world.record(attempt, attempt, word, flaws);
                turn(world, Task::Look);
            }),
            Task::TakeBack { attempt } => {
                let taken_back = (Outcome::NotPlaced, Fate::Due);
                then(steps, &|world| {
                    world.settle(node, attempt, taken_back, flaws);
                    turn(world, Task::Look);
                });
                // `Memory::unsent` keeps the attempt: the turn begins with taking it back again.
                then(Action::CommitUnheard { node }, &|world| world.settle(node, attempt, taken_back, flaws));
            }
            Task::Settle { attempt, outcome, fate } => then(steps, &|world| {
                world.settle(node, attempt, (outcome, fate), flaws);
                turn(world, Task::Look);
            }),
            Task::Ask { attempt } => then(steps, &|world| {
                let task = self.ask(world, attempt);
                turn(world, task);
            }),
            Task::Adopt { attempt, call, status, grace_is_over } => then(steps, &|world| {
                let next = if world.adopt(attempt, call) {
                    Task::RecordFetched { attempt, call, status }
                } else {
                    Task::GiveUp { attempt, grace_is_over }
                };
                turn(world, next);
            }),
            Task::RecordFetched { attempt, call, status } => then(steps, &|world| {
                world.record(attempt, call, Word { status, source: Source::Fetch }, flaws);
                turn(world, Task::Look);
            }),
            Task::GiveUp { attempt, grace_is_over } => then(steps, &|world| {
                let row = &world.attempts[attempt];
                let is_over = grace_is_over
                    || flaws.have(Flaw::NoGrace)
                    || flaws.have(Flaw::JudgesGraceAfterAnswer) && self.decider.is_traceless(row.age);
                let is_unheard = row.sid.is_none() || flaws.have(Flaw::GivesUpWhatWasHeard);
                if is_over && is_unheard {
                    let fate = self.decider.fate_of_unknown(world, attempt);
                    world.settle(node, attempt, (Outcome::Unknown, fate), flaws);
                }
                turn(world, Task::Look);
            }),
            Task::Reopen { attempt } => then(steps, &|world| {
                world.reopen(node, attempt, flaws);
                turn(world, Task::Look);
            }),
            Task::Finish => then(steps, &|world| {
                world.finish(node, flaws);
                turn(world, Task::Look);
            }),
        }
    }

    /// `carry_out::ask` and `look_for`, as far as the provider's answer and whose calls they are.
    fn ask(&self, world: &World, attempt: usize) -> Task {
        let row = &world.attempts[attempt];
        let grace_is_over = self.decider.is_traceless(row.age);
        let status = |call: usize| world.provider[call].status().expect("a call that somebody has heard of");
        let mut calls = world.unowned_calls(attempt);
        match (row.sid, calls.next(), calls.next()) {
            (Some(call), ..) => Task::RecordFetched { attempt, call, status: status(call) },
            (None, Some(call), None) => Task::Adopt { attempt, call, status: status(call), grace_is_over },
            // Which of several it is cannot be known.
            (None, ..) => Task::GiveUp { attempt, grace_is_over },
        }
    }

    fn of_attempt(&self, world: &World, attempt: usize, then: &mut impl FnMut(Action, &dyn Fn(&mut World))) {
        let (row, far) = (&world.attempts[attempt], &world.provider[attempt]);
        // What is assumed of networks, and of processes that are stopped in the middle of writing.
        let outlasts = self.flaws.have(Flaw::RequestsOutlastGrace);
        let may_pass = far.request != Request::OnItsWay || row.age < Age::Late || outlasts;
        if row.age != Age::Graced && may_pass {
            then(Action::Ages { attempt }, &|world| {
                let row = &mut world.attempts[attempt];
                row.age = if row.age == Age::Fresh { Age::Late } else { Age::Graced };
            });
        }
        if far.request == Request::OnItsWay {
            then(Action::IsTaken { attempt }, &|world| {
                world.provider[attempt].request = Request::Taken;
                world.provider[attempt].call = Some(Call::Rings);
            });
            then(Action::IsRefused { attempt }, &|world| world.provider[attempt].request = Request::Refused);
            then(Action::IsLost { attempt }, &|world| world.provider[attempt].request = Request::Lost);
        }
        let Some(call) = far.call else { return };
        let mut calls_back = |status| {
            then(Action::CallsBack { attempt, status }, &|world| {
                world.record(attempt, attempt, Word { status, source: Source::Callback }, self.flaws);
            });
        };
        calls_back(Status::Ringing);
        match call {
            Call::Over(status) => calls_back(status),
            Call::Rings => {
                for status in [Status::Completed, Status::NoAnswer] {
                    then(Action::Ends { attempt, status }, &|world| {
                        world.provider[attempt].call = Some(Call::Over(status));
                    });
                }
            }
        }
    }
}
