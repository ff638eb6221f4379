//! What the provider posts to us. Whoever cannot sign is told nothing and changes nothing; a status callback is
//! answered with 2xx only when it is durable; the called person never hears an error of ours.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use tokio::time::timeout;
use tracing::{info, warn};
use uuid::Uuid;

use crate::actors::{Deliver, speech};
use crate::db::attempts::{Heard, Recorded};
use crate::db::campaigns::find_speech;
use crate::domain::attempt::{Facts, Report, Source};
use crate::twilio::callbacks::{Callback, call_sid};
use crate::twilio::{signature, twiml, wire};

use super::body::Body;
use super::{Api, Problem, STORED_WITHIN};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/webhooks/twilio")
            .route("/status/{campaign}/{attempt}", web::post().to(status))
            .route("/answer/{campaign}/{attempt}", web::post().to(answer)),
    );
}

async fn status(api: web::Data<Api>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let form = verified(&api, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    let callback =
        Callback::parse(&form).map_err(|error| Problem::invalid("bad-callback", error.to_string()))?;
    let heard = heard(campaign, attempt, &callback, api.board.clock.now());
    let word = timeout(STORED_WITHIN, api.inbox.send(Deliver(heard))).await;
    match word {
        Ok(Ok(Ok(Recorded::Known { .. }))) => Ok(HttpResponse::NoContent().finish()),
        Ok(Ok(Ok(Recorded::UnknownAttempt))) => {
            info!(attempt.id = %attempt, "a callback for an attempt that is not there");
            Err(Problem::not_found("attempt"))
        }
        Ok(Ok(Ok(Recorded::OtherCall))) => {
            warn!(attempt.id = %attempt, call.sid = %callback.sid, "a callback of a call that is not the attempt's");
            Err(Problem::not_found("call of this attempt"))
        }
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => {
            Err(Problem::unavailable("the callback is not stored yet; send it again"))
        }
    }
}

/// What a callback tells the fold.
fn heard(campaign: Uuid, attempt: Uuid, callback: &Callback, now: DateTime<Utc>) -> Heard {
    // Nothing is told before it happened, whatever the clocks say.
    let at = callback.at.map_or(now, |at| wire::latest_meant(at).min(now));
    let report = Report {
        status: callback.status,
        source: Source::Callback,
        sequence: callback.sequence,
        at,
        duration_seconds: callback.duration_seconds,
        answered_by: callback.answered_by,
        sip_code: callback.sip_code,
    };
    Heard { campaign, attempt, sid: callback.sid.clone(), facts: Facts::from(&report) }
}

async fn answer(api: web::Data<Api>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let form = verified(&api, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    call_sid(&form).map_err(|error| Problem::invalid("bad-callback", error.to_string()))?;
    let found = timeout(STORED_WITHIN, find_speech(&api.board.database, campaign, attempt)).await;
    let spoken = match found {
        Ok(Ok(Some(speech))) => {
            speech::twiml_for(&speech.agent, speech.name.as_deref(), &speech.phone, &speech.metadata)
        }
        Ok(Ok(None)) => return Err(Problem::not_found("attempt")),
        Ok(Err(error)) => {
            warn!(error = &error as &dyn std::error::Error, attempt.id = %attempt, "nothing to say");
            None
        }
        Err(_) => {
            warn!(attempt.id = %attempt, "nothing to say in time");
            None
        }
    };
    let twiml = spoken.unwrap_or_else(|| twiml::POLITE_HANGUP.to_owned());
    Ok(HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(twiml))
}

/// The form, if the provider signed it for this very URL.
fn verified(api: &Api, request: &HttpRequest, body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let Some(signature) = header(request.headers(), wire::SIGNATURE_HEADER) else {
        return Err(Problem::forged());
    };
    let is_form = header(request.headers(), CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Problem::forged());
    }
    let form = wire::parse_form(body);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", api.public_url.as_str().trim_end_matches('/'));
    if signature::verify(&api.webhook_tokens, &url, &form, signature) {
        Ok(form)
    } else {
        Err(Problem::forged())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Campaign and attempt. Ids that are none name nothing that is there.
fn ids(request: &HttpRequest) -> Result<(Uuid, Uuid), Problem> {
    let id = |name| request.match_info().get(name).and_then(|id| Uuid::parse_str(id).ok());
    id("campaign").zip(id("attempt")).ok_or_else(|| Problem::not_found("attempt"))
}
