//! Teams and API keys. Only a key's hash and prefix are kept.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Database, Error, Session, execute, name, query, query_one, query_opt};
use crate::domain::access::Role;

/// A key as it is kept.
#[derive(Debug)]
pub struct NewKey<'a> {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: &'a str,
    /// The first characters, by which people tell keys apart.
    pub prefix: &'a str,
    /// The SHA-256 of the whole key.
    pub hash: &'a [u8],
    /// What it is for.
    pub role: Role,
    /// Until when it is good, if not for ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The default team, made where there is none. Nodes that start together for the first time make one between them:
/// with two, a key would belong to both.
pub async fn ensure_team(database: &Database) -> Result<Uuid, Error> {
    const LOCK: &str = "LOCK TABLE teams IN SHARE ROW EXCLUSIVE MODE";
    const INSERT: &str = "
        INSERT INTO teams (id, name)
        SELECT $1, 'default' WHERE NOT EXISTS (SELECT FROM teams)";
    const SELECT: &str = "SELECT id FROM teams ORDER BY created_at, id LIMIT 1";
    let mut client = database.client().await?;
    if let Some(row) = query_opt(&client, SELECT, &[]).await? {
        return Ok(row.try_get("id")?);
    }
    let transaction = client.transaction().await?;
    execute(&transaction, LOCK, &[]).await?;
    execute(&transaction, INSERT, &[&Uuid::now_v7()]).await?;
    let row = query_one(&transaction, SELECT, &[]).await?;
    transaction.commit().await?;
    Ok(row.try_get("id")?)
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// When it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub created_at: DateTime<Utc>,
}

/// All teams, the oldest first.
pub async fn list_teams(database: &Database) -> Result<Vec<Team>, Error> {
    const SQL: &str = "SELECT id, name, created_at FROM teams ORDER BY created_at, id";
    let rows = query(&database.client().await?, SQL, &[]).await?;
    let team = |row: &Row| {
        let (id, name, created_at) = (row.try_get("id")?, row.try_get("name")?, row.try_get("created_at")?);
        Ok(Team { id, name, created_at })
    };
    rows.iter().map(team).collect()
}

/// Adds a team together with its first key. Returns false, and adds nothing, where another team has the name.
pub async fn insert_team(
    database: &Database,
    (team, called): (Uuid, &str),
    key: &NewKey<'_>,
) -> Result<bool, Error> {
    // Two that make a team of one name at the same time meet here.
    const LOCK: &str = "LOCK TABLE teams IN SHARE ROW EXCLUSIVE MODE";
    const TEAM: &str = "
        INSERT INTO teams (id, name) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM teams WHERE name = $2)";
    const KEY: &str = "
        INSERT INTO api_keys (id, team_id, name, prefix, hash, role, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    execute(&transaction, LOCK, &[]).await?;
    if execute(&transaction, TEAM, &[&team, &called]).await? == 0 {
        return Ok(false);
    }
    let params: super::Params<'_> =
        &[&key.id, &team, &key.name, &key.prefix, &key.hash, &key.role.as_str(), &key.expires_at];
    execute(&transaction, KEY, params).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Adds a key.
pub async fn insert_key(database: &Database, team: Uuid, key: &NewKey<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO api_keys (id, team_id, name, prefix, hash, role, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params: super::Params<'_> =
        &[&key.id, &team, &key.name, &key.prefix, &key.hash, &key.role.as_str(), &key.expires_at];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Adds the team's first key. Returns false where the team already has one.
pub async fn insert_first_key(database: &Database, team: Uuid, key: &NewKey<'_>) -> Result<bool, Error> {
    const SQL: &str = "
        INSERT INTO api_keys (id, team_id, name, prefix, hash, role)
        SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM api_keys WHERE team_id = $2)";
    let params: super::Params<'_> = &[&key.id, &team, &key.name, &key.prefix, &key.hash, &key.role.as_str()];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// Makes a key that is known from outside the only valid one of its name: whoever changes it there has changed it.
pub async fn ensure_key(database: &Database, team: Uuid, key: &NewKey<'_>) -> Result<(), Error> {
    const SQL: &str = "
        WITH former AS (
            UPDATE api_keys SET revoked_at = now()
            WHERE team_id = $2 AND name = $3 AND hash <> $5 AND revoked_at IS NULL
        )
        INSERT INTO api_keys (id, team_id, name, prefix, hash, role) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (hash, team_id) DO UPDATE SET revoked_at = NULL WHERE api_keys.name = excluded.name";
    let params: super::Params<'_> = &[&key.id, &team, &key.name, &key.prefix, &key.hash, &key.role.as_str()];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The team.
    pub team: Uuid,
    /// The key.
    pub key: Uuid,
    /// What people call it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What the key is for.
    pub role: Role,
}

/// Who holds the key with this hash, unless it was revoked or has expired by `now`. That it was used is kept to the minute.
pub async fn find_holder(
    database: &Database,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Holder>, Error> {
    const FIND: &str = "
        SELECT id, team_id, name, prefix, role, coalesce(last_used_at + interval '1 minute' < $2, true) AS is_news
        FROM api_keys
        WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    let client = database.client().await?;
    let Some(row) = query_opt(&client, FIND, &[&hash, &now]).await? else { return Ok(None) };
    let holder = holder(&row)?;
    if row.try_get("is_news")? {
        note_use(&client, &holder, now).await?;
    }
    Ok(Some(holder))
}

/// A row's key, with whose it is.
pub(super) fn holder(row: &Row) -> Result<Holder, Error> {
    Ok(Holder {
        team: row.try_get("team_id")?,
        key: row.try_get("id")?,
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        role: name(row, "role", Role::parse)?,
    })
}

/// Writes that a key was used. Of many who find it to be news at the same time, one does.
pub(super) async fn note_use(
    client: &impl Session,
    holder: &Holder,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE api_keys SET last_used_at = $3
        WHERE id = $1 AND team_id = $2 AND (last_used_at IS NULL OR last_used_at + interval '1 minute' < $3)";
    execute(client, SQL, &[&holder.key, &holder.team, &now]).await?;
    Ok(())
}

/// A key, for those who look after them.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it is for.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good, if not for ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// When somebody last came with it, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, name, prefix, role, created_at, expires_at, last_used_at, revoked_at";

/// A team's keys, the newest first; those that were revoked too.
pub async fn list_keys(database: &Database, team: Uuid) -> Result<Vec<Key>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE team_id = $1 ORDER BY id DESC");
    query(&database.client().await?, &sql, &[&team]).await?.iter().map(key).collect()
}

fn key(row: &Row) -> Result<Key, Error> {
    Ok(Key {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        role: name(row, "role", Role::parse)?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        last_used_at: row.try_get("last_used_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

/// What came of revoking a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// Nobody gets in with it any more, or did before.
    Done,
    /// It is the last with which anybody could be let in.
    LastAdmin,
    /// The team has no such key.
    NotFound,
}

/// Revokes a key, unless that would leave the team without anybody who can make another.
pub async fn revoke_key(
    database: &Database,
    team: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Revoked, Error> {
    // Two admins who revoke each other's key at the same time meet here.
    const LOCK: &str = "SELECT FROM teams WHERE id = $1 FOR UPDATE";
    const REVOKE: &str = "
        UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3)
        WHERE id = $1 AND team_id = $2
          AND (role <> 'admin' OR revoked_at IS NOT NULL OR EXISTS (
              SELECT FROM api_keys others
              WHERE others.team_id = $2 AND others.id <> $1 AND others.role = 'admin' AND others.revoked_at IS NULL
                AND others.expires_at IS NULL))";
    const FIND: &str = "SELECT FROM api_keys WHERE id = $1 AND team_id = $2";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    query_opt(&transaction, LOCK, &[&team]).await?;
    let revoked = match execute(&transaction, REVOKE, &[&id, &team, &now]).await? {
        0 if query_opt(&transaction, FIND, &[&id, &team]).await?.is_none() => Revoked::NotFound,
        0 => Revoked::LastAdmin,
        _ => Revoked::Done,
    };
    transaction.commit().await?;
    Ok(revoked)
}

/// Whether a key that was good is good still: whoever keeps a connection open is asked again by it.
pub async fn is_still_good(database: &Database, key: Uuid, now: DateTime<Utc>) -> Result<bool, Error> {
    const SQL: &str = "
        SELECT EXISTS (SELECT FROM api_keys
                       WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)) AS is_good";
    Ok(query_one(&database.client().await?, SQL, &[&key, &now]).await?.try_get("is_good")?)
}
