//! Requests that may come again and make something once: what each is to make is known before it is made, and what was
//! answered is known afterwards. What is made is made elsewhere; its primary key refuses a second one.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Database, Error, execute, query_opt};

/// How long a request is known.
pub const KNOWN_FOR: TimeDelta = TimeDelta::hours(24);

/// A request that has a name, by which it is known when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The team.
    pub team: Uuid,
    /// The API key that it came with. Others may use the same name for something else.
    pub key: Uuid,
    /// What whoever asks calls it.
    pub name: String,
    /// The SHA-256 of what is asked for.
    pub fingerprint: [u8; 32],
}

/// What is to be done about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out: what it makes gets this id.
    New(Uuid),
    /// It was begun before, and nobody knows what came of it: this may be there or not, and nobody else is at it now.
    Unknown(Uuid),
    /// It was answered.
    Answered {
        /// What was made.
        made: Uuid,
        /// With this status.
        status: u16,
        /// And this body, if it is kept.
        body: Option<Vec<u8>>,
    },
    /// A node is at it.
    UnderWay,
    /// The name is another request's.
    Another,
}

/// Begins a request, for `node` to carry out: what it makes gets the id `made`, unless it was begun before.
pub async fn begin(
    database: &Database,
    request: &Named,
    made: Uuid,
    node: Uuid,
    now: DateTime<Utc>,
) -> Result<Begun, Error> {
    const BEGIN: &str = "
        INSERT INTO idempotency_keys AS kept (team_id, key_id, name, fingerprint, made_id, node, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (key_id, name, team_id) DO UPDATE
        SET fingerprint = excluded.fingerprint, made_id = excluded.made_id, node = excluded.node,
            expires_at = excluded.expires_at, status = NULL, body = NULL
        WHERE kept.expires_at <= $8";
    // A node that is not known to live has died, or cannot renew its lease: the two could only make one thing all the same.
    const TAKE_OVER: &str = "
        UPDATE idempotency_keys SET node = $4
        WHERE team_id = $1 AND key_id = $2 AND name = $3 AND fingerprint = $5 AND status IS NULL
          AND NOT EXISTS (SELECT FROM nodes WHERE nodes.id = node AND alive_until > now())
        RETURNING made_id";
    const FIND: &str = "
        SELECT fingerprint, made_id, status, body FROM idempotency_keys
        WHERE team_id = $1 AND key_id = $2 AND name = $3";
    let Named { team, key, name, fingerprint } = request;
    let (client, fingerprint) = (database.client().await?, &fingerprint[..]);
    let begin: super::Params<'_> = &[team, key, name, &fingerprint, &made, &node, &(now + KNOWN_FOR), &now];
    if execute(&client, BEGIN, begin).await? > 0 {
        return Ok(Begun::New(made));
    }
    let take_over: super::Params<'_> = &[team, key, name, &node, &fingerprint];
    if let Some(row) = query_opt(&client, TAKE_OVER, take_over).await? {
        return Ok(Begun::Unknown(row.try_get("made_id")?));
    }
    // One that was let go of meanwhile begins anew when it comes again.
    let Some(row) = query_opt(&client, FIND, &[team, key, name]).await? else { return Ok(Begun::UnderWay) };
    if row.try_get::<_, &[u8]>("fingerprint")? != fingerprint {
        return Ok(Begun::Another);
    }
    let status: Option<i16> = row.try_get("status")?;
    let Some(status) = status else { return Ok(Begun::UnderWay) };
    let (made, body) = (row.try_get("made_id")?, row.try_get("body")?);
    Ok(Begun::Answered { made, status: status.cast_unsigned(), body })
}

/// Keeps what was answered to a request that made `made`, with the body if it may be shown again. Returns false if the
/// request is not known any more, or was answered by somebody else.
pub async fn keep_answer(
    database: &Database,
    request: &Named,
    made: Uuid,
    status: u16,
    body: Option<&[u8]>,
) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE idempotency_keys SET status = $5, body = $6, node = NULL
        WHERE team_id = $1 AND key_id = $2 AND name = $3 AND made_id = $4 AND status IS NULL";
    let Named { team, key, name, .. } = request;
    let params: super::Params<'_> = &[team, key, name, &made, &status.cast_signed(), &body];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// Lets go of a request of which nobody knows what came of it: whoever comes with it again looks.
pub async fn leave_unknown(database: &Database, request: &Named, made: Uuid) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE idempotency_keys SET node = NULL
        WHERE team_id = $1 AND key_id = $2 AND name = $3 AND made_id = $4 AND status IS NULL";
    execute(&database.client().await?, SQL, &[&request.team, &request.key, &request.name, &made]).await?;
    Ok(())
}

/// Forgets a request that has surely made nothing, so that its name may be used again.
pub async fn take_back(database: &Database, request: &Named, made: Uuid) -> Result<(), Error> {
    const SQL: &str = "
        DELETE FROM idempotency_keys
        WHERE team_id = $1 AND key_id = $2 AND name = $3 AND made_id = $4 AND status IS NULL";
    execute(&database.client().await?, SQL, &[&request.team, &request.key, &request.name, &made]).await?;
    Ok(())
}

/// Forgets the requests that are known no longer. Returns how many there were.
pub async fn forget_expired(database: &Database, now: DateTime<Utc>) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE expires_at <= $1";
    execute(&database.list_client().await?, SQL, &[&now]).await
}
