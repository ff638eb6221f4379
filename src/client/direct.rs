//! `outdial campaign` without a server, straight on the database: for whoever has no key, and for when no server answers. It
//! reads and moves campaigns as the API does and shows the same. What only a server can do says so.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::actors::Onlooker;
use crate::app::SIMULATED_ACCOUNT;
use crate::clock::Clock;
use crate::db::audit::Ending;
use crate::db::campaigns::{Command, Limited, Moved, command, find_campaigns_named, list_campaigns};
use crate::db::look::look;
use crate::db::words::{Word, tell};
use crate::db::{self, Database};
use crate::domain::campaign::State;
use crate::http::{Observer, campaign_as_json, campaigns_as_json};
use crate::keys::record::{complete, on_record};
use crate::keys::{WhichTeam, choose_team};
use crate::rules::Library;

use super::campaigns::{CARD, CampaignCommand, LIST, standing};
use super::server::{ClientError, Shown};
use super::table::{card, table};

/// Campaigns that are read at once.
const PAGE: i64 = 500;

/// A database, and what its campaigns are judged by.
pub struct Desk {
    /// The database.
    pub database: Database,
    /// What time it is.
    pub clock: Clock,
    /// Every pack of rules that a campaign may name.
    pub library: Library,
    /// Whether a server that is set up like this would call nobody.
    pub dials_simulator: bool,
    /// Whose campaigns, by name or id; none for those of the only team.
    pub team: Option<String>,
}

/// Carries a command out.
pub async fn campaign_without_server(desk: &Desk, command: CampaignCommand) -> Result<Shown, ClientError> {
    let team = choose_team(&desk.database, WhichTeam::from(desk.team.as_deref())).await?;
    match command {
        CampaignCommand::List { state } => list(desk, team, state.as_deref()).await,
        CampaignCommand::Show(name) => {
            let id = find(desk, team, &name).await?;
            let campaign = shown(desk, team, id, &name).await?;
            Ok(Shown::new(card(&campaign, CARD), campaign))
        }
        CampaignCommand::Pause(name) => carry_out(desk, team, &name, Command::Pause).await,
        CampaignCommand::Cancel(name) => carry_out(desk, team, &name, Command::Cancel).await,
        CampaignCommand::Resume { campaign, limit } => {
            let limit = limit.map_or(Limited::AsBefore, Limited::To);
            carry_out(desk, team, &campaign, Command::Resume { limit }).await
        }
        CampaignCommand::Create(_) => Err(ClientError::NeedsServer("make a campaign of a list")),
        // It fixes the provider account, and only a server has one.
        CampaignCommand::Start { .. } => Err(ClientError::NeedsServer("start a campaign")),
        CampaignCommand::Duplicate { .. } => Err(ClientError::NeedsServer("duplicate a campaign")),
        CampaignCommand::Retry { .. } => Err(ClientError::NeedsServer("call people again")),
        CampaignCommand::Watch(_) => Err(ClientError::NeedsServer("let a campaign be watched")),
        CampaignCommand::Export { .. } => Err(ClientError::NeedsServer("export a campaign")),
        CampaignCommand::Delete(_) => Err(ClientError::NeedsServer("delete a campaign")),
    }
}

async fn list(desk: &Desk, team: Uuid, state: Option<&str>) -> Result<Shown, ClientError> {
    let state = state.map(State::parse).transpose();
    let state = state.map_err(|unknown| ClientError::Unusable(unknown.to_string()))?;
    let mut all: Vec<Value> = Vec::new();
    let mut before = None;
    loop {
        let page = list_campaigns(&desk.database, team, state, None, before, PAGE).await?;
        before = page.last().map(|campaign| campaign.id);
        all.extend(campaigns_as_json(page)?);
        if before.is_none() {
            return Ok(Shown::new(table(&all, LIST, "there are no campaigns"), all.into()));
        }
    }
}

/// The campaign of this name or id.
async fn find(desk: &Desk, team: Uuid, name: &str) -> Result<Uuid, ClientError> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    match find_campaigns_named(&desk.database, team, name).await?.as_slice() {
        [] => Err(not_found(name)),
        [id] => Ok(*id),
        ids => {
            let ones = ids.iter().map(Uuid::to_string).collect();
            Err(ClientError::Ambiguous { name: name.to_owned(), ones })
        }
    }
}

fn not_found(name: &str) -> ClientError {
    ClientError::NotFound { what: "campaign", name: name.to_owned() }
}

/// A campaign as the API shows it. Its account is taken to be the one that a server would have.
async fn shown(desk: &Desk, team: Uuid, id: Uuid, name: &str) -> Result<Value, ClientError> {
    let account = look(&desk.database, id, "", None).await?.and_then(|look| look.account_sid);
    let account_sid = account.as_deref().unwrap_or_default();
    let onlooker = Onlooker { clock: &desk.clock, library: &desk.library, account_sid: Some(account_sid) };
    let is_simulated = desk.dials_simulator || account_sid == SIMULATED_ACCOUNT;
    let observer = Observer { database: &desk.database, onlooker, is_simulated };
    campaign_as_json(&observer, team, id).await?.ok_or_else(|| not_found(name))
}

/// Carries out a command to a campaign. It is on record before it is done, as a request is.
async fn carry_out(desk: &Desk, team: Uuid, name: &str, wanted: Command<'_>) -> Result<Shown, ClientError> {
    let (database, now) = (&desk.database, desk.clock.now());
    let id = find(desk, team, name).await?;
    let action = format!("outdial campaign {}", wanted.as_move());
    let row = on_record(database, team, &action, Some(id), json!({ "id": id }), now).await?;
    let moved = command(database, team, id, wanted, (None, None), now).await;
    let status = match &moved {
        Ok(Moved::Done) => 200,
        Ok(Moved::Illegal(_)) => 409,
        Ok(Moved::NotFound) => 404,
        Err(_) => 503,
    };
    complete(database, team, row, &Ending { at: now, status, made: None, detail: None }).await;
    match moved? {
        Moved::Done => {}
        Moved::Illegal(illegal) => {
            let (kind, detail, rows) = (String::new(), illegal.to_string(), String::new());
            return Err(ClientError::Refused { status, kind, detail, rows, again_after: None });
        }
        Moved::NotFound => return Err(not_found(name)),
    }
    wake(database, id).await;
    let campaign = shown(desk, team, id, name).await?;
    Ok(Shown::new(standing(&campaign), campaign))
}

/// Tells the servers. Whoever misses it finds out by itself within seconds.
async fn wake(database: &Database, campaign: Uuid) {
    let (nobody, words) = (Uuid::now_v7(), [Word::Wake(vec![campaign]), Word::Ownerless]);
    for word in words {
        let told: Result<(), db::Error> = tell(database, nobody, &word).await;
        if let Err(error) = told {
            tracing::debug!(error = &error as &dyn std::error::Error, "the servers could not be told");
        }
    }
}
