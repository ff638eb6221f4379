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

/// Whether a suppression that ends at `expires_at`, if ever, is in force.
pub fn is_in_force(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires_at.is_none_or(|expires_at| expires_at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suppression_is_over_from_the_instant_on_at_which_it_expires() {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        assert!(is_in_force(None, now));
        assert!(is_in_force(Some(now + chrono::TimeDelta::microseconds(1)), now));
        assert!(!is_in_force(Some(now), now));
    }
}
