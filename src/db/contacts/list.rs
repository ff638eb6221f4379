//! Contacts, as the API reads them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Database, Error, count, name, name_opt, query};
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

/// A contact, as the API shows it.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its id.
    pub id: Uuid,
    /// Its place in the list.
    pub position: i32,
    /// Its number.
    pub phone: String,
    /// What is dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// The row of the file that it comes from.
    pub file_row: i32,
    /// The list that it came with.
    pub import: Option<Uuid>,
    /// Where the number is.
    pub region: Option<String>,
    /// What kind of line it is.
    pub number_type: Option<String>,
    /// Further numbers of the same person.
    pub alternates: serde_json::Value,
    /// Its own time zone, where the file says it.
    pub timezone: Option<String>,
    /// As the list says it.
    pub priority: i16,
    /// What was repaired about its number, by its stable name.
    pub repair: Option<String>,
    /// How it stands.
    pub state: ContactState,
    /// From when on it may be called, exactly while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Attempts that count.
    pub attempts: u32,
    /// What the last attempt came to.
    pub last_outcome: Option<Outcome>,
}

/// Which contacts of a campaign are listed.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// Only those in this state.
    pub state: Option<ContactState>,
    /// Only those whose last attempt came to this.
    pub outcome: Option<Outcome>,
    /// Only those behind this position.
    pub after: i32,
}

/// A page of a campaign's contacts, in the order of the list.
pub async fn list_contacts(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    filter: &ContactFilter,
    limit: i64,
) -> Result<Vec<Contact>, Error> {
    const SQL: &str = "
        SELECT id, position, phone, extension, name, metadata, file_row, import_id, region, number_type,
               alternates, timezone, priority, repair, state, due_at, attempts, last_outcome
        FROM contacts
        WHERE campaign_id = $1 AND team_id = $2 AND position > $3
          AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR last_outcome = $5)
        ORDER BY position LIMIT $6";
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let params: crate::db::Params<'_> = &[&campaign, &team, &filter.after, &state, &outcome, &limit];
    query(&database.client().await?, SQL, params)
        .await?
        .iter()
        .map(|row| {
            Ok(Contact {
                id: row.try_get("id")?,
                position: row.try_get("position")?,
                phone: row.try_get("phone")?,
                extension: row.try_get("extension")?,
                name: row.try_get("name")?,
                metadata: row.try_get("metadata")?,
                file_row: row.try_get("file_row")?,
                import: row.try_get("import_id")?,
                region: row.try_get("region")?,
                number_type: row.try_get("number_type")?,
                alternates: row.try_get("alternates")?,
                timezone: row.try_get("timezone")?,
                priority: row.try_get("priority")?,
                repair: row.try_get("repair")?,
                state: name(row, "state", ContactState::parse)?,
                due_at: row.try_get("due_at")?,
                attempts: count(row, "attempts")?,
                last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
            })
        })
        .collect()
}
