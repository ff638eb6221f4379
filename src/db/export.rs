//! Whole lists as they are taken away: a campaign's contacts and attempts, some thousands at a time. Between two of those,
//! neither a connection nor a snapshot is held, however slowly somebody reads: under a snapshot of an hour, dead rows would
//! pile up at the heads of the queues.
//!
//! So a list is not all of one moment: each contact is in it once, as it stood when its turn came, and so is each attempt.
//! What is added after the beginning is not in it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::money::Money;
use crate::domain::outcome::Outcome;

use super::campaigns::money;
use super::{Database, Error, query, query_opt, reads};

/// Rows that are read at once.
const AT_ONCE: i64 = 2_000;

/// Which rows are taken, and what of them.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only contacts in this state.
    pub state: Option<ContactState>,
    /// Only those whose last attempt, or attempts that themselves, came to this.
    pub outcome: Option<Outcome>,
    /// With what the file said of the person in its other columns.
    pub metadata: bool,
}

/// Rows as they were read. To understand them takes longer than to wait for them, so whoever answers others meanwhile does
/// that elsewhere.
#[derive(Debug)]
pub struct Rows(Vec<Row>);

/// A contact that is taken away.
#[derive(Debug, Clone)]
pub struct ContactRow {
    /// Its id.
    pub id: Uuid,
    /// The row of the file that it comes from.
    pub file_row: i32,
    /// Its number.
    pub phone: String,
    /// What is dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// Where the number is.
    pub region: Option<String>,
    /// What kind of line it is.
    pub number_type: Option<String>,
    /// Its own time zone, where the file says it.
    pub timezone: Option<String>,
    /// The zones whose clocks count for it, with commas between them.
    pub zones: Option<String>,
    /// As the list says it.
    pub priority: i16,
    /// How it stands.
    pub state: String,
    /// From when on it may be called, exactly while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Attempts that count.
    pub attempts: i32,
    /// What the last attempt came to.
    pub last_outcome: Option<String>,
    /// The callback that was last asked for, made or not.
    pub callback_at: Option<DateTime<Utc>>,
    /// A note for whoever makes it.
    pub callback_note: Option<String>,
    /// Why it was set aside, if it was.
    pub set_aside: Option<String>,
    /// What kept it from being called when its turn had come.
    pub before_call: Option<String>,
    /// The file's other columns, if they are wanted.
    pub metadata: Map<String, Value>,
}

/// An attempt that is taken away.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its id.
    pub id: Uuid,
    /// Its contact.
    pub contact: Uuid,
    /// Its contact's name.
    pub name: Option<String>,
    /// Its number among the contact's attempts, from 1.
    pub number: i32,
    /// The called number.
    pub to: String,
    /// The calling number.
    pub from: String,
    /// The provider's id of the call.
    pub sid: Option<String>,
    /// What the provider says.
    pub status: Option<String>,
    /// What it came to; none while it is open.
    pub outcome: Option<String>,
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
    /// What the file said of the contact in its other columns, if that is wanted.
    pub metadata: Map<String, Value>,
}

/// The names of the metadata that a campaign's contacts have, in the order of the alphabet. They are looked for in so many
/// contacts at a time, so that no statement takes long.
pub async fn list_metadata_names(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
) -> Result<Vec<String>, Error> {
    const SQL: &str = "
        SELECT DISTINCT key FROM contacts CROSS JOIN LATERAL jsonb_object_keys(metadata) AS keys (key)
        WHERE campaign_id = $1 AND team_id = $2 AND position > $3 AND position <= $4";
    const LOOKED_THROUGH: i32 = 100_000;
    let last = query_opt(&database.client().await?, LAST_CONTACT, &[&campaign, &team]).await?;
    let last: i32 = last.map_or(Ok(0), |row| row.try_get("last"))?;
    let (mut names, mut after) = (BTreeSet::new(), 0);
    while after < last {
        let until = after.saturating_add(LOOKED_THROUGH);
        let reading = reads::begin(database).await?;
        for row in query(&reading.connection, SQL, &[&campaign, &team, &after, &until]).await? {
            names.insert(row.try_get("key")?);
        }
        after = until;
    }
    Ok(names.into_iter().collect())
}

const LAST_CONTACT: &str = "
    SELECT position AS last FROM contacts WHERE campaign_id = $1 AND team_id = $2 ORDER BY position DESC LIMIT 1";

/// Where a list goes on: behind a row, up to the one that was the last at the beginning.
#[derive(Clone, Copy)]
enum Place<C> {
    Beginning,
    Between { after: C, last: C },
    End,
}

/// A campaign's contacts, in the order of the list.
pub fn stream_contacts(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    wanted: Wanted,
) -> impl Stream<Item = Result<Rows, Error>> + use<> {
    let sql = format!(
        "SELECT position AS place, contacts.id, file_row, phone, extension, contacts.name, region, number_type, timezone,
                zones, priority, contacts.state, due_at, contacts.attempts, last_outcome, callback_at, callback_note,
                set_aside, before_call, {} AS metadata
         FROM contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         WHERE contacts.campaign_id = $1 AND contacts.team_id = $2 AND position > $3 AND position <= $4
           AND ($5::text IS NULL OR state = $5) AND ($6::text IS NULL OR last_outcome = $6)
         ORDER BY position LIMIT $7",
        metadata(&wanted),
    );
    let state = wanted.state.map(ContactState::as_str);
    let outcome = wanted.outcome.map(Outcome::as_str);
    let read = async move |database: Database, after: i32, last: i32| {
        let reading = reads::begin(&database).await?;
        let params: super::Params<'_> = &[&campaign, &team, &after, &last, &state, &outcome, &AT_ONCE];
        query(&reading.connection, &sql, params).await
    };
    stream_from(database, (LAST_CONTACT, campaign, team), 0, read)
}

/// A campaign's attempts, the first first.
pub fn stream_attempts(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    wanted: Wanted,
) -> impl Stream<Item = Result<Rows, Error>> + use<> {
    const LAST: &str = "
        SELECT id AS last FROM attempts WHERE campaign_id = $1 AND team_id = $2 ORDER BY id DESC LIMIT 1";
    let sql = format!(
        "SELECT attempts.id AS place, attempts.id, contact_id, contacts.name, number, to_phone, from_phone, sid, status,
                outcome, answered_by, error_code, error_message, duration_seconds,
                CASE WHEN NOT price_is_assumed THEN price END AS price, price_unit, intended_at, placed_at, ringing_at,
                answered_at, ended_at, settled_at, settings_version, {} AS metadata
         FROM attempts
         JOIN contacts ON contacts.id = attempts.contact_id AND contacts.team_id = attempts.team_id
         WHERE attempts.campaign_id = $1 AND attempts.team_id = $2 AND attempts.id > $3 AND attempts.id <= $4
           AND ($5::text IS NULL OR outcome = $5)
         ORDER BY attempts.id LIMIT $6",
        metadata(&wanted),
    );
    let outcome = wanted.outcome.map(Outcome::as_str);
    let read = async move |database: Database, after: Uuid, last: Uuid| {
        let reading = reads::begin(&database).await?;
        let params: super::Params<'_> = &[&campaign, &team, &after, &last, &outcome, &AT_ONCE];
        query(&reading.connection, &sql, params).await
    };
    stream_from(database, (LAST, campaign, team), Uuid::nil(), read)
}

fn metadata(wanted: &Wanted) -> &'static str {
    if wanted.metadata { "metadata" } else { "NULL::jsonb" }
}

/// Rows from the first on, until there are none up to the one that is the last now.
fn stream_from<C, R>(
    database: &Database,
    (last, campaign, team): (&'static str, Uuid, Uuid),
    first: C,
    read: R,
) -> impl Stream<Item = Result<Rows, Error>> + use<C, R>
where
    C: Copy + for<'r> tokio_postgres::types::FromSql<'r>,
    R: AsyncFn(Database, C, C) -> Result<Vec<Row>, Error>,
{
    let database = database.clone();
    let state = (Place::Beginning, read);
    stream::try_unfold(state, move |(place, read)| {
        let database = database.clone();
        async move {
            let (after, last) = match place {
                Place::End => return Ok(None),
                Place::Between { after, last } => (after, last),
                Place::Beginning => {
                    let client = database.client().await?;
                    let Some(row) = query_opt(&client, last, &[&campaign, &team]).await? else {
                        return Ok(None);
                    };
                    (first, row.try_get("last")?)
                }
            };
            let rows = read(database, after, last).await?;
            let is_whole = i64::try_from(rows.len()).is_ok_and(|rows| rows == AT_ONCE);
            let next = match rows.last().filter(|_| is_whole) {
                Some(row) => Place::Between { after: row.try_get("place")?, last },
                None => Place::End,
            };
            Ok(Some((Rows(rows), (next, read))))
        }
    })
    .into_stream()
}

impl Rows {
    /// The contacts that they are.
    pub fn contacts(&self) -> impl Iterator<Item = Result<ContactRow, Error>> {
        self.0.iter().map(contact)
    }

    /// The attempts that they are.
    pub fn attempts(&self) -> impl Iterator<Item = Result<AttemptRow, Error>> {
        self.0.iter().map(attempt)
    }
}

fn contact(row: &Row) -> Result<ContactRow, Error> {
    Ok(ContactRow {
        id: row.try_get("id")?,
        file_row: row.try_get("file_row")?,
        phone: row.try_get("phone")?,
        extension: row.try_get("extension")?,
        name: row.try_get("name")?,
        region: row.try_get("region")?,
        number_type: row.try_get("number_type")?,
        timezone: row.try_get("timezone")?,
        zones: row.try_get("zones")?,
        priority: row.try_get("priority")?,
        state: row.try_get("state")?,
        due_at: row.try_get("due_at")?,
        attempts: row.try_get("attempts")?,
        last_outcome: row.try_get("last_outcome")?,
        callback_at: row.try_get("callback_at")?,
        callback_note: row.try_get("callback_note")?,
        set_aside: row.try_get("set_aside")?,
        before_call: row.try_get("before_call")?,
        metadata: metadata_of(row)?,
    })
}

fn attempt(row: &Row) -> Result<AttemptRow, Error> {
    Ok(AttemptRow {
        id: row.try_get("id")?,
        contact: row.try_get("contact_id")?,
        name: row.try_get("name")?,
        number: row.try_get("number")?,
        to: row.try_get("to_phone")?,
        from: row.try_get("from_phone")?,
        sid: row.try_get("sid")?,
        status: row.try_get("status")?,
        outcome: row.try_get("outcome")?,
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
        metadata: metadata_of(row)?,
    })
}

fn metadata_of(row: &Row) -> Result<Map<String, Value>, Error> {
    match row.try_get("metadata")? {
        None => Ok(Map::new()),
        Some(Value::Object(metadata)) => Ok(metadata),
        Some(_) => Err(Error::ImpossibleRow("metadata is no object".to_owned())),
    }
}
