//! `/api/v1/campaigns`: upload, look, start, pause, resume, cancel, delete, and what became of everybody.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;
use uuid::Uuid;

use crate::actors::WakeCampaign;
use crate::db::agents::find_agent;
use crate::db::attempts::{AttemptFilter, list_attempts};
use crate::db::campaigns::{
    Command, Deleted, Moved, NewCampaign, command, delete_campaign, find_campaign, insert_campaign,
    list_campaigns,
};
use crate::db::contacts::{ContactFilter, NewContact, list_contacts};
use crate::db::look::look;
use crate::domain::agent::Agent;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::dialer::waits_for;
use crate::domain::outcome::Outcome;
use crate::domain::script::{Say, check_variables};
use crate::domain::settings::Settings;
use crate::domain::template::variables_of;
use crate::import::{Import, Kind, Options, Source};

use super::auth::Caller;
use super::form::CampaignForm;
use super::problem::answer;
use super::{Api, Problem, page, resource, show, upload};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/campaigns").route(web::post().to(create)).route(web::get().to(list)))
        .service(resource("/campaigns/{id}").route(web::get().to(get)).route(web::delete().to(delete)))
        .service(resource("/campaigns/{id}/start").route(web::post().to(start)))
        .service(resource("/campaigns/{id}/pause").route(web::post().to(pause)))
        .service(resource("/campaigns/{id}/resume").route(web::post().to(resume)))
        .service(resource("/campaigns/{id}/cancel").route(web::post().to(cancel)))
        .service(resource("/campaigns/{id}/contacts").route(web::get().to(contacts)))
        .service(resource("/campaigns/{id}/attempts").route(web::get().to(attempts)));
}

async fn create(api: web::Data<Api>, caller: Caller, multipart: Multipart) -> Result<HttpResponse, Problem> {
    let uploaded = upload::read(multipart).await?;
    let form = CampaignForm::parse(&uploaded.settings)?;
    let settings = form.settings(&api.default_from)?;
    let options = Options::for_region(form.region()?);
    let agent = agent(&api, caller, &form).await?;
    // Reading a large list takes a while: not on the thread that answers everybody else.
    let import = web::block(move || crate::import::read(Source::Bytes(uploaded.file), &options))
        .await
        .map_err(|_| Problem::unavailable("the server is stopping"))?
        .map_err(|error| Problem::invalid(error.reason(), error.to_string()))?;
    check_script(&agent, &settings, &import)?;
    if import.contacts.is_empty() {
        let detail = "the file holds no number that can be called";
        return Err(Problem::invalid("nobody-to-call", detail).with("refused", refused(&import)));
    }
    let id = Uuid::now_v7();
    let summary = summary(&import);
    let agent = serde_json::to_value(&agent).map_err(|error| Problem::malformed(error.to_string()))?;
    let new = NewCampaign {
        id,
        team: caller.team,
        name: form.name.trim(),
        settings: &settings,
        agent_id: form.agent_id,
        agent: &agent,
        import: &summary,
        starts_at: form.starts_at,
    };
    insert_campaign(&api.board.database, &new, &contacts_of(&import)?, api.board.clock.now()).await?;
    info!(campaign.id = %id, contacts = import.contacts.len(), "uploaded");
    let mut body = json!({
        "id": id,
        "state": State::Draft,
        "simulated": api.is_simulated,
        "refused": refused(&import),
        "repeated": repeated(&import),
    });
    if let (Value::Object(body), Value::Object(summary)) = (&mut body, summary) {
        body.extend(summary);
    }
    Ok(answer(StatusCode::CREATED, &body))
}

async fn agent(api: &Api, caller: Caller, form: &CampaignForm) -> Result<Agent, Problem> {
    if let Some(agent) = &form.agent {
        return Ok(agent.clone());
    }
    let id = form.agent_id.unwrap_or_default();
    let Some(agent) = find_agent(&api.board.database, caller.team, id).await? else {
        return Err(Problem::invalid("unknown-agent", format!("there is no agent {id}")));
    };
    let script = serde_json::from_value(agent.script).map_err(|error| {
        Problem::invalid("bad-agent", format!("the agent's script cannot be read: {error}"))
    })?;
    Ok(Agent { name: agent.name, prompt_text: agent.prompt_text, script })
}

/// What is said may name the contact's name, its number, and the list's columns, and nothing else.
fn check_script(agent: &Agent, settings: &Settings, import: &Import) -> Result<(), Problem> {
    let bad = |detail: String| Problem::invalid("bad-script", detail);
    let columns = import.account.columns.iter().map(String::as_str);
    let own = ["name", "phone"];
    // A column called like the contact's own name gives way to it.
    let others =
        columns.filter(|column| !own.contains(&crate::domain::template::variable_name(column).as_str()));
    let variables = variables_of(others).map_err(|collision| bad(collision.to_string()))?;
    let available = variables.keys().map(String::as_str).chain(own);
    if settings.opt_out_digit.is_some() && !agent.script.can_be_interrupted_by_keys() {
        let detail = "opt_out_digit is set, expected a script with say or play: where an agent is connected or \
                      somebody else's server says what is heard, they hear the keys; tell us of an opt-out by \
                      POST …/attempts/{id}/opt-out";
        return Err(bad(detail.to_owned()));
    }
    let mut named = agent.script.variables();
    named.extend(settings.answering_machine.message.iter().flat_map(Say::variables));
    check_variables(&named, available).map_err(|unknown| bad(unknown.to_string()))
}

fn refused(import: &Import) -> Value {
    let refused = import.rows.iter().filter_map(|row| match &row.kind {
        Kind::Refused { suggestion, .. } => Some(json!({
            "row": row.row,
            "column": &*row.column,
            "value": row.value,
            "reason": row.reason,
            "message": row.sentence,
            "suggestion": suggestion,
        })),
        Kind::Repaired | Kind::Duplicate { .. } => None,
    });
    refused.collect()
}

fn repeated(import: &Import) -> Value {
    let repeated = import.rows.iter().filter_map(|row| match row.kind {
        Kind::Duplicate { repeats } => {
            Some(json!({ "row": row.row, "repeats": repeats, "value": row.value }))
        }
        Kind::Repaired | Kind::Refused { .. } => None,
    });
    repeated.collect()
}

fn summary(import: &Import) -> Value {
    let account = &import.account;
    json!({
        "phone_column": account.phone_column(),
        "name_column": account.name_column(),
        "columns": account.columns,
        "rows": account.rows,
        "imported": account.imported,
        "duplicates": account.duplicates,
        "rejected": account.rejected,
        "blank": account.blank,
    })
}

fn contacts_of(import: &Import) -> Result<Vec<NewContact>, Problem> {
    let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    let contact = |(index, contact): (usize, &crate::import::NewContact)| {
        let metadata = serde_json::from_str(contact.metadata.get());
        Ok(NewContact {
            position: number(index + 1),
            phone: contact.phone.as_str().to_owned(),
            extension: contact.extension.clone().unwrap_or_default(),
            name: contact.name.clone(),
            metadata: metadata.map_err(|error| Problem::malformed(error.to_string()))?,
            file_row: i32::try_from(contact.row).unwrap_or(i32::MAX),
            raw_phone: contact.raw_phone.clone(),
            region: Some(contact.region.to_string()),
            number_type: Some(contact.number_type.as_str().to_owned()),
            alternates: contact.alternates.iter().map(|phone| phone.as_str()).collect(),
        })
    };
    import.contacts.iter().enumerate().map(contact).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Option<String>,
    before: Option<Uuid>,
    limit: Option<i64>,
}

async fn list(
    api: web::Data<Api>,
    caller: Caller,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let state = page::named(query.state.as_ref(), State::parse)?;
    let limit = page::limit(query.limit)?;
    let rows = list_campaigns(&api.board.database, caller.team, state, query.before, limit + 1).await?;
    let body = page::page("campaigns", rows, limit, "before", |campaign| campaign.id, show::campaign);
    Ok(answer(StatusCode::OK, &body))
}

async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *id).await?))
}

/// A campaign, with what it waits for.
async fn shown(api: &Api, team: Uuid, id: Uuid) -> Result<Value, Problem> {
    let board = &api.board;
    let Some(campaign) = find_campaign(&board.database, team, id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let look = look(&board.database, id, &board.account_sid, None).await?;
    let waits = look.and_then(|look| waits_for(&board.view_of_anybody(&look), board.moment()));
    let mut body = show::campaign(&campaign);
    body["waiting"] = show::waiting(waits);
    body["simulated"] = api.is_simulated.into();
    Ok(body)
}

async fn start(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let account_sid = api.board.account_sid.clone();
    carry_out(&api, caller, *id, Command::Start { account_sid: &account_sid }).await
}

async fn pause(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    carry_out(&api, caller, *id, Command::Pause).await
}

async fn resume(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    carry_out(&api, caller, *id, Command::Resume).await
}

async fn cancel(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    carry_out(&api, caller, *id, Command::Cancel).await
}

async fn carry_out(
    api: &Api,
    caller: Caller,
    id: Uuid,
    wanted: Command<'_>,
) -> Result<HttpResponse, Problem> {
    let board = &api.board;
    match command(&board.database, caller.team, id, wanted, board.node, board.clock.now()).await? {
        Moved::Done => {}
        Moved::Illegal(illegal) => return Err(illegal.into()),
        Moved::NotFound => return Err(Problem::not_found("campaign")),
    }
    info!(campaign.id = %id, command = %wanted.as_move(), "commanded");
    api.supervisor.do_send(WakeCampaign { campaign: id });
    Ok(answer(StatusCode::OK, &shown(api, caller.team, id).await?))
}

async fn delete(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    match delete_campaign(&api.board.database, caller.team, *id).await? {
        Deleted::Done => Ok(HttpResponse::NoContent().finish()),
        Deleted::NotFound => Err(Problem::not_found("campaign")),
        Deleted::Busy(state @ (State::Pending | State::Running)) => {
            let detail = format!("cannot delete a {state} campaign; pause or cancel it first");
            Err(Problem::conflict("campaign-at-work", detail).with("from", state.as_str()))
        }
        Deleted::Busy(state) => {
            let detail = "a call of this campaign is not settled yet; try again when it has ended";
            Err(Problem::conflict("call-open", detail).with("from", state.as_str()))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactsQuery {
    state: Option<String>,
    outcome: Option<String>,
    after: Option<i32>,
    limit: Option<i64>,
}

async fn contacts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ContactsQuery>,
) -> Result<HttpResponse, Problem> {
    let filter = ContactFilter {
        state: page::named(query.state.as_ref(), ContactState::parse)?,
        outcome: page::named(query.outcome.as_ref(), Outcome::parse)?,
        after: query.after.unwrap_or(0),
    };
    let limit = page::limit(query.limit)?;
    must_exist(&api, caller, *id).await?;
    let rows = list_contacts(&api.board.database, caller.team, *id, &filter, limit + 1).await?;
    let body = page::page("contacts", rows, limit, "after", |contact| contact.position, show::contact);
    Ok(answer(StatusCode::OK, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptsQuery {
    outcome: Option<String>,
    contact: Option<Uuid>,
    before: Option<Uuid>,
    limit: Option<i64>,
}

async fn attempts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<AttemptsQuery>,
) -> Result<HttpResponse, Problem> {
    let filter = AttemptFilter {
        outcome: page::named(query.outcome.as_ref(), Outcome::parse)?,
        contact: query.contact,
        before: query.before,
    };
    let limit = page::limit(query.limit)?;
    must_exist(&api, caller, *id).await?;
    let rows = list_attempts(&api.board.database, caller.team, *id, &filter, limit + 1).await?;
    let body = page::page("attempts", rows, limit, "before", |attempt| attempt.id, show::attempt);
    Ok(answer(StatusCode::OK, &body))
}

async fn must_exist(api: &Api, caller: Caller, id: Uuid) -> Result<(), Problem> {
    let campaign = find_campaign(&api.board.database, caller.team, id).await?;
    campaign.map(drop).ok_or_else(|| Problem::not_found("campaign"))
}
