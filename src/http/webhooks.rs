//! What the provider posts to us. Whoever cannot sign is told nothing and changes nothing; a status callback is
//! answered with 2xx only when it is durable; the called person never hears an error of ours.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use tokio::time::timeout;
use tracing::{info, warn};
use uuid::Uuid;

use crate::actors::Deliver;
use crate::actors::speech::twiml_for;
use crate::db::attempts::{Heard, Recorded};
use crate::db::campaigns::{Speech, find_speech};
use crate::domain::attempt::{Facts, Report, Source, Status};
use crate::twilio::callbacks::{Callback, MachineVerdict, call_sid};
use crate::twilio::{signature, twiml, wire};

use super::body::Body;
use super::resource::open;
use super::{Problem, STORED_WITHIN, Station, opt_out};

/// Each finds out by the signature who asks.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/webhooks/twilio")
            .service(open("/status/{campaign}/{attempt}").post(status))
            .service(open("/machine/{campaign}/{attempt}").post(machine))
            .service(open("/answer/{campaign}/{attempt}").post(answer))
            .service(open("/keys/{campaign}/{attempt}").post(opt_out::keys))
            .service(open("/sorry/{campaign}/{attempt}").post(sorry)),
    );
}

async fn status(
    station: web::Data<Station>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form = verified(&station, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    let callback = Callback::parse(&form).map_err(|error| malformed(&station, error.to_string()))?;
    let heard = heard(campaign, attempt, &callback, station.switchboard.clock.now());
    store(&station, heard).await
}

/// The verdict on who took a call, posted while the call goes on.
async fn machine(
    station: web::Data<Station>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form = verified(&station, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    let verdict = MachineVerdict::parse(&form).map_err(|error| malformed(&station, error.to_string()))?;
    store(&station, taken(campaign, attempt, &verdict, station.switchboard.clock.now())).await
}

/// A callback that the provider signed and that says nothing.
fn malformed(station: &Station, why: String) -> Problem {
    station.switchboard.meters.callback("malformed");
    Problem::invalid("bad-callback", why)
}

/// Makes durable what was heard. The provider is told so only when it is.
async fn store(station: &Station, heard: Heard) -> Result<HttpResponse, Problem> {
    let (attempt, sid) = (heard.attempt, heard.sid.clone());
    let word = timeout(STORED_WITHIN, station.inbox.send(Deliver(heard))).await;
    match word {
        Ok(Ok(Ok(Recorded::Known { .. }))) => {
            station.switchboard.meters.callback("stored");
            Ok(HttpResponse::NoContent().finish())
        }
        Ok(Ok(Ok(Recorded::UnknownAttempt))) => {
            station.switchboard.meters.callback("unknown");
            info!(attempt.id = %attempt, "a callback for an attempt that is not there");
            Err(Problem::not_found("attempt"))
        }
        Ok(Ok(Ok(Recorded::OtherCall))) => {
            station.switchboard.meters.callback("unknown");
            warn!(attempt.id = %attempt, call.sid = %sid, "a callback of a call that is not the attempt's");
            Err(Problem::not_found("call of this attempt"))
        }
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => {
            station.switchboard.meters.callback("not-stored");
            Err(Problem::unavailable("the callback is not stored yet; send it again"))
        }
    }
}

/// What a verdict tells the fold: somebody or something had taken the call, then.
fn taken(campaign: Uuid, attempt: Uuid, verdict: &MachineVerdict, now: DateTime<Utc>) -> Heard {
    let report = Report {
        status: Status::InProgress,
        source: Source::Callback,
        sequence: 0,
        at: now - verdict.took,
        duration_seconds: None,
        answered_by: Some(verdict.answered_by),
        sip_code: None,
    };
    Heard { campaign, attempt, sid: verdict.sid.clone(), facts: Facts::from(&report) }
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

/// What is heard. It does not wait for the database where this node placed the call, and where it has to and the
/// database is away, the call is ended politely.
async fn answer(
    station: web::Data<Station>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form = verified(&station, &request, body.bytes())?;
    let (campaign, attempt) = ids(&request)?;
    call_sid(&form).map_err(|error| Problem::invalid("bad-callback", error.to_string()))?;
    let verdict = MachineVerdict::parse(&form).ok();
    if let Some(verdict) = &verdict {
        // Only a hint: the call's own callbacks say the same, and their sender waits until it is stored.
        station.inbox.do_send(Deliver(taken(campaign, attempt, verdict, station.switchboard.clock.now())));
    }
    let speech = find_in_time(&station, campaign, attempt).await?;
    let answered_by = verdict.map(|verdict| verdict.answered_by);
    let keys_url = station.switchboard.urls.keys(campaign, attempt);
    let spoken = speech.and_then(|speech| twiml_for(&speech, answered_by, &keys_url));
    Ok(document(spoken.unwrap_or_else(|| twiml::POLITE_HANGUP.to_owned())))
}

/// What is heard when what should be could not be fetched, from us or from anybody: never that an error occurred.
async fn sorry(
    station: web::Data<Station>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    verified(&station, &request, body.bytes())?;
    Ok(document(twiml::POLITE_HANGUP.to_owned()))
}

pub(super) fn document(twiml: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(twiml)
}

/// What is heard in a call: by heart where this node has placed it, and from the database where another one has, or
/// this one before it was started again. Nothing if the database is away.
pub(super) async fn find_in_time(
    station: &Station,
    campaign: Uuid,
    attempt: Uuid,
) -> Result<Option<Arc<Speech>>, Problem> {
    if let Some(speech) = station.switchboard.speeches.find(campaign, attempt) {
        return Ok(Some(speech));
    }
    match timeout(STORED_WITHIN, find_speech(&station.switchboard.database, campaign, attempt)).await {
        Ok(Ok(Some(speech))) => Ok(Some(Arc::new(speech))),
        Ok(Ok(None)) => Err(Problem::not_found("attempt")),
        Ok(Err(error)) => {
            warn!(error = &error as &dyn std::error::Error, attempt.id = %attempt, "nothing to say");
            Ok(None)
        }
        Err(_) => {
            warn!(attempt.id = %attempt, "nothing to say in time");
            Ok(None)
        }
    }
}

/// The form, if the provider signed it for this very URL.
pub(super) fn verified(
    station: &Station,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Vec<(String, String)>, Problem> {
    signed_form(station, request, body).ok_or_else(|| {
        station.switchboard.meters.callback("refused");
        Problem::forged()
    })
}

fn signed_form(station: &Station, request: &HttpRequest, body: &[u8]) -> Option<Vec<(String, String)>> {
    let signature = header(request.headers(), wire::SIGNATURE_HEADER)?;
    let is_form = header(request.headers(), CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return None;
    }
    let form = wire::parse_form(body);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", station.public_url.as_str().trim_end_matches('/'));
    signature::verify(&station.webhook_tokens, &url, &form, signature).then_some(form)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Campaign and attempt. Ids that are none name nothing that is there.
pub(super) fn ids(request: &HttpRequest) -> Result<(Uuid, Uuid), Problem> {
    let id = |name| request.match_info().get(name).and_then(|id| Uuid::parse_str(id).ok());
    id("campaign").zip(id("attempt")).ok_or_else(|| Problem::not_found("attempt"))
}
