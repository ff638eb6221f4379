//! What a request made that came before, told as if it had just been made: for those who come again and whose first answer
//! was never given, or was too long to be kept. It is told as it stands by now.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::agents::find_agent;
use crate::db::campaigns::find_campaign;
use crate::db::hooks::find_hook;
use crate::db::imports::{
    Import, KindName, RemarkFilter, Standing, find_import, list_campaigns_of_file, list_imports, list_remarks,
};
use crate::db::keys::list_keys;

use super::agents::KeptAgent;
use super::auth::Caller;
use super::problem::answer;
use super::show::RowRemark;
use super::{Api, Problem, imports, intake};

/// An agent.
pub(super) async fn agent(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let found = find_agent(&api.board.database, caller.team, id).await?;
    Ok(found.map(|agent| answer(StatusCode::CREATED, &KeptAgent::from(agent))))
}

/// A key: its secret was shown once, and is not known any more.
pub(super) async fn key(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let keys = list_keys(&api.board.database, caller.team).await?;
    if keys.iter().all(|key| key.id != id) {
        return Ok(None);
    }
    let detail = "this request has made a key before, which was shown then and cannot be shown again; if the answer was \
                  lost, revoke that key and make another with another Idempotency-Key";
    Err(Problem::conflict("shown-once", detail).with("id", id.to_string()))
}

/// A hook: its secret was shown once.
pub(super) async fn hook(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    if find_hook(&api.board.database, caller.team, id).await?.is_none() {
        return Ok(None);
    }
    let detail = "this request has made a hook before, whose secret was shown then; if the answer was lost, rotate the secret";
    Err(Problem::conflict("shown-once", detail).with("id", id.to_string()))
}

/// A campaign that was made of a list.
pub(super) async fn campaign(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let database = &api.board.database;
    let Some(campaign) = find_campaign(database, caller.team, id).await? else { return Ok(None) };
    let Some(import) = list_imports(database, caller.team, id).await?.into_iter().next() else {
        return Ok(None);
    };
    let mut body = rows(api, caller, &import).await?;
    body["id"] = id.to_string().into();
    body["import_id"] = import.id.to_string().into();
    body["state"] = campaign.state.as_str().into();
    body["simulated"] = api.is_simulated.into();
    body["same_file_in"] = same_file(api, caller, &import, Some(id)).await?;
    Ok(Some(answer(StatusCode::CREATED, &body)))
}

/// Contacts that were added to a campaign, by the list that they came with.
pub(super) async fn addition(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let (database, now) = (&api.board.database, api.board.clock.now());
    let Some(import) = find_import(database, caller.team, id, now).await? else { return Ok(None) };
    let Standing::Stored { campaign, .. } = import.standing else { return Ok(None) };
    let Some(campaign) = find_campaign(database, caller.team, campaign).await? else { return Ok(None) };
    let mut body = rows(api, caller, &import).await?;
    body["import_id"] = id.to_string().into();
    body["state"] = campaign.state.as_str().into();
    Ok(Some(answer(StatusCode::CREATED, &body)))
}

/// A list that was looked at.
pub(super) async fn preview(api: &Api, caller: Caller, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let found = find_import(&api.board.database, caller.team, id, api.board.clock.now()).await?;
    let Some(import) = found else { return Ok(None) };
    let mut body = rows(api, caller, &import).await?;
    body["id"] = id.to_string().into();
    if let Standing::Preview { expires_at } = import.standing {
        body["expires_at"] = json!(expires_at);
    }
    body["same_file_in"] = same_file(api, caller, &import, None).await?;
    Ok(Some(answer(StatusCode::CREATED, &body)))
}

/// The report on a list, with the first rows that were refused, and that were repeated.
async fn rows(api: &Api, caller: Caller, import: &Import) -> Result<Value, Problem> {
    let mut report = imports::without_header(import.report.clone());
    for (member, kind) in [("refused", KindName::Refused), ("repeated", KindName::Duplicate)] {
        let filter = RemarkFilter { kind: Some(kind), ..RemarkFilter::default() };
        let (database, most) = (&api.board.database, i64::try_from(intake::SHOWN).unwrap_or(i64::MAX));
        let remarks = list_remarks(database, caller.team, import.id, &filter, most).await?;
        report[member] = json!(remarks.into_iter().map(RowRemark::from).collect::<Vec<_>>());
    }
    Ok(report)
}

/// The campaigns, but for this one, whose contacts came with the same file.
async fn same_file(api: &Api, caller: Caller, import: &Import, but: Option<Uuid>) -> Result<Value, Problem> {
    let digest = import.digest.as_slice().try_into().map_err(|_| Problem::internal())?;
    let others = list_campaigns_of_file(&api.board.database, caller.team, digest).await?;
    Ok(others.iter().filter(|other| Some(**other) != but).map(Uuid::to_string).collect())
}
