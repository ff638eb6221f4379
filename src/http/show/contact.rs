//! One contact.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::contacts;
use crate::db::look::KnownArea;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::http::wire;

use super::zones;

/// One person in one campaign.
#[derive(Serialize, ToSchema)]
pub(crate) struct Contact {
    pub(crate) id: Uuid,
    /// Its place in the list, from 1.
    #[schema(minimum = 1)]
    pub(crate) position: i32,
    /// Its number, in E.164.
    pub(crate) phone: String,
    /// What is dialed after the call is taken: one to seven digits; null if nothing.
    #[schema(example = "204")]
    pub(crate) extension: Option<String>,
    /// The person's name; null if the list does not say it.
    pub(crate) name: Option<String>,
    /// All other columns of the list, by their names.
    #[schema(value_type = wire::Columns)]
    pub(crate) metadata: Value,
    /// The row of the file that it comes from.
    pub(crate) row: i32,
    /// The list that it came with; null if that is not known.
    pub(crate) import_id: Option<Uuid>,
    /// The country of its number (ISO 3166-1); null if that is not known.
    pub(crate) region: Option<String>,
    /// What kind of line it is; null if that is not known.
    #[schema(example = "fixed-line-or-mobile")]
    pub(crate) number_type: Option<String>,
    /// Further numbers of the same person, in E.164.
    #[schema(value_type = Vec<String>, example = json!(["+12025550102"]))]
    pub(crate) alternates: Value,
    /// The person's own time zone; null if the list does not say it.
    pub(crate) timezone: Option<String>,
    pub(crate) area: Area,
    /// From -1000 to 1000, as the list says it.
    #[schema(example = 0)]
    pub(crate) priority: i16,
    /// What was repaired about its number, by its stable name; null if nothing was.
    #[schema(example = "country-code-added")]
    pub(crate) repair: Option<String>,
    #[schema(value_type = wire::ContactState)]
    pub(crate) state: ContactState,
    /// From when on it may be called by the retry policy, whatever the hours say; null if it is not to be called.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// Its attempts that count.
    pub(crate) attempts: u32,
    /// What its last attempt came to, or what it failed as without one; null if neither.
    #[schema(value_type = Option<wire::Outcome>)]
    pub(crate) last_outcome: Option<Outcome>,
    /// The callback that was last asked for, made or not; null if none was.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) callback_at: Option<DateTime<Utc>>,
    /// What whoever calls should know; null if nothing.
    pub(crate) callback_note: Option<String>,
    /// Whether that callback is still to be made.
    pub(crate) callback_waits: bool,
    /// Why it was set aside: the error that it made its campaign fail with; null if it was not.
    #[schema(example = "value too long")]
    pub(crate) set_aside: Option<String>,
    /// What the server that is asked before each call last said that kept it from being called; null if it has said nothing,
    /// or the contact was called since.
    #[schema(example = "vetoed by the server that is asked before each call: has paid meanwhile")]
    pub(crate) before_call: Option<String>,
}

/// Where somebody may be: the zones whose clocks count, and the places whose rules do; or the zone that the data in use
/// does not know.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Area {
    Known(KnownPlaces),
    ZoneMissing(MissingZone),
}

/// Where somebody may be.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownPlaces {
    /// The zones whose clocks all count; null if nothing tells them.
    #[schema(example = json!(["America/New_York"]))]
    pub(crate) zones: Option<Vec<String>>,
    /// What tells them, or why nothing does, by its stable name.
    #[schema(example = "area-code")]
    pub(crate) told_by: &'static str,
    /// The places whose rules may protect them: countries or parts of them.
    #[schema(example = json!(["US-DC"]))]
    pub(crate) places: Vec<String>,
}

/// A zone that the data in use does not know.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingZone {
    /// Null: nobody can tell their hours.
    pub(crate) zones: (),
    /// Its name.
    #[schema(example = "America/Coyhaique")]
    pub(crate) missing_zone: String,
}

impl From<KnownArea> for Area {
    fn from(area: KnownArea) -> Self {
        match area {
            KnownArea::Whole(area) => Self::Known(KnownPlaces {
                zones: zones(&area.zones),
                told_by: area.told_by(),
                places: area.places.iter().map(|place| place.to_string()).collect(),
            }),
            KnownArea::ZoneMissing(zone) => {
                Self::ZoneMissing(MissingZone { zones: (), missing_zone: zone.to_string() })
            }
        }
    }
}

impl From<contacts::Contact> for Contact {
    fn from(contact: contacts::Contact) -> Self {
        let (callback_at, callback_note) =
            contact.callback.map_or((None, None), |callback| (Some(callback.at), callback.note));
        Self {
            id: contact.id,
            position: contact.position,
            phone: contact.phone,
            extension: Some(contact.extension).filter(|extension| !extension.is_empty()),
            name: contact.name,
            metadata: contact.metadata,
            row: contact.file_row,
            import_id: contact.import,
            region: contact.region,
            number_type: contact.number_type,
            alternates: contact.alternates,
            timezone: contact.timezone,
            area: contact.area.into(),
            priority: contact.priority,
            repair: contact.repair,
            state: contact.state,
            due_at: contact.due_at,
            attempts: contact.attempts,
            last_outcome: contact.last_outcome,
            callback_at,
            callback_note,
            callback_waits: contact.callback_waits,
            set_aside: contact.set_aside,
            before_call: contact.before_call,
        }
    }
}
