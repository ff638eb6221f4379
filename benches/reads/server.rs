//! The program as a process of its own, and somebody who reads the campaign.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outdial::clock::Stopwatch;
use reqwest::{Client, StatusCode};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::list::CAMPAIGN;

/// What opens the program's API.
const API_TOKEN: &str = "the-bench-s-api-token";

/// A running program.
pub struct Server {
    process: Child,
    port: u16,
    http: Client,
}

impl Server {
    /// Starts it on this database and waits until it is ready.
    pub async fn start(database: &Config) -> Self {
        rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
        let Some(Host::Unix(socket)) = database.get_hosts().first() else { panic!("expected a socket") };
        let socket = socket.display().to_string().replace('/', "%2F");
        let (user, name) = (database.get_user().expect("a user"), database.get_dbname().expect("a database"));
        let server_port = database.get_ports().first().expect("a port");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let process = Command::new(env!("CARGO_BIN_EXE_outdial"))
            .arg("serve")
            .env("DATABASE_URL", format!("postgres://{user}@{socket}:{server_port}/{name}?sslmode=disable"))
            .env("PORT", port.to_string())
            .env("OUTDIAL_HOST", "127.0.0.1")
            .env("OUTDIAL_API_TOKEN", API_TOKEN)
            .env("OUTDIAL_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let server = Self { process, port, http };
        let watch = Stopwatch::start();
        let ready = format!("http://127.0.0.1:{port}/health/ready");
        while !server.http.get(&ready).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            assert!(watch.elapsed() < Duration::from_secs(30), "the program did not become ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    /// Reads what stands behind the campaign's path, to its end, and returns how much it is.
    pub async fn get(&self, path: &str) -> u64 {
        let url = format!("http://127.0.0.1:{}/api/v1/campaigns/{CAMPAIGN}{path}", self.port);
        let mut answer = self.http.get(url).bearer_auth(API_TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.expect("the whole answer") {
            bytes += chunk.len() as u64;
        }
        bytes
    }

    /// What memory the program takes now, in MB; from here on its peak is counted.
    pub fn begin_memory(&self) -> f64 {
        // Elsewhere than on Linux there is no such file, and no figure.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5");
        self.memory("VmRSS:")
    }

    /// The most memory that it took since, in MB.
    pub fn peak_memory(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
        kilobytes / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Also where the bench has failed: nothing of it stays behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
