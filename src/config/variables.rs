//! The list of all variables: the help and the documentation are made from it.

/// One variable of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds without it; empty if nothing does.
    pub default: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}

/// Ours that are read by a command, by tests or by benches, and that say nothing to a server.
pub(super) const READ_ELSEWHERE: &[&str] = &[
    "OUTDIAL_URL",
    "OUTDIAL_KEY",
    "OUTDIAL_SIMULATION_SEED",
    "OUTDIAL_SIMULATION_FROM",
    "OUTDIAL_FUZZ_SEED",
];

pub(super) const VARIABLES: &[Variable] = &[
    variable(
        "DATABASE_URL",
        "a private PostgreSQL",
        "postgres://user:password@host:5432/name, with ?sslmode=disable, prefer, require or verify-full; of several \
         hosts (host1:5432,host2:5432) the one that takes writes is used",
    ),
    variable(
        "OUTDIAL_DATA_DIR",
        "/var/lib/outdial as root, else outdial in the user's data directory",
        "where the private PostgreSQL keeps its data",
    ),
    variable("PORT", "8080", "the port to listen on"),
    variable("OUTDIAL_HOST", "127.0.0.1, or 0.0.0.0 if PORT is set", "the address or host name to listen on"),
    variable(
        "OUTDIAL_API_TOKEN",
        "made at the first start and printed once",
        "the API's bearer token, at least 20 characters",
    ),
    variable(
        "TWILIO_ACCOUNT_SID",
        "the simulator",
        "the account that calls; without any TWILIO_ variable nobody is really called",
    ),
    variable("TWILIO_AUTH_TOKEN", "", "the account's token, which signs webhooks"),
    variable(
        "TWILIO_AUTH_TOKEN_SECONDARY",
        "",
        "a second token whose webhooks are good, while tokens are rotated",
    ),
    variable("TWILIO_API_KEY", "", "a key (SK…) to send requests with, in place of the account's token"),
    variable("TWILIO_API_SECRET", "", "that key's secret"),
    variable("TWILIO_FROM", "", "the caller's number, such as +12025550123"),
    variable("OUTDIAL_PUBLIC_URL", "", "where Twilio reaches this server: https://dialer.example.com"),
    variable("OUTDIAL_TWILIO_URL", "https://api.twilio.com", "Twilio's API, or a simulator on this machine"),
    variable("OUTDIAL_CPS", "1", "calls a second that the account may start, as many as Twilio grants it"),
    variable(
        "OUTDIAL_REQUESTS_PER_SECOND",
        "100",
        "requests a second that an API key may make of one server in the long run; 0 for no limit",
    ),
    variable("OUTDIAL_REQUEST_BURST", "1000", "requests that it may make at once after a rest"),
    variable(
        "OUTDIAL_KEY_STREAMS",
        "1200",
        "streams of events and downloads that it may have open at a time at one server",
    ),
    variable("OUTDIAL_LIST_MB", "256", "megabytes that a contact list may have"),
    variable(
        "OUTDIAL_LIST_UNPACKED_MB",
        "1024",
        "megabytes that a compressed one or a workbook may unpack to",
    ),
    variable("OUTDIAL_LIST_ROWS", "1000000", "rows that a contact list may have"),
    variable("OUTDIAL_LIST_COLUMNS", "512", "columns that a row of it may have"),
    variable("OUTDIAL_LIST_CELLS", "20000000", "cells that all its rows may have, empty ones included"),
    variable("OUTDIAL_LIST_CELL_CHARS", "32767", "characters that one of its cells may have"),
    variable(
        "OUTDIAL_LIST_PREVIEWS",
        "50",
        "lists that a team may have looked at and not stored; one more, and the oldest is forgotten",
    ),
    variable(
        "OUTDIAL_SPOOL_DIR",
        "the system's temporary directory",
        "a directory on a disk where lists lie while they are received and read; /tmp may be memory",
    ),
    variable(
        "OUTDIAL_CLOCK",
        "the present",
        "START@ANCHOR*SPEED, the course of time on the simulator: at the real instant ANCHOR it is START, and it goes SPEED \
         times as fast. Keep the text for a restart: with another ANCHOR it is START again, before what has happened",
    ),
    variable(
        "OUTDIAL_ZONEINFO",
        "the time zones that come with the program",
        "a directory of newer time zones, such as /usr/share/zoneinfo",
    ),
    variable(
        "OUTDIAL_RULES",
        "the packs of rules that come with the program",
        "a directory of your own packs of calling rules, beside or instead of them",
    ),
    variable(
        "OUTDIAL_HOOKS_TO_PRIVATE",
        "no",
        "yes, if events may be sent to receivers that only the server reaches, such as one beside it",
    ),
    variable(
        "OUTDIAL_MASK_FOR_VIEWERS",
        "no",
        "yes, if the dashboard shows telephone numbers to viewers with their middle hidden; the API tells them whole",
    ),
    variable("OUTDIAL_LOG", "info", "what is logged: info, or outdial=debug,actix_server=warn"),
    variable("OUTDIAL_LOG_FORMAT", "text", "how it is logged: text or json"),
    variable(
        "OUTDIAL_METRICS_TOKEN",
        "the page is closed",
        "the bearer token that opens /metrics to a Prometheus server, at least 20 characters",
    ),
    variable(
        "OUTDIAL_KEEP_CONTACTS",
        "for ever",
        "how long after a campaign's end its contacts keep names, numbers and metadata: whole days, such as 400d",
    ),
    variable(
        "OUTDIAL_KEEP_ATTEMPTS",
        "for ever",
        "how long after a campaign's end its attempts keep numbers, call ids and the provider's words",
    ),
    variable("OUTDIAL_KEEP_EVENTS", "for ever", "how long after a campaign's end its events are kept"),
    variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "no traces",
        "a collector that takes OTLP as JSON, such as http://localhost:4318; traces go to /v1/traces below it",
    ),
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "below the other", "the whole address for traces"),
    variable(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        "what is sent along as headers: name=value,name=value, escaped as in a URL",
    ),
    variable("OTEL_EXPORTER_OTLP_TIMEOUT", "10000", "milliseconds that the collector may take"),
    variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "only http/json is spoken"),
    variable("OTEL_SERVICE_NAME", "outdial", "the service's name in traces"),
    variable("OTEL_SDK_DISABLED", "false", "true turns traces off, whatever else is set"),
];
