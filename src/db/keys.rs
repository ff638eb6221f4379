//! Teams and API keys. Only a key's hash and prefix are kept.

use uuid::Uuid;

use super::{Database, Error, execute, query_one, query_opt};

/// A key as it is kept.
#[derive(Debug)]
pub struct NewKey<'a> {
    /// What people call it.
    pub name: &'a str,
    /// The first characters, by which people tell keys apart.
    pub prefix: &'a str,
    /// The SHA-256 of the whole key.
    pub hash: &'a [u8],
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

/// Adds the team's first key. Returns false where the team already has one.
pub async fn insert_first_key(database: &Database, team: Uuid, key: &NewKey<'_>) -> Result<bool, Error> {
    const SQL: &str = "
        INSERT INTO api_keys (id, team_id, name, prefix, hash)
        SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM api_keys WHERE team_id = $2)";
    let params: super::Params<'_> = &[&Uuid::now_v7(), &team, &key.name, &key.prefix, &key.hash];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// Makes a key that is known from outside the only valid one of its name: whoever changes it there has changed it.
pub async fn ensure_key(database: &Database, team: Uuid, key: &NewKey<'_>) -> Result<(), Error> {
    const SQL: &str = "
        WITH former AS (
            UPDATE api_keys SET revoked_at = now()
            WHERE team_id = $2 AND name = $3 AND hash <> $5 AND revoked_at IS NULL
        )
        INSERT INTO api_keys (id, team_id, name, prefix, hash) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (hash, team_id) DO UPDATE SET revoked_at = NULL WHERE api_keys.name = excluded.name";
    let params: super::Params<'_> = &[&Uuid::now_v7(), &team, &key.name, &key.prefix, &key.hash];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The team.
    pub team: Uuid,
    /// The key.
    pub key: Uuid,
}

/// Who holds the key with this hash, unless it was revoked.
pub async fn find_holder(database: &Database, hash: &[u8]) -> Result<Option<Holder>, Error> {
    const SQL: &str = "SELECT id, team_id FROM api_keys WHERE hash = $1 AND revoked_at IS NULL";
    let row = query_opt(&database.client().await?, SQL, &[&hash]).await?;
    row.map(|row| Ok(Holder { team: row.try_get("team_id")?, key: row.try_get("id")? })).transpose()
}
