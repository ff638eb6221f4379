//! `PATCH /api/v1/campaigns/{id}`: another name, other settings, another agent; and what they were before, version by
//! version.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::campaigns::{Campaign, find_campaign};
use crate::db::edit::{Edit, Edited, Version, edit, list_versions};
use crate::domain::access::Permission;
use crate::domain::agent::Agent;
use crate::domain::beginning::check_start;
use crate::domain::campaign::State;
use crate::domain::edit::CannotEdit;
use crate::domain::script::Taken;
use crate::domain::settings::Settings;

use super::auth::Caller;
use super::body::Query;
use super::campaigns::must_exist;
use super::campaigns::script::{agent, check_script};
use super::changes::Changes;
use super::openapi::describe;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem, hooks, page, rules, wire};

/// How often changes that are meant for any version are made anew, because somebody else has edited the campaign
/// meanwhile.
const TRIES: u32 = 3;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/versions")
            .get(Permission::CampaignsRead, versions)
            .described(describe![versions]),
    ]
}

/// Changes a campaign.
pub(super) async fn change(api: &Api, caller: Caller, id: Uuid, changes: &Changes) -> Result<(), Problem> {
    changes.check()?;
    let (board, now) = (&api.board, api.board.clock.now());
    for _ in 0..TRIES {
        let Some(campaign) = find_campaign(&board.database, caller.team, id).await? else {
            return Err(Problem::not_found("campaign"));
        };
        if let Some(expected) = changes.settings_version.filter(|wanted| *wanted != campaign.settings_version)
        {
            return Err(overtaken(expected, campaign.settings_version));
        }
        let changed = Changed::of(api, caller, changes, &campaign).await?;
        let wanted = Edit {
            of_version: campaign.settings_version,
            name: changes.name.as_deref().map_or(&campaign.name, str::trim),
            settings: &changed.settings,
            agent: changed.agent.as_ref().map(|agent| (changes.agent_id, agent)),
            starts_at: changes.starts_at(),
            key: caller.key,
        };
        match edit(&board.database, caller.team, id, &wanted, now).await? {
            Edited::Done { version, parts } => {
                info!(campaign.id = %id, version, ?parts, "edited");
                board.wake(&[id]).await;
            }
            Edited::Unchanged => {}
            Edited::Overtaken { .. } => continue,
            Edited::Refused(refused) => return Err(refused.into()),
            Edited::NotFound => return Err(Problem::not_found("campaign")),
        }
        return Ok(());
    }
    Err(Problem::unavailable("the campaign is being edited by others; try again shortly"))
}

pub(super) fn overtaken(expected: i32, version: i32) -> Problem {
    let detail = format!(
        "the campaign was changed meanwhile: its settings are at version {version}, and the changes are meant for version \
         {expected}; look at it again, and send them with settings_version {version} if they are still right"
    );
    Problem::conflict("edited-meanwhile", detail).with("settings_version", version)
}

/// What changes make of a campaign.
pub(super) struct Changed {
    pub(super) settings: Settings,
    /// The snapshot of the agent, if another one is named.
    pub(super) agent: Option<Value>,
}

impl Changed {
    /// Makes and checks it, as a new campaign is checked. What is not changed is not asked whether it is still good.
    pub(super) async fn of(
        api: &Api,
        caller: Caller,
        changes: &Changes,
        campaign: &Campaign,
    ) -> Result<Self, Problem> {
        let invalid = |error: String| Problem::invalid("bad-settings", error);
        if let Some(starts_at) = changes.starts_at() {
            check_start(starts_at, api.board.clock.now()).map_err(|far| invalid(far.to_string()))?;
        }
        // Once it is started, its start time is the firing that it waits for.
        let kept = campaign.starts_at.filter(|_| campaign.state == State::Draft);
        let starts_at = changes.starts_at().unwrap_or(kept);
        let settings =
            changes.clone().over(campaign.settings.clone(), starts_at, api.board.default_from())?;
        if settings != campaign.settings {
            rules::check(api, &settings)?;
            rules::check_safe_window(api, &settings)?;
        }
        if settings.before_call != campaign.settings.before_call {
            hooks::check_before_call(api, caller, &settings).await?;
        }
        let named = match (&changes.agent, changes.agent_id) {
            (None, None) => None,
            (given, id) => Some(agent(api, caller, given.as_ref(), id).await?),
        };
        let says_otherwise = named.is_some()
            || settings.answering_machine != campaign.settings.answering_machine
            || settings.opt_out_digit != campaign.settings.opt_out_digit;
        if says_otherwise {
            let speaks = match &named {
                Some(agent) => agent.clone(),
                None => kept_agent(campaign)?,
            };
            check_script(&speaks, &settings, &columns(campaign), &taken(campaign))?;
        }
        let agent = named.map(serde_json::to_value).transpose();
        Ok(Self { settings, agent: agent.map_err(|error| invalid(error.to_string()))? })
    }
}

pub(crate) fn kept_agent(campaign: &Campaign) -> Result<Agent, Problem> {
    serde_json::from_value(campaign.agent.clone()).map_err(|error| {
        Problem::invalid("bad-agent", format!("the campaign's agent cannot be read: {error}"))
    })
}

/// The columns of the list that the campaign was made with. Lists that were added name whatever its script names.
fn columns(campaign: &Campaign) -> Vec<String> {
    let columns = campaign.import["columns"].as_array();
    columns.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Which of its columns are the name and the number.
fn taken(campaign: &Campaign) -> Vec<Taken> {
    let of = |key: &str, variable| {
        let column = campaign.import[key].as_str()?.to_owned();
        Some(Taken { column, variable })
    };
    [of("name_column", "name"), of("phone_column", "phone")].into_iter().flatten().collect()
}

impl From<CannotEdit> for Problem {
    fn from(refused: CannotEdit) -> Self {
        let detail = refused.to_string();
        match refused {
            CannotEdit::AtItsEnd(state) => {
                Self::conflict("campaign-over", detail).with("from", state.as_str())
            }
            CannotEdit::AtWork { state, parts } => {
                let parts: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
                Self::conflict("campaign-at-work", detail)
                    .with("from", state.as_str())
                    .with("settings", parts)
            }
            CannotEdit::CallOpen(_) => Self::conflict("call-open", detail),
            CannotEdit::RunsHaveNone | CannotEdit::HasBegun | CannotEdit::CallsWithoutPrice => {
                Self::conflict("too-late", detail)
            }
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct VersionsQuery {
    /// Only versions before this one.
    before: Option<i32>,
    /// How many a page holds: 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// A page of what a campaign was set to.
#[derive(Serialize, ToSchema)]
struct SettingsVersions {
    /// The newest first.
    versions: Vec<SettingsVersion>,
    /// What asks for the next page; null on the last one.
    next: Option<BeforeVersion>,
}

/// What asks for the next page, by the last version on this one.
#[derive(Serialize, ToSchema)]
struct BeforeVersion {
    /// The query's `before`.
    before: i32,
}

/// What a campaign was set to under one version.
#[derive(Serialize, ToSchema)]
struct SettingsVersion {
    /// Its number, from 1; attempts name it as their `settings_version`.
    #[schema(minimum = 1)]
    version: i32,
    /// Since when.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    at: DateTime<Utc>,
    /// The API key that gave it; null for runs, and where that was not noted.
    key: Option<Uuid>,
    #[schema(value_type = wire::Settings)]
    settings: Settings,
    /// The agent that was named; null if it was given inline.
    agent_id: Option<Uuid>,
    #[schema(value_type = wire::Agent)]
    agent: Value,
}

impl From<Version> for SettingsVersion {
    fn from(version: Version) -> Self {
        let Version { version, settings, agent_id, agent, at, key } = version;
        Self { version, at, key, settings, agent_id, agent }
    }
}

/// Lists the versions of a campaign's settings
///
/// What the settings and the agent were under each version, the newest first. Each attempt says under which one it ran.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/versions", operation_id = "list_settings_versions", tag = "campaigns",
    params(VersionsQuery),
    responses((status = 200, description = "A page of versions", body = SettingsVersions)),
)]
async fn versions(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<VersionsQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let rows = list_versions(&api.board.database, caller.team, *id, query.before, limit + 1).await?;
    if rows.is_empty() {
        // Every campaign has a first version, so there is none, or the page lies behind it.
        must_exist(&api, caller, *id).await?;
    }
    let (rows, next) = page::cut(rows, limit, |last| BeforeVersion { before: last.version });
    let versions = rows.into_iter().map(SettingsVersion::from).collect();
    Ok(answer(StatusCode::OK, &SettingsVersions { versions, next }))
}
