//! Too much, too deep, too many and too slow: what is sent is refused in words, holds up nobody, and costs little memory.

use std::time::Duration;

use outdial::clock::Stopwatch;
use outdial::simulator::{Outcome, Scenario};
use outdial::twilio::signature::sign;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::process::Process;
use crate::support::scene::{API_TOKEN, AUTH_TOKEN, Scene, Setting};

/// Every route that takes a body, and what kind it takes.
const ROUTES: &[(&str, &str, &str)] = &[
    ("POST", "/api/v1/campaigns", "application/json"),
    ("POST", "/api/v1/campaigns", "multipart/form-data; boundary=x"),
    ("POST", "/api/v1/campaigns/ID/start", "application/json"),
    ("POST", "/api/v1/campaigns/ID/pause", "application/json"),
    ("POST", "/api/v1/campaigns/ID/resume", "application/json"),
    ("POST", "/api/v1/campaigns/ID/cancel", "application/json"),
    ("DELETE", "/api/v1/campaigns/ID", "application/json"),
    ("POST", "/api/v1/campaigns/ID/contacts", "application/json"),
    ("POST", "/api/v1/campaigns/ID/contacts", "multipart/form-data; boundary=x"),
    ("POST", "/api/v1/campaigns/ID/contacts/7/callback", "application/json"),
    ("POST", "/api/v1/campaigns/ID/attempts/ID/opt-out", "application/json"),
    ("POST", "/api/v1/imports", "application/octet-stream"),
    ("POST", "/api/v1/imports", "multipart/form-data; boundary=x"),
    ("POST", "/api/v1/suppressions", "application/json"),
    ("POST", "/api/v1/suppressions/import", "multipart/form-data; boundary=x"),
    ("POST", "/api/v1/agents", "application/json"),
    ("PUT", "/api/v1/agents/ID", "application/json"),
    ("POST", "/webhooks/twilio/status/ID/ID", "application/x-www-form-urlencoded"),
    ("POST", "/webhooks/twilio/machine/ID/ID", "application/x-www-form-urlencoded"),
    ("POST", "/webhooks/twilio/answer/ID/ID", "application/x-www-form-urlencoded"),
    ("POST", "/webhooks/twilio/keys/ID/ID", "application/x-www-form-urlencoded"),
    ("POST", "/webhooks/twilio/sorry/ID/ID", "application/x-www-form-urlencoded"),
    ("GET", "/health/live", "application/json"),
    ("POST", "/nowhere", "application/json"),
];

const MUCH: usize = 10 << 20;

/// How much more memory all of that may take, in KiB: a few of the bodies at one time.
const MORE_MEMORY: u64 = 64 << 10;

async fn connect(scene: &Scene) -> TcpStream {
    TcpStream::connect(scene.config.listen.to_string()).await.expect("a connection")
}

/// Sends these bytes, as far as they are taken, and reads the answer's status; none if there is no answer.
async fn answer_to(scene: &Scene, head: &str, body: &[u8]) -> Option<u16> {
    let (mut reading, mut writing) = connect(scene).await.into_split();
    let sent = [head.as_bytes(), body].concat();
    let writer = tokio::spawn(async move {
        // Whoever has refused the rest may have closed.
        let _ = writing.write_all(&sent).await;
        writing
    });
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        match reading.read(&mut piece).await {
            Ok(read) if read > 0 => answer.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    writer.abort();
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_TOKEN}\r\n{more}\r\n")
}

async fn is_alive(scene: &Scene) {
    let asked = Stopwatch::start();
    let answer = scene.stranger().get(scene.url("/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_secs(2), "its health took {:?}", asked.elapsed());
}

#[actix_web::test]
async fn ten_megabytes_are_refused_everywhere_and_kept_nowhere() {
    let scene = Scene::without_program(&Setting::default()).await;
    let program = Process::serve(&scene);
    program.is_ready(&scene).await;
    let before = program.most_memory();
    let body = vec![b'x'; MUCH];
    for (method, path, kind) in ROUTES {
        let path = path.replace("ID", &Uuid::now_v7().to_string());
        let more = format!("Content-Type: {kind}\r\nContent-Length: {MUCH}\r\n");
        let with_length = answer_to(&scene, &head(method, &path, &more), &body).await;
        let chunked = format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n");
        let chunk = [format!("{MUCH:x}\r\n").as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        let in_chunks = answer_to(&scene, &head(method, &path, &chunked), &chunk).await;
        for status in [with_length, in_chunks] {
            // Where no body is read, the answer is the route's own.
            let is_fine = status.is_some_and(|status| (400..500).contains(&status))
                || (*path == *"/health/live" && status == Some(200));
            assert!(is_fine, "{method} {path} ({kind}) is answered with {status:?}");
        }
        is_alive(&scene).await;
    }
    if let (Some(before), Some(after)) = (before, program.most_memory()) {
        assert!(after < before + MORE_MEMORY, "it took {} KiB more at its most", after - before);
    }
    drop(program);
    scene.end().await;
}

#[actix_web::test]
async fn heads_that_no_honest_client_sends_are_refused() {
    let scene = Scene::start().await;
    let line = |line: String| format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{line}\r\n");
    let many: String = (0..500).map(|n| format!("X-{n}: y\r\n")).collect();
    for (what, sent) in [
        ("a header of 1 MB", line(format!("X: {}\r\n", "y".repeat(1 << 20)))),
        ("500 headers", line(many)),
        ("a path of 1 MB", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(1 << 20))),
        ("a NUL in a header", line("X: a\0b\r\n".to_owned())),
        ("a negative length", line("Content-Length: -1\r\n".to_owned())),
        ("a length that no number holds", line(format!("Content-Length: {}\r\n", "9".repeat(40)))),
        ("two lengths", line("Content-Length: 1\r\nContent-Length: 2\r\n".to_owned())),
        ("a length and chunks", line("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n".to_owned())),
        ("two lines in one header", line("X: a\r\n b\r\n".to_owned())),
        ("no HTTP", "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned()),
    ] {
        let status = answer_to(&scene, &sent, b"").await;
        let is_refused = status.is_none_or(|status| (400..500).contains(&status));
        assert!(is_refused, "{what} is answered with {status:?}");
        is_alive(&scene).await;
    }
    let chunked = head("POST", "/api/v1/agents", "Transfer-Encoding: chunked\r\n");
    for chunk in ["ffffffffffffffffff\r\nx", "-1\r\nx", "10000000000000000\r\nx"] {
        let status = answer_to(&scene, &chunked, chunk.as_bytes()).await;
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{chunk:?}: {status:?}");
        is_alive(&scene).await;
    }
    scene.end().await;
}

#[actix_web::test]
async fn what_is_nested_a_hundred_thousand_deep_is_refused_in_words() {
    let scene = Scene::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        // What is not a list may have 256 KiB; the front of it is as deep.
        let shorter = &deep[..deep.len().min(200_000)];
        for path in ["/api/v1/agents", "/api/v1/suppressions", "/api/v1/campaigns"] {
            let request = scene.stranger().post(scene.url(path)).bearer_auth(API_TOKEN);
            let answer = request.header("content-type", "application/json").body(shorter.to_owned());
            let answer = answer.send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        }
        let list = format!("[{{\"phone\": \"+12025550101\", \"x\": {deep}}}]");
        for list in [list.clone(), deep.clone()] {
            let (status, answer) = scene.send_list("/api/v1/imports", &json!({}), list).await;
            let is_refused = status == StatusCode::UNPROCESSABLE_ENTITY || answer["imported"] == 0;
            assert!(is_refused, "{status}: {answer}");
        }
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_form_of_very_many_fields_is_refused_quickly_if_nobody_signed_it() {
    let scene = Scene::start().await;
    let path = format!("/webhooks/twilio/status/{0}/{0}", Uuid::now_v7());
    let fields: Vec<(String, String)> = (0..20_000).map(|n| (format!("a{n}"), String::new())).collect();
    for (signature, expected) in [
        (None, StatusCode::FORBIDDEN),
        (Some("Zm9yZ2Vk".to_owned()), StatusCode::FORBIDDEN),
        (Some(sign(AUTH_TOKEN, &scene.url(&path), &fields)), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let asked = Stopwatch::start();
        let answer = scene.post_form(&path, &fields, signature.as_deref()).await;
        assert_eq!(answer.status(), expected);
        assert!(asked.elapsed() < Duration::from_secs(2), "it took {:?}", asked.elapsed());
    }
    scene.end().await;
}

#[actix_web::test]
async fn those_who_are_slow_to_speak_are_hung_up_on_and_hold_up_nobody() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    let program = Process::serve(&scene);
    program.is_ready(&scene).await;
    // So many at once would count as guesses of a key that nobody has used yet.
    assert_eq!(scene.ask(Method::GET, "/api/v1/me").await.0, StatusCode::OK);
    let status = format!("/webhooks/twilio/status/{0}/{0}", Uuid::now_v7());
    let beginnings = [
        // Not a word; half a head; a head without its body; a list that stops in the middle.
        String::new(),
        "GET /health/live HTTP/1.1\r\nX-a: b\r\n".to_owned(),
        head("POST", &status, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n"),
        head("POST", "/api/v1/agents", "Content-Type: application/json\r\nContent-Length: 100\r\n"),
        head("POST", "/api/v1/imports", "Content-Type: text/csv\r\nContent-Length: 100\r\n") + "name,phone\n",
    ];
    let mut slow = Vec::new();
    for beginning in beginnings.iter().cycle().take(400) {
        let mut connection = connect(&scene).await;
        connection.write_all(beginning.as_bytes()).await.expect("a living connection");
        slow.push(connection);
    }
    // Meanwhile people are served, and called.
    is_alive(&scene).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    is_alive(&scene).await;
    let ends = slow.into_iter().map(|mut connection| async move {
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer);
        let ended = tokio::time::timeout(Duration::from_secs(25), read).await.is_ok();
        (ended, String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
    });
    let ends = futures_util::future::join_all(ends).await;
    for (place, (ended, answer)) in ends.iter().enumerate() {
        let kind = place % beginnings.len();
        assert!(ended, "a slow connection of kind {kind} is still open: {answer}");
        let expected = match kind {
            0 | 1 => "HTTP/1.1 408",
            2 | 3 => "HTTP/1.1 408",
            _ => "HTTP/1.1 400",
        };
        assert!(answer.starts_with(expected), "kind {kind} is told {answer:?}");
    }
    is_alive(&scene).await;
    drop(program);
    scene.end().await;
}

#[actix_web::test]
async fn a_callback_that_is_replayed_a_thousand_times_changes_nothing() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    let stand = || async {
        // That something was heard once more may be written down, and events get their positions a little later.
        const ROWS: &str = "
            SELECT to_jsonb(c)::text FROM campaigns c
            UNION ALL SELECT (to_jsonb(a) - 'heard_at')::text FROM attempts a
            UNION ALL SELECT to_jsonb(p)::text FROM contacts p UNION ALL SELECT (to_jsonb(e) - 'position')::text FROM events e";
        let rows = scene.psql().await.query(ROWS, &[]).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.sort();
        rows
    };
    let ledger = scene.simulator.ledger();
    let heard: Vec<_> =
        ledger.callbacks.iter().filter(|callback| callback.url.contains("/status/")).collect();
    assert!(heard.len() > 1);
    let before = stand().await;
    for _ in 0..1000 / heard.len() {
        let replays = heard.iter().map(|callback| {
            let path = url::Url::parse(&callback.url).unwrap().path().to_owned();
            let signature = sign(AUTH_TOKEN, &scene.url(&path), &callback.form);
            let scene = &scene;
            async move { scene.post_form(&path, &callback.form, Some(&signature)).await.status() }
        });
        for status in futures_util::future::join_all(replays).await {
            assert_eq!(status, StatusCode::NO_CONTENT);
        }
    }
    for (after, before) in stand().await.iter().zip(&before) {
        assert_eq!(after, before);
    }
    assert_eq!(stand().await.len(), before.len());
    assert_eq!(scene.ask(Method::GET, &campaign).await.1["state"], "completed");
    scene.end().await;
}
