//! Somebody who is told of events or asked before calls by POSTs, and answers as the scene wants.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a receiver was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// The `webhook-id`.
    pub id: String,
    /// The `webhook-timestamp`.
    pub timestamp: i64,
    /// The `webhook-signature`.
    pub signature: String,
    /// The body as it came.
    pub body: String,
    /// How many times this id has come before.
    pub before: usize,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// How a receiver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// With this status, and perhaps a line of the head.
    Status(u16, &'static str),
    /// With 200 and this body.
    Say(String),
    /// Not at all.
    Hang,
    /// By closing the connection.
    Close,
}

impl Reply {
    /// That it took it.
    pub const TAKE: Self = Self::Status(204, "");
    /// That it is ill.
    pub const FAIL: Self = Self::Status(500, "");
}

type Decide = Box<dyn FnMut(&Received) -> Reply + Send>;

struct Diary {
    decide: Decide,
    received: Vec<(Received, Reply)>,
}

/// A receiver. It ends with its owner.
pub struct Receiver {
    url: String,
    diary: Arc<Mutex<Diary>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// One that answers like this.
    pub async fn start(decide: impl FnMut(&Received) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let diary = Arc::new(Mutex::new(Diary { decide: Box::new(decide), received: Vec::new() }));
        let shared = diary.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, diary, task }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it answers like this.
    pub fn will(&self, decide: impl FnMut(&Received) -> Reply + Send + 'static) {
        self.diary.lock().expect("a diary").decide = Box::new(decide);
    }

    /// All that it was sent, with what it answered.
    pub fn received(&self) -> Vec<(Received, Reply)> {
        self.diary.lock().expect("a diary").received.clone()
    }

    /// The ids of all that it was sent.
    pub fn ids(&self) -> Vec<String> {
        self.received().into_iter().map(|(received, _)| received.id).collect()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Received> {
        let received = self.received().into_iter();
        received.filter(|(_, reply)| *reply == Reply::TAKE).map(|(received, _)| received).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, diary: Arc<Mutex<Diary>>) {
    while let Some(mut received) = read(&mut stream).await {
        let reply = {
            let mut diary = diary.lock().expect("a diary");
            received.before = diary.received.iter().filter(|(other, _)| other.id == received.id).count();
            let reply = (diary.decide)(&received);
            diary.received.push((received, reply.clone()));
            reply
        };
        match reply {
            Reply::Hang => std::future::pending().await,
            Reply::Close => return,
            Reply::Say(body) => {
                let answer = format!("HTTP/1.1 200 Fine\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Status(status, line) => {
                let end = if line.is_empty() { "" } else { "\r\n" };
                let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
                let answer = format!("HTTP/1.1 {status} Whatever\r\n{line}{end}{length}\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                let mut found = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
                found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
            };
            let length: usize = header("content-length").parse().unwrap_or(0);
            if body.len() >= length {
                return Some(Received {
                    id: header("webhook-id"),
                    timestamp: header("webhook-timestamp").parse().unwrap_or(0),
                    signature: header("webhook-signature"),
                    body: body.to_owned(),
                    before: 0,
                });
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&some[..length]),
        }
    }
}
