//! The life of a call as a collector of traces is told it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use outdial::config::{Secret, Traces};
use outdial::simulator::{Outcome, Scenario};
use reqwest::Url;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{API_TOKEN, AUTH_TOKEN, Scene, Setting};

/// A collector that answers with what it is told to.
struct Collector {
    url: Url,
    heard: web::Data<Heard>,
    handle: ServerHandle,
}

struct Heard {
    answers: Mutex<u16>,
    requests: Mutex<Vec<(String, Value)>>,
}

async fn take(heard: web::Data<Heard>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let status = *heard.answers.lock().unwrap();
    if status == 200 {
        let key = request.headers().get("x-key").map(|key| key.to_str().unwrap().to_owned());
        assert_eq!(request.headers().get("content-type").unwrap(), "application/json");
        heard.requests.lock().unwrap().push((key.unwrap_or_default(), body.into_inner()));
    }
    HttpResponse::build(status.try_into().unwrap()).json(json!({}))
}

impl Collector {
    fn start(status: u16) -> Self {
        let heard =
            web::Data::from(Arc::new(Heard { answers: Mutex::new(status), requests: Mutex::default() }));
        let shared = heard.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(shared.clone()).route("/v1/traces", web::post().to(take))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a port");
        let url = format!("http://{}/v1/traces", server.addrs()[0]).parse().expect("a URL");
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, heard, handle }
    }

    fn traces(&self) -> Option<Traces> {
        Some(Traces {
            url: self.url.clone(),
            headers: vec![("x-key".to_owned(), Secret::new("a-key-of-the-collector"))],
            timeout: Duration::from_secs(5),
            service: "dialer".to_owned(),
        })
    }

    /// All spans so far, by their traces.
    fn spans(&self) -> BTreeMap<String, Vec<Value>> {
        let mut traces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (key, body) in self.heard.requests.lock().unwrap().iter() {
            assert_eq!(key, "a-key-of-the-collector");
            let told = &body["resourceSpans"][0];
            let service = json!({"key": "service.name", "value": {"stringValue": "dialer"}});
            assert_eq!(told["resource"]["attributes"][0], service);
            for span in told["scopeSpans"][0]["spans"].as_array().expect("spans") {
                traces.entry(text(&span["traceId"])).or_default().push(span.clone());
            }
        }
        traces
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn nanos(value: &Value) -> u64 {
    text(value).parse().expect("a number in a text")
}

#[actix_web::test]
async fn a_call_is_one_trace_from_the_wake_up_until_it_is_settled_and_names_nobody() {
    let collector = Collector::start(200);
    let scenario = Scenario::instant(Outcome::Answer);
    let mut scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    scene.config.operations.traces = collector.traces();
    scene.start_program().await;
    let campaign = scene.call(json!({}), &["+12025550141", "+12025550142"]).await;
    scene.until_completed(&campaign).await;
    let attempts = scene.attempts(&campaign).await;
    // A graceful stop sends what is left.
    scene.stop_program().await;

    let traces = collector.spans();
    assert_eq!(traces.len(), 2);
    for attempt in &attempts {
        let spans = &traces[&text(&attempt["id"]).replace('-', "")];
        let mut parts: Vec<String> = spans.iter().map(|span| text(&span["name"])).collect();
        parts.sort();
        let callbacks = parts.iter().filter(|part| *part == "callback").count();
        assert!(callbacks >= 1, "{parts:?}");
        parts.dedup();
        assert_eq!(parts, ["call", "callback", "claim", "request", "settle", "wake"]);
        let whole = spans.iter().find(|span| span["name"] == "call").unwrap();
        assert!(whole.get("parentSpanId").is_none());
        let mut ids: Vec<String> = spans.iter().map(|span| text(&span["spanId"])).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), spans.len(), "an id twice");
        for span in spans {
            assert!(text(&span["spanId"]).len() == 16 && text(&span["traceId"]).len() == 32);
            assert!(nanos(&span["startTimeUnixNano"]) <= nanos(&span["endTimeUnixNano"]), "{span}");
            if span["name"] != "call" {
                assert_eq!(span["parentSpanId"], whole["spanId"], "{span}");
            }
        }
        let said = whole["attributes"].to_string();
        assert!(said.contains("answered") && said.contains(campaign.rsplit('/').next().unwrap()), "{said}");
    }
    let all = serde_json::to_string(&traces).unwrap();
    for secret in ["20255501", "Person", "Hello", "CA0", AUTH_TOKEN, API_TOKEN] {
        assert!(!all.contains(secret), "{secret} is in a span");
    }
    collector.handle.stop(false).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_collector_that_is_away_holds_nobody_up_and_what_is_lost_is_counted() {
    let collector = Collector::start(503);
    let scenario = Scenario::instant(Outcome::Answer);
    let mut scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    scene.config.operations.traces = collector.traces();
    scene.start_program().await;
    let campaign = scene.call(json!({}), &["+12025550141"]).await;
    scene.until_completed(&campaign).await;
    let dropped = "outdial_spans_total{result=\"dropped\"} ";
    eventually("the spans are dropped and counted", || async {
        let page = scene.board().meters.page();
        let count = page.lines().find_map(|line| line.strip_prefix(dropped))?.parse::<u64>().ok()?;
        (count > 0).then_some(())
    })
    .await;
    *collector.heard.answers.lock().unwrap() = 200;
    let again = scene.call(json!({}), &["+12025550142"]).await;
    scene.until_completed(&again).await;
    eventually("the collector is told again", || async { (!collector.spans().is_empty()).then_some(()) })
        .await;
    collector.handle.stop(false).await;
    scene.end().await;
}
