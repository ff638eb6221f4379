//! Bodies, paths and queries that cannot be read, refused in the same words as everything else.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::stream::{LocalBoxStream, StreamExt, unfold};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use super::Problem;
use super::connections::{BODY_WITHIN, GOES_ON_WITHIN};
use crate::json::{self, Json};

/// The largest body that is not an upload.
const LARGEST_BODY: usize = 256 * 1024;

/// A request's body, whole.
pub(crate) struct Body(web::Bytes);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let payload = read.map_err(|error| Problem::malformed(error.to_string()))?;
            let body = timeout(BODY_WITHIN, payload.to_bytes_limited(LARGEST_BODY)).await;
            let body = body.map_err(|_| Problem::too_slow("body", BODY_WITHIN))?;
            let body = body.map_err(|_| Problem::too_large("body", LARGEST_BODY as u64))?;
            let body = body.map_err(|error| Problem::malformed(error.to_string()))?;
            Ok(Self(body))
        })
    }
}

impl Body {
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self(web::Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.0.trim_ascii().is_empty()
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, kind: &'static str) -> Result<T, Problem> {
        json(&self.0, kind)
    }
}

/// What is uploaded, as it comes, as long as it goes on coming.
pub(super) fn going_on(payload: web::Payload) -> LocalBoxStream<'static, Result<web::Bytes, PayloadError>> {
    let next = |mut payload: web::Payload| async move {
        let chunk = match timeout(GOES_ON_WITHIN, payload.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Err(stalled()),
        };
        Some((chunk, payload))
    };
    // The reader of parts asks once more after the end.
    unfold(payload, next).fuse().boxed_local()
}

fn stalled() -> PayloadError {
    let sentence = format!("nothing came for {} seconds", GOES_ON_WITHIN.as_secs());
    PayloadError::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, sentence))
}

/// Reads JSON, or says what is wrong with it. The database can keep no NUL character, so none may come in.
pub(crate) fn json<T: DeserializeOwned>(text: &[u8], kind: &'static str) -> Result<T, Problem> {
    let refused = |bad: json::BadJson| Problem::invalid(kind, bad.to_string());
    let json = json::parse(text).map_err(refused)?;
    match place_of_nul(&json) {
        None => json::shape(json).map_err(refused),
        Some(place) => Err(holds_nul(kind, &place)),
    }
}

/// What is given is there, also if it is null: a type that has no null refuses it in its own words.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The query of an address: each parameter once, and no other than are known.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parameters = form_urlencoded::parse(request.query_string().as_bytes());
        let parameters =
            parameters.map(|(name, value)| (name.into_owned(), Json::Parameter(value.into_owned())));
        let read = json::shape(Json::Object(parameters.collect()));
        ready(read.map(Self).map_err(|bad| Problem::invalid("bad-query", bad.to_string())))
    }
}

fn holds_nul(kind: &'static str, place: &str) -> Problem {
    let place = if place.is_empty() { "the body" } else { place.trim_start_matches('.') };
    Problem::invalid(kind, format!("{place}: expected a text without the character U+0000"))
}

/// Where a NUL character stands: the path of the text, or of the object that has it in a key.
fn place_of_nul(json: &Json) -> Option<String> {
    match json {
        Json::Text(text) | Json::Parameter(text) => text.contains('\0').then(String::new),
        Json::List(entries) => entries
            .iter()
            .enumerate()
            .find_map(|(index, entry)| place_of_nul(entry).map(|place| format!("[{index}]{place}"))),
        Json::Object(members) => members.iter().find_map(|(key, value)| {
            if key.contains('\0') {
                return Some(format!(".{}", key.replace('\0', "\u{fffd}")));
            }
            place_of_nul(value).map(|place| format!(".{key}{place}"))
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}

/// Lets no address in that holds a NUL character, which no text of the database may.
pub(crate) async fn without_nul(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    const NUL: &str = "%00";
    if request.path().contains(['\0']) || request.uri().path().contains(NUL) {
        return Ok(request.error_response(Problem::not_found("page")));
    }
    let named = request.query_string().split('&').find(|pair| pair.contains(NUL));
    if let Some(pair) = named {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let refused = holds_nul("bad-query", &name.replace(NUL, "\u{fffd}"));
        return Ok(request.error_response(refused));
    }
    next.call(request).await
}

/// How the paths of addresses are refused: one that names nothing is not found.
pub(super) fn refusals(config: &mut web::ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| Problem::not_found("id").into()));
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_nul_character_is_refused_wherever_it_stands() {
        for bad in [r#""a\u0000b""#, r#"{"a":["\u0000"]}"#, r#"{"a\u0000":1}"#] {
            assert!(json::<Value>(bad.as_bytes(), "bad").is_err(), "{bad}");
        }
        let refused = json::<Value>(br#"{"a":[{"b":"x"},{"b":"\u0000"}]}"#, "bad").unwrap_err().to_string();
        assert!(refused.contains("a[1].b: expected"), "{refused}");
        // A backslash before it makes it six ordinary characters.
        assert!(json::<Value>(br#""a\\u0000b""#, "bad").is_ok());
    }
}
