//! The last calls: of some contacts, and how long those of a campaign rang and lasted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Database, Error, query};

/// A contact's last call, whatever it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCall {
    /// When its intent was written.
    pub intended_at: DateTime<Utc>,
    /// Seconds of conversation; none if nobody took it, or it has not ended.
    pub duration_seconds: Option<i32>,
}

/// The last calls of these contacts: one probe of an index for each.
pub async fn list_last_calls_of(
    database: &Database,
    team: Uuid,
    contacts: &[Uuid],
) -> Result<HashMap<Uuid, LastCall>, Error> {
    const SQL: &str = "
        SELECT asked.id, last.intended_at, last.duration_seconds
        FROM unnest($2::uuid[]) AS asked (id)
        CROSS JOIN LATERAL (
            SELECT intended_at, duration_seconds FROM attempts
            WHERE contact_id = asked.id AND team_id = $1 ORDER BY number DESC LIMIT 1) last";
    let rows = query(&database.client().await?, SQL, &[&team, &contacts]).await?;
    let call = |row: &tokio_postgres::Row| {
        let (intended_at, duration_seconds) = (row.try_get("intended_at")?, row.try_get("duration_seconds")?);
        Ok((row.try_get("id")?, LastCall { intended_at, duration_seconds }))
    };
    rows.iter().map(call).collect()
}

/// How long a call rang, and how long was talked, where there was any of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// Seconds of ringing, until the call was taken or given up by the network; none where the provider does not tell.
    pub rang: Option<f64>,
    /// Seconds of conversation with whoever or whatever took it.
    pub talked: Option<i32>,
}

/// The lengths of a campaign's last calls, of so many of them: sums are kept of all, but only single calls tell how they are
/// spread. What is still open has none.
pub async fn list_last_lengths(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    calls: i64,
) -> Result<Vec<Length>, Error> {
    const SQL: &str = "
        SELECT extract(epoch FROM CASE WHEN outcome IN ('answered', 'machine', 'no-answer')
                   THEN coalesce(answered_at, ended_at - make_interval(secs => coalesce(duration_seconds, 0)))
                        - coalesce(ringing_at, placed_at) END)::float8 AS rang,
               CASE WHEN outcome IN ('answered', 'machine') THEN duration_seconds END AS talked
        FROM (SELECT * FROM attempts WHERE campaign_id = $1 AND team_id = $2 ORDER BY id DESC LIMIT $3) last
        WHERE settled_at IS NOT NULL";
    let rows = query(&database.client().await?, SQL, &[&campaign, &team, &calls]).await?;
    let length = |row: &tokio_postgres::Row| {
        let rang: Option<f64> = row.try_get("rang")?;
        Ok(Length { rang: rang.filter(|seconds| *seconds >= 0.0), talked: row.try_get("talked")? })
    };
    rows.iter().map(length).collect()
}
