//! Sessions of browsers. A session stands for the key that it was begun with, and is good as long as the key is. Only a hash
//! of what the browser holds is kept.
//!
//! How long a session lasts is told by the database's clock: it is real time, and not the time that a simulator may live in.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::keys::{Holder, holder, note_use};
use super::{Database, Error, execute, query_one, query_opt};

/// Hours after which a session is over that nobody uses.
const IDLE_HOURS: i32 = 12;

/// Days after which a session is over in any case.
pub const LONGEST_DAYS: i32 = 7;

/// Begins a session with a key.
pub async fn begin_session(database: &Database, team: Uuid, key: Uuid, hash: &[u8]) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO sessions (hash, team_id, key_id, created_at, last_used_at, expires_at)
        VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), clock_timestamp() + make_interval(hours => $4))";
    execute(&database.client().await?, SQL, &[&hash, &team, &key, &IDLE_HOURS]).await?;
    Ok(())
}

/// Who holds the session with this hash, unless it or its key is over: the key's end is told by `now`. That both were used is kept
/// to the minute, and the session lasts longer by it.
pub async fn find_session(
    database: &Database,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Holder>, Error> {
    const FIND: &str = "
        SELECT api_keys.id, api_keys.team_id, name, prefix, role,
               coalesce(api_keys.last_used_at + interval '1 minute' < $2, true) AS is_news,
               sessions.last_used_at + interval '1 minute' < clock_timestamp() AS lasts_longer
        FROM sessions
        JOIN api_keys ON api_keys.id = sessions.key_id AND api_keys.team_id = sessions.team_id
        WHERE sessions.hash = $1 AND sessions.expires_at > clock_timestamp()
          AND revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > $2)";
    const USED: &str = "
        UPDATE sessions
        SET last_used_at = clock_timestamp(),
            expires_at = least(clock_timestamp() + make_interval(hours => $2), created_at + make_interval(days => $3))
        WHERE hash = $1 AND last_used_at + interval '1 minute' < clock_timestamp()";
    let client = database.client().await?;
    let Some(row) = query_opt(&client, FIND, &[&hash, &now]).await? else { return Ok(None) };
    let holder = holder(&row)?;
    if row.try_get("is_news")? {
        note_use(&client, &holder, now).await?;
    }
    if row.try_get("lasts_longer")? {
        execute(&client, USED, &[&hash, &IDLE_HOURS, &LONGEST_DAYS]).await?;
    }
    Ok(Some(holder))
}

/// Whether a session is not over. Whether its key is still good is asked for by itself.
pub async fn is_open(database: &Database, hash: &[u8]) -> Result<bool, Error> {
    const SQL: &str = "
        SELECT EXISTS (SELECT FROM sessions WHERE hash = $1 AND expires_at > clock_timestamp()) AS is_open";
    Ok(query_one(&database.client().await?, SQL, &[&hash]).await?.try_get("is_open")?)
}

/// Ends a session, if there is one.
pub async fn end_session(database: &Database, hash: &[u8]) -> Result<(), Error> {
    execute(&database.client().await?, "DELETE FROM sessions WHERE hash = $1", &[&hash]).await?;
    Ok(())
}

/// Forgets sessions that are over. Returns how many there were.
pub async fn forget_ended(database: &Database) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM sessions WHERE expires_at <= clock_timestamp()";
    execute(&database.client().await?, SQL, &[]).await
}
