//! Hooks: who is told of events by a POST, or asked before a call. What they are is kept here, whose they are in [`share`],
//! what became of each event in [`deliveries`], and that one gave no answer in [`silence`].

pub mod deliveries;
pub mod share;
pub mod silence;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Database, Error, execute, name_opt, query, query_one, query_opt};
use crate::domain::event::EventKind;
use crate::domain::hook::Stopped;

/// A hook that is to be made.
#[derive(Debug)]
pub struct NewHook<'a> {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: Option<&'a str>,
    /// Where it leads.
    pub url: &'a str,
    /// What it tells of; none stands for everything.
    pub kinds: Option<&'a [EventKind]>,
    /// What it is signed with.
    pub secret: &'a [u8],
    /// The position after which it begins; none for the present.
    pub after: Option<i64>,
}

/// A hook as it is kept, without its secrets.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: Option<String>,
    /// Where it leads.
    pub url: String,
    /// What it tells of; none stands for everything.
    pub kinds: Option<Vec<EventKind>>,
    /// Why and since when nothing is sent, if it is stopped.
    pub stopped: Option<(Stopped, DateTime<Utc>)>,
    /// All events up to this one are delivered or dead.
    pub delivered_position: i64,
    /// When something was last delivered.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Since when nothing is delivered although it is tried.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when the former secret is good, if there is one.
    pub former_until: Option<DateTime<Utc>>,
    /// Events that were given up.
    pub dead: i64,
    /// Until when it is not asked before calls, and why, if it gave no answer.
    pub silent: Option<(DateTime<Utc>, String)>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What came of making a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is made.
    Done,
    /// The team has as many as it may have.
    TooMany,
    /// It is to begin after an event that has not happened: this is the last one.
    NotYet(i64),
}

/// Makes a hook, unless the team has `most` already.
pub async fn insert_hook(
    database: &Database,
    team: Uuid,
    hook: &NewHook<'_>,
    (most, now): (i64, DateTime<Utc>),
) -> Result<Made, Error> {
    // Two that are made at the same time are counted one after the other.
    const LOCK: &str = "SELECT FROM teams WHERE id = $1 FOR NO KEY UPDATE";
    const COUNT: &str = "
        SELECT (SELECT count(*) FROM hooks WHERE team_id = $1) AS hooks, last_position FROM relay";
    const INSERT: &str = "
        INSERT INTO hooks (id, team_id, name, url, kinds, secret, delivered_position, working_since, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    query_opt(&transaction, LOCK, &[&team]).await?;
    let row = query_one(&transaction, COUNT, &[&team]).await?;
    let present: i64 = row.try_get("last_position")?;
    if row.try_get::<_, i64>("hooks")? >= most {
        return Ok(Made::TooMany);
    }
    let after = hook.after.unwrap_or(present);
    if after > present {
        return Ok(Made::NotYet(present));
    }
    let params: super::Params<'_> =
        &[&hook.id, &team, &hook.name, &hook.url, &texts(hook.kinds), &hook.secret, &after, &now];
    execute(&transaction, INSERT, params).await?;
    transaction.commit().await?;
    Ok(Made::Done)
}

const COLUMNS: &str = "
    id, name, url, kinds, stopped_because, stopped_at, delivered_position, last_delivered_at, failing_since, former_until,
    silent_until, silent_because,
    (SELECT count(*) FROM hook_deliveries
     WHERE hook_id = hooks.id AND hook_deliveries.team_id = hooks.team_id AND state = 'dead') AS dead,
    created_at";

/// A team's hooks, the newest first. They are few.
pub async fn list_hooks(database: &Database, team: Uuid) -> Result<Vec<Hook>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM hooks WHERE team_id = $1 ORDER BY id DESC");
    query(&database.client().await?, &sql, &[&team]).await?.iter().map(hook).collect()
}

/// A hook of a team.
pub async fn find_hook(database: &Database, team: Uuid, id: Uuid) -> Result<Option<Hook>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM hooks WHERE id = $1 AND team_id = $2");
    query_opt(&database.client().await?, &sql, &[&id, &team]).await?.as_ref().map(hook).transpose()
}

fn hook(row: &Row) -> Result<Hook, Error> {
    let stopped = name_opt(row, "stopped_because", Stopped::parse)?;
    Ok(Hook {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        url: row.try_get("url")?,
        kinds: kinds(row)?,
        stopped: stopped.map(|why| Ok::<_, Error>((why, row.try_get("stopped_at")?))).transpose()?,
        delivered_position: row.try_get("delivered_position")?,
        last_delivered_at: row.try_get("last_delivered_at")?,
        failing_since: row.try_get("failing_since")?,
        former_until: row.try_get("former_until")?,
        dead: row.try_get("dead")?,
        silent: silent(row)?,
        created_at: row.try_get("created_at")?,
    })
}

fn silent(row: &Row) -> Result<Option<(DateTime<Utc>, String)>, Error> {
    let until: Option<DateTime<Utc>> = row.try_get("silent_until")?;
    until.map(|until| Ok((until, row.try_get("silent_because")?))).transpose()
}

fn kinds(row: &Row) -> Result<Option<Vec<EventKind>>, Error> {
    let texts: Option<Vec<String>> = row.try_get("kinds")?;
    let parse = |texts: Vec<String>| texts.iter().map(|text| Ok(EventKind::parse(text)?)).collect();
    texts.map(parse).transpose()
}

fn texts(kinds: Option<&[EventKind]>) -> Option<Vec<&'static str>> {
    kinds.map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect())
}

/// What is to be changed of a hook. What is none stays.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// What people call it.
    pub name: Option<Option<&'a str>>,
    /// Where it leads.
    pub url: Option<&'a str>,
    /// What it tells of.
    pub kinds: Option<Option<&'a [EventKind]>>,
    /// Whether it works.
    pub is_enabled: Option<bool>,
}

/// Changes a hook; what it is trying is tried again at once, and its server asked again. One that works again begins a new day of tries with what waits.
/// Returns false if there is none.
pub async fn change_hook(
    database: &Database,
    (team, id): (Uuid, Uuid),
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH hook AS (
            UPDATE hooks
            SET name = CASE WHEN $3 THEN $4 ELSE name END,
                url = coalesce($5, url),
                kinds = CASE WHEN $6 THEN $7::text[] ELSE kinds END,
                stopped_because = CASE WHEN $8 THEN NULL
                                       WHEN NOT $8 THEN coalesce(stopped_because, 'by-hand')
                                       ELSE stopped_because END,
                stopped_at = CASE WHEN $8 THEN NULL WHEN NOT $8 THEN coalesce(stopped_at, $9) ELSE stopped_at END,
                working_since = CASE WHEN $8 AND stopped_because IS NOT NULL THEN $9 ELSE working_since END,
                failing_since = CASE WHEN $8 AND stopped_because IS NOT NULL THEN NULL ELSE failing_since END,
                silent_until = NULL, silent_because = NULL, silent_times = 0,
                version = version + 1
            WHERE id = $1 AND team_id = $2
            RETURNING id, team_id
        ), tried_again AS (
            UPDATE hook_deliveries SET next_try_at = $9
            FROM hook
            WHERE hook_id = hook.id AND hook_deliveries.team_id = hook.team_id AND state = 'retrying'
        )
        SELECT FROM hook";
    let params: super::Params<'_> = &[
        &id,
        &team,
        &change.name.is_some(),
        &change.name.flatten(),
        &change.url,
        &change.kinds.is_some(),
        &texts(change.kinds.flatten()),
        &change.is_enabled,
        &now,
    ];
    Ok(query_opt(&database.client().await?, SQL, params).await?.is_some())
}

/// Finds the name of a campaign, if any is not over, that wants a hook's server to be asked before its calls.
pub async fn find_campaign_that_asks(
    database: &Database,
    team: Uuid,
    id: Uuid,
) -> Result<Option<String>, Error> {
    const SQL: &str = "
        SELECT name FROM campaigns
        WHERE team_id = $1 AND state NOT IN ('completed', 'failed', 'canceled')
          AND settings #>> '{before_call,hook}' = $2::uuid::text
        LIMIT 1";
    let row = query_opt(&database.client().await?, SQL, &[&team, &id]).await?;
    Ok(row.map(|row| row.try_get("name")).transpose()?)
}

/// Removes a hook and what is known of its deliveries. Returns false if there was none.
pub async fn delete_hook(database: &Database, team: Uuid, id: Uuid) -> Result<bool, Error> {
    let client = database.client().await?;
    Ok(execute(&client, "DELETE FROM hooks WHERE id = $1 AND team_id = $2", &[&id, &team]).await? > 0)
}

/// Gives a hook a secret in place of the one that it has, which is good beside it until then. Returns false if there is
/// none.
pub async fn rotate_secret(
    database: &Database,
    (team, id): (Uuid, Uuid),
    secret: &[u8],
    former_until: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE hooks SET secret = $3, former_secret = secret, former_until = $4, version = version + 1
        WHERE id = $1 AND team_id = $2";
    Ok(execute(&database.client().await?, SQL, &[&id, &team, &secret, &former_until]).await? > 0)
}

/// Where a hook leads, and the secrets that are good, the newest first.
#[derive(Debug)]
pub struct Destination {
    /// Where.
    pub url: String,
    /// The secrets.
    pub secrets: Vec<Vec<u8>>,
}

/// Where a hook leads now.
pub async fn find_destination(
    database: &Database,
    (team, id): (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<Option<Destination>, Error> {
    const SQL: &str = "
        SELECT url, secret, CASE WHEN former_until > $3 THEN former_secret END AS former_secret
        FROM hooks WHERE id = $1 AND team_id = $2";
    query_opt(&database.client().await?, SQL, &[&id, &team, &now])
        .await?
        .as_ref()
        .map(destination)
        .transpose()
}

fn destination(row: &Row) -> Result<Destination, Error> {
    let former: Option<Vec<u8>> = row.try_get("former_secret")?;
    let secrets = std::iter::once(row.try_get("secret")?).chain(former).collect();
    Ok(Destination { url: row.try_get("url")?, secrets })
}
