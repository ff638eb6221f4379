//! Makes webhooks durable. HTTP handlers hand over verified callbacks and wait for the word that they are stored.
//!
//! What has arrived while a commit was under way goes into the next one together: under load that beats one commit
//! per webhook several times over, and alone it adds no delay, because nothing waits for company.

use std::collections::BTreeSet;

use actix::prelude::*;
use chrono::TimeDelta;
use tokio::sync::oneshot;
use tracing::{error, warn};
use uuid::Uuid;

use crate::clock::{Clock, Stopwatch};
use crate::db::attempts::{Heard, Recorded, record};
use crate::db::{Database, Error};
use crate::telemetry::{Meters, Part, Said, Tracer};

use super::supervisor::{SupervisorActor, WakeCampaign};

/// Callbacks that wait at most. Beyond, nobody would still be waiting for the answer when their turn comes.
const MOST_WAITING: usize = 50_000;

/// How callbacks are grouped into commits.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Callbacks in one commit at most.
    pub largest_batch: usize,
    /// Commits under way at once at most.
    pub commits: usize,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { largest_batch: 500, commits: 1 }
    }
}

/// A verified callback, to be made durable. The answer comes after the commit.
#[derive(Message, Debug)]
#[rtype(result = "Result<Recorded, NotDelivered>")]
pub struct Deliver(pub Heard);

/// A callback that was not stored: whoever sent it should come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the callback could not be stored")]
pub struct NotDelivered;

/// Makes webhooks durable.
pub struct InboxActor {
    database: Database,
    clock: Clock,
    supervisor: Addr<SupervisorActor>,
    delivery: Delivery,
    meters: Meters,
    tracer: Tracer,
    waiting: Vec<Waiting>,
    commits_under_way: usize,
}

struct Waiting {
    heard: Heard,
    since: Stopwatch,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Recorded, NotDelivered>>;

impl InboxActor {
    /// An inbox that tells `supervisor` which campaigns may have a new next step.
    pub fn new(
        database: Database,
        clock: Clock,
        supervisor: Addr<SupervisorActor>,
        delivery: Delivery,
        (meters, tracer): (Meters, Tracer),
    ) -> Self {
        let database = database.urgent();
        Self {
            database,
            clock,
            supervisor,
            delivery,
            meters,
            tracer,
            waiting: Vec::new(),
            commits_under_way: 0,
        }
    }

    fn commit(&mut self, ctx: &mut Context<Self>) {
        while self.commits_under_way < self.delivery.commits && !self.waiting.is_empty() {
            self.commits_under_way += 1;
            let rest = self.waiting.split_off(self.waiting.len().min(self.delivery.largest_batch));
            let batch = std::mem::replace(&mut self.waiting, rest);
            self.meters.batch(batch.len());
            let (heard, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.heard, (waiting.since, waiting.answer))).unzip();
            let (database, now) = (self.database.clone(), self.clock.now());
            let stored = async move { (record(&database, &heard, now).await, heard) };
            ctx.spawn(stored.into_actor(self).map(|(stored, heard), actor, ctx| {
                actor.commits_under_way -= 1;
                actor.answer(stored, &heard, answers);
                actor.commit(ctx);
            }));
        }
    }

    /// Tells of a callback, from its arrival until it is durable or could not be made so.
    fn trace(&self, since: Stopwatch, heard: &Heard, is_stored: bool) {
        if self.tracer.is_on() {
            let now = self.clock.now();
            let ago = TimeDelta::from_std(since.elapsed() * self.clock.speed()).unwrap_or_default();
            let said = [
                ("campaign.id", Said::Id(heard.campaign)),
                ("status", Said::Word(heard.facts.status.as_str())),
                ("result", Said::Word(if is_stored { "stored" } else { "not-stored" })),
            ];
            self.tracer.tell(heard.attempt, Part::Callback, (now - ago, now), &said);
        }
    }

    fn answer(
        &mut self,
        stored: Result<Vec<Result<Recorded, Error>>, Error>,
        heard: &[Heard],
        answers: Vec<(Stopwatch, Answer)>,
    ) {
        for ((since, _), heard) in answers.iter().zip(heard) {
            self.meters.durable_after(since.elapsed());
            self.trace(*since, heard, stored.is_ok());
        }
        let answers = answers.into_iter().map(|(_, answer)| answer);
        let results = match stored {
            Ok(results) => results,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, callbacks = heard.len(), "callbacks could not be stored");
                answers.for_each(|answer| tell(answer, Err(NotDelivered)));
                return;
            }
        };
        let mut to_wake: BTreeSet<Uuid> = BTreeSet::new();
        for ((result, heard), answer) in results.into_iter().zip(heard).zip(answers) {
            let result = result.map_err(|error| {
                let error = &error as &dyn std::error::Error;
                error!(error, attempt.id = %heard.attempt, "a callback could not be stored");
                NotDelivered
            });
            if result == Ok(Recorded::Known { matters: true }) {
                to_wake.insert(heard.campaign);
            }
            tell(answer, result);
        }
        for campaign in to_wake {
            self.supervisor.do_send(WakeCampaign { campaign });
        }
    }
}

fn tell(answer: Answer, result: Result<Recorded, NotDelivered>) {
    // Whoever asked may have stopped waiting: what is stored is stored.
    let _ = answer.send(result);
}

impl Actor for InboxActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // A mailbox of 16 would make handlers wait for the mailbox instead of for the commit.
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Deliver> for InboxActor {
    type Result = ResponseFuture<Result<Recorded, NotDelivered>>;

    fn handle(&mut self, Deliver(heard): Deliver, ctx: &mut Context<Self>) -> Self::Result {
        if self.waiting.len() >= MOST_WAITING {
            return Box::pin(async { Err(NotDelivered) });
        }
        let (answer, told) = oneshot::channel();
        self.waiting.push(Waiting { heard, since: Stopwatch::start(), answer });
        self.commit(ctx);
        Box::pin(async move { told.await.unwrap_or(Err(NotDelivered)) })
    }
}
