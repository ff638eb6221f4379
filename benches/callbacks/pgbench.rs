//! The statement alone, without HTTP and without the program: `pgbench`, if it is installed beside the server.

use std::path::PathBuf;

use tokio::process::Command;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

use super::{ATTEMPTS, ROUNDS};

/// The source that holds the statement, so that what is measured is what is shipped.
const SOURCE: &str = include_str!("../../src/db/attempts/facts.rs");

const SECONDS: &str = "4";

/// An installed `pgbench` and the database it is to work on.
pub struct Pgbench {
    program: PathBuf,
    config: Config,
    script: PathBuf,
}

/// Looks for it beside the server's programs.
pub async fn find(psql: &Client, config: Config) -> Option<Pgbench> {
    let sql = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    let directory: String = psql.query_one(sql, &[]).await.expect("the server's directory").get(0);
    let program = PathBuf::from(directory).join("pgbench");
    if !program.is_file() {
        println!("pgbench is not installed beside the server, so its rows are left out.\n");
        return None;
    }
    let script = std::env::temp_dir().join(format!("outdial-bench-{}.sql", std::process::id()));
    std::fs::write(&script, script_of(statement())).expect("a script");
    Some(Pgbench { program, config, script })
}

impl Pgbench {
    /// Statements a second with so many clients.
    pub async fn run(&self, clients: u32) -> f64 {
        let Some(Host::Unix(sockets)) = self.config.get_hosts().first() else { panic!("expected a socket") };
        let done = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--time", SECONDS])
            .arg(format!("--client={clients}"))
            .arg(format!("--file={}", self.script.display()))
            .arg(format!("--host={}", sockets.display()))
            .arg(format!("--port={}", self.config.get_ports().first().expect("a port")))
            .arg(format!("--username={}", self.config.get_user().expect("a user")))
            .arg(self.config.get_dbname().expect("a database"))
            .output()
            .await
            .expect("pgbench");
        let said = String::from_utf8_lossy(&done.stdout);
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("pgbench: {said}{}", String::from_utf8_lossy(&done.stderr)))
    }
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        // It is small, and lies where such files are swept away.
        let _ = std::fs::remove_file(&self.script);
    }
}

/// The program's statement that merges what was heard.
fn statement() -> &'static str {
    let (_, after) = SOURCE.split_once("async fn merge(").expect("the function that merges");
    let (_, after) = after.split_once("const SQL: &str = \"").expect("its statement");
    after.split_once("\";").expect("the statement's end").0
}

/// A script that hears of one attempt, drawn by chance, that it rings.
fn script_of(statement: &str) -> String {
    let id = "ARRAY[id(:n::int)]";
    let key = (3_i64 << 48) | (2 << 44) | (i64::from(ROUNDS + 1) << 8);
    let values = [
        id.to_owned(),
        id.to_owned(),
        "ARRAY['CA' || lpad(to_hex(:n::int), 32, '0')]".to_owned(),
        "ARRAY['ringing']".to_owned(),
        format!("ARRAY[{key}]"),
        "ARRAY[now()]".to_owned(),
        "ARRAY[NULL]".to_owned(),
        "ARRAY[NULL]".to_owned(),
        "ARRAY[NULL]".to_owned(),
        "ARRAY[NULL]".to_owned(),
        "ARRAY[NULL]".to_owned(),
        "now()".to_owned(),
        "ARRAY['unknown', 'human', 'machine_start', 'machine_end_other', 'machine_end_silence', \
         'machine_end_beep', 'fax']"
            .to_owned(),
        "ARRAY['completed', 'busy', 'failed', 'no-answer', 'canceled']".to_owned(),
    ];
    // From the last on: `$1` is the beginning of `$14`.
    let text =
        values.iter().enumerate().rev().fold(statement.to_owned(), |text, (place, value)| {
            text.replace(&format!("${}", place + 1), value)
        });
    format!("\\set n random(1, {ATTEMPTS})\n{};\n", text.replace('\n', " "))
}
