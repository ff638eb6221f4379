//! All SQL: one function per statement or transaction, named after what it does. The database is the truth; nothing
//! here decides what should happen, and everything here is told what time it is.
//!
//! **Facts and decisions.** What happened to an attempt is a fact: any node records it at any time, through the
//! fold, without a fence ([`attempts::record`]). What it means for contacts and campaigns is a decision: its
//! transaction first locks the campaign's row and tests only columns of that row, because a predicate over other
//! rows is not a lock. [`Ownership`] is the fence of a node's decisions.
//!
//! **Events.** What happened in a campaign is written by the statement that makes it true, as its last part, and
//! gets its place among all events after the commit ([`events`]).

pub mod accounts;
pub mod agents;
pub mod attempts;
pub mod audit;
pub mod callbacks;
pub mod calls;
pub mod campaigns;
pub mod contacts;
pub mod duplicate;
pub mod edit;
pub mod events;
pub mod export;
pub mod forecast;
pub mod home;
pub mod hooks;
pub mod idempotency;
pub mod imports;
pub mod keys;
pub mod look;
pub mod metrics;
pub mod nodes;
pub mod recurrence;
pub mod rehearsal;
pub mod retention;
pub mod retry;
pub mod sessions;
pub mod suppressions;
pub mod watchdog;
pub mod words;

mod connection;
mod in_flight;
mod migrations;
mod outage;
mod reads;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

pub use connection::Connection;
pub use migrations::{WrongSchema, migrate};
pub use outage::Outage;

use outage::Failures;

use connection::{Decision, Durability, Session, Transaction, execute, query, query_one, query_opt};

/// Connections of one node. On two cores 8 beat 32 in almost every measured load.
const POOL_SIZE: usize = 8;

/// Connections of a node that are kept for what cannot wait behind people's questions: its lease, callbacks, places.
const URGENT: usize = 3;

/// How long the answer is waited for there, so that there is time for another connection.
const URGENT_ANSWERED_WITHIN: Duration = Duration::from_secs(4);

/// How long a connection is waited for before the database counts as gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a server that does not even acknowledge is taken to be there. Without a limit, a database that vanished
/// behind a silent network would be waited for a quarter of an hour.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);

/// What every connection is told: what is committed is durable, unless a decision says [`Durability::WithTheNext`]; no
/// statement, lock or forgotten transaction may hold others up for long; and a prepared statement is planned once. Left to
/// itself the server plans the merge of callbacks anew for each of them, because it takes an array of unknown length for ten
/// rows; that made a statement of 0.16 ms one of 0.44 ms.
const SESSION: &str = "-c synchronous_commit=on -c statement_timeout=10s -c lock_timeout=5s \
                       -c idle_in_transaction_session_timeout=30s -c timezone=UTC \
                       -c plan_cache_mode=force_generic_plan";

/// How long the answer to a statement is waited for, and to several that are sent together: longer than the server lets one
/// run, so that only a server that does not answer at all is given up, or is as slow as that several times in a row.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);

/// Connections on which lists are stored, of the dialer's none: that many lists at a time, the others wait.
const LISTS_AT_ONCE: usize = 2;

/// How long a list waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(600);

/// What a connection for lists is told besides: storing a million rows takes its time, and nobody waits for it but
/// whoever uploaded them. What the server keeps of a COPY until its end has room in memory.
const LIST_SESSION: &str = "-c statement_timeout=30min -c lock_timeout=10min \
                            -c idle_in_transaction_session_timeout=10min -c work_mem=16MB";

/// The same, for them.
const LIST_ANSWERED_WITHIN: Duration = Duration::from_secs(31 * 60);

/// A reachable PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    urgent: Pool,
    lists: Pool,
    patience: Duration,
    config: Arc<tokio_postgres::Config>,
    tls: Tls,
    failures: Failures,
    sums: metrics::KeptSums,
}

/// How a pool of connections stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Which pool.
    pub name: &'static str,
    /// Connections that it may have.
    pub most: usize,
    /// Connections in use.
    pub in_use: usize,
    /// Connections that wait for somebody.
    pub idle: usize,
    /// Those who wait for a connection.
    pub waiting: usize,
}

/// How a connection is protected on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: a Unix socket, or a network that is trusted.
    Off,
    /// Encrypted where the configuration's `sslmode` wants it, whoever the server is.
    Encrypted,
    /// Encrypted, and the server verified against the public certificate authorities.
    Verified,
}

impl Database {
    /// Pools of connections to this database. Nothing is connected yet.
    pub fn new(mut config: tokio_postgres::Config, tls: Tls) -> Result<Self, Error> {
        let own = config.get_options().map(str::to_owned).unwrap_or_default();
        config.application_name("outdial").connect_timeout(PATIENCE);
        config.tcp_user_timeout(ACKNOWLEDGED_WITHIN).keepalives_idle(ACKNOWLEDGED_WITHIN);
        config.keepalives_interval(PATIENCE).keepalives_retries(3);
        // Of several servers the one that takes writes, after a failover as well.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.options(format!("{SESSION} {own}"));
        let dialers = Arc::new(config.clone());
        let pool = pool_of(config.clone(), tls, POOL_SIZE, PATIENCE);
        let urgent = pool_of(config.clone(), tls, URGENT, PATIENCE);
        config.options(format!("{SESSION} {LIST_SESSION} {own}"));
        let lists = pool_of(config, tls, LISTS_AT_ONCE, TURN_WITHIN);
        let failures = Failures::default();
        let sums = metrics::KeptSums::default();
        Ok(Self { pool, urgent, lists, patience: ANSWERED_WITHIN, config: dialers, tls, failures, sums })
    }

    /// The same database, for what cannot wait behind anything else: on connections of its own.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self { pool: self.urgent.clone(), patience: URGENT_ANSWERED_WITHIN, ..self.clone() }
    }

    /// The same database, for those who cannot wait for long: it is given up if it does not answer a statement within this span.
    #[must_use]
    pub fn answering_within(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// A connection, for one or a few statements.
    pub async fn client(&self) -> Result<Connection, Error> {
        self.connect(&self.pool, self.patience).await
    }

    /// A connection for storing a list, or counting one, which may take long. There are few, and none of them is missed by the dialer.
    pub async fn list_client(&self) -> Result<Connection, Error> {
        self.connect(&self.lists, LIST_ANSWERED_WITHIN).await
    }

    /// The same, if its turn comes within so long.
    pub(crate) async fn list_client_within(&self, patience: Duration) -> Result<Option<Connection>, Error> {
        let turn = tokio::time::timeout(patience, self.list_client()).await;
        turn.map_or(Ok(None), |connection| connection.map(Some))
    }

    async fn connect(&self, pool: &Pool, patience: Duration) -> Result<Connection, Error> {
        match pool.get().await {
            Ok(object) => Ok(Connection::new(object, patience, self.failures.clone())),
            Err(error) => {
                let error = Error::from(error);
                self.failures.note(&error);
                Err(error)
            }
        }
    }

    /// How many failures of each kind there have been on all connections, by a word for the kind.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.failures.list()
    }

    /// How the pools of connections stand. `self` is not the urgent one.
    pub fn pools(&self) -> [PoolStatus; 3] {
        [("dialer", &self.pool), ("urgent", &self.urgent), ("lists", &self.lists)].map(|(name, pool)| {
            let status = pool.status();
            let idle = status.available;
            let in_use = status.size.saturating_sub(idle);
            PoolStatus { name, most: status.max_size, in_use, idle, waiting: status.waiting }
        })
    }

    /// Whether the database answers, and takes writes.
    pub async fn ping(&self) -> Result<(), Error> {
        const SQL: &str = "SELECT current_setting('transaction_read_only') = 'on' AS read_only";
        let client = self.client().await?;
        if query_one(&client, SQL, &[]).await?.try_get("read_only")? {
            client.leads_astray();
            return Err(Error::ReadOnly);
        }
        Ok(())
    }
}

/// So many connections at most, each waited for so long.
fn pool_of(config: tokio_postgres::Config, tls: Tls, size: usize, wait: Duration) -> Pool {
    let manage = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls {
        Tls::Off => Manager::from_config(config, NoTls, manage),
        Tls::Encrypted => Manager::from_config(config, tls::encrypted(), manage),
        Tls::Verified => Manager::from_config(config, tls::verified(), manage),
    };
    Pool::builder(manager)
        .max_size(size)
        // The connection that was used last has its statements prepared and its caches warm.
        .queue_mode(QueueMode::Lifo)
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        .build()
        .expect("a pool with a runtime can have timeouts")
}

/// A node's claim to a campaign: who owns it, under which epoch. Every decision names it, and the campaign's row
/// refuses it once another node has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The campaign.
    pub campaign: Uuid,
    /// The owning node.
    pub node: Uuid,
    /// The number of the ownership.
    pub epoch: i64,
}

/// A failure of the database, or of what it holds.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be had.
    #[error("the database cannot be reached")]
    Unreachable(#[from] deadpool_postgres::PoolError),
    /// A statement was not answered: whether it had an effect is unknown.
    #[error("the database has not answered for {} seconds", .waited.as_secs())]
    Silent {
        /// For how long.
        waited: Duration,
    },
    /// It takes no writes.
    #[error("the database takes no writes")]
    ReadOnly,
    /// A statement failed. The cause is told in the words that quote no row: PostgreSQL's details of a refused one
    /// hold numbers and names, and logs show all causes.
    #[error("a statement failed: {}", without_details(.0))]
    Statement(tokio_postgres::Error),
    /// A row says something that no row may say.
    #[error("impossible row: {0}")]
    ImpossibleRow(String),
    /// A contact is in a zone that the zone data in use does not know, and other data knew.
    #[error("the time zones in use do not know {0}, which contacts are in")]
    ZoneMissing(String),
    /// A list names more areas than a campaign may have.
    #[error("the list has contacts in more than {0} different combinations of time zone and place")]
    TooManyAreas(usize),
    /// Something that is kept of a contact, or cannot be kept of it, made it fail.
    #[error("{cause}")]
    OfContact {
        /// The contact.
        contact: Uuid,
        /// What failed.
        cause: Box<Error>,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migration(#[from] refinery::Error),
    /// The schema is another than this program's.
    #[error(transparent)]
    Schema(#[from] WrongSchema),
}

impl Error {
    /// Whether a row with the same value already stands under this constraint or index.
    pub fn is_conflict_with(&self, constraint: &str) -> bool {
        let error = match self {
            Self::Statement(error) => error,
            Self::OfContact { cause, .. } => return cause.is_conflict_with(constraint),
            _ => return false,
        };
        error.as_db_error().is_some_and(|error| {
            *error.code() == SqlState::UNIQUE_VIOLATION && error.constraint() == Some(constraint)
        })
    }

    /// Whether the database refused a statement with this code.
    fn has_code(&self, code: &SqlState) -> bool {
        matches!(self, Self::Statement(error) if error.code() == Some(code))
    }

    /// Whether a statement was given up because it took longer than it may.
    pub fn ran_out_of_time(&self) -> bool {
        self.has_code(&SqlState::QUERY_CANCELED)
    }

    /// Whether it is what a row holds, or would hold, that made it fail, so that it fails again however often it is tried:
    /// a value that cannot be worked with (SQLSTATE class 22), or a constraint of contacts or attempts that no race explains
    /// (class 23). Whatever else a database refuses, such as a deadlock, a schema of another version or a lack of rights,
    /// is the world's, and so is a unique row that somebody else has written first.
    pub fn is_of_a_row(&self) -> bool {
        let refusal = match self {
            Self::OfContact { .. } | Self::ImpossibleRow(_) => return true,
            Self::Statement(error) => error.as_db_error(),
            Self::Unreachable(_) | Self::Silent { .. } | Self::ReadOnly => None,
            Self::ZoneMissing(_) | Self::TooManyAreas(_) | Self::Migration(_) | Self::Schema(_) => None,
        };
        refusal.is_some_and(|refusal| {
            let is_theirs = matches!(refusal.table(), Some("contacts" | "attempts"));
            match *refusal.code() {
                SqlState::CHECK_VIOLATION | SqlState::NOT_NULL_VIOLATION => is_theirs,
                SqlState::UNIQUE_VIOLATION => refusal.constraint() == Some("numbers_are_not_reused"),
                ref code => code.code().starts_with("22"),
            }
        })
    }

    /// The contact that it is about, where that is known.
    pub fn contact(&self) -> Option<Uuid> {
        match self {
            Self::OfContact { contact, .. } => Some(*contact),
            _ => None,
        }
    }

    /// The same error, met while this contact was worked with: about the contact, if it is of a row.
    #[must_use]
    pub fn met_with(self, contact: Uuid) -> Self {
        if self.contact().is_none() && self.is_of_a_row() {
            return Self::OfContact { contact, cause: Box::new(self) };
        }
        self
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Statement(error)
    }
}

fn without_details(error: &tokio_postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        return format!("{error}{}", cause.unwrap_or_default());
    };
    let constraint = refusal.constraint().map(|constraint| format!(" ({constraint})"));
    format!("{} {}{}", refusal.code().code(), refusal.message(), constraint.unwrap_or_default())
}

impl From<crate::domain::names::UnknownName> for Error {
    fn from(unknown: crate::domain::names::UnknownName) -> Self {
        Self::ImpossibleRow(unknown.to_string())
    }
}

impl From<crate::domain::area::BadArea> for Error {
    fn from(bad: crate::domain::area::BadArea) -> Self {
        match bad.missing_zone() {
            Some(zone) => Self::ZoneMissing(zone.to_owned()),
            None => Self::ImpossibleRow(bad.to_string()),
        }
    }
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A text column that holds one of an enumeration's names.
fn name<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Result<T, crate::domain::names::UnknownName>,
) -> Result<T, Error> {
    Ok(parse(row.try_get(column)?)?)
}

/// A text column that holds one of an enumeration's names, or nothing.
fn name_opt<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Result<T, crate::domain::names::UnknownName>,
) -> Result<Option<T>, Error> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(parse).transpose()?)
}

/// A JSON column of a known shape.
fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, Error> {
    let value: serde_json::Value = row.try_get(column)?;
    serde_json::from_value(value).map_err(|error| Error::ImpossibleRow(format!("{column}: {error}")))
}

/// A count, which no table lets be negative.
fn count(row: &Row, column: &str) -> Result<u32, Error> {
    let count: i32 = row.try_get(column)?;
    u32::try_from(count).map_err(|_| Error::ImpossibleRow(format!("{column} is {count}")))
}
