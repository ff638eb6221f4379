//! `/api/v1/agents`: who speaks.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::agents::{Agent, delete_agent, find_agent, insert_agent, list_agents, update_agent};
use crate::domain::access::Permission;
use crate::domain::agent;
use crate::domain::called;

use super::auth::Caller;
use super::body::{Body, Query};
use super::idempotency::{Answers, MayComeAgain, Once};
use super::openapi::describe;
use super::page::{Before, Page};
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, found_again, page, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/agents")
            .post(Permission::AgentsWrite, create)
            .get(Permission::AgentsRead, list)
            .described(describe![create, list]),
        resource("/agents/{id}")
            .get(Permission::AgentsRead, get)
            .put(Permission::AgentsWrite, replace)
            .delete(Permission::AgentsWrite, delete)
            .described(describe![get, replace, delete]),
    ]
}

/// An agent that campaigns may name.
#[derive(Serialize, ToSchema)]
pub(super) struct KeptAgent {
    id: Uuid,
    /// What people call it.
    #[schema(example = "Ada")]
    name: String,
    /// What it is told to be, for agents that think; null if nothing.
    #[schema(example = "Be kind and brief.")]
    prompt_text: Option<String>,
    #[schema(value_type = wire::Script)]
    script: Value,
    /// When it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    updated_at: DateTime<Utc>,
}

impl From<Agent> for KeptAgent {
    fn from(agent: Agent) -> Self {
        let Agent { id, name, prompt_text, script, created_at, updated_at } = agent;
        Self { id, name, prompt_text, script, created_at, updated_at }
    }
}

/// A page of the team's agents.
#[derive(Serialize, ToSchema)]
struct Agents {
    /// The newest first.
    agents: Vec<KeptAgent>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

fn parse(body: &Body) -> Result<agent::Agent, Problem> {
    let agent: agent::Agent = body.json("bad-agent")?;
    if let Err(bad) = called::parse(&agent.name) {
        return Err(Problem::invalid("bad-agent", format!("name {bad}")));
    }
    agent.script.check().map_err(|error| Problem::invalid("bad-agent", format!("script: {error}")))?;
    Ok(agent)
}

fn row(api: &Api, id: Uuid, agent: &agent::Agent) -> Result<Agent, Problem> {
    let now = api.board.clock.now();
    Ok(Agent {
        id,
        name: agent.name.trim().to_owned(),
        prompt_text: agent.prompt_text.clone(),
        script: serde_json::to_value(&agent.script).map_err(|error| Problem::malformed(error.to_string()))?,
        created_at: now,
        updated_at: now,
    })
}

/// Makes an agent
#[utoipa::path(
    post, path = "/api/v1/agents", operation_id = "create_agent", tag = "agents", params(MayComeAgain),
    request_body = wire::Agent, responses((status = 201, description = "The agent", body = KeptAgent), Conflict),
)]
async fn create(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let parsed = parse(&body)?;
    let insert = async move |api: &web::Data<Api>, id| {
        let agent = row(api, id, &parsed)?;
        insert_agent(&api.board.database, caller.team, &agent).await?;
        Ok(answer(StatusCode::CREATED, &KeptAgent::from(agent)))
    };
    once.make(api, caller, Answers::Again, &[body.bytes()], found_again::agent, insert).await
}

/// Replaces an agent
///
/// Campaigns that were made with it before keep what it was then.
#[utoipa::path(
    put, path = "/api/v1/agents/{id}", operation_id = "replace_agent", tag = "agents", request_body = wire::Agent,
    responses((status = 200, description = "The agent as it is now", body = KeptAgent)),
)]
async fn replace(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let agent = row(&api, *id, &parse(&body)?)?;
    if !update_agent(&api.board.database, caller.team, &agent).await? {
        return Err(Problem::not_found("agent"));
    }
    get(api, caller, id).await
}

/// Shows an agent
#[utoipa::path(
    get, path = "/api/v1/agents/{id}", operation_id = "get_agent", tag = "agents",
    responses((status = 200, description = "The agent", body = KeptAgent)),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let agent = find_agent(&api.board.database, caller.team, *id).await?;
    let agent = agent.ok_or_else(|| Problem::not_found("agent"))?;
    Ok(answer(StatusCode::OK, &KeptAgent::from(agent)))
}

/// Deletes an agent
///
/// Campaigns that were made with it keep theirs.
#[utoipa::path(
    delete, path = "/api/v1/agents/{id}", operation_id = "delete_agent", tag = "agents",
    responses((status = 204, description = "It is deleted")),
)]
async fn delete(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    if !delete_agent(&api.board.database, caller.team, *id).await? {
        return Err(Problem::not_found("agent"));
    }
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those made before this one.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists agents
#[utoipa::path(
    get, path = "/api/v1/agents", operation_id = "list_agents", tag = "agents", params(ListQuery),
    responses((status = 200, description = "A page of agents", body = Agents)),
)]
async fn list(api: web::Data<Api>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Page, Problem> {
    let limit = page::limit(query.limit)?;
    let rows = list_agents(&api.board.database, caller.team, query.before, limit + 1).await?;
    let (rows, next) = page::cut(rows, limit, |agent| Before { before: agent.id });
    let agents = rows.into_iter().map(KeptAgent::from).collect();
    let page = Agents { agents, next };
    Ok(Page::of(&page, page.next.as_ref()))
}
