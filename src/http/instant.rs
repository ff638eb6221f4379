//! An instant as people and programs write it to us, and what it lacks where it is none. Every instant that comes in
//! through the API is read here.

use std::fmt::{self, Formatter};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// How an instant is written: RFC 3339, with the offset from UTC.
const EXAMPLE: &str = "2026-03-03T09:00:00-05:00";

/// How the time on a clock on the wall is written, which is no instant yet.
const LOCAL: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// An instant from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant(DateTime<Utc>);

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoInstant {
    /// A clock on the wall shows it at many instants.
    #[error("the offset is missing in {0:?}, expected an instant such as {EXAMPLE}")]
    NoOffset(String),
    /// It is a whole day.
    #[error("the time and the offset are missing in {0:?}, expected an instant such as {EXAMPLE}")]
    NoTime(String),
    /// It stops at the minute.
    #[error("the seconds are missing in {0:?}, expected an instant such as {EXAMPLE}")]
    NoSeconds(String),
    /// It is something else.
    #[error("{0:?} is no instant, expected one such as {EXAMPLE}")]
    Other(String),
}

impl Instant {
    /// Reads an instant, or says what it lacks.
    pub(super) fn parse(text: &str) -> Result<Self, NoInstant> {
        let text = text.trim();
        if let Ok(at) = text.parse::<DateTime<Utc>>() {
            return Ok(Self(at));
        }
        let is_local = LOCAL.iter().any(|format| NaiveDateTime::parse_from_str(text, format).is_ok());
        let to_the_minute = ["%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z"];
        let lacks_seconds =
            || to_the_minute.iter().any(|format| DateTime::parse_from_str(text, format).is_ok());
        Err(match text.to_owned() {
            text if is_local => NoInstant::NoOffset(text),
            text if NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok() => NoInstant::NoTime(text),
            text if lacks_seconds() => NoInstant::NoSeconds(text),
            text => NoInstant::Other(text.chars().take(LONGEST_REPEATED).collect()),
        })
    }
}

/// As much of a text is repeated where it is no instant.
const LONGEST_REPEATED: usize = 60;

impl From<Instant> for DateTime<Utc> {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Instant;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                write!(f, "an instant such as {EXAMPLE:?}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Instant, E> {
                Instant::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_with_whatever_offset() {
        let nine: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        for text in [
            "2026-03-03T09:00:00-05:00",
            "2026-03-03 09:00:00-05:00",
            " 2026-03-03T14:00:00Z ",
            "2026-03-03T14:00:00.000Z",
        ] {
            assert_eq!(Instant::parse(text), Ok(Instant(nine)), "{text}");
        }
    }

    #[test]
    fn what_an_instant_lacks_is_said_with_an_example() {
        let such = "expected an instant such as 2026-03-03T09:00:00-05:00";
        for (text, lacking) in [
            ("2026-03-03 09:00", "the offset is missing"),
            ("2026-03-03T09:00:00", "the offset is missing"),
            ("2026-03-03 09:00:00.5", "the offset is missing"),
            ("2026-03-05", "the time and the offset are missing"),
            ("2026-03-03T09:00-05:00", "the seconds are missing"),
            ("2026-03-03 09:00Z", "the seconds are missing"),
        ] {
            let error = Instant::parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("{lacking} in {text:?}, {such}"));
        }
        for text in ["tomorrow", "", "1741010400", "2026-02-30", "9am", "2026-03-03T25:00:00Z"] {
            let error = Instant::parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is no instant, expected one such as {EXAMPLE}"));
        }
    }
}
