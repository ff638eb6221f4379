//! The client against a far end that is played byte by byte.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::twilio::call::tests::request;

const SID: &str = "CA0123456789abcdef0123456789abcdef";

/// What the far end does with a connection.
enum Then {
    /// Reads a request, writes these bytes, and closes.
    Answer(String),
    /// The same, but the bytes are late.
    AnswerLate(Duration, String),
    /// Reads a request and closes.
    ReadAndClose,
    /// Closes without reading.
    Close,
    /// Reads whatever comes, and never says anything.
    Listen,
}

/// A far end, and everything that ever arrived there, one text per connection.
struct FarEnd {
    url: String,
    arrived: Arc<Mutex<Vec<String>>>,
}

impl FarEnd {
    async fn that(plan: Vec<Then>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let ledger = Arc::clone(&arrived);
        tokio::spawn(async move {
            let mut plan = plan.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                ledger.lock().unwrap().push(String::new());
                let number = ledger.lock().unwrap().len() - 1;
                let then = plan.next().unwrap_or(Then::ReadAndClose);
                tokio::spawn(play(stream, then, Arc::clone(&ledger), number));
            }
        });
        Self { url, arrived }
    }

    async fn that_answers(status: &str, body: &str) -> Self {
        Self::that(vec![Then::Answer(answer(status, "", body))]).await
    }

    fn client(&self) -> Client {
        client(&self.url)
    }

    fn arrived(&self) -> Vec<String> {
        self.arrived.lock().unwrap().clone()
    }

    /// How many requests to place a call arrived with their form, whole or in part.
    fn forms(&self) -> usize {
        self.arrived().iter().map(|text| text.matches("To=").count()).sum()
    }
}

async fn play(mut stream: TcpStream, then: Then, ledger: Arc<Mutex<Vec<String>>>, number: usize) {
    let (delay, reply, reads_on) = match then {
        Then::Close => return,
        Then::Answer(reply) => (Duration::ZERO, reply, false),
        Then::AnswerLate(delay, reply) => (delay, reply, false),
        Then::ReadAndClose => (Duration::ZERO, String::new(), false),
        Then::Listen => (Duration::ZERO, String::new(), true),
    };
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let text = {
            let mut ledger = ledger.lock().unwrap();
            ledger[number].push_str(&String::from_utf8_lossy(&buffer[..count]));
            ledger[number].clone()
        };
        if !reads_on && is_whole(&text) {
            break;
        }
    }
    tokio::time::sleep(delay).await;
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn client(url: &str) -> Client {
    client_of("AC00000000000000000000000000000001", url)
}

fn client_of(user: &str, url: &str) -> Client {
    Client::new(ClientConfig {
        base_url: url.parse().unwrap(),
        account_sid: "AC00000000000000000000000000000001".into(),
        user: user.into(),
        secret: "hush".into(),
    })
    .unwrap()
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(5))
}

async fn create(far_end: &FarEnd) -> Result<Placed, CreateError> {
    far_end.client().create_call(&request(), soon()).await
}

fn call(status: &str) -> String {
    format!(r#"{{"sid":"{SID}","status":"{status}","to":"+12025550123","from":"+12025550100"}}"#)
}

#[tokio::test]
async fn a_call_that_is_taken_is_placed() {
    let far_end = FarEnd::that_answers("201 Created", &call("queued")).await;
    let placed = create(&far_end).await.unwrap();
    assert_eq!(placed, Placed { sid: SID.into(), status: Status::Queued });

    let request = &far_end.arrived()[0];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /2010-04-01/accounts/ac00000000000000000000000000000001/calls.json http/1.1")
    );
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert!(head.contains("authorization: basic "), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).create_call(&request(), soon()).await.unwrap_err();
    assert!(matches!(error, CreateError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_was_sent_nothing() {
    let error = client("http://nowhere.invalid").create_call(&request(), soon()).await.unwrap_err();
    assert!(matches!(error, CreateError::NotSent { .. } | CreateError::TooLate), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_form_was_read_leaves_it_unknown() {
    let far_end = FarEnd::that(vec![Then::ReadAndClose]).await;
    let error = create(&far_end).await.unwrap_err();
    assert!(matches!(error, CreateError::Unknown { .. }), "{error:?}");
    assert_eq!(far_end.forms(), 1);
}

#[tokio::test]
async fn a_connection_closed_unread_is_unknown_or_not_sent_and_never_tried_again() {
    for _ in 0..20 {
        let far_end = FarEnd::that(vec![Then::Close]).await;
        let error = create(&far_end).await.unwrap_err();
        assert!(matches!(error, CreateError::Unknown { .. } | CreateError::NotSent { .. }), "{error:?}");
        assert_eq!(far_end.forms(), 0);
        assert_eq!(far_end.arrived().len(), 1, "a second connection means a second try");
    }
}

#[tokio::test]
async fn a_far_end_that_shakes_no_hands_before_the_deadline_gets_nothing() {
    let far_end = FarEnd::that(vec![Then::Listen]).await;
    let client = client(&far_end.url.replace("http:", "https:"));
    let watch = crate::clock::Stopwatch::start();
    let deadline = Deadline::within(Duration::from_millis(200));
    let error = client.create_call(&request(), deadline).await.unwrap_err();
    assert!(matches!(error, CreateError::TooLate), "{error:?}");
    assert!(watch.elapsed() < Duration::from_secs(3), "it does not wait for the exchange to time out");
}

#[tokio::test]
async fn nothing_of_the_form_is_written_after_the_deadline() {
    let far_end = FarEnd::that(vec![Then::Listen]).await;
    let deadline = Deadline::within(Duration::ZERO);
    let error = far_end.client().create_call(&request(), deadline).await.unwrap_err();
    assert!(matches!(error, CreateError::TooLate), "{error:?}");
    assert_eq!(far_end.forms(), 0);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_deadline_counts_if_the_form_left_before() {
    let reply = answer("201 Created", "", &call("queued"));
    let far_end = FarEnd::that(vec![Then::AnswerLate(Duration::from_millis(900), reply)]).await;
    let deadline = Deadline::within(Duration::from_millis(600));
    let placed = far_end.client().create_call(&request(), deadline).await.unwrap();
    assert_eq!(placed.sid, SID);
    assert!(deadline.has_passed());
}

#[tokio::test]
async fn a_server_error_leaves_it_unknown_because_the_call_may_ring() {
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"] {
        let far_end = FarEnd::that_answers(status, r#"{"code":20503,"message":"…","status":503}"#).await;
        let error = create(&far_end).await.unwrap_err();
        assert!(matches!(error, CreateError::Unknown { .. }), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_hasty_error_is_not_sent_exactly_if_nothing_of_the_form_arrived() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let far_end = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(answer("503 Service Unavailable", "", "").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut arrived = Vec::new();
        let _ = stream.read_to_end(&mut arrived).await;
        String::from_utf8_lossy(&arrived).contains("To=")
    });
    let error = client(&url).create_call(&request(), soon()).await.unwrap_err();
    match (error, far_end.await.unwrap()) {
        (CreateError::NotSent { .. }, has_arrived) => assert!(!has_arrived),
        (CreateError::Unknown { .. }, _) => {}
        (error, _) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_429_is_throttled_and_says_for_how_long() {
    let reply = answer("429 Too Many Requests", "Retry-After: 3\r\n", r#"{"code":20429}"#);
    let error = create(&FarEnd::that(vec![Then::Answer(reply)]).await).await.unwrap_err();
    let three = Some(Duration::from_secs(3));
    assert!(matches!(error, CreateError::Throttled { retry_after } if retry_after == three), "{error:?}");
}

#[tokio::test]
async fn a_refusal_carries_its_code_and_no_phone_number() {
    let body = r#"{"code":21215,"message":"Account not authorized to call +12025550123.","status":400}"#;
    let error = create(&FarEnd::that_answers("400 Bad Request", body).await).await.unwrap_err();
    assert_eq!(error.to_string(), "Twilio refused to place the call: HTTP 400, code 21215");
    let CreateError::Refused { http: 400, code: Some(21215), message } = error else { panic!("{error:?}") };
    assert_eq!(message, "Account not authorized to call +…23.");
}

#[tokio::test]
async fn a_refusal_without_twilios_words_is_still_a_refusal() {
    for body in ["", "<html>forbidden</html>", r#"{"code":null,"message":null}"#] {
        let error = create(&FarEnd::that_answers("403 Forbidden", body).await).await.unwrap_err();
        assert!(matches!(error, CreateError::Refused { http: 403, code: None, .. }), "{error:?}");
    }
    let cut = "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"code\":2121".to_owned();
    let error = create(&FarEnd::that(vec![Then::Answer(cut)]).await).await.unwrap_err();
    assert!(matches!(error, CreateError::Refused { http: 400, code: None, .. }), "{error:?}");
}

#[tokio::test]
async fn a_timeout_on_the_way_leaves_it_unknown() {
    let error = create(&FarEnd::that_answers("408 Request Timeout", "").await).await.unwrap_err();
    assert!(matches!(error, CreateError::Unknown { .. }), "{error:?}");
}

#[tokio::test]
async fn a_success_that_names_no_call_leaves_it_unknown() {
    for body in ["", "not json", "{}", r#"{"sid":null}"#, r#"{"sid":"CA1"}"#] {
        for status in ["200 OK", "201 Created"] {
            let error = create(&FarEnd::that_answers(status, body).await).await.unwrap_err();
            assert!(matches!(error, CreateError::Unknown { .. }), "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_cut_short_leaves_it_unknown() {
    let whole = answer("201 Created", "", &call("queued"));
    for length in [10, whole.len() / 2, whole.len() - 1] {
        let far_end = FarEnd::that(vec![Then::Answer(whole[..length].to_owned())]).await;
        let error = create(&far_end).await.unwrap_err();
        assert!(matches!(error, CreateError::Unknown { .. }), "{length}: {error:?}");
        assert_eq!(far_end.forms(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["307 Temporary Redirect", "308 Permanent Redirect", "302 Found"] {
        let reply = answer(status, "Location: /elsewhere\r\n", "");
        let far_end = FarEnd::that(vec![Then::Answer(reply)]).await;
        let error = create(&far_end).await.unwrap_err();
        assert!(matches!(error, CreateError::Unknown { .. }), "{error:?}");
        assert_eq!(far_end.arrived().len(), 1);
    }
}

#[tokio::test]
async fn no_error_tells_a_phone_number_or_the_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).list_calls("+12025550123", "+12025550100").await.unwrap_err();
    let told = format!("{error:?}");
    assert!(!told.contains("5550123") && !told.contains("hush"), "{told}");
}

#[tokio::test]
async fn a_call_is_ended_in_the_word_for_what_is_meant_and_its_answer_tells_how_it_stands() {
    for (ending, word) in [(Ending::UnlessTaken, "Status=canceled"), (Ending::Anyway, "Status=completed")] {
        let body = format!(r#"{{"sid":"{SID}","status":"canceled"}}"#);
        let far_end = FarEnd::that_answers("200 OK", &body).await;
        let call = far_end.client().end_call(SID, ending).await.unwrap().unwrap();
        assert_eq!((call.sid.as_str(), call.status), (SID, Status::Canceled));
        let arrived = &far_end.arrived()[0];
        assert!(arrived.starts_with("POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/CA"));
        assert!(arrived.ends_with(word), "{arrived}");
    }
}

#[tokio::test]
async fn of_a_call_that_is_over_already_the_end_is_fetched() {
    let refusal = r#"{"code":21220,"message":"Call is not in-progress. Cannot redirect.","status":400}"#;
    let body = format!(r#"{{"sid":"{SID}","status":"no-answer"}}"#);
    let plan = [("400 Bad Request", refusal), ("200 OK", body.as_str())];
    let plan = plan.map(|(status, body)| Then::Answer(answer(status, "", body)));
    let far_end = FarEnd::that(plan.into()).await;
    let call = far_end.client().end_call(SID, Ending::UnlessTaken).await.unwrap().unwrap();
    assert_eq!(call.status, Status::NoAnswer);
    assert!(far_end.arrived()[1].starts_with("GET "));
}

#[tokio::test]
async fn a_call_that_cannot_be_ended_says_why_and_an_unknown_one_is_none() {
    let unknown = FarEnd::that_answers("404 Not Found", r#"{"code":20404}"#).await;
    assert_eq!(unknown.client().end_call(SID, Ending::Anyway).await.unwrap(), None);
    let busy = FarEnd::that_answers("429 Too Many Requests", r#"{"code":20429}"#).await;
    let error = busy.client().end_call(SID, Ending::Anyway).await.unwrap_err();
    assert!(matches!(error, ReadError::Throttled { .. }), "{error:?}");
    let down = FarEnd::that_answers("503 Service Unavailable", "").await;
    let error = down.client().end_call(SID, Ending::Anyway).await.unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_call_is_fetched_and_an_unknown_one_is_none() {
    let far_end = FarEnd::that_answers("200 OK", &call("ringing")).await;
    let record = far_end.client().fetch_call(SID).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Ringing);
    assert!(far_end.arrived()[0].contains(&format!("/Calls/{SID}.json HTTP/1.1")));

    let far_end = FarEnd::that_answers("404 Not Found", r#"{"code":20404}"#).await;
    assert_eq!(far_end.client().fetch_call(SID).await.unwrap(), None);
}

#[tokio::test]
async fn a_list_is_read_over_its_pages() {
    let path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json";
    let next = format!("{path}?Page=1&PageToken=PA{SID}");
    let page = |call: &str, next: &str| {
        Then::Answer(answer("200 OK", "", &format!(r#"{{"calls":[{call}],"next_page_uri":{next}}}"#)))
    };
    let far_end =
        FarEnd::that(vec![page(&call("queued"), &format!("{next:?}")), page(&call("busy"), "null")]).await;
    let records = far_end.client().list_calls("+12025550123", "+12025550100").await.unwrap();
    let statuses: Vec<_> = records.iter().map(|record| record.status).collect();
    assert_eq!(statuses, [Status::Queued, Status::Busy]);
    let arrived = far_end.arrived();
    assert!(arrived[0].contains("?To=%2B12025550123&From=%2B12025550100&PageSize=200 "), "{}", arrived[0]);
    assert!(arrived[1].starts_with(&format!("GET {next} ")), "{}", arrived[1]);
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for() {
    for next in [
        "https://elsewhere.example/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json",
        "//elsewhere.example/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json",
        "/2010-04-01/Accounts/AC00000000000000000000000000000002/Calls.json",
    ] {
        let body = format!(r#"{{"calls":[],"next_page_uri":"{next}"}}"#);
        let far_end = FarEnd::that_answers("200 OK", &body).await;
        let error = far_end.client().list_calls("+12025550123", "+12025550100").await.unwrap_err();
        assert!(matches!(error, ReadError::Unexpected { .. }), "{error:?}");
        assert_eq!(far_end.arrived().len(), 1);
    }
}

#[tokio::test]
async fn an_endless_list_ends() {
    let path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json?Page=1";
    let body = format!(r#"{{"calls":[{}],"next_page_uri":"{path}"}}"#, call("busy"));
    let plan = (0..20).map(|_| Then::Answer(answer("200 OK", "", &body))).collect();
    let far_end = FarEnd::that(plan).await;
    let records = far_end.client().list_calls("+12025550123", "+12025550100").await.unwrap();
    assert_eq!(records.len(), MOST_PAGES);
}

#[tokio::test]
async fn a_failed_read_says_what_kind_of_failure_it_is() {
    type Kind = fn(&ReadError) -> bool;
    let cases: [(&str, Kind); 5] = [
        ("401 Unauthorized", |error| matches!(error, ReadError::Unauthorized { http: 401, .. })),
        ("429 Too Many Requests", |error| matches!(error, ReadError::Throttled { .. })),
        ("503 Service Unavailable", |error| matches!(error, ReadError::Unavailable { .. })),
        ("302 Found", |error| matches!(error, ReadError::Unexpected { .. })),
        ("200 OK", |error| matches!(error, ReadError::Unexpected { .. })),
    ];
    for (status, is_kind) in cases {
        let far_end = FarEnd::that_answers(status, "{}").await;
        let error = far_end.client().fetch_call(SID).await.unwrap_err();
        assert!(is_kind(&error), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn the_account_tells_how_it_stands() {
    for (body, expected) in [
        (r#"{"status":"active","type":"Full"}"#, AccountStatus::Active { is_trial: false }),
        (r#"{"status":"active","type":"Trial"}"#, AccountStatus::Active { is_trial: true }),
        (r#"{"status":"suspended","type":"Full"}"#, AccountStatus::Suspended),
        (r#"{"status":"closed","type":"Full"}"#, AccountStatus::Closed),
    ] {
        let far_end = FarEnd::that_answers("200 OK", body).await;
        assert_eq!(far_end.client().check_account().await.unwrap(), expected);
        let path = "GET /2010-04-01/Accounts/AC00000000000000000000000000000001.json ";
        assert!(far_end.arrived()[0].starts_with(path));
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_from_a_key_that_may_not_look_at_the_account() {
    let unauthorized = || Then::Answer(answer("401 Unauthorized", "", r#"{"code":20003}"#));
    let calls = Then::Answer(answer("200 OK", "", r#"{"calls":[],"next_page_uri":null}"#));

    let far_end = FarEnd::that(vec![unauthorized()]).await;
    let error = far_end.client().check_account().await.unwrap_err();
    assert_eq!(error.to_string(), "Twilio refused the credentials: HTTP 401, code 20003");

    let key = "SK00000000000000000000000000000001";
    let far_end = FarEnd::that(vec![unauthorized(), calls]).await;
    let status = client_of(key, &far_end.url).check_account().await.unwrap();
    assert_eq!(status, AccountStatus::Hidden);

    let far_end = FarEnd::that(vec![unauthorized(), unauthorized()]).await;
    let error = client_of(key, &far_end.url).check_account().await.unwrap_err();
    assert!(matches!(error, ReadError::Unauthorized { .. }), "{error:?}");
}

#[test]
fn a_base_url_that_is_none_is_refused() {
    let config = ClientConfig {
        base_url: "mailto:someone@example.com".parse().unwrap(),
        account_sid: String::new(),
        user: String::new(),
        secret: String::new(),
    };
    assert!(matches!(Client::new(config), Err(BadClient::BaseUrl)));
}
