//! Places among the account's calls per second. They belong to the account and not to the node: all nodes take them
//! from its one row. This actor takes the next ones while somebody here waits, and grants each, shortly before it comes, to
//! the campaign that has waited longest, so that a big campaign does not starve a small one.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use actix::prelude::*;
use tracing::warn;
use uuid::Uuid;

use crate::db::Database;

use super::place::{Pace, Place, Taken};

/// Places are taken for this span at once, which saves statements at many calls per second and reserves little.
const AHEAD: Duration = Duration::from_millis(50);

/// How long is waited after the database failed, or was slow.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pace: Pace,
    waiting: VecDeque<AskForPlace>,
    known: HashSet<Uuid>,
    /// Whether places have been taken, or are being taken, that are still to be granted.
    busy: bool,
}

impl DispenserActor {
    /// A dispenser of this account's places.
    pub fn new(database: Database, account_sid: String, pace: Pace) -> Self {
        Self { database, account_sid, pace, waiting: VecDeque::new(), known: HashSet::new(), busy: false }
    }

    fn take(&mut self, ctx: &mut Context<Self>) {
        if self.busy || self.waiting.is_empty() {
            return;
        }
        self.busy = true;
        let at_once = self.pace.places_within(AHEAD).max(1);
        let count = u32::try_from(self.waiting.len().min(at_once)).unwrap_or(1);
        let (database, sid, pace) = (self.database.clone(), self.account_sid.clone(), self.pace.clone());
        let taken = async move { pace.take(&database, &sid, count).await };
        ctx.spawn(taken.into_actor(self).map(|taken, actor, ctx| match taken {
            Ok(Taken::Places(places)) => actor.schedule(places, ctx),
            Ok(Taken::Unsure) => {
                warn!("the database took too long to say when the next places come");
                actor.rest(PATIENCE, ctx);
            }
            Ok(Taken::Closed { for_another }) => actor.rest(for_another.max(Duration::from_millis(10)), ctx),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "no places could be taken");
                actor.rest(PATIENCE, ctx);
            }
        }));
    }

    fn schedule(&mut self, places: Vec<Place>, ctx: &mut Context<Self>) {
        let last = places.len();
        for (number, place) in (1..).zip(places) {
            self.grant_in_time(place, ctx, move |actor, ctx| {
                if number == last {
                    actor.busy = false;
                    actor.take(ctx);
                }
            });
        }
    }

    /// Grants a place as long before it comes as requests take, and then does what follows.
    fn grant_in_time(
        &mut self,
        place: Place,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        let after = place.comes_in().saturating_sub(self.pace.lead());
        let grant = move |actor: &mut Self, ctx: &mut Context<Self>| {
            actor.grant(place);
            then(actor, ctx);
        };
        // A timer's grain is a millisecond, which a place that is free already need not wait for.
        if after.is_zero() {
            grant(self, ctx);
        } else {
            ctx.run_later(after, grant);
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
                first.to.do_send(Grant(place.grant()));
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

    fn handle(&mut self, GiveBack(place): GiveBack, ctx: &mut Context<Self>) {
        if place.is_good() {
            self.grant_in_time(place, ctx, |_, _| {});
        }
    }
}
