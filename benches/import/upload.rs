//! Somebody who uploads lists to the program.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;

use outdial::clock::Stopwatch;
use serde_json::{Value, json};

use super::list::List;
use super::process::{API_TOKEN, Process};

const BOUNDARY: &str = "the-bench-s-boundary";

/// Uploads a list as a new campaign and returns the seconds until the answer, by which it is committed.
pub async fn upload(to: &Process, list: &List) -> f64 {
    let settings = json!({"name": "bench", "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}}});
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{settings}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let mut file = File::open(&list.path).expect("the list");
    let length = head.len() as u64 + file.metadata().expect("its size").len() + tail.len() as u64;
    let watch = Stopwatch::start();
    let mut stream = TcpStream::connect(("127.0.0.1", to.port())).expect("a connection");
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
