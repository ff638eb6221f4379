//! How instants are written wherever programs read them: RFC 3339 in UTC, ended by `Z`, with milliseconds where there are some
//! and never more. What is finer is cut off, not rounded, so that nothing seems to be later than it is.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::Serializer;

/// An instant as a text.
pub fn written(at: DateTime<Utc>) -> String {
    at.trunc_subsecs(3).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// For `#[serde(serialize_with)]`.
pub fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(*at))
}

/// The same for one that may be missing.
pub fn serialize_some<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// A text that is an instant in whatever shape, in this one; none if it is no instant.
pub fn rewritten(text: &str) -> Option<String> {
    Some(written(DateTime::parse_from_rfc3339(text).ok()?.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_shape_for_all_instants() {
        for (text, expected) in [
            ("2026-03-02T15:00:00Z", "2026-03-02T15:00:00Z"),
            ("2026-03-02T10:00:00-05:00", "2026-03-02T15:00:00Z"),
            ("2026-03-02T15:00:00.999999999Z", "2026-03-02T15:00:00.999Z"),
            ("2026-03-02T15:00:00.000999+00:00", "2026-03-02T15:00:00Z"),
            ("2026-03-02T15:00:00.1Z", "2026-03-02T15:00:00.100Z"),
        ] {
            assert_eq!(rewritten(text).as_deref(), Some(expected));
        }
        assert_eq!(rewritten("2026-03-02"), None);
    }
}
