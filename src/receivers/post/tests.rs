//! Receivers that answer in every way, and the addresses of those that must not be reached.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;

/// A receiver that answers one request with this, or hangs. Returns its address and, later, what it was sent.
async fn receiver(answer: Option<&'static [u8]>) -> (String, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"{\"n\":1}") {
            let mut some = [0; 1024];
            let length = stream.read(&mut some).await.unwrap();
            read.extend_from_slice(&some[..length]);
        }
        let _ = tell.send(String::from_utf8(read).unwrap());
        if let Some(answer) = answer {
            stream.write_all(answer).await.unwrap();
        }
        // Whoever waits for more is kept waiting; only who wrote nothing at all closes.
        if answer.is_none_or(|answer| !answer.is_empty()) {
            std::future::pending::<()>().await;
        }
    });
    (url, told)
}

fn poster(reach: Reach) -> Poster {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Poster { answered_within: Duration::from_secs(1), ..Poster::new(reach).unwrap() }
}

async fn post(url: String) -> Posted {
    let to = Destination { url, secrets: vec![vec![7; 32]] };
    let at = "2026-03-02T15:00:00Z".parse().unwrap();
    poster(Reach::Anywhere)
        .post(&to, &Parcel { id: "evt_1", at, body: Bytes::from_static(b"{\"n\":1}") })
        .await
}

fn status(status: u16) -> Answer {
    Answer::Status { status, retry_after: None }
}

#[tokio::test]
async fn what_is_sent_is_named_dated_and_signed() {
    let (url, told) = receiver(Some(b"HTTP/1.1 204 No Content\r\n\r\n")).await;
    assert_eq!(post(url).await, Posted { answer: status(204), response: None });
    let told = told.await.unwrap();
    let signature = sign(&[vec![7; 32]], "evt_1", 1_772_463_600, b"{\"n\":1}");
    for header in [
        "POST /hook HTTP/1.1",
        "content-type: application/json",
        "webhook-id: evt_1",
        "webhook-timestamp: 1772463600",
        &format!("webhook-signature: {signature}"),
        "user-agent: outdial/",
    ] {
        assert!(told.contains(header), "{header} is not in {told}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other_and_is_not_followed() {
    let (elsewhere, mut told) = receiver(Some(b"HTTP/1.1 204 No Content\r\n\r\n")).await;
    let redirect =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
    let (url, _) = receiver(Some(Box::leak(redirect.into_boxed_str()).as_bytes())).await;
    assert_eq!(post(url).await.answer, status(307));
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn who_hangs_closes_or_is_not_there_gives_no_answer() {
    let why = |posted: Posted| match posted.answer {
        Answer::Nothing { why } => why,
        other => panic!("{other:?}"),
    };
    let (hangs, _told) = receiver(None).await;
    assert_eq!(why(post(hangs).await), "no answer within 1 seconds");
    let (closes, _told) = receiver(Some(b"")).await;
    assert!(why(post(closes.clone()).await).starts_with("the connection broke before the answer came"));
    assert!(why(post(closes).await).starts_with("no connection: "));
}

/// What an answer says is known by its head. How its body goes on is not waited for.
#[tokio::test]
async fn of_an_answer_s_body_only_the_beginning_is_kept_and_not_long_waited_for() {
    let (endless, _told) = receiver(Some(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello\0")).await;
    let response = Some("hello\u{fffd}".to_owned());
    assert_eq!(post(endless).await, Posted { answer: status(200), response });
    let long = format!("HTTP/1.1 500 Oh\r\nContent-Length: 9000\r\n\r\n{}", "\0x".repeat(4500));
    let (url, _told) = receiver(Some(Box::leak(long.into_boxed_str()).as_bytes())).await;
    let posted = post(url).await;
    assert_eq!(posted.response.unwrap(), "\u{fffd}x".repeat(512));
}

#[tokio::test]
async fn patience_is_asked_for_in_seconds_or_until_an_instant() {
    for (header, span) in [
        ("Retry-After: 7", Some(TimeDelta::seconds(7))),
        (
            "Date: Wed, 10 Jun 2026 18:44:05 GMT\r\nRetry-After: Wed, 10 Jun 2026 18:44:35 GMT",
            Some(TimeDelta::seconds(30)),
        ),
        ("Retry-After: soon", None),
    ] {
        let answer = format!("HTTP/1.1 503 Busy\r\n{header}\r\nContent-Length: 0\r\n\r\n");
        let (url, _told) = receiver(Some(Box::leak(answer.into_boxed_str()).as_bytes())).await;
        assert_eq!(post(url).await.answer, Answer::Status { status: 503, retry_after: span }, "{header}");
    }
}

/// A name is judged by what it stands for when the connection is made.
#[tokio::test]
async fn a_name_that_stands_for_this_machine_is_not_connected_to() {
    let found = |reach| Within(reach).resolve("localhost".parse().unwrap());
    assert!(found(Reach::Anywhere).await.unwrap().all(|address| address.ip().is_loopback()));
    let refused = found(Reach::Public).await.err().unwrap().to_string();
    assert_eq!(refused, "its name stands for no address that can be reached from everywhere");
    // It is asked for whatever the name's form, and the client has no other way to find an address.
    let to = |port: u16| Destination { url: format!("https://localhost:{port}/"), secrets: Vec::new() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = poster(Reach::Public).http.post(&to(port).url).send().await.unwrap_err();
    assert_eq!(sentence(&request), format!("no connection: {refused}"));
}

/// The setting may have changed since the hook was made, and an address needs no resolver.
#[tokio::test]
async fn an_address_that_must_not_be_reached_is_refused_before_anything_is_sent() {
    let to = Destination { url: "http://127.0.0.1:9/".to_owned(), secrets: Vec::new() };
    let at = "2026-03-02T15:00:00Z".parse().unwrap();
    let posted = poster(Reach::Public).post(&to, &Parcel { id: "evt_1", at, body: Bytes::new() }).await;
    let why = "url leads to 127.0.0.1, expected a host that can be reached from everywhere".to_owned();
    assert_eq!(posted.answer, Answer::Nothing { why });
}
