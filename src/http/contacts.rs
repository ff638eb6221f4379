//! `/api/v1/campaigns/{id}/contacts/{contact}`: what is asked for one contact.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use tracing::info;
use uuid::Uuid;

use crate::actors::WakeCampaign;
use crate::db::callbacks::{Asked, ask_for_callback};
use crate::domain::callback::{Callback, NoCallback};

use super::auth::Caller;
use super::body::Body;
use super::problem::answer;
use super::{Api, Problem, resource};

const LONGEST_NOTE: usize = 1000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        resource("/campaigns/{id}/contacts/{contact}/callback").route(web::post().to(ask_to_be_called)),
    );
}

/// When somebody wants to be called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackForm {
    at: DateTime<Utc>,
    note: Option<String>,
}

impl CallbackForm {
    fn parse(body: &Body) -> Result<Callback, Problem> {
        let Self { at, note } = body.json("bad-callback")?;
        let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        let length = note.as_ref().map_or(0, |note| note.chars().count());
        if length > LONGEST_NOTE {
            let detail = format!("note has {length} characters, expected at most {LONGEST_NOTE}");
            return Err(Problem::invalid("bad-callback", detail));
        }
        Ok(Callback { at, note })
    }
}

async fn ask_to_be_called(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (campaign, contact) = *path;
    let wanted = CallbackForm::parse(&body)?;
    let board = &api.board;
    let now = board.clock.now();
    let asked =
        ask_for_callback(&board.database, caller.team, (campaign, contact), &wanted, board.node, now).await?;
    let (state, due_at) = match asked {
        Asked::Promised { state, due_at } => (state, due_at),
        Asked::Refused(refused) => return Err(refused.into()),
        Asked::NotFound => return Err(Problem::not_found("contact of such a campaign")),
    };
    info!(campaign.id = %campaign, contact.id = %contact, "a callback was asked for");
    api.supervisor.do_send(WakeCampaign { campaign });
    let callback = json!({ "at": wanted.at, "note": wanted.note });
    let body = json!({ "id": contact, "state": state, "due_at": due_at, "callback": callback });
    Ok(answer(StatusCode::OK, &body))
}

impl From<NoCallback> for Problem {
    fn from(refused: NoCallback) -> Self {
        let detail = refused.to_string();
        match refused {
            NoCallback::Past(_) | NoCallback::TooFar(_) => Self::invalid("bad-callback", detail),
            NoCallback::CampaignOver(state) => {
                Self::conflict("campaign-over", detail).with("from", state.as_str())
            }
            NoCallback::OnlyItsRunsCall => Self::conflict("has-schedule", detail),
            NoCallback::Suppressed => Self::conflict("suppressed", detail),
            NoCallback::NumberRefused(outcome) => {
                Self::conflict("number-refused", detail).with("outcome", outcome.as_str())
            }
        }
    }
}
