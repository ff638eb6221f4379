//! That a server gave no answer when it was asked before a call: it is left alone for a while, by all campaigns that would
//! ask it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Database, Error, Params, execute};
use crate::domain::before_call::LEFT_ALONE_FOR;

/// Writes down that a hook's server gave no answer, and why. What several campaigns find at the same time is one silence.
pub async fn record_silence(
    database: &Database,
    (team, hook): (Uuid, Uuid),
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE hooks
        SET silent_times = silent_times + 1, silent_because = $4,
            silent_until = ($5::timestamptz[])[least(silent_times + 1, cardinality($5))]
        WHERE id = $1 AND team_id = $2 AND (silent_until IS NULL OR silent_until <= $3)";
    let until: Vec<DateTime<Utc>> = LEFT_ALONE_FOR.iter().map(|span| now + *span).collect();
    let params: Params<'_> = &[&hook, &team, &now, &why, &until];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Writes down that a hook's server has answered.
pub async fn end_silence(database: &Database, (team, hook): (Uuid, Uuid)) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE hooks SET silent_times = 0, silent_until = NULL, silent_because = NULL
        WHERE id = $1 AND team_id = $2 AND silent_times > 0";
    execute(&database.client().await?, SQL, &[&hook, &team]).await?;
    Ok(())
}
