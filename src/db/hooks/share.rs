//! Whose hooks are whose: each belongs to one node, which is alive, and the living share them. As with campaigns, a node
//! that has lost one writes no more about it: every write names the node and the epoch.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Database, Error, execute, query, query_one};

/// A node's claim to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookOwner {
    /// The hook.
    pub hook: Uuid,
    /// Its team.
    pub team: Uuid,
    /// The owning node.
    pub node: Uuid,
    /// The number of the ownership.
    pub epoch: i64,
}

/// A hook that a node works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The claim.
    pub owner: HookOwner,
    /// Grows with whatever is wished for it.
    pub version: i64,
    /// What it tells of; nothing stands for everything.
    pub kinds: Option<Vec<String>>,
}

/// As many hooks as each living node has at most when they are shared fairly. Rounded up, so that nobody who lets go of what
/// is too much takes it back.
const FAIR_SHARE: &str = "
    SELECT ceil(count(*)::float8 / greatest((SELECT count(*) FROM living_nodes), 1))::bigint AS most,
           count(*) FILTER (WHERE node = $1) AS mine
    FROM hooks WHERE stopped_because IS NULL";

/// Takes hooks that work and have no living owner, raising their epochs, up to this node's share. Returns how many.
pub async fn take_over_hooks(database: &Database, node: Uuid) -> Result<u64, Error> {
    let sql = format!(
        "WITH free AS (
            SELECT id, team_id FROM hooks
            WHERE stopped_because IS NULL AND (node IS NULL OR node <> ALL (ARRAY(SELECT id FROM living_nodes)))
              AND EXISTS (SELECT FROM living_nodes WHERE id = $1)
            ORDER BY id
            LIMIT (SELECT greatest(most - mine, 0) FROM ({FAIR_SHARE}) share)
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE hooks SET node = $1, epoch = epoch + 1
        FROM free WHERE hooks.id = free.id AND hooks.team_id = free.team_id"
    );
    execute(&database.client().await?, &sql, &[&node]).await
}

/// The hooks that this node works for beyond its share.
pub async fn list_excess_hooks(database: &Database, node: Uuid) -> Result<Vec<Uuid>, Error> {
    let sql = format!(
        "SELECT id FROM hooks WHERE node = $1 AND stopped_because IS NULL
         ORDER BY id DESC LIMIT (SELECT greatest(mine - most, 0) FROM ({FAIR_SHARE}) share)"
    );
    let rows = query(&database.client().await?, &sql, &[&node]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// The hooks that this node works for.
pub async fn list_owned_hooks(database: &Database, node: Uuid) -> Result<Vec<Owned>, Error> {
    const SQL: &str = "
        SELECT id, team_id, epoch, version, kinds FROM hooks WHERE node = $1 AND stopped_because IS NULL";
    let rows = query(&database.client().await?, SQL, &[&node]).await?;
    let owned = |row: &tokio_postgres::Row| {
        let (hook, team, epoch) = (row.try_get("id")?, row.try_get("team_id")?, row.try_get("epoch")?);
        let owner = HookOwner { hook, team, node, epoch };
        Ok(Owned { owner, version: row.try_get("version")?, kinds: row.try_get("kinds")? })
    };
    rows.iter().map(owned).collect()
}

/// How hooks stand, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HooksAtWork {
    /// Those of the node by which what was last tried was delivered.
    pub working: i64,
    /// Those of the node whose receivers fail.
    pub failing: i64,
    /// Those of whomever that were stopped, and not by hand.
    pub stopped: i64,
    /// When the oldest event happened that one of the node's has not passed, if there is one. Whether it tells of that event
    /// is not asked: it passes the others every half a minute.
    pub oldest_ahead: Option<DateTime<Utc>>,
}

/// How hooks stand. It takes a probe of an index for each hook of the node.
pub async fn hooks_at_work(database: &Database, node: Uuid) -> Result<HooksAtWork, Error> {
    const SQL: &str = "
        SELECT count(*) FILTER (WHERE failing_since IS NULL) AS working,
               count(*) FILTER (WHERE failing_since IS NOT NULL) AS failing,
               (SELECT count(*) FROM hooks WHERE stopped_because IS NOT NULL AND stopped_because <> 'by-hand') AS stopped,
               min(ahead.at) AS oldest_ahead
        FROM hooks
        LEFT JOIN LATERAL (
            SELECT at FROM events WHERE position > hooks.delivered_position ORDER BY position LIMIT 1
        ) ahead ON true
        WHERE node = $1 AND stopped_because IS NULL";
    let row = query_one(&database.client().await?, SQL, &[&node]).await?;
    let count = |column| Ok::<i64, Error>(row.try_get(column)?);
    let (working, failing, stopped) = (count("working")?, count("failing")?, count("stopped")?);
    Ok(HooksAtWork { working, failing, stopped, oldest_ahead: row.try_get("oldest_ahead")? })
}

/// Lets go of some of a node's hooks, for others to take.
pub async fn let_go_of_hooks(database: &Database, node: Uuid, hooks: &[Uuid]) -> Result<(), Error> {
    const SQL: &str = "UPDATE hooks SET node = NULL WHERE node = $1 AND id = ANY ($2)";
    execute(&database.client().await?, SQL, &[&node, &hooks]).await?;
    Ok(())
}

/// Lets go of all of them, at a graceful stop.
pub async fn leave_hooks(database: &Database, node: Uuid) -> Result<(), Error> {
    execute(&database.client().await?, "UPDATE hooks SET node = NULL WHERE node = $1", &[&node]).await?;
    Ok(())
}
