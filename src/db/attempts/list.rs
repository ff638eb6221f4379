//! Attempts as they are read: by the API, and by those who look for calls that have fallen silent.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::campaigns::money;
use crate::db::look::earlier;
use crate::db::{Database, Error, Session, name_opt, query, query_one, query_opt};
use crate::domain::attempt::Status;
use crate::domain::money::Money;
use crate::domain::outcome::Outcome;
use crate::domain::retry::Earlier;
use crate::domain::zone::Zone;

/// An attempt, as the API shows it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id.
    pub id: Uuid,
    /// Its contact.
    pub contact: Uuid,
    /// Its number among the contact's attempts, from 1.
    pub number: i32,
    /// The called number.
    pub to: String,
    /// The calling number.
    pub from: String,
    /// The provider's id of the call.
    pub sid: Option<String>,
    /// What the provider says.
    pub status: Option<Status>,
    /// What it came to.
    pub outcome: Option<Outcome>,
    /// Who took the call.
    pub answered_by: Option<String>,
    /// The provider's code for a refusal.
    pub error_code: Option<i32>,
    /// The provider's words for it.
    pub error_message: Option<String>,
    /// Seconds of conversation.
    pub duration_seconds: Option<i32>,
    /// What the call cost, once the provider has said it.
    pub price: Option<Money>,
    /// The currency of that.
    pub price_unit: Option<String>,
    /// When the intent was written.
    pub intended_at: DateTime<Utc>,
    /// When the provider's call became known.
    pub placed_at: Option<DateTime<Utc>>,
    /// When it began to ring.
    pub ringing_at: Option<DateTime<Utc>>,
    /// When it was taken.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When its outcome was applied.
    pub settled_at: Option<DateTime<Utc>>,
    /// The version of the settings that it was called under.
    pub settings_version: i32,
}

/// Which attempts of a campaign are listed.
#[derive(Debug, Clone, Default)]
pub struct AttemptFilter {
    /// Only those that came to this.
    pub outcome: Option<Outcome>,
    /// Only those of this contact.
    pub contact: Option<Uuid>,
    /// Only those made before this one.
    pub before: Option<Uuid>,
}

/// A page of a campaign's attempts, newest first.
pub async fn list_attempts(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    filter: &AttemptFilter,
    limit: i64,
) -> Result<Vec<Attempt>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM attempts
         WHERE campaign_id = $1 AND team_id = $2
           AND ($3::text IS NULL OR outcome = $3) AND ($4::uuid IS NULL OR contact_id = $4)
           AND id < coalesce($5, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         ORDER BY id DESC LIMIT $6"
    );
    let outcome = filter.outcome.map(Outcome::as_str);
    let params: crate::db::Params<'_> =
        &[&campaign, &team, &outcome, &filter.contact, &filter.before, &limit];
    query(&database.client().await?, &sql, params).await?.iter().map(attempt).collect()
}

/// The newest attempts of a contact, so many of them, the first first.
pub(in crate::db) async fn list_newest_of(
    client: &impl Session,
    team: Uuid,
    contact: Uuid,
    limit: i64,
) -> Result<Vec<Attempt>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attempts WHERE contact_id = $1 AND team_id = $2 ORDER BY number DESC LIMIT $3"
    );
    query(client, &sql, &[&contact, &team, &limit]).await?.iter().rev().map(attempt).collect()
}

const COLUMNS: &str = "
    id, contact_id, number, to_phone, from_phone, sid, status, outcome, answered_by, error_code, error_message,
    duration_seconds, intended_at, placed_at, ringing_at, answered_at, ended_at, settled_at, settings_version,
    CASE WHEN NOT price_is_assumed THEN price END AS price, price_unit";

fn attempt(row: &Row) -> Result<Attempt, Error> {
    Ok(Attempt {
        id: row.try_get("id")?,
        contact: row.try_get("contact_id")?,
        number: row.try_get("number")?,
        to: row.try_get("to_phone")?,
        from: row.try_get("from_phone")?,
        sid: row.try_get("sid")?,
        status: name_opt(row, "status", Status::parse)?,
        outcome: name_opt(row, "outcome", Outcome::parse)?,
        answered_by: row.try_get("answered_by")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
        duration_seconds: row.try_get("duration_seconds")?,
        price: row.try_get::<_, Option<i64>>("price")?.map(money).transpose()?,
        price_unit: row.try_get("price_unit")?,
        intended_at: row.try_get("intended_at")?,
        placed_at: row.try_get("placed_at")?,
        ringing_at: row.try_get("ringing_at")?,
        answered_at: row.try_get("answered_at")?,
        ended_at: row.try_get("ended_at")?,
        settled_at: row.try_get("settled_at")?,
        settings_version: row.try_get("settings_version")?,
    })
}

/// By what a call can be asked for.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The provider's id, if one is known.
    pub sid: Option<String>,
    /// The called number.
    pub to: String,
    /// The calling number.
    pub from: String,
    /// When the intent was written.
    pub intended_at: DateTime<Utc>,
}

/// By what an attempt's call can be asked for.
pub async fn find_trace(database: &Database, attempt: Uuid) -> Result<Option<Trace>, Error> {
    const SQL: &str = "
        SELECT sid, to_phone, from_phone, intended_at FROM attempts WHERE id = $1";
    let row = query_opt(&database.client().await?, SQL, &[&attempt]).await?;
    row.map(|row| {
        Ok(Trace {
            sid: row.try_get("sid")?,
            to: row.try_get("to_phone")?,
            from: row.try_get("from_phone")?,
            intended_at: row.try_get("intended_at")?,
        })
    })
    .transpose()
}

/// A contact's settled attempts that counted since its retry policy began, for the verdict on one that follows them. They
/// are found as [`crate::db::look::look`] finds them.
pub async fn find_earlier(database: &Database, contact: Uuid, zone: &Zone) -> Result<Earlier, Error> {
    const SQL: &str = "
        SELECT array_agg(outcome) AS outcomes, array_agg(coalesce(ended_at, settled_at)) AS ends
        FROM contacts
        CROSS JOIN LATERAL (
            SELECT contact_id, number, outcome, ended_at, settled_at FROM attempts
            WHERE to_phone = contacts.phone AND team_id = contacts.team_id
              AND outcome IS DISTINCT FROM 'not-placed' OFFSET 0) calls
        WHERE contacts.id = $1 AND contact_id = $1 AND settled_at IS NOT NULL AND calls.number > contacts.anew_after";
    earlier(&query_one(&database.client().await?, SQL, &[&contact]).await?, zone)
}

/// How many attempts are open.
pub async fn count_open(database: &Database) -> Result<i64, Error> {
    let sql = "SELECT count(*) AS open FROM attempts WHERE settled_at IS NULL";
    Ok(query_one(&database.client().await?, sql, &[]).await?.try_get("open")?)
}
