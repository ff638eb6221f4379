//! The program as a process of its own, as people run it: with variables, a log, and an end.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use outdial::config::{Config, Provider};
use rustix::process::{Pid, Signal, kill_process};

use super::eventually;
use super::scene::Scene;

/// The environment of a process.
#[derive(Clone)]
pub struct Variables(Vec<(&'static str, String)>);

impl Variables {
    /// Those with which the program is the scene's.
    pub fn of(scene: &Scene) -> Self {
        let Provider::Twilio(account) = &scene.config.provider else { panic!("an account") };
        let user = scene.database.get_user().expect("a user");
        Self(vec![
            ("DATABASE_URL", format!("postgres://{user}@{}?sslmode=disable", place(scene))),
            ("PORT", scene.config.listen.port.to_string()),
            ("OUTDIAL_HOST", "127.0.0.1".to_owned()),
            ("TWILIO_ACCOUNT_SID", account.account_sid.clone()),
            ("TWILIO_AUTH_TOKEN", account.auth_token.expose().to_owned()),
            ("TWILIO_FROM", account.from.clone()),
            ("OUTDIAL_PUBLIC_URL", account.public_url.to_string()),
            ("OUTDIAL_TWILIO_URL", account.base_url.to_string()),
            ("OUTDIAL_CPS", scene.config.cps.to_string()),
            ("OUTDIAL_CLOCK", scene.config.course.as_ref().expect("a course of time").to_string()),
            ("OUTDIAL_API_TOKEN", scene.config.api_token.as_ref().expect("a token").expose().to_owned()),
            ("OUTDIAL_LOG", "warn".to_owned()),
        ])
    }

    /// Those of a shell in which nothing is said but where the private PostgreSQL is.
    pub fn private(data_dir: &Path) -> Self {
        let data_dir = data_dir.display().to_string();
        Self(vec![
            ("OUTDIAL_DATA_DIR", data_dir),
            ("OUTDIAL_HOST", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
        ])
    }

    /// The same, of a shell that knows nothing of who places the calls.
    pub fn without_provider(&self) -> Self {
        let is_of_provider = |name: &str| {
            name.starts_with("TWILIO_") || ["OUTDIAL_TWILIO_URL", "OUTDIAL_PUBLIC_URL"].contains(&name)
        };
        Self(self.0.iter().filter(|(name, _)| !is_of_provider(name)).cloned().collect())
    }

    /// The same, but for this one.
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let others = self.0.iter().filter(|(other, _)| *other != name).cloned();
        Self(others.chain([(name, value.into())]).collect())
    }
}

/// The scene's database as a URL has it, after the user: host and name.
pub fn place(scene: &Scene) -> String {
    let tokio_postgres::config::Host::Unix(socket) = &scene.database.get_hosts()[0] else {
        panic!("a socket")
    };
    let name = scene.database.get_dbname().expect("a name");
    format!("{}/{name}", socket.display().to_string().replace('/', "%2F"))
}

/// A process. It ends with its owner, and what it has said goes with it.
pub struct Process {
    child: RefCell<Child>,
    said: tempfile::NamedTempFile,
}

impl Process {
    /// The scene's program.
    pub fn serve(scene: &Scene) -> Self {
        Self::run("serve", &Variables::of(scene))
    }

    /// A command, with these variables and none of ours.
    pub fn run(command: &str, variables: &Variables) -> Self {
        Self::run_with(command, &[], variables)
    }

    /// The same, with arguments.
    pub fn run_with(command: &str, arguments: &[&str], variables: &Variables) -> Self {
        let said = tempfile::NamedTempFile::new().expect("a file for what it says");
        let copy = || File::options().append(true).open(said.path()).expect("the same file");
        let mut program = Command::new(env!("CARGO_BIN_EXE_outdial"));
        for variable in Config::VARIABLES {
            program.env_remove(variable.name);
        }
        let child = program
            .arg(command)
            .args(arguments)
            .envs(variables.0.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("the program");
        Self { child: RefCell::new(child), said }
    }

    /// Waits until it can work.
    pub async fn is_ready(&self, scene: &Scene) {
        eventually("the program is ready", || async {
            assert!(self.ended().is_none(), "it has ended: {}", self.said());
            let answer = scene.stranger().get(scene.url("/health/ready")).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Everything that it has said so far, to whomever.
    pub fn said(&self) -> String {
        let said = std::fs::read(self.said.path()).expect("what it has said");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The most memory that it has had so far, in KiB, where the system tells.
    pub fn most_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.borrow().id())).ok()?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        most.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Asks it to stop, and waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end().await
    }

    /// Tells it something.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.borrow().id()).ok().and_then(Pid::from_raw).expect("an id");
        kill_process(pid, signal).expect("a living process");
    }

    /// Waits until it has said this.
    pub async fn says(&self, words: &str) {
        eventually(words, || async {
            assert!(self.ended().is_none(), "it has ended: {}", self.said());
            self.said().contains(words).then_some(())
        })
        .await;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.child.get_mut().kill().expect("a living process");
        self.child.get_mut().wait().expect("its end");
    }

    /// How it has ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child.borrow_mut().try_wait().expect("a process of ours")
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.get_mut().kill();
        let _ = self.child.get_mut().wait();
    }
}
