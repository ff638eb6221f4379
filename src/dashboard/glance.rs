//! How nodes, database and provider are, at a glance: a part of a page, because the provider may take its time to answer.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::domain::access::Permission;
use crate::http::health::{Supervision, supervision};
use crate::http::{Methods, Problem, Station, resource};

use super::{render, words};

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/glance").get(Permission::HealthRead, glance)]
}

#[derive(Template)]
#[template(path = "dashboard/glance.html")]
struct Glance {
    /// Why nobody can be called from here just now.
    reason: Option<String>,
    signs: [Sign; 3],
}

/// How one of the parts is.
struct Sign {
    name: &'static str,
    is_well: bool,
    told: String,
}

impl From<Supervision> for Glance {
    fn from(found: Supervision) -> Self {
        let nodes = match &found.nodes {
            Some(nodes) => {
                let alive = nodes.iter().filter(|node| node.alive).count();
                let told = match nodes.len() {
                    1 if alive == 1 => "1 alive".to_owned(),
                    all if all == alive => format!("all {all} alive"),
                    all => format!("{alive} of {all} alive"),
                };
                // One that was stopped lately is no fault; that nobody is left is.
                Sign { name: "Nodes", is_well: alive > 0, told }
            }
            None => Sign { name: "Nodes", is_well: false, told: "not known".to_owned() },
        };
        let millis = |latency: f64| format!("{} ms", words::number(latency.ceil() as i64));
        let database = Sign {
            name: "Database",
            is_well: found.database.answers,
            told: if found.database.answers {
                millis(found.database.latency_ms)
            } else {
                "does not answer".to_owned()
            },
        };
        let provider = Sign {
            name: "Provider",
            is_well: found.provider.answers,
            told: match &found.provider.problem {
                None => millis(found.provider.latency_ms),
                Some(problem) => problem.clone(),
            },
        };
        Self { reason: found.reason.as_deref().map(words::sentence), signs: [nodes, database, provider] }
    }
}

async fn glance(station: web::Data<Station>) -> Result<HttpResponse, Problem> {
    render(&Glance::from(supervision(&station).await?))
}
