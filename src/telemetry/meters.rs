//! The figures of one node. Whatever is known beforehand is looked up once, when they are made: to count is to add to a
//! number, and to measure is to put a span on a list.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level as LogLevel, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::names::{self, Kind, Metric};
use crate::clock::Stopwatch;
use crate::db::PoolStatus;
use crate::db::hooks::share::HooksAtWork;
use crate::db::nodes::Work;
use crate::domain::dialer::Because;
use crate::domain::outcome::Outcome;

const METADATA: Metadata<'static> = Metadata::new("outdial", LogLevel::INFO, None);

/// Where none of the known words fits.
const OTHER: &str = "other";

/// The figures of one node. Cheap to clone; all clones are the same figures.
#[derive(Clone)]
pub struct Meters(Arc<Inner>);

struct Inner {
    recorder: PrometheusRecorder,
    page: PrometheusHandle,
    calls: Words<Counter>,
    taken_back: Words<Counter>,
    waiting: Words<Gauge>,
    campaigns: Words<Gauge>,
    open: Gauge,
    steps_failed: Counter,
    wake_to_dial: Histogram,
    place_wait: Histogram,
    provider: Words<(Words<Counter>, Histogram)>,
    before_call: Words<Counter>,
    before_call_seconds: Histogram,
    callbacks: Words<Counter>,
    inbox_batch: Histogram,
    inbox_durable: Histogram,
    tick: Histogram,
    tick_age: Gauge,
    last_tick: Mutex<Stopwatch>,
    watchdog: Histogram,
    watchdog_found: Words<Counter>,
    lease: Gauge,
    clock_offset: Gauge,
    events_lag: Gauge,
    hook_deliveries: Words<Counter>,
    hooks: Words<Gauge>,
    hook_lag: Gauge,
    imported: Words<Counter>,
    exported: Counter,
    erased: Words<Counter>,
    spans: Words<Counter>,
}

/// Some figures of one name, each with its word.
struct Words<T>(Vec<(&'static str, T)>);

impl<T> Words<T> {
    fn make(words: impl IntoIterator<Item = &'static str>, make: impl Fn(&'static str) -> T) -> Self {
        let words = words.into_iter().chain([OTHER]);
        Self(words.map(|word| (word, make(word))).collect())
    }

    /// The figure of a word, or of the others.
    fn of(&self, word: &str) -> &T {
        let found = self.0.iter().find(|(known, _)| *known == word).or(self.0.last());
        &found.expect("the others are there").1
    }
}

/// What a level of the moment is set from.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    /// For how long the node may still dial.
    pub lease: Duration,
    /// By how many seconds the database's clock is ahead of this machine's.
    pub clock_offset: f64,
}

/// The kinds of requests to the provider, and what they may come to.
const PROVIDER_KINDS: [&str; 5] = ["create", "fetch", "list", "end", "account"];
const PROVIDER_RESULTS: [&str; 9] = [
    "ok",
    "refused",
    "throttled",
    "not-sent",
    "too-late",
    "unknown",
    "unauthorized",
    "unavailable",
    "unexpected",
];

impl Meters {
    /// Fresh figures, of a node of this version that takes attempts back for these reasons.
    pub fn new(version: &'static str, taken_back_for: impl IntoIterator<Item = &'static str>) -> Self {
        let recorder = recorder();
        let r = &recorder;
        gauge(r, names::BUILD, &[("version", version)]).set(1.0);
        // The first request for the page is counted when it is answered, so that its own series is made beforehand.
        counter(r, names::HTTP_REQUESTS, &[("route", "/metrics"), ("method", "GET"), ("status", "200")])
            .increment(0);
        drop(histogram(r, names::HTTP_SECONDS, &[("route", "/metrics"), ("method", "GET")]));
        counter(r, names::DATABASE_ERRORS, &[("kind", "statement")]).absolute(0);
        for metric in [names::POOL_MOST, names::POOL_WAITING] {
            gauge(r, metric, &[("pool", "dialer")]).set(0.0);
        }
        gauge(r, names::POOL, &[("pool", "dialer"), ("state", "idle")]).set(0.0);
        let inner = Inner {
            page: recorder.handle(),
            calls: Words::make(Outcome::ALL.iter().map(|outcome| outcome.as_str()), |outcome| {
                counter(r, names::CALLS, &[("outcome", outcome)])
            }),
            taken_back: Words::make(taken_back_for, |reason| {
                counter(r, names::TAKEN_BACK, &[("reason", reason)])
            }),
            waiting: Words::make(Because::ALL.iter().map(|because| because.as_str()), |because| {
                gauge(r, names::WAITING, &[("because", because)])
            }),
            campaigns: Words::make(["pending", "running"], |state| {
                gauge(r, names::CAMPAIGNS, &[("state", state)])
            }),
            open: gauge(r, names::OPEN, &[]),
            steps_failed: counter(r, names::STEPS_FAILED, &[]),
            wake_to_dial: histogram(r, names::WAKE_TO_DIAL, &[]),
            place_wait: histogram(r, names::PLACE_WAIT, &[]),
            provider: Words::make(PROVIDER_KINDS, |kind| {
                let results = Words::make(PROVIDER_RESULTS, |result| {
                    counter(r, names::PROVIDER_REQUESTS, &[("kind", kind), ("result", result)])
                });
                (results, histogram(r, names::PROVIDER_SECONDS, &[("kind", kind)]))
            }),
            before_call: Words::make(["call", "veto", "postpone", "silent"], |result| {
                counter(r, names::BEFORE_CALL, &[("result", result)])
            }),
            before_call_seconds: histogram(r, names::BEFORE_CALL_SECONDS, &[]),
            callbacks: Words::make(["stored", "refused", "malformed", "unknown", "not-stored"], |result| {
                counter(r, names::CALLBACKS, &[("result", result)])
            }),
            inbox_batch: histogram(r, names::INBOX_BATCH, &[]),
            inbox_durable: histogram(r, names::INBOX_DURABLE, &[]),
            tick: histogram(r, names::TICK, &[]),
            tick_age: gauge(r, names::TICK_AGE, &[]),
            last_tick: Mutex::new(Stopwatch::start()),
            watchdog: histogram(r, names::WATCHDOG, &[]),
            watchdog_found: Words::make(["silent", "stranded", "blind"], |what| {
                counter(r, names::WATCHDOG_FOUND, &[("what", what)])
            }),
            lease: gauge(r, names::LEASE, &[]),
            clock_offset: gauge(r, names::CLOCK_OFFSET, &[]),
            events_lag: gauge(r, names::EVENTS_LAG, &[]),
            hook_deliveries: Words::make(["delivered", "failed", "dead"], |result| {
                counter(r, names::HOOK_DELIVERIES, &[("result", result)])
            }),
            hooks: Words::make(["working", "failing", "stopped"], |state| {
                gauge(r, names::HOOKS, &[("state", state)])
            }),
            hook_lag: gauge(r, names::HOOK_LAG, &[]),
            imported: Words::make(["imported", "duplicate", "rejected", "blank"], |result| {
                counter(r, names::IMPORTED, &[("result", result)])
            }),
            exported: counter(r, names::EXPORTED, &[]),
            erased: Words::make(["contacts", "attempts", "remarks", "events"], |what| {
                counter(r, names::ERASED, &[("what", what)])
            }),
            spans: Words::make(["sent", "dropped"], |result| {
                counter(r, names::SPANS_SENT, &[("result", result)])
            }),
            recorder,
        };
        Self(Arc::new(inner))
    }

    /// The page, in Prometheus' text format.
    pub fn page(&self) -> String {
        let since_tick = *self.0.last_tick.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.tick_age.set(since_tick.elapsed().as_secs_f64());
        self.0.page.render()
    }

    /// Puts what was measured into its buckets, which the page does as well: nobody may ever ask for it, and the list must
    /// not grow for ever.
    pub fn tidy_up(&self) {
        self.0.page.run_upkeep();
    }

    /// An attempt was settled with this outcome.
    pub fn settled(&self, outcome: Outcome) {
        self.0.calls.of(outcome.as_str()).increment(1);
    }

    /// An attempt was taken back, for this reason.
    pub fn taken_back(&self, reason: &'static str) {
        self.0.taken_back.of(reason).increment(1);
    }

    /// A step of a campaign failed.
    pub fn step_failed(&self) {
        self.0.steps_failed.increment(1);
    }

    /// A request to place a call leaves, so long after the wake-up that led to it.
    pub fn dials_after(&self, since_wake: Duration) {
        self.0.wake_to_dial.record(since_wake);
    }

    /// A campaign was granted a place after it had waited so long.
    pub fn waited_for_place(&self, span: Duration) {
        self.0.place_wait.record(span);
    }

    /// A request to the provider was answered, or not, after this span.
    pub fn asked_provider(&self, kind: &'static str, result: &'static str, took: Duration) {
        let (results, seconds) = self.0.provider.of(kind);
        results.of(result).increment(1);
        seconds.record(took);
    }

    /// A server that is asked before each call said this, or nothing, after this span.
    pub fn asked_before_call(&self, result: &'static str, took: Duration) {
        self.0.before_call.of(result).increment(1);
        self.0.before_call_seconds.record(took);
    }

    /// What became of a callback.
    pub fn callback(&self, result: &'static str) {
        self.0.callbacks.of(result).increment(1);
    }

    /// So many callbacks were written in one commit.
    pub fn batch(&self, callbacks: usize) {
        self.0.inbox_batch.record(callbacks as f64);
    }

    /// A callback became durable, or could not, after this span.
    pub fn durable_after(&self, span: Duration) {
        self.0.inbox_durable.record(span);
    }

    /// A tick went through.
    pub fn ticked(&self, took: Duration) {
        self.0.tick.record(took);
        *self.0.last_tick.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
    }

    /// A look of the watchdog went through, and found so many of each.
    pub fn watched(&self, took: Duration, found: [(&'static str, u64); 3]) {
        self.0.watchdog.record(took);
        for (what, count) in found {
            self.0.watchdog_found.of(what).increment(count);
        }
    }

    /// How old the oldest event is that no reader can see yet.
    pub fn events_lag(&self, lag: Duration) {
        self.0.events_lag.set(lag.as_secs_f64());
    }

    /// An event was delivered by a hook, or not, which is tried again, or not at all any more.
    pub fn tried_to_deliver(&self, result: &'static str) {
        self.0.hook_deliveries.of(result).increment(1);
    }

    /// How hooks stand, and how old the oldest event is that one of them has not passed.
    pub fn hooks(&self, HooksAtWork { working, failing, stopped, .. }: HooksAtWork, lag: Duration) {
        for (state, hooks) in [("working", working), ("failing", failing), ("stopped", stopped)] {
            self.0.hooks.of(state).set(hooks as f64);
        }
        self.0.hook_lag.set(lag.as_secs_f64());
    }

    /// So many rows of a list were read with this result.
    pub fn imported(&self, result: &'static str, rows: usize) {
        self.0.imported.of(result).increment(rows as u64);
    }

    /// So many rows were handed out.
    pub fn exported(&self, rows: usize) {
        self.0.exported.increment(rows as u64);
    }

    /// Retention erased so many of these.
    pub fn erased(&self, what: &'static str, rows: u64) {
        self.0.erased.of(what).increment(rows);
    }

    /// So many spans were sent, or dropped.
    pub fn spans(&self, result: &'static str, count: u64) {
        self.0.spans.of(result).increment(count);
    }

    /// How lease and clock stand.
    pub fn level(&self, level: Level) {
        self.0.lease.set(level.lease.as_secs_f64());
        self.0.clock_offset.set(level.clock_offset);
    }

    /// This node's campaigns by state, and its open attempts.
    pub fn work(&self, Work { pending, running, open }: Work) {
        self.0.campaigns.of("pending").set(pending as f64);
        self.0.campaigns.of("running").set(running as f64);
        self.0.open.set(open as f64);
    }

    /// How a pool of connections stands.
    pub fn pool(&self, pool: PoolStatus) {
        let PoolStatus { name, most, in_use, idle, waiting } = pool;
        let r = &self.0.recorder;
        gauge(r, names::POOL_MOST, &[("pool", name)]).set(most as f64);
        gauge(r, names::POOL_WAITING, &[("pool", name)]).set(waiting as f64);
        gauge(r, names::POOL, &[("pool", name), ("state", "in-use")]).set(in_use as f64);
        gauge(r, names::POOL, &[("pool", name), ("state", "idle")]).set(idle as f64);
    }

    /// How many failures of this kind the database has had in all.
    pub fn database_errors(&self, kind: &'static str, in_all: u64) {
        counter(&self.0.recorder, names::DATABASE_ERRORS, &[("kind", kind)]).absolute(in_all);
    }

    /// An HTTP request was answered. The route is a template, and never an address with ids in it.
    pub fn answered(&self, route: Cow<'static, str>, method: &'static str, status: u16, took: Duration) {
        let r = &self.0.recorder;
        let route = Label::new("route", route);
        let method = Label::from_static_parts("method", method);
        let labels = vec![route.clone(), method.clone()];
        r.register_histogram(&Key::from_parts(names::HTTP_SECONDS.name, labels), &METADATA).record(took);
        let labels = vec![route, method, Label::new("status", status.to_string())];
        r.register_counter(&Key::from_parts(names::HTTP_REQUESTS.name, labels), &METADATA).increment(1);
    }

    /// Nobody waits for anything yet, as one campaign's part of the gauge.
    pub fn waits(&self) -> Waits {
        Waits { meters: self.clone(), for_what: None }
    }
}

/// What one campaign waits for, in the gauge that counts all. It leaves it when it is dropped.
pub struct Waits {
    meters: Meters,
    for_what: Option<Because>,
}

impl Waits {
    /// From now on it waits for this, or for nothing.
    pub fn set(&mut self, for_what: Option<Because>) {
        if self.for_what == for_what {
            return;
        }
        let gauge = |because: Because| self.meters.0.waiting.of(because.as_str());
        self.for_what.map(gauge).inspect(|gauge| gauge.decrement(1.0));
        for_what.map(gauge).inspect(|gauge| gauge.increment(1.0));
        self.for_what = for_what;
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.set(None);
    }
}

fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for metric in names::ALL {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                .expect("every histogram has buckets");
        }
    }
    let recorder = builder.build_recorder();
    for metric in names::ALL {
        let (name, help) = (metric.name.into(), metric.help.into());
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
        }
    }
    recorder
}

fn key(metric: Metric, labels: &[(&'static str, &'static str)]) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::from_static_parts(name, value)).collect();
    Key::from_parts(metric.name, labels)
}

fn counter(
    recorder: &PrometheusRecorder,
    metric: Metric,
    labels: &[(&'static str, &'static str)],
) -> Counter {
    recorder.register_counter(&key(metric, labels), &METADATA)
}

fn gauge(recorder: &PrometheusRecorder, metric: Metric, labels: &[(&'static str, &'static str)]) -> Gauge {
    recorder.register_gauge(&key(metric, labels), &METADATA)
}

fn histogram(
    recorder: &PrometheusRecorder,
    metric: Metric,
    labels: &[(&'static str, &'static str)],
) -> Histogram {
    recorder.register_histogram(&key(metric, labels), &METADATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meters() -> Meters {
        Meters::new("0.0.0", ["hours-over"])
    }

    #[test]
    fn every_name_is_on_the_page_from_the_start_with_its_help_and_its_kind() {
        let page = meters().page();
        for metric in names::ALL {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            assert!(page.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{}", metric.name);
            assert!(page.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        }
    }

    #[test]
    fn what_is_counted_is_on_the_page_and_a_word_that_is_not_known_counts_as_other() {
        let meters = meters();
        meters.settled(Outcome::Answered);
        meters.taken_back("hours-over");
        meters.taken_back("a number, perhaps");
        meters.batch(7);
        meters.tidy_up();
        let page = meters.page();
        assert!(page.contains("outdial_calls_total{outcome=\"answered\"} 1\n"), "{page}");
        assert!(page.contains("outdial_attempts_taken_back_total{reason=\"hours-over\"} 1\n"), "{page}");
        assert!(page.contains("outdial_attempts_taken_back_total{reason=\"other\"} 1\n"), "{page}");
        assert!(page.contains("outdial_inbox_batch_callbacks_bucket{le=\"10\"} 1\n"), "{page}");
        assert!(page.contains("outdial_inbox_batch_callbacks_bucket{le=\"5\"} 0\n"), "{page}");
    }

    #[test]
    fn a_campaign_waits_for_one_thing_at_a_time_and_for_none_when_it_is_gone() {
        let meters = meters();
        let mut waits = meters.waits();
        waits.set(Some(Because::Pacing));
        waits.set(Some(Because::CallOpen));
        let of = |because| {
            let line = format!("outdial_campaigns_waiting{{because=\"{because}\"}} ");
            let page = meters.page();
            page.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
        };
        assert_eq!((of("pacing"), of("call-open")), (Some("0".to_owned()), Some("1".to_owned())));
        drop(waits);
        assert_eq!(of("call-open").as_deref(), Some("0"));
    }
}
