//! Numbers that must not be contacted.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::suppressions::{self, Added};
use crate::domain::suppression::{Source, is_in_force};
use crate::http::wire;

/// A number that must not be contacted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suppression {
    /// The number, in E.164.
    pub(crate) phone: String,
    /// Why, for people.
    #[schema(example = "do not call")]
    pub(crate) reason: String,
    #[schema(value_type = wire::SuppressionSource)]
    pub(crate) source: Source,
    /// What else there is to say; null if nothing.
    pub(crate) note: Option<String>,
    /// Since when.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) created_at: DateTime<Utc>,
    /// From when on it is over; null if never.
    #[schema(example = "2027-03-02T15:00:00Z")]
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Whether it holds now.
    pub(crate) in_force: bool,
}

impl Suppression {
    /// How it stands now.
    pub(crate) fn at(suppression: suppressions::Suppression, now: DateTime<Utc>) -> Self {
        let suppressions::Suppression { phone, reason, source, note, created_at, expires_at } = suppression;
        Self { phone, reason, source, note, created_at, expires_at, in_force: is_in_force(expires_at, now) }
    }
}

/// What became of numbers that were to be suppressed.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedNumbers {
    /// They were not suppressed, or no longer.
    new: u32,
    /// They were, and are now for longer.
    extended: u32,
    /// They were for at least as long, and nothing was changed.
    kept: u32,
}

impl From<Added> for AddedNumbers {
    fn from(added: Added) -> Self {
        Self { new: added.new, extended: added.extended, kept: added.kept }
    }
}
