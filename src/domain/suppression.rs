//! Numbers that must not be contacted: where a suppression comes from, and how long it is in force. Which numbers
//! they are is kept by `db::suppressions`.

use chrono::{DateTime, Utc};

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
