//! `/api/v1/campaigns/{id}/forecast`: of how many contacts, how many may be called now, from when on the others, and how
//! long the list takes. Before a campaign is started and at any time after.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::forecast::{Reading, read_forecast};
use crate::domain::access::Permission;
use crate::domain::area::Area;
use crate::domain::campaign::State;
use crate::domain::contactable::{Decision, Terms};
use crate::domain::forecast::{
    self, Basis, Capped, ENOUGH, End, Estimate, Group, Limits, estimate, forecast,
};
use crate::domain::rules::Rules;
use crate::domain::settings::Settings;
use crate::domain::unmapped::OnUnmapped;

use super::auth::Caller;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, show, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/campaigns/{id}/forecast").get(Permission::CampaignsRead, get).described(describe![get])]
}

/// Whom a campaign may call when, and how long it takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Forecast {
    pub(crate) campaign_id: Uuid,
    /// Whether nobody is really called; null where it is not known, as at a command line on the database itself while no server
    /// is alive.
    pub(crate) simulated: Option<bool>,
    #[serde(flatten)]
    pub(crate) foreseen: Foreseen,
}

/// Whom a campaign may call when, and how long it takes, as of an instant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Foreseen {
    /// As of when.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) at: DateTime<Utc>,
    #[schema(value_type = wire::CampaignState)]
    pub(crate) state: State,
    pub(crate) contacts: ForecastCounts,
    /// When the first of those who are due later is due; null if there is none.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) next_due_at: Option<DateTime<Utc>>,
    /// When a cap lets the first of those through whom it holds back; null if there is none.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) next_uncapped_at: Option<DateTime<Utc>>,
    /// Those whose numbers were called as often as a cap allows.
    pub(crate) capped: Vec<CappedContacts>,
    /// Those who are left, by their zones.
    pub(crate) groups: Vec<ZoneGroup>,
    pub(crate) without_zone: WithoutZone,
    /// How long it takes; null if the campaign is over or has nobody left to call.
    pub(crate) estimate: Option<ShownEstimate>,
}

/// How many contacts may be called, and how many not.
#[derive(Serialize, ToSchema)]
pub(crate) struct ForecastCounts {
    /// All of them.
    pub(crate) total: u32,
    /// May be called now.
    pub(crate) callable_now: u32,
    /// Could be, if the campaign had begun.
    pub(crate) not_started: u32,
    /// It is not the time where they are.
    pub(crate) outside_hours: u32,
    /// Are due later by the retry policy.
    pub(crate) due_later: u32,
    /// Were called as often as a cap allows.
    pub(crate) capped: u32,
    /// Must not be contacted.
    pub(crate) suppressed: u32,
    /// Nothing tells where they are, and the campaign does not call then.
    pub(crate) unmapped: u32,
    /// By the hours it is never time to call them.
    pub(crate) never: u32,
    /// Are being called.
    pub(crate) calling: u32,
    /// Were reached.
    pub(crate) completed: u32,
    /// Were given up.
    pub(crate) failed: u32,
    /// Of those, the ones whose number cannot be called.
    pub(crate) invalid: u32,
}

/// Contacts that share their zones.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoneGroup {
    /// The zones whose clocks all count; null if nothing tells them.
    #[schema(example = json!(["America/New_York"]))]
    pub(crate) zones: Option<Vec<String>>,
    /// How many.
    pub(crate) contacts: u32,
    /// Of these, due now.
    pub(crate) due: u32,
    /// Due later.
    pub(crate) due_later: u32,
    /// Held back by a cap.
    pub(crate) capped: u32,
    /// Whether it is the time to call them.
    pub(crate) open: bool,
    /// Until when it is, or from when on; null if never.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Why it is not, by its stable name; null if it is.
    #[schema(example = "closed")]
    pub(crate) because: Option<&'static str>,
    /// The same in a sentence.
    #[schema(example = "business_hours is closed")]
    pub(crate) message: Option<String>,
    /// The rule that is closed; null if none is.
    #[schema(example = "business_hours")]
    pub(crate) rule: Option<String>,
    /// The clock by which it is; null if none is.
    pub(crate) zone: Option<String>,
}

/// Contacts whose numbers were called as often as a cap allows.
#[derive(Serialize, ToSchema)]
pub(crate) struct CappedContacts {
    /// How many.
    pub(crate) contacts: u32,
    /// When the cap lets the first of them through.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) first_at: DateTime<Utc>,
    /// When it lets the last of them through.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) last_at: DateTime<Utc>,
    /// The rule whose cap it is, or `caps` for the campaign's own.
    #[schema(example = "caps")]
    pub(crate) rule: String,
    /// The same in a sentence.
    pub(crate) message: String,
}

/// Contacts whose zone nothing tells, and what the setting does about them.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithoutZone {
    /// How many.
    pub(crate) contacts: u32,
    /// `block`, `campaign-zone` or `safe-window`.
    #[schema(example = "block")]
    pub(crate) setting: &'static str,
    /// What becomes of them.
    pub(crate) message: String,
}

/// How long a list takes: a guess, and what it rests on.
#[derive(Serialize, ToSchema)]
#[schema(as = Estimate)]
pub(crate) struct ShownEstimate {
    /// When the campaign begins, or goes on.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) begins_at: DateTime<Utc>,
    /// How many calls.
    pub(crate) calls: LeastAndMost<u64>,
    /// How long it dials, pauses included, in seconds.
    pub(crate) dialing_seconds: LeastAndMost<i64>,
    pub(crate) ends_at: EarliestAndLatest,
    pub(crate) basis: EstimateBasis,
    /// The same in a sentence.
    pub(crate) message: String,
}

/// A range.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeastAndMost<T> {
    pub(crate) least: T,
    pub(crate) most: T,
}

/// A range of instants; null where it is further away than was looked.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarliestAndLatest {
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) earliest: Option<DateTime<Utc>>,
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) latest: Option<DateTime<Utc>>,
}

/// What an estimate rests on.
#[derive(Serialize, ToSchema)]
#[schema(as = EstimateRestsOn)]
pub(crate) struct EstimateBasis {
    #[schema(value_type = wire::EstimateBasis)]
    pub(crate) from: Basis,
    /// How many calls were counted.
    pub(crate) calls: u32,
    /// Answered calls among all, from 0 to 1.
    pub(crate) answer_rate: LeastAndMost<f64>,
    /// How long it rings, in seconds.
    #[schema(example = 20.0)]
    pub(crate) ring_seconds: f64,
    /// How long a call lasts, in seconds.
    #[schema(example = 60.0)]
    pub(crate) talk_seconds: f64,
    /// The pause between two calls, in seconds.
    #[schema(example = 10)]
    pub(crate) pacing_seconds: u32,
    /// Attempts for each contact, the first one included.
    #[schema(example = 4)]
    pub(crate) max_attempts: u32,
}

/// Foresees how long a campaign takes
///
/// Of how many contacts, how many may be called now, from when on the others, and how long the list takes. Before a
/// campaign is started and at any time after.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/forecast", operation_id = "get_forecast", tag = "campaigns",
    responses((status = 200, description = "The forecast", body = Forecast), Conflict),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &foresee(&api, caller.team, *id).await?))
}

/// Whom a campaign of a team may call when, and how long it takes.
pub(crate) async fn foresee(api: &Api, team: Uuid, id: Uuid) -> Result<Forecast, Problem> {
    let board = &api.board;
    let now = board.clock.now();
    let ids = (team, id);
    // Without its rules it is refused below, whatever was counted.
    let limits = |settings: &Settings, areas: &[Arc<Area>], at| match board.rules(settings) {
        Ok(rules) => Limits::of(&Terms::of(settings, &rules), areas, at),
        Err(_) => Limits::NONE,
    };
    let account_sid = board.onlooker().account_sid;
    let Some(reading) = read_forecast(&board.database, ids, account_sid, limits, now).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let rules = board.rules(&reading.settings);
    let rules = rules.map_err(|error| Problem::conflict("rules-missing", error.to_string()))?;
    // Hours are walked for as long as the list takes: too long for a thread that answers others.
    let foreseen = web::block(move || foreseen(&reading, &rules, now)).await;
    let foreseen = foreseen.map_err(|_| Problem::unavailable("the server is stopping"))?;
    Ok(Forecast { campaign_id: id, simulated: api.is_simulated, foreseen })
}

fn foreseen(reading: &Reading, rules: &Rules, now: DateTime<Utc>) -> Foreseen {
    let terms = Terms::of(&reading.settings, rules);
    let begins_at = reading.begins_at;
    let seen = forecast(&reading.standing, &terms, begins_at, now);
    let is_over = matches!(reading.state, State::Completed | State::Failed | State::Canceled);
    let estimate = if is_over { None } else { estimate(&reading.standing, &reading.past, &terms, begins_at) };
    Foreseen {
        at: now,
        state: reading.state,
        contacts: counts(&seen),
        next_due_at: seen.first_due_at,
        next_uncapped_at: seen.capped.iter().map(|capped| capped.first_at).min(),
        capped: seen.capped.iter().map(capped).collect(),
        groups: seen.groups.iter().map(group).collect(),
        without_zone: without_zone(&seen, &reading.settings),
        estimate: estimate.map(|estimate| show_estimate(&estimate, &reading.settings)),
    }
}

fn counts(seen: &forecast::Forecast<'_>) -> ForecastCounts {
    let counts = &seen.counts;
    ForecastCounts {
        total: counts.total(),
        callable_now: counts.callable_now,
        not_started: counts.not_started,
        outside_hours: counts.outside_hours,
        due_later: counts.due_later,
        capped: counts.capped,
        suppressed: counts.suppressed,
        unmapped: counts.unmapped,
        never: counts.never,
        calling: counts.calling,
        completed: counts.completed,
        failed: counts.failed,
        invalid: counts.invalid,
    }
}

fn group(group: &Group<'_>) -> ZoneGroup {
    let (open, until, because) = match group.decision {
        Decision::Now { until } => (true, Some(until), None),
        Decision::NotUntil { at, because } => (false, Some(at), Some(because)),
        Decision::Never { because } => (false, None, Some(because)),
    };
    let rule = because.as_ref().and_then(|because| because.rule());
    ZoneGroup {
        zones: show::zones(group.zones),
        contacts: group.contacts(),
        due: group.due,
        due_later: group.later,
        capped: group.capped,
        open,
        until,
        because: because.map(|because| because.as_str()),
        message: because.map(|because| because.to_string()),
        rule: rule.map(|(rule, _)| rule.to_string()),
        zone: rule.and_then(|(_, zone)| zone).map(|zone| zone.name().to_owned()),
    }
}

/// Those whose numbers were called as often as a cap allows: which, and when it lets the first and the last of them
/// through.
fn capped(capped: &Capped) -> CappedContacts {
    CappedContacts {
        contacts: capped.contacts,
        first_at: capped.first_at,
        last_at: capped.last_at,
        rule: capped.rule.to_string(),
        message: format!("their numbers were called often enough: {capped}"),
    }
}

/// Those whose zone nothing tells, and what the setting does about them.
fn without_zone(seen: &forecast::Forecast<'_>, settings: &Settings) -> WithoutZone {
    let (setting, message) = match &settings.unmapped {
        OnUnmapped::Block => ("block", "they are not called, and fail when their turn comes".to_owned()),
        OnUnmapped::CampaignZone => {
            ("campaign-zone", format!("they are called as if they were in {}", settings.timezone.name()))
        }
        OnUnmapped::SafeWindow(window) => {
            let (zone, window) = (window.timezone.name(), window.window);
            ("safe-window", format!("they are called at {window} in {zone}"))
        }
    };
    WithoutZone { contacts: seen.without_zone, setting, message }
}

fn show_estimate(estimate: &Estimate, settings: &Settings) -> ShownEstimate {
    let (rates, dialing) = (&estimate.rates, &estimate.dialing);
    ShownEstimate {
        begins_at: estimate.begins_at,
        calls: LeastAndMost { least: estimate.calls.low, most: estimate.calls.high },
        dialing_seconds: LeastAndMost { least: dialing.low.num_seconds(), most: dialing.high.num_seconds() },
        ends_at: EarliestAndLatest { earliest: end(estimate.ends.low), latest: end(estimate.ends.high) },
        basis: EstimateBasis {
            from: rates.basis,
            calls: rates.sample,
            answer_rate: LeastAndMost {
                least: hundredths(rates.answered.low),
                most: hundredths(rates.answered.high),
            },
            ring_seconds: seconds(rates.ring),
            talk_seconds: seconds(rates.talk),
            pacing_seconds: settings.pacing.delay_seconds,
            max_attempts: settings.retry_policy.most_attempts(),
        },
        message: sentence(estimate, settings),
    }
}

/// An instant; null where it is further away than was looked.
fn end(end: End) -> Option<DateTime<Utc>> {
    match end {
        End::At(at) => Some(at),
        End::After(_) => None,
    }
}

fn hundredths(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

fn seconds(span: TimeDelta) -> f64 {
    span.as_seconds_f64().round()
}

fn sentence(estimate: &Estimate, settings: &Settings) -> String {
    let rates = &estimate.rates;
    let basis = match rates.basis {
        Basis::Campaign => format!("by the campaign's last {} calls", rates.sample),
        Basis::Team => format!("by the team's last {} calls", rates.sample),
        Basis::Assumed if rates.own_calls == 0 => "nobody has been called yet, so it is assumed".to_owned(),
        Basis::Assumed => {
            format!("too few calls yet ({} of {ENOUGH}), so it is assumed", rates.own_calls)
        }
    };
    let forecast::Range { low, high } = rates.answered;
    let zone = &settings.timezone;
    let local = |end: End| match end {
        End::At(at) => zone.local(at).format("%a %-d %b %Y %H:%M").to_string(),
        End::After(at) => zone.local(at).format("some time after %-d %b %Y").to_string(),
    };
    let (calls, ends) = (&estimate.calls, &estimate.ends);
    let calls = if calls.low == calls.high {
        format!("{} call{}", calls.low, if calls.low == 1 { "" } else { "s" })
    } else {
        format!("{} to {} calls", calls.low, calls.high)
    };
    let done = if ends.low == ends.high {
        format!("about {}", local(ends.high))
    } else {
        format!("between {} and {}", local(ends.low), local(ends.high))
    };
    let mut left_out = String::new();
    if let Some(most) = settings.max_calls_per_day {
        left_out += &format!("; that it makes at most {most} a day is left out");
    }
    if let Some(most) = settings.max_spend {
        left_out += &format!("; that it spends at most {most} is left out");
    }
    format!(
        "{calls}, done {done} ({}): {basis} that {:.0} to {:.0} of 100 calls reach somebody, that it \
         rings for {} seconds and that a call lasts {} seconds{left_out}",
        zone.name(),
        low * 100.0,
        high * 100.0,
        seconds(rates.ring),
        seconds(rates.talk),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forecast::{Range, Rates};
    use crate::domain::money::Money;
    use crate::domain::settings::tests::settings;

    fn said(basis: Basis, own_calls: u32, calls: (u64, u64), ends: (&str, &str)) -> String {
        said_of(&settings(), basis, own_calls, calls, ends)
    }

    fn said_of(
        settings: &Settings,
        basis: Basis,
        own_calls: u32,
        calls: (u64, u64),
        ends: (&str, &str),
    ) -> String {
        let rates = Rates {
            basis,
            sample: if basis == Basis::Assumed { 0 } else { 30 },
            own_calls,
            answered: Range { low: 0.2, high: 0.6 },
            by_machine: 0.0,
            unanswered: Vec::new(),
            ring: TimeDelta::seconds(20),
            talk: TimeDelta::seconds(60),
        };
        let end = |at: &str| End::At(at.parse().unwrap());
        let estimate = Estimate {
            rates,
            begins_at: "2026-03-02T15:00:00Z".parse().unwrap(),
            calls: Range { low: calls.0, high: calls.1 },
            dialing: Range { low: TimeDelta::seconds(60), high: TimeDelta::seconds(90) },
            ends: Range { low: end(ends.0), high: end(ends.1) },
        };
        sentence(&estimate, settings)
    }

    #[test]
    fn the_sentence_says_on_what_it_rests_and_gives_no_range_of_one() {
        let assumed = "that 20 to 60 of 100 calls reach somebody, that it rings for 20 seconds and that a call lasts 60 \
                       seconds";
        let (three, five) = ("2026-03-02T20:00:00Z", "2026-03-02T22:00:00Z");
        assert_eq!(
            said(Basis::Assumed, 0, (4, 9), (three, five)),
            format!(
                "4 to 9 calls, done between Mon 2 Mar 2026 15:00 and Mon 2 Mar 2026 17:00 (America/New_York): nobody has \
                 been called yet, so it is assumed {assumed}"
            )
        );
        assert_eq!(
            said(Basis::Assumed, 3, (1, 1), (three, three)),
            format!(
                "1 call, done about Mon 2 Mar 2026 15:00 (America/New_York): too few calls yet (3 of 30), so it is \
                 assumed {assumed}"
            )
        );
        let own = said(Basis::Campaign, 30, (2, 2), (three, five));
        let settings = Settings { max_calls_per_day: Some(50), ..settings() };
        let slowly = said_of(&settings, Basis::Campaign, 30, (2, 2), (three, five));
        assert_eq!(slowly, format!("{own}; that it makes at most 50 a day is left out"));
        let settings =
            Settings { max_spend: Money::parse("25").ok(), ..crate::domain::settings::tests::settings() };
        let thriftily = said_of(&settings, Basis::Campaign, 30, (2, 2), (three, five));
        assert_eq!(thriftily, format!("{own}; that it spends at most 25.00 is left out"));
        assert!(own.starts_with("2 calls, ") && own.contains("by the campaign's last 30 calls"), "{own}");
    }
}
