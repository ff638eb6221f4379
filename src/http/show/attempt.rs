//! One attempt.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::attempts;
use crate::domain::attempt::Status;
use crate::domain::money::Money;
use crate::domain::outcome::Outcome;
use crate::http::wire;
use crate::twilio;

/// One try to reach a contact.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attempt {
    pub(crate) id: Uuid,
    pub(crate) contact_id: Uuid,
    /// Its number among the contact's attempts, from 1.
    #[schema(minimum = 1)]
    pub(crate) number: i32,
    /// The called number, in E.164.
    pub(crate) to: String,
    /// The calling number, in E.164.
    pub(crate) from: String,
    /// The provider's id of the call; null if none is known.
    #[schema(example = "CA00000000000000000000000000000001")]
    pub(crate) sid: Option<String>,
    /// What the provider says of it; null if nothing yet.
    #[schema(value_type = Option<wire::CallStatus>)]
    pub(crate) status: Option<Status>,
    /// What it came to; null while it is open.
    #[schema(value_type = Option<wire::Outcome>)]
    pub(crate) outcome: Option<Outcome>,
    /// Who took the call, by the provider's machine detection; null if that was not told.
    #[schema(example = "human")]
    pub(crate) answered_by: Option<String>,
    /// The provider's code for a refusal or a failure; null if there is none.
    #[schema(example = 21211)]
    pub(crate) error_code: Option<i32>,
    /// The provider's words for it.
    #[schema(example = "The 'To' number is not a valid phone number")]
    pub(crate) error_message: Option<String>,
    /// Seconds of conversation; null if nobody took the call or it has not ended.
    #[schema(example = 42)]
    pub(crate) duration_seconds: Option<i32>,
    /// What the call cost; null until the provider has said it.
    #[schema(value_type = Option<wire::Amount>, example = "0.013")]
    pub(crate) price: Option<Money>,
    /// The currency of that.
    #[schema(example = "USD")]
    pub(crate) price_unit: Option<String>,
    /// When the intent was written.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) intended_at: DateTime<Utc>,
    /// When the provider's call became known; null if it is not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) placed_at: Option<DateTime<Utc>>,
    /// When it began to ring; null if it did not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) ringing_at: Option<DateTime<Utc>>,
    /// When it was taken; null if it was not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) answered_at: Option<DateTime<Utc>>,
    /// When it ended; null if it has not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// When its outcome was applied to its contact; null if it was not yet.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) settled_at: Option<DateTime<Utc>>,
    /// The version of the campaign's settings that it was made under.
    #[schema(minimum = 1)]
    pub(crate) settings_version: i32,
}

impl Attempt {
    /// What the provider's code means, with what to do about it, if more is known than the provider's own words.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        twilio::errors::explain(u32::try_from(self.error_code?).ok()?)
    }
}

impl From<attempts::Attempt> for Attempt {
    fn from(attempt: attempts::Attempt) -> Self {
        Self {
            id: attempt.id,
            contact_id: attempt.contact,
            number: attempt.number,
            to: attempt.to,
            from: attempt.from,
            sid: attempt.sid,
            status: attempt.status,
            outcome: attempt.outcome,
            answered_by: attempt.answered_by,
            error_code: attempt.error_code,
            error_message: attempt.error_message,
            duration_seconds: attempt.duration_seconds,
            price: attempt.price,
            price_unit: attempt.price_unit,
            intended_at: attempt.intended_at,
            placed_at: attempt.placed_at,
            ringing_at: attempt.ringing_at,
            answered_at: attempt.answered_at,
            ended_at: attempt.ended_at,
            settled_at: attempt.settled_at,
            settings_version: attempt.settings_version,
        }
    }
}
