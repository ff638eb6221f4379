//! The audit trail: who did what to which campaign. A row is written before anything is done and completed afterwards, so
//! that what is done unseen is nothing, and what was broken off can be told from what was answered.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Database, Error, execute, query};
use crate::domain::names::names;

names! {
    /// Where somebody did something.
    pub enum Source: "source" {
        /// By a request to the API.
        Api = "api",
        /// At the command line, on the database itself.
        CommandLine = "command-line",
    }
}

/// What somebody is about to do.
#[derive(Debug)]
pub struct Intent<'a> {
    /// The row's id.
    pub id: Uuid,
    /// The team whose things it is about.
    pub team: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: &'a By,
    /// Method and route, or the command.
    pub action: &'a str,
    /// The campaign that it is done to.
    pub campaign: Option<Uuid>,
    /// The ids that were named, under the names that the route gives them.
    pub ids: &'a Value,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Somebody with a key.
    Key {
        /// The key.
        id: Uuid,
        /// What people called it then.
        name: String,
        /// Its first characters.
        prefix: String,
        /// What it takes to do this.
        permission: String,
        /// The request's id, as it stands in its answer and in the log.
        request_id: String,
    },
    /// Whoever has the database.
    CommandLine,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// The answer's HTTP status; for a command the one that a request of its kind would have been answered with.
    pub status: u16,
    /// What was made.
    pub made: Option<Uuid>,
    /// What else is worth knowing.
    pub detail: Option<Value>,
}

/// A row of the trail.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: By,
    /// Method and route, or the command.
    pub action: String,
    /// The campaign that it was done to.
    pub campaign: Option<Uuid>,
    /// What that campaign is called, or the one that was made; none if it has been deleted since.
    pub campaign_name: Option<String>,
    /// The ids that were named.
    pub ids: Value,
    /// What came of it; none while it is under way, or if it was broken off.
    pub ending: Option<Ending>,
}

/// Puts an intent on record.
pub async fn begin(database: &Database, intent: &Intent<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO audit (id, team_id, at, source, key_id, key_name, key_prefix, permission, request_id, action,
                           campaign_id, ids)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let (source, key, name, prefix, permission, request) = match intent.by {
        By::Key { id, name, prefix, permission, request_id } => {
            (Source::Api, Some(id), Some(name), Some(prefix), Some(permission), Some(request_id))
        }
        By::CommandLine => (Source::CommandLine, None, None, None, None, None),
    };
    let params: super::Params<'_> = &[
        &intent.id,
        &intent.team,
        &intent.at,
        &source.as_str(),
        &key,
        &name,
        &prefix,
        &permission,
        &request,
        &intent.action,
        &intent.campaign,
        intent.ids,
    ];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Completes a row with what came of it. Returns false if it is complete already, or gone.
pub async fn finish(database: &Database, team: Uuid, id: Uuid, ending: &Ending) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE audit SET status = $3, finished_at = $4, made_id = $5, detail = $6
        WHERE id = $1 AND team_id = $2 AND status IS NULL";
    let status = ending.status.cast_signed();
    let params: super::Params<'_> = &[&id, &team, &status, &ending.at, &ending.made, &ending.detail];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// Which rows of the trail are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter {
    /// Only what was done to this campaign, or made it.
    pub campaign: Option<Uuid>,
    /// Only what was done with this key.
    pub key: Option<Uuid>,
    /// Only from then on.
    pub since: Option<DateTime<Utc>>,
    /// Only before then.
    pub until: Option<DateTime<Utc>>,
    /// Only what stands behind this row.
    pub before: Option<Uuid>,
}

/// A page of a team's trail, the newest first. Behind a row that has been forgotten stands nothing any more.
pub async fn list(
    database: &Database,
    team: Uuid,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<Entry>, Error> {
    // Statements are planned once, whatever is asked for: each filter is a statement of its own, with an index.
    let campaign = match filter.campaign {
        Some(_) => "(campaign_id = $2 OR made_id = $2)",
        None => "$2::uuid IS NULL",
    };
    let key = match filter.key {
        Some(_) => "key_id = $3",
        None => "$3::uuid IS NULL",
    };
    let sql = format!(
        "SELECT id, at, source, key_id, key_name, key_prefix, permission, request_id, action, campaign_id, ids,
                status, finished_at, made_id, detail,
                (SELECT name FROM campaigns
                 WHERE campaigns.id = coalesce(campaign_id, made_id) AND campaigns.team_id = $1) AS campaign_name
         FROM audit
         WHERE team_id = $1 AND {campaign} AND {key}
           AND at >= coalesce($4, '-infinity'::timestamptz) AND at < coalesce($5, 'infinity'::timestamptz)
           AND (at, id) < (
               coalesce((SELECT at FROM audit WHERE id = $6 AND team_id = $1),
                        CASE WHEN $6::uuid IS NULL THEN 'infinity' ELSE '-infinity' END::timestamptz),
               coalesce($6, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         ORDER BY at DESC, id DESC LIMIT $7"
    );
    let AuditFilter { campaign, key, since, until, before } = filter;
    let params: super::Params<'_> = &[&team, campaign, key, since, until, before, &limit];
    query(&database.client().await?, &sql, params).await?.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry, Error> {
    let status: Option<i16> = row.try_get("status")?;
    let ending = match (status, row.try_get("finished_at")?) {
        (Some(status), Some(at)) => Some(Ending {
            at,
            status: status.cast_unsigned(),
            made: row.try_get("made_id")?,
            detail: row.try_get("detail")?,
        }),
        _ => None,
    };
    Ok(Entry {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        by: by(row)?,
        action: row.try_get("action")?,
        campaign: row.try_get("campaign_id")?,
        campaign_name: row.try_get("campaign_name")?,
        ids: row.try_get("ids")?,
        ending,
    })
}

fn by(row: &Row) -> Result<By, Error> {
    match Source::parse(row.try_get("source")?)? {
        Source::CommandLine => Ok(By::CommandLine),
        Source::Api => Ok(By::Key {
            id: row.try_get("key_id")?,
            name: row.try_get("key_name")?,
            prefix: row.try_get("key_prefix")?,
            permission: row.try_get("permission")?,
            request_id: row.try_get("request_id")?,
        }),
    }
}

/// Forgets what was done before then, by all teams: at most `limit` rows of each, the oldest first. Returns how many there were.
pub async fn forget(database: &Database, before: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    const SQL: &str = "
        DELETE FROM audit USING (
            SELECT old.id, old.team_id
            FROM teams CROSS JOIN LATERAL (
                SELECT id, team_id FROM audit WHERE team_id = teams.id AND at < $1 ORDER BY at, id LIMIT $2
            ) AS old
        ) AS old
        WHERE audit.id = old.id AND audit.team_id = old.team_id";
    execute(&database.list_client().await?, SQL, &[&before, &limit]).await
}
