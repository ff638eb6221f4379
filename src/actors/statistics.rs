//! What the database's planner knows of contacts, after many were added.

use actix_web::rt::spawn;
use tracing::warn;

use crate::db::Database;
use crate::db::contacts::renew_statistics;

/// Lets the planner know of many new contacts. They are committed: whatever becomes of this is no reason to send the list again,
/// and nobody waits for it.
pub(crate) fn know_of_many(database: &Database, contacts: u32) {
    let database = database.clone();
    spawn(async move {
        if let Err(error) = renew_statistics(&database, contacts).await {
            let error = &error as &dyn std::error::Error;
            warn!(error, "the statistics of the contacts were not renewed");
        }
    });
}
