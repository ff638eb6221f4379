//! The peers: the usual Python way, if it is installed (`make peers`).

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::list::List;

/// What the peers are written in.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/contacts.py");

/// A Python with the libraries that `benches/peers/requirements.txt` names.
pub struct Python(PathBuf);

impl Python {
    /// Looks for it where `make peers` puts it, and says so if there is none.
    pub fn find() -> Option<Self> {
        let python = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/bin/python"));
        let imports = ["-c", "import openpyxl, pandas, phonenumbers, psycopg, python_calamine"];
        if Command::new(&python).args(imports).output().is_ok_and(|done| done.status.success()) {
            return Some(Self(python));
        }
        println!(
            "Python and its libraries are not there, so its rows are left out; `make peers` installs them.\n"
        );
        None
    }

    /// Rows a second until they are stored.
    pub fn store(&self, list: &List, database: &Config) -> f64 {
        let Some(Host::Unix(socket)) = database.get_hosts().first() else { panic!("expected a socket") };
        let dsn = format!(
            "host={} port={} user={} dbname={}",
            socket.display(),
            database.get_ports().first().expect("a port"),
            database.get_user().expect("a user"),
            database.get_dbname().expect("a database"),
        );
        self.run(&["store", &list.path.display().to_string(), &dsn])
    }

    /// Rows a second that are read and normalised.
    pub fn normalise(&self, list: &List, engine: Option<&str>) -> f64 {
        let path = list.path.display().to_string();
        let arguments: Vec<&str> = ["normalise", &path].into_iter().chain(engine).collect();
        self.run(&arguments)
    }

    fn run(&self, arguments: &[&str]) -> f64 {
        let done = Command::new(&self.0).arg(SCRIPT).args(arguments).output().expect("Python");
        let said: Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|_| panic!("Python: {}", String::from_utf8_lossy(&done.stderr)));
        assert_eq!(said["rows"], said["contacts"], "Python refused rows of a clean list");
        said["rows"].as_f64().expect("rows") / said["seconds"].as_f64().expect("seconds")
    }
}
