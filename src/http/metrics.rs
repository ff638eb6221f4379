//! `/api/v1/campaigns/{id}/metrics` and `/api/v1/metrics`: what calls came to, as figures. What counts in which
//! denominator is said in [`crate::domain::metrics`].

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::rt::spawn;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db;
use crate::db::metrics::{self, Figures, Range, read_campaign, read_team};
use crate::domain::access::Permission;
use crate::domain::contact::ContactState;
use crate::domain::instant;
use crate::domain::metrics::{Bucket, ByClock, Calls, share, to_the_millisecond};
use crate::domain::outcome::Outcome;

use super::auth::Caller;
use super::body::Query;
use super::instant::Instant;
use super::openapi::describe;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::summing::{sum_up_each, sum_up_what_is_overdue};
use super::{Api, Problem, page, wire};

/// The figures of a team are those of so many days, where nothing else is asked for.
const TEAM_S_DAYS: TimeDelta = TimeDelta::days(30);

/// When to come again for figures that are being summed up.
const SUMMED_UP_AFTER: Duration = Duration::from_secs(10);

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/metrics").get(Permission::CampaignsRead, of_team).described(describe![of_team]),
        resource("/campaigns/{id}/metrics")
            .get(Permission::CampaignsRead, of_campaign)
            .described(describe![of_campaign]),
    ]
}

/// Of which calls the figures are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MetricsQuery {
    /// Of those intended from this instant on; a team's figures from 30 days before `until` unless it is said.
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<Instant>,
    /// Of those intended before this instant.
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<Instant>,
    /// How long a stretch of `over_time` is: a day, unless it is said.
    #[param(inline, value_type = Option<wire::Bucket>)]
    bucket: Option<String>,
}

impl MetricsQuery {
    fn parse(self) -> Result<(Range, Bucket), Problem> {
        let range = Range { since: self.since.map(Into::into), until: self.until.map(Into::into) };
        if let (Some(since), Some(until)) = (range.since, range.until)
            && since >= until
        {
            let (since, until) = (instant::written(since), instant::written(until));
            let detail = format!("since is {since} and until is {until}, expected since before until");
            return Err(Problem::invalid("bad-range", detail));
        }
        let bucket = page::named(self.bucket.as_ref(), Bucket::parse)?.unwrap_or(Bucket::Day);
        Ok((range, bucket))
    }
}

/// What the calls of a campaign came to, or those of a team.
#[derive(Debug, Serialize, ToSchema)]
struct Metrics {
    /// The campaign; null for a team's figures.
    campaign_id: Option<Uuid>,
    /// How many campaigns have calls among these.
    campaigns: usize,
    /// Calls count that were intended from this instant on; null if from the first on. A whole quarter of an hour.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    since: Option<DateTime<Utc>>,
    /// Calls count that were intended before this instant; null if up to the last.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    until: Option<DateTime<Utc>>,
    /// The contacts of these campaigns as they stand now, by state.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"completed": 12, "pending": 3}))]
    contacts: BTreeMap<&'static str, u32>,
    /// Completed ÷ final contacts; null while none is final.
    success_rate: Option<f64>,
    /// All calls, by what they came to, taken back ones included.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"answered": 12, "no-answer": 5}))]
    outcomes: BTreeMap<&'static str, u32>,
    /// All calls.
    #[serde(flatten)]
    all: Tried,
    /// Machines ÷ calls that were taken; null without any.
    machine_share: Option<f64>,
    /// Seconds of conversation.
    talk_seconds: i64,
    /// The same for each call that was taken, by a person or a machine.
    average_talk_seconds: Option<f64>,
    /// Seconds until a call was taken, or not, where the provider told when it began to ring.
    average_ring_seconds: Option<f64>,
    /// What the calls cost, by currency, as far as prices are known.
    cost: Vec<CostOfCalls>,
    /// How many more calls may have cost something: their prices are not known yet, or were not told in time.
    unpriced: u32,
    /// By the hour on the campaign's own clock, all 24 of them.
    by_hour: Vec<OfHour>,
    /// By the day of the week there, from Monday.
    by_weekday: Vec<OfWeekday>,
    /// By both; hours without a call are left out.
    by_hour_of_week: Vec<OfHourOfWeek>,
    /// By the number among the attempts of their contact; the last one is of all higher numbers, too.
    by_attempt: Vec<OfNumber>,
    /// One stretch after the other; those without a call are left out.
    over_time: Vec<Stretch>,
}

/// How many calls, and how many of them reached somebody.
#[derive(Debug, Serialize, ToSchema)]
struct Tried {
    /// Calls that count: all that ended but those that were taken back.
    attempts: u32,
    /// Taken by a person.
    answered: u32,
    /// Taken by a machine.
    machine: u32,
    /// Answered ÷ calls that count; null without any.
    answer_rate: Option<f64>,
}

/// A price.
#[derive(Debug, Serialize, ToSchema)]
struct CostOfCalls {
    /// The currency.
    #[schema(example = "USD")]
    currency: String,
    /// The known prices, together.
    #[schema(example = "0.042")]
    amount: String,
    /// Of so many calls.
    calls: u32,
}

/// The calls of an hour of the day.
#[derive(Debug, Serialize, ToSchema)]
struct OfHour {
    /// From 0 to 23.
    hour: usize,
    #[serde(flatten)]
    tried: Tried,
}

/// The calls of a day of the week.
#[derive(Debug, Serialize, ToSchema)]
struct OfWeekday {
    /// Its English name.
    weekday: &'static str,
    #[serde(flatten)]
    tried: Tried,
}

/// The calls of an hour of a day of the week.
#[derive(Debug, Serialize, ToSchema)]
struct OfHourOfWeek {
    /// The day's English name.
    weekday: &'static str,
    /// From 0 to 23.
    hour: usize,
    #[serde(flatten)]
    tried: Tried,
}

/// The calls of a number among the attempts of their contact.
#[derive(Debug, Serialize, ToSchema)]
struct OfNumber {
    /// From 1. What was taken back has a number, too.
    number: i16,
    #[serde(flatten)]
    tried: Tried,
    /// Calls that count and reached no person: whoever was not given up was left for the next.
    not_reached: u32,
}

/// The calls of an hour or a day.
#[derive(Debug, Serialize, ToSchema)]
struct Stretch {
    /// When it begins on the campaign's own clock.
    #[schema(example = "2026-03-02T00:00:00")]
    begins: String,
    #[serde(flatten)]
    tried: Tried,
    /// Seconds of conversation.
    talk_seconds: i64,
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Shows a campaign's figures
///
/// What its calls came to: by outcome, hour, weekday and number of the try, and over time. An attempt counts once it has ended;
/// one that was taken back is told among the outcomes and counts nowhere else.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/metrics", operation_id = "get_metrics", tag = "campaigns", params(MetricsQuery),
    responses((status = 200, description = "The figures", body = Metrics)),
)]
async fn of_campaign(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<MetricsQuery>,
) -> Result<HttpResponse, Problem> {
    let (range, bucket) = query.parse()?;
    let figures = figures_of(&api, caller.team, *id, range).await?;
    Ok(told(Some(*id), &figures, range, bucket))
}

/// A campaign's figures.
pub(crate) async fn figures_of(
    api: &web::Data<Api>,
    team: Uuid,
    campaign: Uuid,
    range: Range,
) -> Result<Figures, Problem> {
    let board = &api.board;
    let reading = read_campaign(&board.database, team, campaign, range, board.clock.now());
    let figures = in_time(api, team, Some(campaign), reading).await?;
    let figures = figures.ok_or_else(|| Problem::not_found("campaign"))?;
    catch_up(api, team, &figures);
    Ok(figures)
}

/// Shows a team's figures
///
/// Those of all its campaigns that called within the range, each by its own clock: of the last 30 days unless it is said.
#[utoipa::path(
    get, path = "/api/v1/metrics", operation_id = "get_team_metrics", tag = "campaigns", params(MetricsQuery),
    responses((status = 200, description = "The figures", body = Metrics)),
)]
async fn of_team(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<MetricsQuery>,
) -> Result<HttpResponse, Problem> {
    let (range, bucket) = query.parse()?;
    let since = range.until.unwrap_or_else(|| api.board.clock.now()) - TEAM_S_DAYS;
    let range = Range { since: range.since.or(Some(since)), ..range };
    let figures =
        in_time(&api, caller.team, None, read_team(&api.board.database, caller.team, range)).await?;
    catch_up(&api, caller.team, &figures);
    Ok(told(None, &figures, range, bucket))
}

/// Sums up what is not, where it is much, so that whoever asks next is answered sooner. Nobody waits for it.
fn catch_up(api: &web::Data<Api>, team: Uuid, figures: &Figures) {
    if figures.behind.is_empty() {
        return;
    }
    let (api, behind) = (api.clone(), figures.behind.clone());
    spawn(async move { sum_up_each(&api, team, behind).await });
}

/// What was read. If there is so much to count that it runs out of time, that is summed up, and until it is done whoever
/// asks is told so at once.
async fn in_time<T>(
    api: &web::Data<Api>,
    team: Uuid,
    campaign: Option<Uuid>,
    reading: impl Future<Output = Result<T, db::Error>>,
) -> Result<T, Problem> {
    let being_summed_up = || {
        let detail = "there are so many calls that they are being summed up first; ask again in a while";
        Problem::unavailable(detail).after(SUMMED_UP_AFTER)
    };
    if api.overdue.has(campaign.unwrap_or(team)) {
        return Err(being_summed_up());
    }
    match reading.await {
        Err(error) if error.ran_out_of_time() => {
            warn!(
                error = &error as &dyn std::error::Error,
                "figures are not counted in time, and are summed up"
            );
            sum_up_what_is_overdue(api, team, campaign);
            Err(being_summed_up())
        }
        read => Ok(read?),
    }
}

fn told(campaign: Option<Uuid>, figures: &Figures, range: Range, bucket: Bucket) -> HttpResponse {
    let Figures { contacts, calls, .. } = figures;
    let by_clock = ByClock::of(&figures.quarters, bucket);
    let [completed, failed, suppressed] =
        [ContactState::Completed, ContactState::Failed, ContactState::Suppressed]
            .map(|state| contacts.in_state(state));
    let range = range.in_quarters();
    let metrics = Metrics {
        campaign_id: campaign,
        campaigns: figures.campaigns,
        since: range.since,
        until: range.until,
        contacts: ContactState::ALL.iter().map(|state| (state.as_str(), contacts.in_state(*state))).collect(),
        success_rate: share(completed, completed + failed + suppressed),
        outcomes: Outcome::ALL
            .iter()
            .map(|outcome| (outcome.as_str(), calls.that_came_to(*outcome)))
            .collect(),
        all: tried(calls),
        machine_share: calls.machine_share(),
        talk_seconds: calls.talk_seconds,
        average_talk_seconds: calls.average_talk_seconds().map(to_the_millisecond),
        average_ring_seconds: calls.average_ring_seconds().map(to_the_millisecond),
        cost: figures.costs.iter().map(cost).collect(),
        unpriced: figures.unpriced,
        by_hour: (0..)
            .zip(&by_clock.hours())
            .map(|(hour, calls)| OfHour { hour, tried: tried(calls) })
            .collect(),
        by_weekday: WEEKDAYS
            .into_iter()
            .zip(&by_clock.weekdays())
            .map(|(weekday, calls)| OfWeekday { weekday, tried: tried(calls) })
            .collect(),
        by_hour_of_week: by_hour_of_week(&by_clock),
        by_attempt: figures
            .numbers
            .iter()
            .map(|(number, calls)| OfNumber {
                number: *number,
                tried: tried(calls),
                not_reached: calls.not_reached(),
            })
            .collect(),
        over_time: by_clock
            .over_time
            .iter()
            .map(|(begins, calls)| Stretch {
                begins: begins.format("%Y-%m-%dT%H:%M:%S").to_string(),
                tried: tried(calls),
                talk_seconds: calls.talk_seconds,
            })
            .collect(),
    };
    answer(StatusCode::OK, &metrics)
}

fn by_hour_of_week(by_clock: &ByClock) -> Vec<OfHourOfWeek> {
    let days = WEEKDAYS.into_iter().zip(&by_clock.week);
    let hours =
        days.flat_map(|(weekday, hours)| (0..).zip(hours).map(move |(hour, calls)| (weekday, hour, calls)));
    hours
        .filter(|(_, _, calls)| **calls != Calls::default())
        .map(|(weekday, hour, calls)| OfHourOfWeek { weekday, hour, tried: tried(calls) })
        .collect()
}

fn tried(calls: &Calls) -> Tried {
    Tried {
        attempts: calls.attempts(),
        answered: calls.that_came_to(Outcome::Answered),
        machine: calls.that_came_to(Outcome::Machine),
        answer_rate: calls.answer_rate(),
    }
}

fn cost(cost: &metrics::Cost) -> CostOfCalls {
    CostOfCalls { currency: cost.currency.clone(), amount: cost.amount.to_string(), calls: cost.calls }
}
