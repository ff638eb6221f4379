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

impl ContactState {
    /// Whether nothing more will be done for the contact.
    pub fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Suppressed => true,
            Self::Pending | Self::Calling => false,
        }
    }
}
