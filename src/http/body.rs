//! Bodies, paths and queries that cannot be read, refused in the same words as everything else.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
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
    if holds_nul(&plain) {
        return Err(Problem::invalid(kind, "expected texts without the character U+0000"));
    }
    Ok(read)
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
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
        // A backslash before it makes it six ordinary characters.
        assert!(json::<Value>(br#""a\\u0000b""#, "bad").is_ok());
    }
}
