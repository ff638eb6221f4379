//! Errors as people and programs read them: `application/problem+json` (RFC 9457) with a stable `type`.

use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_TYPE, ContentType, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::{Map, Value, json};
use tracing::error;

use crate::db;
use crate::db::contacts::CannotAdd;
use crate::domain::access::{Permission, Role};
use crate::domain::campaign::IllegalMove;
use crate::import::ImportError;

/// The member that names the methods that are understood.
const ALLOWED: &str = "allowed";

/// A request that was not carried out: what was wrong, and what was expected.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// The last part of the stable `type`.
    kind: &'static str,
    title: &'static str,
    detail: String,
    more: Map<String, Value>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), more: Map::new() }
    }

    /// What was sent cannot be used.
    pub(super) fn invalid(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, "What was sent cannot be used", detail)
    }

    /// The request itself is malformed.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", "The request cannot be understood", detail)
    }

    /// There is nothing of that kind under this id.
    pub(super) fn not_found(what: &str) -> Self {
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

    /// The key that came with the request does not allow it.
    pub(super) fn forbidden(needs: Permission, role: Role) -> Self {
        let detail = format!(
            "it needs the permission {needs}, and the key is a {role}'s; ask for one of the role {}",
            needs.least_role()
        );
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The API key does not allow this", detail)
            .with("permission", needs.as_str())
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
    fn internal() -> Self {
        let detail = "this is a fault of the server, and it is in its log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong", detail)
    }

    /// Adds a member beside the standard ones.
    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.insert(member.to_owned(), value.into());
        self
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
        let mut body = json!({
            "type": format!("urn:outdial:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more.clone());
        }
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
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
        response.body(body.to_string())
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
pub(super) fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponseBuilder::new(status).content_type(ContentType::json()).body(body.to_string())
}
