//! The packs of calling rules: which there are, and whether a campaign can go by those that it names.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use crate::domain::access::Permission;
use crate::domain::area::Area;
use crate::domain::contactable::{Decision, Terms};
use crate::domain::hours::{OnHolidays, Schedule};
use crate::domain::rules::{Cap, Pack, Rule};
use crate::domain::settings::Settings;
use crate::domain::unmapped::OnUnmapped;
use crate::domain::zone::{Candidates, Unmapped};

use super::auth::Caller;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem};

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/rules").get(Permission::RulesRead, list)]
}

async fn list(api: web::Data<Api>, _: Caller) -> HttpResponse {
    let packs: Vec<Value> = api.board.library.packs().map(show).collect();
    answer(StatusCode::OK, &json!({ "packs": packs }))
}

fn show(pack: &Pack) -> Value {
    let mut alike: Vec<Vec<&Rule>> = Vec::new();
    for rule in &pack.rules {
        match alike.iter_mut().find(|rules| rules.first().is_some_and(|first| are_alike(first, rule))) {
            Some(rules) => rules.push(rule),
            None => alike.push(vec![rule]),
        }
    }
    json!({
        "name": pack.id,
        "version": pack.version,
        "reviewed_on": pack.reviewed_on,
        "loosening_approved_by": pack.loosening_approved_by,
        "rules": alike.iter().filter_map(|rules| shown_together(rules)).collect::<Value>(),
    })
}

/// Whether two rules differ only in whom they protect and in the holidays that are heeded there.
fn are_alike(one: &Rule, other: &Rule) -> bool {
    let hours = |rule: &Rule| {
        let Schedule { week, on_holidays, in_force, holidays: _ } = rule.schedule.clone();
        (week, on_holidays, in_force, rule.zone.clone())
    };
    let rest = |rule: &Rule| (rule.caps.clone(), rule.minimum_gap, rule.confidence, rule.source.clone());
    hours(one) == hours(other) && rest(one) == rest(other)
}

/// Rules that are alike, as one.
fn shown_together(rules: &[&Rule]) -> Option<Value> {
    let first = rules.first()?;
    let holidays = rules.iter().filter(|rule| !rule.schedule.holidays.is_empty());
    let holidays: Map<String, Value> =
        holidays.map(|rule| (rule.jurisdiction.to_string(), json!(rule.schedule.holidays))).collect();
    let on_holidays = match &first.schedule.on_holidays {
        OnHolidays::Closed => json!("closed"),
        OnHolidays::Windows(windows) => json!({ "windows": windows }),
    };
    let cap = |cap: &Cap| json!({ "calls": cap.calls, "within_hours": cap.within.num_hours() });
    Some(json!({
        "names": rules.iter().map(|rule| rule.name.as_str()).collect::<Value>(),
        "protects": rules.iter().map(|rule| rule.jurisdiction.to_string()).collect::<Value>(),
        "windows": first.schedule.week,
        "zone": first.zone,
        "holidays": holidays,
        "on_holidays": on_holidays,
        "caps": first.caps.iter().map(cap).collect::<Value>(),
        "minimum_gap_hours": first.minimum_gap.map(|gap| gap.num_hours()),
        "effective_from": first.schedule.in_force.from,
        "effective_to": first.schedule.in_force.to,
        "confidence": first.confidence,
        "source": first.source,
    }))
}

/// Refuses settings whose rules are not there, or whose holidays are not known: nobody would be called, or somebody on
/// a holiday.
pub(super) fn check(api: &Api, settings: &Settings) -> Result<(), Problem> {
    let refused = |key: &str, error: String| Problem::invalid("bad-settings", format!("{key}: {error}"));
    let board = &api.board;
    let today = settings.timezone.local(board.clock.now()).date();
    let rules = board.rules(settings);
    let rules = rules.map_err(|error| refused("rules", error.to_string()))?;
    rules.check_on(today).map_err(|error| refused("rules", error.to_string()))?;
    settings.business_hours.check_on(today).map_err(|error| refused("business_hours", error.to_string()))
}

/// Refuses a safe window in which nobody could ever be called, because the hours that protect everybody, or the
/// campaign's own, are never open in it.
pub(super) fn check_safe_window(api: &Api, settings: &Settings) -> Result<(), Problem> {
    let OnUnmapped::SafeWindow(_) = &settings.unmapped else { return Ok(()) };
    let board = &api.board;
    let rules = board.rules(settings);
    let rules = rules.map_err(|error| Problem::invalid("bad-settings", format!("rules: {error}")))?;
    let nowhere = Area { zones: Candidates::Unmapped(Unmapped::NoZoneKnown), places: Vec::new() };
    match Terms::of(settings, &rules).opening(&nowhere, board.clock.now()) {
        Decision::Never { .. } => {
            let detail = "unmapped.safe-window is never open together with the campaign's hours and those that protect \
                          everybody, expected a window within them";
            Err(Problem::invalid("bad-settings", detail))
        }
        Decision::Now { .. } | Decision::NotUntil { .. } => Ok(()),
    }
}
