//! A length of time as people write it: a whole number and one unit, such as `30s`, `5m`, `2h` or `1d`.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// Nobody waits longer for a retry.
const LONGEST_SECONDS: u32 = 365 * DAY;

/// A length of time from a second to a year of 365 days; on the wire its text. A day is 24 hours, whatever the clocks
/// do. Fractions are refused, because `1.5h` can be written `90m`, and what is written comes back as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    number: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

impl Unit {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }

    fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }
}

impl Span {
    /// Reads a length of time.
    pub fn parse(text: &str) -> Result<Self, NoSpan> {
        let read = || {
            let unit = Unit::ALL.into_iter().find(|unit| text.ends_with(unit.letter()))?;
            let digits = text.strip_suffix(unit.letter())?;
            // A sign is no part of a length of time.
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
            let span = Self { number, unit };
            span.seconds().is_some_and(|seconds| (1..=LONGEST_SECONDS).contains(&seconds)).then_some(span)
        };
        read().ok_or_else(|| NoSpan(text.to_owned()))
    }

    /// How long it is.
    pub fn length(self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.seconds().unwrap_or(LONGEST_SECONDS)))
    }

    fn seconds(self) -> Option<u32> {
        self.number.checked_mul(self.unit.seconds())
    }
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time, expected a whole number and s, m, h or d, from 1s to 365d, such as 30m")]
pub struct NoSpan(String);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.number, self.unit.letter())
    }
}

impl TryFrom<String> for Span {
    type Error = NoSpan;

    fn try_from(text: String) -> Result<Self, NoSpan> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_whole_number_and_one_unit() {
        let table = [
            ("1s", 1),
            ("30s", 30),
            ("5m", 300),
            ("90m", 5_400),
            ("2h", 7_200),
            ("1d", 86_400),
            ("365d", 31_536_000),
        ];
        for (text, seconds) in table {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.length(), TimeDelta::seconds(seconds), "{text}");
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_what_was_expected() {
        let bad = [
            "",
            "m",
            "5",
            "0s",
            "0d",
            "-5m",
            "+5m",
            "1.5h",
            "5 m",
            "5min",
            "1h30m",
            "5M",
            "366d",
            "99999999999s",
            "8761h",
            "٣m",
            "5µ",
        ];
        for text in bad {
            let error = Span::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected a whole number and s, m, h or d"), "{text}: {error}");
        }
    }
}
