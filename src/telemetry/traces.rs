//! The life of a call as a trace: spans from the wake-up that led to it until it is settled, each told by the node that
//! lived it. The trace's id is the attempt's, so that nodes which know nothing of each other tell one story.
//!
//! A span holds words of the program's own, counts and ids: no text can get in that came from outside.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Meters;
use crate::domain::names::names;

/// Spans that wait at most. Beyond, they are dropped and counted: nobody's call waits for a collector.
const MOST_WAITING: usize = 4096;

names! {
    /// A part of a call's life.
    pub enum Part: "part" {
        /// All of it, from the intent until it is settled.
        Call = "call",
        /// From the wake-up of the campaign until the claim.
        Wake = "wake",
        /// The claim.
        Claim = "claim",
        /// The request to the provider, and its answer.
        Request = "request",
        /// A callback, from its arrival until it is durable.
        Callback = "callback",
        /// The transaction that settles it.
        Settle = "settle",
    }
}

/// What is said of a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said {
    /// A word of the program's own.
    Word(&'static str),
    /// An id of ours.
    Id(Uuid),
}

/// A span.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    attempt: Uuid,
    id: u64,
    part: Part,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    said: Vec<(&'static str, Said)>,
}

/// What waits for the exporter.
pub(super) enum Waiting {
    Span(Box<Span>),
    /// Everything before this is to be sent now.
    Flush(oneshot::Sender<()>),
}

/// Where spans are told. Without a collector it costs nothing. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<Queue>>);

struct Queue {
    waiting: mpsc::Sender<Waiting>,
    meters: Meters,
}

impl Tracer {
    /// A tracer, and what an exporter receives of it.
    pub(super) fn with_queue(meters: Meters) -> (Self, mpsc::Receiver<Waiting>) {
        let (waiting, received) = mpsc::channel(MOST_WAITING);
        (Self(Some(Arc::new(Queue { waiting, meters }))), received)
    }

    /// Whether anybody hears it.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells a part of a call's life.
    pub fn tell(
        &self,
        attempt: Uuid,
        part: Part,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        said: &[(&'static str, Said)],
    ) {
        let Some(queue) = &self.0 else { return };
        let id = match part {
            Part::Call => root_of(attempt),
            _ => rand::rng().random_range(1..u64::MAX),
        };
        let span = Span { attempt, id, part, from, until, said: said.to_vec() };
        if queue.waiting.try_send(Waiting::Span(Box::new(span))).is_err() {
            queue.meters.spans("dropped", 1);
        }
    }

    /// Waits until what was told before is sent, or cannot be.
    pub async fn flush(&self) {
        let Some(queue) = &self.0 else { return };
        let (done, told) = oneshot::channel();
        if queue.waiting.send(Waiting::Flush(done)).await.is_ok() {
            let _ = told.await;
        }
    }
}

/// The id of the span that is all of a call's life: the attempt's random half, which is never zero.
fn root_of(attempt: Uuid) -> u64 {
    attempt.as_u64_pair().1
}

impl Span {
    /// As OTLP has it in JSON: ids as hexadecimal, instants as nanoseconds in a text.
    /// <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>
    pub(super) fn to_json(&self) -> Value {
        let nanos = |at: DateTime<Utc>| at.timestamp_nanos_opt().unwrap_or_default().to_string();
        let said = self.said.iter().map(|(key, said)| {
            let text = match said {
                Said::Word(word) => (*word).to_owned(),
                Said::Id(id) => id.to_string(),
            };
            attribute(key, &text)
        });
        let own = attribute("attempt.id", &self.attempt.to_string());
        let mut span = json!({
            "traceId": self.attempt.simple().to_string(),
            "spanId": format!("{:016x}", self.id),
            "name": self.part.as_str(),
            "kind": kind_of(self.part),
            "startTimeUnixNano": nanos(self.from),
            "endTimeUnixNano": nanos(self.until.max(self.from)),
            "attributes": std::iter::once(own).chain(said).collect::<Vec<_>>(),
        });
        if self.part != Part::Call {
            span["parentSpanId"] = format!("{:016x}", root_of(self.attempt)).into();
        }
        span
    }
}

/// <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>
fn kind_of(part: Part) -> u8 {
    const INTERNAL: u8 = 1;
    const SERVER: u8 = 2;
    const CLIENT: u8 = 3;
    match part {
        Part::Request => CLIENT,
        Part::Callback => SERVER,
        Part::Call | Part::Wake | Part::Claim | Part::Settle => INTERNAL,
    }
}

/// A key and a text.
pub(super) fn attribute(key: &str, text: &str) -> Value {
    json!({"key": key, "value": {"stringValue": text}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_is_written_as_otlp_has_it_in_json() {
        let attempt: Uuid = "019b3c8a-0000-7abc-8def-0123456789ab".parse().unwrap();
        let (from, until) = (at("2026-03-02T15:00:00Z"), at("2026-03-02T15:00:00.25Z"));
        let span = Span {
            attempt,
            id: 10,
            part: Part::Request,
            from,
            until,
            said: vec![("result", Said::Word("ok"))],
        };
        assert_eq!(
            span.to_json(),
            json!({
                "traceId": "019b3c8a00007abc8def0123456789ab",
                "spanId": "000000000000000a",
                "parentSpanId": "8def0123456789ab",
                "name": "request",
                "kind": 3,
                "startTimeUnixNano": "1772463600000000000",
                "endTimeUnixNano": "1772463600250000000",
                "attributes": [
                    {"key": "attempt.id", "value": {"stringValue": "019b3c8a-0000-7abc-8def-0123456789ab"}},
                    {"key": "result", "value": {"stringValue": "ok"}},
                ],
            })
        );
        let whole = Span { part: Part::Call, id: root_of(attempt), ..span }.to_json();
        assert_eq!((&whole["spanId"], whole.get("parentSpanId")), (&json!("8def0123456789ab"), None));
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted_and_holds_nobody_up() {
        let meters = Meters::new("0.0.0", []);
        let (tracer, received) = Tracer::with_queue(meters.clone());
        let now = at("2026-03-02T15:00:00Z");
        for _ in 0..MOST_WAITING + 3 {
            tracer.tell(Uuid::nil(), Part::Claim, (now, now), &[]);
        }
        assert!(meters.page().contains("outdial_spans_total{result=\"dropped\"} 3\n"));
        drop(received);
        assert!(!Tracer::default().is_on() && tracer.is_on());
    }
}
