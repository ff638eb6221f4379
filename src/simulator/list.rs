//! The list of calls: filters whose operators stand in the parameter's name, and pages with tokens.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::account::Refusal;
use super::call::{Call, CallRecord, Calls};
use super::validate::Form;
use crate::twilio::wire::{API_VERSION, parse_instant};

/// The names that the list knows.
const KNOWN: &[&str] = &[
    "To",
    "From",
    "ParentCallSid",
    "Status",
    "StartTime",
    "StartTime<",
    "StartTime>",
    "EndTime",
    "EndTime<",
    "EndTime>",
    "PageSize",
    "Page",
    "PageToken",
];

/// Which calls are wanted.
#[derive(Debug, Default)]
struct Filter {
    to: Option<String>,
    from: Option<String>,
    parent: bool,
    status: Option<String>,
    started: Period,
    ended: Period,
}

/// A time filter: all of its conditions hold.
#[derive(Debug, Default)]
struct Period {
    /// On or after.
    from: Option<DateTime<Utc>>,
    /// Before.
    upto: Option<DateTime<Utc>>,
}

/// Which part of the list is wanted.
#[derive(Debug)]
struct Page {
    number: usize,
    size: usize,
    token: Option<String>,
}

/// The names that Twilio ignores on the list of calls.
pub(super) fn unknown(form: Form<'_>) -> Vec<String> {
    form.others_than(KNOWN)
}

/// One page of the calls, newest first.
pub(super) fn list(
    form: Form<'_>,
    calls: &Calls,
    account_sid: &str,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let filter = Filter::read(form)?;
    let page = Page::read(form)?;
    let (found, has_next) = page.cut(calls, &filter);
    let token = |kind: &str, call: Option<&Arc<Call>>| call.map(|call| format!("{kind}{}", call.sid));
    let base = format!("/{API_VERSION}/Accounts/{account_sid}/Calls.json");
    let uri = |number: usize, token: Option<String>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form.0 {
            if KNOWN.contains(&name.as_str()) && !name.starts_with("Page") {
                query.append_pair(name, value);
            }
        }
        query.append_pair("PageSize", &page.size.to_string()).append_pair("Page", &number.to_string());
        if let Some(token) = token {
            query.append_pair("PageToken", &token);
        }
        format!("{base}?{}", query.finish())
    };
    let start = page.number * page.size;
    Ok(json!({
        "calls": found.iter().map(|call| call.body(account_sid, false, now)).collect::<Vec<_>>(),
        "start": if found.is_empty() { 0 } else { start },
        "end": if found.is_empty() { 0 } else { start + found.len() - 1 },
        "page": page.number,
        "page_size": page.size,
        "uri": uri(page.number, page.token.clone()),
        "first_page_uri": uri(0, None),
        "next_page_uri": has_next.then(|| uri(page.number + 1, token("PA", found.last()))),
        "previous_page_uri":
            (page.number > 0).then(|| uri(page.number - 1, token("PB", found.first()))),
    }))
}

/// A page of anything else that fits on one.
pub(super) fn single_page(key: &str, path: &str, bodies: Vec<Value>) -> Value {
    let mut page = json!({
        "start": 0,
        "end": bodies.len().saturating_sub(1),
        "page": 0,
        "page_size": 50,
        "uri": format!("{path}?PageSize=50&Page=0"),
        "first_page_uri": format!("{path}?PageSize=50&Page=0"),
        "next_page_uri": null,
        "previous_page_uri": null,
    });
    page[key] = Value::from(bodies);
    page
}

impl Page {
    fn read(form: Form<'_>) -> Result<Self, Refusal> {
        let number = |name: &str, default: usize| match form.get(name) {
            None => Ok(default),
            Some(text) => text.parse::<u32>().map(|number| number as usize).map_err(|_| bad(name, text)),
        };
        Ok(Self {
            number: number("Page", 0)?,
            size: number("PageSize", 50)?.clamp(1, 1000),
            token: form.get("PageToken").map(str::to_owned),
        })
    }

    /// The calls of this page, and whether more follow.
    fn cut(&self, calls: &Calls, filter: &Filter) -> (Vec<Arc<Call>>, bool) {
        let listed = calls.listed(filter.to.as_deref());
        let fits = |call: &&Arc<Call>| call.look(|record| filter.fits(record));
        let place = |token: &str| calls.find(token).map(|call| call.place);
        let token = self.token.as_deref().unwrap_or_default();
        if let Some(first) = token.strip_prefix("PB").and_then(place) {
            // The page before: the oldest of those that are newer.
            let newer = listed.filter(|call| call.place > first).filter(fits);
            let mut found: Vec<_> = newer.take(self.size).cloned().collect();
            found.reverse();
            return (found, true);
        }
        let mut found: Vec<_> = match token.strip_prefix("PA").and_then(place) {
            Some(last) => {
                let older = listed.rev().filter(|call| call.place < last).filter(fits);
                older.take(self.size + 1).cloned().collect()
            }
            None => {
                let skipped = self.number.saturating_mul(self.size);
                listed.rev().filter(fits).skip(skipped).take(self.size + 1).cloned().collect()
            }
        };
        let has_next = found.len() > self.size;
        found.truncate(self.size);
        (found, has_next)
    }
}

impl Filter {
    fn read(form: Form<'_>) -> Result<Self, Refusal> {
        let text = |name: &str| form.get(name).map(str::to_owned);
        Ok(Self {
            to: text("To"),
            from: text("From"),
            // No call here has a parent.
            parent: form.get("ParentCallSid").is_some(),
            status: text("Status"),
            started: Period::read(form, "StartTime")?,
            ended: Period::read(form, "EndTime")?,
        })
    }

    fn fits(&self, record: &CallRecord) -> bool {
        let is = |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|wanted| wanted == text);
        !self.parent
            && is(&self.to, &record.to)
            && is(&self.from, &record.from)
            && is(&self.status, record.status.as_str())
            && self.started.holds(record.dialed_at)
            && self.ended.holds(record.ended_at)
    }
}

impl Period {
    fn read(form: Form<'_>, name: &str) -> Result<Self, Refusal> {
        let mut period = Self::default();
        if let Some(text) = form.get(name) {
            let (instant, span) = read_instant(text).ok_or_else(|| bad(name, text))?;
            period = Self { from: Some(instant), upto: instant.checked_add_signed(span) };
        }
        for operator in ['>', '<'] {
            let name = format!("{name}{operator}");
            let Some(text) = form.get(&name) else { continue };
            let (instant, _) = read_instant(text).ok_or_else(|| bad(&name, text))?;
            match operator {
                '>' => period.from = period.from.max(Some(instant)),
                _ => period.upto = Some(period.upto.map_or(instant, |upto| upto.min(instant))),
            }
        }
        Ok(period)
    }

    /// Whether an instant lies within; a call that has none yet lies in no period.
    fn holds(&self, instant: Option<DateTime<Utc>>) -> bool {
        match instant {
            None => self.from.is_none() && self.upto.is_none(),
            Some(instant) => {
                self.from.is_none_or(|from| from <= instant) && self.upto.is_none_or(|upto| instant < upto)
            }
        }
    }
}

/// Reads an instant as Twilio does, and how long a span the text names: a day, or a second.
fn read_instant(text: &str) -> Option<(DateTime<Utc>, TimeDelta)> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some((day.and_hms_opt(0, 0, 0)?.and_utc(), TimeDelta::days(1)));
    }
    let local = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|instant| instant.and_utc());
    let instant = DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.with_timezone(&Utc))
        .or_else(|| local("%Y-%m-%d %H:%M:%S%.f"))
        .or_else(|| local("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| parse_instant(text))?;
    Some((instant, TimeDelta::seconds(1)))
}

fn bad(name: &str, value: &str) -> Refusal {
    Refusal::bad_request(20001, format!("Invalid parameter {name}: {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(pairs: &[(&str, &str)]) -> Period {
        let form: Vec<_> = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Period::read(Form(&form), "StartTime").unwrap()
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn after_includes_its_instant_and_before_does_not() {
        let noon = "2026-03-02T12:00:00Z";
        let after = period(&[("StartTime>", noon)]);
        assert!(after.holds(at(noon)) && !after.holds(at("2026-03-02T11:59:59Z")));
        let before = period(&[("StartTime<", noon)]);
        assert!(!before.holds(at(noon)) && before.holds(at("2026-03-02T11:59:59Z")));
    }

    #[test]
    fn a_date_means_its_whole_day_in_utc() {
        let day = period(&[("StartTime", "2026-03-02")]);
        assert!(day.holds(at("2026-03-02T00:00:00Z")) && day.holds(at("2026-03-02T23:59:59Z")));
        assert!(!day.holds(at("2026-03-03T00:00:00Z")) && !day.holds(at("2026-03-01T23:59:59Z")));
    }

    #[test]
    fn a_call_that_was_not_dialed_is_in_no_period() {
        assert!(!period(&[("StartTime>", "2026-03-02")]).holds(None));
        assert!(period(&[]).holds(None));
    }

    #[test]
    fn instants_are_read_in_several_forms() {
        let forms = ["2019-06-11T22:05:25Z", "2019-06-11 22:05:25.000", "Tue, 11 Jun 2019 22:05:25 +0000"];
        for text in forms {
            assert_eq!(read_instant(text).map(|(instant, _)| instant), at("2019-06-11T22:05:25Z"), "{text}");
        }
        assert_eq!(read_instant("yesterday"), None);
    }
}
