//! `/api/v1/campaigns`: made of a list, looked at, added to, started, paused, resumed, canceled, deleted, and what
//! became of everybody.

mod additions;
mod making;
mod moves;
mod people;
pub(crate) mod script;

use actix_web::http::StatusCode;
use actix_web::rt::spawn;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::campaigns::{Deleted, delete_campaign, find_campaign, list_campaigns};
use crate::domain::access::Permission;
use crate::domain::campaign::State;

pub(super) use self::moves::can_go_by_its_rules;
use super::auth::Caller;
use super::body::{Body, Query};
use super::changes::Changes;
use super::openapi::describe;
use super::page::{Before, Page};
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::show::{Campaign, CampaignDetail};
use super::{Api, Problem, edit, page, standing, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns")
            .post(Permission::CampaignsCreate, making::create)
            .get(Permission::CampaignsRead, list)
            .described(describe![making::create, list]),
        resource("/campaigns/{id}")
            .get(Permission::CampaignsRead, get)
            .patch(Permission::CampaignsUpdate, change)
            .delete(Permission::CampaignsDelete, delete)
            .described(describe![get, change, delete]),
        resource("/campaigns/{id}/start")
            .post(Permission::CampaignsStart, moves::start)
            .described(describe![moves::start]),
        resource("/campaigns/{id}/pause")
            .post(Permission::CampaignsPause, moves::pause)
            .described(describe![moves::pause]),
        resource("/campaigns/{id}/resume")
            .post(Permission::CampaignsStart, moves::resume)
            .described(describe![moves::resume]),
        resource("/campaigns/{id}/cancel")
            .post(Permission::CampaignsCancel, moves::cancel)
            .described(describe![moves::cancel]),
        resource("/campaigns/{id}/contacts")
            .get(Permission::ContactsRead, people::contacts)
            .post(Permission::ContactsWrite, additions::add)
            .described(describe![people::contacts, additions::add]),
        resource("/campaigns/{id}/imports")
            .get(Permission::CampaignsRead, additions::lists)
            .described(describe![additions::lists]),
        resource("/campaigns/{id}/attempts")
            .get(Permission::ContactsRead, people::attempts)
            .described(describe![people::attempts]),
    ]
}

/// A page of campaigns.
#[derive(Serialize, ToSchema)]
struct Campaigns {
    /// The newest first.
    campaigns: Vec<Campaign>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<wire::CampaignState>)]
    state: Option<String>,
    /// Only the runs of this campaign.
    repeats_of: Option<Uuid>,
    /// Only those made before this one.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists campaigns
#[utoipa::path(
    get, path = "/api/v1/campaigns", operation_id = "list_campaigns", tag = "campaigns", params(ListQuery),
    responses((status = 200, description = "A page of campaigns", body = Campaigns)),
)]
async fn list(api: web::Data<Api>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Page, Problem> {
    let state = page::named(query.state.as_ref(), State::parse)?;
    let limit = page::limit(query.limit)?;
    let rows =
        list_campaigns(&api.board.database, caller.team, state, query.repeats_of, query.before, limit + 1)
            .await?;
    let (rows, next) = page::cut(rows, limit, |campaign| Before { before: campaign.id });
    let campaigns = rows.into_iter().map(Campaign::from).collect();
    let page = Campaigns { campaigns, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

/// Shows a campaign
///
/// With what it waits for, and until when.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", operation_id = "get_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign", body = CampaignDetail)),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *id).await?))
}

/// A campaign, with what it waits for.
pub(crate) async fn shown(api: &Api, team: Uuid, id: Uuid) -> Result<CampaignDetail, Problem> {
    let detail = standing::detail(&api.observer(), team, id).await?;
    detail.ok_or_else(|| Problem::not_found("campaign"))
}

/// Changes a campaign
///
/// A key that is given replaces the whole setting, null takes away one that may be absent, and what is left out stays. A
/// campaign at work takes its name, `pacing`, `business_hours`, `caps`, `max_calls_per_day`, `max_spend` and
/// `retry_policy`; for the rest it has to be paused first. Another setting or agent makes a new version.
#[utoipa::path(
    patch, path = "/api/v1/campaigns/{id}", operation_id = "change_campaign", tag = "campaigns",
    request_body = Changes,
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
async fn change(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    edit::change(&api, caller, *id, &Changes::read(&body)?).await?;
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *id).await?))
}

/// Deletes a campaign
///
/// With all that is known of its calls. Not while it is at work, or a call of it is open.
#[utoipa::path(
    delete, path = "/api/v1/campaigns/{id}", operation_id = "delete_campaign", tag = "campaigns",
    responses((status = 204, description = "It is deleted"), Conflict),
)]
async fn delete(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let (database, team, campaign) = (api.board.database.clone(), caller.team, *id);
    let now = api.board.clock.now();
    // It is carried out to its end also if nobody waits for the answer any more.
    let deleting = spawn(async move { delete_campaign(&database, team, campaign, caller.key, now).await });
    match deleting.await.map_err(|_| Problem::unavailable("the server is stopping"))?? {
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

pub(super) async fn must_exist(api: &Api, caller: Caller, id: Uuid) -> Result<(), Problem> {
    let campaign = find_campaign(&api.board.database, caller.team, id).await?;
    campaign.map(drop).ok_or_else(|| Problem::not_found("campaign"))
}
