//! `Idempotency-Key`: a request that makes something and may come again makes it once, after the IETF draft "The
//! Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! What is to be made has its id before it is made, and the id is kept with the request's name. Whoever comes again after
//! the process has died between the two finds by the id what there is, and makes it with the same id if there is nothing:
//! the primary key refuses a second one, whoever is faster.
//!
//! What was made is answered again in the same words for a day. A refusal is not kept: nothing was made, so the name may be
//! used again, with what was wrong put right. After a fault nobody knows what was made, so the name stays with what was
//! asked for, and whoever comes again gets what is there, or makes it.

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue};
use actix_web::rt::spawn;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tracing::{Instrument, Span, error, warn};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::db::idempotency::{Begun, Named, begin, keep_answer, leave_unknown, take_back};

use super::audit::Trail;
use super::auth::Caller;
use super::{Api, Problem};

/// What names a request.
const HEADER: &str = "idempotency-key";

/// What an answer has that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest name.
const LONGEST: usize = 255;

/// The largest answer that is kept word for word. A larger one is told again from what there is.
const LARGEST_KEPT: usize = 64 * 1024;

/// When to come again while the first request is under way.
const COME_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Whether an answer may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// As often as the request comes.
    Again,
    /// Never: it holds a secret.
    Once,
}

/// The header, for the description of what takes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `Once` reads")]
pub(super) struct MayComeAgain {
    /// A name for the request, such as a UUID. The same request under the same name makes nothing again: for 24 hours it is
    /// answered as it was, with `Idempotent-Replayed: true`.
    #[param(rename = "Idempotency-Key", max_length = 255, example = "8e03978e-40d5-43e8-bc93-6894a57f9324")]
    idempotency_key: Option<String>,
}

/// A request that makes something, once for each name that it comes under.
pub(super) struct Once {
    name: Option<String>,
    /// What is asked for, but for what was sent.
    address: Sha256,
    trail: Trail,
}

impl FromRequest for Once {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Once {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let trail = request.extensions().get::<Trail>().cloned().ok_or_else(Problem::unauthorized)?;
        let mut named = request.headers().get_all(HEADER);
        let name = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(name), None) => Some(read_name(name).ok_or_else(bad_name)?),
            (Some(_), Some(_)) => return Err(bad_name()),
        };
        let address = [request.method().as_str(), request.path(), request.query_string()];
        let address = address.iter().fold(Sha256::new(), |digest, part| chained(digest, part.as_bytes()));
        Ok(Self { name, address, trail })
    }

    /// Makes what `make` makes, with the id that it is given, unless this very request has made it before: then it is answered
    /// as it was, or, if that is not known word for word, as `find` tells of what there is. What was sent is known by `sent`, to
    /// which the boundary between its parts does not belong.
    ///
    /// A request with a name is carried out to its end also if nobody waits for the answer any more.
    pub(super) async fn make(
        self,
        api: web::Data<Api>,
        caller: Caller,
        answers: Answers,
        sent: &[&[u8]],
        find: impl AsyncFn(&Api, Caller, Uuid) -> Result<Option<HttpResponse>, Problem> + 'static,
        make: impl AsyncFnOnce(&web::Data<Api>, Uuid) -> Result<HttpResponse, Problem> + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Self { name, address, trail } = self;
        let id = Uuid::now_v7();
        // Whoever has no key is a command, which does not come again.
        let (Some(name), Some(key), Some(node)) = (name, caller.key, api.board.node()) else {
            let answer = make(&api, id).await?;
            trail.made(id);
            return Ok(answer);
        };
        let fingerprint = sent.iter().fold(address, |digest, part| chained(digest, part)).finalize().into();
        let request = Named { team: caller.team, key, name, fingerprint };
        let board = &api.board;
        let (id, is_new) = match begin(&board.database, &request, id, node, board.clock.now()).await? {
            Begun::New(id) => (id, true),
            Begun::Unknown(id) => (id, false),
            Begun::UnderWay => return Err(under_way()),
            Begun::Another => return Err(another()),
            Begun::Answered { made, status, body } => {
                trail.note("replayed", true);
                trail.made(made);
                let before = match body {
                    Some(body) => Some(answer_again(status, body)?),
                    None => find(&api, caller, made).await?,
                };
                return before.map(replayed).ok_or_else(gone);
            }
        };
        let carrying_out = async move {
            let done = carry_out(&api, caller, id, is_new, find, make);
            // Nobody would come back to a name that a panic left behind under way.
            let done = AssertUnwindSafe(done).catch_unwind().await;
            let done = done.unwrap_or_else(|_| {
                error!("a request has panicked");
                Err(Problem::internal())
            });
            conclude(&api, &request, id, is_new, answers, done).await
        };
        let done = spawn(carrying_out.instrument(Span::current())).await;
        let answer = done.map_err(|_| Problem::unavailable("the server is stopping"))??;
        trail.made(id);
        Ok(answer)
    }
}

/// Makes it, or finds it made: by a request before, which nobody knows the end of, or by this one, whose end was not heard.
async fn carry_out(
    api: &web::Data<Api>,
    caller: Caller,
    id: Uuid,
    is_new: bool,
    find: impl AsyncFn(&Api, Caller, Uuid) -> Result<Option<HttpResponse>, Problem>,
    make: impl AsyncFnOnce(&web::Data<Api>, Uuid) -> Result<HttpResponse, Problem>,
) -> Result<HttpResponse, Problem> {
    if !is_new && let Some(found) = find(api, caller, id).await? {
        return Ok(replayed(found));
    }
    let problem = match make(api, id).await {
        Ok(answer) => return Ok(answer),
        Err(problem) if is_new && problem.status_code().is_client_error() => return Err(problem),
        Err(problem) => problem,
    };
    match find(api, caller, id).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) | Err(_) => Err(problem),
    }
}

/// Writes down what came of it. If that fails, whoever comes again finds out.
async fn conclude(
    api: &Api,
    request: &Named,
    id: Uuid,
    is_new: bool,
    answers: Answers,
    done: Result<HttpResponse, Problem>,
) -> Result<HttpResponse, Problem> {
    let database = &api.board.database;
    let (written, done) = match done {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            let (kept, body) = match body.try_into_bytes() {
                Ok(bytes) => (Some(bytes.clone()), BoxBody::new(bytes)),
                Err(body) => (None, body),
            };
            let kept = kept.filter(|kept| answers == Answers::Again && kept.len() <= LARGEST_KEPT);
            let status = head.status().as_u16();
            let written = keep_answer(database, request, id, status, kept.as_deref()).await.map(drop);
            (written, Ok(head.set_body(body)))
        }
        Err(problem) if is_new && problem.status_code().is_client_error() => {
            (take_back(database, request, id).await, Err(problem))
        }
        Err(problem) => (leave_unknown(database, request, id).await, Err(problem)),
    };
    if let Err(error) = written {
        warn!(error = &error as &dyn std::error::Error, "what came of a request was not written down");
    }
    done
}

/// The header's text. The draft has it in quotation marks; many leave them out.
fn read_name(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    let name = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=LONGEST).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    (fits && !name.contains(['"', '\\'])).then(|| name.to_owned())
}

/// A part with its length before it, so that no two lists of parts are one text.
fn chained(digest: Sha256, part: &[u8]) -> Sha256 {
    digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
}

fn answer_again(status: u16, body: Vec<u8>) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(status).map_err(|_| Problem::internal())?;
    Ok(HttpResponse::build(status).content_type(ContentType::json()).body(body))
}

fn replayed(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}

fn bad_name() -> Problem {
    let detail = format!(
        "expected one header Idempotency-Key with 1 to {LONGEST} letters, digits and signs, such as a UUID"
    );
    Problem::malformed(detail)
}

fn under_way() -> Problem {
    let detail =
        "a request with this Idempotency-Key is being carried out; come again with it when it is done";
    Problem::conflict("request-under-way", detail).after(COME_AGAIN_AFTER)
}

fn another() -> Problem {
    let detail =
        "this Idempotency-Key came with another request before; expected the same request, or another key";
    Problem::invalid("idempotency-key-reused", detail)
}

fn gone() -> Problem {
    let detail = "this request has made something before that is there no longer; use another Idempotency-Key to make \
                  it again";
    Problem::conflict("made-and-gone", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_in_quotation_marks_and_holds_what_can_be_seen() {
        let read = |text: &str| read_name(&HeaderValue::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(read("\"8e03978e-40d5\"").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(read("8e03978e-40d5").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(read(&"x".repeat(LONGEST)).map(|name| name.len()), Some(LONGEST));
        let too_long = "x".repeat(LONGEST + 1);
        for bad in ["", "\"\"", "a b", "a\"b", "\"a", "\\", "größe", &too_long] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_two_lists_of_parts_are_one() {
        let digest = |parts: &[&str]| {
            parts.iter().fold(Sha256::new(), |digest, part| chained(digest, part.as_bytes())).finalize()
        };
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab", ""]), digest(&["ab"]));
    }
}
