//! The packs of calling rules: which there are, and whether a campaign can go by those that it names.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Permission;
use crate::domain::area::Area;
use crate::domain::contactable::{Decision, Terms};
use crate::domain::holidays::Holidays;
use crate::domain::hours::{OnHolidays, Schedule, Week, Window};
use crate::domain::rules::{Cap, Confidence, Pack, Rule};
use crate::domain::settings::Settings;
use crate::domain::unmapped::OnUnmapped;
use crate::domain::zone::{Candidates, Unmapped, Zone};

use super::auth::Caller;
use super::openapi::describe;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/rules").get(Permission::RulesRead, list).described(describe![list])]
}

/// The packs of calling rules.
#[derive(Serialize, ToSchema)]
struct Packs<'a> {
    packs: Vec<ShownPack<'a>>,
}

/// A pack of calling rules, which a campaign may name.
#[derive(Serialize, ToSchema)]
#[schema(as = Pack)]
struct ShownPack<'a> {
    /// Its name.
    #[schema(example = "us-states")]
    name: &'a str,
    /// Grows with every change.
    version: u32,
    /// When somebody last held it against its sources.
    reviewed_on: NaiveDate,
    /// Who answers for it where it is looser than the pack of the same name that is shipped; null if it is not.
    loosening_approved_by: Option<&'a str>,
    /// What it restricts. Places whose rules are alike stand together.
    rules: Vec<ShownRule<'a>>,
}

/// Calling rules that several places may share.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
struct ShownRule<'a> {
    /// Their names.
    #[schema(example = json!(["us-states/TX"]))]
    names: Vec<&'a str>,
    /// Whom they protect: countries or parts of them.
    #[schema(example = json!(["US-TX"]))]
    protects: Vec<String>,
    #[schema(value_type = wire::Week)]
    windows: &'a Week,
    /// A zone whose clock has to allow the call as well; null if there is none.
    #[schema(value_type = Option<String>, example = "America/New_York")]
    zone: Option<&'a Zone>,
    /// By place, the days that are not ordinary: dates, and countries or parts of them whose public holidays are meant.
    #[schema(value_type = BTreeMap<String, Vec<String>>, example = json!({"US-TX": ["US-TX"]}))]
    holidays: BTreeMap<String, &'a Holidays>,
    on_holidays: ShownOnHolidays<'a>,
    /// How often somebody may be called.
    caps: Vec<ShownCap>,
    /// How long somebody is left alone between two calls, in hours; null if that is not said.
    minimum_gap_hours: Option<i64>,
    /// The first day on which they hold; null if they always did.
    effective_from: Option<NaiveDate>,
    /// The last day on which they hold; null if it is not known.
    effective_to: Option<NaiveDate>,
    #[schema(value_type = wire::Confidence)]
    confidence: Confidence,
    /// Where they come from.
    #[schema(example = "Tex. Bus. & Com. Code § 301.051")]
    source: &'a str,
}

/// What is open on days that are not ordinary: nothing, or windows of their own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OnHolidays)]
enum ShownOnHolidays<'a> {
    /// Nothing.
    Closed,
    /// These windows.
    #[schema(value_type = Vec<wire::Window>)]
    Windows(&'a [Window]),
}

/// How often somebody may be called.
#[derive(Serialize, ToSchema)]
#[schema(as = Cap)]
struct ShownCap {
    /// The most calls, answered or not.
    calls: u32,
    /// Within any so many hours.
    #[schema(example = 24)]
    within_hours: i64,
}

/// Lists the packs of calling rules
///
/// Those that a campaign may name, with the hours, holidays, caps and source of each rule.
#[utoipa::path(
    get, path = "/api/v1/rules", operation_id = "list_rules", tag = "rules",
    responses((status = 200, description = "The packs", body = Packs)),
)]
async fn list(api: web::Data<Api>, _: Caller) -> HttpResponse {
    answer(StatusCode::OK, &Packs { packs: api.board.library.packs().map(show).collect() })
}

fn show(pack: &Pack) -> ShownPack<'_> {
    let mut alike: Vec<Vec<&Rule>> = Vec::new();
    for rule in &pack.rules {
        match alike.iter_mut().find(|rules| rules.first().is_some_and(|first| are_alike(first, rule))) {
            Some(rules) => rules.push(rule),
            None => alike.push(vec![rule]),
        }
    }
    ShownPack {
        name: &pack.id,
        version: pack.version,
        reviewed_on: pack.reviewed_on,
        loosening_approved_by: pack.loosening_approved_by.as_deref(),
        rules: alike.iter().filter_map(|rules| shown_together(rules)).collect(),
    }
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
fn shown_together<'a>(rules: &[&'a Rule]) -> Option<ShownRule<'a>> {
    let first = *rules.first()?;
    let with_holidays = rules.iter().filter(|rule| !rule.schedule.holidays.is_empty());
    let on_holidays = match &first.schedule.on_holidays {
        OnHolidays::Closed => ShownOnHolidays::Closed,
        OnHolidays::Windows(windows) => ShownOnHolidays::Windows(windows),
    };
    let cap = |cap: &Cap| ShownCap { calls: cap.calls, within_hours: cap.within.num_hours() };
    Some(ShownRule {
        names: rules.iter().map(|rule| rule.name.as_str()).collect(),
        protects: rules.iter().map(|rule| rule.jurisdiction.to_string()).collect(),
        windows: &first.schedule.week,
        zone: first.zone.as_ref(),
        holidays: with_holidays
            .map(|rule| (rule.jurisdiction.to_string(), &rule.schedule.holidays))
            .collect(),
        on_holidays,
        caps: first.caps.iter().map(cap).collect(),
        minimum_gap_hours: first.minimum_gap.map(|gap| gap.num_hours()),
        effective_from: first.schedule.in_force.from,
        effective_to: first.schedule.in_force.to,
        confidence: first.confidence,
        source: &first.source,
    })
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
