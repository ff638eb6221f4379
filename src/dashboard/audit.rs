//! `/audit`: who did what, the newest first.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::db::audit::{self, AuditFilter, By, Entry};
use crate::domain::access::Permission;
use crate::http::page::cut;
use crate::http::{Api, Methods, Problem, Query, REHEARSED, Visitor, resource, what_it_does};

use super::frame::Frame;
use super::parts::{Badge, Pages, When};
use super::{nodes, render};

/// Entries on a page.
const ON_A_PAGE: i64 = 50;

const PATH: &str = "/audit";

pub(super) fn pages() -> Vec<Methods> {
    vec![resource(PATH).get(Permission::AuditRead, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// Only what was done with this key.
    key: Option<Uuid>,
    /// Only what was done to this campaign.
    campaign: Option<Uuid>,
    /// Only what stands behind this entry.
    before: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    /// What it is about, if it is not everything.
    about: Option<&'static str>,
    pages: Pages,
}

/// Something that was done, or tried.
struct Row {
    at: When,
    who: String,
    prefix: Option<String>,
    key: Option<Uuid>,
    /// In words, if its route is one of the API's.
    does: Option<&'static str>,
    action: String,
    campaign: Option<Campaign>,
    badge: Badge,
    request: Option<String>,
}

/// The campaign that something was done to, or that was made.
struct Campaign {
    id: Uuid,
    /// None if it has been deleted since.
    name: Option<String>,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    Query(query): Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let AuditQuery { key, campaign, before } = query;
    let filter = AuditFilter { campaign, key, before, ..AuditFilter::default() };
    let entries = audit::list(&api.board.database, visitor.caller.team, &filter, ON_A_PAGE + 1).await?;
    let (entries, older) = cut(entries, ON_A_PAGE, |last| last.id);
    let now = api.board.clock.now();
    let page = Page {
        frame: Frame::new(&api, &visitor, "Who did what", nodes::PATH),
        rows: entries.into_iter().map(|entry| Row::of(entry, now)).collect(),
        about: match (key, campaign) {
            (Some(_), _) => Some("Only what was done with one key."),
            (None, Some(_)) => Some("Only what was done to one campaign."),
            (None, None) => None,
        },
        pages: Pages::by_age(
            before.map(|_| address(key, campaign, None)),
            older.map(|older| address(key, campaign, Some(older))),
        ),
    };
    render(&page)
}

fn address(key: Option<Uuid>, campaign: Option<Uuid>, before: Option<Uuid>) -> String {
    let all = [("key", key), ("campaign", campaign), ("before", before)];
    let query = all.iter().filter_map(|(name, id)| id.map(|id| format!("{name}={id}")));
    match query.collect::<Vec<_>>().join("&") {
        query if query.is_empty() => PATH.to_owned(),
        query => format!("{PATH}?{query}"),
    }
}

impl Row {
    fn of(entry: Entry, now: DateTime<Utc>) -> Self {
        let Entry { id: _, at, by, action, campaign, campaign_name, ids: _, ending } = entry;
        let made = ending.as_ref().and_then(|ending| ending.made).filter(|_| campaign_name.is_some());
        let campaign = campaign.or(made).map(|id| Campaign { id, name: campaign_name });
        let is_rehearsal = ending
            .as_ref()
            .and_then(|ending| ending.detail.as_ref())
            .is_some_and(|detail| detail[REHEARSED] == true);
        let (who, prefix, key, request) = match by {
            By::CommandLine => ("the command line".to_owned(), None, None, None),
            By::Key { id, name, prefix, permission: _, request_id } => {
                (name, Some(prefix), Some(id), Some(request_id))
            }
        };
        let badge = match ending.map(|ending| ending.status) {
            // It is under way, or was broken off: nobody knows what came of it.
            None => Badge::new("not known", "gray"),
            Some(200..=399) => Badge::new("done", "green"),
            Some(status @ (401 | 403)) => Badge::new(&format!("not allowed, {status}"), "red"),
            Some(status @ 400..=499) => Badge::new(&format!("refused, {status}"), "amber"),
            Some(status) => Badge::new(&format!("failed, {status}"), "red"),
        };
        let does = if is_rehearsal { Some("Rehearses a campaign") } else { what_it_does(&action) };
        let action = action.replacen("/api/v1", "", 1);
        Self { at: When::utc(at, now), who, prefix, key, does, action, campaign, badge, request }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_is_asked_for() {
        let id = Uuid::nil();
        assert_eq!(address(None, None, None), "/audit");
        assert_eq!(address(Some(id), None, Some(id)), format!("/audit?key={id}&before={id}"));
    }
}
