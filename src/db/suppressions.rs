//! The team-wide list of numbers that must not be contacted. The claim and the last look before a request read it
//! themselves (`attempts`), so what is committed here holds in every running campaign from then on.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::suppression::Source;

use super::{Database, Error, Session, count, execute, name, query, query_one, query_opt};

/// Numbers of one statement. Each is a commit of its own: what a long list has brought so far holds already.
const BATCH: usize = 5_000;

/// Numbers that an export reads at once. It holds neither a connection nor a snapshot while somebody downloads slowly.
const EXPORTED_AT_ONCE: i64 = 5_000;

/// A number that must not be contacted from now on, by any campaign of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuppression {
    /// The number, in E.164.
    pub phone: String,
    /// Why, for people.
    pub reason: String,
    /// Where it comes from.
    pub source: Source,
    /// What else there is to say.
    pub note: Option<String>,
    /// From when on it is over. In the future, or never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A number that must not be contacted, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The number, in E.164.
    pub phone: String,
    /// Why, for people.
    pub reason: String,
    /// Where it comes from.
    pub source: Source,
    /// What else there is to say.
    pub note: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// From when on it is over, if ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What became of numbers that were to be suppressed; each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// They were not suppressed, or no longer.
    pub new: u32,
    /// They were, and are now for longer.
    pub extended: u32,
    /// They were for at least as long, and nothing was changed.
    pub kept: u32,
}

impl AddAssign for Added {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.extended += more.extended;
        self.kept += more.kept;
    }
}

/// Suppresses numbers. Of two suppressions of a number the one that lasts longer stays, with its own reason; a number
/// that is given twice counts once. Repeating it changes nothing.
pub async fn add_suppressions(
    database: &Database,
    team: Uuid,
    suppressions: &[NewSuppression],
    now: DateTime<Utc>,
) -> Result<Added, Error> {
    let client = database.client().await?;
    let mut added = Added::default();
    for batch in suppressions.chunks(BATCH) {
        let of_batch = add(&client, team, batch, now).await?;
        added += of_batch;
    }
    Ok(added)
}

/// Suppresses one number, and returns how it then stands.
pub async fn suppress(
    database: &Database,
    team: Uuid,
    suppression: &NewSuppression,
    now: DateTime<Utc>,
) -> Result<(Suppression, Added), Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let added = add(&transaction, team, std::slice::from_ref(suppression), now).await?;
    let row = query_one(&transaction, FIND, &[&team, &suppression.phone]).await?;
    let suppression = read(&row)?;
    transaction.commit().await?;
    Ok((suppression, added))
}

/// What came of an agent's word that the called person opted out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptedOut {
    /// How the number stands.
    pub suppression: Suppression,
    /// Whether its call was open, and is to be ended.
    pub ends_call: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The number is suppressed.
    OptedOut(OptedOut),
    /// Nobody knows any more which number was called.
    Erased,
    /// The campaign has no such attempt.
    NotFound,
}

/// Suppresses the number of an attempt, and marks its call as one to be ended if `ends_call` and it is still open. Where
/// only the attempt has lost its number, it is the contact's.
pub async fn opt_out(
    database: &Database,
    (team, campaign, attempt): (Uuid, Uuid, Uuid),
    note: Option<&str>,
    ends_call: bool,
    now: DateTime<Utc>,
) -> Result<Told, Error> {
    const PHONE: &str = "
        SELECT CASE WHEN to_phone NOT LIKE 'erased-%' THEN to_phone
                    ELSE (SELECT phone FROM contacts
                          WHERE contacts.id = contact_id AND contacts.campaign_id = $2 AND contacts.team_id = $3
                            AND erased_at IS NULL) END AS phone
        FROM attempts WHERE id = $1 AND campaign_id = $2 AND team_id = $3";
    const END: &str = "
        UPDATE attempts SET end_wanted_at = coalesce(end_wanted_at, $3)
        WHERE id = $1 AND team_id = $2 AND settled_at IS NULL";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(row) = query_opt(&transaction, PHONE, &[&attempt, &campaign, &team]).await? else {
        return Ok(Told::NotFound);
    };
    let Some(phone) = row.try_get::<_, Option<String>>("phone")? else { return Ok(Told::Erased) };
    let told = NewSuppression {
        phone,
        reason: "told an agent".to_owned(),
        source: Source::Agent,
        note: note.map(str::to_owned),
        expires_at: None,
    };
    add(&transaction, team, std::slice::from_ref(&told), now).await?;
    let suppression = read(&query_one(&transaction, FIND, &[&team, &told.phone]).await?)?;
    let ends_call = ends_call && execute(&transaction, END, &[&attempt, &team, &now]).await? > 0;
    transaction.commit().await?;
    Ok(Told::OptedOut(OptedOut { suppression, ends_call }))
}

/// [`add_suppressions`] as a part of a larger decision. The numbers are locked in their order, so that two lists that
/// share some do not wait for each other in a circle.
pub(super) async fn add(
    client: &impl Session,
    team: Uuid,
    suppressions: &[NewSuppression],
    now: DateTime<Utc>,
) -> Result<Added, Error> {
    const SQL: &str = "
        WITH given AS (
            SELECT DISTINCT ON (phone) phone, reason, source, note, expires_at
            FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
                AS t (phone, reason, source, note, expires_at)
            ORDER BY phone, expires_at DESC NULLS FIRST
        ), written AS (
            INSERT INTO suppressions (team_id, phone, reason, source, note, created_at, expires_at)
            SELECT $1, phone, reason, source, note, $2, expires_at FROM given ORDER BY phone
            ON CONFLICT (team_id, phone) DO UPDATE
            SET reason = excluded.reason, source = excluded.source, note = excluded.note,
                created_at = CASE WHEN suppressions.expires_at <= $2 THEN $2 ELSE suppressions.created_at END,
                expires_at = excluded.expires_at
            WHERE coalesce(suppressions.expires_at, 'infinity') < coalesce(excluded.expires_at, 'infinity')
            RETURNING created_at
        )
        SELECT (SELECT count(*) FROM given)::int AS given,
               (count(*) FILTER (WHERE created_at = $2))::int AS new,
               (count(*) FILTER (WHERE created_at <> $2))::int AS extended
        FROM written";
    fn column<'a, T>(batch: &'a [NewSuppression], field: impl Fn(&'a NewSuppression) -> T) -> Vec<T> {
        batch.iter().map(field).collect()
    }
    let params: super::Params<'_> = &[
        &team,
        &now,
        &column(suppressions, |one| one.phone.as_str()),
        &column(suppressions, |one| one.reason.as_str()),
        &column(suppressions, |one| one.source.as_str()),
        &column(suppressions, |one| one.note.as_deref()),
        &column(suppressions, |one| one.expires_at),
    ];
    let row = query_one(client, SQL, params).await?;
    let (given, new, extended) = (count(&row, "given")?, count(&row, "new")?, count(&row, "extended")?);
    Ok(Added { new, extended, kept: given.saturating_sub(new + extended) })
}

const FIND: &str = "
    SELECT phone, reason, source, note, created_at, expires_at FROM suppressions
    WHERE team_id = $1 AND phone = $2";

/// The suppression of a number, also one that is over.
pub async fn find_suppression(
    database: &Database,
    team: Uuid,
    phone: &str,
) -> Result<Option<Suppression>, Error> {
    find_in(&database.client().await?, team, phone).await
}

/// [`find_suppression`] as a part of a larger read.
pub(super) async fn find_in(
    client: &impl Session,
    team: Uuid,
    phone: &str,
) -> Result<Option<Suppression>, Error> {
    query_opt(client, FIND, &[&team, &phone]).await?.as_ref().map(read).transpose()
}

/// A page of the team's suppressions in the order of their numbers, those behind the number `after`; also those that
/// are over.
pub async fn list_suppressions(
    database: &Database,
    team: Uuid,
    after: &str,
    limit: i64,
) -> Result<Vec<Suppression>, Error> {
    const SQL: &str = "
        SELECT phone, reason, source, note, created_at, expires_at FROM suppressions
        WHERE team_id = $1 AND phone > $2
        ORDER BY phone LIMIT $3";
    let rows = query(&database.client().await?, SQL, &[&team, &after, &limit]).await?;
    rows.iter().map(read).collect()
}

/// [`list_suppressions`] for whoever may not know the numbers: those behind the first `from` of them, which have to be counted.
pub async fn list_suppressions_from(
    database: &Database,
    team: Uuid,
    from: i64,
    limit: i64,
) -> Result<Vec<Suppression>, Error> {
    const SQL: &str = "
        SELECT phone, reason, source, note, created_at, expires_at FROM suppressions
        WHERE team_id = $1
        ORDER BY phone LIMIT $3 OFFSET $2";
    let rows = query(&database.client().await?, SQL, &[&team, &from, &limit]).await?;
    rows.iter().map(read).collect()
}

/// All of the team's suppressions in the order of their numbers, a few thousand at a time. What is added or removed
/// meanwhile may be in it or not.
pub fn stream_suppressions(
    database: &Database,
    team: Uuid,
) -> impl Stream<Item = Result<Vec<Suppression>, Error>> + use<> {
    let database = database.clone();
    stream::try_unfold(String::new(), move |after| {
        let database = database.clone();
        async move {
            let page = list_suppressions(&database, team, &after, EXPORTED_AT_ONCE).await?;
            Ok(page.last().map(|last| last.phone.clone()).map(|next| (page, next)))
        }
    })
    .into_stream()
}

/// Takes a number off the list: it may be contacted again. What it was stays on record, with the key that asked for
/// it, or without one if it was whoever has the database. Returns whether it was there.
pub async fn remove_suppression(
    database: &Database,
    team: Uuid,
    phone: &str,
    by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH lifted AS (
            DELETE FROM suppressions WHERE team_id = $1 AND phone = $2
            RETURNING team_id, phone, reason, source, note, created_at, expires_at
        )
        INSERT INTO lifted_suppressions
            (team_id, phone, reason, source, note, created_at, expires_at, lifted_at, lifted_by)
        SELECT team_id, phone, reason, source, note, created_at, expires_at, $4, $3 FROM lifted";
    Ok(execute(&database.client().await?, SQL, &[&team, &phone, &by, &now]).await? > 0)
}

/// The team's campaigns that have a call open to a number that must not be contacted. There are few open calls,
/// however long the list is.
pub async fn list_campaigns_calling_suppressed(
    database: &Database,
    team: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "
        SELECT campaign_id FROM attempts
        WHERE settled_at IS NULL AND team_id = $1
          AND EXISTS (SELECT FROM suppressions
                      WHERE suppressions.team_id = $1 AND phone = to_phone
                        AND (expires_at IS NULL OR expires_at > $2))";
    let rows = query(&database.client().await?, SQL, &[&team, &now]).await?;
    rows.iter().map(|row| Ok(row.try_get("campaign_id")?)).collect()
}

fn read(row: &Row) -> Result<Suppression, Error> {
    Ok(Suppression {
        phone: row.try_get("phone")?,
        reason: row.try_get("reason")?,
        source: name(row, "source", Source::parse)?,
        note: row.try_get("note")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}
