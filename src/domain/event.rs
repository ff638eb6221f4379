//! What happens to campaigns, contacts and attempts, as it is told to those who follow.

use super::campaign::Move;
use super::names;

names! {
    /// What happened. The first part of its text says to what.
    pub enum EventKind: "kind of event" {
        /// A campaign was made of a list.
        CampaignCreated = "campaign.created",
        /// A person started it.
        CampaignStarted = "campaign.started",
        /// Its start has come, and it calls people.
        CampaignRunning = "campaign.running",
        /// It calls nobody for a while, and says why and until when.
        CampaignWaiting = "campaign.waiting",
        /// It was stopped for now, and says why.
        CampaignPaused = "campaign.paused",
        /// A person lets it go on.
        CampaignResumed = "campaign.resumed",
        /// A person gave it up.
        CampaignCanceled = "campaign.canceled",
        /// Everybody is final.
        CampaignCompleted = "campaign.completed",
        /// It was completed, and there is somebody to call again.
        CampaignReopened = "campaign.reopened",
        /// It cannot go on, and says why.
        CampaignFailed = "campaign.failed",
        /// Its name, settings or agent were changed.
        CampaignEdited = "campaign.edited",
        /// It was deleted with all that was known of its calls.
        CampaignDeleted = "campaign.deleted",
        /// Most of its last calls have failed.
        CampaignCallsFail = "campaign.calls-fail",
        /// A run of it was made.
        ScheduleFired = "schedule.fired",
        /// A firing came to no run, and says why.
        ScheduleSkipped = "schedule.skipped",
        /// A list was added to it.
        ContactsAdded = "contacts.added",
        /// Contacts that were given up are called again.
        ContactsRetried = "contacts.retried",
        /// A contact was reached.
        ContactCompleted = "contact.completed",
        /// A contact was given up.
        ContactFailed = "contact.failed",
        /// A contact must not be called.
        ContactSuppressed = "contact.suppressed",
        /// A contact is to be called at an instant that somebody asked for.
        ContactCallback = "contact.callback",
        /// A contact is about to be called.
        AttemptStarted = "attempt.started",
        /// Somebody or something took the call.
        AttemptAnswered = "attempt.answered",
        /// It is over, and says what it came to.
        AttemptEnded = "attempt.ended",
        /// It was given up, and has been heard of since.
        AttemptReopened = "attempt.reopened",
    }
}

impl From<Move> for EventKind {
    fn from(made: Move) -> Self {
        match made {
            Move::Start => Self::CampaignStarted,
            Move::Begin => Self::CampaignRunning,
            Move::Pause => Self::CampaignPaused,
            Move::Resume => Self::CampaignResumed,
            Move::Cancel => Self::CampaignCanceled,
            Move::Finish => Self::CampaignCompleted,
            Move::Reopen => Self::CampaignReopened,
            Move::Fail => Self::CampaignFailed,
        }
    }
}
