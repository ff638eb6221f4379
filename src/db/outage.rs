//! Why the database does not work just now, as opposed to a statement that is wrong and will be wrong again.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::Error;

/// Why the database does not work just now. Whatever it is, the same thing can be asked of it again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// Nobody answers, or somebody who lets nobody in yet.
    #[error("the database cannot be reached")]
    Away,
    /// It has stopped answering in the middle of it.
    #[error("the database does not answer")]
    Silent,
    /// The connection was cut in the middle of it.
    #[error("the connection to the database was cut")]
    Cut,
    /// It has as many connections as it takes.
    #[error("the database takes no more connections")]
    NoConnections,
    /// It has nowhere to write.
    #[error("the database's disk is full")]
    DiskFull,
    /// It lacks memory or something else, or something in it is broken.
    #[error("the database is short of something that it needs")]
    Unwell,
    /// It takes no writes.
    #[error("the database takes no writes: it is read-only or a standby")]
    ReadOnly,
    /// Others hold what is needed, and go on holding it.
    #[error("what is needed in the database is held by others")]
    Held,
    /// Others' work came in between, or a change of the tables: a deadlock, a serialization failure, a statement that is
    /// not prepared any more. Nothing of it was done, and at the next try nobody may be in the way.
    #[error("others' work in the database came in between")]
    Conflict,
}

impl Outage {
    /// Every one, in the order of the list.
    const ALL: [Self; 9] = [
        Self::Away,
        Self::Silent,
        Self::Cut,
        Self::NoConnections,
        Self::DiskFull,
        Self::Unwell,
        Self::ReadOnly,
        Self::Held,
        Self::Conflict,
    ];

    /// It, in a word, for figures.
    pub fn as_word(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Silent => "silent",
            Self::Cut => "cut",
            Self::NoConnections => "no-connections",
            Self::DiskFull => "disk-full",
            Self::Unwell => "unwell",
            Self::ReadOnly => "read-only",
            Self::Held => "held",
            Self::Conflict => "conflict",
        }
    }

    /// Whether it may work at once when it is tried again, on another connection where this one was cut.
    pub(super) fn is_over_at_once(self) -> bool {
        match self {
            Self::Cut | Self::Conflict => true,
            Self::Away
            | Self::Silent
            | Self::NoConnections
            | Self::DiskFull
            | Self::Unwell
            | Self::ReadOnly
            | Self::Held => false,
        }
    }
}

/// The word for a failure that is no outage.
const STATEMENT: &str = "statement";

/// How many failures of each kind there have been. All clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures(Arc<[AtomicU64; Outage::ALL.len() + 1]>);

impl Failures {
    /// Counts one.
    pub(super) fn note(&self, error: &Error) {
        let place = |outage| Outage::ALL.iter().position(|known| *known == outage);
        let place = error.outage().and_then(place).unwrap_or(Outage::ALL.len());
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }

    /// The kinds, and how many of each.
    pub(super) fn list(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let words = Outage::ALL.iter().map(|outage| outage.as_word()).chain([STATEMENT]);
        words.zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

impl Error {
    /// Why the database does not work just now, unless it is this one statement or row that is wrong.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Unreachable(PoolError::Backend(error)) => {
                Some(of_statement(error).filter(|outage| *outage != Outage::Cut).unwrap_or(Outage::Away))
            }
            Self::Unreachable(_) => Some(Outage::Away),
            Self::Silent { .. } => Some(Outage::Silent),
            Self::ReadOnly => Some(Outage::ReadOnly),
            Self::Statement(error) => of_statement(error),
            Self::OfContact { cause, .. } => cause.outage(),
            Self::ImpossibleRow(_)
            | Self::ZoneMissing(_)
            | Self::TooManyAreas(_)
            | Self::Migration(_)
            | Self::Schema(_) => None,
        }
    }

    /// Whether the database does not work just now, rather than this one statement or row being wrong.
    pub fn is_outage(&self) -> bool {
        self.outage().is_some()
    }

    /// Whether a prepared statement is gone, or its result has other columns by now.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Statement(error) if error.code().is_some_and(is_stale))
    }
}

fn of_statement(error: &tokio_postgres::Error) -> Option<Outage> {
    let Some(code) = error.code() else {
        let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
        return match cause {
            // So says the client of a server that is not what was asked for, and so, with a number, the system.
            Some(cause)
                if cause.kind() == io::ErrorKind::PermissionDenied && cause.raw_os_error().is_none() =>
            {
                Some(Outage::ReadOnly)
            }
            Some(_) => Some(Outage::Cut),
            // What is left are values and rows that are not what they should be.
            None => error.is_closed().then_some(Outage::Cut),
        };
    };
    match *code {
        SqlState::TOO_MANY_CONNECTIONS => Some(Outage::NoConnections),
        SqlState::DISK_FULL => Some(Outage::DiskFull),
        SqlState::READ_ONLY_SQL_TRANSACTION => Some(Outage::ReadOnly),
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => Some(Outage::Held),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => Some(Outage::Cut),
        // The server has waited too long for us, and closed the session.
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Some(Outage::Cut),
        _ if is_stale(code) => Some(Outage::Conflict),
        _ => match &code.code()[..2] {
            "40" => Some(Outage::Conflict),
            "08" => Some(Outage::Cut),
            "57" => Some(Outage::Away),
            "53" | "58" => Some(Outage::Unwell),
            _ => None,
        },
    }
}

/// A cached plan whose result changed its columns is a feature that is not supported: nothing else here asks for one.
fn is_stale(code: &SqlState) -> bool {
    [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::FEATURE_NOT_SUPPORTED].contains(code)
}
