//! The simulator from outside: calls placed with plain HTTP, and a receiver that keeps what it is sent.

use std::sync::Mutex;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use chrono::DateTime;
use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::clock::{Course, Deadline};
use crate::twilio::signature::sign;
use crate::twilio::wire::{Status, parse_instant};

const ANN: &str = "+12125550101";
const BOB: &str = "+12125550102";
const OURS: &str = "+12125550100";
const ALL_EVENTS: [(&str, &str); 4] = [
    ("StatusCallbackEvent", "initiated"),
    ("StatusCallbackEvent", "ringing"),
    ("StatusCallbackEvent", "answered"),
    ("StatusCallbackEvent", "completed"),
];

pub(super) fn config() -> SimulatorConfig {
    // What the process has installed already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    SimulatorConfig {
        port: 0,
        account_sid: "AC0123456789abcdef0123456789abcdef".into(),
        auth_token: "token".into(),
        api_key: Some(("SK0123456789abcdef0123456789abcdef".into(), "secret".into())),
        from_numbers: None,
        cps: 1000,
        clock: Clock::of_this_machine(Some(Course::beginning_now(
            DateTime::parse_from_rfc3339("2026-03-02T14:00:00Z").unwrap().into(),
            100,
        ))),
        scenario: Scenario { talk_seconds: Span::exactly(3000.0), ..Scenario::always(Outcome::Answer) },
        seed: 1,
    }
}

/// Something that the receiver was sent.
#[derive(Debug, Clone)]
struct Received {
    path: String,
    headers: Vec<(String, String)>,
    form: Vec<(String, String)>,
    signature_fits: bool,
}

impl Received {
    fn get(&self, name: &str) -> &str {
        self.form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Who receives callbacks and is asked for TwiML. A path under `/answer/` names the TwiML, one under `/status/` the
/// answer's status; `/slow` takes its time over a ringing call.
#[derive(Clone)]
struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    server: ServerHandle,
}

impl Receiver {
    async fn start() -> Self {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = web::Data::new((url.clone(), received.clone()));
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(receive)))
                .workers(1)
                .disable_signals()
                .listen(listener)
                .unwrap()
                .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, received, server: handle }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The call statuses reported so far.
    fn statuses(&self) -> Vec<String> {
        let received = self.received();
        received
            .iter()
            .filter(|one| one.path == "/status/200")
            .map(|one| one.get("CallStatus").into())
            .collect()
    }

    fn fetches(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|one| one.path == path).collect()
    }
}

async fn receive(
    request: HttpRequest,
    body: web::Bytes,
    data: web::Data<(String, Arc<Mutex<Vec<Received>>>)>,
) -> HttpResponse {
    let (base, received) = data.get_ref();
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let signature = sign("token", &format!("{base}{}", request.uri()), &form);
    let signature_fits = headers.contains(&("x-twilio-signature".into(), signature));
    let path = request.path().to_owned();
    if path == "/slow" && form.contains(&("CallStatus".into(), "ringing".into())) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    received.lock().unwrap().push(Received { path: path.clone(), headers, form, signature_fits });
    let twiml = |text: &str| HttpResponse::Ok().content_type("text/xml").body(text.to_owned());
    match path.strip_prefix("/answer/") {
        Some("hello") => twiml("<Response><Say>Good morning to you all</Say></Response>"),
        Some("menu") => {
            twiml("<Response><Gather numDigits='1' action='pressed'><Say>Press 9</Say></Gather></Response>")
        }
        Some("pressed") => twiml("<Response><Hangup/></Response>"),
        Some(_) => HttpResponse::ServiceUnavailable().finish(),
        None => {
            let status = path.strip_prefix("/status/").and_then(|code| code.parse().ok()).unwrap_or(200);
            HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
        }
    }
}

/// A simulator, a receiver, and a client that knows the account.
struct Scene {
    simulator: Simulator,
    receiver: Receiver,
    client: reqwest::Client,
}

impl Scene {
    async fn of(config: SimulatorConfig) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { simulator, receiver: Receiver::start().await, client }
    }

    async fn new() -> Self {
        Self::of(config()).await
    }

    fn status_url(&self) -> String {
        format!("{}/status/200#rc=5&rp=all&ct=1000", self.receiver.url)
    }

    async fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> reqwest::Result<(u16, Value)> {
        let base = format!("{}/2010-04-01/Accounts/{}", self.simulator.url(), config().account_sid);
        let mut url = reqwest::Url::parse(&format!("{base}{path}")).unwrap();
        let is_post = method == Method::POST;
        if !is_post && !form.is_empty() {
            url.query_pairs_mut().extend_pairs(form);
        }
        let mut request = self.client.request(method, url).basic_auth(config().account_sid, Some("token"));
        if is_post {
            request = request.form(form);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = response.text().await?;
        Ok((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    /// Asks for a call that says hello and reports every event.
    async fn create(&self, to: &str, more: &[(&str, &str)]) -> reqwest::Result<(u16, Value)> {
        let status_url = self.status_url();
        let mut form = vec![("To", to), ("From", OURS), ("StatusCallback", &status_url)];
        if !more.iter().any(|(name, _)| matches!(*name, "Url" | "Twiml")) {
            form.push(("Twiml", "<Response><Pause length='5'/></Response>"));
        }
        form.extend(ALL_EVENTS);
        form.extend(more);
        self.ask(Method::POST, "/Calls.json", &form).await
    }

    /// Places a call and returns its sid.
    async fn place(&self, to: &str, more: &[(&str, &str)]) -> String {
        let (status, body) = self.create(to, more).await.unwrap();
        assert_eq!(status, 201, "{body}");
        body["sid"].as_str().unwrap().to_owned()
    }

    async fn fetch(&self, sid: &str) -> Value {
        let (status, body) = self.ask(Method::GET, &format!("/Calls/{sid}.json"), &[]).await.unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }

    fn record(&self, sid: &str) -> CallRecord {
        self.simulator.calls().into_iter().find(|call| call.sid == sid).unwrap()
    }

    async fn until_status(&self, sid: &str, status: Status) {
        until(|| self.record(sid).status == status, status.as_str()).await;
    }

    /// Waits until so many callbacks of the call's progress have come, and returns their statuses.
    async fn statuses(&self, count: usize) -> Vec<String> {
        until(|| self.receiver.statuses().len() >= count, "callbacks").await;
        self.receiver.statuses()
    }
}

async fn until(is_so: impl Fn() -> bool, what: &str) {
    let deadline = Deadline::within(Duration::from_secs(20));
    while !is_so() {
        assert!(!deadline.has_passed(), "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Lets so much of the simulator's time pass that what should not come would have come.
async fn a_while(scene: &Scene, seconds: i64) {
    let clock = scene.simulator.world.clock();
    clock.sleep_until(clock.now() + chrono::TimeDelta::seconds(seconds)).await;
}

#[actix_web::test]
async fn a_call_is_answered_and_every_callback_is_signed_numbered_and_complete() {
    let scene = Scene::new().await;
    let sid = scene.place(ANN, &[]).await;
    assert_eq!(scene.statuses(4).await, ["initiated", "ringing", "in-progress", "completed"]);
    let received = scene.receiver.received();
    for (nth, callback) in received.iter().enumerate() {
        assert!(callback.signature_fits, "{callback:?}");
        assert_eq!(callback.get("SequenceNumber"), nth.to_string());
        assert_eq!(callback.get("CallSid"), sid);
        assert_eq!(callback.get("CallbackSource"), "call-progress-events");
        assert_eq!((callback.get("To"), callback.get("Called")), (ANN, ANN));
        assert_eq!((callback.get("From"), callback.get("Caller")), (OURS, OURS));
        assert_eq!(callback.get("FromCountry"), "US");
        assert!(parse_instant(callback.get("Timestamp")).is_some(), "{callback:?}");
        assert_eq!(callback.header("user-agent"), "TwilioProxy/1.1");
        assert_eq!(callback.header("content-type"), "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(callback.header("i-twilio-idempotency-token").len(), 36);
        let ended = ["CallDuration", "Duration", "SipResponseCode"];
        assert_eq!(ended.map(|name| callback.get(name).is_empty()), [nth != 3; 3]);
    }
    let last = &received[3];
    assert_eq!(
        (last.get("CallDuration"), last.get("Duration"), last.get("SipResponseCode")),
        ("5", "1", "200")
    );
    let names: std::collections::HashSet<_> = last.form.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), last.form.len(), "a name is repeated");
    assert_eq!(names.len(), 31);
}

#[actix_web::test]
async fn the_answer_to_a_create_knows_less_than_the_call_does_later() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().ringing(50.0)]).unwrap();
    let (status, body) = scene.create(ANN, &[]).await.unwrap();
    assert_eq!(status, 201);
    for name in ["date_created", "date_updated", "start_time", "end_time", "duration", "price", "answered_by"]
    {
        assert_eq!(body[name], Value::Null, "{name}");
    }
    for name in ["caller_name", "trunk_sid", "annotation", "parent_call_sid"] {
        assert_eq!(body[name], Value::Null, "{name}");
    }
    assert_eq!((&body["status"], &body["queue_time"]), (&json!("queued"), &json!("0")));
    assert_eq!((&body["price_unit"], &body["direction"]), (&json!("USD"), &json!("outbound-api")));
    assert_eq!(body["to_formatted"], "(212) 555-0101");
    assert_eq!(body["subresource_uris"].as_object().unwrap().len(), 9);
    let sid = body["sid"].as_str().unwrap();
    scene.until_status(sid, Status::Ringing).await;
    let ringing = scene.fetch(sid).await;
    assert_eq!((&ringing["status"], &ringing["duration"]), (&json!("ringing"), &json!("0")));
    assert_eq!((&ringing["caller_name"], &ringing["trunk_sid"]), (&json!(""), &json!("")));
    assert!(parse_instant(ringing["start_time"].as_str().unwrap()).is_some());
    scene.until_status(sid, Status::Completed).await;
    a_while(&scene, 90).await;
    let done = scene.fetch(sid).await;
    assert_eq!((&done["duration"], &done["price"]), (&json!("5"), &json!("-0.01400")));
}

#[actix_web::test]
async fn only_the_end_is_reported_unless_more_is_asked_for() {
    let scene = Scene::new().await;
    let url = scene.status_url();
    let form = [("To", ANN), ("From", OURS), ("Twiml", "<Response/>"), ("StatusCallback", url.as_str())];
    assert_eq!(scene.ask(Method::POST, "/Calls.json", &form).await.unwrap().0, 201);
    assert_eq!(scene.statuses(1).await, ["completed"]);
    assert_eq!(scene.receiver.received()[0].get("SequenceNumber"), "0");
}

#[actix_web::test]
async fn calls_that_nobody_takes_end_in_their_own_words() {
    let scene = Scene::new().await;
    for (behavior, expected, sip, states) in [
        (Behavior::busy(), "busy", "486", 3),
        (Behavior::no_answer(), "no-answer", "487", 3),
        (Behavior::answer().ringing(12.0), "no-answer", "487", 3),
        (Behavior::failed(), "failed", "404", 2),
    ] {
        scene.receiver.received.lock().unwrap().clear();
        scene.simulator.fix(ANN, [behavior]).unwrap();
        let sid = scene.place(ANN, &[("Timeout", "10")]).await;
        scene.statuses(states).await;
        let last = scene.receiver.received().pop().unwrap();
        assert_eq!((last.get("CallStatus"), last.get("SipResponseCode")), (expected, sip));
        assert_eq!((last.get("CallDuration"), last.get("Duration")), ("0", "0"));
        assert_eq!(scene.fetch(&sid).await["status"], expected);
        if expected == "no-answer" {
            let record = scene.record(&sid);
            let rang = record.ended_at.unwrap() - record.dialed_at.unwrap();
            assert!((10_500..=11_500).contains(&rang.num_milliseconds()), "{rang}");
        }
    }
}

#[actix_web::test]
async fn errors_have_twilios_codes_and_a_request_without_credentials_none_of_its_data() {
    let scene = Scene::new().await;
    let (status, body) = scene.ask(Method::POST, "/Calls.json", &[]).await.unwrap();
    assert_eq!((status, &body["code"], &body["status"]), (400, &json!(21201), &json!(400)));
    let (status, body) = scene.ask(Method::GET, "/Calls/CA00.json", &[]).await.unwrap();
    assert_eq!((status, &body["code"]), (404, &json!(20404)));
    let path = format!("/2010-04-01/Accounts/{}/Calls/CA00.json", config().account_sid);
    assert_eq!(body["message"], format!("The requested resource {path} was not found"));
    assert_eq!(scene.ask(Method::PUT, "/Calls.json", &[]).await.unwrap().0, 405);
    let bare = scene.client.get(format!("{}{path}", scene.simulator.url())).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    let names =
        ["twilio-request-id", "twilio-concurrent-requests", "twilio-request-duration", "x-powered-by"];
    assert!(names.iter().all(|name| bare.headers().contains_key(*name)), "{:?}", bare.headers());
    let body: Value = serde_json::from_str(&bare.text().await.unwrap()).unwrap();
    assert_eq!((&body["code"], &body["message"]), (&json!(20003), &json!("Authenticate")));
}

#[actix_web::test]
async fn a_plus_that_was_not_escaped_is_refused_and_a_json_body_is_no_form() {
    let scene = Scene::new().await;
    let url = format!("{}/2010-04-01/Accounts/{}/Calls.json", scene.simulator.url(), config().account_sid);
    let post = |kind: &str, body: &str| {
        let request = scene.client.post(&url).basic_auth(config().account_sid, Some("token"));
        request.header("Content-Type", kind).body(body.to_owned()).send()
    };
    let code = async |response: reqwest::Response| -> Value {
        serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap()["code"].clone()
    };
    let form = "To=+12125550101&From=%2B12125550100&Twiml=%3CResponse/%3E";
    assert_eq!(code(post("application/x-www-form-urlencoded", form).await.unwrap()).await, 21211);
    let json = r#"{"To": "+12125550101"}"#;
    assert_eq!(code(post("application/json", json).await.unwrap()).await, 21201);
}

#[actix_web::test]
async fn the_account_and_its_numbers_can_be_asked_for() {
    let scene =
        Scene::of(SimulatorConfig { from_numbers: Some(vec![OURS.into(), BOB.into()]), ..config() }).await;
    let url = format!("{}/2010-04-01/Accounts/{}.json", scene.simulator.url(), config().account_sid);
    let (key, secret) = config().api_key.unwrap();
    let response = scene.client.get(&url).basic_auth(key, Some(secret)).send().await.unwrap();
    let account: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!((&account["status"], &account["type"]), (&json!("active"), &json!("Full")));
    let wrong = scene.client.get(&url).basic_auth(config().account_sid, Some("no")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let (_, all) = scene.ask(Method::GET, "/IncomingPhoneNumbers.json", &[]).await.unwrap();
    assert_eq!(all["incoming_phone_numbers"].as_array().unwrap().len(), 2);
    let (_, one) =
        scene.ask(Method::GET, "/IncomingPhoneNumbers.json", &[("PhoneNumber", BOB)]).await.unwrap();
    assert_eq!(one["incoming_phone_numbers"][0]["phone_number"], BOB);
    let foreign = [("To", ANN), ("From", "+12125550199"), ("Twiml", "<Response/>")];
    assert_eq!(scene.ask(Method::POST, "/Calls.json", &foreign).await.unwrap().1["code"], 21210);
}

#[actix_web::test]
async fn calls_are_listed_newest_first_by_filters_and_pages() {
    let scene = Scene::new().await;
    let mut sids = Vec::new();
    for to in [ANN, BOB, ANN, ANN, BOB] {
        sids.push(scene.place(to, &[]).await);
    }
    let list = async |form: &[(&str, &str)]| -> Value {
        scene.ask(Method::GET, "/Calls.json", form).await.unwrap().1
    };
    let found = |page: &Value| -> Vec<String> {
        page["calls"].as_array().unwrap().iter().map(|call| call["sid"].as_str().unwrap().into()).collect()
    };
    let everyone = list(&[]).await;
    assert_eq!(found(&everyone), sids.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!((&everyone["start"], &everyone["end"]), (&json!(0), &json!(4)));
    let ann = list(&[("To", ANN), ("PageSize", "2")]).await;
    assert_eq!(found(&ann), [sids[3].clone(), sids[2].clone()]);
    let next = ann["next_page_uri"].as_str().unwrap();
    assert!(
        next.contains("To=%2B12125550101") && next.contains(&format!("PageToken=PA{}", sids[2])),
        "{next}"
    );
    // A call that is placed between two pages moves nothing.
    scene.place(ANN, &[]).await;
    let query = next.split_once('?').unwrap().1.to_owned();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let second = list(&pairs).await;
    assert_eq!(found(&second), [sids[0].clone()]);
    assert_eq!((&second["next_page_uri"], &second["page"]), (&Value::Null, &json!(1)));
    let back = second["previous_page_uri"].as_str().unwrap();
    assert!(back.contains(&format!("PageToken=PB{}", sids[0])), "{back}");
    let empty = list(&[("To", "+12125550155")]).await;
    assert_eq!((found(&empty).len(), &empty["start"], &empty["end"]), (0, &json!(0), &json!(0)));
    assert_eq!(found(&list(&[("ParentCallSid", &sids[0])]).await).len(), 0);
    scene.until_status(&sids[0], Status::Completed).await;
    let ended =
        list(&[("Status", "completed"), ("StartTime>", "2026-03-02T14:00:00Z"), ("EndTime<", "2026-03-03")])
            .await;
    assert!(found(&ended).contains(&sids[0]));
    assert_eq!(found(&list(&[("StartTime<", "2026-03-02")]).await).len(), 0);
    list(&[("StartDate", "2026-03-02")]).await;
    let ledger = scene.simulator.ledger();
    assert_eq!(ledger.requests.last().unwrap().unknown_parameters, ["StartDate"]);
}

#[actix_web::test]
async fn calls_beyond_the_rate_wait_and_one_canceled_there_is_never_spoken_of() {
    let scene = Scene::of(SimulatorConfig { cps: 2, ..config() }).await;
    scene.simulator.fix(ANN, [Behavior::answer().ringing(50.0)]).unwrap();
    let first = scene.place(ANN, &[]).await;
    let second = scene.place(BOB, &[]).await;
    let third = scene.place("+12125550103", &[]).await;
    assert_eq!(scene.fetch(&third).await["status"], "queued");
    let (status, body) =
        scene.ask(Method::POST, &format!("/Calls/{third}.json"), &[("Status", "canceled")]).await.unwrap();
    assert_eq!((status, &body["status"]), (200, &json!("canceled")));
    scene.until_status(&first, Status::Completed).await;
    scene.until_status(&second, Status::Completed).await;
    let waited: i64 = scene.fetch(&second).await["queue_time"].as_str().unwrap().parse().unwrap();
    // Less than half a real second, which is fifty of the clock's, was left of the wait when it was placed.
    assert!((1..400_000).contains(&waited), "{waited}");
    assert_eq!(scene.fetch(&first).await["queue_time"], "0");
    a_while(&scene, 60).await;
    let ledger = scene.simulator.ledger();
    assert_eq!(ledger.callbacks_of(&third).len(), 0);
    assert_eq!(ledger.callbacks_of(&second).len(), 4);
    assert_eq!((ledger.most_creates_in_a_second(), ledger.open.now), (3, 0));
    assert_eq!((ledger.most_open_from(OURS), ledger.most_open_to(ANN)), (3, 1));
}

#[actix_web::test]
async fn a_call_is_redirected_completed_and_deleted() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().ringing(50.0).talking(3000.0)]).unwrap();
    let sid = scene.place(ANN, &[("Twiml", "<Response><Pause length='2000'/></Response>")]).await;
    let path = format!("/Calls/{sid}.json");
    let hello = format!("{}/answer/hello", scene.receiver.url);
    let (status, body) = scene.ask(Method::POST, &path, &[("Url", &hello)]).await.unwrap();
    assert_eq!((status, &body["code"]), (400, &json!(21220)));
    assert_eq!(scene.ask(Method::DELETE, &path, &[]).await.unwrap().0, 409);
    scene.until_status(&sid, Status::InProgress).await;
    let canceled = scene.ask(Method::POST, &path, &[("Status", "canceled")]).await.unwrap();
    assert_eq!((canceled.0, &canceled.1["status"]), (200, &json!("in-progress")));
    let pause = "<Response><Pause length='1000'/></Response>";
    assert_eq!(scene.ask(Method::POST, &path, &[("Twiml", pause)]).await.unwrap().0, 200);
    let (_, body) = scene.ask(Method::POST, &path, &[("Status", "completed")]).await.unwrap();
    assert_eq!(body["status"], "completed");
    assert_eq!(scene.statuses(4).await.last().unwrap(), "completed");
    let again = scene.ask(Method::POST, &path, &[("Status", "completed")]).await.unwrap();
    assert_eq!(again.1["code"], 21220);
    assert_eq!(scene.ask(Method::DELETE, &path, &[]).await.unwrap(), (204, Value::Null));
    assert_eq!(scene.ask(Method::GET, &path, &[]).await.unwrap().0, 404);
}

#[actix_web::test]
async fn a_redirect_leaves_the_old_script_for_the_new_one() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().talking(3000.0)]).unwrap();
    let sid = scene.place(ANN, &[("Twiml", "<Response><Pause length='2000'/></Response>")]).await;
    scene.until_status(&sid, Status::InProgress).await;
    let hello = format!("{}/answer/hello", scene.receiver.url);
    let path = format!("/Calls/{sid}.json");
    assert_eq!(scene.ask(Method::POST, &path, &[("Url", &hello)]).await.unwrap().0, 200);
    scene.until_status(&sid, Status::Completed).await;
    assert!(scene.record(&sid).seconds() < 2000);
    assert_eq!(scene.receiver.fetches("/answer/hello").len(), 1);
}

#[actix_web::test]
async fn twiml_is_fetched_when_answered_and_acted_out() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().pressing("9")]).unwrap();
    let url = format!("{}/answer/menu", scene.receiver.url);
    let sid = scene.place(ANN, &[("Url", &url)]).await;
    scene.until_status(&sid, Status::Completed).await;
    let menu = scene.receiver.fetches("/answer/menu");
    assert!(menu[0].signature_fits);
    assert_eq!(
        (menu[0].get("CallStatus"), menu[0].get("StirVerstat")),
        ("in-progress", "TN-Validation-Passed-C")
    );
    assert_eq!(menu[0].get("AnsweredBy"), "");
    let pressed = scene.receiver.fetches("/answer/pressed");
    assert_eq!(pressed[0].get("Digits"), "9");
    assert!(pressed[0].signature_fits);
}

#[actix_web::test]
async fn a_script_that_cannot_be_had_falls_back_or_ends_the_call() {
    let scene = Scene::new().await;
    let broken = format!("{}/answer/broken", scene.receiver.url);
    let hello = format!("{}/answer/hello", scene.receiver.url);
    let sid = scene.place(ANN, &[("Url", &broken), ("FallbackUrl", &hello)]).await;
    scene.until_status(&sid, Status::Completed).await;
    let fallback = scene.receiver.fetches("/answer/hello");
    assert_eq!((fallback[0].get("ErrorCode"), fallback[0].get("ErrorUrl")), ("11200", broken.as_str()));
    let relative = "<Response><Redirect>/answer/hello</Redirect></Response>";
    let sid = scene.place(BOB, &[("Twiml", relative)]).await;
    scene.until_status(&sid, Status::Completed).await;
    assert_eq!(scene.record(&sid).notices[0].code, 11100);
}

#[actix_web::test]
async fn the_person_or_the_limit_may_end_the_call_before_the_script_does() {
    let scene = Scene::new().await;
    let long = [("Twiml", "<Response><Pause length='600'/></Response>")];
    scene.simulator.fix(ANN, [Behavior::answer().talking(12.0)]).unwrap();
    let hung_up = scene.place(ANN, &long).await;
    scene.simulator.fix(BOB, [Behavior::answer().talking(500.0)]).unwrap();
    let limited = scene.place(BOB, &[long[0], ("TimeLimit", "30")]).await;
    scene.until_status(&hung_up, Status::Completed).await;
    scene.until_status(&limited, Status::Completed).await;
    assert_eq!(scene.record(&hung_up).seconds(), 12);
    assert_eq!(scene.record(&limited).seconds(), 30);
}

#[actix_web::test]
async fn synchronous_detection_holds_the_script_for_its_verdict() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::machine().talking(100.0)]).unwrap();
    let url = format!("{}/answer/hello", scene.receiver.url);
    let sid = scene.place(ANN, &[("Url", &url), ("MachineDetection", "DetectMessageEnd")]).await;
    scene.until_status(&sid, Status::Completed).await;
    let fetch = &scene.receiver.fetches("/answer/hello")[0];
    assert_eq!(fetch.get("AnsweredBy"), "machine_end_beep");
    let took: i64 = fetch.get("MachineDetectionDuration").parse().unwrap();
    assert!((8_000..=20_000).contains(&took), "{took}");
    assert!(scene.record(&sid).seconds() * 1000 >= took);
    assert_eq!(scene.fetch(&sid).await["answered_by"], "machine_end_beep");
}

#[actix_web::test]
async fn asynchronous_detection_posts_its_verdict_while_the_script_runs() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::machine().talking(60.0)]).unwrap();
    let verdicts = format!("{}/amd", scene.receiver.url);
    let amd = [
        ("Twiml", "<Response><Pause length='30'/></Response>"),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", verdicts.as_str()),
    ];
    let sid = scene.place(ANN, &amd).await;
    scene.statuses(4).await;
    let verdict = &scene.receiver.fetches("/amd")[0];
    assert!(verdict.signature_fits);
    let names: Vec<&str> = verdict.form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"]);
    assert_eq!((verdict.get("CallSid"), verdict.get("AnsweredBy")), (sid.as_str(), "machine_start"));
    // Who hangs up before the verdict is never judged.
    scene.simulator.fix(BOB, [Behavior::answer().talking(1.0)]).unwrap();
    let sid = scene.place(BOB, &amd).await;
    scene.until_status(&sid, Status::Completed).await;
    a_while(&scene, 30).await;
    assert_eq!(scene.receiver.fetches("/amd").len(), 1);
}

#[actix_web::test]
async fn callbacks_keep_their_order_when_the_receiver_is_slow() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().ringing(0.0)]).unwrap();
    let url = format!("{}/slow", scene.receiver.url);
    let mut form = vec![("To", ANN), ("From", OURS), ("Twiml", "<Response/>"), ("StatusCallback", &url)];
    form.extend(ALL_EVENTS);
    assert_eq!(scene.ask(Method::POST, "/Calls.json", &form).await.unwrap().0, 201);
    until(|| scene.receiver.fetches("/slow").len() == 4, "callbacks").await;
    let received = scene.receiver.fetches("/slow");
    let sequence: Vec<_> = received.iter().map(|one| one.get("SequenceNumber")).collect();
    assert_eq!(sequence, ["0", "1", "2", "3"]);
}

#[actix_web::test]
async fn callbacks_are_lost_doubled_late_and_reordered_on_demand() {
    let scene = Scene::new().await;
    let run = async |fault: Fault, count: usize| -> Vec<String> {
        scene.receiver.received.lock().unwrap().clear();
        scene.simulator.clear_faults();
        scene.simulator.fault(fault).unwrap();
        let sid = scene.place(ANN, &[]).await;
        scene.until_status(&sid, Status::Completed).await;
        scene.statuses(count).await
    };
    let lost = run(Fault::always(FaultKind::Lost).on(Event::Answered).to(ANN), 3).await;
    assert_eq!(lost, ["initiated", "ringing", "completed"]);
    let sequence: Vec<_> =
        scene.receiver.received().iter().map(|one| one.get("SequenceNumber").to_owned()).collect();
    assert_eq!(sequence, ["0", "1", "3"]);
    let doubled = run(Fault::once(FaultKind::Doubled).on(Event::Completed), 5).await;
    assert_eq!(doubled, ["initiated", "ringing", "in-progress", "completed", "completed"]);
    let tokens: Vec<_> = scene.receiver.received()[3..]
        .iter()
        .map(|one| one.header("i-twilio-idempotency-token").to_owned())
        .collect();
    assert_eq!(tokens[0], tokens[1]);
    let late = run(Fault::once(FaultKind::Late { seconds: 60.0 }).on(Event::Ringing), 4).await;
    assert_eq!(late, ["initiated", "in-progress", "completed", "ringing"]);
    let reordered = run(Fault::once(FaultKind::Reordered).on(Event::Answered), 4).await;
    assert_eq!(reordered, ["initiated", "ringing", "completed", "in-progress"]);
    let reversed = run(Fault::always(FaultKind::Reordered), 4).await;
    assert_eq!(reversed, ["completed", "in-progress", "ringing", "initiated"]);
}

#[actix_web::test]
async fn callbacks_may_come_before_the_answer_to_the_create() {
    let scene = Scene::new().await;
    scene.simulator.fault(Fault::once(FaultKind::CallbacksBeforeAnswer).on(Event::Completed)).unwrap();
    let (status, body) = scene.create(ANN, &[]).await.unwrap();
    assert_eq!(scene.receiver.statuses().last().map(String::as_str), Some("completed"));
    assert_eq!((status, &body["status"]), (201, &json!("queued")));
    // Without any callback the answer comes at the call's end.
    scene.simulator.fault(Fault::once(FaultKind::CallbacksBeforeAnswer)).unwrap();
    let form = [("To", ANN), ("From", OURS), ("Twiml", "<Response/>")];
    assert_eq!(scene.ask(Method::POST, "/Calls.json", &form).await.unwrap().0, 201);
}

#[actix_web::test]
async fn the_answer_waits_for_the_callback_it_is_to_wait_for_and_no_longer() {
    let scenario = Scenario { dial_seconds: Span::exactly(0.0), ..Scenario::always(Outcome::NoAnswer) };
    let clock = Clock::of_this_machine(None);
    let scene = Scene::of(SimulatorConfig { scenario, clock, ..config() }).await;
    scene.simulator.fault(Fault::once(FaultKind::CallbacksBeforeAnswer).on(Event::Ringing)).unwrap();
    scene.place(ANN, &[]).await;
    assert_eq!(scene.receiver.statuses(), ["initiated", "ringing"]);
}

#[actix_web::test]
async fn creates_are_refused_on_demand_without_placing() {
    let scene = Scene::new().await;
    for (kind, expected, code) in [
        (FaultKind::TooManyRequests { retry_after: Some(3) }, 429, 20429),
        (FaultKind::Unauthorized, 401, 20003),
        (FaultKind::ServerError { placed: false }, 500, 20500),
        (FaultKind::Refused { http: 400, code: 21215, message: "no".into() }, 400, 21215),
    ] {
        scene.simulator.fault(Fault::once(kind).to(ANN)).unwrap();
        assert_eq!(scene.create(BOB, &[]).await.unwrap().0, 201);
        let (status, body) = scene.create(ANN, &[]).await.unwrap();
        assert_eq!((status, &body["code"]), (expected, &json!(code)));
        let ledger = scene.simulator.ledger();
        let last = *ledger.creates_to(ANN).last().unwrap();
        assert_eq!((last.answer, last.code, &last.placed), (Some(expected), Some(code), &None));
    }
    scene.simulator.fault(Fault::once(FaultKind::Dropped { placed: false })).unwrap();
    let error = scene.create(ANN, &[]).await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert!(scene.simulator.calls().iter().all(|call| call.to == BOB));
}

#[actix_web::test]
async fn an_answer_may_be_lost_after_the_call_was_placed() {
    let scene = Scene::new().await;
    for kind in [
        FaultKind::ServerError { placed: true },
        FaultKind::Dropped { placed: true },
        FaultKind::Hang { placed: true, seconds: 0.2 },
    ] {
        let before = scene.simulator.calls().len();
        scene.simulator.fault(Fault::once(kind.clone())).unwrap();
        let answer = scene.create(ANN, &[]).await;
        assert!(answer.is_err() || answer.unwrap().0 == 500, "{kind:?}");
        assert_eq!(scene.simulator.calls().len(), before + 1, "{kind:?}");
        let ledger = scene.simulator.ledger();
        let placed = ledger.creates_to(ANN).last().unwrap().placed.clone().unwrap();
        scene.until_status(&placed, Status::Completed).await;
    }
    assert_eq!(scene.simulator.ledger().creates().len(), 3);
}

#[actix_web::test]
async fn reads_fail_on_demand() {
    let scene = Scene::new().await;
    let sid = scene.place(ANN, &[]).await;
    scene.simulator.fault(Fault::once(FaultKind::ReadError { http: 500 })).unwrap();
    scene.simulator.fault(Fault::once(FaultKind::ReadError { http: 404 })).unwrap();
    let path = format!("/Calls/{sid}.json");
    assert_eq!(scene.ask(Method::GET, &path, &[]).await.unwrap().0, 500);
    assert_eq!(scene.ask(Method::GET, &path, &[]).await.unwrap().1["code"], 20404);
    assert_eq!(scene.ask(Method::GET, &path, &[]).await.unwrap().0, 200);
}

#[actix_web::test]
async fn a_callback_is_tried_again_as_its_fragment_says_and_the_fragment_stays_here() {
    let scene = Scene::new().await;
    let place = async |path: &str| {
        let url = format!("{}{path}", scene.receiver.url);
        let form = [("To", ANN), ("From", OURS), ("Twiml", "<Response/>"), ("StatusCallback", &url)];
        let sid = scene.ask(Method::POST, "/Calls.json", &form).await.unwrap().1["sid"].clone();
        let sid = sid.as_str().unwrap().to_owned();
        until(|| !scene.simulator.ledger().callbacks_of(&sid).is_empty(), "the callback").await;
        let ledger = scene.simulator.ledger();
        ledger.callbacks_of(&sid)[0].clone()
    };
    let asked = place("/status/503?a=%2B1#rc=3&rp=5xx").await;
    assert_eq!((asked.tries, asked.answer), (4, Some(503)));
    assert!(asked.url.ends_with("/status/503?a=%2B1"), "{}", asked.url);
    let received = scene.receiver.fetches("/status/503");
    assert_eq!(received.len(), 4);
    let token = received[0].header("i-twilio-idempotency-token");
    assert!(received.iter().all(|one| one.signature_fits));
    assert!(received.iter().all(|one| one.header("i-twilio-idempotency-token") == token));
    assert_eq!(place("/status/503").await.tries, 1, "an answer is no reason to try again by default");
    scene.receiver.server.stop(false).await;
    let refused = place("/status/200").await;
    assert_eq!((refused.tries, refused.answer), (2, None));
}

#[actix_web::test]
async fn the_same_controls_are_there_over_http() {
    let scene = Scene::new().await;
    let url = |path: &str| format!("{}/simulator/{path}", scene.simulator.url());
    let scenario = json!({"shares": {"busy": 1.0}});
    let put = scene.client.put(url("scenario")).json(&scenario).send().await.unwrap();
    assert_eq!(put.status(), 204);
    let numbers = json!({"number": BOB, "behaviors": ["failed"]});
    assert_eq!(scene.client.post(url("numbers")).json(&numbers).send().await.unwrap().status(), 204);
    let fault = json!({"kind": {"too-many-requests": {}}, "times": 1});
    assert_eq!(scene.client.post(url("faults")).json(&fault).send().await.unwrap().status(), 204);
    let bad = scene.client.put(url("scenario")).json(&json!({"share": {}})).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    assert_eq!(scene.create(ANN, &[]).await.unwrap().0, 429);
    let busy = scene.place(ANN, &[]).await;
    let failed = scene.place(BOB, &[]).await;
    scene.until_status(&busy, Status::Busy).await;
    scene.until_status(&failed, Status::Failed).await;
    let ledger = scene.client.get(url("ledger")).send().await.unwrap().text().await.unwrap();
    let ledger: Ledger = serde_json::from_str(&ledger).unwrap();
    assert_eq!(ledger.creates().len(), 3);
    let calls = scene.client.get(url("calls")).send().await.unwrap().text().await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&calls).unwrap()[0]["status"], "busy");
}

#[actix_web::test]
async fn nonsense_is_answered_with_an_error_and_survived() {
    let scene = Scene::new().await;
    let account = config().account_sid;
    for path in [
        "",
        "/",
        "/2010-04-01",
        "/2010-04-01/Accounts",
        "/simulator/",
        "/%ff/%00",
        "/2010-04-01/Accounts//Calls.json",
    ] {
        let response = scene.client.get(format!("{}{path}", scene.simulator.url())).send().await.unwrap();
        assert!(response.status().is_client_error(), "{path}: {}", response.status());
    }
    for body in ["%", "To=%ff%fe&From=%00", "=&=&=", "To=%2B1212555é", &"a=b&".repeat(50_000)] {
        let url = format!("{}/2010-04-01/Accounts/{account}/Calls.json", scene.simulator.url());
        let request = scene.client.post(url).basic_auth(&account, Some("token"));
        let kind = "application/x-www-form-urlencoded";
        let response = request.header("Content-Type", kind).body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 400);
    }
    let huge = u64::MAX.to_string();
    let paged = [("Page", "4294967295"), ("PageSize", "1000"), ("PageToken", "PAé")];
    assert_eq!(scene.ask(Method::GET, "/Calls.json", &paged).await.unwrap().0, 200);
    assert_eq!(scene.ask(Method::GET, "/Calls.json", &[("Page", &huge)]).await.unwrap().0, 400);
    scene.simulator.fix(ANN, [Behavior::answer().talking(20.0)]).unwrap();
    let twiml = format!("<Response><Pause length='{huge}'/><Say loop='{huge}'>a</Say></Response>");
    let sid = scene.place(ANN, &[("Twiml", &twiml)]).await;
    scene.until_status(&sid, Status::Completed).await;
}

#[actix_web::test]
async fn a_second_simulator_cannot_have_the_same_port_and_a_stopped_one_gives_it_back() {
    let first = Simulator::start(config()).await.unwrap();
    let port = first.url().rsplit(':').next().unwrap().parse().unwrap();
    let second = Simulator::start(SimulatorConfig { port, ..config() }).await;
    assert!(matches!(second, Err(Error::Listen { .. })));
    let waiting = first.clone();
    tokio::join!(first.stop(), waiting.wait());
    let again = Simulator::start(SimulatorConfig { port, ..config() }).await.unwrap();
    again.stop().await;
}

#[actix_web::test]
async fn a_stopped_simulator_calls_nobody_back() {
    let scene = Scene::new().await;
    scene.simulator.fix(ANN, [Behavior::answer().ringing(59.0)]).unwrap();
    scene.place(ANN, &[]).await;
    scene.statuses(2).await;
    let clock = scene.simulator.world.clock().clone();
    scene.simulator.clone().stop().await;
    clock.sleep_until(clock.now() + chrono::TimeDelta::seconds(120)).await;
    assert_eq!(scene.receiver.statuses(), ["initiated", "ringing"]);
}

#[actix_web::test]
async fn a_burst_of_calls_loses_no_callback() {
    let (cps, scenario) = (1_000_000, Scenario::instant(Outcome::Answer));
    let scene = &Scene::of(SimulatorConfig { cps, scenario, ..config() }).await;
    let place = async |caller: usize| {
        for call in 0..40 {
            scene.place(&format!("+1312555{:04}", caller * 40 + call), &[]).await;
        }
    };
    futures_util::future::join_all((0..10).map(place)).await;
    scene.statuses(1600).await;
    let ledger = scene.simulator.ledger();
    assert!(ledger.callbacks.iter().all(|callback| callback.answer == Some(200) && callback.tries == 1));
    assert_eq!((ledger.creates().len(), ledger.open.now), (400, 0));
}
