//! Errors as people and programs read them: `application/problem+json` (RFC 9457) with a stable `type`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_TYPE, ContentType, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::error;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::db;
use crate::db::contacts::CannotAdd;
use crate::domain::access::{Permission, Role};
use crate::domain::campaign::IllegalMove;
use crate::import::ImportError;

/// The member that names the methods that are understood.
const ALLOWED: &str = "allowed";

/// What a problem is written in.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// With what every `type` begins.
const KIND: &str = "urn:outdial:";

/// The last part of every `type`, and when it comes. What is not here fails the scenes.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("malformed-request", "the request itself cannot be understood"),
    ("unauthorized", "no valid API key came with it, and no session that is still good"),
    ("forbidden", "the key does not have the permission"),
    ("not-our-page", "a session's cookie came with it, and it was not sent by one of our own pages"),
    ("bad-signature", "a webhook that the provider did not sign"),
    ("not-found", "there is nothing of that kind under this id"),
    ("method-not-allowed", "the path does not have this method"),
    ("too-slow", "the body did not come in time"),
    (
        "too-many-requests",
        "the key, or the address, has asked too often; `retry_after_seconds` says when to come again",
    ),
    (
        "too-many-streams",
        "the key, or the server, has as many streams and downloads open as it may; `retry_after_seconds` says when to \
         come again",
    ),
    ("too-large", "the body or the list is larger than is taken"),
    ("too-many-rows", "the list has more rows than are taken"),
    ("too-many-cells", "the list has more cells than are taken"),
    ("row-too-long", "a row of the list is longer than is taken"),
    ("too-many-areas", "the list's people are in more kinds of places than are taken at once"),
    ("bad-query", "a parameter of the query is unknown, comes twice or cannot be read"),
    ("bad-limit", "a page of that size is not given"),
    ("bad-filter", "a filter names nothing that there is"),
    ("too-many-to-sort", "there are more than can be sorted so; `most` says how many can"),
    ("bad-last-event-id", "the last event that was heard is none that there is"),
    ("bad-range", "a range of time ends before it begins"),
    ("bad-columns", "a column that is asked for is none that there is"),
    ("bad-settings", "a setting is unknown or cannot be used"),
    ("bad-script", "the script cannot be spoken to the people of this list"),
    ("bad-agent", "an agent cannot be read"),
    ("unknown-agent", "the campaign names an agent that is not there"),
    ("bad-start", "a campaign cannot be started like that"),
    ("bad-retry", "nobody can be called again like that"),
    ("bad-callback", "a callback cannot be promised like that"),
    ("bad-opt-out", "an opt-out cannot be read"),
    ("bad-suppression", "a suppression cannot be read"),
    ("bad-erasure", "it is not told whom to erase"),
    ("bad-phone", "it is no telephone number; `reason` names why"),
    ("bad-region", "there is no such country"),
    ("bad-key", "an API key cannot be made like that"),
    ("bad-hook", "a hook cannot be made or changed like that"),
    ("hook-in-use", "a campaign wants the server behind the hook to be asked before its calls"),
    ("too-many-hooks", "the team has as many hooks as it may have"),
    ("not-delivered-yet", "the event has not had its turn yet"),
    ("missing-part", "a part of the form is missing"),
    ("part-twice", "a part of the form came twice"),
    ("unknown-part", "a part of the form is unknown"),
    ("two-lists", "a list was sent, and another named"),
    ("file-not-kept", "the file of an import is kept no longer"),
    ("nobody-to-call", "the list holds no number that can be called"),
    ("empty-file", "the list is empty"),
    ("header-only", "the list has a header and no rows"),
    ("no-phone-column", "no column of the list holds telephone numbers"),
    ("unknown-column", "a column is named that the list does not have"),
    ("column-twice", "a column is named for two things"),
    ("not-a-list", "the file is no list of a known format"),
    ("encrypted", "the file is protected by a password"),
    ("unknown-sheet", "a sheet is named that the workbook does not have"),
    ("corrupt", "the file is damaged"),
    ("bad-json", "the list is no JSON that can be read as one"),
    ("illegal-move", "the campaign's state does not allow it; `from` names the state"),
    ("campaign-at-work", "the campaign is at work"),
    (
        "edited-meanwhile",
        "the settings are not at the version that was expected; `settings_version` names theirs",
    ),
    ("too-late", "it can be set only before the first call"),
    ("call-open", "a call of the campaign is not settled yet"),
    ("campaign-over", "the campaign has come to its end"),
    ("has-schedule", "the campaign calls nobody itself, only its runs do"),
    ("suppressed", "the number must not be contacted"),
    ("erased", "nobody knows any more who it was"),
    ("list-under-way", "a list of the team is being stored"),
    ("number-refused", "the provider has refused the number for good"),
    ("never-called", "by the hours it is never time to call the contact"),
    ("rules-missing", "a pack of rules that the campaign names is not there"),
    ("zone-missing", "the time zones in use do not know one that is needed"),
    ("last-admin-key", "it is the last key that can let anybody in"),
    ("request-under-way", "a request with this `Idempotency-Key` is being carried out"),
    ("idempotency-key-reused", "the `Idempotency-Key` came with another request before"),
    ("shown-once", "the request has made something with a secret before, which cannot be shown again"),
    ("made-and-gone", "what the request has made before is there no longer"),
    ("internal", "a fault of the server, which is in its log"),
    ("unavailable", "it cannot be done just now"),
];

/// A request that was not carried out (RFC 9457). Further members belong to the type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Shown {
    /// What kind of problem it is: stable, for programs.
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    kind: String,
    /// The same in a few words, alike for all problems of the type.
    #[schema(example = "What was sent cannot be used")]
    title: String,
    /// The status of the answer.
    #[schema(example = 422)]
    status: u16,
    /// What was wrong, and what was expected.
    #[schema(example = "limit is 0, expected 1 to 1000")]
    detail: String,
    /// What the request is called, as in the answer's `X-Request-Id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "01a1ff51-20fb-722c-a480-772b460bf970")]
    request_id: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    more: Map<String, Value>,
}

/// The state of things does not allow it: how operations that may find that say so.
pub(super) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(StatusCode::CONFLICT, "The state of things does not allow it; `type` and `detail` say why")
    }
}

/// Something that a body names is not there: how operations that may find that say so.
pub(super) struct NothingNamedSo;

impl IntoResponses for NothingNamedSo {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(StatusCode::NOT_FOUND, "The team has nothing of that kind under an id in the body")
    }
}

fn described(status: StatusCode, about: &str) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Shown::name()))).build();
    let response = ResponseBuilder::new().description(about).content(MEDIA_TYPE, content).build();
    BTreeMap::from([(status.as_str().to_owned(), RefOr::T(response))])
}

fn kinds() -> Object {
    let about: Vec<String> = KINDS.iter().map(|(kind, about)| format!("* `{KIND}{kind}`: {about}")).collect();
    let about = format!(
        "What kind of problem it is: stable, for programs. Further ones may be added.\n\n{}",
        about.join("\n")
    );
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(KINDS.iter().map(|(kind, _)| format!("{KIND}{kind}"))))
        .examples([format!("{KIND}bad-limit")])
        .description(Some(about))
        .build()
}
/// The member that says after how many seconds to come again.
const RETRY_AFTER_SECONDS: &str = "retry_after_seconds";

/// A request that was not carried out: what was wrong, and what was expected.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// The last part of the stable `type`.
    kind: &'static str,
    title: &'static str,
    detail: String,
    more: Box<Map<String, Value>>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), more: Box::default() }
    }

    /// What was sent cannot be used.
    pub(crate) fn invalid(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, "What was sent cannot be used", detail)
    }

    /// The request itself is malformed.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", "The request cannot be understood", detail)
    }

    /// There is nothing of that kind under this id.
    pub(crate) fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// What is there does not understand this method.
    pub(super) fn method_not_allowed(method: &Method, understood: &[Method]) -> Self {
        let understood: Vec<&str> = understood.iter().map(Method::as_str).collect();
        let detail = format!("{method} is not understood here, expected {}", understood.join(" or "));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
            .with(ALLOWED, understood)
    }

    /// The state of things does not allow it.
    pub(super) fn conflict(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, "Its state does not allow this", detail)
    }

    /// No valid key came with the request.
    pub(super) fn unauthorized() -> Self {
        let detail = "expected a header `Authorization: Bearer` with an API key that is valid";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No valid API key", detail)
    }

    /// The session that came with the request is over.
    pub(super) fn session_over() -> Self {
        let detail =
            "the session has ended, or the key that it was begun with is good no more; sign in again";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Signed out", detail)
    }

    /// A browser sent it along with its session's cookie, and not one of our own pages made it.
    pub(crate) fn not_our_page() -> Self {
        let detail = "expected the header X-CSRF-Token of one of our own pages, sent by that page; load the page again";
        Self::new(StatusCode::FORBIDDEN, "not-our-page", "Not sent by one of our pages", detail)
    }

    /// Whoever asks for the figures has not their token.
    pub(super) fn no_metrics_token() -> Self {
        let detail = "expected a header `Authorization: Bearer` with OUTDIAL_METRICS_TOKEN; without that variable the \
                      page is closed";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No valid token", detail)
    }

    /// The key that came with the request does not allow it.
    pub(super) fn forbidden(needs: Permission, role: Role) -> Self {
        let detail = format!(
            "it needs the permission {needs}, and the key is {}'s; ask for one of the role {}",
            role.holder(),
            needs.least_role()
        );
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The API key does not allow this", detail)
            .with("permission", needs.as_str())
    }

    /// Somebody asks more often than is allowed.
    pub(super) fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail).after(wait)
    }

    /// As many long answers are under way as may be.
    pub(super) fn too_many_streams(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", "Too many streams", detail).after(wait)
    }

    /// A webhook is not signed by the provider.
    pub(super) fn forged() -> Self {
        let detail = "expected a webhook that is signed with the account's auth token for this very URL";
        Self::new(StatusCode::FORBIDDEN, "bad-signature", "The signature does not match", detail)
    }

    /// More was sent than is taken.
    pub(super) fn too_large(what: &str, limit: u64) -> Self {
        let detail = format!("the {what} is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too much was sent", detail)
    }

    /// It was not sent in time.
    pub(super) fn too_slow(what: &str, within: Duration) -> Self {
        let detail = format!("the {what} did not come within {} seconds", within.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "It took too long to be sent", detail)
    }

    /// It cannot be done just now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available just now", detail)
    }

    /// A fault of the server.
    pub(crate) fn internal() -> Self {
        let detail = "this is a fault of the server, and it is in its log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong", detail)
    }

    /// Says after how long it is worth coming again: a second at least, and whole ones.
    pub(super) fn after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with(RETRY_AFTER_SECONDS, seconds.max(1))
    }

    /// Adds a member beside the standard ones.
    pub(super) fn with(mut self, member: &str, value: impl Serialize) -> Self {
        // What is added has only texts for keys, and no number that JSON does not have.
        self.more.insert(member.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// What it is, in a few words and in a sentence.
    pub(crate) fn told(&self) -> (&'static str, &str) {
        (self.title, &self.detail)
    }

    /// After how many seconds it is worth coming again, if that is said.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.more.get(RETRY_AFTER_SECONDS).and_then(Value::as_u64)
    }

    /// The body of the answer, as part of this request.
    pub(super) fn to_json(&self, request_id: Option<&str>) -> String {
        let shown = Shown {
            kind: format!("{KIND}{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            request_id: request_id.map(str::to_owned),
            more: (*self.more).clone(),
        };
        // What it is made of has only texts for keys, and no number that JSON does not have.
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, MEDIA_TYPE));
        let wait = self.retry_after();
        if let Some(seconds) = wait {
            response.insert_header((RETRY_AFTER, seconds));
        }
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE if wait.is_none() => {
                response.insert_header((RETRY_AFTER, HeaderValue::from_static("1")));
            }
            StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            // RFC 9110, 15.5.6: the answer has to name the methods that are understood.
            StatusCode::METHOD_NOT_ALLOWED => {
                let allowed = self.more.get(ALLOWED).and_then(Value::as_array);
                let allowed: Vec<&str> = allowed.into_iter().flatten().filter_map(Value::as_str).collect();
                response.insert_header((ALLOW, allowed.join(", ")));
            }
            _ => {}
        }
        // Whatever answers within a request adds what the request is called.
        response.body(self.to_json(None))
    }
}

impl From<IllegalMove> for Problem {
    fn from(illegal: IllegalMove) -> Self {
        Self::conflict("illegal-move", illegal.to_string())
            .with("from", illegal.from.as_str())
            .with("to", illegal.attempted.leads_to().as_str())
            .with("allowed_from", json!(illegal.attempted.allowed_from()))
    }
}

impl From<CannotAdd> for Problem {
    fn from(refused: CannotAdd) -> Self {
        match refused {
            CannotAdd::NotFound => Self::not_found("campaign"),
            CannotAdd::NoPreview => Self::not_found("import"),
            CannotAdd::AtItsEnd(at_its_end) => {
                Self::conflict("illegal-move", at_its_end.to_string()).with("from", at_its_end.0.as_str())
            }
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match &error {
            ImportError::Stopped | ImportError::Unreadable { .. } => Self::unavailable(error.to_string()),
            ImportError::Defect => Self::internal(),
            error if error.is_too_large() => {
                let title = "The list holds too much";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.reason(), title, error.to_string())
            }
            error => Self::invalid(error.reason(), error.to_string()),
        }
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        if let db::Error::TooManyAreas(_) = &error {
            return Self::invalid("too-many-areas", format!("{error}; split the list"));
        }
        if let db::Error::ZoneMissing(_) = &error {
            let detail = format!(
                "{error}; name newer ones in OUTDIAL_ZONEINFO, or none to use those that come with the program"
            );
            return Self::conflict("zone-missing", detail);
        }
        error!(error = &error as &dyn std::error::Error, "a request failed at the database");
        if let Some(outage) = error.outage() {
            return Self::unavailable(format!("{outage}; try again shortly"));
        }
        Self::internal()
    }
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_string(body) {
        Ok(text) => HttpResponseBuilder::new(status).content_type(ContentType::json()).body(text),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "an answer cannot be written as JSON");
            Problem::internal().error_response()
        }
    }
}
