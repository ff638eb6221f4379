//! What a rehearsal is played with: the first of a campaign's contacts, as the claim would find them. It only reads.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::caps::Reach;
use crate::domain::outcome::Outcome;

use super::contacts::known_area_of;
use super::look::KnownArea;
use super::{Database, Error, Params, query};

/// Somebody who waits to be called.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The contact.
    pub contact: Uuid,
    /// Its place in the list.
    pub position: i32,
    /// Its number.
    pub phone: String,
    /// What is dialed after the call is taken; empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: Value,
    /// Where they may be.
    pub area: KnownArea,
    /// From when on they may be called.
    pub due_at: DateTime<Utc>,
    /// Whether they stand in the queue by that, or in the order of the list.
    pub timed: bool,
    /// Whether their number must not be contacted now.
    pub is_suppressed: bool,
    /// The earlier calls to their number that matter for the caps, the newest first.
    pub calls: Vec<DateTime<Utc>>,
    /// What their earlier attempts came to, and when they ended, as far as the retry policy counts them.
    pub attempts: Vec<(Outcome, DateTime<Utc>)>,
}

/// The first of a campaign's contacts who wait, so many at most: those whose own due time has come, then the others by their
/// priority and the order of the list, then those who are due later. It costs a probe and so many rows for each area.
pub async fn list_first_waiting(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    reach: Reach,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Waiting>, Error> {
    const SQL: &str = "
        WITH first AS (
            SELECT next.id, CASE WHEN next.timed AND next.due_at <= $3 THEN 0 WHEN next.timed THEN 2 ELSE 1 END AS turn,
                   CASE WHEN next.timed THEN next.due_at END AS by_time, next.place
            FROM areas
            CROSS JOIN LATERAL (
                (SELECT id, timed, due_at, place FROM contacts
                 WHERE campaign_id = $1 AND area = areas.number AND state = 'pending' AND timed
                 ORDER BY due_at LIMIT $4)
                UNION ALL
                (SELECT id, timed, due_at, place FROM contacts
                 WHERE campaign_id = $1 AND area = areas.number AND state = 'pending' AND NOT timed
                 ORDER BY place LIMIT $4)
            ) next
            WHERE areas.campaign_id = $1 AND areas.team_id = $2
            ORDER BY turn, by_time, place LIMIT $4
        )
        SELECT contacts.id, position, phone, extension, contacts.name, metadata, zones, told_by, places, due_at, timed,
               EXISTS (SELECT FROM suppressions
                       WHERE suppressions.phone = contacts.phone AND suppressions.team_id = $2
                         AND (expires_at IS NULL OR expires_at > $3)) AS suppressed,
               ARRAY(SELECT called_at FROM calls
                     WHERE to_phone = contacts.phone AND team_id = $2 AND outcome IS DISTINCT FROM 'not-placed'
                       AND intended_at > $5
                     ORDER BY intended_at DESC LIMIT $6) AS calls,
               earlier.outcomes, earlier.ends
        FROM first
        JOIN contacts ON contacts.id = first.id AND contacts.team_id = $2
        JOIN areas ON areas.campaign_id = $1 AND areas.number = contacts.area AND areas.team_id = $2
        LEFT JOIN LATERAL (
            SELECT array_agg(outcome) AS outcomes, array_agg(coalesce(ended_at, settled_at)) AS ends
            FROM attempts
            WHERE contact_id = contacts.id AND team_id = $2 AND settled_at IS NOT NULL AND number > contacts.anew_after
        ) earlier ON true
        ORDER BY turn, by_time, first.place";
    let params: Params<'_> = &[&campaign, &team, &now, &most, &reach.since(now), &i64::from(reach.calls)];
    query(&database.client().await?, SQL, params).await?.iter().map(waiting).collect()
}

fn waiting(row: &Row) -> Result<Waiting, Error> {
    let outcomes: Option<Vec<&str>> = row.try_get("outcomes")?;
    let ends: Option<Vec<DateTime<Utc>>> = row.try_get("ends")?;
    let attempts = outcomes.unwrap_or_default().into_iter().zip(ends.unwrap_or_default());
    let attempts = attempts.map(|(outcome, ended_at)| Ok((Outcome::parse(outcome)?, ended_at)));
    Ok(Waiting {
        contact: row.try_get("id")?,
        position: row.try_get("position")?,
        phone: row.try_get("phone")?,
        extension: row.try_get("extension")?,
        name: row.try_get("name")?,
        metadata: row.try_get("metadata")?,
        area: known_area_of(row)?,
        due_at: row.try_get("due_at")?,
        timed: row.try_get("timed")?,
        is_suppressed: row.try_get("suppressed")?,
        calls: row.try_get("calls")?,
        attempts: attempts.collect::<Result<_, Error>>()?,
    })
}
