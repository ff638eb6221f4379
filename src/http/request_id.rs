//! Every request has an id: it is in the answer's head, in every problem, in every line that is logged meanwhile, and in
//! the audit trail. Whoever asks may bring one, so that it is the same through several programs.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::Problem;

/// The header that brings it and takes it back.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that is taken over from whoever asks.
const LONGEST: usize = 128;

/// What a request is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The id that a request brings, if it can stand in a log, or a new one.
    fn of(headers: &HeaderMap) -> Self {
        let brought = headers.get(HEADER).and_then(|brought| brought.to_str().ok());
        let fits = brought.filter(|text| may_be_an_id(text));
        Self(fits.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    /// What this request is called.
    pub(super) fn of_request(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::of(request.headers()))
    }

    /// As a text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters, digits and a few signs, at least one letter among them: no log line is broken by it, and it is nobody's phone
/// number.
fn may_be_an_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(fits)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Gives each request its id, and the answer too.
pub(super) async fn with_request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = RequestId::of(request.headers());
    // As high as can be: a log of nothing but errors says as well which request they belong to.
    let span = error_span!("request", id = id.as_str(), method = request.method().as_str());
    request.extensions_mut().insert(id.clone());
    let answer = next.call(request).instrument(span).await?.map_into_boxed_body();
    let problem = answer.response().error().and_then(|error| error.as_error::<Problem>());
    let told = problem.map(|problem| problem.to_json(Some(id.as_str())));
    let mut answer = match told {
        Some(told) => answer.map_body(|_, _| BoxBody::new(told)),
        None => answer,
    };
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        answer.headers_mut().insert(HEADER, value);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(brought: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(brought.as_bytes()).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn an_id_is_kept_unless_it_could_break_a_log_or_be_a_phone_number() {
        for sane in ["a", "deploy-17_b.2", "00-4bf92f3577b34da6a3ce929d0e0e4736-00", &"x".repeat(LONGEST)] {
            assert_eq!(id_for(sane).as_str(), sane);
        }
        let too_long = "x".repeat(LONGEST + 1);
        for other in ["", "a b", "a\"b", "a\tb", "größe", "+12025550123", "202-555-0123", &too_long] {
            let id = id_for(other);
            assert!(id.as_str() != other && Uuid::parse_str(id.as_str()).is_ok(), "{other}: {id:?}");
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
