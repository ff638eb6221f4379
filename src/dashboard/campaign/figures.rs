//! `/campaigns/{id}/figures`: what a campaign's calls came to, as charts. A part of its page that comes after it, because there may
//! be much to sum up.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError, web};
use askama::Template;
use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use futures_util::future::join3;
use uuid::Uuid;

use crate::dashboard::charts::{self, Bars, LYING, hours_in_use, lying, shade, spread};
use crate::dashboard::parts::Badge;
use crate::dashboard::{render, words};
use crate::db::attempts::{Length, list_last_lengths};
use crate::db::campaigns::find_campaign;
use crate::db::metrics::{Figures, Range};
use crate::domain::access::Permission;
use crate::domain::metrics::{Bucket, ByClock, Calls, HOURS, share};
use crate::domain::outcome::Outcome;
use crate::http::metrics::figures_of;
use crate::http::{Api, Methods, Problem, Visitor, resource};

use super::Figure;

/// The calls of which is told how long they rang and lasted.
const LAST_CALLS: i64 = 1000;

/// Where one length ends and the next begins, in seconds.
const RINGS: [u32; 7] = [5, 10, 15, 20, 25, 30, 45];
const TALKS: [u32; 7] = [5, 15, 30, 60, 120, 300, 600];

/// So many bars stand side by side at most.
const MOST_BARS: i64 = 60;

/// Up to so many hours are told one by one, and more by days.
const HOURS_TOLD: i64 = 48;

/// Of fewer calls an hour's answer rate says little.
const FEWEST_CALLS: u32 = 10;

/// Further tries than this are one.
const TRIES_TOLD: usize = 8;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What calls are told as, from the ground up.
const PARTS: [(&str, &[Outcome]); 5] = [
    ("Answered", &[Outcome::Answered]),
    ("Machine", &[Outcome::Machine]),
    ("No answer or busy", &[Outcome::NoAnswer, Outcome::Busy]),
    ("Failed", &[Outcome::Failed, Outcome::InvalidNumber, Outcome::Blocked]),
    ("Canceled or unknown", &[Outcome::Canceled, Outcome::Unknown]),
];

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/campaigns/{id}/figures").get(Permission::CampaignsRead, show)]
}

#[derive(Template)]
#[template(path = "dashboard/campaign_figures.html")]
struct Charts {
    outcomes: Vec<OfOutcome>,
    over_time: OverTime,
    heat: Heat,
    tries: Vec<Try>,
    rang: Spread,
    talked: Spread,
    tiles: Vec<Figure>,
}

/// Nothing to be shown yet, and why.
#[derive(Template)]
#[template(path = "dashboard/campaign_no_figures.html")]
struct NoCharts {
    why: &'static str,
}

/// Calls that came to something.
struct OfOutcome {
    badge: Badge,
    calls: String,
    share: String,
    /// How long its bar is.
    length: u32,
}

/// Calls one stretch of time after the other.
struct OverTime {
    /// How long a stretch is.
    each: &'static str,
    legend: Vec<&'static str>,
    bars: Bars,
    /// Whether there are earlier ones that are not shown.
    is_cut: bool,
}

/// The answer rate by weekday and hour.
struct Heat {
    hours: Vec<usize>,
    /// How many hours lie between two that are named.
    step: usize,
    days: Vec<Day>,
    best: String,
}

struct Day {
    name: &'static str,
    squares: Vec<Square>,
}

struct Square {
    x: usize,
    /// None where nobody was called.
    shade: Option<u8>,
    title: String,
    told: String,
}

/// Calls that were the so-manieth of their contact.
struct Try {
    name: String,
    calls: String,
    answered: String,
    rate: String,
    /// How long its bars are.
    of_calls: u32,
    of_answered: u32,
}

/// How some lengths are spread.
struct Spread {
    bars: Bars,
    /// Of so many calls.
    of: usize,
    average: Option<String>,
}

async fn show(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let (team, id) = (visitor.caller.team, *id);
    let lengths = list_last_lengths(&api.board.database, team, id, LAST_CALLS);
    let campaign = find_campaign(&api.board.database, team, id);
    let (figures, lengths, campaign) =
        join3(figures_of(&api, team, id, Range::default()), lengths, campaign).await;
    match figures {
        Ok(figures) if figures.calls.attempts() == 0 => {
            render(&NoCharts { why: "As soon as calls have ended, it is shown here what they came to." })
        }
        Ok(figures) => {
            // What is spent of a limit stands above already.
            let has_limit = campaign?.is_some_and(|campaign| campaign.settings.max_spend.is_some());
            render(&Charts::of(&figures, &lengths?, has_limit))
        }
        Err(problem) if problem.status_code() == StatusCode::SERVICE_UNAVAILABLE => {
            render(&NoCharts { why: "There are so many calls that they are being summed up first." })
        }
        Err(problem) => Err(problem),
    }
}

impl Charts {
    fn of(figures: &Figures, lengths: &[Length], is_cost_told: bool) -> Self {
        let hourly = ByClock::of(&figures.quarters, Bucket::Hour);
        let rang = lengths.iter().filter_map(|length| length.rang);
        let talked = lengths.iter().filter_map(|length| length.talked).map(f64::from);
        Self {
            outcomes: outcomes(&figures.calls),
            over_time: OverTime::of(&hourly.over_time),
            heat: Heat::of(&hourly),
            tries: tries(&figures.numbers),
            rang: Spread::of(rang, &RINGS, figures.calls.average_ring_seconds()),
            talked: Spread::of(talked, &TALKS, figures.calls.average_talk_seconds()),
            tiles: tiles(figures, &hourly, is_cost_told),
        }
    }
}

/// What is told of all calls in a word; of what they cost only where that is not told elsewhere.
fn tiles(figures: &Figures, by_clock: &ByClock, is_cost_told: bool) -> Vec<Figure> {
    let calls = &figures.calls;
    let span = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), words::span);
    let costs: Vec<String> =
        figures.costs.iter().map(|cost| format!("{} {}", cost.amount, cost.currency)).collect();
    let priced: u32 = figures.costs.iter().map(|cost| cost.calls).sum();
    let open = match figures.unpriced {
        0 => String::new(),
        unpriced => format!(", {} not known yet", words::number(unpriced)),
    };
    let cost = Figure {
        label: "Cost",
        value: if costs.is_empty() { "–".to_owned() } else { costs.join(", ") },
        beside: format!("of {} calls{open}", words::number(priced)),
    };
    let others = [
        Figure {
            label: "Rings",
            value: span(calls.average_ring_seconds()),
            beside: "a call, on the average".to_owned(),
        },
        best_hour(by_clock),
        Figure {
            label: "Machines",
            value: rate(calls.machine_share()),
            beside: format!("of {} calls that were taken", words::number(calls.taken())),
        },
    ];
    (!is_cost_told).then_some(cost).into_iter().chain(others).collect()
}

/// When most people answer, among the hours of the week that had some calls.
fn best_hour(by_clock: &ByClock) -> Figure {
    let days = WEEKDAYS.into_iter().zip(&by_clock.week);
    let hours = days.flat_map(|(name, day)| (0..).zip(day).map(move |(hour, calls)| (name, hour, calls)));
    let rates = hours.filter(|(_, _, calls)| calls.attempts() >= FEWEST_CALLS);
    let rates = rates.filter_map(|(name, hour, calls)| Some((name, hour, calls.answer_rate()?)));
    let best = rates.max_by(|one, other| one.2.total_cmp(&other.2));
    let (value, beside) = match best {
        Some((name, hour, rate)) => {
            (format!("{name} {hour}:00"), format!("{} of calls answered", words::percent(rate)))
        }
        None => ("–".to_owned(), "known after some more calls".to_owned()),
    };
    Figure { label: "Best hour", value, beside }
}

/// Those outcomes that calls came to, the most frequent first.
fn outcomes(calls: &Calls) -> Vec<OfOutcome> {
    let mut all: Vec<(Outcome, u32)> = Outcome::ALL
        .iter()
        .map(|outcome| (*outcome, calls.that_came_to(*outcome)))
        .filter(|(_, count)| *count > 0)
        .collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (most, whole) = (all.first().map_or(0, |(_, count)| *count), calls.attempts());
    let told = |(outcome, count): &(Outcome, u32)| OfOutcome {
        badge: Badge::of_call(Some(*outcome), None),
        calls: words::number(*count),
        share: match outcome.counts_as_attempt() {
            true => rate(share(*count, whole)),
            false => "–".to_owned(),
        },
        length: lying(*count, most),
    };
    all.iter().map(told).collect()
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), words::percent)
}

impl OverTime {
    /// Of the calls of each hour.
    fn of(hours: &BTreeMap<NaiveDateTime, Calls>) -> Self {
        let by_hour = match (hours.first_key_value(), hours.last_key_value()) {
            (Some((first, _)), Some((last, _))) => (*last - *first).num_hours() < HOURS_TOLD,
            _ => true,
        };
        let step = if by_hour { TimeDelta::hours(1) } else { TimeDelta::days(1) };
        let mut calls: BTreeMap<NaiveDateTime, Calls> = BTreeMap::new();
        for (hour, of_hour) in hours {
            let begins = if by_hour { *hour } else { hour.date().and_time(NaiveTime::MIN) };
            *calls.entry(begins).or_default() += *of_hour;
        }
        let ends = (calls.keys().next().copied(), calls.keys().next_back().copied());
        let (begins, is_cut) = match ends {
            (Some(first), Some(last)) => {
                let earliest = last - step * i32::try_from(MOST_BARS - 1).unwrap_or(1);
                (Some(first.max(earliest)), first < earliest)
            }
            _ => (None, false),
        };
        let stretches = std::iter::successors(begins, |at| Some(*at + step));
        let stretches = stretches.take_while(|at| ends.1.is_some_and(|last| *at <= last));
        let bar = |at: NaiveDateTime| {
            let calls = calls.get(&at).copied().unwrap_or_default();
            let (label, whole) = match by_hour {
                true => (at.format("%H:%M"), at.format("%a %-d %b, %H:%M")),
                false => (at.format("%-d %b"), at.format("%a %-d %b %Y")),
            };
            let values = PARTS.map(|(_, outcomes)| sum(&calls, outcomes)).to_vec();
            let (made, answered) = (words::number(calls.attempts()), words::number(values[0]));
            let title = format!("{whole}: {made} calls, {answered} answered");
            charts::Figures { label: label.to_string(), title, values }
        };
        Self {
            each: if by_hour { "hour" } else { "day" },
            legend: PARTS.map(|(name, _)| name).to_vec(),
            bars: Bars::of(stretches.map(bar).collect(), charts::FEWEST_OVER_TIME),
            is_cut,
        }
    }
}

fn sum(calls: &Calls, outcomes: &[Outcome]) -> u32 {
    outcomes.iter().map(|outcome| calls.that_came_to(*outcome)).sum()
}

impl Heat {
    fn of(by_clock: &ByClock) -> Self {
        let hours = hours_in_use(&by_clock.week, |calls: &Calls| calls.attempts() > 0);
        let best = |fewest: u32| {
            let enough = by_clock.week.iter().flatten().filter(|calls| calls.attempts() >= fewest);
            enough.filter_map(Calls::answer_rate).fold(0.0, f64::max)
        };
        // What few calls came to is shown, but is no measure for the others, if there are any.
        let best = Some(best(FEWEST_CALLS)).filter(|best| *best > 0.0).unwrap_or_else(|| best(0));
        let square = |x: usize, name: &str, hour: usize, calls: &Calls| {
            let told = calls.answer_rate().map_or_else(|| "–".to_owned(), words::percent);
            let title = match calls.attempts() {
                0 => format!("{name} {hour:02}:00: no calls"),
                calls => format!("{name} {hour:02}:00: {told} of {} calls answered", words::number(calls)),
            };
            Square { x, shade: calls.answer_rate().map(|rate| shade(rate, best)), title, told }
        };
        let day = |(name, day): (&'static str, &[Calls; HOURS])| Day {
            name,
            squares: hours.iter().enumerate().map(|(x, hour)| square(x, name, *hour, &day[*hour])).collect(),
        };
        let days = WEEKDAYS.into_iter().zip(&by_clock.week).map(day).collect();
        let step = if hours.len() > 12 { 3 } else { 1 };
        Self { days, step, best: words::percent(best), hours }
    }
}

fn tries(numbers: &[(i16, Calls)]) -> Vec<Try> {
    let (told, rest) = numbers.split_at(numbers.len().min(TRIES_TOLD));
    let more = rest.iter().fold(Calls::default(), |mut sum, (_, calls)| {
        sum += *calls;
        sum
    });
    let named = told.iter().map(|(number, calls)| (ordinal(*number), *calls));
    let more = (more.attempts() > 0).then(|| ("Later".to_owned(), more));
    let all: Vec<(String, Calls)> = named.chain(more).filter(|(_, calls)| calls.attempts() > 0).collect();
    let most = all.iter().map(|(_, calls)| calls.attempts()).max().unwrap_or(0);
    let told = |(name, calls): (String, Calls)| Try {
        name,
        calls: words::number(calls.attempts()),
        answered: words::number(calls.that_came_to(Outcome::Answered)),
        rate: rate(calls.answer_rate()),
        of_calls: lying(calls.attempts(), most),
        of_answered: lying(calls.that_came_to(Outcome::Answered), most),
    };
    all.into_iter().map(told).collect()
}

fn ordinal(number: i16) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

impl Spread {
    fn of(lengths: impl Iterator<Item = f64>, limits: &[u32], average: Option<f64>) -> Self {
        let lengths: Vec<f64> = lengths.collect();
        let counts = spread(lengths.iter().copied(), limits);
        let lower = std::iter::once(None).chain(limits.iter().copied().map(Some));
        let upper = limits.iter().copied().map(Some).chain([None]);
        let bar = |((lower, upper), count): ((Option<u32>, Option<u32>), &u32)| {
            let span = |seconds: u32| words::span(seconds.into());
            let (label, told) = match (lower, upper) {
                (Some(lower), Some(upper)) => (span(lower), format!("{} to {}", span(lower), span(upper))),
                (Some(lower), None) => (span(lower), format!("{} and longer", span(lower))),
                (None, upper) => (span(0), format!("below {}", span(upper.unwrap_or_default()))),
            };
            charts::Figures {
                label,
                title: format!("{told}: {} calls", words::number(*count)),
                values: vec![*count],
            }
        };
        let figures = lower.zip(upper).zip(&counts).map(bar).collect();
        Self { of: lengths.len(), average: average.map(words::span), bars: Bars::of(figures, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::Quarter;
    use crate::domain::zone::Zone;

    fn figures(at: &[(&str, Outcome, u32)]) -> Figures {
        let quarter = |(at, outcome, calls): &(&str, Outcome, u32)| Quarter {
            zone: Zone::parse("America/New_York").unwrap(),
            begins_at: at.parse().unwrap(),
            calls: Calls::of(*outcome, *calls),
        };
        let quarters: Vec<Quarter> = at.iter().map(quarter).collect();
        let mut calls = Calls::default();
        quarters.iter().for_each(|quarter| calls += quarter.calls);
        Figures { quarters, calls, numbers: vec![(1, calls)], ..Figures::default() }
    }

    #[test]
    fn a_day_is_told_by_hours_and_more_by_days_without_leaving_any_out() {
        let day = figures(&[
            ("2026-03-02T14:00:00Z", Outcome::Answered, 2),
            ("2026-03-02T16:15:00Z", Outcome::Busy, 3),
        ]);
        let day = Charts::of(&day, &[], false);
        let bars = &day.over_time.bars.bars;
        assert_eq!((day.over_time.each, day.over_time.is_cut), ("hour", false));
        assert_eq!(
            bars.iter().map(|bar| bar.label.as_str()).collect::<Vec<_>>(),
            ["09:00", "10:00", "11:00"]
        );
        assert_eq!(bars[2].values, [0, 0, 3, 0, 0]);
        assert_eq!(bars[0].title, "Mon 2 Mar, 09:00: 2 calls, 2 answered");
        let squares = &day.heat.days[0].squares;
        let shades: Vec<Option<u8>> = squares.iter().map(|square| square.shade).collect();
        assert_eq!((shades.len(), &shades[3..7]), (12, &[None, Some(5), None, Some(0)][..]));
        let months = figures(&[
            ("2026-01-02T14:00:00Z", Outcome::Answered, 2),
            ("2026-06-02T14:00:00Z", Outcome::Busy, 3),
        ]);
        let months = Charts::of(&months, &[], false).over_time;
        assert_eq!((months.each, months.is_cut, months.bars.bars.len()), ("day", true, 60));
        assert_eq!(months.bars.bars[59].label, "2 Jun");
    }

    #[test]
    fn tries_are_counted_and_lengths_spread() {
        let numbers: Vec<(i16, Calls)> =
            (1..=11).map(|number| (number, Calls::of(Outcome::Answered, 1))).collect();
        let names: Vec<String> = tries(&numbers).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "Later"]);
        assert_eq!(["11th", "21st"], [ordinal(11), ordinal(21)].each_ref().map(String::as_str));
        let spread = Spread::of([1.0, 7.0, 700.0].into_iter(), &TALKS, Some(12.0));
        let counts: Vec<u32> = spread.bars.bars.iter().map(|bar| bar.values[0]).collect();
        assert_eq!((counts, spread.of), (vec![1, 1, 0, 0, 0, 0, 0, 1], 3));
    }
}
