//! `/health`: is the process there, can it work, and what does its supervisor see.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::{QUIET, Report, SupervisorReport, Switchboard, TICK};
use crate::clock::Stopwatch;
use crate::db::attempts::count_open;
use crate::db::nodes::list_nodes;
use crate::db::watchdog::list_silent;
use crate::db::{self, Outage};
use crate::domain::access::Permission;
use crate::domain::zone::{Database, Origin};

use super::auth::Caller;
use super::openapi::describe;
use super::problem::answer;
use super::resource::{Methods, open, resource};
use super::{Api, Problem, Station};

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

pub(super) fn resources() -> Vec<Methods> {
    vec![
        // Platforms ask these without a key.
        open("/health/live").get(live).described(describe![live]),
        open("/health/ready").get(ready).described(describe![ready]),
        resource("/health/supervisor")
            .get(Permission::HealthRead, supervisor)
            .described(describe![supervisor]),
    ]
}

/// That all is well.
#[derive(Serialize, ToSchema)]
struct Well {
    /// `alive`, or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Whether the process is there
#[utoipa::path(
    get, path = "/health/live", operation_id = "is_live", tag = "health",
    responses((status = 200, description = "It is", body = Well)),
)]
async fn live() -> HttpResponse {
    answer(StatusCode::OK, &Well { status: "alive" })
}

/// Whether it can work
#[utoipa::path(
    get, path = "/health/ready", operation_id = "is_ready", tag = "health",
    responses((status = 200, description = "It can", body = Well)),
)]
async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    match look_at(&api.board.database).await {
        None => Ok(answer(StatusCode::OK, &Well { status: "ready" })),
        Some(outage) => Err(Problem::unavailable(outage.to_string())),
    }
}

/// Why the database does not work, if it does not.
async fn look_at(database: &db::Database) -> Option<Outage> {
    let pinged = database.answering_within(PATIENCE).ping().await;
    pinged.err().map(|error| error.outage().unwrap_or(Outage::Away))
}

/// How a node is, as its supervisor sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Supervision {
    /// `ok`, or `failing`.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
    /// Why it fails; null if it does not.
    pub(crate) reason: Option<String>,
    /// The node that answers.
    pub(crate) node: Uuid,
    /// Its time.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) now: DateTime<Utc>,
    pub(crate) clock: ShownClock,
    /// Whether it may call: it has renewed its lease in time.
    pub(crate) lease_held: bool,
    pub(crate) actors: Actors,
    /// The last tick that went through; null if none has.
    pub(crate) tick: Option<Tick>,
    /// The last look of the watchdog that went through; null if none has.
    pub(crate) watchdog: Option<Watchdog>,
    pub(crate) database: DatabaseHealth,
    pub(crate) provider: ProviderHealth,
    pub(crate) zone_data: ZoneData,
    /// Whether nobody is really called.
    pub(crate) simulated: bool,
    /// Left out while the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) attempts: Option<OpenAttempts>,
    /// All nodes that were seen lately; left out while the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) nodes: Option<Vec<Node>>,
}

/// The clock that the node goes by.
#[derive(Serialize, ToSchema)]
#[schema(as = Clock)]
pub(crate) struct ShownClock {
    /// How many times faster than life it goes: more than 1 only on the simulator.
    #[schema(minimum = 1)]
    pub(crate) speed: u32,
    /// Whether it follows the database's by now.
    pub(crate) is_set: bool,
}

/// The campaigns' actors on this node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Actors {
    /// Campaigns that should have one.
    pub(crate) wanted: usize,
    /// Campaigns that have one.
    pub(crate) alive: usize,
}

/// A tick that went through.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tick {
    /// When.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) at: DateTime<Utc>,
    /// How long ago, in seconds of real time.
    pub(crate) seconds_ago: u64,
    /// Actors that were gone and were started.
    pub(crate) started: usize,
    /// Overdue campaigns that were woken.
    pub(crate) woken: usize,
}

/// A look of the watchdog that went through.
#[derive(Serialize, ToSchema)]
pub(crate) struct Watchdog {
    /// When.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) at: DateTime<Utc>,
    /// How long ago, in seconds of real time.
    pub(crate) seconds_ago: u64,
    /// Attempts of which nothing was heard for too long.
    pub(crate) silent_attempts: usize,
    /// Contacts that were stranded and are due again.
    pub(crate) freed_contacts: u64,
    /// Campaigns whose place in the queue was lost and found again.
    pub(crate) reset_campaigns: usize,
}

/// How the database answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatabaseHealth {
    pub(crate) answers: bool,
    /// How long it took, in milliseconds.
    pub(crate) latency_ms: f64,
}

/// How the provider was last found to be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProviderHealth {
    pub(crate) answers: bool,
    /// How long it took, in milliseconds.
    pub(crate) latency_ms: f64,
    /// What was wrong; null if nothing was.
    pub(crate) problem: Option<String>,
}

/// The rules of time zones that are in use.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoneData {
    /// Their version; null if it is not known.
    #[schema(example = "2026e")]
    pub(crate) version: Option<String>,
    /// The month of their release, as `YYYY-MM`; null if it is not known.
    #[schema(example = "2026-09")]
    pub(crate) released: Option<String>,
    /// Whether newer ones are due.
    pub(crate) is_old: bool,
    /// `bundled`, or the directory that they are read from.
    #[schema(example = "bundled")]
    pub(crate) from: String,
}

/// Attempts that are under way.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenAttempts {
    /// All of them, on all nodes.
    pub(crate) open: i64,
    /// Those of which nothing was heard for long, up to 1000.
    pub(crate) silent: usize,
}

/// A node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Node {
    pub(crate) id: Uuid,
    /// What its machine is called.
    #[schema(example = "dialer-1")]
    pub(crate) name: String,
    /// When it began.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) started_at: DateTime<Utc>,
    /// Whether it renews its lease.
    pub(crate) alive: bool,
    /// Since when it does not; null while it does.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) silent_since: Option<DateTime<Utc>>,
    /// How many campaigns it runs.
    pub(crate) campaigns: i64,
}

/// Shows how the node is
///
/// Its supervisor, the database, the provider, the zones, and all nodes. Answered with 503 where something is wrong that
/// keeps it from calling.
#[utoipa::path(
    get, path = "/health/supervisor", operation_id = "get_supervision", tag = "health",
    responses(
        (status = 200, description = "All is well", body = Supervision),
        (status = 503, description = "Something is wrong, or nothing can be told", body = Supervision),
    ),
)]
async fn supervisor(station: web::Data<Station>, _: Caller) -> Result<HttpResponse, Problem> {
    let body = supervision(&station).await?;
    let status = if body.reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer(status, &body))
}

/// How the node is. It waits for the database and the provider, each for two seconds at most.
pub(crate) async fn supervision(station: &Station) -> Result<Supervision, Problem> {
    let board = &station.switchboard;
    let report = timeout(PATIENCE, station.supervisor.send(Report)).await;
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
    let mut body = Supervision {
        status: if reason.is_none() { "ok" } else { "failing" },
        reason,
        node: board.node,
        now: board.clock.now(),
        clock: ShownClock { speed: board.clock.speed(), is_set: board.clock.is_set() },
        lease_held: board.lease.is_held(),
        actors: Actors { wanted: report.wanted, alive: report.alive },
        tick: tick(&report),
        watchdog: watchdog(&report),
        database: DatabaseHealth { answers: outage.is_none(), latency_ms: database_ms },
        provider: station.provider.probe(board).await,
        zone_data: zone_data(Database::in_use(), board.clock.now().date_naive()),
        simulated: station.is_simulated,
        attempts: None,
        nodes: None,
    };
    if outage.is_none() {
        let silent = list_silent(&board.database, board.clock.now() - QUIET, MOST_SILENT).await?;
        let open = count_open(&board.database).await?;
        body.attempts = Some(OpenAttempts { open, silent: silent.len() });
        body.nodes = Some(nodes(&board.database).await?);
    }
    Ok(body)
}

/// Data whose version is not known is taken for old.
fn zone_data(database: &Database, today: NaiveDate) -> ZoneData {
    ZoneData {
        version: database.version().map(ToOwned::to_owned),
        released: database.release().map(|release| release.month().format("%Y-%m").to_string()),
        is_old: database.release().is_none_or(|release| release.is_old(today)),
        from: match database.origin() {
            Origin::Bundled => "bundled".to_owned(),
            Origin::Directory(directory) => directory.to_string_lossy().into_owned(),
        },
    }
}

fn tick(report: &SupervisorReport) -> Option<Tick> {
    report.tick.map(|tick| Tick {
        at: tick.at,
        seconds_ago: tick.since.elapsed().as_secs(),
        started: tick.started,
        woken: tick.woken,
    })
}

fn watchdog(report: &SupervisorReport) -> Option<Watchdog> {
    report.watchdog.map(|look| Watchdog {
        at: look.at,
        seconds_ago: look.since.elapsed().as_secs(),
        silent_attempts: look.silent,
        freed_contacts: look.freed,
        reset_campaigns: look.reset,
    })
}

async fn nodes(database: &db::Database) -> Result<Vec<Node>, Problem> {
    let nodes = list_nodes(database).await?;
    let shown = nodes.into_iter().map(|node| Node {
        id: node.id,
        name: node.name,
        started_at: node.started_at,
        alive: node.silent_since.is_none(),
        silent_since: node.silent_since,
        campaigns: node.campaigns,
    });
    Ok(shown.collect())
}

/// How the provider was last found to be. It is asked when somebody wants to know, but not each time.
#[derive(Default)]
pub struct ProviderProbe(Mutex<Option<(Stopwatch, ProviderHealth)>>);

impl ProviderProbe {
    async fn probe(&self, board: &Switchboard) -> ProviderHealth {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, found)) = last
            && since.elapsed() < PROBE_AGAIN_AFTER
        {
            return found;
        }
        let asked = Stopwatch::start();
        let answered = timeout(PATIENCE, board.reads("account", board.client.check_account())).await;
        let problem = match answered {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it did not answer in time".to_owned()),
        };
        let latency_ms = asked.elapsed().as_secs_f64() * 1000.0;
        let found = ProviderHealth { answers: problem.is_none(), latency_ms, problem };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, found.clone()));
        found
    }
}
