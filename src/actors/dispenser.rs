//! Places among the account's calls per second. They belong to the account and not to the node: all nodes take them
//! from its one row. This actor takes the next ones while somebody here waits, and grants each when its time has
//! come to the campaign that has waited longest, so that a big campaign does not starve a small one.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use actix::prelude::*;
use tracing::warn;
use uuid::Uuid;

use crate::clock::Deadline;
use crate::db::Database;
use crate::db::accounts::{Places, take_places};

/// How long a granted place is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Places are taken for this span at once, which saves statements at many calls per second and reserves little.
const AHEAD: Duration = Duration::from_millis(50);

/// How long is waited after the database failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// A permission to place one call, now.
#[derive(Debug)]
pub(super) struct Place {
    good_until: Deadline,
}

impl Place {
    /// Whether it can still be used.
    pub(super) fn is_good(&self) -> bool {
        !self.good_until.has_passed()
    }
}

/// A campaign would dial and has no place. Asking twice is the same as asking once.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AskForPlace {
    pub(super) campaign: Uuid,
    pub(super) to: Recipient<Grant>,
}

/// A place was granted and is not used after all.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct GiveBack(pub(super) Place);

/// A place, for the campaign that has waited longest.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Grant(pub(super) Place);

/// Grants places.
pub struct DispenserActor {
    database: Database,
    account_sid: String,
    spacing: Duration,
    waiting: VecDeque<AskForPlace>,
    known: HashSet<Uuid>,
    /// Whether places have been taken, or are being taken, that are still to be granted.
    busy: bool,
}

impl DispenserActor {
    /// A dispenser of `cps` calls per second of this account.
    pub fn new(database: Database, account_sid: String, cps: f64) -> Self {
        let spacing = Duration::from_secs_f64(1.0 / cps);
        Self { database, account_sid, spacing, waiting: VecDeque::new(), known: HashSet::new(), busy: false }
    }

    fn take(&mut self, ctx: &mut Context<Self>) {
        if self.busy || self.waiting.is_empty() {
            return;
        }
        self.busy = true;
        let at_once = (AHEAD.as_secs_f64() / self.spacing.as_secs_f64()).floor().max(1.0) as usize;
        let count = u32::try_from(self.waiting.len().min(at_once)).unwrap_or(1);
        let (database, sid, spacing) = (self.database.clone(), self.account_sid.clone(), self.spacing);
        let taken = async move { take_places(&database, &sid, count, spacing).await };
        ctx.spawn(taken.into_actor(self).map(move |places, actor, ctx| match places {
            Ok(Places::Granted { after, spacing }) => actor.schedule((after, spacing), count, ctx),
            Ok(Places::Closed { for_another }) => actor.rest(for_another.max(Duration::from_millis(10)), ctx),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "no places could be taken");
                actor.rest(PATIENCE, ctx);
            }
        }));
    }

    fn schedule(
        &mut self,
        (first_after, spacing): (Duration, Duration),
        count: u32,
        ctx: &mut Context<Self>,
    ) {
        for place in 0..count {
            let after = first_after + spacing * place;
            let last = place + 1 == count;
            let grant = move |actor: &mut Self, ctx: &mut Context<Self>| {
                actor.grant(Place { good_until: Deadline::within(GOOD_FOR) });
                if last {
                    actor.busy = false;
                    actor.take(ctx);
                }
            };
            // A timer's grain is a millisecond, which a place that is free already need not wait for.
            if after.is_zero() {
                grant(self, ctx);
            } else {
                ctx.run_later(after, grant);
            }
        }
    }

    fn rest(&mut self, span: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(span, |actor, ctx| {
            actor.busy = false;
            actor.take(ctx);
        });
    }

    fn grant(&mut self, place: Place) {
        while let Some(first) = self.waiting.pop_front() {
            self.known.remove(&first.campaign);
            if first.to.connected() {
                first.to.do_send(Grant(place));
                return;
            }
        }
    }
}

impl Actor for DispenserActor {
    type Context = Context<Self>;
}

impl Handler<AskForPlace> for DispenserActor {
    type Result = ();

    fn handle(&mut self, asked: AskForPlace, ctx: &mut Context<Self>) {
        if self.known.insert(asked.campaign) {
            self.waiting.push_back(asked);
        } else if let Some(waiting) = self.waiting.iter_mut().find(|known| known.campaign == asked.campaign) {
            // The one who asked before may have died since; the turn is the campaign's.
            waiting.to = asked.to;
        }
        self.take(ctx);
    }
}

impl Handler<GiveBack> for DispenserActor {
    type Result = ();

    fn handle(&mut self, GiveBack(place): GiveBack, _ctx: &mut Context<Self>) {
        if place.is_good() {
            self.grant(place);
        }
    }
}
