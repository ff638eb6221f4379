//! The house that is to be shaken: several real `outdial serve`, one PostgreSQL of its own, one simulator whose ledger
//! outlives everything, and a proxy on each way between them. Whatever it starts ends with it, also when a test panics,
//! and also when the tests' own process is killed.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use outdial::app::whole_calls_per_second;
use outdial::clock::{Clock, Course, Deadline};
use outdial::db::{self, Database, Tls};
use outdial::embedded::{Durability, Embedded};
use outdial::simulator::{Scenario, Shares, Simulator, SimulatorConfig, Span};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::proxy::{Proxy, Upstream};

pub const ACCOUNT: &str = "AC0000000000000000000000000000ca05";
const AUTH_TOKEN: &str = "the-house-s-auth-token";
const API_TOKEN: &str = "the-house-s-api-token";

/// The house's time begins on a Monday, at 08:30 where all the numbers are.
const BEGINS_AT: &str = "2026-03-02T13:30:00Z";
/// How long it may go on until the hours of the called people end.
pub const HOURS_OF_CALLING: f64 = 12.0;

const DATABASE: &str = "chaos";

/// How long a node may take to start, with a database that is coming back meanwhile.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// How a house is set up.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub nodes: usize,
    /// Calls a second that the account may place.
    pub cps: f64,
    /// How many times faster than life it goes.
    pub speed: u32,
}

/// The house.
pub struct House {
    pub plan: Plan,
    pub clock: Clock,
    course: Course,
    pub simulator: Simulator,
    pub nodes: Vec<Node>,
    pub postgres: Postgres,
    /// Before the nodes' webhooks, as a load balancer would be.
    pub gateway: Proxy,
    http: reqwest::Client,
    reaper: Mutex<Reaper>,
}

/// One `outdial serve`, and its ways to the database and the provider.
pub struct Node {
    pub number: usize,
    pub port: u16,
    pub to_database: Proxy,
    pub to_provider: Proxy,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    /// Whoever holds it does something to the node, and nobody else does.
    pub process: tokio::sync::Mutex<Process>,
}

/// A node's present process.
#[derive(Default)]
pub struct Process {
    child: Option<Child>,
    /// Where this life begins in the node's log.
    born_at: u64,
    /// Under which id it owns campaigns, once it is ready.
    pub id: Option<Uuid>,
}

/// The house's own server.
pub struct Postgres {
    embedded: Embedded,
    directory: PathBuf,
}

/// Ends what a killed test process leaves: it reads until nobody can write to it any more. A number is only killed if
/// its process was started with this house's marker.
struct Reaper {
    _shell: Child,
    pids: ChildStdin,
}

impl House {
    pub async fn build(plan: Plan) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory =
            PathBuf::from(format!("/tmp/outdial-chaos-{}-{}", std::process::id(), Uuid::new_v4()));
        let reaper = Reaper::start(&directory);
        let embedded =
            Embedded::start_with(&directory, Durability::ForTests).await.expect("a PostgreSQL of its own");
        embedded.ensure_database(DATABASE).await.expect("a database");
        let database = Database::new(embedded.config(DATABASE), Tls::Off).expect("a pool");
        db::migrate(&database).await.expect("a schema");
        drop(database);
        let postgres = Postgres { embedded, directory: directory.clone() };
        let course = Course::beginning_now(BEGINS_AT.parse().expect("an instant"), plan.speed);
        let clock = Clock::of_this_machine(Some(course.clone()));
        let simulator = Simulator::start(SimulatorConfig {
            port: 0,
            account_sid: ACCOUNT.to_owned(),
            auth_token: AUTH_TOKEN.to_owned(),
            api_key: None,
            from_numbers: None,
            cps: whole_calls_per_second(plan.cps),
            clock: clock.clone(),
            scenario: people(),
            seed: plan.seed,
        })
        .await
        .expect("a simulator");
        let ports: Vec<u16> = (0..plan.nodes).map(|_| port_of_a_node()).collect();
        let gateway = Proxy::start(Upstream::Ports(ports.clone()), plan.seed).await;
        std::fs::create_dir_all("target/chaos").expect("a directory for logs");
        let mut nodes = Vec::new();
        for (number, port) in ports.into_iter().enumerate() {
            nodes.push(
                Node::new(number, port, &plan, &postgres, &simulator, &gateway, &course, &directory).await,
            );
        }
        let http =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(10));
        let http = http.build().expect("a client");
        let reaper = Mutex::new(reaper);
        let house = Self { plan, clock, course, simulator, nodes, postgres, gateway, http, reaper };
        house.postgres.psql().await.expect("a connection").batch_execute(AUDIT).await.expect("an audit");
        for node in &house.nodes {
            house.start(node, &mut *node.process.lock().await).await;
        }
        house
    }

    /// Real seconds since the house's time began.
    pub fn now(&self) -> f64 {
        self.seconds(self.clock.now())
    }

    /// The same for an instant of the house's clock, as the ledger and the rows have them.
    pub fn seconds(&self, at: DateTime<Utc>) -> f64 {
        (at - self.course.starts_at).as_seconds_f64() / f64::from(self.course.speed)
    }

    /// The same for an instant of the database's own clock.
    pub fn real_seconds(&self, at: DateTime<Utc>) -> f64 {
        (at - self.course.anchor).as_seconds_f64()
    }

    /// Starts a node's process, again and again while it ends before it is ready: its database may be away.
    pub async fn start(&self, node: &Node, process: &mut Process) {
        let deadline = Deadline::within(STARTS_WITHIN);
        process.spawn(node);
        self.reaper.lock().expect("a reaper").know(process);
        while !self.is_ready(node).await {
            assert!(
                !deadline.has_passed(),
                "node {} does not start: see {}",
                node.number,
                node.log.display()
            );
            if process.has_ended().is_some() {
                process.spawn(node);
                self.reaper.lock().expect("a reaper").know(process);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process.id = process.read_id(node);
    }

    pub async fn is_ready(&self, node: &Node) -> bool {
        let url = format!("http://127.0.0.1:{}/health/ready", node.port);
        let asked = self.http.get(url).timeout(Duration::from_secs(3)).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// A request of somebody with the API's key, to whichever node takes it. None if none answers.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(StatusCode, Value)> {
        let request = self.http.request(method, self.url(path)).bearer_auth(API_TOKEN);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        read(request.timeout(Duration::from_secs(3)).send().await.ok()?).await
    }

    /// Uploads a list and starts calling it. None if that was not confirmed.
    pub async fn call(&self, settings: &Value, list: &str) -> Option<Uuid> {
        let id = self.upload(&self.url("/api/v1/campaigns"), settings, list).await?;
        let start = format!("/api/v1/campaigns/{id}/start");
        for _ in 0..50 {
            match self.ask(Method::POST, &start, None).await {
                Some((StatusCode::OK | StatusCode::CONFLICT, _)) => return Some(id),
                // It may have been carried out all the same: then the next one is a conflict.
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        None
    }

    /// Uploads a list to this address. None if that was not confirmed.
    pub async fn upload(&self, url: &str, settings: &Value, list: &str) -> Option<Uuid> {
        let form = Form::new()
            .part("settings", Part::text(settings.to_string()))
            .part("file", Part::bytes(list.as_bytes().to_vec()).file_name("list.csv"));
        let request = self.http.post(url).bearer_auth(API_TOKEN).multipart(form);
        let (status, answer) = read(request.send().await.ok()?).await?;
        (status == StatusCode::CREATED).then(|| answer["id"].as_str()?.parse().ok()).flatten()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.gateway.port())
    }

    /// Lines of the nodes' logs in which something stands that must not.
    pub fn indiscretions(&self, numbers: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for node in &self.nodes {
            let log = std::fs::read_to_string(&node.log).unwrap_or_default();
            for (line, text) in log.lines().enumerate() {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let is_told = [AUTH_TOKEN, API_TOKEN].iter().any(|secret| text.contains(*secret))
                    || (digits.contains("55501") && numbers.iter().any(|number| text.contains(&number[1..])));
                if is_told {
                    found.push(format!("node {}, line {} of its log", node.number, line + 1));
                }
            }
        }
        found
    }

    /// Ends all nodes and the simulator; the database lives until the house is dropped.
    pub async fn close(&self) {
        for node in &self.nodes {
            node.process.lock().await.kill();
        }
    }
}

impl Node {
    #[expect(clippy::too_many_arguments, reason = "each is a different part of the house")]
    async fn new(
        number: usize,
        port: u16,
        plan: &Plan,
        postgres: &Postgres,
        simulator: &Simulator,
        gateway: &Proxy,
        course: &Course,
        marker: &std::path::Path,
    ) -> Self {
        let seed = plan.seed.wrapping_add(number as u64 * 2 + 1);
        let config = postgres.embedded.config(DATABASE);
        let tokio_postgres::config::Host::Unix(sockets) = &config.get_hosts()[0] else { panic!("a socket") };
        let socket = sockets.join(format!(".s.PGSQL.{}", config.get_ports()[0]));
        let to_database = Proxy::start(Upstream::Unix(socket), seed).await;
        let provider: url::Url = simulator.url().parse().expect("a URL");
        let upstream = Upstream::Ports(vec![provider.port().expect("a port")]);
        let to_provider = Proxy::start(upstream, seed + 1).await;
        let user = config.get_user().expect("a user");
        let environment = vec![
            (
                "DATABASE_URL",
                format!("postgres://{user}@127.0.0.1:{}/{DATABASE}?sslmode=disable", to_database.port()),
            ),
            ("PORT", port.to_string()),
            ("OUTDIAL_HOST", "127.0.0.1".to_owned()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("TWILIO_FROM", "+12025550100".to_owned()),
            ("OUTDIAL_PUBLIC_URL", format!("http://127.0.0.1:{}", gateway.port())),
            ("OUTDIAL_TWILIO_URL", format!("http://127.0.0.1:{}", to_provider.port())),
            ("OUTDIAL_CPS", plan.cps.to_string()),
            ("OUTDIAL_CLOCK", course.to_string()),
            ("OUTDIAL_API_TOKEN", API_TOKEN.to_owned()),
            ("OUTDIAL_LOG", "info".to_owned()),
            ("OUTDIAL_TESTS_MARKER", marker.display().to_string()),
        ];
        let log = PathBuf::from(format!("target/chaos/seed-{}-node-{number}.log", plan.seed));
        let _ = std::fs::remove_file(&log);
        Self {
            number,
            port,
            to_database,
            to_provider,
            environment,
            log,
            process: tokio::sync::Mutex::default(),
        }
    }
}

impl Process {
    fn spawn(&mut self, node: &Node) {
        self.kill();
        let log = File::options().create(true).append(true).open(&node.log).expect("a log");
        self.born_at = log.metadata().expect("a log's length").len();
        self.id = None;
        let child = Command::new(env!("CARGO_BIN_EXE_outdial"))
            .arg("serve")
            .envs(node.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program");
        self.child = Some(child);
    }

    fn pid(&self) -> Option<Pid> {
        self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw)
    }

    /// Sends a signal to the process, if it lives.
    pub fn signal(&mut self, signal: Signal) {
        if self.has_ended().is_none()
            && let Some(pid) = self.pid()
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills it as nothing can prevent, and waits for its end.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("a child of ours"))
    }

    /// Waits for its end; none if it does not come.
    pub async fn end_within(&mut self, span: Duration) -> Option<ExitStatus> {
        let deadline = Deadline::within(span);
        loop {
            match self.has_ended() {
                None if !deadline.has_passed() => tokio::time::sleep(Duration::from_millis(10)).await,
                ended => return ended,
            }
        }
    }

    /// The log says it at the start.
    fn read_id(&self, node: &Node) -> Option<Uuid> {
        let log = std::fs::read(&node.log).ok()?;
        let life = String::from_utf8_lossy(log.get(usize::try_from(self.born_at).ok()?..)?).into_owned();
        let line = life.lines().find(|line| line.contains("listening"))?;
        let (_, after) = line.split_once("node=")?;
        after.get(..36)?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Postgres {
    /// A connection past all proxies.
    pub async fn psql(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let mut config = self.embedded.config(DATABASE);
        config.connect_timeout(Duration::from_secs(2)).application_name("chaos");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Tells the postmaster something.
    pub fn signal(&self, signal: Signal) {
        let pid_file = self.directory.join("cluster/postmaster.pid");
        let pid = std::fs::read_to_string(pid_file).ok().and_then(|text| text.lines().next()?.parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Starts it again; returns when it takes connections.
    pub async fn restart(&self) {
        let deadline = Deadline::within(STARTS_WITHIN);
        loop {
            let started = self.embedded.ensure_running().await;
            if started.is_ok() && self.psql().await.is_ok() {
                return;
            }
            assert!(!deadline.has_passed(), "PostgreSQL does not start again: {started:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process of one connection of the nodes', with the longest-running statement first.
    pub async fn a_backend(&self) -> Option<Pid> {
        const SQL: &str = "
            SELECT pid FROM pg_stat_activity
            WHERE application_name = 'outdial' ORDER BY state = 'idle', query_start LIMIT 1";
        let row = self.psql().await.ok()?.query_opt(SQL, &[]).await.ok()??;
        Pid::from_raw(row.get(0))
    }
}

impl Reaper {
    fn start(directory: &std::path::Path) -> Self {
        let directory = directory.display();
        let script = format!(
            "pids=; while read pid; do pids=\"$pids $pid\"; done
             for pid in $pids; do grep -qs {directory} /proc/$pid/environ && kill -KILL $pid; done
             kill -INT $(head -n 1 {directory}/cluster/postmaster.pid 2>/dev/null | grep -E '^[0-9]+$')
             sleep 1; rm -rf {directory}"
        );
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let pids = shell.stdin.take().expect("a pipe");
        Self { _shell: shell, pids }
    }

    fn know(&mut self, process: &Process) {
        if let Some(child) = &process.child {
            let _ = writeln!(self.pids, "{}", child.id());
        }
    }
}

/// A port that stays free while the node that listens on it is dead: systems give connections local ports from 32768 on.
fn port_of_a_node() -> u16 {
    let candidates = std::iter::repeat_with(|| rand::random_range(20_000..32_000));
    candidates.take(100).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port")
}

/// What the called people do: everything is short, so that there is much of it.
fn people() -> Scenario {
    let span = |min, max| Span { min, max };
    Scenario {
        shares: Shares { answer: 0.6, machine: 0.0, no_answer: 0.1, busy: 0.2, failed: 0.1 },
        dial_seconds: span(0.2, 0.8),
        ring_seconds: span(1.0, 6.0),
        talk_seconds: span(1.0, 12.0),
        ..Scenario::default()
    }
}

/// How campaigns of the house call: who is busy is tried again after three minutes of the house's time.
pub fn settings(changes: Value) -> Value {
    let mut settings = json!({
        "name": "chaos",
        "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}},
        "pacing": {"delay_seconds": 1},
        "ring_seconds": 15,
        "business_hours": {"enabled": false},
        "retry_policy": {"max_retries": MAX_RETRIES, "backoff_hours": [BACKOFF_SECONDS / 3600.0]},
    });
    for (key, value) in changes.as_object().expect("an object of changes") {
        settings[key] = value.clone();
    }
    settings
}

/// Retries of the house's campaigns, and the seconds of the house's clock before each.
pub const MAX_RETRIES: u32 = 2;
pub const BACKOFF_SECONDS: f64 = 180.0;

async fn read(response: reqwest::Response) -> Option<(StatusCode, Value)> {
    let status = response.status();
    let text = response.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// The database's history of what must only go forward: the program knows nothing of it. Rows that a transaction did
/// not commit are not in it.
const AUDIT: &str = "
    CREATE TABLE witness (
        at timestamptz NOT NULL DEFAULT clock_timestamp(), kind text NOT NULL, id uuid NOT NULL,
        old_number bigint, new_number bigint, old_text text, new_text text
    );
    CREATE FUNCTION audit_campaign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO witness (kind, id, old_number, new_number, old_text, new_text)
        VALUES ('owner', NEW.id, OLD.epoch, NEW.epoch, OLD.node::text, NEW.node::text);
        RETURN NEW;
    END $$;
    CREATE TRIGGER audit_campaign AFTER UPDATE ON campaigns FOR EACH ROW
        WHEN (OLD.epoch IS DISTINCT FROM NEW.epoch OR OLD.node IS DISTINCT FROM NEW.node)
        EXECUTE FUNCTION audit_campaign();
    CREATE FUNCTION audit_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO witness (kind, id, old_number, new_number, old_text, new_text)
        VALUES ('status', NEW.id, OLD.status_key, NEW.status_key, OLD.sid, NEW.sid);
        RETURN NEW;
    END $$;
    CREATE TRIGGER audit_status AFTER UPDATE ON attempts FOR EACH ROW
        WHEN (NEW.status_key < OLD.status_key) EXECUTE FUNCTION audit_status();
    CREATE FUNCTION audit_attempt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO witness (kind, id, old_number, new_number)
        SELECT 'attempt', NEW.id, NEW.epoch, campaigns.epoch FROM campaigns WHERE id = NEW.campaign_id;
        RETURN NEW;
    END $$;
    CREATE TRIGGER audit_attempt AFTER INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION audit_attempt()";
