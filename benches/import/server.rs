//! The program as a process of its own, and somebody who uploads lists to it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outdial::clock::Stopwatch;
use serde_json::{Value, json};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::list::List;

/// What opens the program's API.
const API_TOKEN: &str = "the-bench-s-api-token";

const BOUNDARY: &str = "the-bench-s-boundary";

/// A running program.
pub struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts it on this database and waits until it is ready.
    pub async fn start(database: &Config) -> Self {
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
        let server = Self { process, port };
        let watch = Stopwatch::start();
        while !server.is_ready() {
            assert!(watch.elapsed() < Duration::from_secs(30), "the program did not become ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let request = "GET /health/ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// Uploads a list as a new campaign and returns the seconds until the answer, by which it is committed.
    pub async fn upload(&self, list: &List) -> f64 {
        let settings =
            json!({"name": "bench", "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}}});
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{settings}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let mut file = File::open(&list.path).expect("the list");
        let length = head.len() as u64 + file.metadata().expect("its size").len() + tail.len() as u64;
        let watch = Stopwatch::start();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let request = format!(
            "POST /api/v1/campaigns HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\
             Authorization: Bearer {API_TOKEN}\r\nContent-Length: {length}\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{head}"
        );
        stream.write_all(request.as_bytes()).expect("the request's beginning");
        std::io::copy(&mut file, &mut stream).expect("the list");
        stream.write_all(tail.as_bytes()).expect("the request's end");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let seconds = watch.elapsed().as_secs_f64();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer with a body");
        assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["imported"], list.rows, "rows of a clean list were refused");
        seconds
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
