//! Hooks: what happens, told to others by a POST. Each hook has a [courier](courier) of its own on the node that owns it, so
//! that a receiver who is slow or away holds up nobody else's events. The living nodes share the hooks; each sees every few
//! seconds which are its own.
//!
//! Everything is delivered at least once, and in order. A node that dies between a delivery and its word of it leaves
//! it to another to deliver again: receivers know it by its id.

mod courier;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};
use uuid::Uuid;

use crate::actors::Lease;
use crate::clock::Clock;
use crate::db::hooks::deliveries::sweep_deliveries;
use crate::db::hooks::share::{
    HookOwner, Owned, leave_hooks, let_go_of_hooks, list_excess_hooks, list_owned_hooks, take_over_hooks,
};
use crate::db::{Database, Error};
use crate::events::{Feed, News, Portion};
use crate::receivers::Poster;
use crate::telemetry::Meters;

use courier::Courier;

/// How often it is seen whose hooks are whose.
const SHARED_EVERY: Duration = Duration::from_secs(5);

/// How often deliveries are forgotten that are long over.
const SWEPT_EVERY: Duration = Duration::from_secs(3600);

/// How long a courier that is to stop may go on with what it is sending. What is given up then is sent again.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// What hooks are worked for with.
pub struct Ground {
    /// Where everything is kept.
    pub database: Database,
    /// What time it is.
    pub clock: Clock,
    /// This node.
    pub node: Uuid,
    /// Whether it is surely alive to the others.
    pub lease: Lease,
    /// Where it is told that something happened.
    pub feed: Feed,
    /// What sends.
    pub poster: Poster,
    /// What operators see of it.
    pub meters: Meters,
}

/// The part of the program that works for hooks.
pub struct Hooks {
    doorbell: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Hooks {
    /// Begins to work.
    pub fn start(ground: Ground) -> Self {
        let doorbell = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let office = Office { ground, couriers: HashMap::new(), news: None, is_failing: false };
        let task = spawn_local(office.run(doorbell.clone(), stopped));
        Self { doorbell, stop, task }
    }

    /// What is rung when a hook was made or changed, so that it is noticed at once.
    pub fn doorbell(&self) -> Arc<Notify> {
        self.doorbell.clone()
    }

    /// Whether it still works. Nothing in the program could bring it back.
    pub fn lives(&self) -> bool {
        !self.task.is_finished()
    }

    /// Stops: what is being sent may come to its end within a short while, and the hooks are free for others.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Sees to it that exactly the hooks have a courier here that are this node's.
struct Office {
    ground: Ground,
    couriers: HashMap<Uuid, Employed>,
    /// What is new, while somebody here wants to know.
    news: Option<broadcast::Receiver<News>>,
    is_failing: bool,
}

/// A courier at work.
struct Employed {
    owned: Owned,
    bell: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Office {
    async fn run(mut self, doorbell: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
        let mut share = interval(SHARED_EVERY);
        let mut sweep = interval(SWEPT_EVERY);
        for ticks in [&mut share, &mut sweep] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        // The first renewal of the lease comes shortly.
        while !self.ground.lease.is_held() && !*stopped.borrow() {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
                _ = stopped.changed() => {}
            }
        }
        while !*stopped.borrow() {
            tokio::select! {
                _ = share.tick() => self.share().await,
                () = doorbell.notified() => self.share().await,
                news = hear(&mut self.news) => self.pass_on(news),
                _ = sweep.tick() => self.sweep().await,
                _ = stopped.changed() => {}
            }
        }
        let all: BTreeSet<Uuid> = self.couriers.keys().copied().collect();
        self.dismiss(&all).await;
        if let Err(error) = leave_hooks(&self.ground.database, self.ground.node).await {
            warn!(error = &error as &dyn std::error::Error, "the hooks could not be released");
        }
    }

    async fn share(&mut self) {
        if !self.ground.lease.is_held() {
            return;
        }
        match self.try_to_share().await {
            Ok(()) => self.is_failing = false,
            Err(error) if !std::mem::replace(&mut self.is_failing, true) => {
                warn!(error = &error as &dyn std::error::Error, "the hooks cannot be shared for now");
            }
            Err(_) => {}
        }
    }

    async fn try_to_share(&mut self) -> Result<(), Error> {
        let (database, node) = (self.ground.database.clone(), self.ground.node);
        let excess = list_excess_hooks(&database, node).await?;
        if !excess.is_empty() {
            info!(hooks = excess.len(), "handing over hooks to other nodes");
            self.dismiss(&excess.iter().copied().collect()).await;
            let_go_of_hooks(&database, node, &excess).await?;
        }
        let taken = take_over_hooks(&database, node).await?;
        if taken > 0 {
            info!(hooks = taken, "took over hooks without a living node");
        }
        let owned = list_owned_hooks(&database, node).await?;
        let is_still_good = |employed: &Employed| {
            !employed.task.is_finished() && owned.iter().any(|owned| owned.owner == employed.owned.owner)
        };
        let over = self.couriers.iter().filter(|(_, employed)| !is_still_good(employed));
        let over: BTreeSet<Uuid> = over.map(|(hook, _)| *hook).collect();
        self.dismiss(&over).await;
        // Before anybody looks, so that nothing falls between.
        if !owned.is_empty() && self.news.is_none() {
            self.news = Some(self.ground.feed.follow());
        }
        for owned in owned {
            match self.couriers.get_mut(&owned.owner.hook) {
                None => drop(self.couriers.insert(owned.owner.hook, self.employ(owned))),
                Some(employed) if employed.owned != owned => {
                    employed.owned = owned;
                    employed.bell.notify_one();
                }
                Some(_) => {}
            }
        }
        if self.couriers.is_empty() {
            self.news = None;
        }
        Ok(())
    }

    fn employ(&self, owned: Owned) -> Employed {
        let ground = &self.ground;
        let bell = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let courier = Courier {
            database: ground.database.clone(),
            clock: ground.clock.clone(),
            lease: ground.lease.clone(),
            poster: ground.poster.clone(),
            meters: ground.meters.clone(),
            owner: owned.owner,
            bell: bell.clone(),
            stop: stopped,
        };
        Employed { owned, bell, stop, task: spawn_local(courier.run()) }
    }

    /// Stops couriers, and returns when none of them sends any more.
    async fn dismiss(&mut self, hooks: &BTreeSet<Uuid>) {
        let leaving: Vec<Employed> = hooks.iter().filter_map(|hook| self.couriers.remove(hook)).collect();
        for employed in &leaving {
            let _ = employed.stop.send(true);
        }
        join_all(leaving.into_iter().map(|mut employed| async move {
            if timeout(LAST_ANSWER, &mut employed.task).await.is_err() {
                employed.task.abort();
                let _ = employed.task.await;
            }
        }))
        .await;
    }

    /// Wakes those whom the news concerns.
    fn pass_on(&mut self, news: Heard) {
        match news {
            Heard::Nothing => {}
            Heard::Events(portion) if !portion.events.is_empty() => {
                for employed in self.couriers.values() {
                    if portion.events.iter().any(|told| is_told(&employed.owned, told)) {
                        employed.bell.notify_one();
                    }
                }
            }
            Heard::Events(_) | Heard::Missed => {
                self.couriers.values().for_each(|employed| employed.bell.notify_one());
            }
        }
    }

    async fn sweep(&self) {
        let ground = &self.ground;
        match sweep_deliveries(&ground.database, ground.clock.now()).await {
            Ok(0) => {}
            Ok(swept) => info!(swept, "forgot deliveries that were long over"),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "old deliveries could not be forgotten");
            }
        }
    }
}

fn is_told(owned: &Owned, told: &crate::events::Told) -> bool {
    let HookOwner { team, .. } = owned.owner;
    let is_wanted = |kinds: &Vec<String>| kinds.iter().any(|kind| kind == told.kind.as_str());
    told.team == team && owned.kinds.as_ref().is_none_or(is_wanted)
}

/// What was heard.
enum Heard {
    Events(Arc<Portion>),
    /// Something was told and not heard.
    Missed,
    Nothing,
}

/// The next news. Without anybody who wants to know, there never are any.
async fn hear(news: &mut Option<broadcast::Receiver<News>>) -> Heard {
    let Some(receiver) = news else { return std::future::pending().await };
    match receiver.recv().await {
        Ok(News::Events(portion)) => Heard::Events(portion),
        Ok(News::Progress(_)) => Heard::Nothing,
        Err(broadcast::error::RecvError::Lagged(_)) => Heard::Missed,
        Err(broadcast::error::RecvError::Closed) => {
            *news = None;
            Heard::Missed
        }
    }
}
