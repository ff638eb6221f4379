//! A campaign's settings as sentences, for whoever wonders why it does what it does.

use serde_json::Value;

use crate::dashboard::words;
use crate::domain::answering_machine::{Detect, OnMachine};
use crate::domain::caps::Caps;
use crate::domain::hours::{BusinessHours, Week};
use crate::domain::outcome::Outcome;
use crate::domain::phone;
use crate::domain::retry::RetryPolicy;
use crate::domain::settings::Settings;
use crate::domain::unmapped::OnUnmapped;
use crate::http::show;

use chrono::Weekday;

/// A setting and what it is set to.
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) value: String,
}

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "Mon"),
    (Weekday::Tue, "Tue"),
    (Weekday::Wed, "Wed"),
    (Weekday::Thu, "Thu"),
    (Weekday::Fri, "Fri"),
    (Weekday::Sat, "Sat"),
    (Weekday::Sun, "Sun"),
];

/// The settings of a campaign; those that are not used are left out.
pub(super) fn lines(campaign: &show::Campaign) -> Vec<Line> {
    // Named one by one, so that a new setting is thought of. How the list was read is told where it was read.
    let Settings {
        from,
        default_region: _,
        countries: _,
        timezone,
        pacing,
        business_hours,
        rules,
        unmapped,
        caps,
        max_calls_per_day,
        max_spend,
        retry_policy,
        ring_seconds,
        max_call_seconds,
        answering_machine,
        suppression: _,
        opt_out_digit,
        before_call,
        schedule,
    } = &campaign.settings;
    let agent = campaign.agent.get("name").and_then(Value::as_str).unwrap_or("–").to_owned();
    let always = [
        ("Agent", agent),
        ("Shown number", phone::in_groups(from)),
        ("Business hours", format!("{}, {}", hours(business_hours), timezone.name())),
        ("Called party’s hours", called_party(rules, unmapped)),
        ("Pause between calls", words::span(pacing.delay_seconds.into())),
        ("Tried again", retries(retry_policy)),
        ("Rings for", words::span((*ring_seconds).into())),
        ("A call lasts at most", words::span((*max_call_seconds).into())),
        ("Answering machines", machines(answering_machine.detect, answering_machine.on_machine).to_owned()),
    ];
    let sometimes = [
        ("Calls to a number", often(caps)),
        ("Calls a day", max_calls_per_day.map(|most| format!("{} at most", words::number(most)))),
        (
            "Spending limit",
            max_spend.map(|most| format!("{most} {}", campaign.currency.as_deref().unwrap_or_default())),
        ),
        ("Opts out by key", opt_out_digit.map(|digit| digit.to_string())),
        (
            "Asked before each call",
            before_call.map(|asked| {
                format!("a server of yours, for {} at most", words::span(asked.timeout_seconds.into()))
            }),
        ),
        ("Repeats itself", schedule.as_ref().map(|schedule| schedule.cron.as_str().to_owned())),
    ];
    let sometimes = sometimes.into_iter().filter_map(|(label, value)| Some((label, value?)));
    always
        .into_iter()
        .chain(sometimes)
        .map(|(label, value)| Line { label, value: value.trim().to_owned() })
        .collect()
}

fn hours(hours: &BusinessHours) -> String {
    match hours {
        BusinessHours::Simple(hours) if !hours.enabled => "around the clock".to_owned(),
        BusinessHours::Simple(simple) => {
            let days = DAYS.iter().zip(1u8..).filter(|(_, number)| simple.days.contains(number));
            let days: Vec<&str> = days.map(|((_, day), _)| *day).collect();
            format!("{} {}–{}", days.join(", "), simple.start_time, simple.end_time)
        }
        BusinessHours::Weekly { windows, holidays } => {
            let windows = week(windows);
            if holidays.is_empty() { windows } else { format!("{windows}, not on holidays") }
        }
    }
}

/// A week; days with the same windows are told together.
fn week(week: &Week) -> String {
    let told = |day: Weekday| {
        let windows: Vec<String> = week.on(day).iter().map(ToString::to_string).collect();
        windows.join(" and ").replace('-', "–")
    };
    let mut parts: Vec<(Vec<&str>, String)> = Vec::new();
    for (day, name) in DAYS {
        let windows = told(day);
        match parts.last_mut() {
            Some((days, same)) if *same == windows => days.push(name),
            _ => parts.push((vec![name], windows)),
        }
    }
    let part = |(days, windows): &(Vec<&str>, String)| {
        let days = match days.as_slice() {
            [first, .., last] if days.len() > 2 => format!("{first}–{last}"),
            days => days.join(", "),
        };
        format!("{days} {windows}")
    };
    let parts: Vec<String> = parts.iter().filter(|(_, windows)| !windows.is_empty()).map(part).collect();
    parts.join("; ")
}

fn called_party(rules: &[String], unmapped: &OnUnmapped) -> String {
    let packs: Vec<&str> =
        std::iter::once("the rules that always hold").chain(rules.iter().map(String::as_str)).collect();
    let nowhere = match unmapped {
        OnUnmapped::Block => "where nothing tells the zone, nobody is called".to_owned(),
        OnUnmapped::CampaignZone => "where nothing tells the zone, the campaign’s counts".to_owned(),
        OnUnmapped::SafeWindow(safe) => {
            format!("where nothing tells the zone, {} {}", safe.window, safe.timezone.name())
        }
    };
    format!("{}; {nowhere}", packs.join(", "))
}

fn retries(policy: &RetryPolicy) -> String {
    let outcome = |outcome: &Outcome| outcome.as_str().replace('-', " ");
    match policy {
        RetryPolicy::Simple(simple) if simple.max_retries == 0 => "never".to_owned(),
        RetryPolicy::Simple(simple) => {
            let hours: Vec<String> = simple.backoff_hours.iter().map(|hours| format!("{hours} h")).collect();
            let outcomes: Vec<String> = simple.retryable_outcomes.iter().map(outcome).collect();
            let times = if simple.max_retries == 1 {
                "once".to_owned()
            } else {
                format!("up to {} times", simple.max_retries)
            };
            format!("{times}, after {}, on {}", hours.join(", "), outcomes.join(", "))
        }
        RetryPolicy::ByOutcome(policy) => {
            let rule = |(of, rule): (&Outcome, &crate::domain::retry::Rule)| {
                let after: Vec<String> = rule.after.iter().map(ToString::to_string).collect();
                format!("{} after {}", outcome(of), after.join(", "))
            };
            let rules: Vec<String> = policy.rules.iter().map(rule).collect();
            format!("{} calls at most: {}", policy.max_attempts, rules.join("; "))
        }
    }
}

fn machines(detect: Detect, on_machine: OnMachine) -> &'static str {
    match (detect, on_machine) {
        (Detect::Off, _) => "not listened for",
        (_, OnMachine::Hangup) => "hung up on",
        (_, OnMachine::LeaveMessage) => "left a message",
        (_, OnMachine::Continue) => "told the same as people",
    }
}

fn often(caps: &Caps) -> Option<String> {
    let day = caps.per_day.map(|calls| format!("{calls} in 24 hours"));
    let week = caps.per_week.map(|calls| format!("{calls} in 7 days"));
    let gap = caps.minimum_gap.map(|gap| format!("{gap} apart"));
    let all: Vec<String> = [day, week, gap].into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("at most {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::tests::settings;

    #[test]
    fn hours_and_retries_are_told_in_words() {
        assert_eq!(hours(&settings().business_hours), "around the clock");
        assert_eq!(hours(&BusinessHours::default()), "Mon, Tue, Wed, Thu, Fri 09:00–17:00");
        let weekly = serde_json::from_str(
            r#"{"windows": {"mon-thu": [["09:00", "12:00"], ["13:00", "17:00"]], "sat": [["10:00", "12:00"]]}, "holidays": ["US"]}"#,
        );
        let told = hours(&weekly.unwrap());
        assert!(
            told.starts_with("Mon–Thu 09:00") && told.contains(" and 13:00") && told.contains("; Sat 10:00"),
            "{told}"
        );
        assert!(told.ends_with(", not on holidays"));
        assert_eq!(
            retries(&RetryPolicy::default()),
            "up to 3 times, after 1 h, 4 h, 24 h, on no answer, busy, failed"
        );
        let policy = serde_json::from_str(r#"{"max_attempts": 2, "no-answer": {"after": ["30m"]}}"#).unwrap();
        assert_eq!(retries(&policy), "2 calls at most: no answer after 30m");
    }
}
