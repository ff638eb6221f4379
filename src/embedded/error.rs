//! What can go wrong with a private PostgreSQL, each with what would help.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no private PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No directory that was searched holds a server.
    #[error(
        "no PostgreSQL server was found (searched PATH, {searched}); install one (Debian and Ubuntu: \
         apt install postgresql; macOS: brew install postgresql@17; Fedora: dnf install postgresql-server) \
         or set DATABASE_URL to one that runs elsewhere"
    )]
    NoServer {
        /// Where it was looked for besides PATH.
        searched: String,
    },
    /// The data was written by another major version than any that is installed.
    #[error(
        "the data in {directory} was written by PostgreSQL {written_by}, and only {installed} is installed; \
         install PostgreSQL {written_by} again, or move the directory away to begin anew"
    )]
    OtherVersion {
        /// PostgreSQL's data directory.
        directory: PathBuf,
        /// The major version of the data.
        written_by: String,
        /// The major versions that were found.
        installed: String,
    },
    /// The superuser started outdial and there is nobody to hand the server over to.
    #[error(
        "PostgreSQL refuses to run as root, and neither a user postgres nor a user nobody exists; \
         add one, or start outdial as an ordinary user"
    )]
    NoOrdinaryUser,
    /// The ordinary user who has to run the server may not enter a directory above its data.
    #[error(
        "PostgreSQL has to run as user {user}, who may not enter {directory}; set OUTDIAL_DATA_DIR to a \
         directory that everybody can reach, such as /var/lib/outdial"
    )]
    OutOfReach {
        /// Who has to run the server.
        user: String,
        /// The directory that is closed to them.
        directory: PathBuf,
    },
    /// Somebody else has made the directory that is to hold the socket.
    #[error(
        "expected {directory} to be a private directory (0700) of user {user}; remove it and start again"
    )]
    NotPrivate {
        /// The directory.
        directory: PathBuf,
        /// Whose it should be.
        user: String,
    },
    /// The system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb made no cluster:\n{0}")]
    Init(String),
    /// The server ended at once, or never became ready.
    #[error("PostgreSQL does not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Another outdial has been starting or stopping the server for too long.
    #[error("another outdial has been starting or stopping the database in {} for {} s", directory.display(), patience.as_secs())]
    Busy {
        /// outdial's data directory.
        directory: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The server runs, but its socket was removed.
    #[error("PostgreSQL (process {pid}) runs without its socket in {}; stop every outdial that uses it and start again", sockets.display())]
    WithoutSocket {
        /// The server's process.
        pid: i32,
        /// Where its socket was.
        sockets: PathBuf,
    },
    /// The server did not stop.
    #[error("PostgreSQL (process {pid}) has not stopped within {} s", patience.as_secs())]
    StillRunning {
        /// The server's process.
        pid: i32,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The server did not do what it was asked for.
    #[error("the private PostgreSQL refused what outdial asked of it")]
    Refused(#[from] tokio_postgres::Error),
}

/// Says what was being done, and with which file, when the system refused.
pub(super) trait Doing<T> {
    /// Names the deed and the file.
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedError> {
        self.map_err(|source| EmbeddedError::Io { doing, path: path.to_owned(), source })
    }
}
