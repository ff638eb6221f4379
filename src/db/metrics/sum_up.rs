//! Summing calls up, so that they need not be counted again.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::count::{FOR_COUNTING, not_summed, sums};
use crate::db::attempts::free;
use crate::db::{Database, Error, Params, execute, query, query_one, query_opt};
use crate::domain::outcome::Outcome;

/// What lies within an hour of now is not summed up: a late word may still change a little of it.
const SUMMED_AFTER: TimeDelta = TimeDelta::hours(1);

/// A call of which nobody knows may prove alive; after so long hardly any does.
const UNKNOWN_SUMMED_AFTER: TimeDelta = TimeDelta::days(1);

/// From so many attempts on that are not summed up it is worth doing so.
pub(super) const MANY: i64 = 2_000;

/// So many attempts are summed up at once; it takes a second or so. What was summed up before stays.
const SUMMED_AT_ONCE: i64 = 500_000;

/// The team's campaigns that have much that is not summed up, those with the most first, by what they count themselves.
pub async fn list_behind(database: &Database, team: Uuid) -> Result<Vec<Uuid>, Error> {
    let summed: Vec<String> = Outcome::ALL.iter().map(|outcome| outcome.as_str().replace('-', "_")).collect();
    let sql = format!(
        "SELECT id FROM (
             SELECT id, (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(outcomes))
                        - (SELECT coalesce(sum({summed}), 0) FROM call_sums
                           WHERE campaign_id = campaigns.id AND call_sums.team_id = $1) AS not_summed
             FROM campaigns WHERE team_id = $1 AND outcomes <> '{{}}') called
         WHERE not_summed >= $2::bigint ORDER BY not_summed DESC",
        summed = summed.join(" + "),
    );
    let rows = query(&database.list_client().await?, &sql, &[&team, &MANY]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Sums up what has come to its end of a campaign's attempts, up to the first that has not, in portions. Returns how many
/// were added; none if somebody else is at it.
pub async fn sum_up(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let summed = sum_up_portion(database, team, campaign, SUMMED_AT_ONCE, now).await?;
        all += summed;
        if summed < SUMMED_AT_ONCE.unsigned_abs() {
            return Ok(all);
        }
    }
}

/// The same for so many attempts at most.
pub async fn sum_up_portion(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    at_most: i64,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    const BEGIN: &str = "
        INSERT INTO calls_summed_up (campaign_id, team_id, until_id, begun_at)
        SELECT id, team_id, '00000000-0000-0000-0000-000000000000', $3 FROM campaigns WHERE id = $1 AND team_id = $2
        ON CONFLICT DO NOTHING";
    const LOCK: &str = "
        SELECT until_id FROM calls_summed_up WHERE campaign_id = $1 AND team_id = $2 FOR UPDATE SKIP LOCKED";
    // The first behind the portion.
    const BEHIND: &str = "
        SELECT coalesce(
            (SELECT id FROM attempts WHERE campaign_id = $1 AND team_id = $2 AND id > $3 ORDER BY id OFFSET $4 LIMIT 1),
            'ffffffff-ffff-ffff-ffff-ffffffffffff') AS id";
    // The last before the first that may still change.
    const UNTIL: &str = "
        SELECT id FROM attempts
        WHERE campaign_id = $1 AND team_id = $2 AND id > $3
          AND id < coalesce(
              (SELECT id FROM attempts
               WHERE campaign_id = $1 AND team_id = $2 AND id > $3 AND id < $6
                 AND NOT (settled_at IS NOT NULL AND settled_at < $4 AND ask_price_at IS NULL
                          AND (outcome <> 'unknown' OR settled_at < $5))
               ORDER BY id LIMIT 1),
              $6)
        ORDER BY id DESC LIMIT 1";
    const DONE: &str = "UPDATE calls_summed_up SET until_id = $3 WHERE campaign_id = $1 AND team_id = $2";
    let columns = sums();
    let added: String =
        columns.iter().map(|column| format!("{column} = call_sums.{column} + excluded.{column}, ")).collect();
    let names = columns.join(", ");
    let sql = format!(
        "WITH later AS (
             SELECT later.* FROM (SELECT $3::uuid AS id, $4::uuid AS until_id) asked
             CROSS JOIN LATERAL ({not_summed}) later
         ), added AS (
             INSERT INTO call_sums (campaign_id, team_id, quarter, number, {names})
             SELECT $3, $1, quarter, number, {names} FROM later
             ON CONFLICT (campaign_id, quarter, number, team_id) DO UPDATE SET {added}
         )
         SELECT coalesce(sum(counted), 0)::bigint AS counted FROM later",
        not_summed = not_summed("AND attempts.id <= $5"),
        added = added.trim_end_matches(", "),
    );
    // It may have very many to count, so it goes where it may take its time.
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    execute(&transaction, BEGIN, &[&campaign, &team, &now]).await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else { return Ok(0) };
    let before: Uuid = row.try_get("until_id")?;
    transaction.batch_execute(FOR_COUNTING).await?;
    let (settled_before, unknown_before) = (now - SUMMED_AFTER, now - UNKNOWN_SUMMED_AFTER);
    let row = query_one(&transaction, BEHIND, &[&campaign, &team, &before, &at_most]).await?;
    let behind: Uuid = row.try_get("id")?;
    let until: Params<'_> = &[&campaign, &team, &before, &settled_before, &unknown_before, &behind];
    let Some(row) = query_opt(&transaction, UNTIL, until).await? else { return Ok(0) };
    let until: Uuid = row.try_get("id")?;
    let row = query_one(&transaction, &sql, &[&team, &free(), &campaign, &before, &until]).await?;
    execute(&transaction, DONE, &[&campaign, &team, &until]).await?;
    transaction.commit().await?;
    Ok(row.try_get::<_, i64>("counted")?.unsigned_abs())
}

/// Throws a campaign's sums away: they are made anew from its attempts when they are next worth it.
pub(super) async fn forget_sums(database: &Database, team: Uuid, campaign: Uuid) -> Result<(), Error> {
    const MARK: &str = "DELETE FROM calls_summed_up WHERE campaign_id = $1 AND team_id = $2";
    const SUMS: &str = "DELETE FROM call_sums WHERE campaign_id = $1 AND team_id = $2";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    execute(&transaction, MARK, &[&campaign, &team]).await?;
    execute(&transaction, SUMS, &[&campaign, &team]).await?;
    transaction.commit().await
}
