//! The simulator as a process of its own, so that calls and ledger outlive whatever happens to the dialer.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use super::DemoError;
use crate::cli::SimulateOptions;
use crate::clock::Course;
use crate::config::Secret;

/// How long the simulator may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running simulator. It ends when this is dropped, or when this process dies: its standard input ends then.
#[derive(Debug)]
pub(super) struct SimulatorProcess {
    pub(super) url: Url,
    _child: Child,
    // A pipe that nobody reads any more would end it at its next word.
    _words: Lines<BufReader<ChildStdout>>,
}

impl SimulatorProcess {
    /// Starts the simulator on a free port.
    pub(super) async fn start(
        account_sid: &str,
        auth_token: &Secret,
        cps: f64,
        course: &Course,
        log: &Path,
    ) -> Result<Self, DemoError> {
        let failed = |source| DemoError::Simulator { log: log.to_owned(), source };
        let log_file: File = OpenOptions::new().create(true).append(true).open(log).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["simulate", "--port", "0", "--until-stdin-closes"]);
        command.args(["--account-sid", account_sid, "--auth-token", auth_token.expose()]);
        command.args(["--cps", &cps.to_string(), "--clock", &course.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log_file);
        // In a group of its own a terminal's Ctrl-C does not reach it: the server gets to finish first.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(failed)?;
        let stdout = child.stdout.take().expect("the standard output is a pipe");
        let mut words = BufReader::new(stdout).lines();
        let ended = || failed(std::io::Error::other("it did not say where it listens"));
        let url =
            tokio::time::timeout(PATIENCE, find_url(&mut words)).await.ok().flatten().ok_or_else(ended)?;
        Ok(Self { url, _child: child, _words: words })
    }
}

/// The address among the words that the simulator prints. None if it ends before it says one.
async fn find_url(words: &mut Lines<BufReader<ChildStdout>>) -> Option<Url> {
    while let Ok(Some(line)) = words.next_line().await {
        if let Some(url) = SimulateOptions::url_in(&line) {
            return url.parse().ok();
        }
    }
    None
}
