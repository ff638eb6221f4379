//! Lists on their way into the database: whoever erases somebody has to wait for them, because what they copy or were
//! sent may be older than the erasure, and nobody sees it before they are committed.
//!
//! They hold an advisory lock of their team together, and whoever waits for them asks for it alone. A row's lock would
//! not do: every foreign key that leads to the team holds its row as well, so that somebody always does.

use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{Database, Error, Transaction, execute, query_opt};

/// Says, until the transaction ends, that a list is on its way. It comes before everything else that the transaction
/// reads or locks: what is read after it is no older than an erasure that did not wait for it.
pub(super) async fn announce_list(transaction: &Transaction<'_>, team: Uuid) -> Result<(), Error> {
    const SQL: &str =
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('lists of ' || $1::uuid::text, 0))";
    execute(transaction, SQL, &[&team]).await?;
    Ok(())
}

/// [`announce_list`] for the team of a campaign. Returns false if there is no such campaign.
pub(super) async fn announce_list_of(transaction: &Transaction<'_>, campaign: Uuid) -> Result<bool, Error> {
    const TEAM: &str = "SELECT team_id FROM campaigns WHERE id = $1";
    let Some(row) = query_opt(transaction, TEAM, &[&campaign]).await? else { return Ok(false) };
    announce_list(transaction, row.try_get("team_id")?).await?;
    Ok(true)
}

/// Waits until all lists are there, or gone, that are on their way now. Returns false if that takes longer than five
/// seconds: lists that come after it have to wait as long.
pub(super) async fn wait_for_lists(database: &Database, team: Uuid) -> Result<bool, Error> {
    const PATIENCE: &str = "SET LOCAL lock_timeout = '5s'";
    const SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended('lists of ' || $1::uuid::text, 0))";
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute(PATIENCE).await?;
    match execute(&transaction, SQL, &[&team]).await {
        Ok(_) => Ok(true),
        Err(error) if error.has_code(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(error),
    }
}
