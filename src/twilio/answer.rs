//! An answer of Twilio's API, read whole and with a limit, and what can go wrong on the way to it.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;

/// The longest answer that is read: far above a page of calls.
const LONGEST_BODY: usize = 4 << 20;

/// Why there is no answer, or none that can be used. Says nothing about whom it concerned, so that it can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No connection, or it broke, or the time was up.
    #[error("expected an answer, but the exchange failed")]
    Exchange(#[source] reqwest::Error),
    /// A status that is no answer to the question.
    #[error("expected an answer, got HTTP {0}")]
    Status(u16),
    /// A success that does not say what it should.
    #[error("expected {expected} in the answer with HTTP {http}")]
    Body {
        /// The status that came with it.
        http: u16,
        /// What was missing.
        expected: &'static str,
    },
}

impl Trouble {
    /// Of an error of the HTTP client's, whose own text would contain the URL and with it a phone number.
    pub(super) fn of(error: reqwest::Error) -> Self {
        Self::Exchange(error.without_url())
    }
}

/// An answer that came completely.
pub(super) struct Answer {
    pub(super) http: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// What Twilio says of a request that it refuses.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) code: Option<u32>,
    message: Option<String>,
}

impl Answer {
    /// Reads the answer's body. A refusal whose body is lost keeps its status, which tells the most.
    pub(super) async fn read(mut response: reqwest::Response) -> Result<Self, Trouble> {
        let http = response.status().as_u16();
        let request_id =
            response.headers().get("Twilio-Request-Id").and_then(|id| id.to_str().ok()).unwrap_or("");
        tracing::debug!(http.status = http, twilio.request_id = request_id, "Twilio answered");
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_BODY => body.extend(chunk),
                Ok(Some(_)) if http < 400 => {
                    return Err(Trouble::Body { http, expected: "less than 4 MiB" });
                }
                Err(error) if http < 400 => return Err(Trouble::of(error)),
                Ok(Some(_)) | Err(_) => {
                    body.clear();
                    break;
                }
            }
        }
        Ok(Self { http, retry_after, body })
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.http)
    }

    /// Reads the body of a success; `expected` says what it should be.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self, expected: &'static str) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|_| Trouble::Body { http: self.http, expected })
    }

    /// Twilio's words, or none if it was not Twilio that spoke.
    pub(super) fn refusal(&self) -> Refusal {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Refusal {
    /// The message with its phone numbers shortened to their last two digits, because it will be stored and logged.
    pub(super) fn message(&self) -> String {
        let mut told = String::new();
        let mut digits = String::new();
        for character in self.message.as_deref().unwrap_or_default().chars().chain(['\0']) {
            if character.is_ascii_digit() {
                digits.push(character);
                continue;
            }
            if digits.len() >= 7 {
                told.push('…');
                told.push_str(&digits[digits.len() - 2..]);
            } else {
                told.push_str(&digits);
            }
            digits.clear();
            told.push(character);
        }
        told.pop();
        told
    }
}

/// How long we are asked to wait: seconds, or an instant, which the answer's own `Date` turns into a span without
/// asking our clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = |text| DateTime::parse_from_rfc2822(text).ok();
    (instant(wanted)? - instant(text(DATE)?)?).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_an_instant() {
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let dates = [(DATE, "Wed, 10 Jun 2026 18:44:05 GMT"), (RETRY_AFTER, "Wed, 10 Jun 2026 18:44:35 GMT")];
        assert_eq!(retry_after(&headers(&dates)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&dates[1..])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
    }

    #[test]
    fn a_message_is_told_without_phone_numbers() {
        let refusal = |message: &str| Refusal { code: None, message: Some(message.to_owned()) };
        assert_eq!(
            refusal("Account not authorized to call +12025550123. Perhaps").message(),
            "Account not authorized to call +…23. Perhaps"
        );
        assert_eq!(refusal("error 21211 at +12025550199").message(), "error 21211 at +…99");
        assert_eq!(Refusal::default().message(), "");
    }
}
