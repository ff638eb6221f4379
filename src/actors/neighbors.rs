//! What this node tells the others and hears from them. Several words within a short while are told together.

use std::collections::BTreeSet;
use std::time::Duration;

use actix::prelude::*;
use rand::RngExt;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::db::words::{Word, listen, tell};
use crate::db::{Database, Error};

use super::supervisor::{SupervisorActor, Tick};

/// What is to be told within this span is told together.
const TOGETHER: Duration = Duration::from_millis(50);

/// How long is waited at least before listening again, and for how long besides at most: not all at once.
const LISTEN_AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));

/// What another node told.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(super) struct Told(pub(super) Word);

/// What is to be told when the while is over in which it is collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Campaigns that have no actor here.
    campaigns: BTreeSet<Uuid>,
    is_collecting: bool,
}

impl Collected {
    /// Adds a campaign. Returns true if a new while begins with it.
    pub(super) fn add(&mut self, campaign: Uuid) -> bool {
        self.campaigns.insert(campaign);
        !std::mem::replace(&mut self.is_collecting, true)
    }

    /// How long the while is.
    pub(super) fn lasts() -> Duration {
        TOGETHER
    }

    /// Ends the while.
    pub(super) fn take(&mut self) -> Vec<Uuid> {
        self.is_collecting = false;
        std::mem::take(&mut self.campaigns).into_iter().collect()
    }
}

/// Tells the others, and only says so if it could not be told.
pub(super) async fn tell_others(database: Database, node: Uuid, word: Word) {
    if let Err(error) = tell(&database, node, &word).await {
        debug!(error = &error as &dyn std::error::Error, "the other nodes could not be told");
    }
}

/// Hears the others for good.
pub(super) async fn hear_others(database: Database, node: Uuid, supervisor: Addr<SupervisorActor>) {
    loop {
        match hear_until_lost(&database, node, &supervisor).await {
            Ok(()) => info!("the connection is lost on which the other nodes are heard"),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "the other nodes cannot be heard");
            }
        }
        let (least, besides) = LISTEN_AGAIN_AFTER;
        tokio::time::sleep(least + besides.mul_f64(rand::rng().random_range(0.0..1.0))).await;
    }
}

async fn hear_until_lost(
    database: &Database,
    node: Uuid,
    supervisor: &Addr<SupervisorActor>,
) -> Result<(), Error> {
    let mut listener = listen(database).await?;
    // Whatever was told meanwhile is found by looking.
    supervisor.do_send(Tick);
    while let Some((by, word)) = listener.next().await {
        if by != node {
            supervisor.do_send(Told(word));
        }
    }
    Ok(())
}
