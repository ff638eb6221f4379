//! What is shown first to whoever looks after all campaigns of a team: the campaigns by where they stand, and the last calls.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::attempt::Status;
use crate::domain::campaign::State;
use crate::domain::outcome::Outcome;

use super::campaigns::{COLUMNS, Campaign, campaign};
use super::{Database, Error, Params, name_opt, query, query_one};

/// Events among which the last calls are looked for: a call has some four of them. Only after a long time in which nobody was
/// called there are calls behind them.
const LOOKED_AT: i64 = 20_000;

/// Which of a team's campaigns are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those that call people, will by themselves, or were stopped for now.
    AtWork,
    /// All others.
    AtRest,
    /// Those in one state.
    In(State),
    /// All.
    All,
}

/// A page of a team's campaigns, the newest first: those made before the campaign `before`, and with this text in their name,
/// in capitals or not.
pub async fn list_campaigns_among(
    database: &Database,
    team: Uuid,
    among: Among,
    search: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Campaign>, Error> {
    // Each has a statement of its own: one that allowed for all of them would use the index of none.
    let condition = match among {
        Among::AtWork => "state IN ('pending', 'running', 'paused') AND $5::text IS NULL AND",
        Among::AtRest => "state NOT IN ('pending', 'running', 'paused') AND $5::text IS NULL AND",
        Among::In(_) => "state = $5 AND",
        Among::All => "$5::text IS NULL AND",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM campaigns
         WHERE team_id = $1 AND {condition} ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0)
           AND id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         ORDER BY id DESC LIMIT $4"
    );
    let state = match among {
        Among::In(state) => Some(state.as_str()),
        Among::AtWork | Among::AtRest | Among::All => None,
    };
    let params: Params<'_> = &[&team, &search, &before, &limit, &state];
    query(&database.client().await?, &sql, params).await?.iter().map(campaign).collect()
}

/// Whether a team has any campaign.
pub async fn has_campaigns(database: &Database, team: Uuid) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM campaigns WHERE team_id = $1) AS has_any";
    Ok(query_one(&database.client().await?, SQL, &[&team]).await?.try_get("has_any")?)
}

/// A call of a team.
#[derive(Debug, Clone)]
pub struct Call {
    /// The place of its beginning among all events.
    pub position: i64,
    /// Its campaign.
    pub campaign: Uuid,
    /// What people call the campaign.
    pub campaign_name: String,
    /// The campaign's zone, by its name.
    pub timezone: String,
    /// Who was called.
    pub contact: Uuid,
    /// The name, if the list says it.
    pub name: Option<String>,
    /// The called number.
    pub to: String,
    /// Its number among its contact's attempts, from 1.
    pub number: i32,
    /// What the provider says.
    pub status: Option<Status>,
    /// What it came to; none while it is open.
    pub outcome: Option<Outcome>,
    /// Seconds of conversation.
    pub duration_seconds: Option<i32>,
    /// When the intent was written.
    pub intended_at: DateTime<Utc>,
}

/// The last calls of a team, the newest first: those that began before the event `before`. With them comes the `before` of the
/// next page, if there may be one.
///
/// They are found by the events of their beginnings, because no index leads to all attempts of a team: what calls people would have to
/// pay for it. So calls are left out whose events, or campaigns, have been deleted.
pub async fn list_last_calls(
    database: &Database,
    team: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<Call>, Option<i64>), Error> {
    const SQL: &str = "
        SELECT begun.position, campaigns.id AS campaign_id, campaigns.name AS campaign_name,
               campaigns.settings ->> 'timezone' AS timezone, attempts.contact_id, contacts.name, attempts.to_phone, attempts.number,
               attempts.status, attempts.outcome, attempts.duration_seconds, attempts.intended_at
        FROM (SELECT position, attempt_id
              FROM (SELECT position, kind, attempt_id FROM events
                    WHERE team_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3) looked_at
              WHERE kind = 'attempt.started' ORDER BY position DESC LIMIT $4) begun
        LEFT JOIN attempts ON attempts.id = begun.attempt_id AND attempts.team_id = $1
        LEFT JOIN contacts ON contacts.id = attempts.contact_id AND contacts.team_id = $1
        LEFT JOIN campaigns ON campaigns.id = attempts.campaign_id AND campaigns.team_id = $1
        ORDER BY begun.position DESC";
    let params: Params<'_> = &[&team, &before.unwrap_or(i64::MAX), &LOOKED_AT, &limit];
    let rows = query(&database.client().await?, SQL, params).await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let next = rows.last().filter(|_| is_full).map(|last| last.try_get("position")).transpose()?;
    let calls = rows.iter().filter_map(|row| call(row).transpose()).collect::<Result<_, _>>()?;
    Ok((calls, next))
}

/// A call, unless its campaign is deleted.
fn call(row: &Row) -> Result<Option<Call>, Error> {
    let Some(campaign) = row.try_get("campaign_id")? else { return Ok(None) };
    Ok(Some(Call {
        position: row.try_get("position")?,
        campaign,
        campaign_name: row.try_get("campaign_name")?,
        timezone: row.try_get("timezone")?,
        contact: row.try_get("contact_id")?,
        name: row.try_get("name")?,
        to: row.try_get("to_phone")?,
        number: row.try_get("number")?,
        status: name_opt(row, "status", Status::parse)?,
        outcome: name_opt(row, "outcome", Outcome::parse)?,
        duration_seconds: row.try_get("duration_seconds")?,
        intended_at: row.try_get("intended_at")?,
    }))
}
