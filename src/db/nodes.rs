//! Nodes and what they own. A node is alive while it renews its row; by the database's own clock, so that nobody's
//! wrong clock makes him live longer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Database, Error, Ownership, execute, query, query_one};

/// A node, as it makes itself known.
#[derive(Debug, Clone, Copy)]
pub struct Oneself<'a> {
    /// Its id, fresh for each process.
    pub id: Uuid,
    /// The machine's name.
    pub name: &'a str,
    /// The account whose calls it places.
    pub account_sid: &'a str,
}

/// What a renewal tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Renewed {
    /// The database's time.
    pub now: DateTime<Utc>,
    /// After which span the first of the other living nodes is dead, unless it renews its row before; none if there is
    /// no other one.
    pub others_until: Option<Duration>,
}

/// Renews a node's row for `lease`, a minute at most.
pub async fn renew(database: &Database, node: Oneself<'_>, lease: Duration) -> Result<Renewed, Error> {
    const SQL: &str = "
        INSERT INTO nodes (id, name, account_sid, started_at, alive_until)
        VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
        ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
        RETURNING clock_timestamp() AS now,
                  (SELECT extract(epoch FROM min(alive_until) - clock_timestamp())::float8 FROM living_nodes
                   WHERE id <> $1) AS others_until";
    let client = database.client().await?;
    let row =
        query_one(&client, SQL, &[&node.id, &node.name, &node.account_sid, &lease.as_secs_f64()]).await?;
    let others_until: Option<f64> = row.try_get("others_until")?;
    let others_until = others_until.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)));
    Ok(Renewed { now: row.try_get("now")?, others_until })
}

/// The database's time.
pub async fn find_time(database: &Database) -> Result<DateTime<Utc>, Error> {
    const SQL: &str = "SELECT clock_timestamp() AS now";
    Ok(query_one(&database.client().await?, SQL, &[]).await?.try_get("now")?)
}

/// How many more campaigns belong to a node than its share: as many as every living node of the account would have of
/// those that have something to do, rounded up. So nobody who hands over what is too much takes it back.
const BEYOND_SHARE: &str = "
    SELECT (mine - ceil(everybodys::float8 / greatest(living, 1)))::bigint AS beyond
    FROM (SELECT count(*) AS everybodys, count(*) FILTER (WHERE node = $1) AS mine
          FROM campaigns WHERE state IN ('pending', 'running') AND account_sid = $2) campaigns,
         (SELECT count(*) AS living FROM living_nodes WHERE account_sid = $2) nodes";

/// Lets go of campaigns beyond this node's share, for others to take, except while one of them is on the phone. Returns
/// how many.
pub async fn hand_over(database: &Database, node: Oneself<'_>) -> Result<u64, Error> {
    let sql = format!(
        "WITH excess AS (
            SELECT id, team_id FROM campaigns
            WHERE node = $1 AND state IN ('pending', 'running') AND account_sid = $2 AND calling = 0
            ORDER BY id DESC
            LIMIT (SELECT greatest(beyond, 0) FROM ({BEYOND_SHARE}) share)
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE campaigns SET node = NULL
        FROM excess
        WHERE campaigns.id = excess.id AND campaigns.team_id = excess.team_id"
    );
    execute(&database.client().await?, &sql, &[&node.id, &node.account_sid]).await
}

/// The campaigns that are still beyond this node's share, because they are on the phone.
pub async fn list_excess(database: &Database, node: Oneself<'_>) -> Result<Vec<Uuid>, Error> {
    let sql = format!(
        "SELECT id FROM campaigns
         WHERE node = $1 AND state IN ('pending', 'running') AND account_sid = $2
         ORDER BY id DESC LIMIT (SELECT greatest(beyond, 0) FROM ({BEYOND_SHARE}) share)"
    );
    let rows = query(&database.client().await?, &sql, &[&node.id, &node.account_sid]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Lets go of a campaign, for another node to take. Returns false if it is not this owner's any more, or on the phone.
pub async fn let_go(database: &Database, owner: Ownership) -> Result<bool, Error> {
    const SQL: &str =
        "UPDATE campaigns SET node = NULL WHERE id = $1 AND node = $2 AND epoch = $3 AND calling = 0";
    let client = database.client().await?;
    Ok(execute(&client, SQL, &[&owner.campaign, &owner.node, &owner.epoch]).await? > 0)
}

/// A campaign that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// The campaign.
    pub campaign: Uuid,
    /// The dead node whose it was, and its machine's name as far as it is known; none if it was nobody's.
    pub from: Option<(Uuid, String)>,
}

/// Takes campaigns that have something to do and no living owner, raising their epochs: of those that dial, up to this
/// node's share. One of another account is left to that account's nodes, unless none is alive: then somebody has to say
/// why it stands still. Returns those that it took.
pub async fn take_over(database: &Database, node: Oneself<'_>) -> Result<Vec<TakenOver>, Error> {
    // Judged by the row alone: whoever waited for one that another node has just taken looks at it again, and at nothing
    // else.
    const OWNERLESS: &str = "
        (campaigns.node IS NULL OR campaigns.node <> ALL (ARRAY(SELECT id FROM living_nodes)))";
    const NOBODY_ELSE_S: &str = "
        NOT EXISTS (SELECT FROM living_nodes
                    WHERE living_nodes.account_sid = campaigns.account_sid AND living_nodes.account_sid <> $2)";
    let sql = format!(
        "WITH dialing AS (
            SELECT id, team_id, node FROM campaigns
            WHERE state IN ('pending', 'running') AND account_sid = $2 AND {OWNERLESS}
            ORDER BY id
            LIMIT (SELECT greatest(-beyond, 0) FROM ({BEYOND_SHARE}) share)
            FOR NO KEY UPDATE SKIP LOCKED
        ), left_alone AS (
            SELECT id, team_id, node FROM campaigns
            WHERE state IN ('pending', 'running') AND account_sid <> $2
              AND {OWNERLESS} AND {NOBODY_ELSE_S}
            FOR NO KEY UPDATE SKIP LOCKED
        ), left_behind AS (
            SELECT id, team_id, node FROM campaigns
            WHERE state NOT IN ('pending', 'running') AND {OWNERLESS} AND {NOBODY_ELSE_S}
              AND (EXISTS (SELECT FROM attempts
                           WHERE attempts.campaign_id = campaigns.id AND settled_at IS NULL)
                   OR EXISTS (SELECT FROM revived_attempts
                              WHERE revived_attempts.campaign_id = campaigns.id))
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE campaigns SET node = $1, epoch = epoch + 1
        FROM (SELECT * FROM dialing UNION ALL SELECT * FROM left_alone UNION ALL SELECT * FROM left_behind) taken
        WHERE campaigns.id = taken.id AND campaigns.team_id = taken.team_id
        RETURNING campaigns.id, taken.node AS owner,
                  (SELECT name FROM nodes WHERE nodes.id = taken.node) AS owner_name"
    );
    let rows = query(&database.client().await?, &sql, &[&node.id, &node.account_sid]).await?;
    rows.iter()
        .map(|row| {
            let owner: Option<Uuid> = row.try_get("owner")?;
            let name: Option<String> = row.try_get("owner_name")?;
            let from = owner.map(|id| (id, name.unwrap_or_default()));
            Ok(TakenOver { campaign: row.try_get("id")?, from })
        })
        .collect()
}

/// The campaigns that this node should be running: pending, running, with an attempt that is not settled, or with one
/// through this account that was given up as unknown and is heard of after all.
pub async fn list_owned(database: &Database, node: Uuid, account_sid: &str) -> Result<Vec<Ownership>, Error> {
    const SQL: &str = "
        SELECT id, epoch FROM campaigns WHERE node = $1 AND state IN ('pending', 'running')
        UNION
        SELECT campaigns.id, campaigns.epoch
        FROM attempts JOIN campaigns ON campaigns.id = attempts.campaign_id
        WHERE attempts.settled_at IS NULL AND campaigns.node = $1
        UNION
        SELECT campaigns.id, campaigns.epoch
        FROM revived_attempts JOIN campaigns ON campaigns.id = revived_attempts.campaign_id
        WHERE campaigns.node = $1 AND campaigns.account_sid = $2";
    let rows = query(&database.client().await?, SQL, &[&node, &account_sid]).await?;
    rows.iter()
        .map(|row| Ok(Ownership { campaign: row.try_get("id")?, node, epoch: row.try_get("epoch")? }))
        .collect()
}

/// What a node has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Campaigns that wait for their start.
    pub pending: i64,
    /// Campaigns that run.
    pub running: i64,
    /// Attempts of its campaigns that are not settled.
    pub open: i64,
}

/// Counts what a node has to do: a few probes for each of its campaigns, however long their lists are.
pub async fn count_work(database: &Database, node: Uuid) -> Result<Work, Error> {
    const SQL: &str = "
        SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
               count(*) FILTER (WHERE state = 'running') AS running,
               (SELECT count(*) FROM attempts
                JOIN campaigns ON campaigns.id = attempts.campaign_id AND campaigns.team_id = attempts.team_id
                WHERE settled_at IS NULL AND campaigns.node = $1) AS open
        FROM campaigns WHERE node = $1 AND state IN ('pending', 'running')";
    let row = query_one(&database.client().await?, SQL, &[&node]).await?;
    let count = |column| Ok::<i64, Error>(row.try_get(column)?);
    Ok(Work { pending: count("pending")?, running: count("running")?, open: count("open")? })
}

/// Lets go of everything at a graceful stop, so that others need not wait for the lease to run out. Rows of nodes
/// that have been dead for a day are swept along.
pub async fn leave(database: &Database, node: Uuid) -> Result<(), Error> {
    let client = database.client().await?;
    execute(&client, "UPDATE campaigns SET node = NULL WHERE node = $1", &[&node]).await?;
    const SQL: &str = "DELETE FROM nodes WHERE id = $1 OR alive_until < clock_timestamp() - interval '1 day'";
    execute(&client, SQL, &[&node]).await?;
    Ok(())
}

/// A node, for those who ask.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id, fresh for each process.
    pub id: Uuid,
    /// The machine's name.
    pub name: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When its lease ran out, if it has. Whoever stops in good order leaves no row behind.
    pub silent_since: Option<DateTime<Utc>>,
    /// How many campaigns it owns that have something to do.
    pub campaigns: i64,
}

/// All nodes that were alive within a day.
pub async fn list_nodes(database: &Database) -> Result<Vec<Node>, Error> {
    const SQL: &str = "
        SELECT nodes.id, nodes.name, nodes.started_at,
               CASE WHEN NOT EXISTS (SELECT FROM living_nodes WHERE living_nodes.id = nodes.id)
                    THEN least(alive_until, clock_timestamp()) END AS silent_since,
               (SELECT count(*) FROM campaigns
                WHERE campaigns.node = nodes.id AND state IN ('pending', 'running')) AS campaigns
        FROM nodes
        WHERE alive_until > clock_timestamp() - interval '1 day'
        ORDER BY started_at";
    let rows = query(&database.client().await?, SQL, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Node {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                started_at: row.try_get("started_at")?,
                silent_since: row.try_get("silent_since")?,
                campaigns: row.try_get("campaigns")?,
            })
        })
        .collect()
}
