//! `/nodes`: the servers, and whether they can call: their leases, the database, the provider, the rules of time zones. What is
//! found out stands in a part of its own, because the provider may take its time to answer.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::domain::access::Permission;
use crate::http::health::{self, Supervision, supervision};
use crate::http::{Api, Methods, Problem, Station, Visitor, resource};

use super::frame::Frame;
use super::parts::{Badge, When};
use super::{render, words};

pub(super) const PATH: &str = "/nodes";

pub(super) fn pages() -> Vec<Methods> {
    vec![
        resource(PATH).get(Permission::HealthRead, show),
        resource("/nodes/health").get(Permission::HealthRead, found),
    ]
}

#[derive(Template)]
#[template(path = "dashboard/nodes.html")]
struct Page {
    frame: Frame,
    may_audit: bool,
}

async fn show(api: web::Data<Api>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let may_audit = visitor.caller.role.may(Permission::AuditRead);
    render(&Page { frame: Frame::new(&api, &visitor, "Nodes and health", PATH), may_audit })
}

/// How everything is.
#[derive(Template)]
#[template(path = "dashboard/nodes_health.html")]
struct Health {
    /// Why nobody can be called from here just now.
    reason: Option<String>,
    tiles: Vec<Tile>,
    nodes: Option<Vec<Node>>,
    lines: Vec<Line>,
    now: When,
}

/// One of the parts.
struct Tile {
    label: &'static str,
    value: String,
    beside: String,
    is_well: bool,
}

/// A server.
struct Node {
    name: String,
    /// Whether it is the one that made this page.
    is_this: bool,
    badge: Badge,
    since: When,
    silent: Option<When>,
    campaigns: String,
}

/// Something that is known of this node.
struct Line {
    label: &'static str,
    value: String,
    is_well: bool,
}

async fn found(station: web::Data<Station>) -> Result<HttpResponse, Problem> {
    let found = supervision(&station).await?;
    render(&Health::of(found))
}

impl Health {
    fn of(found: Supervision) -> Self {
        let now = found.now;
        let (this, tiles, lines) = (found.node, tiles(&found), lines(&found));
        let node = |node: health::Node| Node {
            is_this: node.id == this,
            badge: if node.alive { Badge::new("alive", "green") } else { Badge::new("silent", "gray") },
            since: When::utc(node.started_at, now),
            silent: node.silent_since.map(|at| When::utc(at, now)),
            campaigns: words::number(node.campaigns),
            name: node.name,
        };
        Self {
            reason: found.reason.as_deref().map(words::sentence),
            tiles,
            nodes: found.nodes.map(|nodes| nodes.into_iter().map(node).collect()),
            lines,
            now: When::utc(now, now),
        }
    }
}

fn tiles(found: &Supervision) -> Vec<Tile> {
    let millis = |latency: f64| format!("{} ms", words::number(latency.ceil() as i64));
    let mut tiles = vec![
        Tile {
            label: "This node",
            value: if found.reason.is_none() { "Can call" } else { "Cannot call" }.to_owned(),
            beside: if found.lease_held { "its lease is renewed" } else { "its lease is not renewed" }
                .to_owned(),
            is_well: found.reason.is_none(),
        },
        Tile {
            label: "Database",
            value: if found.database.answers { millis(found.database.latency_ms) } else { "Away".to_owned() },
            beside: if found.database.answers { "to answer" } else { "it does not answer" }.to_owned(),
            is_well: found.database.answers,
        },
        Tile {
            label: "Provider",
            value: match &found.provider.problem {
                None => millis(found.provider.latency_ms),
                Some(_) => "Does not answer".to_owned(),
            },
            beside: match (&found.provider.problem, found.simulated) {
                (Some(problem), _) => problem.clone(),
                (None, true) => "the simulator: nobody is really called".to_owned(),
                (None, false) => "the account is good: people are really called".to_owned(),
            },
            is_well: found.provider.answers,
        },
    ];
    if let Some(attempts) = &found.attempts {
        tiles.push(Tile {
            label: "Calls under way",
            value: words::number(attempts.open),
            beside: match attempts.silent {
                0 => "on all nodes".to_owned(),
                silent => format!("{silent} of them not heard of for long"),
            },
            is_well: attempts.silent == 0,
        });
    }
    tiles
}

fn lines(found: &Supervision) -> Vec<Line> {
    let ago = |seconds: u64| format!("{} ago", words::span(seconds as f64));
    let clock = match (found.clock.speed, found.clock.is_set) {
        (1, true) => "follows the database’s".to_owned(),
        (1, false) => "does not follow the database’s yet".to_owned(),
        (speed, _) => format!("goes {speed} times faster than life"),
    };
    let (wanted, alive) = (found.actors.wanted, found.actors.alive);
    let zones = &found.zone_data;
    let version = zones.version.as_deref().unwrap_or("not known");
    let released = zones.released.as_deref().map(|month| format!(", of {month}")).unwrap_or_default();
    let old = if zones.is_old { "; newer ones are due" } else { "" };
    let mut lines = vec![
        Line {
            label: "Campaigns that it runs",
            value: format!("{alive} of {wanted}"),
            is_well: alive >= wanted,
        },
        Line { label: "Clock", value: clock, is_well: found.clock.is_set },
        Line {
            label: "Last tick",
            value: match &found.tick {
                None => "none yet".to_owned(),
                Some(tick) => {
                    format!("{}, {} started, {} woken", ago(tick.seconds_ago), tick.started, tick.woken)
                }
            },
            is_well: found.tick.is_some(),
        },
    ];
    if let Some(look) = &found.watchdog {
        lines.push(Line {
            label: "Last look of the watchdog",
            value: format!(
                "{}, {} silent calls, {} contacts freed, {} campaigns set right",
                ago(look.seconds_ago),
                look.silent_attempts,
                look.freed_contacts,
                look.reset_campaigns
            ),
            is_well: look.silent_attempts == 0,
        });
    }
    lines.push(Line {
        label: "Rules of time zones",
        value: format!("version {version}{released}, {}{old}", zones.from),
        is_well: !zones.is_old,
    });
    lines
}
