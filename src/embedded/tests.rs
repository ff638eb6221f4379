//! Scenes with real servers.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Signal, kill_process};

use super::pid_file::{PidFile, process};
use super::*;

/// A data directory that is removed again. Embedded makes it, so that it belongs to whoever runs the server.
struct DataDir(PathBuf);

impl DataDir {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("outdial-test-{}", uuid::Uuid::new_v4().simple())))
    }

    async fn start(&self) -> Embedded {
        Embedded::start_with(&self.0, Durability::ForTests).await.unwrap()
    }

    fn cluster(&self) -> Cluster {
        Cluster::in_data_dir(&self.0).unwrap()
    }

    async fn kill_the_server(&self) {
        kill_process(process(self.pid()).unwrap(), Signal::KILL).unwrap();
        let deadline = Deadline::within(PATIENCE);
        while self.cluster().standing().unwrap() != Standing::Down {
            assert!(!deadline.has_passed(), "the server outlives a SIGKILL");
            tokio::time::sleep(BLINK).await;
        }
    }

    fn pid(&self) -> i32 {
        PidFile::read(&self.0.join("cluster")).unwrap().expect("no server runs").pid
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = self.cluster().stop();
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn ask(embedded: &Embedded, statement: &str) -> Option<String> {
    let (client, connection) = embedded.config("scene").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query_opt(statement, &[]).await.unwrap().map(|row| row.get(0))
}

#[tokio::test]
async fn a_second_start_finds_its_data_again() {
    let data_dir = DataDir::new();
    let embedded = data_dir.start().await;
    embedded.ensure_database("scene").await.unwrap();
    embedded.ensure_database("scene").await.unwrap();
    ask(&embedded, "CREATE TABLE kept AS SELECT 'still here' AS note").await;
    embedded.stop().await.unwrap();
    assert_eq!(data_dir.cluster().standing().unwrap(), Standing::Down);

    let embedded = data_dir.start().await;
    assert_eq!(ask(&embedded, "SELECT note FROM kept").await.as_deref(), Some("still here"));
    embedded.drop_database("scene").await.unwrap();
    assert!(embedded.config("scene").connect(NoTls).await.is_err());
}

#[tokio::test]
async fn the_server_stops_with_the_last_who_uses_it() {
    let data_dir = DataDir::new();
    let (first, second) = tokio::join!(data_dir.start(), data_dir.start());
    first.ensure_database("scene").await.unwrap();
    let pid = data_dir.pid();
    first.stop().await.unwrap();
    assert_eq!(ask(&second, "SHOW fsync").await.as_deref(), Some("off"));
    let third = data_dir.start().await;
    drop(second);
    assert_eq!(data_dir.pid(), pid, "a server that runs is joined");
    drop(third);
    assert_eq!(data_dir.cluster().standing().unwrap(), Standing::Down);
}

#[tokio::test]
async fn whoever_only_looks_joins_a_server_that_runs_and_starts_none() {
    let data_dir = DataDir::new();
    assert!(Embedded::join(&data_dir.0).await.unwrap().is_none());
    assert!(!data_dir.0.join("cluster").exists());
    let embedded = data_dir.start().await;
    embedded.ensure_database("scene").await.unwrap();
    let pid = data_dir.pid();
    let joined = Embedded::join(&data_dir.0).await.unwrap().expect("a server that runs");
    assert_eq!(ask(&joined, "SHOW fsync").await.as_deref(), Some("off"));
    joined.stop().await.unwrap();
    assert_eq!(data_dir.pid(), pid, "whoever looks stops nobody's server");
    embedded.stop().await.unwrap();
    assert!(Embedded::join(&data_dir.0).await.unwrap().is_none());
    assert_eq!(data_dir.cluster().standing().unwrap(), Standing::Down);
}

#[tokio::test]
async fn the_next_start_joins_what_a_killed_outdial_left_running() {
    let data_dir = DataDir::new();
    // A killed process has lost its locks, and its server has gone on.
    data_dir.cluster().start(Durability::ForTests).unwrap();
    let pid = data_dir.pid();
    let next = data_dir.start().await;
    assert_eq!(data_dir.pid(), pid);
    next.stop().await.unwrap();
    assert_eq!(data_dir.cluster().standing().unwrap(), Standing::Down);
}

#[tokio::test]
async fn a_killed_server_is_recovered_by_the_next_start() {
    let data_dir = DataDir::new();
    let embedded = data_dir.start().await;
    embedded.ensure_database("scene").await.unwrap();
    ask(&embedded, "CREATE TABLE kept AS SELECT 'still here' AS note").await;
    data_dir.kill_the_server().await;

    let next = data_dir.start().await;
    assert_eq!(ask(&next, "SELECT note FROM kept").await.as_deref(), Some("still here"));
    assert_eq!(ask(&embedded, "SELECT note FROM kept").await.as_deref(), Some("still here"));
}

#[tokio::test]
async fn a_server_that_was_killed_runs_again_when_somebody_asks_for_it() {
    let data_dir = DataDir::new();
    let embedded = data_dir.start().await;
    embedded.ensure_database("scene").await.unwrap();
    let pid = data_dir.pid();
    embedded.ensure_running().await.unwrap();
    assert_eq!(data_dir.pid(), pid);

    data_dir.kill_the_server().await;
    embedded.ensure_running().await.unwrap();
    assert_eq!(ask(&embedded, "SELECT 'again'").await.as_deref(), Some("again"));
    let second = data_dir.start().await;
    embedded.stop().await.unwrap();
    assert_eq!(ask(&second, "SELECT 'still shared'").await.as_deref(), Some("still shared"));
}

#[tokio::test]
async fn a_left_over_process_number_that_somebody_else_has_now_blocks_nothing() {
    let data_dir = DataDir::new();
    data_dir.start().await.stop().await.unwrap();
    let cluster = data_dir.0.join("cluster");
    let owner = owner::Owner::of(&cluster).unwrap();
    let mut stranger = owner.command(Path::new("sleep")).arg("60").spawn().unwrap();
    let sockets = data_dir.0.join("run");
    let file = format!("{}\n{}\n1\n5432\n{}\n\n", stranger.id(), cluster.display(), sockets.display());
    fs::write(cluster.join("postmaster.pid"), format!("{file}  1 1\nready   \n")).unwrap();
    fs::write(sockets.join(".s.PGSQL.5432.lock"), file).unwrap();

    let embedded = Embedded::start_with(&data_dir.0, Durability::ForTests).await;
    let stranger_lives = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(stranger_lives);
    embedded.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_server_without_its_socket_is_started_anew_unless_somebody_uses_it() {
    let data_dir = DataDir::new();
    let first = data_dir.start().await;
    let pid = data_dir.pid();
    fs::remove_file(data_dir.0.join("run/.s.PGSQL.5432")).unwrap();
    let refused = Embedded::start_with(&data_dir.0, Durability::ForTests).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::WithoutSocket { .. }), "{refused}");
    assert_eq!(data_dir.pid(), pid);
    drop(first);

    data_dir.cluster().start(Durability::ForTests).unwrap();
    let pid = data_dir.pid();
    fs::remove_file(data_dir.0.join("run/.s.PGSQL.5432")).unwrap();
    let next = data_dir.start().await;
    assert_ne!(data_dir.pid(), pid);
    next.ensure_database("scene").await.unwrap();
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket_and_a_killed_initdb_leaves_no_trace() {
    let place = DataDir::new();
    let data_dir = DataDir(place.0.join("long".repeat(30)).join("data"));
    let half_made = data_dir.0.join("cluster.half-made-1");
    fs::create_dir_all(&half_made).unwrap();
    fs::write(half_made.join("PG_VERSION"), "15\n").unwrap();
    let owner = owner::Owner::of(&place.0).unwrap();
    for made in data_dir.0.ancestors().take(3) {
        owner.give(made).unwrap();
    }

    let embedded = data_dir.start().await;
    embedded.ensure_database("scene").await.unwrap();
    assert_eq!(ask(&embedded, "SELECT 'reached'").await.as_deref(), Some("reached"));
    assert!(embedded.sockets.starts_with("/tmp"), "{:?}", embedded.sockets);
    assert!(!half_made.exists());
    let sockets = embedded.sockets.clone();
    embedded.stop().await.unwrap();
    fs::remove_dir(sockets).unwrap();
}

#[tokio::test]
async fn data_of_another_major_version_is_left_alone() {
    let data_dir = DataDir::new();
    fs::create_dir_all(data_dir.0.join("cluster")).unwrap();
    fs::write(data_dir.0.join("cluster/PG_VERSION"), "9\n").unwrap();
    let error = Embedded::start(&data_dir.0).await.unwrap_err().to_string();
    assert!(error.contains("written by PostgreSQL 9"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_what_it_said() {
    let data_dir = DataDir::new();
    data_dir.start().await.stop().await.unwrap();
    fs::write(data_dir.0.join("cluster/postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = Embedded::start(&data_dir.0).await.unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}
