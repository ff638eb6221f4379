//! The loop that gives events their positions and tells them to those who follow on this node. It looks again and again
//! and needs no word that something happened, so that none can be lost: while somebody follows ten times a second, else
//! once. Every node has one; the database lets them do it one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};
use uuid::Uuid;

use crate::clock::Stopwatch;
use crate::db::events::{EventFilter, last_position, list_events, list_progress, place_events};
use crate::db::{Database, Error};

use super::{Feed, News, Portion, Told, moved_on};

/// How long it rests while somebody follows.
const REST: Duration = Duration::from_millis(100);

/// How long it rests while nobody follows, and after an error.
const LONG_REST: Duration = Duration::from_secs(1);

/// How far a campaign is, is told at most so often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Events that are read at once.
const READ_AT_ONCE: i64 = 500;

/// Campaigns whose progress is read at once. Of more than these the others are told of the next time.
const PROGRESS_AT_ONCE: usize = 500;

/// Relays for good from when somebody follows: for who is no node, and leaves it to the nodes as long as nobody asks.
pub async fn relay_when_followed(database: Database, feed: Feed) {
    feed.followed.notified().await;
    relay(database, feed).await;
}

/// Relays for good.
pub async fn relay(database: Database, feed: Feed) {
    let mut relay = Relay { database, feed, at: None, moved_on: BTreeSet::new(), told_progress: None };
    let mut is_failing = false;
    loop {
        let rest = match relay.pass().await {
            Ok(()) => {
                if std::mem::take(&mut is_failing) {
                    info!("events are relayed again");
                }
                if relay.at.is_some() { REST } else { LONG_REST }
            }
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    warn!(error = &error as &dyn std::error::Error, "events cannot be relayed for now");
                }
                LONG_REST
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = relay.feed.followed.notified() => {}
        }
    }
}

struct Relay {
    database: Database,
    feed: Feed,
    /// The position up to which all is told here; none while nobody follows.
    at: Option<i64>,
    /// Campaigns whose progress is to be told.
    moved_on: BTreeSet<Uuid>,
    told_progress: Option<Stopwatch>,
}

impl Relay {
    async fn pass(&mut self) -> Result<(), Error> {
        while place_events(&self.database).await?.may_be_more {}
        if !self.feed.is_followed() {
            self.at = None;
            self.moved_on.clear();
            return Ok(());
        }
        let mut at = match self.at {
            Some(at) => at,
            None => {
                // Who began to follow before may have read less than this, and learns by this that there is more.
                let at = last_position(&self.database).await?;
                self.feed.tell(News::Events(Arc::new(Portion { after: at, events: Vec::new() })));
                at
            }
        };
        loop {
            let read = list_events(&self.database, &EventFilter::default(), at, READ_AT_ONCE).await?;
            let portion = Portion { after: at, events: read.events.iter().map(Told::from).collect() };
            at = portion.until();
            self.at = Some(at);
            self.moved_on.extend(moved_on(&portion));
            if !portion.events.is_empty() {
                self.feed.tell(News::Events(Arc::new(portion)));
            }
            if !read.may_be_more {
                break;
            }
        }
        self.tell_progress().await
    }

    async fn tell_progress(&mut self) -> Result<(), Error> {
        let is_too_soon = self.told_progress.as_ref().is_some_and(|told| told.elapsed() < PROGRESS_EVERY);
        if self.moved_on.is_empty() || is_too_soon {
            return Ok(());
        }
        let some: Vec<Uuid> = self.moved_on.iter().copied().take(PROGRESS_AT_ONCE).collect();
        let progress = list_progress(&self.database, &some).await?;
        for campaign in &some {
            self.moved_on.remove(campaign);
        }
        self.told_progress = Some(Stopwatch::start());
        self.feed.tell(News::Progress(progress.into()));
        Ok(())
    }
}
