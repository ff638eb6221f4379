//! Bodies, paths and queries that cannot be read, refused in the same words as everything else.

use std::future::Future;
use std::pin::Pin;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;

/// The largest body that is not an upload.
const LARGEST_BODY: usize = 256 * 1024;

/// A request's body, whole.
pub(super) struct Body(web::Bytes);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let payload = read.map_err(|error| Problem::malformed(error.to_string()))?;
            let body = payload.to_bytes_limited(LARGEST_BODY).await;
            let body = body.map_err(|_| Problem::too_large("body", LARGEST_BODY as u64))?;
            let body = body.map_err(|error| Problem::malformed(error.to_string()))?;
            Ok(Self(body))
        })
    }
}

impl Body {
    /// The body as it came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, kind: &'static str) -> Result<T, Problem> {
        json(&self.0, kind)
    }
}

/// Reads JSON, or says what is wrong with it. The database can keep no NUL character, so none may come in.
pub(super) fn json<T: DeserializeOwned>(text: &[u8], kind: &'static str) -> Result<T, Problem> {
    // The path names the key that is wrong, also where it stands deep inside.
    let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(text))
        .map_err(|error| Problem::invalid(kind, error.to_string()))?;
    let plain: Value =
        serde_json::from_slice(text).map_err(|error| Problem::invalid(kind, error.to_string()))?;
    match place_of_nul(&plain) {
        None => Ok(read),
        Some(place) => Err(holds_nul(kind, &place)),
    }
}

fn holds_nul(kind: &'static str, place: &str) -> Problem {
    let place = if place.is_empty() { "the body" } else { place.trim_start_matches('.') };
    Problem::invalid(kind, format!("{place}: expected a text without the character U+0000"))
}

/// Where a NUL character stands: the path of the text, or of the object that has it in a key.
fn place_of_nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .find_map(|(index, value)| place_of_nul(value).map(|place| format!("[{index}]{place}"))),
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            if key.contains('\0') {
                return Some(format!(".{}", key.replace('\0', "\u{fffd}")));
            }
            place_of_nul(value).map(|place| format!(".{key}{place}"))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Lets no address in that holds a NUL character, which no text of the database may.
pub(super) async fn without_nul(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    const NUL: &str = "%00";
    if request.path().contains(['\0']) || request.uri().path().contains(NUL) {
        return Err(Problem::not_found("page").into());
    }
    let named = request.query_string().split('&').find(|pair| pair.contains(NUL));
    if let Some(pair) = named {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        return Err(holds_nul("bad-query", &name.replace(NUL, "\u{fffd}")).into());
    }
    next.call(request).await
}

/// How extractors refuse: a path that names nothing is not found, a query that cannot be read says why.
pub(super) fn refusals(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::not_found("id").into()))
        .app_data(
            web::QueryConfig::default()
                .error_handler(|error, _| Problem::invalid("bad-query", error.to_string()).into()),
        );
}

#[cfg(test)]
mod tests {
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
