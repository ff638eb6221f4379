//! A campaign's settings as a form shows them: the API's JSON, whose members the fields are named after. What a choice has that
//! was not taken stands there as it would be proposed.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::agent::Agent;
use crate::domain::hours::{BusinessHours, Week, Window};
use crate::domain::settings::Settings;

/// What is in the fields at first.
pub(super) struct Values(Value);

/// What a form is about.
pub(super) struct Filled<'a> {
    /// What people call the campaign.
    pub(super) name: &'a str,
    /// How it dials.
    pub(super) settings: &'a Settings,
    /// Who speaks, and the agent that this was made of. Nobody does before the campaign is made.
    pub(super) agent: Option<(&'a Agent, Option<Uuid>)>,
    /// Before when it does not begin, on the clock of its zone.
    pub(super) starts_at: Option<String>,
    /// The campaign and the list that it was made of, of whose people samples are shown. A new one is yet to be sent.
    pub(super) sample_of: Option<(Uuid, Uuid)>,
    /// The number that is shown where none is named.
    pub(super) own_number: &'a str,
}

impl Values {
    /// Of a campaign.
    pub(super) fn of(filled: &Filled<'_>) -> Self {
        // It is made of texts, numbers and lists, and has only texts for keys.
        let mut values = serde_json::to_value(filled.settings).unwrap_or_default();
        // The server's own number may be one that nobody may name, such as the simulator's.
        if filled.settings.from == filled.own_number {
            values["from"] = Value::Null;
        }
        values["name"] = json!(filled.name);
        values["starts_at"] = json!(filled.starts_at);
        if let Some((agent, id)) = filled.agent {
            values["agent"] = json!(agent);
            values["agent_id"] = json!(id);
        }
        propose(&mut values, &proposals());
        Self(values)
    }

    /// Of an agent that belongs to no campaign, under the names that a campaign's own has.
    pub(super) fn of_agent(name: &str, prompt_text: Option<&str>, script: &Value) -> Self {
        Self(json!({"agent": {"name": name, "prompt_text": prompt_text, "script": script}}))
    }

    fn at(&self, path: &str) -> &Value {
        self.0.pointer(&format!("/{}", path.replace('.', "/"))).unwrap_or(&Value::Null)
    }

    /// What stands in the field of this name.
    pub(super) fn text(&self, path: &str) -> String {
        match self.at(path) {
            Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
            Value::Object(members) => {
                let lines = members.iter().map(|(name, value)| format!("{name}={}", plain(value)));
                lines.collect::<Vec<_>>().join("\n")
            }
            one => plain(one),
        }
    }

    /// Whether it is this, or this among others.
    pub(super) fn has(&self, path: &str, wanted: &str) -> bool {
        match self.at(path) {
            Value::Array(all) => all.iter().any(|one| plain(one) == wanted),
            one => plain(one) == wanted,
        }
    }

    /// Whether the time of this name is told with its seconds.
    pub(super) fn has_seconds(&self, path: &str) -> bool {
        const MINUTES: usize = "2026-03-02T15:00".len();
        self.text(path).len() > MINUTES
    }

    /// Whether there is anything of this name.
    pub(super) fn exists(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    /// What kind of script is in them; a text if there is none yet.
    pub(super) fn script(&self) -> &'static str {
        let kinds = ["play", "url", "connect.conversation_relay", "connect.stream"];
        let is_kind = |kind: &&&str| self.exists(&format!("agent.script.{kind}"));
        match kinds.iter().find(is_kind) {
            Some(&"connect.conversation_relay") => "relay",
            Some(&"connect.stream") => "stream",
            Some(kind) => kind,
            None => "say",
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        // A whole number is written as one, also where fractions are allowed.
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        other => other.to_string(),
    }
}

/// What would stand in the fields of a choice that was not taken. Where it was, nothing is added to it.
fn proposals() -> Value {
    json!({
        "retry_policy": {
            "max_retries": 3,
            "backoff_hours": [1, 4, 24],
            "retryable_outcomes": ["no-answer", "busy", "failed"],
            "max_attempts": 4,
            "no-answer": {"after": ["2h", "1d"], "other_part_of_day": true},
            "busy": {"after": ["15m", "1h"]},
            "machine": {"after": ["4h", "1d"], "other_part_of_day": true},
            "failed": {"after": ["1h"]},
        },
        "before_call": {"timeout_seconds": 3, "if_silent": "wait"},
        "safe_window": {"timezone": "America/New_York", "window": ["14:00", "20:00"]},
    })
}

/// Adds what is proposed. What follows each outcome is proposed together or not at all: one that has no rule is not tried again.
fn propose(values: &mut Value, proposed: &Value) {
    let is_by_outcome = values["retry_policy"].get("max_attempts").is_some();
    values["retries_by_outcome"] = json!(is_by_outcome);
    let keep =
        |name: &str| !is_by_outcome || ["max_retries", "backoff_hours", "retryable_outcomes"].contains(&name);
    add(&mut values["retry_policy"], &proposed["retry_policy"], keep);
    values["asks_before"] = json!(values["before_call"].is_object());
    if values["before_call"].is_null() {
        values["before_call"] = proposed["before_call"].clone();
    }
    let safe = values["unmapped"].get("safe-window").cloned();
    values["safe_window"] = safe.clone().unwrap_or_else(|| proposed["safe_window"].clone());
    if safe.is_some() {
        values["unmapped"] = json!("safe-window");
    }
}

fn add(to: &mut Value, proposed: &Value, keep: impl Fn(&str) -> bool) {
    let (Value::Object(to), Value::Object(proposed)) = (to, proposed) else { return };
    let missing: Map<String, Value> = proposed
        .iter()
        .filter(|(name, _)| keep(name) && !to.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    to.extend(missing);
}

/// The days of a week, by their keys and names.
pub(super) const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

/// The windows of a week as the API has them, of hours that are open around the clock as they would be proposed.
pub(super) fn windows(hours: &BusinessHours) -> String {
    let proposed = || BusinessHours::default().schedule();
    let week = hours.schedule().or_else(proposed).map(|schedule| schedule.week).unwrap_or_default();
    serde_json::to_string(&week).unwrap_or_default()
}

/// The windows of a week in words: `Mon–Fri 09:00–17:00, Sat 10:00–14:00`.
pub(super) fn week_in_words(week: &Week) -> String {
    use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let days = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    let mut runs: Vec<(usize, usize, &[Window])> = Vec::new();
    for (place, day) in days.iter().enumerate() {
        let windows = week.on(*day);
        match runs.last_mut() {
            Some((_, last, same)) if *same == windows => *last = place,
            _ => runs.push((place, place, windows)),
        }
    }
    let short = |place: usize| &DAYS[place].1[..3];
    let open = runs.iter().filter(|(_, _, windows)| !windows.is_empty());
    let written = open.map(|(first, last, windows)| {
        let days = match (first, last) {
            (0, 6) => "every day".to_owned(),
            (first, last) if first == last => short(*first).to_owned(),
            (first, last) => format!("{}–{}", short(*first), short(*last)),
        };
        let hours: Vec<String> = windows.iter().map(|window| window.to_string().replace('-', "–")).collect();
        format!("{days} {}", hours.join(" and "))
    });
    written.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::tests::settings;

    fn values(change: fn(&mut Settings)) -> Values {
        let mut settings = settings();
        change(&mut settings);
        let agent: Agent =
            serde_json::from_value(json!({"name": "Ada", "script": {"say": "Hello {{name}}"}})).unwrap();
        let agent = Some((&agent, None));
        let starts_at = Some("2026-03-02T15:00:07".to_owned());
        let own_number = "+12025550100";
        Values::of(&Filled {
            name: "Spring",
            settings: &settings,
            agent,
            starts_at,
            sample_of: None,
            own_number,
        })
    }

    #[test]
    fn fields_show_what_the_api_s_json_has_under_their_names() {
        let values = values(|settings| settings.rules = vec!["us".to_owned(), "us-states".to_owned()]);
        for (path, text) in [
            ("name", "Spring"),
            ("from", ""),
            ("pacing.delay_seconds", "10"),
            ("agent.script.say.text", "Hello {{name}}"),
            ("agent.script.say.voice", ""),
            ("retry_policy.backoff_hours", "1, 4, 24"),
            ("rules", "us, us-states"),
            ("max_spend", ""),
            ("no.such.field", ""),
        ] {
            assert_eq!(values.text(path), text, "{path}");
        }
        assert!(values.has("rules", "us") && !values.has("rules", "u"));
        assert!(values.has("retry_policy.retryable_outcomes", "busy") && values.has("unmapped", "block"));
        assert!(values.exists("agent.script.say") && !values.exists("agent.script.play"));
        assert!(values.has_seconds("starts_at") && !values.has_seconds("name"));
        assert!(!values.exists("from"), "it is the server's own");
    }

    #[test]
    fn what_was_not_chosen_is_proposed_and_what_was_is_left_as_it_is() {
        let simple = values(|_| {});
        assert!(simple.has("retries_by_outcome", "false"));
        assert_eq!(simple.text("retry_policy.busy.after"), "15m, 1h");
        let chosen = values(|settings| {
            settings.retry_policy =
                serde_json::from_value(json!({"max_attempts": 2, "busy": {"after": ["5m"]}})).unwrap();
            settings.unmapped = serde_json::from_value(
                json!({"safe-window": {"timezone": "America/Chicago", "window": ["13:00", "19:00"]}}),
            )
            .unwrap();
        });
        assert!(chosen.has("retries_by_outcome", "true") && chosen.has("unmapped", "safe-window"));
        assert_eq!(chosen.text("retry_policy.busy.after"), "5m");
        assert_eq!(chosen.text("retry_policy.no-answer.after"), "", "nobody is tried again after it");
        assert_eq!(chosen.text("retry_policy.max_retries"), "3");
        assert_eq!(chosen.text("safe_window.window"), "13:00, 19:00");
    }

    #[test]
    fn a_week_is_told_in_words() {
        let week = |text: &str| serde_json::from_str::<Week>(text).unwrap();
        for (written, told) in [
            (r#"{"mon-fri":[["09:00","17:00"]]}"#, "Mon–Fri 09:00–17:00"),
            (r#"{"mon-sun":[["08:00","21:00"]]}"#, "every day 08:00–21:00"),
            (
                r#"{"mon":[["09:00","12:00"],["13:00","17:00"]],"sat-sun":[["10:00","14:00"]]}"#,
                "Mon 09:00–12:00 and 13:00–17:00, Sat–Sun 10:00–14:00",
            ),
            ("{}", ""),
        ] {
            assert_eq!(week_in_words(&week(written)), told);
        }
        let around_the_clock = windows(&BusinessHours::around_the_clock());
        assert_eq!(around_the_clock, windows(&BusinessHours::default()));
    }
}
