//! The outbox: what happened in a campaign, numbered under the campaign's row lock.
//!
//! Events are written by the statements that make them true, as the last part of each: the campaign's UPDATE draws
//! the number, an INSERT takes it. This module only reads.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Database, Error, query};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number in the campaign, from 1, without gaps.
    pub number: i64,
    /// What happened, such as `attempt.ended`.
    pub kind: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The contact it is about.
    pub contact: Option<Uuid>,
    /// The attempt it is about.
    pub attempt: Option<Uuid>,
    /// What else there is to say.
    pub data: serde_json::Value,
}

/// The events of a campaign after a number, oldest first.
pub async fn list_events(
    database: &Database,
    campaign: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Event>, Error> {
    const SQL: &str = "
        SELECT number, kind, at, contact_id, attempt_id, data
        FROM events
        WHERE campaign_id = $1 AND number > $2
        ORDER BY number LIMIT $3";
    let rows = query(&database.client().await?, SQL, &[&campaign, &after, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                number: row.try_get("number")?,
                kind: row.try_get("kind")?,
                at: row.try_get("at")?,
                contact: row.try_get("contact_id")?,
                attempt: row.try_get("attempt_id")?,
                data: row.try_get("data")?,
            })
        })
        .collect()
}
