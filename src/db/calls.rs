//! The calls to a number, over all campaigns of a team: what caps are counted from. Every attempt counts that may have
//! left the process: open ones, and all that are over except what was taken back. The calls of campaigns that have been
//! deleted count, too. How many are too many is `crate::domain::caps`'s.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Database, Decision, Error, Session, execute, query_one};
use crate::domain::caps::Reach;

/// The calls to a number that matter at `now`, newest first, by their intents.
///
/// The instant of a call is when it became known to the provider, or else when it was intended. Both stand in the same
/// order, except for calls that were heard of only after the next one to the same number had begun, and those had left
/// right after their intent all the same.
///
/// It costs as many rows as are asked for, whatever the number's past.
pub async fn list_calls_to(
    database: &Database,
    team: Uuid,
    phone: &str,
    reach: Reach,
    now: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, Error> {
    calls_to(&database.client().await?, team, phone, reach, now).await
}

/// What [`list_calls_to`] says, within a transaction.
pub(super) async fn calls_to(
    client: &impl Session,
    team: Uuid,
    phone: &str,
    reach: Reach,
    now: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, Error> {
    let params: super::Params<'_> = &[&phone, &team, &reach.since(now), &i64::from(reach.calls)];
    Ok(query_one(client, CALLS, params).await?.try_get("calls")?)
}

const CALLS: &str = "
    SELECT ARRAY(SELECT called_at FROM calls
                 WHERE to_phone = $1 AND team_id = $2 AND outcome IS DISTINCT FROM 'not-placed'
                   AND intended_at > $3
                 ORDER BY intended_at DESC LIMIT $4) AS calls";

/// What [`list_calls_to`] says, for a decision to call the number: nobody else of the team counts the calls to it until the
/// decision is made. Of two campaigns that could each make the last call that is allowed, one counts the other's.
pub(super) async fn count_calls_alone(
    decision: &Decision<'_>,
    team: Uuid,
    phone: &str,
    reach: Reach,
    now: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, Error> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))";
    let team_s = team.as_u64_pair().1.cast_signed();
    let of_the_number: super::Params<'_> = &[&phone, &team, &reach.since(now), &i64::from(reach.calls)];
    let [_, counted] = decision.ask([(LOCK, &[&phone, &team_s]), (CALLS, of_the_number)]).await?;
    counted.first().map_or(Ok(Vec::new()), |row| Ok(row.try_get("calls")?))
}

/// Forgets the calls of deleted campaigns from before an instant that no cap reaches back to. Returns how many there were.
pub async fn forget_calls(database: &Database, counted_since: DateTime<Utc>) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM calls_of_deleted_campaigns WHERE intended_at < $1";
    execute(&database.list_client().await?, SQL, &[&counted_since]).await
}
