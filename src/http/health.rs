//! `/health`: is the process there, can it work, and what does its supervisor see.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::actors::{QUIET, Report, SupervisorReport, TICK};
use crate::clock::Stopwatch;
use crate::db::attempts::count_open;
use crate::db::nodes::list_nodes;
use crate::db::watchdog::list_silent;
use crate::db::{self, Outage};
use crate::domain::access::Permission;
use crate::domain::zone::{Database, Origin};

use super::auth::Caller;
use super::problem::answer;
use super::resource::{Methods, open, resource};
use super::{Api, Problem};

/// How long health waits for an answer of the database or the provider.
const PATIENCE: Duration = Duration::from_secs(2);

/// A tick that is older than this is overdue: three have been missed.
const OVERDUE: Duration = Duration::from_secs(TICK.as_secs() * 3);

/// A node that has just started may be without a lease for so long.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// The provider is asked at most so often, however often health is.
const PROBE_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// Silent attempts that are counted one by one; more than that is reported as that many.
const MOST_SILENT: i64 = 1000;

/// The way to whether the process is there and can work, which platforms ask without a key.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(open("/health/live").get(live)).service(open("/health/ready").get(ready));
}

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/health/supervisor").get(Permission::HealthRead, supervisor)]
}

async fn live() -> HttpResponse {
    answer(StatusCode::OK, &json!({ "status": "alive" }))
}

async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    match look_at(&api.board.database).await {
        None => Ok(answer(StatusCode::OK, &json!({ "status": "ready" }))),
        Some(outage) => Err(Problem::unavailable(outage.to_string())),
    }
}

/// Why the database does not work, if it does not.
async fn look_at(database: &db::Database) -> Option<Outage> {
    let pinged = database.answering_within(PATIENCE).ping().await;
    pinged.err().map(|error| error.outage().unwrap_or(Outage::Away))
}

async fn supervisor(api: web::Data<Api>, _: Caller) -> Result<HttpResponse, Problem> {
    let board = &api.board;
    let report = timeout(PATIENCE, api.supervisor.send(Report)).await;
    let Ok(Ok(report)) = report else {
        return Err(Problem::unavailable("the supervisor does not answer"));
    };
    let asked = Stopwatch::start();
    let outage = look_at(&board.database).await;
    let database_ms = asked.elapsed().as_secs_f64() * 1000.0;
    let reason = match &report.tick {
        _ if outage.is_some() => outage.map(|outage| outage.to_string()),
        Some(tick) if tick.since.elapsed() > OVERDUE => Some("the supervisor's tick is overdue".to_owned()),
        None if report.running_since.elapsed() > OVERDUE => {
            Some("the supervisor's tick has never gone through".to_owned())
        }
        _ if !board.lease.is_held() && report.running_since.elapsed() > BEGUN_WITHIN => {
            Some("the node's lease could not be renewed, so that it calls nobody".to_owned())
        }
        _ => None,
    };
    let mut body = json!({
        "status": if reason.is_none() { "ok" } else { "failing" },
        "reason": reason,
        "node": board.node,
        "now": board.clock.now(),
        "clock": { "speed": board.clock.speed(), "is_set": board.clock.is_set() },
        "lease_held": board.lease.is_held(),
        "actors": { "wanted": report.wanted, "alive": report.alive },
        "tick": tick(&report),
        "watchdog": watchdog(&report),
        "database": { "answers": outage.is_none(), "latency_ms": database_ms },
        "provider": api.provider.probe(&api).await,
        "zone_data": zone_data(Database::in_use(), board.clock.now().date_naive()),
        "simulated": api.is_simulated,
    });
    if outage.is_none() {
        let silent = list_silent(&board.database, board.clock.now() - QUIET, MOST_SILENT).await?;
        body["attempts"] = json!({ "open": count_open(&board.database).await?, "silent": silent.len() });
        body["nodes"] = nodes(&api).await?;
    }
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer(status, &body))
}

/// Data whose version is not known is taken for old.
fn zone_data(database: &Database, today: NaiveDate) -> Value {
    json!({
        "version": database.version(),
        "released": database.release().map(|release| release.month().format("%Y-%m").to_string()),
        "is_old": database.release().is_none_or(|release| release.is_old(today)),
        "from": match database.origin() {
            Origin::Bundled => "bundled".into(),
            Origin::Directory(directory) => directory.to_string_lossy(),
        },
    })
}

fn tick(report: &SupervisorReport) -> Value {
    report.tick.map_or(Value::Null, |tick| {
        json!({
            "at": tick.at,
            "seconds_ago": tick.since.elapsed().as_secs(),
            "started": tick.started,
            "woken": tick.woken,
        })
    })
}

fn watchdog(report: &SupervisorReport) -> Value {
    report.watchdog.map_or(Value::Null, |look| {
        json!({
            "at": look.at,
            "seconds_ago": look.since.elapsed().as_secs(),
            "silent_attempts": look.silent,
            "freed_contacts": look.freed,
            "reset_campaigns": look.reset,
        })
    })
}

async fn nodes(api: &Api) -> Result<Value, Problem> {
    let nodes = list_nodes(&api.board.database).await?;
    let shown = nodes.iter().map(|node| {
        json!({
            "id": node.id,
            "name": node.name,
            "started_at": node.started_at,
            "alive": node.silent_since.is_none(),
            "silent_since": node.silent_since,
            "campaigns": node.campaigns,
        })
    });
    Ok(shown.collect())
}

/// How the provider was last found to be. It is asked when somebody wants to know, but not each time.
#[derive(Default)]
pub struct ProviderProbe(Mutex<Option<(Stopwatch, Value)>>);

impl ProviderProbe {
    async fn probe(&self, api: &Api) -> Value {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, found)) = last
            && since.elapsed() < PROBE_AGAIN_AFTER
        {
            return found;
        }
        let asked = Stopwatch::start();
        let answered = timeout(PATIENCE, api.board.client.check_account()).await;
        let problem = match answered {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it did not answer in time".to_owned()),
        };
        let latency_ms = asked.elapsed().as_secs_f64() * 1000.0;
        let found = json!({ "answers": problem.is_none(), "latency_ms": latency_ms, "problem": problem });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, found.clone()));
        found
    }
}
