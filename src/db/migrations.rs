//! The schema's history: forward only, under an advisory lock, so that nodes which start together do not migrate
//! together.

use super::{Database, Error};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any number that nobody else locks: the letters of "outdial".
const LOCK: i64 = 0x006f_7574_6469_616c;

/// Brings the schema up to date and returns how many migrations were applied.
pub async fn migrate(database: &Database) -> Result<usize, Error> {
    // The session holds the lock: closing it lets go, whatever happens.
    let mut client = database.client().await?.detach();
    client.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let applied = embedded::migrations::runner().run_async(&mut *client).await;
    Ok(applied?.applied_migrations().len())
}
