//! Contacts, as the API reads them.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::areas::known_area_of;
use crate::db::look::KnownArea;
use crate::db::{Database, Error, count, name, name_opt, query};
use crate::domain::callback::Callback;
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
    /// Where they may be.
    pub area: KnownArea,
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
    /// The callback that was last asked for, made or not.
    pub callback: Option<Callback>,
    /// Whether that is still to be made.
    pub callback_waits: bool,
    /// Why it was set aside, if it was: the error that it made its campaign fail with.
    pub set_aside: Option<String>,
}

/// What a contact is read from, beside its area's row.
pub(super) const COLUMNS: &str = "
    contacts.id, position, phone, extension, contacts.name, metadata, file_row, import_id, region, number_type,
    alternates, timezone, zones, told_by, places, priority, repair, contacts.state, due_at, contacts.attempts,
    last_outcome, callback_at, callback_note, callback_waits, set_aside";

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
    let sql = format!(
        "SELECT {COLUMNS}
         FROM contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         WHERE contacts.campaign_id = $1 AND contacts.team_id = $2 AND position > $3
           AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR last_outcome = $5)
         ORDER BY position LIMIT $6"
    );
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let params: crate::db::Params<'_> = &[&campaign, &team, &filter.after, &state, &outcome, &limit];
    query(&database.client().await?, &sql, params).await?.iter().map(contact).collect()
}

/// The contact of a row.
pub(super) fn contact(row: &Row) -> Result<Contact, Error> {
    let callback_at: Option<DateTime<Utc>> = row.try_get("callback_at")?;
    let note = row.try_get("callback_note")?;
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
        area: known_area_of(row)?,
        priority: row.try_get("priority")?,
        repair: row.try_get("repair")?,
        state: name(row, "state", ContactState::parse)?,
        due_at: row.try_get("due_at")?,
        attempts: count(row, "attempts")?,
        last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
        callback: callback_at.map(|at| Callback { at, note }),
        callback_waits: row.try_get("callback_waits")?,
        set_aside: row.try_get("set_aside")?,
    })
}
