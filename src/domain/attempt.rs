//! One try to reach one contact, and what becomes known of it.

use super::names;

names! {
    /// What the provider says of an attempt.
    pub enum Status: "call status" {
        /// Accepted by the provider, waiting for its turn.
        Queued = "queued",
        /// On its way to the network.
        Initiated = "initiated",
        /// The far end rings.
        Ringing = "ringing",
        /// Somebody or something took the call.
        InProgress = "in-progress",
        /// The call was taken and is over.
        Completed = "completed",
        /// The line was busy.
        Busy = "busy",
        /// The call could not be completed as dialed.
        Failed = "failed",
        /// Nobody took it in time.
        NoAnswer = "no-answer",
        /// Ended by us before it was taken.
        Canceled = "canceled",
    }
}

impl Status {
    /// Whether the call is over.
    pub fn is_end(self) -> bool {
        match self {
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => true,
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => false,
        }
    }
}
