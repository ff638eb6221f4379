//! The packs of calling rules: which there are, and whether a campaign can go by those that it names.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use crate::domain::rules::Pack;
use crate::domain::settings::Settings;

use super::auth::Caller;
use super::problem::answer;
use super::{Api, Problem, resource};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(resource("/rules").get(list));
}

async fn list(api: web::Data<Api>, _: Caller) -> HttpResponse {
    let packs: Vec<Value> = api.board.library.packs().map(show).collect();
    answer(StatusCode::OK, &json!({ "packs": packs }))
}

fn show(pack: &Pack) -> Value {
    let rules = pack.rules.iter().map(|rule| {
        json!({
            "name": rule.name,
            "protects": rule.jurisdiction.to_string(),
            "confidence": rule.confidence,
            "source": rule.source,
        })
    });
    json!({
        "name": pack.id,
        "version": pack.version,
        "reviewed_on": pack.reviewed_on,
        "loosening_approved_by": pack.loosening_approved_by,
        "rules": rules.collect::<Vec<Value>>(),
    })
}

/// Refuses settings whose rules are not there, or whose holidays are not known: nobody would be called, or somebody on
/// a holiday.
pub(super) fn check(api: &Api, settings: &Settings) -> Result<(), Problem> {
    let refused = |key: &str, error: String| Problem::invalid("bad-settings", format!("{key}: {error}"));
    let board = &api.board;
    let today = settings.timezone.local(board.clock.now()).date();
    let rules = board.library.select(settings.rules.iter().map(String::as_str));
    let rules = rules.map_err(|error| refused("rules", error.to_string()))?;
    rules.check_on(today).map_err(|error| refused("rules", error.to_string()))?;
    settings.business_hours.check_on(today).map_err(|error| refused("business_hours", error.to_string()))
}
