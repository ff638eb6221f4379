//! A private PostgreSQL with the settings of the shipped one: what is committed is on the disk.

use std::path::Path;

use outdial::embedded::{Durability, Embedded};
use tokio_postgres::{Client, Config, NoTls};

/// On a real disk, where `/tmp` often is none. The next run cleans up after one that was killed.
const DIRECTORY: &str = "/var/tmp/outdial-bench";

/// The database's name.
const NAME: &str = "bench";

/// A durable PostgreSQL with an empty database.
pub struct Cluster {
    embedded: Embedded,
}

impl Cluster {
    /// Starts it.
    pub async fn start() -> Self {
        let embedded = Embedded::start_with(Path::new(DIRECTORY), Durability::Durable)
            .await
            .expect("a PostgreSQL for the bench");
        embedded.drop_database(NAME).await.expect("no database of an earlier run");
        embedded.ensure_database(NAME).await.expect("a fresh database");
        Self { embedded }
    }

    /// How to connect to the database.
    pub fn config(&self) -> Config {
        self.embedded.config(NAME)
    }

    /// A connection of the bench's own.
    pub async fn connect(&self) -> Client {
        let (client, connection) = self.config().connect(NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Where its files are.
    pub fn directory(&self) -> &'static Path {
        Path::new(DIRECTORY)
    }

    /// Stops it and removes its files.
    pub async fn stop(self) {
        self.embedded.stop().await.expect("the PostgreSQL's end");
        std::fs::remove_dir_all(DIRECTORY).expect("its files' end");
    }
}
