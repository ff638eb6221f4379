//! Events as they are told: one form of JSON for whoever follows, by a stream or a webhook.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use crate::db::events::{About, By, Event, Progress};
use crate::domain::event::EventKind;
use crate::domain::instant;

/// An event, ready to be told to any number of listeners.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its place among all events.
    pub position: i64,
    /// Its team: nobody else hears of it.
    pub team: Uuid,
    /// Its campaign.
    pub campaign: Uuid,
    /// What happened.
    pub kind: EventKind,
    /// All of it, as JSON.
    pub json: Bytes,
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Self {
        let json = serde_json::to_vec(&ToldEvent::from(event)).expect("an event has only text for keys");
        Self {
            position: event.position,
            team: event.team,
            campaign: event.campaign,
            kind: event.kind,
            json: json.into(),
        }
    }
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldEvent<'a> {
    /// Its place among all events, which only grows: who has seen it has seen all before it.
    #[schema(example = 47)]
    pub id: i64,
    /// What happened.
    #[schema(schema_with = kinds)]
    pub kind: EventKind,
    /// When.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub at: DateTime<Utc>,
    /// The campaign to which it happened.
    pub campaign: ToldCampaign<'a>,
    /// The contact that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<ToldContact<'a>>,
    /// The attempt that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attempt_id: Option<Uuid>,
    /// The API key with which it was wished for, if somebody wished for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub by: Option<ToldKey<'a>>,
    /// What else is to be said of it, by its kind.
    #[schema(value_type = Object, example = json!({"outcome": "answered", "number": 1, "contact": "completed"}))]
    pub data: Cow<'a, Value>,
}

/// The campaign to which something happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldCampaign<'a> {
    /// Its id.
    pub id: Uuid,
    /// What it is called now; null if it has been deleted.
    pub name: Option<&'a str>,
}

/// The contact that something is about, as far as is known of it now. Of a deleted one only the id is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldContact<'a> {
    /// Its id.
    pub id: Uuid,
    /// The number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "+12025550101")]
    pub phone: Option<&'a str>,
    /// What is dialed after the call is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub extension: Option<&'a str>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<&'a str>,
    /// The list's other columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object, example = json!({"Company": "Acme"}))]
    pub metadata: Option<&'a Value>,
}

/// The API key with which something was wished for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldKey<'a> {
    /// Its id.
    pub key: Uuid,
    /// Its name.
    pub name: Option<&'a str>,
}

/// The texts of the kinds.
fn kinds() -> Object {
    let kinds = EventKind::ALL.iter().map(|kind| kind.as_str());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds)).build()
}

impl<'a> From<&'a Event> for ToldEvent<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            id: event.position,
            kind: event.kind,
            at: event.at,
            campaign: ToldCampaign { id: event.campaign, name: event.campaign_name.as_deref() },
            contact: event.contact.as_ref().map(ToldContact::from),
            attempt_id: event.attempt,
            by: event.by.as_ref().map(ToldKey::from),
            data: dated(&event.data),
        }
    }
}

/// What is said of an event, its instants written as all others are: the database writes them in its own way.
fn dated(data: &Value) -> Cow<'_, Value> {
    let is_instant = |key: &str| key == "at" || key == "until" || key.ends_with("_at");
    let mut told = Cow::Borrowed(data);
    for (key, value) in data.as_object().into_iter().flatten().filter(|(key, _)| is_instant(key)) {
        if let Some(text) = value.as_str().and_then(instant::rewritten) {
            told.to_mut()[key] = text.into();
        }
    }
    told
}

impl<'a> From<&'a About> for ToldContact<'a> {
    fn from(About { id, known }: &'a About) -> Self {
        let known = known.as_ref();
        Self {
            id: *id,
            phone: known.map(|person| person.phone.as_str()),
            extension: known
                .map(|person| person.extension.as_str())
                .filter(|extension| !extension.is_empty()),
            name: known.and_then(|person| person.name.as_deref()),
            metadata: known.map(|person| &person.metadata),
        }
    }
}

impl<'a> From<&'a By> for ToldKey<'a> {
    fn from(By { key, name }: &'a By) -> Self {
        Self { key: *key, name: name.as_deref() }
    }
}

/// How far a campaign is. It is told while something happens to it, has no place among the events, and is not told again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldProgress {
    /// The campaign.
    pub campaign_id: Uuid,
    /// Contacts in all.
    pub contacts: u32,
    /// Contacts that are to be called.
    pub pending: u32,
    /// Contacts that are being called.
    pub calling: u32,
    /// Contacts that were reached.
    pub completed: u32,
    /// Contacts that were given up.
    pub failed: u32,
    /// Contacts that must not be called.
    pub suppressed: u32,
    /// Attempts that count.
    pub attempts: u32,
}

impl From<&Progress> for ToldProgress {
    fn from(progress: &Progress) -> Self {
        let Progress { campaign, team: _, pending, calling, completed, failed, suppressed, attempts } =
            *progress;
        Self {
            campaign_id: campaign,
            contacts: pending + calling + completed + failed + suppressed,
            pending,
            calling,
            completed,
            failed,
            suppressed,
            attempts,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_told_in_one_shape_and_what_people_wrote_as_it_is() {
        let data = json!({"until": "2026-03-02T15:00:00.123456+00:00", "due_at": "2026-03-02T15:00:00+00:00",
                          "at": null, "note": "2026-03-02T15:00:00+00:00", "number": 1});
        let expected = json!({"until": "2026-03-02T15:00:00.123Z", "due_at": "2026-03-02T15:00:00Z",
                              "at": null, "note": "2026-03-02T15:00:00+00:00", "number": 1});
        assert_eq!(*dated(&data), expected);
        assert!(matches!(dated(&json!({"number": 1})), Cow::Borrowed(_)));
    }
}
