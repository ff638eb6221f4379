//! The schema's history: forward only, under an advisory lock, so that nodes which start together do not migrate
//! together. A schema that is up to date is only read: whoever serves need not be allowed to change it.

use std::time::Duration;

use refinery::Migration;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{Database, Error};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long others may go on between two tries of a migration that they are in the way of.
const LET_OTHERS_PASS: Duration = Duration::from_secs(1);

/// How often is tried: for as long as a list may take, and some more.
const MOST_TRIES: u32 = 700;

/// Any number that nobody else locks: the letters of "outdial".
const LOCK: i64 = 0x006f_7574_6469_616c;

/// Tables that this program cannot work with, and cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongSchema {
    /// They are older, and belong to somebody else.
    #[error(
        "the tables are at version {is} and this program needs version {needed}, but its role does not own them; \
         run `outdial migrate` as the role that does"
    )]
    Behind {
        /// The newest migration that was applied; 0 if none was.
        is: i64,
        /// The newest that this program knows.
        needed: i64,
    },
    /// They are newer than this program.
    #[error(
        "the tables are at version {is} and this program knows only version {known}; run a newer outdial, or the \
         database as it was before"
    )]
    Ahead {
        /// The newest migration that was applied.
        is: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// They were made by something else.
    #[error(
        "the tables were made by another migration {0} than this program's; run the outdial that made them"
    )]
    Foreign(i64),
}

/// Brings the schema up to date and returns how many migrations were applied.
pub async fn migrate(database: &Database) -> Result<usize, Error> {
    // The session holds the lock: closing it lets go, whatever happens.
    let mut client = database.client().await?.detach();
    let runner = embedded::migrations::runner();
    let known = newest(runner.get_migrations());
    let history = History::read(&client).await?;
    let applied = match history.exists {
        true => runner.get_applied_migrations_async(&mut *client).await?,
        false => Vec::new(),
    };
    let is = newest(&applied);
    if is > known {
        return Err(WrongSchema::Ahead { is, known }.into());
    }
    if let Some(foreign) = applied.iter().find(|migration| !runner.get_migrations().contains(migration)) {
        return Err(WrongSchema::Foreign(foreign.version().into()).into());
    }
    if applied.len() == runner.get_migrations().len() {
        return Ok(0);
    }
    // A gap in the history cannot come about, and is not this program's to judge: refinery refuses it.
    if !history.may_be_changed {
        return Err(WrongSchema::Behind { is, needed: known }.into());
    }
    client.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    // Whoever waits for a table stands before all who come later, and with a list on its way it may be half an hour.
    client.batch_execute("SET lock_timeout = '2s'").await?;
    for _ in 0..MOST_TRIES {
        match runner.run_async(&mut *client).await {
            Err(error) if is_in_the_way(&error) => tokio::time::sleep(LET_OTHERS_PASS).await,
            applied => return Ok(applied?.applied_migrations().len()),
        }
    }
    Ok(runner.run_async(&mut *client).await?.applied_migrations().len())
}

/// Whether somebody at work held a table that a migration changes. Each is a transaction: those before it stand.
fn is_in_the_way(error: &refinery::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let refusal = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
        if refusal.is_some_and(|code| {
            [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
        }) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Where it is written down which migrations were applied.
struct History {
    exists: bool,
    may_be_changed: bool,
}

impl History {
    async fn read(client: &Client) -> Result<Self, Error> {
        const SQL: &str = "
            SELECT relowner IS NOT NULL AS is_there,
                   coalesce(pg_has_role(relowner, 'USAGE'), has_schema_privilege(current_schema(), 'CREATE'), false)
                       AS may_be_changed
            FROM (SELECT to_regclass('refinery_schema_history') AS history) there
            LEFT JOIN pg_class ON pg_class.oid = history";
        let row = client.query_one(SQL, &[]).await?;
        Ok(Self { exists: row.try_get("is_there")?, may_be_changed: row.try_get("may_be_changed")? })
    }
}

fn newest(migrations: &[Migration]) -> i64 {
    migrations.iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}
