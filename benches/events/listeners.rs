//! Those who follow: plain connections, each read by a task of its own, which notes when it has read which event.

use std::sync::{Arc, Mutex};

use outdial::clock::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::percentile;

/// What was measured of events that came one by one.
pub struct Measured {
    pub median_ms: f64,
    pub late_ms: f64,
}

/// Everybody who follows.
pub struct Listeners {
    since: Stopwatch,
    committed_ms: Vec<f64>,
    heard: Arc<Mutex<Vec<(usize, f64)>>>,
    counts: Vec<watch::Receiver<usize>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Listeners {
    /// So many listeners under a path; all of them follow when it returns.
    pub async fn connect(url: &str, path: &str, key: &str, number: usize) -> Self {
        let since = Stopwatch::start();
        let heard: Arc<Mutex<Vec<(usize, f64)>>> = Arc::default();
        let (mut counts, mut tasks) = (Vec::new(), Vec::new());
        let address = url.trim_start_matches("http://").to_owned();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        for _ in 0..number {
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.write_all(head.as_bytes()).await.expect("a request");
            let mut beginning = vec![0; 4096];
            let mut read = 0;
            while !beginning[..read].windows(6).any(|bytes| bytes == b"retry:") {
                read += stream.read(&mut beginning[read..]).await.expect("the answer's head");
            }
            let (count, counted) = watch::channel(0);
            counts.push(counted);
            let heard = heard.clone();
            tasks.push(tokio::spawn(async move {
                let mut reader = Reader { kept: Vec::new(), has: 0 };
                let mut buffer = vec![0; 64 << 10];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    let numbers = reader.take(&buffer[..read]);
                    let at = since.elapsed().as_secs_f64() * 1e3;
                    if !numbers.is_empty() {
                        heard.lock().expect("the list").extend(numbers.iter().map(|number| (*number, at)));
                        let _ = count.send(reader.has);
                    }
                }
            }));
        }
        Self { since, committed_ms: Vec::new(), heard, counts, tasks }
    }

    /// How many they are.
    pub fn number(&self) -> usize {
        self.counts.len()
    }

    /// An event has just been committed.
    pub fn is_committed(&mut self, n: usize) {
        assert_eq!(self.committed_ms.len(), n, "events are committed one after the other");
        self.committed_ms.push(self.since.elapsed().as_secs_f64() * 1e3);
    }

    /// Waits until everybody has so many events, and says how long they took.
    pub async fn until_all_have(&mut self, events: usize) -> Measured {
        self.wait_for(events).await;
        let heard = self.heard.lock().expect("the list");
        // One that is heard before its commit is known took no time.
        let mut took: Vec<f64> = heard.iter().map(|(n, at)| (at - self.committed_ms[*n]).max(0.0)).collect();
        assert_eq!(took.len(), events * self.number(), "each is told to everybody once");
        took.sort_by(f64::total_cmp);
        Measured { median_ms: percentile(&took, 0.5), late_ms: percentile(&took, 0.99) }
    }

    /// Waits until everybody has so many events, and says how long that is after the last commit.
    pub async fn seconds_until_all_have(&mut self, events: usize) -> f64 {
        self.wait_for(events).await;
        let committed = self.committed_ms.last().copied().unwrap_or_default();
        (self.since.elapsed().as_secs_f64() * 1e3 - committed) / 1e3
    }

    async fn wait_for(&mut self, events: usize) {
        for count in &mut self.counts {
            count.wait_for(|has| *has >= events).await.expect("a listener");
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Finds the events in what is read.
struct Reader {
    kept: Vec<u8>,
    has: usize,
}

impl Reader {
    /// The numbers of the events that are whole with this.
    fn take(&mut self, read: &[u8]) -> Vec<usize> {
        const BEFORE: &[u8] = b"\"data\":{\"n\":";
        self.kept.extend_from_slice(read);
        let (mut numbers, mut done) = (Vec::new(), 0);
        while let Some(at) = self.kept[done..].windows(BEFORE.len()).position(|bytes| bytes == BEFORE) {
            let from = done + at + BEFORE.len();
            let Some(length) = self.kept[from..].iter().position(|byte| *byte == b'}') else { break };
            let digits = std::str::from_utf8(&self.kept[from..from + length]).expect("digits");
            numbers.push(digits.trim().parse().expect("a number"));
            done = from + length;
        }
        self.kept.drain(..done);
        self.has += numbers.len();
        numbers
    }
}
