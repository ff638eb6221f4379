//! `/hooks/{id}`: one hook: how it is, what it tells of, and what could not be delivered at once. It is changed, tested and asked to
//! deliver again by the API.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::db::hooks::deliveries::{self, list_deliveries};
use crate::db::hooks::{Hook, find_hook};
use crate::domain::access::Permission;
use crate::domain::hook::DeliveryState;
use crate::http::page::cut;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::frame::Frame;
use super::hooks::{Kinds, PATH, Remark, badge, remarks, tells};
use super::parts::{Badge, Pages, When};
use super::{render, words};

/// Deliveries on a page.
const ON_A_PAGE: i64 = 50;

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/hooks/{id}").get(Permission::HooksRead, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveriesQuery {
    /// Only those that stand so.
    state: Option<String>,
    /// Only those of events before this one.
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/hook.html")]
struct Page {
    frame: Frame,
    may_write: bool,
    id: Uuid,
    label: String,
    name: Option<String>,
    url: String,
    is_enabled: bool,
    badge: Badge,
    remarks: Vec<Remark>,
    tells: String,
    kinds: Kinds,
    last_delivered: Option<When>,
    delivered_event: String,
    dead: i64,
    former_secret: Option<When>,
    made: When,
    states: Vec<StateLink>,
    deliveries: Vec<Row>,
    own_address: String,
    pages: Pages,
}

/// A state that deliveries can be filtered by.
struct StateLink {
    address: String,
    label: String,
    is_here: bool,
}

/// A delivery.
struct Row {
    event: i64,
    kind: &'static str,
    badge: Badge,
    tries: u32,
    last_try: Option<When>,
    next_try: Option<When>,
    /// What came of the last try.
    answer: String,
    /// How the body of the last answer begins.
    response: Option<String>,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<HttpResponse, Problem> {
    let (database, caller, now) = (&api.board.database, visitor.caller, api.board.clock.now());
    let state =
        query.state.as_deref().filter(|state| !state.is_empty()).map(DeliveryState::parse).transpose();
    let state = state.map_err(|unknown| Problem::invalid("bad-filter", unknown.to_string()))?;
    let hook = find_hook(database, caller.team, *id).await?.ok_or_else(|| Problem::not_found("hook"))?;
    let rows = list_deliveries(database, (caller.team, *id), state, query.before, ON_A_PAGE + 1).await?;
    let (rows, older) = cut(rows, ON_A_PAGE, |last| last.event);
    let states = std::iter::once(None).chain(DeliveryState::ALL.iter().copied().map(Some));
    let link = |one: Option<DeliveryState>| StateLink {
        address: address(*id, one, None),
        label: one.map_or_else(|| "All".to_owned(), |one| words::sentence(one.as_str())),
        is_here: one == state,
    };
    let Hook { name, url, kinds, .. } = hook.clone();
    let label = name.clone().unwrap_or_else(|| url.clone());
    let page = Page {
        frame: Frame::new(&api, &visitor, label.as_str(), PATH),
        may_write: caller.role.may(Permission::HooksWrite),
        id: *id,
        is_enabled: hook.stopped.is_none(),
        badge: badge(&hook, now),
        remarks: remarks(&hook, now),
        tells: tells(kinds.as_deref()),
        kinds: Kinds::of(kinds.as_deref()),
        last_delivered: hook.last_delivered_at.map(|at| When::utc(at, now)),
        delivered_event: words::number(hook.delivered_position),
        dead: hook.dead,
        former_secret: hook.former_until.filter(|until| *until > now).map(|until| When::utc(until, now)),
        made: When::utc(hook.created_at, now),
        states: states.map(link).collect(),
        deliveries: rows.into_iter().map(|row| Row::of(row, now)).collect(),
        own_address: address(*id, state, query.before),
        pages: Pages::by_age(
            query.before.map(|_| address(*id, state, None)),
            older.map(|older| address(*id, state, Some(older))),
        ),
        label,
        name,
        url,
    };
    render(&page)
}

/// The address of a hook's page with these deliveries.
fn address(id: Uuid, state: Option<DeliveryState>, before: Option<i64>) -> String {
    let state = state.map(|state| format!("state={state}"));
    let query = state.into_iter().chain(before.map(|before| format!("before={before}")));
    match query.collect::<Vec<_>>().join("&") {
        query if query.is_empty() => format!("{PATH}/{id}"),
        query => format!("{PATH}/{id}?{query}"),
    }
}

impl Row {
    fn of(delivery: deliveries::Delivery, now: DateTime<Utc>) -> Self {
        let tone = match delivery.state {
            DeliveryState::Retrying => "amber",
            DeliveryState::Dead => "red",
            DeliveryState::Asked => "blue",
            DeliveryState::Delivered => "green",
        };
        let answer = match (delivery.status, delivery.error) {
            (Some(status), None) => format!("answered {status}"),
            (Some(status), Some(error)) => format!("answered {status}: {error}"),
            (None, Some(error)) => error,
            (None, None) => "–".to_owned(),
        };
        Self {
            event: delivery.event,
            kind: delivery.kind.as_str(),
            badge: Badge::new(delivery.state.as_str(), tone),
            tries: delivery.tries,
            last_try: delivery.last_try_at.map(|at| When::utc(at, now)),
            next_try: delivery.next_try_at.map(|at| When::utc(at, now)),
            answer,
            response: delivery.response.filter(|response| !response.is_empty()),
        }
    }
}
