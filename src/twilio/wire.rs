//! The words and forms that both sides of the wire share: the client here and the simulator over there.

use chrono::{DateTime, Utc};

pub use crate::domain::attempt::Status;

/// The provider's API version, the first part of every path.
pub const API_VERSION: &str = "2010-04-01";

/// The header that carries a webhook's signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// An instant as Twilio writes it: RFC 2822 in UTC, `Tue, 09 Jun 2026 14:51:33 +0000`.
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Reads an instant of the form that [`format_instant`] writes.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|instant| instant.with_timezone(&Utc))
}
