//! `/campaigns/{id}/review`: a draft before it is started, and `/campaigns/{id}/forecast`: what would become of it. To foresee that
//! takes about a second for a million contacts, so the page asks for it when it is there.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::campaigns::find_campaign;
use crate::db::imports::{list_imports, name_campaigns_of_file};
use crate::domain::access::Permission;
use crate::domain::campaign::Move;
use crate::domain::zone::Zone;
use crate::http::forecast::{Forecast, foresee};
use crate::http::{Api, Methods, Problem, Visitor, resource, show};

use super::frame::Frame;
use super::parts::{Badge, When};
use super::{render, words};

pub(super) fn pages() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/review").get(Permission::CampaignsRead, review),
        resource("/campaigns/{id}/forecast").get(Permission::CampaignsRead, forecast),
    ]
}

#[derive(Template)]
#[template(path = "dashboard/new_review.html")]
struct Review {
    frame: Frame,
    id: Uuid,
    name: String,
    badge: Badge,
    contacts: String,
    speaks: String,
    made: When,
    starts_at: Option<When>,
    /// Other campaigns that were made of its list.
    same_file: Vec<(Uuid, String)>,
    may_start: bool,
    may_change: bool,
}

async fn review(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let campaign = load(&api, &visitor, *id).await?;
    let (zone, role) = (&campaign.settings.timezone, visitor.caller.role);
    let (now, team) = (api.board.clock.now(), visitor.caller.team);
    render(&Review {
        frame: Frame::new(&api, &visitor, campaign.name.clone(), "/"),
        id: campaign.id,
        badge: campaign.state.into(),
        contacts: words::number(campaign.counts.contacts),
        speaks: campaign.agent["name"].as_str().unwrap_or_default().to_owned(),
        made: When::at(campaign.created_at, zone, now),
        starts_at: campaign.starts_at.map(|at| When::at(at, zone, now)),
        same_file: of_the_same_file(&api, team, campaign.id).await?,
        may_start: role.may(Permission::CampaignsStart) && campaign.state.after(Move::Start).is_ok(),
        may_change: role.may(Permission::CampaignsUpdate),
        name: campaign.name,
    })
}

/// The other campaigns of the file that this one was made of, whose people would be called by both.
async fn of_the_same_file(api: &Api, team: Uuid, campaign: Uuid) -> Result<Vec<(Uuid, String)>, Problem> {
    let database = &api.board.database;
    let imports = list_imports(database, team, campaign).await?;
    let Some(digest) = imports.first().and_then(|import| import.digest.as_slice().try_into().ok()) else {
        return Ok(Vec::new());
    };
    let mut all = name_campaigns_of_file(database, team, digest).await?;
    all.retain(|(id, _)| *id != campaign);
    Ok(all)
}

async fn load(api: &Api, visitor: &Visitor, id: Uuid) -> Result<show::Campaign, Problem> {
    let found = find_campaign(&api.board.database, visitor.caller.team, id).await?;
    Ok(found.ok_or_else(|| Problem::not_found("campaign"))?.into())
}

#[derive(Template)]
#[template(path = "dashboard/new_forecast.html")]
struct Foreseen {
    total: u32,
    shares: Vec<Share>,
    message: Option<String>,
    ends: Option<Ends>,
    groups: Vec<Group>,
    capped: Vec<String>,
    without_zone: Option<String>,
}

/// A part of the contacts, in the bar and in words.
struct Share {
    label: &'static str,
    why: &'static str,
    tone: &'static str,
    number: String,
    before: u32,
    contacts: u32,
}

/// Between which instants it is done.
struct Ends {
    earliest: Option<When>,
    latest: Option<When>,
}

/// People who share their clocks.
struct Group {
    zones: String,
    contacts: String,
    is_open: bool,
    until: Option<When>,
    why: Option<String>,
}

async fn forecast(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let zone = load(&api, &visitor, *id).await?.settings.timezone;
    let forecast = foresee(&api, visitor.caller.team, *id).await?;
    render(&Foreseen::of(forecast, &zone, api.board.clock.now()))
}

impl Foreseen {
    fn of(forecast: Forecast, zone: &Zone, now: DateTime<Utc>) -> Self {
        let seen = forecast.foreseen;
        let when = |at: Option<DateTime<Utc>>| at.map(|at| When::at(at, zone, now));
        let group = |group: &crate::http::forecast::ZoneGroup| Group {
            zones: group.zones.as_ref().map_or_else(|| "not known".to_owned(), |zones| zones.join(", ")),
            contacts: words::number(group.contacts),
            is_open: group.open,
            until: when(group.until),
            why: group.message.as_deref().map(words::sentence),
        };
        let without = &seen.without_zone;
        Self {
            total: seen.contacts.total,
            shares: shares(&seen.contacts),
            ends: seen.estimate.as_ref().map(|estimate| Ends {
                earliest: when(estimate.ends_at.earliest),
                latest: when(estimate.ends_at.latest),
            }),
            message: seen.estimate.map(|estimate| words::sentence(&estimate.message)),
            groups: seen.groups.iter().map(group).collect(),
            capped: seen
                .capped
                .iter()
                .map(|capped| {
                    format!("{}: {}", words::number(capped.contacts), words::sentence(&capped.message))
                })
                .collect(),
            without_zone: (without.contacts > 0).then(|| {
                format!(
                    "Of {} nothing tells the time zone: {}",
                    words::number(without.contacts),
                    without.message
                )
            }),
        }
    }
}

/// The contacts by what would become of them, without what there is none of.
fn shares(counts: &crate::http::forecast::ForecastCounts) -> Vec<Share> {
    let all = [
        ("Now", "it is the time to call them", "now", counts.callable_now),
        ("Once it begins", "it would be the time to call them now", "now", counts.not_started),
        ("Later", "it is not the time where they are", "later", counts.outside_hours),
        ("Due later", "they were tried, and are tried again", "later", counts.due_later),
        ("Held back", "their numbers were called as often as a cap allows", "later", counts.capped),
        ("Being called", "just now", "now", counts.calling),
        ("Never", "by the hours it is never time to call them", "never", counts.never),
        (
            "Not known where",
            "nothing tells their time zone, and the campaign does not call then",
            "never",
            counts.unmapped,
        ),
        ("Suppressed", "they must not be contacted", "never", counts.suppressed),
        ("Reached", "nothing is left to do", "done", counts.completed),
        ("Given up", "nothing is left to do", "done", counts.failed),
    ];
    let mut before = 0;
    let share = |(label, why, tone, contacts): (&'static str, &'static str, &'static str, u32)| {
        let share = Share { label, why, tone, number: words::number(contacts), before, contacts };
        before += contacts;
        share
    };
    all.into_iter().filter(|(.., contacts)| *contacts > 0).map(share).collect()
}
