//! Contacts: written by an upload, read by the API. What a call means for them is in `attempts`.

use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::{Database, Error, count, execute, name, name_opt, query};

/// Contacts of one statement. Larger statements gain nothing and hold more memory.
const BATCH: usize = 5_000;

/// A contact of a list that is being uploaded.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// Its place in the list, from 1.
    pub position: i32,
    /// Its number, in E.164.
    pub phone: String,
    /// What is dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// The row of the file that it comes from.
    pub file_row: i32,
    /// The number as the file wrote it.
    pub raw_phone: String,
    /// The region of its number.
    pub region: Option<String>,
    /// The kind of line.
    pub number_type: Option<String>,
    /// Further numbers of the same person.
    pub alternates: serde_json::Value,
}

/// Adds contacts that are due from `now` on. Part of the transaction that makes the campaign.
pub(super) async fn insert_contacts(
    transaction: &Transaction<'_>,
    team: Uuid,
    campaign: Uuid,
    contacts: &[NewContact],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO contacts
            (id, team_id, campaign_id, position, phone, extension, name, metadata, file_row, raw_phone, region,
             number_type, alternates, state, due_at, updated_at)
        SELECT id, $2, $3, position, phone, extension, name, metadata, file_row, raw_phone, region, number_type,
               alternates, 'pending', $1, $1
        FROM unnest($4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::int[],
                    $11::text[], $12::text[], $13::text[], $14::jsonb[])
          AS t (id, position, phone, extension, name, metadata, file_row, raw_phone, region, number_type,
                alternates)";
    fn column<'a, T>(batch: &'a [NewContact], field: impl Fn(&'a NewContact) -> T) -> Vec<T> {
        batch.iter().map(field).collect()
    }
    for batch in contacts.chunks(BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|_| Uuid::now_v7()).collect();
        execute(
            transaction,
            SQL,
            &[
                &now,
                &team,
                &campaign,
                &ids,
                &column(batch, |contact| contact.position),
                &column(batch, |contact| contact.phone.as_str()),
                &column(batch, |contact| contact.extension.as_str()),
                &column(batch, |contact| contact.name.as_deref()),
                &column(batch, |contact| &contact.metadata),
                &column(batch, |contact| contact.file_row),
                &column(batch, |contact| contact.raw_phone.as_str()),
                &column(batch, |contact| contact.region.as_deref()),
                &column(batch, |contact| contact.number_type.as_deref()),
                &column(batch, |contact| &contact.alternates),
            ],
        )
        .await?;
    }
    Ok(())
}

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
        SELECT id, position, phone, extension, name, metadata, file_row, state, due_at, attempts, last_outcome
        FROM contacts
        WHERE campaign_id = $1 AND team_id = $2 AND position > $3
          AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR last_outcome = $5)
        ORDER BY position LIMIT $6";
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let params: super::Params<'_> = &[&campaign, &team, &filter.after, &state, &outcome, &limit];
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
                state: name(row, "state", ContactState::parse)?,
                due_at: row.try_get("due_at")?,
                attempts: count(row, "attempts")?,
                last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
            })
        })
        .collect()
}
