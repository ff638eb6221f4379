//! `/calls`: the last calls of all campaigns, the newest first.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::db::home::{self, list_last_calls};
use crate::domain::access::Permission;
use crate::domain::zone::Zone;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::frame::Frame;
use super::parts::{Badge, Pages, When, phone};
use super::{render, words};

/// Calls on a page.
const ON_A_PAGE: i64 = 50;

const PATH: &str = "/calls";

pub(super) fn pages() -> Vec<Methods> {
    vec![resource(PATH).get(Permission::ContactsRead, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsQuery {
    /// The event before which the calls began.
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/calls.html")]
struct Calls {
    frame: Frame,
    calls: Vec<Call>,
    /// Whether these are the newest.
    is_newest: bool,
    pages: Pages,
}

struct Call {
    began: When,
    campaign: Uuid,
    campaign_name: String,
    contact: Uuid,
    name: Option<String>,
    to: String,
    number: i32,
    badge: Badge,
    /// How long was talked, if anybody did.
    duration: Option<String>,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    Query(query): Query<CallsQuery>,
) -> Result<HttpResponse, Problem> {
    let (database, team) = (&api.board.database, visitor.caller.team);
    let (calls, older) = list_last_calls(database, team, query.before, ON_A_PAGE).await?;
    let calls = calls.into_iter().map(|call| Call::of(&api, &visitor, call)).collect();
    let frame = Frame::new(&api, &visitor, "Recent calls", "/");
    let newest = query.before.map(|_| PATH.to_owned());
    let pages = Pages::by_age(newest, older.map(|older| format!("{PATH}?before={older}")));
    render(&Calls { frame, calls, is_newest: query.before.is_none(), pages })
}

impl Call {
    fn of(api: &Api, visitor: &Visitor, call: home::Call) -> Self {
        let zone =
            Zone::parse(&call.timezone).or_else(|_| Zone::parse("UTC")).expect("there is UTC everywhere");
        Self {
            began: When::at(call.intended_at, &zone, api.board.clock.now()),
            campaign: call.campaign,
            campaign_name: call.campaign_name,
            contact: call.contact,
            name: call.name,
            to: phone(api, visitor.caller.role, &call.to),
            number: call.number,
            badge: Badge::of_call(call.outcome, call.status),
            duration: call
                .duration_seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| words::span(seconds.into())),
        }
    }
}
