//! Previews that nobody came back for are deleted: each may be as large as a file and a million remarks, so it goes in
//! slices, each a short transaction of its own on a connection that no dialing waits for.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::db::{Database, Error, execute, query, query_opt};

/// How many remarks one statement deletes.
const REMARKS_AT_ONCE: i64 = 5_000;

/// How many pieces of a file one statement deletes: of at most a mebibyte each.
const PIECES_AT_ONCE: i32 = 64;

/// How many expired previews are listed at once.
const LISTED_AT_ONCE: i64 = 100;

/// What became of the previews that have expired.
#[derive(Debug, Default)]
pub struct Expired {
    /// How many were deleted.
    pub deleted: u64,
    /// Those that could not be deleted, and why. They are tried again the next time.
    pub failed: Vec<(Uuid, Error)>,
}

/// Deletes the previews that have expired at `now`, with their files, those first that expired first. One that is being
/// stored just now is left alone: it will not be a preview any more. One that cannot be deleted keeps no other from it.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> Result<Expired, Error> {
    const SQL: &str = "
        SELECT id, team_id, expires_at FROM imports
        WHERE expires_at <= $1 AND (expires_at, id) > ($2, $3)
        ORDER BY expires_at, id LIMIT $4";
    let (mut expired, mut after) = (Expired::default(), (DateTime::UNIX_EPOCH, Uuid::nil()));
    loop {
        let params: crate::db::Params<'_> = &[&now, &after.0, &after.1, &LISTED_AT_ONCE];
        let page = query(&database.list_client().await?, SQL, params).await?;
        if page.is_empty() {
            return Ok(expired);
        }
        for row in &page {
            let (import, team) = key(row)?;
            after = (row.try_get("expires_at")?, import);
            match delete(database, team, import, now).await {
                Ok(true) => expired.deleted += 1,
                Ok(false) => {}
                // A statement that took too long counts as an outage elsewhere, but it is this preview's.
                Err(error) if error.is_outage() && !error.has_code(&SqlState::QUERY_CANCELED) => {
                    return Err(error);
                }
                Err(error) => expired.failed.push((import, error)),
            }
        }
    }
}

fn key(row: &Row) -> Result<(Uuid, Uuid), Error> {
    Ok((row.try_get("id")?, row.try_get("team_id")?))
}

/// Deletes one preview, slice by slice. Between two of them a list may have its turn with the connection. Returns
/// whether it is gone now by this: nobody can have begun to store one of which something is gone, as it has expired.
async fn delete(database: &Database, team: Uuid, import: Uuid, now: DateTime<Utc>) -> Result<bool, Error> {
    loop {
        match delete_slice(database, team, import, now).await? {
            Slice::Part => {}
            Slice::Last => return Ok(true),
            Slice::NotOurs => return Ok(false),
        }
    }
}

/// What one slice came to.
enum Slice {
    /// There may be more.
    Part,
    /// The preview is gone.
    Last,
    /// It is being stored, or somebody else has deleted it.
    NotOurs,
}

async fn delete_slice(
    database: &Database,
    team: Uuid,
    import: Uuid,
    now: DateTime<Utc>,
) -> Result<Slice, Error> {
    const LOCK: &str = "
        SELECT FROM imports WHERE id = $1 AND team_id = $2 AND expires_at <= $3 FOR UPDATE SKIP LOCKED";
    const REMARKS: &str = "
        DELETE FROM import_rows
        WHERE import_id = $1 AND team_id = $2 AND file_row <=
            (SELECT max(file_row) FROM
                (SELECT file_row FROM import_rows WHERE import_id = $1 AND team_id = $2
                 ORDER BY file_row, number LIMIT $3) AS slice)";
    const PIECES: &str = "
        DELETE FROM import_pieces
        WHERE import_id = $1 AND team_id = $2 AND number <
            (SELECT min(number) FROM import_pieces WHERE import_id = $1 AND team_id = $2) + $3";
    const IMPORT: &str = "DELETE FROM imports WHERE id = $1 AND team_id = $2";
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    if query_opt(&transaction, LOCK, &[&import, &team, &now]).await?.is_none() {
        return Ok(Slice::NotOurs);
    }
    let mut slice = Slice::Part;
    if execute(&transaction, REMARKS, &[&import, &team, &REMARKS_AT_ONCE]).await? == 0
        && execute(&transaction, PIECES, &[&import, &team, &PIECES_AT_ONCE]).await? == 0
    {
        execute(&transaction, IMPORT, &[&import, &team]).await?;
        slice = Slice::Last;
    }
    transaction.commit().await?;
    Ok(slice)
}
