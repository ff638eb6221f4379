//! A campaign is started, paused, resumed and canceled.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Error;
use crate::db::campaigns::{Command, Limited, Moved, command, find_campaign};
use crate::db::look::look;

use super::shown;
use crate::http::auth::Caller;
use crate::http::body::{Body, given};
use crate::http::problem::{Conflict, answer};
use crate::http::rehearsal::Rehearsal;
use crate::http::show::CampaignDetail;
use crate::http::{Api, Problem, REHEARSED, Trail, hooks, rehearsal, rules};

/// More contacts than any list has: a limit beyond it is none.
const MOST_LIMITED: u32 = 1_000_000_000;

/// How a campaign is to be started.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartForm {
    /// How many different contacts are called until it is paused; null for all of them. With `dry_run` how many of them
    /// it is rehearsed with: 200 at most, 50 unless it is said.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 50)]
    limit: Option<Option<u32>>,
    /// Whether it is only rehearsed: nobody is called, and nothing is written.
    #[serde(default)]
    dry_run: bool,
}

/// How a campaign is to be resumed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResumeForm {
    /// How many different contacts are called from now on until it is paused again; null for all of them. Left out, a limit
    /// that was not reached goes on.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 50)]
    limit: Option<Option<u32>>,
}

/// The campaign as it is now, or with `dry_run` what would happen.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Started {
    /// It was started.
    Campaign(Box<CampaignDetail>),
    /// It was only rehearsed.
    Rehearsal(Rehearsal),
}

/// Reads a body that may be left out.
fn wish<T: Default + DeserializeOwned>(body: &Body) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { body.json("bad-start") }
}

/// How many contacts are called, by the `limit` that is given.
fn limited(limit: Option<Option<u32>>) -> Result<Limited, Problem> {
    match limit {
        None => Ok(Limited::AsBefore),
        Some(None) => Ok(Limited::Not),
        Some(Some(contacts @ 1..=MOST_LIMITED)) => Ok(Limited::To(contacts)),
        Some(Some(contacts)) => {
            let detail = format!("limit is {contacts}, expected contacts from 1 to {MOST_LIMITED}");
            Err(Problem::invalid("bad-start", detail))
        }
    }
}

/// Starts a campaign
///
/// People are called from then on, or from `starts_at` on. With a `limit` it is paused after so many contacts. With
/// `dry_run` it is only said what would happen, whatever its state is: nobody is called, and nothing is written.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/start", operation_id = "start_campaign", tag = "campaigns",
    request_body = Option<StartForm>,
    responses((status = 200, description = "The campaign as it is now, or what would happen", body = Started), Conflict),
)]
pub(super) async fn start(
    api: web::Data<Api>,
    caller: Caller,
    trail: Trail,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let StartForm { limit, dry_run } = wish(&body)?;
    if dry_run {
        trail.note(REHEARSED, true);
        let rehearsal = rehearsal::rehearse(&api, caller, *id, limit.flatten()).await?;
        return Ok(answer(StatusCode::OK, &Started::Rehearsal(rehearsal)));
    }
    let limit = limited(limit)?;
    can_go_by_its_rules(&api, caller, *id).await?;
    let account_sid = api.board.account_to_start_with()?;
    let started = carry_out(&api, caller, *id, Command::Start { account_sid, limit }).await?;
    Ok(answer(StatusCode::OK, &Started::Campaign(Box::new(started))))
}

/// Pauses a campaign
///
/// No call is begun later than a second after that. One that is under way goes on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", operation_id = "pause_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
pub(super) async fn pause(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Pause).await?))
}

/// Resumes a campaign
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/resume", operation_id = "resume_campaign", tag = "campaigns",
    request_body = Option<ResumeForm>,
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
pub(super) async fn resume(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let ResumeForm { limit } = wish(&body)?;
    let limit = limited(limit)?;
    can_go_by_its_rules(&api, caller, *id).await?;
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Resume { limit }).await?))
}

/// What a campaign was made with may have gone since.
pub(in crate::http) async fn can_go_by_its_rules(api: &Api, caller: Caller, id: Uuid) -> Result<(), Problem> {
    let board = &api.board;
    let campaign = find_campaign(&board.database, caller.team, id).await?;
    let settings = campaign.ok_or_else(|| Problem::not_found("campaign"))?.settings;
    rules::check(api, &settings)?;
    hooks::check_before_call(api, caller, &settings).await?;
    let look = look(&board.database, id, board.onlooker().account_sid, None).await?;
    match look.as_ref().and_then(|look| look.missing_zones.keys().next().filter(|_| look.queues.is_empty())) {
        Some(zone) => Err(Error::ZoneMissing(zone.to_string()).into()),
        None => Ok(()),
    }
}

/// Cancels a campaign
///
/// For good: it never calls anybody again.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/cancel", operation_id = "cancel_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
pub(super) async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Cancel).await?))
}

async fn carry_out(
    api: &Api,
    caller: Caller,
    id: Uuid,
    wanted: Command<'_>,
) -> Result<CampaignDetail, Problem> {
    let board = &api.board;
    match command(&board.database, caller.team, id, wanted, (caller.key, board.node()), board.clock.now())
        .await?
    {
        Moved::Done => {}
        Moved::Illegal(illegal) => return Err(illegal.into()),
        Moved::NotFound => return Err(Problem::not_found("campaign")),
    }
    info!(campaign.id = %id, command = %wanted.as_move(), "commanded");
    board.wake(&[id]).await;
    shown(api, caller.team, id).await
}
