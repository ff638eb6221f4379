//! What is done at the command line on the database itself, on record: written before it is done and completed afterwards,
//! as requests are.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

use crate::db::audit::{By, Ending, Intent, begin, finish};
use crate::db::{Database, Error};

/// Puts a command on record, and returns its row in the audit trail.
pub(crate) async fn on_record(
    database: &Database,
    team: Uuid,
    action: &str,
    campaign: Option<Uuid>,
    ids: Value,
    at: DateTime<Utc>,
) -> Result<Uuid, Error> {
    let (id, ids) = (Uuid::now_v7(), &ids);
    begin(database, &Intent { id, team, at, by: &By::CommandLine, action, campaign, ids }).await?;
    Ok(id)
}

/// Completes a row of the audit trail. The command is carried out whether that can be done or not.
pub(crate) async fn complete(database: &Database, team: Uuid, row: Uuid, ending: &Ending) {
    if let Err(error) = finish(database, team, row, ending).await {
        warn!(error = &error as &dyn std::error::Error, audit.id = %row, "the audit trail cannot be completed");
    }
}
