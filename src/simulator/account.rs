//! The account: who may ask, what it owns, and how it says no.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::SimulatorConfig;
use crate::twilio::wire::{API_VERSION, format_instant};

/// A request that is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) http: u16,
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(http: u16, code: u32, message: impl Into<String>) -> Self {
        Self { http, code, message: message.into(), retry_after: None }
    }

    /// A 400, which most errors are.
    pub(super) fn bad_request(code: u32, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, 20003, "Authenticate")
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self::new(404, 20404, format!("The requested resource {path} was not found"))
    }

    pub(super) fn too_many_requests(retry_after: Option<u32>) -> Self {
        Self { retry_after, ..Self::new(429, 20429, "Too Many Requests") }
    }

    pub(super) fn server_error() -> Self {
        Self::new(500, 20500, "Internal Server Error")
    }

    pub(super) fn body(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.http,
        })
    }
}

/// Whether the `Authorization` header lets its sender use the account that the path names.
pub(super) fn authorize(
    config: &SimulatorConfig,
    header: Option<&str>,
    path_sid: &str,
) -> Result<(), Refusal> {
    let credentials = header.and_then(read_basic).ok_or_else(Refusal::unauthorized)?;
    let is_owner = credentials == (config.account_sid.clone(), config.auth_token.clone());
    let is_known = is_owner || config.api_key.as_ref() == Some(&credentials);
    match is_known && path_sid == config.account_sid {
        true => Ok(()),
        false => Err(Refusal::unauthorized()),
    }
}

fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The account as `GET /Accounts/{Sid}.json` shows it.
pub(super) fn account_body(config: &SimulatorConfig, since: DateTime<Utc>) -> Value {
    let uri = format!("/{API_VERSION}/Accounts/{}", config.account_sid);
    json!({
        "sid": config.account_sid,
        "friendly_name": "outdial simulator",
        "status": "active",
        "type": "Full",
        "auth_token": config.auth_token,
        "owner_account_sid": config.account_sid,
        "date_created": format_instant(since),
        "date_updated": format_instant(since),
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "calls": format!("{uri}/Calls.json"),
            "incoming_phone_numbers": format!("{uri}/IncomingPhoneNumbers.json"),
            "balance": format!("{uri}/Balance.json"),
        },
    })
}

/// A number of the account, as `GET /IncomingPhoneNumbers.json` shows it.
pub(super) fn number_body(config: &SimulatorConfig, number: &str, since: DateTime<Utc>) -> Value {
    let sid = number_sid(number);
    json!({
        "sid": sid,
        "account_sid": config.account_sid,
        "phone_number": number,
        "friendly_name": super::call::format_number(number),
        "api_version": API_VERSION,
        "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false},
        "status": "in-use",
        "beta": false,
        "origin": "twilio",
        "address_requirements": "none",
        "voice_url": null,
        "voice_method": "POST",
        "status_callback": "",
        "status_callback_method": "POST",
        "date_created": format_instant(since),
        "date_updated": format_instant(since),
        "uri": format!("/{API_VERSION}/Accounts/{}/IncomingPhoneNumbers/{sid}.json", config.account_sid),
    })
}

/// The sid of a number: always the same for the same number.
pub(super) fn number_sid(number: &str) -> String {
    let digest = Sha256::digest(number.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("PN{hex}")
}

/// A new sid of this kind: two letters and 32 lower-case hex digits.
pub(super) fn new_sid(kind: &str) -> String {
    format!("{kind}{}", uuid::Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
    }

    #[test]
    fn the_token_and_the_key_open_the_account_and_nothing_else_does() {
        let config = config();
        let sid = config.account_sid.clone();
        let (key, secret) = config.api_key.clone().unwrap();
        let may = |header: Option<&str>, path: &str| authorize(&config, header, path).is_ok();
        assert!(may(Some(&basic(&sid, &config.auth_token)), &sid));
        assert!(may(Some(&basic(&key, &secret)), &sid));
        assert!(!may(None, &sid));
        assert!(!may(Some(&basic(&sid, "wrong")), &sid));
        assert!(!may(Some(&basic(&key, &config.auth_token)), &sid));
        assert!(!may(Some(&basic(&sid, &config.auth_token)), "AC00000000000000000000000000000000"));
        for garbage in ["", "Basic", "Basic %%%", "Basic /w==", "Bearer abc"] {
            assert!(!may(Some(garbage), &sid), "{garbage}");
        }
    }

    #[test]
    fn an_error_has_twilios_form() {
        let body = Refusal::unauthorized().body();
        assert_eq!(body["code"], 20003);
        assert_eq!(body["status"], 401);
        assert_eq!(body["more_info"], "https://www.twilio.com/docs/errors/20003");
    }

    #[test]
    fn a_sid_is_two_letters_and_32_hex_digits() {
        for sid in [new_sid("CA"), number_sid("+12125550100")] {
            assert_eq!(sid.len(), 34);
            assert!(sid[2..].chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)), "{sid}");
        }
    }
}
