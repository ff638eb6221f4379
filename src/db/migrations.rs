//! The schema's history: forward only, under an advisory lock, so that nodes which start together do not migrate
//! together.

use std::ops::DerefMut;

use super::{Database, Error};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any number that nobody else locks: the letters of "outdial".
const LOCK: i64 = 0x006f_7574_6469_616c;

/// Brings the schema up to date and returns how many migrations were applied.
pub async fn migrate(database: &Database) -> Result<usize, Error> {
    let mut client = database.client().await?;
    client.execute("SET statement_timeout = 0", &[]).await?;
    client.execute("SET lock_timeout = 0", &[]).await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let connection: &mut tokio_postgres::Client = client.deref_mut().deref_mut();
    let applied = embedded::migrations::runner().run_async(connection).await;
    // The session holds the lock: closing it lets go, whatever happened.
    drop(deadpool_postgres::Object::take(client));
    Ok(applied?.applied_migrations().len())
}
