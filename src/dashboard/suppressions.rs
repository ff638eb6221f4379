//! `/suppressions`: the team's list of numbers that must not be contacted. Numbers are put on it and taken off by the API.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::db::suppressions::{Suppression, find_suppression, list_suppressions, list_suppressions_from};
use crate::domain::access::{Permission, Role};
use crate::domain::suppression::{Source, is_in_force};
use crate::http::page::cut;
use crate::http::suppressions::number;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::frame::Frame;
use super::parts::{Pages, When, phone};
use super::{render, words};

/// Numbers on a page.
const ON_A_PAGE: i64 = 50;

/// Whoever sees no whole numbers sees these on a page by their places, of which the server has to count the ones before. Behind
/// so many a number is looked for instead.
const COUNTED: i64 = 5_000;

/// The country of numbers without a code, unless another is said.
const REGION: &str = "US";

const PATH: &str = "/suppressions";

pub(super) fn pages() -> Vec<Methods> {
    vec![resource(PATH).get(Permission::SuppressionsRead, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The number behind which the page begins.
    after: Option<String>,
    /// How many stand before, for whoever may not see whole numbers: an address is seen, too.
    from: Option<i64>,
    /// A number that is looked for, in any writing.
    number: Option<String>,
    /// Its country, if it has no code.
    region: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/suppressions.html")]
struct Page {
    frame: Frame,
    may_write: bool,
    may_download: bool,
    /// What was typed to be looked for.
    typed: String,
    region: String,
    found: Found,
    rows: Vec<Row>,
    own_address: String,
    is_first: bool,
    pages: Pages,
    /// Whether there are more than are shown to whoever sees no whole numbers.
    is_cut: bool,
}

/// What became of a search.
enum Found {
    /// Nothing was looked for.
    NotAsked,
    /// It is no number.
    NoNumber(String),
    /// It is not on the list.
    Nothing(String),
    /// It is.
    Listed(Box<Row>),
}

/// A number of the list.
struct Row {
    e164: String,
    shown: String,
    reason: String,
    note: Option<String>,
    source: &'static str,
    since: When,
    until: Option<When>,
    is_in_force: bool,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let (database, team, role) = (&api.board.database, visitor.caller.team, visitor.caller.role);
    let given =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let typed = given(query.number);
    let region = given(query.region).unwrap_or_else(|| REGION.to_owned());
    let found = match &typed {
        None => Found::NotAsked,
        Some(typed) => look_for(&api, &visitor, typed, &region).await?,
    };
    let now = api.board.clock.now();
    let is_masked = api.mask_for_viewers && role == Role::Viewer;
    let after = given(query.after).filter(|_| !is_masked);
    let from = query.from.unwrap_or(0).clamp(0, COUNTED);
    // Whoever looks for one does not look through all.
    let rows = match (&typed, is_masked) {
        (Some(_), _) => Vec::new(),
        (None, true) => list_suppressions_from(database, team, from, ON_A_PAGE + 1).await?,
        (None, false) => {
            list_suppressions(database, team, after.as_deref().unwrap_or_default(), ON_A_PAGE + 1).await?
        }
    };
    let (rows, next) = cut(rows, ON_A_PAGE, |last| last.phone.clone());
    let is_cut = is_masked && next.is_some() && from + ON_A_PAGE > COUNTED;
    let place = |from: i64| match from {
        0 => PATH.to_owned(),
        from => address(&[("from", &from.to_string())]),
    };
    let (own_address, is_first, next) = match is_masked {
        true => (place(from), from == 0, next.filter(|_| !is_cut).map(|_| place(from + ON_A_PAGE))),
        false => (
            address(&after.iter().map(|after| ("after", after.as_str())).collect::<Vec<_>>()),
            after.is_none(),
            next.map(|next| address(&[("after", &next)])),
        ),
    };
    let page = Page {
        frame: Frame::new(&api, &visitor, "Suppression list", PATH),
        may_write: role.may(Permission::SuppressionsWrite),
        may_download: !is_masked,
        own_address: match &typed {
            Some(typed) => address(&[("number", typed), ("region", &region)]),
            None => own_address,
        },
        typed: typed.unwrap_or_default(),
        region,
        found,
        rows: rows.into_iter().map(|row| Row::of(&api, role, row, now)).collect(),
        pages: Pages::in_order((!is_first).then(|| PATH.to_owned()), next),
        is_first,
        is_cut,
    };
    render(&page)
}

async fn look_for(api: &Api, visitor: &Visitor, typed: &str, region: &str) -> Result<Found, Problem> {
    let caller = visitor.caller;
    let e164 = match number(typed, region) {
        Ok(e164) => e164,
        Err(problem) => return Ok(Found::NoNumber(words::sentence(problem.told().1))),
    };
    Ok(match find_suppression(&api.board.database, caller.team, &e164).await? {
        None => Found::Nothing(phone(api, caller.role, &e164)),
        Some(found) => Found::Listed(Box::new(Row::of(api, caller.role, found, api.board.clock.now()))),
    })
}

fn address(query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") }
}

impl Row {
    fn of(api: &Api, role: Role, suppression: Suppression, now: DateTime<Utc>) -> Self {
        let Suppression { phone: e164, reason, source, note, created_at, expires_at } = suppression;
        Self {
            shown: phone(api, role, &e164),
            e164,
            reason,
            note,
            source: match source {
                Source::Api => "one of you",
                Source::File => "a file",
                Source::OptOutKey => "a key pressed in a call",
                Source::Agent => "word to an agent",
                Source::Provider => "the provider",
            },
            since: When::utc(created_at, now),
            until: expires_at.map(|at| When::utc(at, now)),
            is_in_force: is_in_force(expires_at, now),
        }
    }
}
