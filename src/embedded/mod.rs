//! A PostgreSQL of outdial's own, for whoever gives no `DATABASE_URL`: found, made, started, joined and stopped here.
//! What is in its databases is no affair of this module.
//!
//! A data directory holds
//!
//! ```text
//! in-use.lock     held shared by every outdial that uses the cluster, exclusively by the one that stops it
//! starting.lock   held by the one outdial that is just starting or stopping it
//! cluster/        PostgreSQL's data; it appears only when it is whole
//! run/            the socket, unless its path would be too long
//! postgres.log    what the server says
//! ```
//!
//! The system drops a process's locks when it dies, however it dies. So the server stops with the last outdial that
//! leaves in good order; the server that a killed outdial left is joined by the next; and what a killed server left is
//! cleaned up by PostgreSQL's own recovery. A server that runs is never killed.

mod binaries;
mod cluster;
mod error;
mod owner;
mod pid_file;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use self::cluster::{BLINK, Cluster, PATIENCE, USER};
use self::error::Doing;
pub use self::error::EmbeddedError;
use self::pid_file::{PORT, Standing};
use crate::clock::Deadline;

/// How long a server may be without its socket before it counts as lost: it also is while it stops.
const SOCKET_PATIENCE: Duration = Duration::from_secs(3);

/// What must survive a machine's sudden end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Whatever was committed.
    Durable,
    /// Nothing: for clusters that tests throw away. Commits still wait for their record as they do in earnest, only
    /// that no disk has to answer; more connections are allowed, as many tests share one server.
    ForTests,
}

impl Durability {
    /// The server's settings that depend on it.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &["max_connections=100"],
            Self::ForTests => {
                &["max_connections=300", "shared_buffers=64MB", "fsync=off", "full_page_writes=off"]
            }
        }
    }
}

/// A share in a running private PostgreSQL. Dropping it is as good as [`Embedded::stop`], only that nobody hears of
/// an error.
#[derive(Debug)]
pub struct Embedded {
    cluster: Cluster,
    durability: Durability,
    sockets: PathBuf,
    /// The shared lock, until the share is given back.
    in_use: Option<File>,
}

impl Embedded {
    /// Starts the cluster of this data directory, makes it if there is none, or joins the one that runs.
    pub async fn start(data_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::start_with(data_dir, Durability::Durable).await
    }

    /// As [`Embedded::start`], with a choice of what must survive. A server that already runs keeps its own choice.
    pub async fn start_with(data_dir: &Path, durability: Durability) -> Result<Self, EmbeddedError> {
        let data_dir = data_dir.to_owned();
        wait_for(move || Self::start_blocking(&data_dir, durability)).await
    }

    fn start_blocking(data_dir: &Path, durability: Durability) -> Result<Self, EmbeddedError> {
        let cluster = Cluster::in_data_dir(data_dir)?;
        let _starting = lock_start(&cluster)?;
        let in_use = open_lock(&in_use_path(&cluster))?;
        // It is exclusive only to somebody who also has the other lock: this does not wait.
        in_use.lock_shared().doing("lock", &in_use_path(&cluster))?;
        let sockets = bring_up(&cluster, &in_use, durability)?;
        Ok(Self { cluster, durability, sockets, in_use: Some(in_use) })
    }

    /// Joins the cluster of this data directory if its server runs, or is just being started. Where none does, nothing is
    /// started, nor made.
    pub async fn join(data_dir: &Path) -> Result<Option<Self>, EmbeddedError> {
        if !Self::is_made(data_dir) {
            return Ok(None);
        }
        let data_dir = data_dir.to_owned();
        wait_for(move || {
            let cluster = Cluster::in_data_dir(&data_dir)?;
            let _starting = lock_start(&cluster)?;
            let in_use = open_lock(&in_use_path(&cluster))?;
            in_use.lock_shared().doing("lock", &in_use_path(&cluster))?;
            let Standing::Ready(sockets) = cluster.standing()? else { return Ok(None) };
            let durability = Durability::Durable;
            Ok(Some(Self { cluster, durability, sockets, in_use: Some(in_use) }))
        })
        .await
    }

    /// Whether this data directory has a cluster, running or not.
    pub fn is_made(data_dir: &Path) -> bool {
        data_dir.join("cluster").is_dir()
    }

    /// Starts the server again if it has ended meanwhile, as one does that the system killed for want of memory. It
    /// costs little where the server runs: whoever meets a database that is gone may ask for it each time.
    pub async fn ensure_running(&self) -> Result<(), EmbeddedError> {
        let Some(in_use) = &self.in_use else { return Ok(()) };
        // The copy shares the lock: it is one lock on one opened file.
        let in_use = in_use.try_clone().doing("open", &in_use_path(&self.cluster))?;
        let (cluster, durability) = (self.cluster.clone(), self.durability);
        wait_for(move || {
            let _starting = lock_start(&cluster)?;
            bring_up(&cluster, &in_use, durability).map(drop)
        })
        .await
    }

    /// How to connect to a database of this cluster.
    pub fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.sockets).port(PORT).user(USER).dbname(database);
        config
    }

    /// Makes a database of this name, unless there is one.
    pub async fn ensure_database(&self, name: &str) -> Result<(), EmbeddedError> {
        let made = self.administer(&format!("CREATE DATABASE {}", quoted(name))).await;
        match made {
            // Two makers who begin together meet in the catalogue's index.
            Err(error) if has_code(&error, &[SqlState::DUPLICATE_DATABASE, SqlState::UNIQUE_VIOLATION]) => {
                Ok(())
            }
            made => Ok(made?),
        }
    }

    /// Drops the database of this name, if there is one, whoever is connected to it.
    pub async fn drop_database(&self, name: &str) -> Result<(), EmbeddedError> {
        Ok(self.administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await?)
    }

    /// Gives this share back, and stops the cluster if nobody else has one.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        wait_for(move || self.leave()).await
    }

    async fn administer(&self, statement: &str) -> Result<(), tokio_postgres::Error> {
        let (client, connection): (Client, _) = self.config("postgres").connect(NoTls).await?;
        let connection = tokio::spawn(connection);
        let done = client.batch_execute(statement).await;
        drop(client);
        // The connection ends with its client. A database that is in use as a template cannot be copied.
        let _ = connection.await;
        done
    }

    fn leave(&mut self) -> Result<(), EmbeddedError> {
        let Some(in_use) = self.in_use.take() else { return Ok(()) };
        let _starting = lock_start(&self.cluster)?;
        if make_exclusive(&in_use).doing("lock", &in_use_path(&self.cluster))? {
            self.cluster.stop()?;
        }
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the private PostgreSQL was left running"
            );
        }
    }
}

/// Joins the server that runs, or starts it. The caller holds both locks, `in_use` as one of perhaps many.
fn bring_up(cluster: &Cluster, in_use: &File, durability: Durability) -> Result<PathBuf, EmbeddedError> {
    let deadline = Deadline::within(PATIENCE);
    let without_socket = Deadline::within(SOCKET_PATIENCE);
    loop {
        match cluster.standing()? {
            Standing::Ready(sockets) => return Ok(sockets),
            Standing::Down => return cluster.start(durability),
            Standing::WithoutSocket(file) if without_socket.has_passed() => {
                // Whoever is connected to it still works. Only if nobody is can it be started anew.
                let is_ours_alone = make_exclusive(in_use).doing("lock", &in_use_path(cluster))?;
                if !is_ours_alone {
                    return Err(EmbeddedError::WithoutSocket { pid: file.pid, sockets: file.sockets });
                }
                cluster.stop()?;
                in_use.lock_shared().doing("lock", &in_use_path(cluster))?;
            }
            Standing::WithoutSocket(_) | Standing::Underway if !deadline.has_passed() => thread::sleep(BLINK),
            Standing::WithoutSocket(_) | Standing::Underway => {
                return Err(EmbeddedError::Busy {
                    directory: cluster.data_dir().to_owned(),
                    patience: PATIENCE,
                });
            }
        }
    }
}

fn in_use_path(cluster: &Cluster) -> PathBuf {
    cluster.data_dir().join("in-use.lock")
}

/// Takes the lock under which a cluster is started and stopped. It is released when the file is dropped.
fn lock_start(cluster: &Cluster) -> Result<File, EmbeddedError> {
    let path = cluster.data_dir().join("starting.lock");
    let file = open_lock(&path)?;
    let deadline = Deadline::within(PATIENCE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(source).doing("lock", &path),
            Err(TryLockError::WouldBlock) if deadline.has_passed() => {
                let directory = cluster.data_dir().to_owned();
                return Err(EmbeddedError::Busy { directory, patience: PATIENCE });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(BLINK),
        }
    }
}

/// Lock files are never removed: somebody may hold a lock on what would then be another file.
fn open_lock(path: &Path) -> Result<File, EmbeddedError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).doing("open", path)
}

/// Gives a shared lock back and tries to take the exclusive one. False if somebody else has a share.
fn make_exclusive(lock: &File) -> std::io::Result<bool> {
    lock.unlock()?;
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn has_code(error: &tokio_postgres::Error, codes: &[SqlState]) -> bool {
    error.code().is_some_and(|code| codes.contains(code))
}

/// Runs what waits for locks, files and processes where it holds up nobody else.
async fn wait_for<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

#[cfg(test)]
mod tests;
