//! One PostgreSQL for all tests of a run, and a fresh database for each of them, cloned from a migrated template. And
//! servers that are one test's own, for what would befall all the others as well.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use outdial::db::{self, Database, Tls};
use outdial::embedded::{Durability, Embedded};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::OnceCell;

use super::eventually;

const TEMPLATE: &str = "template_of_tests";

struct Cluster {
    embedded: Embedded,
    _reaper: Child,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// A fresh, migrated database of a test's own, and how to connect to it.
pub async fn fresh_database() -> (Database, tokio_postgres::Config) {
    let config = new_database(TEMPLATE).await;
    (Database::new(config.clone(), Tls::Off).expect("a pool"), config)
}

/// A database of a test's own that nothing has been done to, and how to connect to it.
pub async fn empty_database() -> tokio_postgres::Config {
    new_database("template1").await
}

async fn new_database(template: &str) -> tokio_postgres::Config {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    run(&cluster.embedded, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    cluster.embedded.config(&name)
}

async fn start() -> Cluster {
    let directory = PathBuf::from(format!("/tmp/outdial-tests-{}", std::process::id()));
    let embedded = start_in(&directory).await;
    embedded.ensure_database(TEMPLATE).await.expect("a template");
    let template = Database::new(embedded.config(TEMPLATE), Tls::Off).expect("a pool");
    db::migrate(&template).await.expect("a migrated template");
    drop(template);
    Cluster { embedded, _reaper: reaper(&directory, "") }
}

async fn start_in(directory: &Path) -> Embedded {
    Embedded::start_with(directory, Durability::ForTests).await.expect("a PostgreSQL for tests")
}

/// Stops the server when it is dropped, or this process ends, however it ends: it reads until nobody can write to it any
/// more. `before` is done before the directory is removed.
fn reaper(directory: &Path, before: &str) -> Child {
    let directory = directory.display();
    let find_pid = format!(
        "$(head -n 1 {directory}/*/postmaster.pid {directory}/postmaster.pid 2>/dev/null | grep -E '^[0-9]+$')"
    );
    let script = format!("cat >/dev/null; kill -INT {find_pid}; sleep 1; {before} rm -rf {directory}");
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

/// The database of a server of a test's own.
const OWN: &str = "own";

/// A server of a test's own. It ends with it.
pub struct OwnCluster {
    embedded: Embedded,
    directory: PathBuf,
    _reaper: Child,
}

impl OwnCluster {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_in(own_directory(), "").await
    }

    /// Starts one whose disk holds so many megabytes. None, and a sentence why, where no disk can be made.
    pub async fn start_on_disk_of(megabytes: u32) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can mount a disk of a fixed size");
            return None;
        }
        let directory = own_directory();
        std::fs::create_dir_all(&directory).expect("a directory");
        let size = format!("size={megabytes}m,mode=0755");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&directory).output();
        if !mounted.as_ref().is_ok_and(|done| done.status.success()) {
            println!("skipped: no disk of a fixed size can be mounted here: {mounted:?}");
            return None;
        }
        let unmount = format!("umount -l {};", directory.display());
        Some(Self::start_in(directory, &unmount).await)
    }

    async fn start_in(directory: PathBuf, in_the_end: &str) -> Self {
        let reaper = reaper(&directory, in_the_end);
        let embedded = start_in(&directory).await;
        embedded.ensure_database(OWN).await.expect("a database");
        Self { embedded, directory, _reaper: reaper }
    }

    /// How to connect to its database.
    pub fn config(&self) -> tokio_postgres::Config {
        self.embedded.config(OWN)
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.directory.join("cluster")
    }

    /// Tells its first process something.
    pub fn signal(&self, signal: Signal) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).ok();
        let pid = pid.and_then(|text| text.lines().next()?.parse().ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("a running server"), signal).expect("a server of ours");
    }

    /// Stops it; its connections are cut.
    pub async fn stop(&self) {
        self.signal(Signal::INT);
        let pid_file = self.data().join("postmaster.pid");
        eventually("the server has stopped", || async { (!pid_file.exists()).then_some(()) }).await;
    }

    /// Starts it again.
    pub async fn start_again(&self) {
        eventually("the server starts", || async { self.embedded.ensure_running().await.ok() }).await;
    }
}

/// A directory for a private PostgreSQL that the program itself makes. It is gone with the test, and so is what still runs in it.
pub struct DataDir {
    directory: PathBuf,
    _reaper: Child,
}

impl DataDir {
    /// One that nothing is in yet.
    pub fn empty() -> Self {
        let directory = own_directory();
        Self { _reaper: reaper(&directory, ""), directory }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Whether a server runs in it.
    pub fn is_in_use(&self) -> bool {
        self.directory.join("cluster/postmaster.pid").exists()
    }
}

fn own_directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(format!("/tmp/outdial-tests-{}-{number}", std::process::id()))
}

async fn run(embedded: &Embedded, sql: &str) {
    let (client, connection) =
        embedded.config("postgres").connect(tokio_postgres::NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("a statement");
    drop(client);
    connection.await.expect("the connection's end").expect("a clean end");
}
