//! One running campaign: `wake → look → next_step → carry out → wake`.
//!
//! One step at a time. A wake-up during a step makes the actor look once more afterwards; it carries no information,
//! so a lost or doubled one costs nothing. The actor keeps only what can be forgotten: its settings as last seen, a
//! place, a timer.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use chrono::{DateTime, Utc};
use tracing::{Instrument, debug, info, info_span, warn};
use uuid::Uuid;

use crate::clock::Stopwatch;
use crate::db::events::note_waiting;
use crate::db::look::look;
use crate::db::{Error, Ownership};
use crate::domain::dialer::{Because, Step, next_step};
use crate::telemetry::Waits;

use super::carry_out::carry_out;
use super::dial::take_back;
use super::dispenser::{AskForPlace, DispenserActor, GiveBack, Grant};
use super::place::Place;
use super::poison::is_set_aside;
use super::supervisor::{SupervisorActor, WakeCampaign};
use super::switchboard::Switchboard;
use super::taken_back::TakenBack;
use super::turn::{Carried, Memory};

/// The longest pauses after a first, second, … failure in a row. Half of each is left to chance: campaigns that met the same
/// outage do not all come back at once.
const BACKOFF: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(5),
];

/// Look again: something may have changed.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Wake;

/// A campaign's actor has ended.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub(super) struct Gone {
    pub(super) campaign: Uuid,
}

/// The shell of one campaign.
pub struct CampaignActor {
    board: Rc<Switchboard>,
    owner: Ownership,
    dispenser: Addr<DispenserActor>,
    supervisor: Addr<SupervisorActor>,
    progress: Progress,
    timer: Option<SpawnHandle>,
    memory: Memory,
    /// What it last waited for, so that the log says once why nothing happens.
    waited_for: Option<Because>,
    /// What was last told to those who follow of why it waits.
    told_waiting: Option<(Because, DateTime<Utc>)>,
    waits: Waits,
    /// Since when it has waited for a place, if it does.
    place_wanted: Option<Stopwatch>,
    /// Steps in a row that failed.
    failures: usize,
}

enum Progress {
    Idle,
    /// A step is under way; `look_again` if somebody woke us meanwhile.
    Busy {
        look_again: bool,
    },
}

/// What a step came to.
enum Turn {
    LookAgain,
    Made { run: Uuid },
    Wait { until: DateTime<Utc>, because: Because },
    Stop,
    Failed(Error),
}

impl CampaignActor {
    /// The actor of a campaign that this node owns.
    pub(super) fn new(
        board: Rc<Switchboard>,
        owner: Ownership,
        dispenser: Addr<DispenserActor>,
        supervisor: Addr<SupervisorActor>,
    ) -> Self {
        let (progress, memory) = (Progress::Idle, Memory::default());
        let waits = board.meters.waits();
        Self {
            board,
            owner,
            dispenser,
            supervisor,
            progress,
            timer: None,
            memory,
            waited_for: None,
            told_waiting: None,
            waits,
            place_wanted: None,
            failures: 0,
        }
    }

    fn wake(&mut self, ctx: &mut Context<Self>) {
        if matches!(self.progress, Progress::Idle) {
            self.memory.woken = Stopwatch::start();
        }
        self.look(ctx);
    }

    /// Takes the next step, or the one after it if one is under way.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if let Progress::Busy { look_again } = &mut self.progress {
            *look_again = true;
            return;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.progress = Progress::Busy { look_again: false };
        self.waits.set(None);
        let (board, owner) = (self.board.clone(), self.owner);
        let mut memory = std::mem::take(&mut self.memory);
        let span = info_span!("campaign", campaign.id = %owner.campaign);
        let turn = async move {
            let turn = take_turn(&board, owner, &mut memory).await;
            (turn, memory)
        };
        ctx.spawn(turn.instrument(span).into_actor(self).map(|(turn, memory), actor, ctx| {
            actor.memory = memory;
            actor.turned(turn, ctx);
        }));
    }

    /// The one place where the actor's state changes after a step.
    fn turned(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        let woken = matches!(self.progress, Progress::Busy { look_again: true });
        self.progress = Progress::Idle;
        if !matches!(turn, Turn::Failed(_)) {
            self.failures = 0;
        }
        match turn {
            Turn::Failed(error) => {
                let longest = BACKOFF[self.failures.min(BACKOFF.len() - 1)];
                let pause = longest.mul_f64(0.5 + self.board.moment().jitter / 2.0);
                self.failures += 1;
                self.board.meters.step_failed();
                warn!(
                    campaign.id = %self.owner.campaign,
                    error = &error as &dyn std::error::Error,
                    pause_ms = pause.as_millis(),
                    "a step failed, looking again after a pause",
                );
                self.timer = Some(ctx.run_later(pause, |actor, ctx| {
                    actor.timer = None;
                    actor.wake(ctx);
                }));
            }
            Turn::LookAgain => self.look(ctx),
            Turn::Made { run } => {
                self.supervisor.do_send(WakeCampaign { campaign: run });
                self.look(ctx);
            }
            _ if woken => self.wake(ctx),
            Turn::Wait { until, because } => self.wait(until, because, ctx),
            Turn::Stop => ctx.stop(),
        }
    }

    fn wait(&mut self, until: DateTime<Utc>, because: Because, ctx: &mut Context<Self>) {
        self.waits.set(Some(because));
        if self.waited_for.replace(because) != Some(because) && because.is_long() {
            info!(campaign.id = %self.owner.campaign, %until, %because, "waiting: {}", because.sentence());
        }
        self.tell_waiting(until, because, ctx);
        if let Some(place) = self.memory.place.take() {
            self.dispenser.do_send(GiveBack(place));
        }
        if because == Because::RateLimited {
            self.place_wanted.get_or_insert_with(Stopwatch::start);
            self.dispenser
                .do_send(AskForPlace { campaign: self.owner.campaign, to: ctx.address().recipient() });
        }
        let clock = self.board.clock.clone();
        let sleep = async move { clock.sleep_until(until).await };
        self.timer = Some(ctx.spawn(sleep.into_actor(self).map(|(), actor, ctx| {
            actor.timer = None;
            actor.wake(ctx);
        })));
    }

    /// Tells those who follow why it waits, where they may wonder. What cannot be told is told the next time.
    fn tell_waiting(&mut self, until: DateTime<Utc>, because: Because, ctx: &mut Context<Self>) {
        if !because.is_told() {
            self.told_waiting = None;
            return;
        }
        if self.told_waiting.replace((because, until)) == Some((because, until)) {
            return;
        }
        let (board, owner) = (self.board.clone(), self.owner);
        let told =
            async move { note_waiting(&board.database, owner, (because, until), board.clock.now()).await };
        ctx.spawn(told.into_actor(self).map(|told, actor, _| {
            if let Err(error) = told {
                debug!(error = &error as &dyn std::error::Error, "it was not told why the campaign waits");
                actor.told_waiting = None;
            }
        }));
    }
}

async fn take_turn(board: &Switchboard, owner: Ownership, memory: &mut Memory) -> Turn {
    let mut about = None;
    match try_turn(board, owner, memory, &mut about).await {
        Ok(turn) => turn,
        Err(error) => {
            let about = about.or(memory.unsent);
            if is_set_aside(board, owner, &error, about, memory).await {
                return Turn::LookAgain;
            }
            Turn::Failed(error)
        }
    }
}

/// One step. `about` becomes the attempt that it is about, if it is about one.
async fn try_turn(
    board: &Switchboard,
    owner: Ownership,
    memory: &mut Memory,
    about: &mut Option<Uuid>,
) -> Result<Turn, Error> {
    if let Some(attempt) = memory.unsent {
        take_back(board, owner, attempt, TakenBack::DatabaseFailed).await?;
        memory.unsent = None;
    }
    let found =
        look(&board.database, owner.campaign, board.account_sid.as_str(), memory.known.clone()).await?;
    let Some(look) = found else { return Ok(Turn::Stop) };
    memory.known = Some(look.known.clone());
    memory.place = memory.place.take().filter(Place::is_good);
    memory.consent = memory.consent.take().filter(|consent| consent.is_good(&look.known));
    let view = board.view(&look, owner.epoch, memory);
    let step = next_step(&view, board.moment());
    *about = step.attempt();
    debug!(?step, "decided");
    match step {
        Step::Stop => Ok(Turn::Stop),
        Step::Wait { until, because } => Ok(Turn::Wait { until, because }),
        step => {
            let carried = carry_out(board, owner, step, &look, memory).await?;
            if let (Step::Settle { .. }, Some(contact)) = (step, look.called) {
                memory.failures.forget(contact);
            }
            Ok(match carried {
                Carried::Out => Turn::LookAgain,
                Carried::Made { run } => Turn::Made { run },
                Carried::NotYet { until, because } => Turn::Wait { until, because },
            })
        }
    }
}

impl Actor for CampaignActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.wake(ctx);
    }

    fn stopped(&mut self, _ctx: &mut Context<Self>) {
        if let Some(place) = self.memory.place.take() {
            self.dispenser.do_send(GiveBack(place));
        }
        self.board.speeches.forget(self.owner.campaign);
        self.supervisor.do_send(Gone { campaign: self.owner.campaign });
    }
}

impl Handler<Wake> for CampaignActor {
    type Result = ();

    fn handle(&mut self, _: Wake, ctx: &mut Context<Self>) {
        self.wake(ctx);
    }
}

impl Handler<Grant> for CampaignActor {
    type Result = ();

    fn handle(&mut self, Grant(place): Grant, ctx: &mut Context<Self>) {
        match self.progress {
            // A step is under way and may take longer than the place is good for.
            Progress::Busy { .. } => self.dispenser.do_send(GiveBack(place)),
            Progress::Idle => {
                if let Some(wanted) = self.place_wanted.take() {
                    self.board.meters.waited_for_place(wanted.elapsed());
                }
                self.memory.place = Some(place);
                self.wake(ctx);
            }
        }
    }
}
