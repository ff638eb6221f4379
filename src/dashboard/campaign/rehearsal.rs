//! `/campaigns/{id}/rehearsal`: what a campaign would do with the first of its contacts. Nobody is called.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::dashboard::frame::Frame;
use crate::dashboard::parts::{Badge, When, phone};
use crate::dashboard::{render, words};
use crate::db::campaigns::find_campaign;
use crate::domain::access::Permission;
use crate::domain::zone::Zone;
use crate::http::rehearsal::{Rehearsal, rehearse};
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::{Head, people};

/// Contacts with which it is rehearsed.
const CONTACTS: u32 = 50;

pub(super) fn pages() -> Vec<Methods> {
    // It writes nothing, so it is no command; but it is for whoever may have people called.
    vec![resource("/campaigns/{id}/rehearsal").get(Permission::CampaignsStart, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RehearsalQuery {
    /// With how many contacts.
    limit: Option<u32>,
}

#[derive(Template)]
#[template(path = "dashboard/campaign_rehearsal.html")]
struct Page {
    frame: Frame,
    head: Head,
    limit: u32,
    /// What came of it in short.
    sum: String,
    begins: When,
    ends: Option<When>,
    outcomes: Vec<(Badge, String)>,
    calls: Vec<Call>,
    refused: Vec<Refusal>,
}

struct Call {
    contact: Uuid,
    name: Option<String>,
    phone: String,
    at: When,
    badge: Badge,
    rings: String,
    talks: Option<String>,
    heard: Option<String>,
    then: String,
}

struct Refusal {
    contact: Uuid,
    name: Option<String>,
    phone: String,
    message: String,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
    Query(query): Query<RehearsalQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit.unwrap_or(CONTACTS);
    let caller = visitor.caller;
    let found = find_campaign(&api.board.database, caller.team, *id).await?;
    let campaign = found.ok_or_else(|| Problem::not_found("campaign"))?;
    let played = rehearse(&api, caller, *id, Some(limit)).await?;
    let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
    let Rehearsal {
        contacts, begins_at, ends_at, outcomes, completed, failed, waiting, calls, refused, ..
    } = played;
    let many = |count: usize| words::number(i64::try_from(count).unwrap_or(i64::MAX));
    let sum = format!(
        "{} would be reached, {} given up, and {} would still wait.",
        many(completed),
        many(failed),
        many(waiting)
    );
    let call = |call: crate::http::rehearsal::RehearsedCall| {
        let own = Zone::parse(&call.zone);
        Call {
            contact: call.contact_id,
            name: call.name,
            phone: phone(&api, caller.role, &call.phone),
            at: When::at(call.at, own.as_ref().unwrap_or(zone), now),
            badge: Badge::of_call(Some(call.outcome), None),
            rings: words::span(call.ring_seconds as f64),
            talks: (call.talk_seconds > 0).then(|| words::span(call.talk_seconds as f64)),
            heard: call.heard,
            then: match call.due_at {
                Some(due_at) => format!("again {}", words::instant(due_at, zone, now)),
                None => call.state.to_owned(),
            },
        }
    };
    let page = Page {
        frame: Frame::new(&api, &visitor, format!("Rehearsal of {}", campaign.name), "/"),
        head: Head::new(*id, &campaign.name, campaign.state, caller.role, "rehearsal"),
        limit,
        sum: format!("With {}: {sum}", people(u32::try_from(contacts).unwrap_or(u32::MAX))),
        begins: When::at(begins_at, zone, now),
        ends: ends_at.map(|at| When::at(at, zone, now)),
        outcomes: outcomes
            .into_iter()
            .map(|(outcome, calls)| (Badge::of_call(Some(outcome), None), words::number(calls)))
            .collect(),
        calls: calls.into_iter().map(call).collect(),
        refused: refused
            .into_iter()
            .map(|one| Refusal {
                contact: one.contact_id,
                name: one.name,
                phone: phone(&api, caller.role, &one.phone),
                message: words::sentence(&one.message),
            })
            .collect(),
    };
    render(&page)
}
