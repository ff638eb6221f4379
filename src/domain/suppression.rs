//! Numbers that must not be contacted: where a suppression comes from, how long it is in force, and what a campaign
//! does about it beyond not calling. Which numbers they are is kept by `db::suppressions`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::names;

names! {
    /// Where a suppression comes from.
    pub enum Source: "suppression source" {
        /// A request of somebody with an API key.
        Api = "api",
        /// A file that was imported.
        File = "file",
        /// The called person pressed the campaign's key.
        OptOutKey = "opt-out-key",
        /// The called person told an agent.
        Agent = "agent",
        /// The provider says that the person has opted out there.
        Provider = "provider",
    }
}

/// What a campaign does, beyond not calling any more, when a number is suppressed that it is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnSuppression {
    /// Whether a call that nobody has taken yet is ended.
    pub end_ringing_calls: bool,
}

impl Default for OnSuppression {
    fn default() -> Self {
        Self { end_ringing_calls: true }
    }
}

/// The key by which a called person opts out during the call: one of 0 to 9, `*` and `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OptOutDigit(char);

/// A text that is no key of a telephone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown key {0:?}, expected one of 0 to 9, * and #")]
pub struct BadKey(pub String);

impl OptOutDigit {
    /// The key of this text.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(key @ ('0'..='9' | '*' | '#')), None) => Ok(Self(key)),
            _ => Err(BadKey(text.to_owned())),
        }
    }

    /// Whether these keys were pressed to opt out.
    pub fn is_among(self, pressed: &str) -> bool {
        pressed.contains(self.0)
    }
}

impl std::fmt::Display for OptOutDigit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<String> for OptOutDigit {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        Self::parse(&text)
    }
}

impl From<OptOutDigit> for String {
    fn from(key: OptOutDigit) -> Self {
        key.to_string()
    }
}

/// Whether a suppression that ends at `expires_at`, if ever, is in force.
pub fn is_in_force(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires_at.is_none_or(|expires_at| expires_at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_that_a_telephone_has() {
        for text in ["0", "9", "*", "#"] {
            let key = OptOutDigit::parse(text).unwrap();
            assert!(key.to_string() == text && key.is_among(text) && !key.is_among("5"), "{text}");
        }
        for text in ["", "99", "A", " 9", "٣"] {
            assert_eq!(OptOutDigit::parse(text), Err(BadKey(text.to_owned())));
        }
    }

    #[test]
    fn a_suppression_is_over_from_the_instant_on_at_which_it_expires() {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        assert!(is_in_force(None, now));
        assert!(is_in_force(Some(now + chrono::TimeDelta::microseconds(1)), now));
        assert!(!is_in_force(Some(now), now));
    }
}
