//! The words and forms that both sides of the wire share: the client here and the simulator over there.

use chrono::{DateTime, TimeDelta, Utc};

pub use crate::domain::attempt::{AnsweredBy, Status};
use crate::domain::money::Money;

/// The provider's API version, the first part of every path.
pub const API_VERSION: &str = "2010-04-01";

/// The header that carries a webhook's signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// Reads a verdict on who took the call, which may be absent (empty text). One that is not known yet counts as none.
pub(super) fn read_answered_by(text: &str) -> Option<AnsweredBy> {
    (!text.is_empty()).then(|| AnsweredBy::parse(text).unwrap_or(AnsweredBy::Unknown))
}

/// Reads what a call cost, which Twilio writes as a negative amount with five decimals: `-0.00850`.
pub(super) fn read_price(text: &str) -> Option<Money> {
    Money::parse(text.strip_prefix('-').unwrap_or(text)).ok()
}

/// Whether the text has the form of a call's SID: `CA` and 32 hexadecimal digits.
pub fn is_call_sid(text: &str) -> bool {
    text.strip_prefix("CA")
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An instant as Twilio writes it: RFC 2822 in UTC, `Tue, 09 Jun 2026 14:51:33 +0000`.
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Reads an instant of the form that [`format_instant`] writes.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|instant| instant.with_timezone(&Utc))
}

/// The latest instant that one of Twilio's can mean: theirs are whole seconds, cut off.
pub fn latest_meant(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant + TimeDelta::milliseconds(999)
}

/// Reads the pairs of a form's body, decoded and in order, as they are signed.
pub fn parse_form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Writes a form's body.
pub fn write_form<N: AsRef<str>, V: AsRef<str>>(form: &[(N, V)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}
