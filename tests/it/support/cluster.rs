//! One PostgreSQL for all tests of a run, and a fresh database for each of them, cloned from a migrated template.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use outdial::db::{self, Database, Tls};
use outdial::embedded::{Durability, Embedded};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_of_tests";

struct Cluster {
    embedded: Embedded,
    /// Stops the server when this process ends, however it ends: it reads until nobody can write to it any more.
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
    let embedded =
        Embedded::start_with(&directory, Durability::ForTests).await.expect("a PostgreSQL for tests");
    embedded.ensure_database(TEMPLATE).await.expect("a template");
    let template = Database::new(embedded.config(TEMPLATE), Tls::Off).expect("a pool");
    db::migrate(&template).await.expect("a migrated template");
    drop(template);
    let find_pid = format!(
        "$(head -n 1 {0}/*/postmaster.pid {0}/postmaster.pid 2>/dev/null | grep -E '^[0-9]+$')",
        directory.display()
    );
    let script = format!("cat >/dev/null; kill -INT {find_pid}; sleep 1; rm -rf {}", directory.display());
    let reaper = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    Cluster { embedded, _reaper: reaper }
}

async fn run(embedded: &Embedded, sql: &str) {
    let (client, connection) =
        embedded.config("postgres").connect(tokio_postgres::NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("a statement");
    drop(client);
    connection.await.expect("the connection's end").expect("a clean end");
}
