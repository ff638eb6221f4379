//! `POST /api/v1/campaigns/{id}/retry`: contacts that were given up are called again.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::retry::{Again, Retried, retry};
use crate::domain::access::Permission;
use crate::domain::campaign::State;
use crate::domain::outcome::Outcome;

use super::auth::Caller;
use super::body::Body;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/retry")
            .post(Permission::CampaignsStart, call_again)
            .described(describe![call_again]),
    ]
}

/// Who is to be called again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryForm {
    /// Those who were given up after an attempt that came to one of these.
    #[serde(default)]
    #[schema(value_type = Vec<wire::Outcome>, example = json!(["no-answer", "busy"]))]
    outcomes: Vec<Outcome>,
    /// Those as well who were set aside because they made the campaign fail.
    #[serde(default)]
    set_aside: bool,
}

/// Who is called again.
#[derive(Serialize, ToSchema)]
struct CalledAgain {
    /// How many contacts are due now that were given up. Asked again, it is nobody.
    contacts: u32,
    /// The campaign's state: one that was completed runs again.
    #[schema(value_type = wire::CampaignState)]
    state: State,
}

/// Calls contacts again
///
/// Those who were given up after an attempt that came to one of these `outcomes` are due now, in the order of the list, and
/// their retry policy begins anew. A completed campaign runs again.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/retry", operation_id = "retry_contacts", tag = "campaigns",
    request_body = RetryForm,
    responses((status = 200, description = "How many are called again", body = CalledAgain), Conflict),
)]
async fn call_again(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let RetryForm { outcomes, set_aside } = body.json("bad-retry")?;
    let bad = |detail: String| Problem::invalid("bad-retry", detail);
    if outcomes.is_empty() && !set_aside {
        return Err(bad(
            "outcomes is empty, expected one at least, such as no-answer, or set_aside".to_owned()
        ));
    }
    if let Some(outcome) = outcomes.iter().find(|outcome| !outcome.can_be_the_last()) {
        return Err(bad(format!(
            "outcomes holds {outcome}, expected only outcomes after which contacts are given up"
        )));
    }
    let (board, again) = (&api.board, Again { outcomes, set_aside });
    match retry(&board.database, caller.team, *id, &again, (caller.key, board.node()), board.clock.now())
        .await?
    {
        Retried::Done { contacts, state } => {
            if contacts > 0 {
                info!(campaign.id = %*id, contacts, "called again");
                board.wake(&[*id]).await;
            }
            Ok(answer(StatusCode::OK, &CalledAgain { contacts, state }))
        }
        Retried::AtItsEnd(over) => {
            Err(Problem::conflict("campaign-over", over.to_string()).with("from", over.0.as_str()))
        }
        Retried::NotFound => Err(Problem::not_found("campaign")),
    }
}
