//! Which campaigns this node runs. Four duties, each with a door of its own:
//!
//! * the **renewal** of the node's lease, every 5 seconds, which also sets the clock and takes over campaigns whose
//!   node is dead;
//! * the **muster**: exactly the campaigns that `roster::plan` wants have a living actor;
//! * the **tick**, every 30 seconds, the safety net of wake-ups: it musters, and wakes what is overdue;
//! * the **watchdog**, every 5 minutes, which finds what no mechanism caught, mends it and says so, and asks for a
//!   **sweep**, which deletes what nobody came back for and which nobody waits for.
//!
//! Nothing waits for the tick: starts, due times and takeovers have their own triggers. Who is woken and has no actor here
//! may be another node's: it is told.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::clock::Stopwatch;
use crate::db::calls::forget_calls;
use crate::db::idempotency::forget_expired;
use crate::db::imports::{self, Expired};
use crate::db::nodes::{self, Oneself, Renewed, TakenOver};
use crate::db::retention::{self, Erased, Swept};
use crate::db::sessions::forget_ended;
use crate::db::words::Word;
use crate::db::{Error, Ownership, watchdog};
use crate::domain::roster;

use super::campaign::{CampaignActor, Gone, Wake};
use super::dispenser::DispenserActor;
use super::lease::{self, Lease};
use super::neighbors::{Collected, Told, hear_others, tell_others};
use super::prices::learn_prices;
use super::switchboard::Switchboard;

/// How often the tick comes.
pub const TICK: Duration = Duration::from_secs(30);

/// How often the watchdog looks.
const WATCH: Duration = Duration::from_secs(300);

/// An answer that took longer does not set the clock anew: it may be off by half of that.
const TELLS_THE_TIME: Duration = Duration::from_secs(1);

/// How long after an actor's end the campaigns are mustered.
const MUSTER_AFTER: Duration = Duration::from_millis(500);

/// How long after a muster the next one is held at the earliest.
const MUSTER_REST: Duration = Duration::from_millis(100);

/// An open call that was neither heard of nor asked about for so long is overdue for the tick.
pub const QUIET: TimeDelta = TimeDelta::minutes(2);

/// An open call that was neither heard of nor asked about for so long escaped every mechanism.
const SILENT: TimeDelta = TimeDelta::minutes(15);

/// Silent attempts that one watchdog's look handles.
const SILENT_AT_ONCE: i64 = 1000;

/// Runs the campaigns of this node.
pub struct SupervisorActor {
    board: Rc<Switchboard>,
    node_name: String,
    dispenser: Addr<DispenserActor>,
    campaigns: HashMap<Uuid, Addr<CampaignActor>>,
    muster: Muster,
    renewal: Renewal,
    /// Whether there are other living nodes, by the last renewal.
    has_neighbors: bool,
    to_tell: Collected,
    is_sweeping: bool,
    /// Since when the lease could not be renewed, if it could not.
    cut_off: Option<Stopwatch>,
    report: SupervisorReport,
}

enum Renewal {
    /// It comes by itself.
    Scheduled(SpawnHandle),
    /// It is under way; `again` if somebody asked for one meanwhile.
    Busy { again: bool },
}

enum Muster {
    Idle,
    /// One was just held. Somebody asks for another perhaps; it is not held at once.
    Resting {
        again: bool,
    },
    /// A muster is under way; `again` if somebody asked for one meanwhile.
    Busy {
        again: bool,
    },
}

/// What the supervisor last did and found.
#[derive(Debug, Clone)]
pub struct SupervisorReport {
    /// Since when the supervisor runs.
    pub running_since: Stopwatch,
    /// Campaigns that should have an actor here, by the last muster.
    pub wanted: usize,
    /// Campaigns that have one.
    pub alive: usize,
    /// The last tick that went through.
    pub tick: Option<LastTick>,
    /// The last watchdog's look that went through.
    pub watchdog: Option<LastWatchdog>,
}

/// A tick that went through.
#[derive(Debug, Clone, Copy)]
pub struct LastTick {
    /// When.
    pub at: DateTime<Utc>,
    /// How long ago, in real time.
    pub since: Stopwatch,
    /// Actors that were gone and were started.
    pub started: usize,
    /// Overdue campaigns that were woken.
    pub woken: usize,
}

/// A look of the watchdog that went through.
#[derive(Debug, Clone, Copy)]
pub struct LastWatchdog {
    /// When.
    pub at: DateTime<Utc>,
    /// How long ago, in real time.
    pub since: Stopwatch,
    /// Open attempts that had escaped every mechanism.
    pub silent: usize,
    /// Contacts that were held as being called without a call, and made due again.
    pub freed: u64,
    /// Campaigns whose claim had passed over somebody, and that begin again from the top of their lists.
    pub reset: usize,
}

/// Wakes a campaign, starting its actor if it belongs here and has none.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct WakeCampaign {
    /// The campaign.
    pub campaign: Uuid,
}

/// The 30-second tick, now.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "Option<LastTick>")]
pub struct Tick;

/// The 5-minute watchdog, now.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "Option<LastWatchdog>")]
pub struct Watch;

/// Asks what the calls cost that ended lately. Answers of how many that was news.
#[derive(Message, Debug)]
#[rtype(result = "u64")]
pub struct AskPrices;

/// Deletes the previews of lists that nobody made a campaign of, calls that no cap reaches back to, and what was answered to
/// requests that nobody came again with, and erases what has been kept of people for long enough. It may take minutes, and
/// nobody waits for it.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Sweep;

/// What the supervisor last did and found.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "SupervisorReport")]
pub struct Report;

/// Ends the supervisor: no renewal, no muster, no tick any more.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Retire;

/// The living actor of a campaign.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "Option<Addr<CampaignActor>>")]
pub struct FindActor {
    /// The campaign.
    pub campaign: Uuid,
}

impl SupervisorActor {
    /// The supervisor of a node.
    pub fn new(board: Switchboard, node_name: String, dispenser: Addr<DispenserActor>) -> Self {
        Self {
            board: Rc::new(board),
            node_name,
            dispenser,
            campaigns: HashMap::new(),
            muster: Muster::Idle,
            renewal: Renewal::Busy { again: false },
            has_neighbors: false,
            to_tell: Collected::default(),
            is_sweeping: false,
            cut_off: None,
            report: SupervisorReport {
                running_since: Stopwatch::start(),
                wanted: 0,
                alive: 0,
                tick: None,
                watchdog: None,
            },
        }
    }

    fn muster(&mut self, ctx: &mut Context<Self>) {
        if let Muster::Busy { again } | Muster::Resting { again } = &mut self.muster {
            *again = true;
            return;
        }
        self.muster = Muster::Busy { again: false };
        let board = self.board.clone();
        let owned = async move { nodes::list_owned(&board.database, board.node, &board.account_sid).await };
        ctx.spawn(owned.into_actor(self).map(|owned, actor, ctx| {
            let again = matches!(actor.muster, Muster::Busy { again: true });
            match owned {
                Ok(owned) => drop(actor.line_up(&owned, ctx)),
                Err(error) => warn!(error = &error as &dyn std::error::Error, "no muster"),
            }
            // Words of other nodes come all the time, and are about their campaigns as a rule.
            actor.muster = Muster::Resting { again };
            ctx.run_later(MUSTER_REST, |actor, ctx| {
                let again = matches!(actor.muster, Muster::Resting { again: true });
                actor.muster = Muster::Idle;
                if again {
                    actor.muster(ctx);
                }
            });
        }));
    }

    /// Makes the living actors those that are wanted. Returns the campaigns whose actors were started.
    fn line_up(&mut self, owned: &[Ownership], ctx: &mut Context<Self>) -> Vec<Uuid> {
        self.campaigns.retain(|_, actor| actor.connected());
        let wanted: BTreeSet<Uuid> = owned.iter().map(|owner| owner.campaign).collect();
        let alive: BTreeSet<Uuid> = self.campaigns.keys().copied().collect();
        let plan = roster::plan(&wanted, &alive);
        for owner in owned.iter().filter(|owner| plan.start.contains(&owner.campaign)) {
            let actor = CampaignActor::new(self.board.clone(), *owner, self.dispenser.clone(), ctx.address());
            self.campaigns.insert(owner.campaign, actor.start());
        }
        // An actor that is not wanted finds that out by looking, and stops by itself.
        for campaign in &plan.stop {
            self.wake(*campaign);
        }
        self.report.wanted = wanted.len();
        plan.start
    }

    /// Renews the lease, and shares the campaigns with the other nodes.
    fn renew(&mut self, ctx: &mut Context<Self>) {
        match &mut self.renewal {
            Renewal::Busy { again } => {
                *again = true;
                return;
            }
            Renewal::Scheduled(timer) => {
                ctx.cancel_future(*timer);
            }
        }
        self.renew_now(ctx);
    }

    fn renew_now(&mut self, ctx: &mut Context<Self>) {
        self.renewal = Renewal::Busy { again: false };
        let (board, name) = (self.board.clone(), self.node_name.clone());
        let renewed = async move { renew(&board, &name).await };
        ctx.spawn(renewed.into_actor(self).map(|renewed, actor, ctx| {
            let after = actor.renewed(renewed, ctx);
            let again = matches!(actor.renewal, Renewal::Busy { again: true });
            let next = if again { lease::SOONEST } else { after };
            actor.renewal = Renewal::Scheduled(ctx.run_later(next, |actor, ctx| actor.renew_now(ctx)));
        }));
    }

    /// Returns how soon the next renewal is due.
    fn renewed(&mut self, renewed: Result<Shared, Error>, ctx: &mut Context<Self>) -> Duration {
        let Shared { handed_over, taken, others_until } = match renewed {
            Ok(shared) => shared,
            Err(error) => {
                self.cut_off.get_or_insert_with(Stopwatch::start);
                warn!(error = &error as &dyn std::error::Error, "the node's lease could not be renewed");
                return lease::NEXT_TRY;
            }
        };
        if let Some(cut_off) = self.cut_off.take() {
            let seconds = cut_off.elapsed().as_secs();
            info!(seconds, "the database is back, and the node's lease is renewed");
        }
        self.has_neighbors = others_until.is_some();
        if handed_over > 0 {
            info!(campaigns = handed_over, "handed over campaigns to other nodes");
            self.tell(Word::Ownerless, ctx);
        }
        for TakenOver { campaign, from } in &taken {
            match from {
                Some((node, name)) => {
                    info!(campaign.id = %campaign, from.node = %node, from.name = name, "took over a dead node's campaign");
                }
                None => info!(campaign.id = %campaign, "took a campaign that was nobody's"),
            }
        }
        self.muster(ctx);
        lease::next_renewal(others_until)
    }

    fn tell(&self, word: Word, ctx: &mut Context<Self>) {
        if self.has_neighbors {
            ctx.spawn(tell_others(self.board.database.clone(), self.board.node, word).into_actor(self));
        }
    }

    /// Returns false if the campaign has no living actor here.
    fn wake(&self, campaign: Uuid) -> bool {
        match self.campaigns.get(&campaign) {
            Some(actor) if actor.connected() => {
                actor.do_send(Wake);
                true
            }
            _ => false,
        }
    }
}

impl Actor for SupervisorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.renew_now(ctx);
        let others = hear_others(self.board.database.clone(), self.board.node, ctx.address());
        ctx.spawn(others.into_actor(self));
        ctx.notify_later(ScheduledTick, TICK);
        ctx.notify_later(ScheduledWatch, WATCH);
    }
}

/// How many campaigns changed hands, and until when the others surely live.
struct Shared {
    handed_over: u64,
    taken: Vec<TakenOver>,
    others_until: Option<Duration>,
}

async fn renew(board: &Switchboard, node_name: &str) -> Result<Shared, Error> {
    let database = board.database.urgent();
    let asked = Stopwatch::start();
    let until = Lease::asked_now();
    let oneself = Oneself { id: board.node, name: node_name, account_sid: &board.account_sid };
    let Renewed { now, others_until } = nodes::renew(&database, oneself, lease::LENGTH).await?;
    // Half of the way is taken to have passed since the database looked at its clock. That tells little of a long one.
    if asked.elapsed() < TELLS_THE_TIME || !board.clock.is_set() {
        board.clock.set(now, asked);
    }
    board.lease.keep(until);
    let handed_over = nodes::hand_over(&database, oneself).await?;
    board.leaving.set(nodes::list_excess(&database, oneself).await?);
    let taken = nodes::take_over(&database, oneself).await?;
    Ok(Shared { handed_over, taken, others_until })
}

impl Handler<WakeCampaign> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, WakeCampaign { campaign }: WakeCampaign, ctx: &mut Context<Self>) {
        if self.wake(campaign) {
            return;
        }
        if self.to_tell.add(campaign) {
            self.muster(ctx);
            ctx.run_later(Collected::lasts(), |actor, ctx| {
                let campaigns = actor.to_tell.take();
                if campaigns.len() > 1 {
                    actor.muster(ctx);
                }
                // They may be other nodes'.
                actor.tell(Word::Wake(campaigns), ctx);
            });
        }
    }
}

impl Handler<Told> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Told(word): Told, ctx: &mut Context<Self>) {
        match word {
            Word::Ownerless => self.renew(ctx),
            Word::Wake(campaigns) => {
                let woken = campaigns.iter().filter(|campaign| self.wake(**campaign)).count();
                // One that has been started or resumed elsewhere may belong here all the same.
                if woken < campaigns.len() {
                    self.muster(ctx);
                }
            }
        }
    }
}

impl Handler<Gone> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Gone { campaign }: Gone, ctx: &mut Context<Self>) {
        if self.campaigns.get(&campaign).is_some_and(|actor| !actor.connected()) {
            self.campaigns.remove(&campaign);
        }
        // It may have been started again, or resumed, between its last look and its end. Not at once: a campaign that
        // is wanted and ends by itself again and again must not keep the database busy.
        ctx.run_later(MUSTER_AFTER, |supervisor, ctx| supervisor.muster(ctx));
    }
}

impl Handler<FindActor> for SupervisorActor {
    type Result = Option<Addr<CampaignActor>>;

    fn handle(&mut self, FindActor { campaign }: FindActor, _ctx: &mut Context<Self>) -> Self::Result {
        self.campaigns.get(&campaign).filter(|actor| actor.connected()).cloned()
    }
}

impl Handler<Retire> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<Report> for SupervisorActor {
    type Result = MessageResult<Report>;

    fn handle(&mut self, _: Report, _ctx: &mut Context<Self>) -> Self::Result {
        self.report.alive = self.campaigns.values().filter(|actor| actor.connected()).count();
        MessageResult(self.report.clone())
    }
}

impl Handler<Tick> for SupervisorActor {
    type Result = ResponseActFuture<Self, Option<LastTick>>;

    fn handle(&mut self, _: Tick, _ctx: &mut Context<Self>) -> Self::Result {
        let (board, begun) = (self.board.clone(), Stopwatch::start());
        let found = async move {
            let now = board.clock.now();
            let owned = nodes::list_owned(&board.database, board.node, &board.account_sid).await?;
            let overdue = watchdog::list_overdue(&board.database, board.node, now, now - QUIET).await?;
            Ok::<_, Error>((now, owned, overdue))
        };
        Box::pin(found.into_actor(self).map(move |found, actor, ctx| match found {
            Ok((at, owned, overdue)) => {
                let started = actor.line_up(&owned, ctx).len();
                let woken = overdue.iter().filter(|campaign| actor.wake(**campaign)).count();
                let tick = LastTick { at, since: Stopwatch::start(), started, woken };
                actor.report.tick = Some(tick);
                actor.board.meters.ticked(begun.elapsed());
                Some(tick)
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "the tick failed");
                None
            }
        }))
    }
}

impl Handler<Watch> for SupervisorActor {
    type Result = ResponseActFuture<Self, Option<LastWatchdog>>;

    fn handle(&mut self, _: Watch, ctx: &mut Context<Self>) -> Self::Result {
        ctx.notify(Sweep);
        ctx.notify(AskPrices);
        let (board, begun) = (self.board.clone(), Stopwatch::start());
        let found = async move { watch(&board).await };
        Box::pin(found.into_actor(self).map(move |found, actor, _ctx| match found {
            Ok((look, to_wake)) => {
                for campaign in to_wake {
                    actor.wake(campaign);
                }
                let found =
                    [("silent", look.silent as u64), ("stranded", look.freed), ("blind", look.reset as u64)];
                actor.board.meters.watched(begun.elapsed(), found);
                actor.report.watchdog = Some(look);
                Some(look)
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "the watchdog's look failed");
                None
            }
        }))
    }
}

impl Handler<AskPrices> for SupervisorActor {
    type Result = ResponseActFuture<Self, u64>;

    fn handle(&mut self, _: AskPrices, _: &mut Context<Self>) -> Self::Result {
        let board = self.board.clone();
        let learned = async move {
            learn_prices(&board).await.unwrap_or_else(|error| {
                warn!(error = &error as &dyn std::error::Error, "prices of calls could not be recorded");
                0
            })
        };
        Box::pin(learned.into_actor(self))
    }
}

async fn watch(board: &Switchboard) -> Result<(LastWatchdog, BTreeSet<Uuid>), Error> {
    let now = board.clock.now();
    let mut to_wake = BTreeSet::new();
    let silent = watchdog::list_silent(&board.database, now - SILENT, SILENT_AT_ONCE).await?;
    for silent in &silent {
        error!(attempt.id = %silent.attempt, campaign.id = %silent.campaign, "an open call was looked after by nobody");
        to_wake.insert(silent.campaign);
    }
    let mut freed = 0;
    for owner in watchdog::list_with_stranded_contacts(&board.database, board.node).await? {
        // A campaign that cannot be mended keeps nobody else from it.
        let contacts = match watchdog::free_stranded_contacts(&board.database, owner, now).await {
            Err(error) if !error.is_outage() => {
                let error = &error as &dyn std::error::Error;
                error!(error, campaign.id = %owner.campaign, "contacts that are held without a call cannot be freed");
                continue;
            }
            freed => freed?,
        };
        error!(campaign.id = %owner.campaign, contacts, "contacts were held as being called without a call");
        freed += contacts;
        to_wake.insert(owner.campaign);
    }
    let blind = watchdog::reset_blind_cursors(&board.database, board.node).await?;
    for campaign in &blind {
        error!(campaign.id = %campaign, "pending contacts stood where no claim looks");
        to_wake.insert(*campaign);
    }
    let look =
        LastWatchdog { at: now, since: Stopwatch::start(), silent: silent.len(), freed, reset: blind.len() };
    Ok((look, to_wake))
}

impl Handler<Sweep> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_sweeping, true) {
            return;
        }
        let board = self.board.clone();
        let swept = async move {
            delete_expired(&board).await;
            let (now, reach) = (board.clock.now(), board.library.longest_reach());
            if let Err(error) = forget_calls(&board.database, reach.since(now)).await {
                warn!(error = &error as &dyn std::error::Error, "old calls cannot be forgotten");
            }
            erase_expired(&board).await;
            if let Err(error) = forget_expired(&board.database, board.clock.now()).await {
                warn!(error = &error as &dyn std::error::Error, "old requests cannot be forgotten");
            }
            if let Err(error) = forget_ended(&board.database).await {
                warn!(error = &error as &dyn std::error::Error, "sessions that are over cannot be forgotten");
            }
        };
        ctx.spawn(swept.into_actor(self).map(|(), actor, _ctx| actor.is_sweeping = false));
    }
}

/// Erases what has been kept of people for long enough. What cannot be erased is tried again by the next sweep.
async fn erase_expired(board: &Switchboard) {
    let now = board.clock.now();
    let counted_since = board.library.longest_reach().since(now);
    match retention::erase_expired(&board.database, board.keep, counted_since, now).await {
        Ok(Swept { erased, failed }) => {
            for (campaign, error) in &failed {
                let error = error as &dyn std::error::Error;
                warn!(error, campaign.id = %campaign, "a campaign's people cannot be erased");
            }
            let Erased { contacts, attempts, remarks, events } = erased;
            let words =
                [("contacts", contacts), ("attempts", attempts), ("remarks", remarks), ("events", events)];
            words.iter().for_each(|(what, rows)| board.meters.erased(what, *rows));
            if erased != Erased::default() {
                info!(contacts, attempts, remarks, events, "erased what had been kept for long enough");
            }
        }
        Err(error) => {
            warn!(error = &error as &dyn std::error::Error, "what was kept for long enough cannot be erased");
        }
    }
}

/// What cannot be deleted is tried again by the next sweep.
async fn delete_expired(board: &Switchboard) {
    match imports::delete_expired(&board.database, board.clock.now()).await {
        Ok(Expired { deleted, failed }) => {
            if deleted > 0 {
                info!(imports = deleted, "deleted previews that had expired");
            }
            for (import, error) in failed {
                let error = &error as &dyn std::error::Error;
                warn!(error, import.id = %import, "an expired preview cannot be deleted");
            }
        }
        Err(error) => warn!(error = &error as &dyn std::error::Error, "expired previews cannot be deleted"),
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct ScheduledTick;

impl Handler<ScheduledTick> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: ScheduledTick, ctx: &mut Context<Self>) {
        let ticked = ctx.address().send(Tick);
        // The next one is counted from the end of this one: ticks cannot pile up behind a slow one.
        ctx.spawn(ticked.into_actor(self).map(|_, _, ctx| {
            ctx.notify_later(ScheduledTick, TICK);
        }));
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct ScheduledWatch;

impl Handler<ScheduledWatch> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: ScheduledWatch, ctx: &mut Context<Self>) {
        let watched = ctx.address().send(Watch);
        ctx.spawn(watched.into_actor(self).map(|_, _, ctx| {
            ctx.notify_later(ScheduledWatch, WATCH);
        }));
    }
}
