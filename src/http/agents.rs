//! `/api/v1/agents`: who speaks.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use uuid::Uuid;

use crate::db::agents::{Agent, delete_agent, find_agent, insert_agent, list_agents, update_agent};

use crate::domain::access::Permission;
use crate::domain::agent;

use super::auth::Caller;
use super::body::{Body, Query};
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem, page, show};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/agents").post(Permission::AgentsWrite, create).get(Permission::AgentsRead, list),
        resource("/agents/{id}")
            .get(Permission::AgentsRead, get)
            .put(Permission::AgentsWrite, replace)
            .delete(Permission::AgentsWrite, delete),
    ]
}

fn parse(body: &Body) -> Result<agent::Agent, Problem> {
    let agent: agent::Agent = body.json("bad-agent")?;
    if agent.name.trim().is_empty() {
        return Err(Problem::invalid("bad-agent", "name is empty, expected what people call the agent"));
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

async fn create(api: web::Data<Api>, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let agent = row(&api, Uuid::now_v7(), &parse(&body)?)?;
    insert_agent(&api.board.database, caller.team, &agent).await?;
    Ok(answer(StatusCode::CREATED, &show::agent(&agent)))
}

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

async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let agent = find_agent(&api.board.database, caller.team, *id).await?;
    let agent = agent.ok_or_else(|| Problem::not_found("agent"))?;
    Ok(answer(StatusCode::OK, &show::agent(&agent)))
}

async fn delete(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    if !delete_agent(&api.board.database, caller.team, *id).await? {
        return Err(Problem::not_found("agent"));
    }
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    before: Option<Uuid>,
    limit: Option<i64>,
}

async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let rows = list_agents(&api.board.database, caller.team, query.before, limit + 1).await?;
    let body = page::page("agents", rows, limit, "before", |agent| agent.id, show::agent);
    Ok(answer(StatusCode::OK, &body))
}
