//! `GET /metrics`: the node's figures for a Prometheus server, in its text format.
//!
//! The page is about the node, and so about all teams at once: no team's key opens it. It wants `OUTDIAL_METRICS_TOKEN`, and is
//! closed where that is not set. Nothing is looked up to let somebody in, so that the page is there when the database is not,
//! which is when it is needed most.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use tracing::debug;

use crate::actors::Switchboard;
use crate::clock::Stopwatch;
use crate::db;
use crate::db::events::oldest_without_position;
use crate::db::hooks::share::hooks_at_work;
use crate::db::nodes::count_work;
use crate::telemetry::Level;

use super::auth::bearer;
use super::resource::open;
use super::{Api, Problem, Station};

/// How long the database may take to say what the node has to do. Without it the page says what it said before.
const PATIENCE: Duration = Duration::from_secs(1);

/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The route of what nothing is found under: addresses are made up by strangers, and must not become labels.
const NO_ROUTE: &str = "none";

/// It finds out by a token of its own who asks.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(open("/metrics").get(metrics));
}

async fn metrics(station: web::Data<Station>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (Some(wanted), Some(given)) = (&station.metrics_token, bearer(&request)) else {
        return Err(Problem::no_metrics_token());
    };
    if !bool::from(wanted.as_bytes().ct_eq(given.as_bytes())) {
        return Err(Problem::no_metrics_token());
    }
    look(&station.switchboard).await;
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(station.switchboard.meters.page()))
}

/// Sets what is not counted as it happens.
async fn look(board: &Switchboard) {
    for pool in board.database.pools() {
        board.meters.pool(pool);
    }
    for (kind, in_all) in board.database.failures() {
        board.meters.database_errors(kind, in_all);
    }
    let clock_offset = board.clock.offset().num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6;
    board.meters.level(Level { lease: board.lease.left(), clock_offset });
    let asked = async {
        let work = count_work(&board.database, board.node).await?;
        let hooks = hooks_at_work(&board.database, board.node).await?;
        Ok::<_, db::Error>((work, hooks, oldest_without_position(&board.database).await?))
    };
    let age = |at: Option<DateTime<Utc>>| at.and_then(|at| (board.clock.now() - at).to_std().ok());
    match timeout(PATIENCE, asked).await {
        Ok(Ok((work, hooks, oldest))) => {
            board.meters.work(work);
            board.meters.hooks(hooks, age(hooks.oldest_ahead).unwrap_or_default());
            board.meters.events_lag(age(oldest).unwrap_or_default());
        }
        Ok(Err(error)) => debug!(error = &error as &dyn std::error::Error, "the node's work is not counted"),
        Err(_) => debug!("the node's work is not counted in time"),
    }
}

/// Counts an answer, and measures how long it took.
pub(super) async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Stopwatch::start();
    let meters = request.app_data::<web::Data<Api>>().map(|api| api.board.meters.clone());
    let method = known(request.method());
    let answer = next.call(request).await;
    let Some(meters) = meters else { return answer };
    let (route, status) = match &answer {
        Ok(answer) => (answer.request().match_pattern(), answer.status()),
        Err(error) => (None, error.as_response_error().status_code()),
    };
    let route = route.map_or(Cow::Borrowed(NO_ROUTE), Cow::Owned);
    meters.answered(route, method, status.as_u16(), begun.elapsed());
    answer
}

/// A method's name; strangers make some up.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
