//! The load: a thread of its own with kept connections, each of which posts the next callback as soon as it has the
//! answer to its last. Written by hand over the socket, because the load shares the machine with what it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use outdial::clock::Stopwatch;
use outdial::twilio::signature::sign;
use outdial::twilio::wire::{SIGNATURE_HEADER, parse_form, write_form};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::program::AUTH_TOKEN;
use super::support::percentile;
use super::{PUBLIC_URL, rows};

/// A callback as Twilio posts it.
const FORM: &[u8] = include_bytes!("../../fixtures/twilio/ringing.form");

/// What one play of a load came to.
pub struct Figures {
    /// Answered callbacks a second.
    pub per_second: f64,
    /// The median latency.
    pub median_ms: f64,
    /// The 99th percentile of the latencies.
    pub late_ms: f64,
}

/// A callback for every attempt, ready to be sent.
pub struct Load {
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    warm_up: usize,
}

impl Load {
    /// A load that says of every attempt that it rings, as the callback number `sequence`. The first `warm_up`
    /// callbacks come twice, and once unmeasured.
    pub fn new(attempts: u32, sequence: u32, connections: usize, warm_up: usize) -> Self {
        let form = parse_form(FORM);
        let requests = (1..=attempts).map(|number| request(form.clone(), number, sequence)).collect();
        Self { requests: Arc::new(requests), connections, warm_up }
    }

    /// Plays it against a server. Every callback must be answered with 204.
    pub async fn play(&self, server: SocketAddr) -> Figures {
        let (requests, connections, warm_up) = (self.requests.clone(), self.connections, self.warm_up);
        let (tell, told) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let figures = runtime.expect("a runtime").block_on(async {
                let mut streams = Vec::new();
                for _ in 0..connections {
                    let stream = TcpStream::connect(server).await.expect("a connection");
                    stream.set_nodelay(true).expect("a connection without delay");
                    streams.push(stream);
                }
                let (streams, _) = post_all(streams, &requests, warm_up).await;
                let watch = Stopwatch::start();
                let (_, latencies) = post_all(streams, &requests, requests.len()).await;
                let seconds = watch.elapsed().as_secs_f64();
                Figures {
                    per_second: latencies.len() as f64 / seconds,
                    median_ms: percentile(&latencies, 0.5),
                    late_ms: percentile(&latencies, 0.99),
                }
            });
            // The bench waits for it, or has failed.
            let _ = tell.send(figures);
        });
        let figures = told.await.expect("a load that is answered");
        thread.join().expect("the load's thread");
        figures
    }
}

/// Posts the first `count` requests over these connections. Returns them with the latencies in milliseconds, sorted.
async fn post_all(
    streams: Vec<TcpStream>,
    requests: &Arc<Vec<Vec<u8>>>,
    count: usize,
) -> (Vec<TcpStream>, Vec<f64>) {
    let next = Arc::new(AtomicUsize::new(0));
    let posting: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            let (requests, next) = (requests.clone(), next.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(count);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return (stream, latencies);
                    }
                    let watch = Stopwatch::start();
                    post(&mut stream, &requests[number]).await;
                    latencies.push(watch.elapsed().as_secs_f64() * 1000.0);
                }
            })
        })
        .collect();
    let (mut streams, mut latencies) = (Vec::new(), Vec::with_capacity(count));
    for posting in posting {
        let (stream, own) = posting.await.expect("a connection's task");
        streams.push(stream);
        latencies.extend(own);
    }
    latencies.sort_by(f64::total_cmp);
    (streams, latencies)
}

/// One exchange. The answer 204 has no body, so it ends with its head.
async fn post(stream: &mut TcpStream, request: &[u8]) {
    stream.write_all(request).await.expect("a request that leaves");
    let mut answer = [0_u8; 1024];
    let mut read = 0;
    while !answer[..read].ends_with(b"\r\n\r\n") {
        let more = stream.read(&mut answer[read..]).await.expect("an answer");
        assert!(more > 0, "the server closed the connection");
        read += more;
    }
    let head = String::from_utf8_lossy(&answer[..read]);
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
}

fn request(mut form: Vec<(String, String)>, number: u32, sequence: u32) -> Vec<u8> {
    for (name, value) in &mut form {
        match name.as_str() {
            "CallSid" => *value = rows::sid(number),
            "SequenceNumber" => *value = sequence.to_string(),
            _ => {}
        }
    }
    let path = format!("/webhooks/twilio/status/{0}/{0}", rows::id(number));
    let signature = sign(AUTH_TOKEN, &format!("{PUBLIC_URL}{path}"), &form);
    let body = write_form(&form);
    format!(
        "POST {path} HTTP/1.1\r\nHost: dialer.example.com\r\n{SIGNATURE_HEADER}: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
