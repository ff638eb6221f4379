//! Opting out of further calls during one: by a key, or by telling an agent.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::rt::{spawn, time::sleep};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::{error, info, warn};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::speech::twiml_for;
use crate::db::suppressions::{self, NewSuppression, OptedOut, opt_out, suppress};
use crate::domain::access::Permission;
use crate::domain::suppression::Source;
use crate::twilio::callbacks::{call_sid, pressed};
use crate::twilio::twiml;

use super::auth::Caller;
use super::body::Body;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::show::Suppression;
use super::webhooks::{document, find_in_time, ids, verified};
use super::{Api, Problem, STORED_WITHIN, Station};

/// How often an opt-out that cannot be stored is tried again, a second apart.
const MOST_TRIES: u32 = 300;

const LONGEST_NOTE: usize = 2000;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/attempts/{attempt}/opt-out")
            .post(Permission::OptOutsWrite, tell)
            .described(describe![tell]),
    ]
}

/// A key that the called person pressed. The campaign's key suppresses the number and hangs up, without a word more:
/// an opt-out has to be automatic and to end the call at once (47 CFR 64.1200(b)(3)). Any other key lets the script
/// begin anew, because the provider stops it at whatever is pressed.
///
/// Nothing is said before the number is suppressed durably. Until then the answer is 503, and the provider, told to by
/// the URL, comes again, several times within fifteen seconds in which the called person hears nothing; then it fetches
/// the call's fallback, which says goodbye. This node goes on trying to store it meanwhile, and for minutes after that.
pub(super) async fn keys(
    station: web::Data<Station>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form = verified(&station, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    call_sid(&form).map_err(|error| Problem::invalid("bad-callback", error.to_string()))?;
    let Some(speech) = find_in_time(&station, campaign, attempt).await? else {
        return Err(Problem::unavailable("whether the key is an opt-out cannot be told yet; send it again"));
    };
    let Some(key) = speech.opt_out_digit.filter(|key| key.is_among(pressed(&form))) else {
        let again = twiml_for(&speech, None, &station.switchboard.urls.keys(campaign, attempt));
        return Ok(document(again.unwrap_or_else(|| twiml::POLITE_HANGUP.to_owned())));
    };
    let opted_out = NewSuppression {
        phone: speech.phone.clone(),
        reason: format!("pressed {key} during a call"),
        source: Source::OptOutKey,
        note: Some(format!("campaign {campaign}, attempt {attempt}")),
        expires_at: None,
    };
    let now = station.switchboard.clock.now();
    // A task of its own goes on when nobody waits for it any more.
    let stored = spawn(keep_trying(station, speech.team, attempt, opted_out, now));
    let is_stored = timeout(STORED_WITHIN, stored).await.is_ok_and(|ended| ended.unwrap_or(false));
    if !is_stored {
        return Err(Problem::unavailable("the opt-out is not stored yet; send it again"));
    }
    Ok(document(twiml::HANGUP.to_owned()))
}

/// Returns whether it is stored. Storing it twice changes nothing.
async fn keep_trying(
    station: web::Data<Station>,
    team: Uuid,
    attempt: Uuid,
    opted_out: NewSuppression,
    now: DateTime<Utc>,
) -> bool {
    for tries in 1..=MOST_TRIES {
        match suppress(&station.switchboard.database, team, &opted_out, now).await {
            Ok(_) => {
                info!(attempt.id = %attempt, tries, "opted out by a key");
                return true;
            }
            Err(failure) => {
                if tries == 1 {
                    let error = &failure as &dyn std::error::Error;
                    warn!(error, attempt.id = %attempt, "an opt-out could not be stored, trying again");
                }
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    error!(attempt.id = %attempt, tries = MOST_TRIES, "an opt-out was not stored");
    false
}

/// What an agent says of an opt-out. The body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = OptOutForm)]
struct Told {
    /// What else there is to say, in up to 2000 characters.
    note: Option<String>,
    /// Whether the call is ended.
    end_call: bool,
}

/// An opt-out that was stored.
#[derive(Serialize, ToSchema)]
struct ToldOptOut {
    #[serde(flatten)]
    suppression: Suppression,
    /// Whether the call is being ended.
    ends_call: bool,
}

/// Tells of an opt-out during a call
///
/// An agent's word that the called person wants no further calls: the number is suppressed, and the call ended if that
/// is asked for.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/attempts/{attempt}/opt-out", operation_id = "opt_out", tag = "attempts",
    request_body(content = Option<Told>),
    responses((status = 200, description = "The suppression", body = ToldOptOut), Conflict),
)]
async fn tell(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (campaign, attempt) = path.into_inner();
    let told: Told = if body.bytes().is_empty() { Told::default() } else { body.json("bad-opt-out")? };
    let length = told.note.as_ref().map_or(0, |note| note.chars().count());
    if length > LONGEST_NOTE {
        let detail = format!("note has {length} characters, expected at most {LONGEST_NOTE}");
        return Err(Problem::invalid("bad-opt-out", detail));
    }
    let (board, now) = (&api.board, api.board.clock.now());
    let ids = (caller.team, campaign, attempt);
    let opted_out = opt_out(&board.database, ids, told.note.as_deref(), told.end_call, now).await?;
    let OptedOut { suppression, ends_call } = match opted_out {
        suppressions::Told::OptedOut(opted_out) => opted_out,
        suppressions::Told::Erased => {
            let detail =
                "nobody knows any more which number was called: it was erased; suppress the number itself";
            return Err(Problem::conflict("erased", detail));
        }
        suppressions::Told::NotFound => return Err(Problem::not_found("attempt")),
    };
    info!(campaign.id = %campaign, attempt.id = %attempt, ends_call, "opted out by telling an agent");
    board.wake(&[campaign]).await;
    let suppression = Suppression::at(suppression, now);
    Ok(answer(StatusCode::OK, &ToldOptOut { suppression, ends_call }))
}
