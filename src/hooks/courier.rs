//! Delivers one hook's events, one after the other, as long as this node owns the hook. It looks what there is to do, sends,
//! writes down what came of it, and looks again: whatever is lost between two of these is found by the next look. No
//! connection to the database is held while it sends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rand::RngExt;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use crate::actors::Lease;
use crate::clock::Clock;
use crate::db::events::{Event, EventFilter, list_events};
use crate::db::hooks::Destination;
use crate::db::hooks::deliveries::{
    HookView, Left, Retrying, Tried, Turn, forget_delivery, look_at_hook, record_delivered, record_try,
    skip_to,
};
use crate::db::hooks::share::HookOwner;
use crate::db::{Database, Error};
use crate::domain::Moment;
use crate::domain::event::EventKind;
use crate::domain::hook::{Answer, Next, Standing, Stopped, next};
use crate::events::Told;
use crate::receivers::{Parcel, Posted, Poster};
use crate::telemetry::Meters;

/// Events that are read at once, and held meanwhile.
const READ_AT_ONCE: i64 = 50;

/// How long nothing happens at most before it looks all the same. Nothing should wait for this.
const LOOKS_EVERY: Duration = Duration::from_secs(30);

/// How long it waits after the database has failed it, and for how long besides at most: not all at once.
const AFTER_AN_ERROR: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// How often a lease is looked at that may run out.
const LOOKS_AT_LEASE: Duration = Duration::from_millis(250);

/// One hook's.
pub(super) struct Courier {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) lease: Lease,
    pub(super) poster: Poster,
    pub(super) meters: Meters,
    pub(super) owner: HookOwner,
    /// Something may be new.
    pub(super) bell: Arc<Notify>,
    /// Becomes true when it is to stop.
    pub(super) stop: watch::Receiver<bool>,
}

/// What there is to do after a look.
enum Todo {
    /// Look again.
    Look,
    /// Nothing before this instant.
    WaitUntil(DateTime<Utc>),
    /// Nothing before something happens.
    WaitForNews,
    /// It is not ours any more.
    Leave,
}

/// Events that were read, and what they are delivered with.
struct Page {
    view: HookView,
    letters: VecDeque<Letter>,
}

/// An event, ready to be sent.
struct Letter {
    position: i64,
    kind: EventKind,
    at: DateTime<Utc>,
    body: Bytes,
}

impl From<&Event> for Letter {
    fn from(event: &Event) -> Self {
        Self { position: event.position, kind: event.kind, at: event.at, body: Told::from(event).json }
    }
}

impl Courier {
    /// Delivers until it is told to stop, or the hook is not this node's any more.
    pub(super) async fn run(mut self) {
        let (mut page, mut asked_last, mut is_failing) = (None, false, false);
        while !*self.stop.borrow() {
            if !self.lease.is_held() {
                page = None;
                tokio::time::sleep(LOOKS_AT_LEASE).await;
                continue;
            }
            let todo = match self.step(&mut page, &mut asked_last).await {
                Ok(todo) => {
                    is_failing = false;
                    todo
                }
                Err(error) => {
                    page = None;
                    if !std::mem::replace(&mut is_failing, true) {
                        let error = &error as &dyn std::error::Error;
                        warn!(hook.id = %self.owner.hook, error, "a hook cannot be looked at for now");
                    }
                    let (least, besides) = AFTER_AN_ERROR;
                    let span = least + besides.mul_f64(rand::rng().random_range(0.0..1.0));
                    tokio::select! {
                        () = tokio::time::sleep(span) => {}
                        _ = self.stop.changed() => {}
                    }
                    continue;
                }
            };
            match todo {
                Todo::Look => {}
                Todo::WaitUntil(instant) => {
                    let clock = self.clock.clone();
                    self.rest(clock.sleep_until(instant)).await;
                }
                Todo::WaitForNews => self.rest(tokio::time::sleep(LOOKS_EVERY)).await,
                Todo::Leave => return,
            }
        }
    }

    async fn rest(&mut self, span: impl Future<Output = ()>) {
        tokio::select! {
            () = span => {}
            () = self.bell.notified() => {}
            _ = self.stop.changed() => {}
        }
    }

    /// Sends the next event of the page, or looks what there is.
    async fn step(&self, page: &mut Option<Page>, asked_last: &mut bool) -> Result<Todo, Error> {
        if let Some(Page { view, letters }) = page
            && let Some(letter) = letters.pop_front()
        {
            let version = self.deliver(view, &letter, 0).await?;
            if version != Some(view.version) || letters.is_empty() {
                *page = None;
            }
            return Ok(Todo::Look);
        }
        let now = self.clock.now();
        let Some(view) = look_at_hook(&self.database, self.owner, now).await? else { return Ok(Todo::Leave) };
        // What was asked for again and what is new take turns, so that neither waits for all of the other.
        if let Some(event) = view.asked.filter(|_| !std::mem::replace(asked_last, false)) {
            *asked_last = true;
            self.deliver_again(&view, event).await?;
            return Ok(Todo::Look);
        }
        match view.retrying {
            Some(Retrying { event, tries, next_try_at }) if next_try_at <= now => {
                match self.find(event).await? {
                    Some(letter) => drop(self.deliver(&view, &letter, tries).await?),
                    None => forget_delivery(&self.database, self.owner, event, Turn::Its).await?,
                }
                Ok(Todo::Look)
            }
            Some(_) if view.asked.is_some() => Ok(Todo::Look),
            Some(Retrying { next_try_at, .. }) => Ok(Todo::WaitUntil(next_try_at)),
            None => self.read_on(view, page).await,
        }
    }

    /// Reads the next events. Of those that the hook does not tell of, only the position is remembered.
    async fn read_on(&self, view: HookView, page: &mut Option<Page>) -> Result<Todo, Error> {
        let filter =
            EventFilter { team: Some(self.owner.team), kinds: view.kinds.clone(), ..EventFilter::default() };
        // What somebody asked for again does not wait for a whole page.
        let limit = if view.asked.is_some() { 1 } else { READ_AT_ONCE };
        let read = list_events(&self.database, &filter, view.delivered_position, limit).await?;
        if !read.events.is_empty() {
            *page = Some(Page { view, letters: read.events.iter().map(Letter::from).collect() });
            return Ok(Todo::Look);
        }
        if read.may_be_more {
            // What it tells of is rare: there is nothing up to here.
            skip_to(&self.database, self.owner, read.until).await?;
            return Ok(Todo::Look);
        }
        if view.last_position > view.delivered_position {
            skip_to(&self.database, self.owner, view.last_position).await?;
        }
        Ok(if view.asked.is_some() { Todo::Look } else { Todo::WaitForNews })
    }

    async fn find(&self, event: i64) -> Result<Option<Letter>, Error> {
        let filter = EventFilter { team: Some(self.owner.team), ..EventFilter::default() };
        let read = list_events(&self.database, &filter, event - 1, 1).await?;
        Ok(read.events.first().filter(|found| found.position == event).map(Letter::from))
    }

    /// Sends an event whose turn it is, after so many tries. Returns the hook's version if the next event has its turn now.
    async fn deliver(&self, view: &HookView, letter: &Letter, tries: u32) -> Result<Option<i64>, Error> {
        let Some(posted) = self.post(&view.destination, letter).await else { return Ok(None) };
        let now = self.clock.now();
        let standing = Standing {
            tries: tries + 1,
            waits_since: letter.at.max(view.working_since),
            failing_since: view.failing_since,
        };
        let jitter = rand::rng().random_range(0.0..1.0);
        let (left, stop) = match next(&posted.answer, standing, Moment { now, jitter }) {
            Next::GoOn if tries == 0 => {
                self.meters.tried_to_deliver("delivered");
                return record_delivered(&self.database, self.owner, letter.position, now).await;
            }
            Next::GoOn => (Left::Delivered, None),
            Next::Again(then) => (Left::Retrying(then), None),
            Next::GiveUp => (Left::Dead, None),
            Next::Stop(why) => (Left::Retrying(now), Some(why)),
        };
        self.record(Turn::Its, letter, &posted, (left, stop)).await?;
        // The view is not true any more.
        Ok(None)
    }

    /// Sends an event that somebody asked for again, once.
    async fn deliver_again(&self, view: &HookView, event: i64) -> Result<(), Error> {
        let Some(letter) = self.find(event).await? else {
            return forget_delivery(&self.database, self.owner, event, Turn::Asked).await;
        };
        let Some(posted) = self.post(&view.destination, &letter).await else { return Ok(()) };
        let left = if posted.answer.is_success() { Left::Delivered } else { Left::Dead };
        let stop = posted.answer.is_gone().then_some(Stopped::Gone);
        self.record(Turn::Asked, &letter, &posted, (left, stop)).await
    }

    /// Sends, as long as nobody else can be sending for this hook. None if somebody else may be.
    async fn post(&self, to: &Destination, letter: &Letter) -> Option<Posted> {
        let id = format!("evt_{}", letter.position);
        let parcel = Parcel { id: &id, at: self.clock.real_now(), body: letter.body.clone() };
        tokio::select! {
            posted = self.poster.post(to, &parcel) => Some(posted),
            () = lost(&self.lease, &self.stop) => None,
        }
    }

    async fn record(
        &self,
        turn: Turn,
        letter: &Letter,
        posted: &Posted,
        (left, stop): (Left, Option<Stopped>),
    ) -> Result<(), Error> {
        let hook = self.owner.hook;
        self.meters.tried_to_deliver(match left {
            Left::Delivered => "delivered",
            Left::Retrying(_) => "failed",
            Left::Dead => "dead",
        });
        match (left, stop) {
            (_, Some(why)) => info!(hook.id = %hook, because = %why, "a hook is stopped"),
            (Left::Dead, None) => info!(hook.id = %hook, event = letter.position, "an event is given up"),
            (Left::Delivered | Left::Retrying(_), None) => {}
        }
        let refused = |status: u16| format!("the receiver answered {status}, expected 200 to 299");
        let (status, error) = match &posted.answer {
            Answer::Status { status, .. } => {
                (Some(*status), (!posted.answer.is_success()).then(|| refused(*status)))
            }
            Answer::Nothing { why } => (None, Some(why.clone())),
        };
        let tried = Tried {
            event: letter.position,
            kind: letter.kind,
            status,
            error: error.as_deref(),
            response: posted.response.as_deref(),
            stop,
        };
        record_try(&self.database, self.owner, turn, (&tried, left), self.clock.now()).await?;
        Ok(())
    }
}

/// Returns when this node is not surely alive to the others any more. At a graceful stop, which gives the lease up, the
/// others are told only when nothing is sent any more.
async fn lost(lease: &Lease, stop: &watch::Receiver<bool>) {
    while lease.is_held() || *stop.borrow() {
        tokio::time::sleep(LOOKS_AT_LEASE).await;
    }
}
