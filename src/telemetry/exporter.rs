//! Sends spans to a collector: OTLP over HTTP, as JSON. Many go in one request; while the collector is away they wait for as
//! long as there is room.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::{info, warn};
use url::Url;

use super::Meters;
use super::traces::{Span, Tracer, Waiting, attribute};

/// Spans of one request at most.
const AT_ONCE: usize = 512;

/// How long spans gather before they are sent.
const GATHERED: Duration = Duration::from_secs(1);

/// How often a request is made that the collector asks to repeat, and how long it is waited before.
const TRIES: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Where spans are sent, and what they say of where they come from.
pub struct Collector {
    /// The address.
    pub url: Url,
    /// What goes along as headers.
    pub headers: Vec<(String, String)>,
    /// How long it may take.
    pub timeout: Duration,
    /// The service's name.
    pub service: String,
    /// Its version.
    pub version: &'static str,
    /// The node.
    pub instance: String,
}

/// A collector to which nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum BadCollector {
    /// A header that is none.
    #[error("OTEL_EXPORTER_OTLP_HEADERS: {0} cannot be a header, or not with this value")]
    Header(String),
    /// TLS cannot be set up.
    #[error("expected TLS to be available")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("expected an HTTP client")]
    Http(#[source] reqwest::Error),
}

/// Begins to send what the tracer is told, until the last of its clones is gone.
pub fn start(collector: Collector, meters: Meters) -> Result<Tracer, BadCollector> {
    let exporter = Exporter::new(collector, meters.clone())?;
    let (tracer, received) = Tracer::with_queue(meters);
    tokio::spawn(exporter.run(received));
    Ok(tracer)
}

struct Exporter {
    http: reqwest::Client,
    url: Url,
    resource: Value,
    scope: Value,
    meters: Meters,
    /// Whether the last request was in vain, so that the log says once that it is, and once that it is over.
    is_away: bool,
}

/// What became of a request.
enum Sent {
    /// The collector took it, all but so many.
    But(u64),
    /// It asks to come again.
    Again(String),
    /// It will not take it.
    Never(String),
}

/// An answer that took only a part: <https://opentelemetry.io/docs/specs/otlp/#partial-success-1>.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Taken {
    partial_success: Option<Partial>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Partial {
    /// A number, which JSON has as a text where it may be a large one.
    rejected_spans: Value,
}

impl Exporter {
    fn new(collector: Collector, meters: Meters) -> Result<Self, BadCollector> {
        let mut headers = HeaderMap::new();
        for (name, value) in collector.headers {
            let read = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(&value).ok());
            let (key, mut value) = read.ok_or(BadCollector::Header(name))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(BadCollector::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .default_headers(headers)
            .timeout(collector.timeout)
            .user_agent(concat!("outdial/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(BadCollector::Http)?;
        let resource = json!({"attributes": [
            attribute("service.name", &collector.service),
            attribute("service.version", collector.version),
            attribute("service.instance.id", &collector.instance),
        ]});
        let scope = json!({"name": "outdial", "version": collector.version});
        Ok(Self { http, url: collector.url, resource, scope, meters, is_away: false })
    }

    async fn run(mut self, mut received: mpsc::Receiver<Waiting>) {
        let (mut waiting, mut spans) = (Vec::new(), Vec::new());
        while received.recv_many(&mut waiting, AT_ONCE).await > 0 {
            let mut to_tell = Vec::new();
            for one in waiting.drain(..) {
                match one {
                    Waiting::Span(span) => spans.push(*span),
                    Waiting::Flush(done) => to_tell.push(done),
                }
            }
            self.send(&spans).await;
            spans.clear();
            let is_asked = !to_tell.is_empty();
            for done in to_tell {
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
            if !is_asked && received.len() < AT_ONCE {
                gather(&mut received).await;
            }
        }
    }

    async fn send(&mut self, spans: &[Span]) {
        if spans.is_empty() {
            return;
        }
        let spans_in_json: Vec<Value> = spans.iter().map(Span::to_json).collect();
        let body = json!({"resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{"scope": self.scope, "spans": spans_in_json}],
        }]});
        let in_all = spans.len() as u64;
        for number in 1..=TRIES {
            match self.post(&body).await {
                Sent::But(rejected) => {
                    self.meters.spans("sent", in_all.saturating_sub(rejected));
                    self.meters.spans("dropped", rejected.min(in_all));
                    if std::mem::take(&mut self.is_away) {
                        info!("the collector takes spans again");
                    }
                    return;
                }
                Sent::Again(_) if number < TRIES => tokio::time::sleep(TRY_AGAIN_AFTER * number).await,
                Sent::Again(why) | Sent::Never(why) => {
                    self.meters.spans("dropped", in_all);
                    if !std::mem::replace(&mut self.is_away, true) {
                        warn!(why, "the collector takes no spans, they are dropped");
                    }
                    return;
                }
            }
        }
    }

    async fn post(&self, body: &Value) -> Sent {
        let answer = match self.http.post(self.url.clone()).json(body).send().await {
            Ok(answer) => answer,
            // The address may hold a key.
            Err(error) => return Sent::Again(error.without_url().to_string()),
        };
        match answer.status() {
            status if status.is_success() => {
                let taken: Taken = answer.json().await.unwrap_or_default();
                let rejected = taken.partial_success.unwrap_or_default().rejected_spans;
                let text = rejected.as_str().and_then(|text| text.parse().ok());
                Sent::But(rejected.as_u64().or(text).unwrap_or(0))
            }
            // <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => Sent::Again(format!("it answers {status}")),
            status => Sent::Never(format!("it answers {status}")),
        }
    }
}

/// Waits for a while, or until there is enough for a request.
async fn gather(received: &mut mpsc::Receiver<Waiting>) {
    const LOOKS: u32 = 10;
    for _ in 0..LOOKS {
        if received.len() >= AT_ONCE || received.is_closed() {
            return;
        }
        tokio::time::sleep(GATHERED / LOOKS).await;
    }
}
