//! What is being summed up because figures of it could not be counted in time. Until that is done, nobody else's question
//! takes the same time in vain, and nobody sums it up a second time. How it is summed up is in [`crate::db::metrics`].

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::rt::spawn;
use actix_web::web;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::db::metrics::{list_behind, sum_up};

use super::Api;

/// The campaigns and teams whose calls are being summed up.
#[derive(Debug, Default)]
pub struct Overdue(Mutex<HashSet<Uuid>>);

impl Overdue {
    pub(super) fn has(&self, asked: Uuid) -> bool {
        self.all().contains(&asked)
    }

    fn all(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A campaign or a team that is being summed up, for as long as this is there.
struct UnderWay {
    api: web::Data<Api>,
    asked: Uuid,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.api.overdue.all().remove(&self.asked);
    }
}

/// Sums up the campaign's calls, or those of all of the team's campaigns, unless that is under way. Nobody waits for it.
pub(super) fn sum_up_what_is_overdue(api: &web::Data<Api>, team: Uuid, campaign: Option<Uuid>) {
    let asked = campaign.unwrap_or(team);
    if !api.overdue.all().insert(asked) {
        return;
    }
    let under_way = UnderWay { api: api.clone(), asked };
    spawn(async move {
        let api = &under_way.api;
        let behind = match campaign {
            Some(campaign) => Ok(vec![campaign]),
            None => list_behind(&api.board.database, team).await,
        };
        match behind {
            Ok(behind) => sum_up_each(api, team, behind).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "it is not known which calls are to be summed up");
            }
        }
    });
}

/// Sums up the calls of each of these campaigns, one after the other.
pub(super) async fn sum_up_each(api: &Api, team: Uuid, campaigns: Vec<Uuid>) {
    for campaign in campaigns {
        match sum_up(&api.board.database, team, campaign, api.board.clock.now()).await {
            Ok(attempts) => debug!(campaign.id = %campaign, attempts, "calls were summed up"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(campaign.id = %campaign, error, "calls were not summed up");
            }
        }
    }
}
