//! One person in one campaign.

use super::names;

names! {
    /// How a contact stands.
    pub enum ContactState: "contact state" {
        /// To be called at its due time.
        Pending = "pending",
        /// An attempt to reach it is open.
        Calling = "calling",
        /// Reached.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
        /// Must not be contacted.
        Suppressed = "suppressed",
    }
}
