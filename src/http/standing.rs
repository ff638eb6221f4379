//! How a campaign stands and what it waits for, for whoever asks. Nothing of it is stored.

use uuid::Uuid;

use crate::actors::Onlooker;
use crate::db::accounts::find_simulated;
use crate::db::campaigns::find_campaign;
use crate::db::look::{Look, count_in_missing_zones, look, look_at_calls_to_next};
use crate::db::recurrence::find_last_skipped;
use crate::db::{Database, Error};
use crate::domain::Moment;
use crate::domain::campaign::State;
use crate::domain::caps::Reach;
use crate::domain::contactable::Terms;
use crate::domain::dialer::{Because, Waiting, never_called, waits_for};

use super::Api;
use super::show::{self, CampaignDetail};

/// Whoever asks.
#[derive(Clone, Copy)]
pub(crate) struct Observer<'a> {
    /// Where it is looked up.
    pub(crate) database: &'a Database,
    /// What campaigns are judged by.
    pub(crate) onlooker: Onlooker<'a>,
    /// Whether nobody is really called with what is started here, if that is known.
    pub(crate) is_simulated: Option<bool>,
}

impl Api {
    /// Whoever asks through the API.
    pub(crate) fn observer(&self) -> Observer<'_> {
        Observer {
            database: &self.board.database,
            onlooker: self.board.onlooker(),
            is_simulated: self.is_simulated,
        }
    }
}

/// A campaign with what it waits for; none if the team has no such campaign.
pub(super) async fn detail(
    asks: &Observer<'_>,
    team: Uuid,
    id: Uuid,
) -> Result<Option<CampaignDetail>, Error> {
    let database = asks.database;
    let Some(campaign) = find_campaign(database, team, id).await? else { return Ok(None) };
    let look = look(database, id, asks.onlooker.account_sid, None).await?;
    let (waits, never_called) = match &look {
        Some(look) => (waiting(asks, (team, id), look).await?, never(asks, id, look).await?),
        None => (None, None),
    };
    let started_with = look.as_ref().and_then(|look| look.account_sid.as_deref());
    let skipped = match &campaign.settings.schedule {
        Some(_) => find_last_skipped(database, team, id).await?,
        None => None,
    };
    Ok(Some(CampaignDetail {
        campaign: campaign.into(),
        waiting: waits.map(show::Waiting::from),
        never_called,
        last_skipped: skipped.map(show::SkippedFiring::from),
        simulated: simulated(asks, started_with).await?,
    }))
}

/// Whether nobody is really called by a campaign that was started with this account, or has not been yet: then as if it
/// were here. None if nobody knows.
async fn simulated(asks: &Observer<'_>, started_with: Option<&str>) -> Result<Option<bool>, Error> {
    match started_with {
        Some(account) if asks.onlooker.account_sid != Some(account) => {
            find_simulated(asks.database, account).await
        }
        Some(_) | None => Ok(asks.is_simulated),
    }
}

/// Why some of a campaign's people are never called, if there are such: the hours never open, or nobody knows their zone.
pub(super) async fn never(asks: &Observer<'_>, campaign: Uuid, look: &Look) -> Result<Option<String>, Error> {
    let onlooker = &asks.onlooker;
    let hours = never_called(&onlooker.view_of_anybody(look), onlooker.clock.now());
    let missing = match look.state {
        State::Completed | State::Failed | State::Canceled => Vec::new(),
        State::Draft | State::Pending | State::Running | State::Paused => {
            count_in_missing_zones(asks.database, campaign, &look.missing_zones).await?
        }
    };
    let all: Vec<String> = hours.into_iter().chain(missing.iter().map(ToString::to_string)).collect();
    Ok(Some(all.join("; ")).filter(|all| !all.is_empty()))
}

/// What a campaign waits for, if there is such a campaign and it waits for something.
pub(crate) async fn waiting_of(
    asks: &Observer<'_>,
    team: Uuid,
    id: Uuid,
) -> Result<Option<show::Waiting>, Error> {
    let Some(look) = look(asks.database, id, asks.onlooker.account_sid, None).await? else {
        return Ok(None);
    };
    Ok(waiting(asks, (team, id), &look).await?.map(show::Waiting::from))
}

/// What a campaign waits for. Where it is for somebody to be due, it is asked whether that is because of a cap.
async fn waiting(
    asks: &Observer<'_>,
    (team, campaign): (Uuid, Uuid),
    look: &Look,
) -> Result<Option<Waiting>, Error> {
    // Chance moves retries, and nothing that is waited for.
    let moment = Moment { now: asks.onlooker.clock.now(), jitter: 0.0 };
    let mut view = asks.onlooker.view_of_anybody(look);
    let waits = waits_for(&view, moment);
    let reach = view.rules.as_ref().map(|rules| Terms::of(&view.settings, rules).reach());
    let is_nobody_due = waits.as_ref().is_some_and(|waits| waits.because == Because::NobodyDue);
    let Some(reach) = reach.filter(|reach| is_nobody_due && *reach != Reach::NONE) else { return Ok(waits) };
    let mut calls = look_at_calls_to_next(asks.database, (team, campaign), reach, moment.now).await?;
    for queue in &mut view.queues {
        queue.calls_to_next = calls.remove(&queue.number).unwrap_or_default();
    }
    Ok(waits_for(&view, moment))
}
