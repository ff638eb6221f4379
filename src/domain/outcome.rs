//! What an attempt came to, for us.

use super::names;

names! {
    /// What an attempt came to. Each belongs to exactly one ended attempt.
    pub enum Outcome: "outcome" {
        /// A person, or something that is not known to be a machine, took the call.
        Answered = "answered",
        /// An answering machine or a fax took the call.
        Machine = "machine",
        /// It rang and nobody took it.
        NoAnswer = "no-answer",
        /// The line was busy, or the call was declined.
        Busy = "busy",
        /// The network could not complete the call.
        Failed = "failed",
        /// The call was ended before anybody took it.
        Canceled = "canceled",
        /// The provider says that no such number can be called.
        InvalidNumber = "invalid-number",
        /// The provider refuses to call this number or destination.
        Blocked = "blocked",
        /// Nothing left for the provider: the attempt was taken back.
        NotPlaced = "not-placed",
        /// Nobody knows: the answer was lost and no trace of a call was found.
        Unknown = "unknown",
    }
}

impl Outcome {
    /// Whether the attempt uses up one of the contact's tries. Only an attempt of which nothing left does not.
    pub fn counts_as_attempt(self) -> bool {
        self != Self::NotPlaced
    }

    /// Whether a contact may be given up after it: neither was it reached, nor was the attempt taken back.
    pub fn can_be_the_last(self) -> bool {
        !matches!(self, Self::Answered | Self::NotPlaced)
    }

    /// Whether no later try could help, whatever the campaign's retry policy says.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::InvalidNumber | Self::Blocked)
    }
}
