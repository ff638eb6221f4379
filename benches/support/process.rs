//! The program as a process of its own, whose memory is its own.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outdial::clock::Stopwatch;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// What opens the program's API.
pub const API_TOKEN: &str = "the-bench-s-api-token";

/// The program, and where it listens. It ends with its owner.
pub struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts it on this database and waits until it is ready.
    pub async fn start(database: &Config) -> Self {
        let Some(Host::Unix(socket)) = database.get_hosts().first() else { panic!("expected a socket") };
        let socket = socket.display().to_string().replace('/', "%2F");
        let (user, name) = (database.get_user().expect("a user"), database.get_dbname().expect("a database"));
        let server_port = database.get_ports().first().expect("a port");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let child = Command::new(env!("CARGO_BIN_EXE_outdial"))
            .arg("serve")
            .env("DATABASE_URL", format!("postgres://{user}@{socket}:{server_port}/{name}?sslmode=disable"))
            .env("PORT", port.to_string())
            .env("OUTDIAL_HOST", "127.0.0.1")
            .env("OUTDIAL_API_TOKEN", API_TOKEN)
            // One key asks for everything, as fast as it can.
            .env("OUTDIAL_REQUESTS_PER_SECOND", "0")
            .env("OUTDIAL_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        let process = Self { child, port };
        let watch = Stopwatch::start();
        while !process.is_ready() {
            assert!(watch.elapsed() < Duration::from_secs(30), "the program did not become ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let request = "GET /health/ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What memory the program takes now, in MB; from here on its peak is counted.
    pub fn begin_memory(&self) -> f64 {
        // Elsewhere than on Linux there is no such file, and no figure.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
        self.memory("VmRSS:")
    }

    /// The most memory that it took since, in MB.
    pub fn peak_memory(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
        kilobytes / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Also where the bench has failed: nothing of it stays behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
