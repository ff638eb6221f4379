//! The settings of a campaign on the wire, with the agent and its script: what may be sent, and what is shown.

#![expect(dead_code, reason = "these describe what others read and write")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Detect, IfSilent, OnMachine, Outcome};

/// Who speaks. A campaign keeps a snapshot of it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Agent {
    /// What people call it.
    #[schema(example = "Ada")]
    name: String,
    /// What it is told to be, for agents that think.
    #[schema(example = "Be kind and brief.")]
    prompt_text: Option<String>,
    script: Script,
}

/// What the called person hears; one key says which. Texts may name columns of the list, as in `Hello {{first_name}}`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = json!({"say": "Hello {{name}}, this is Ada. Your glasses are ready."}))]
pub(in crate::http) enum Script {
    /// A text is spoken.
    Say(Say),
    /// A recording is played, at this `https` address.
    #[schema(value_type = String)]
    Play(Address),
    /// An agent talks over a WebSocket.
    Connect(Connect),
    /// Somebody else's server, at this `https` address, tells the provider what to do.
    #[schema(value_type = String)]
    Url(Address),
}

type Address = String;

/// A text of up to 4096 characters, alone or with a voice.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum Say {
    /// The text alone.
    Text(String),
    /// The text with its voice.
    Voiced(Voiced),
}

/// A text and how it is spoken.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Voiced {
    /// The text, up to 4096 characters.
    #[schema(example = "Hello {{name}}, this is Ada.")]
    text: String,
    /// The voice, by the provider's name for it.
    #[schema(example = "Polly.Joanna", nullable = false)]
    voice: Option<String>,
    /// The language, such as `en-US`.
    #[schema(example = "en-US", nullable = false)]
    language: Option<String>,
}

/// An agent behind a WebSocket, which is told the contact's fields and the campaign's prompt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Connect {
    /// The provider listens and speaks; text goes over the WebSocket.
    ConversationRelay(ConversationRelay),
    /// The call's sound goes over the WebSocket.
    Stream(Stream),
}

/// An agent that exchanges text.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ConversationRelay {
    /// Where the agent listens: a `wss` address.
    #[schema(example = "wss://agent.example.com/relay")]
    url: String,
    /// What is said first.
    #[schema(example = "Hello {{name}}", nullable = false)]
    greeting: Option<String>,
    /// The voice, by the provider's name for it.
    #[schema(example = "Polly.Joanna", nullable = false)]
    voice: Option<String>,
    /// The language of both sides, such as `en-US`.
    #[schema(example = "en-US", nullable = false)]
    language: Option<String>,
    /// Further parameters, which may name columns of the list.
    #[schema(required = false)]
    parameters: BTreeMap<String, String>,
}

/// An agent that exchanges sound.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Stream {
    /// Where the agent listens: a `wss` address.
    #[schema(example = "wss://agent.example.com/stream")]
    url: String,
    /// What the agent is to say first; it travels as the parameter `greeting`.
    #[schema(example = "Hello {{name}}", nullable = false)]
    greeting: Option<String>,
    /// Further parameters, which may name columns of the list.
    #[schema(required = false)]
    parameters: BTreeMap<String, String>,
}

/// How a campaign dials.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Settings {
    /// The number that is shown to the called person, in E.164.
    #[schema(example = "+12025550100")]
    from: String,
    /// The region that a number written nationally belongs to (ISO 3166-1).
    #[schema(example = "US")]
    default_region: String,
    /// The countries that may be called (ISO 3166-1), where they were named.
    #[schema(example = json!(["US", "CA"]), nullable = false)]
    countries: Option<Vec<String>>,
    /// The zone in which the business hours are read.
    #[schema(example = "America/New_York")]
    timezone: String,
    pacing: Pacing,
    business_hours: BusinessHours,
    /// The packs of rules that protect the called persons, beside the one that always does.
    #[schema(example = json!(["us-states"]))]
    rules: Vec<String>,
    unmapped: OnUnmapped,
    caps: Caps,
    /// How many calls it makes at most in a day of its zone.
    #[schema(nullable = false, minimum = 1)]
    max_calls_per_day: Option<u32>,
    /// How much its calls may cost together, in the account's currency.
    #[schema(nullable = false)]
    max_spend: Option<Amount>,
    retry_policy: RetryPolicy,
    /// How long it rings before the call counts as not answered, in seconds.
    #[schema(minimum = 15, maximum = 600, example = 30)]
    ring_seconds: u32,
    /// How long a call may last, in seconds.
    #[schema(minimum = 1, maximum = 14400, example = 1800)]
    max_call_seconds: u32,
    answering_machine: AnsweringMachine,
    suppression: OnSuppression,
    #[schema(nullable = false)]
    opt_out_digit: Option<OptOutDigit>,
    #[schema(nullable = false)]
    before_call: Option<BeforeCall>,
    #[schema(nullable = false)]
    schedule: Option<Recurrence>,
}

/// An amount of money: digits, and perhaps a point and up to six decimals.
#[derive(Serialize, ToSchema)]
#[schema(example = "25.00", pattern = r"^[0-9]{1,15}(\.[0-9]+)?$")]
pub(in crate::http) struct Amount(String);

/// An amount of money, as a text or as a number.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = "25.00")]
pub(in crate::http) enum AmountOrNumber {
    /// As a text.
    Text(String),
    /// As a number.
    Number(f64),
}

/// A length of time: a whole number and a unit, from a second to a year. `s`, `m`, `h` and `d` are the units.
#[derive(Serialize, ToSchema)]
#[schema(example = "2h", pattern = "^[0-9]+[smhd]$")]
pub(in crate::http) struct Span(String);

/// A key of a telephone: one of 0 to 9, `*` and `#`.
#[derive(Serialize, ToSchema)]
#[schema(example = "9", pattern = "^[0-9*#]$")]
pub(in crate::http) struct OptOutDigit(String);

/// The pause between calls.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Pacing {
    /// Seconds from the end of one call to the start of the next.
    #[schema(required = false, minimum = 0, maximum = 3600, example = 10)]
    delay_seconds: u32,
}

/// When the campaign may call, in its zone: the same window on some days (`enabled`, `days`, `start_time`, `end_time`),
/// or any windows (`windows`, `holidays`).
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"windows": {"mon-fri": [["09:00", "12:00"], ["13:00", "17:00"]]}, "holidays": ["US"]}))]
pub(in crate::http) struct BusinessHours {
    /// Whether it keeps to hours at all.
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// The days on which it calls, 1 for Monday to 7 for Sunday.
    #[schema(nullable = false)]
    days: Option<Vec<u32>>,
    /// When it begins, as `HH:MM`.
    #[schema(nullable = false)]
    start_time: Option<String>,
    /// When it ends, as `HH:MM`.
    #[schema(nullable = false)]
    end_time: Option<String>,
    #[schema(nullable = false)]
    windows: Option<Week>,
    /// Days without a call: dates, and countries (`US`) or parts of them (`US-TX`) whose public holidays are known.
    #[schema(nullable = false)]
    holidays: Option<Vec<String>>,
}

/// Windows by the weekday on which they begin; a key may be a range such as `mon-fri`. A day that is not named is closed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"mon": [["09:00", "17:00"]]}))]
pub(in crate::http) struct Week(BTreeMap<String, Vec<Window>>);

/// From a time of the day to another, as `HH:MM`. An end that is not later is on the next day.
#[derive(Serialize, ToSchema)]
#[schema(example = json!(["09:00", "17:00"]), min_items = 2, max_items = 2)]
pub(in crate::http) struct Window(Vec<String>);

/// What is done about people whose time zone nothing tells: they are not called, taken to be in the campaign's zone, or
/// called in a window that is narrow enough for wherever they may be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::http) enum OnUnmapped {
    /// They are not called.
    Block,
    /// They are taken to be in the campaign's zone.
    CampaignZone,
    /// They are called in this window.
    SafeWindow(SafeWindow),
}

/// A window on every day, on the clock of a zone.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SafeWindow {
    /// The zone.
    #[schema(example = "America/New_York")]
    timezone: String,
    window: Window,
}

/// How often a number may be called, by all campaigns of the team together.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Caps {
    /// The most calls to a number within any 24 hours.
    #[schema(nullable = false, minimum = 1, maximum = 100, example = 3)]
    per_day: Option<u32>,
    /// The most calls to a number within any seven times 24 hours.
    #[schema(nullable = false, minimum = 1, maximum = 100, example = 7)]
    per_week: Option<u32>,
    #[schema(nullable = false)]
    minimum_gap: Option<Span>,
}

/// Who is tried again, and when: one list of backoffs for all outcomes (`max_retries`, `backoff_hours`,
/// `retryable_outcomes`), or a rule for each outcome (`max_attempts`, and the outcomes).
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(example = json!({"max_retries": 3, "backoff_hours": [1, 4, 24], "retryable_outcomes": ["no-answer", "busy"]}))]
pub(in crate::http) struct RetryPolicy {
    /// Tries after the first one.
    #[serde(rename = "max_retries")]
    #[schema(nullable = false, maximum = 100)]
    max_retries: Option<u32>,
    /// Hours before the first, second, … retry; the last one repeats.
    #[serde(rename = "backoff_hours")]
    #[schema(nullable = false)]
    backoff_hours: Option<Vec<f64>>,
    /// The outcomes after which a contact is tried again.
    #[serde(rename = "retryable_outcomes")]
    #[schema(nullable = false)]
    retryable_outcomes: Option<Vec<Outcome>>,
    /// Attempts for each contact, the first one included.
    #[serde(rename = "max_attempts")]
    #[schema(nullable = false, minimum = 1, maximum = 101)]
    max_attempts: Option<u32>,
    #[schema(nullable = false)]
    no_answer: Option<RetryRule>,
    #[schema(nullable = false)]
    busy: Option<RetryRule>,
    #[schema(nullable = false)]
    machine: Option<RetryRule>,
    #[schema(nullable = false)]
    failed: Option<RetryRule>,
    #[schema(nullable = false)]
    canceled: Option<RetryRule>,
}

/// What follows an outcome.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RetryRule {
    /// How long is waited after the contact's first, second, … attempt that came to this; the last one repeats.
    after: Vec<Span>,
    /// Whether the retry should come in a part of the day in which nobody has been missed yet.
    #[schema(required = false)]
    other_part_of_day: bool,
}

/// What is done about answering machines.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AnsweringMachine {
    #[schema(required = false)]
    detect: Detect,
    #[schema(required = false)]
    on_machine: OnMachine,
    /// What is said to one, if a message is left.
    #[schema(nullable = false)]
    message: Option<Say>,
}

/// What is done when a number is suppressed that is being called.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OnSuppression {
    /// Whether a call that nobody has taken yet is ended.
    #[schema(required = false)]
    end_ringing_calls: bool,
}

/// Whose server is asked before each call, which may veto or postpone it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BeforeCall {
    /// The hook to whose URL the question is sent, signed with its secret.
    hook: Uuid,
    /// How long the server may take to answer, in seconds.
    #[schema(required = false, minimum = 1, maximum = 10, example = 3)]
    timeout_seconds: u32,
    #[schema(required = false)]
    if_silent: IfSilent,
}

/// When fresh runs are made of the list.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Recurrence {
    /// Minute, hour, day of the month, month and day of the week, by the campaign's zone.
    #[schema(example = "0 9 * * MON-FRI")]
    cron: String,
}

/// A contact of a list in JSON: its columns by their names, as in a file. A text alone is a number.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "Ada Ames", "phone": "202-555-0101", "plan": "gold"}))]
pub(in crate::http) struct ContactInList(BTreeMap<String, String>);

/// Columns of a list that are neither number nor name, by their names.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"plan": "gold"}))]
pub(in crate::http) struct Columns(BTreeMap<String, Value>);
