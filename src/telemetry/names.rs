//! Every figure's name, with its kind and its help, once. Names and units are as Prometheus wants them: seconds, and `_total`
//! for what only grows (<https://prometheus.io/docs/practices/naming/>).

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
}

/// How a figure behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often what was measured was at most so much.
    Histogram(&'static [f64]),
}

/// For what takes from a millisecond to some seconds.
const SPANS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// For counts of what is done together.
const BATCHES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

macro_rules! metrics {
    ($($name:ident: $kind:expr, $text:literal, $help:literal;)+) => {
        $(#[doc = $help] pub const $name: Metric = Metric { name: $text, kind: $kind, help: $help };)+

        /// All of them.
        pub const ALL: &[Metric] = &[$($name,)+];
    };
}

use Kind::{Counter, Gauge, Histogram};

metrics! {
    BUILD: Gauge, "outdial_build_info", "The version that runs, as a label; always 1";
    CALLS: Counter, "outdial_calls_total", "Attempts that this node has settled, by outcome";
    TAKEN_BACK: Counter, "outdial_attempts_taken_back_total",
        "Attempts of which nothing was placed, by why they were taken back";
    OPEN: Gauge, "outdial_attempts_open", "Attempts of this node's campaigns that are not settled";
    CAMPAIGNS: Gauge, "outdial_campaigns", "Campaigns of this node that have something to do, by state";
    WAITING: Gauge, "outdial_campaigns_waiting", "Campaigns of this node that wait, by what they wait for";
    STEPS_FAILED: Counter, "outdial_campaign_steps_failed_total",
        "Steps of campaigns that failed and are tried again";
    WAKE_TO_DIAL: Histogram(SPANS), "outdial_wake_to_dial_seconds",
        "From the wake-up of a campaign until the request that it led to leaves";
    PLACE_WAIT: Histogram(SPANS), "outdial_place_wait_seconds",
        "How long campaigns waited for a place among the calls per second";
    PROVIDER_REQUESTS: Counter, "outdial_provider_requests_total",
        "Requests to the provider, by kind and result";
    PROVIDER_SECONDS: Histogram(SPANS), "outdial_provider_request_seconds",
        "How long requests to the provider took until the answer, by kind";
    BEFORE_CALL: Counter, "outdial_before_call_total",
        "Questions to servers that are asked before each call, by what they said";
    BEFORE_CALL_SECONDS: Histogram(SPANS), "outdial_before_call_seconds",
        "How long such questions took until the answer";
    CALLBACKS: Counter, "outdial_callbacks_total", "Callbacks of the provider, by what became of them";
    INBOX_BATCH: Histogram(BATCHES), "outdial_inbox_batch_callbacks",
        "Callbacks that were made durable in one commit";
    INBOX_DURABLE: Histogram(SPANS), "outdial_inbox_durable_seconds",
        "From the arrival of a callback until it is durable, or could not be made so";
    TICK: Histogram(SPANS), "outdial_tick_seconds", "How long the supervisor's tick took";
    TICK_AGE: Gauge, "outdial_tick_age_seconds",
        "Time since the supervisor's last tick went through, or since its start";
    WATCHDOG: Histogram(SPANS), "outdial_watchdog_seconds", "How long the watchdog's look took";
    WATCHDOG_FOUND: Counter, "outdial_watchdog_found_total",
        "What the watchdog found that no other mechanism had caught, by what it was";
    LEASE: Gauge, "outdial_lease_seconds",
        "For how long this node may still dial unless its lease is renewed; 0 if it may not";
    CLOCK_OFFSET: Gauge, "outdial_clock_offset_seconds",
        "By how much the database's clock is ahead of this machine's";
    EVENTS_LAG: Gauge, "outdial_events_lag_seconds",
        "Age of the oldest event that no reader can see yet; 0 if there is none";
    HOOK_DELIVERIES: Counter, "outdial_hook_deliveries_total",
        "Tries of this node to deliver an event by a hook, by what they came to";
    HOOKS: Gauge, "outdial_hooks",
        "Hooks that this node works for, by how they stand; and those that were stopped for good, of whomever";
    HOOK_LAG: Gauge, "outdial_hook_lag_seconds",
        "Age of the oldest event that a hook of this node has not passed yet; half a minute is nothing";
    POOL: Gauge, "outdial_pool_connections", "Connections to the database, by pool and state";
    POOL_MOST: Gauge, "outdial_pool_connections_max", "Connections that a pool may have";
    POOL_WAITING: Gauge, "outdial_pool_waiting", "Statements that wait for a connection, by pool";
    DATABASE_ERRORS: Counter, "outdial_database_errors_total",
        "Failures of the database or of a statement, by kind";
    IMPORTED: Counter, "outdial_imported_rows_total", "Rows of lists that were read, by what became of them";
    EXPORTED: Counter, "outdial_exported_rows_total", "Rows that were handed out in exports";
    ERASED: Counter, "outdial_erased_rows_total", "Rows that retention has erased, by what they were";
    SPANS_SENT: Counter, "outdial_spans_total", "Spans of traces, by whether the collector got them";
    HTTP_REQUESTS: Counter, "outdial_http_requests_total",
        "HTTP requests that were answered, by route, method and status";
    HTTP_SECONDS: Histogram(SPANS), "outdial_http_request_seconds",
        "How long HTTP requests took until the answer's head, by route and method";
}
