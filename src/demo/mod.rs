//! The demo: a real contact list, called by the real program through its own API, on the simulator. It owns what is
//! around the server: a database, a simulator, a clock, and the person who uploads, starts and watches.

mod api;
mod progress;
mod report;
mod simulator;

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;
use uuid::Uuid;

use self::api::{Api, Campaign, Upload};
use self::progress::Progress;
pub use self::report::Report;
use self::simulator::SimulatorProcess;
use crate::clock::{Course, Deadline, Stopwatch};
use crate::config::{Config, Database, Listen, Log, Provider, Secret, Tls, TwilioAccount};
use crate::embedded::{Embedded, EmbeddedError};

/// When the demo's day begins: a Monday, 10:00 in New York, and therefore 7:00 in Los Angeles.
const MORNING: &str = "2026-03-02T15:00:00Z";

/// The account of the demo's simulator.
const ACCOUNT_SID: &str = "AC000000000000000000000000000de300";

/// Who calls: a number that is kept for stories.
const FROM: &str = "+12025550100";

/// Calls a second, in real time.
const CPS: f64 = 5.0;

/// The demo's database, made anew each time.
const DATABASE: &str = "demo";

/// The pause between two looks at the campaign.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long it may take at the usual speed, and what that is.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
const USUAL_SPEED: u32 = 60;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database.
    #[error(transparent)]
    Database(#[from] EmbeddedError),
    /// Somebody else watches a demo of the same data directory.
    #[error("another demo is running in {}", data_dir.display())]
    Running {
        /// The demo's data directory.
        data_dir: PathBuf,
    },
    /// The simulator does not run.
    #[error("the simulator does not start (its log is {})", log.display())]
    Simulator {
        /// What it wrote.
        log: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No port is free.
    #[error("no port of this machine is free")]
    Port(#[source] std::io::Error),
    /// The list cannot be read.
    #[error("cannot read the list {}", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server cannot be reached, or its answer not be read.
    #[error("the server does not answer")]
    Http(#[from] reqwest::Error),
    /// The server refuses.
    #[error("cannot {doing}: the server answers {status}: {said}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        said: String,
    },
    /// The server answers something else than expected.
    #[error("cannot {doing}: the answer is not understood")]
    Answer {
        /// What was tried.
        doing: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// A contact list, as it lies in a file.
#[derive(Debug, Clone)]
pub struct ContactList {
    /// The file's name, whose ending tells what it is.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// What the called people hear. It may name the list's columns.
    pub greeting: &'static str,
}

impl ContactList {
    /// The list that comes with the program: sixty made-up people, and a few rows as files have them.
    pub fn sixty_people() -> Self {
        Self {
            name: "contacts.csv".into(),
            content: include_bytes!("../../fixtures/contacts.csv").into(),
            greeting: "Hello {{name}}, this is outdial, calling to say that it works. Goodbye.",
        }
    }

    /// Somebody's own list, of which nothing is known.
    pub fn read(path: &Path) -> Result<Self, DemoError> {
        let content =
            std::fs::read(path).map_err(|source| DemoError::List { path: path.to_owned(), source })?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, content, greeting: "Hello, this is outdial, calling to say that it works. Goodbye." })
    }
}

/// What is around the server: it has to live as long as the server does.
#[derive(Debug)]
pub struct Demo {
    config: Config,
    token: Secret,
    speed: u32,
    _simulator: SimulatorProcess,
    database: Embedded,
    /// The lock that keeps other demos from this one's database.
    _alone: File,
}

impl Demo {
    /// Starts the database and the simulator, and makes up the configuration of a server that uses them.
    pub async fn prepare(data_dir: &Path, speed: u32, log: Log) -> Result<Self, DemoError> {
        let database = Embedded::start(data_dir).await?;
        let alone = lock(data_dir)?;
        database.drop_database(DATABASE).await?;
        database.ensure_database(DATABASE).await?;
        let auth_token = made_up();
        let course = Course::beginning_now(morning(), speed);
        let simulator_log = data_dir.join("simulator.log");
        let simulator =
            SimulatorProcess::start(ACCOUNT_SID, &auth_token, CPS, &course, &simulator_log).await?;
        let token = made_up();
        let port = free_port().map_err(DemoError::Port)?;
        let config = Config {
            database: Database::Given { config: Box::new(database.config(DATABASE)), tls: Tls::Disable },
            listen: Listen { host: "127.0.0.1".into(), port },
            provider: Provider::Twilio(Box::new(TwilioAccount {
                account_sid: ACCOUNT_SID.into(),
                auth_token,
                secondary_auth_token: None,
                api_key: None,
                from: FROM.into(),
                public_url: local_url(port),
                base_url: simulator.url.clone(),
            })),
            cps: CPS,
            api_token: Some(token.clone()),
            requests: None,
            streams_of_a_key: crate::config::STREAMS_OF_A_KEY,
            lists: Default::default(),
            course: Some(course),
            zoneinfo: None,
            rules: None,
            hooks_to_private: false,
            mask_for_viewers: false,
            log,
            operations: Default::default(),
        };
        Ok(Self { config, token, speed, _simulator: simulator, database, _alone: alone })
    }

    /// The configuration of the server that the demo needs.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Uploads the list to the server at this address, starts the campaign and shows how it goes, until it is over or
    /// the demo's patience is. How the calls went is in the report.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub async fn play(&self, url: &str, list: ContactList) -> Result<Report, DemoError> {
        let patience = PATIENCE * USUAL_SPEED / self.speed.min(USUAL_SPEED);
        play(&Api::new(url, self.token.clone())?, list, patience).await
    }

    /// Ends the simulator and gives the database back.
    pub async fn end(self) -> Result<(), DemoError> {
        Ok(self.database.stop().await?)
    }
}

async fn play(api: &Api, list: ContactList, patience: Duration) -> Result<Report, DemoError> {
    let watch = Stopwatch::start();
    let settings = settings(list.greeting);
    let upload = api.upload(&settings, list.name, list.content).await?;
    api.start(&upload.id).await?;
    let campaign = follow(api, &upload, Deadline::within(patience)).await?;
    Ok(Report { upload, campaign, took: watch.elapsed() })
}

/// Looks at the campaign until it is over, or until the deadline has passed.
async fn follow(api: &Api, upload: &Upload, deadline: Deadline) -> Result<Campaign, DemoError> {
    let mut progress = Progress::new(upload.imported);
    let over = loop {
        let campaign = api.campaign(&upload.id).await?;
        progress.show(&campaign);
        // Nobody resumes a campaign of the demo: one that is paused has met a fault.
        let goes_on = matches!(campaign.state.as_str(), "pending" | "running");
        if !goes_on || deadline.has_passed() {
            break campaign;
        }
        sleep(LOOK_EVERY).await;
    };
    progress.end();
    Ok(over)
}

/// Takes the demo's lock, which the system releases however this process ends.
fn lock(data_dir: &Path) -> Result<File, DemoError> {
    let running = || DemoError::Running { data_dir: data_dir.to_owned() };
    let file = File::create(data_dir.join("demo.lock")).map_err(|_| running())?;
    file.try_lock().map_err(|_| running())?;
    Ok(file)
}

fn settings(greeting: &str) -> Value {
    json!({
        "name": "Demo",
        "agent": {
            "name": "Ada",
            "prompt_text": "You call to say that outdial works. Be brief and kind.",
            "script": { "say": greeting },
        },
        "default_region": "US",
        "timezone": "America/New_York",
        "pacing": { "delay_seconds": 1 },
        "business_hours": { "enabled": true, "days": [1, 2, 3, 4, 5], "start_time": "09:00", "end_time": "17:00" },
        "retry_policy": {
            "max_retries": 3,
            "backoff_hours": [0.05, 0.1],
            "retryable_outcomes": ["no-answer", "busy", "failed"],
        },
    })
}

fn morning() -> DateTime<Utc> {
    MORNING.parse().expect("the constant is an instant")
}

/// A token that nobody can guess.
fn made_up() -> Secret {
    Secret::new(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
}

/// A port that is free now. The server's public address has to be known before it listens.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn local_url(port: u16) -> Url {
    format!("http://127.0.0.1:{port}").parse().expect("an address and a port make a URL")
}

#[cfg(test)]
mod tests;
