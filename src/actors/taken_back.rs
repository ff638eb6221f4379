//! Why an attempt is taken back: nothing of it was placed. The word is for figures, the sentence is kept with the attempt.

use crate::domain::names::names;

names! {
    /// Why an attempt is taken back.
    pub enum TakenBack: "reason" {
        /// The database failed between claim and request.
        DatabaseFailed = "database-failed",
        /// Somebody edited the campaign meanwhile.
        Edited = "edited",
        /// The number must not be contacted any more.
        Suppressed = "suppressed",
        /// The campaign was paused or edited, or another node took it.
        Withdrawn = "withdrawn",
        /// The hours ended meanwhile.
        HoursOver = "hours-over",
        /// Other nodes may take this one for dead.
        LeaseLost = "lease-lost",
        /// No place among the calls per second came in time.
        NoPlace = "no-place",
        /// The request was not written within its second.
        TooLate = "too-late",
        /// The provider could not be reached.
        NotSent = "not-sent",
        /// The provider asked for patience.
        Throttled = "throttled",
        /// The provider refused the account, the sender or the request.
        Refused = "refused",
        /// What the campaign keeps of its agent cannot be read.
        AgentUnreadable = "agent-unreadable",
        /// It was ended before anybody's phone rang.
        EndedUndialed = "ended-undialed",
    }
}

impl TakenBack {
    /// Why, for people.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::DatabaseFailed => "the database failed before the request was written",
            Self::Edited => "the campaign's settings were edited meanwhile",
            Self::Suppressed => "its number was suppressed meanwhile",
            Self::Withdrawn => "the campaign was paused, edited or taken over meanwhile",
            Self::HoursOver => "the hours are over",
            Self::LeaseLost => "the node's lease has run out",
            Self::NoPlace => "no place among the calls per second came within the second",
            Self::TooLate => "the second was over before the request was written",
            Self::NotSent => "the provider cannot be reached",
            Self::Throttled => "the provider asks for patience",
            Self::Refused => "the provider refuses it",
            Self::AgentUnreadable => "what is kept of its agent and script cannot be read",
            Self::EndedUndialed => "the provider ended it before it was dialed",
        }
    }
}
