//! `/campaigns/{id}/contacts`: whom a campaign calls, and how each of them stands, in the order of the list or another.
//!
//! Where only some are wanted, they are looked for in one part of the list after the other: each answer is there at once, and the
//! page asks for the next part by itself until it has enough of them, or the list is at its end. Meanwhile it tells how far it has
//! looked.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::dashboard::frame::Frame;
use crate::dashboard::parts::{Badge, FilterBy, FilterOption, Filters, Pages, When, phone};
use crate::dashboard::{render, words};
use crate::db::attempts::{LastCall, list_last_calls_of};
use crate::db::campaigns::{self, find_campaign};
use crate::db::contacts::{Contact, Order, SortedBy};
use crate::domain::access::Permission;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;
use crate::http::listed::{self, Asked, Listed, MOST_SORTED, Wanted};
use crate::http::page::cut;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::Head;

/// Contacts on a page.
const ON_A_PAGE: i64 = 50;

/// So many contacts are looked through for one answer.
const LOOKED_THROUGH: i32 = 25_000;

/// The columns of files that can be chosen with one word.
const FILES: [(&str, &str); 2] = [
    (
        "Everything",
        "name,phone,extension,metadata.*,state,attempts,last_outcome,due_at,callback_at,callback_note,set_aside,before_call,\
         priority,region,number_type,timezone,zones,row,id",
    ),
    ("Name, number and what came of it", "name,phone,extension,state,last_outcome,attempts"),
];

pub(super) fn pages() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/contacts").get(Permission::ContactsRead, show),
        resource("/campaigns/{id}/more-contacts").get(Permission::ContactsRead, more),
    ]
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactsQuery {
    /// Only those in this state; all if it is empty.
    state: Option<String>,
    /// Only those whose last call came to this; all if it is empty.
    outcome: Option<String>,
    /// Only those whom this finds.
    search: Option<String>,
    /// In which order; that of the list if it is not said.
    sort: Option<String>,
    /// Only those behind this position.
    after: Option<i32>,
    /// What the contact there was sorted by.
    past: Option<String>,
    /// How many stand above already.
    found: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/campaign_contacts.html")]
struct Page {
    frame: Frame,
    head: Head,
    wanted: Wanted,
    filters: Filters,
    columns: [Column; 8],
    /// In which order they stand.
    order: String,
    /// Another order of the list that there is always.
    other_order: (&'static str, String),
    /// How many may be sorted by every column, if these are more.
    most_sorted: Option<String>,
    may_export: bool,
    files: [(&'static str, &'static str); 2],
    /// Whether the rows may be asked for anew while something happens.
    moves: bool,
    own_address: String,
    pages: Pages,
    rows: Rows,
}

/// The head of a column.
struct Column {
    label: &'static str,
    is_number: bool,
    /// How the table is sorted by it, if it is: as `aria-sort` has it.
    sorted: Option<&'static str>,
    /// Where it is sorted by it, or the other way round; none if it cannot be.
    address: Option<String>,
}

/// What stands in the columns, and what they are sorted by, if they can be.
const COLUMNS: [(&str, Option<SortedBy>, bool); 8] = [
    ("Name", Some(SortedBy::Name), false),
    ("Number", Some(SortedBy::Phone), false),
    ("Status", Some(SortedBy::State), false),
    ("Last outcome", Some(SortedBy::Outcome), false),
    ("Calls", Some(SortedBy::Attempts), true),
    ("Next call", Some(SortedBy::Due), false),
    ("Last call", None, false),
    ("Talk", None, true),
];

#[derive(Template)]
#[template(path = "dashboard/campaign_contact_rows.html")]
struct Rows {
    id: Uuid,
    rows: Vec<Row>,
    rest: Rest,
    /// Whether nobody was found at all.
    is_empty: bool,
}

impl askama::filters::HtmlSafe for Rows {}

/// What stands behind these rows.
enum Rest {
    /// Nobody.
    Nobody,
    /// A further page, at this address.
    Page(String),
    /// It is not known yet.
    NotKnown {
        /// This address tells.
        address: String,
        /// So does this page, for whoever has no script.
        page: String,
        /// How far it was looked.
        told: String,
    },
}

struct Row {
    id: Uuid,
    name: Option<String>,
    phone: String,
    extension: Option<String>,
    state: Badge,
    outcome: Option<Badge>,
    attempts: String,
    next: Option<When>,
    why: String,
    last_call: Option<When>,
    duration: Option<String>,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = of_team(&api, &visitor, *id).await?;
    let wanted = possible(query.wanted()?, &campaign);
    let role = visitor.caller.role;
    let rows = read(&api, &visitor, &campaign, &wanted, 0).await?;
    let contacts = listed::contacts(&campaign);
    let address = Address { campaign: *id, wanted: &wanted };
    let first = wanted.behind.as_ref().map(|_| address.of("contacts", None, None));
    let next = match &rows.rest {
        Rest::Page(address) => Some(address.clone()),
        Rest::Nobody | Rest::NotKnown { .. } => None,
    };
    let page = Page {
        frame: Frame::new(&api, &visitor, format!("Contacts of {}", campaign.name), "/"),
        head: Head::new(*id, &campaign.name, campaign.state, role, "contacts"),
        filters: filters(&campaign, &wanted),
        columns: COLUMNS.map(|column| address.column(column, contacts)),
        order: in_words(wanted.order),
        other_order: address.other_order(),
        most_sorted: (contacts > MOST_SORTED).then(|| words::number(MOST_SORTED)),
        may_export: role.may(Permission::ContactsExport),
        files: FILES,
        moves: !matches!(rows.rest, Rest::NotKnown { .. }),
        own_address: match &wanted.behind {
            None => address.of("contacts", None, None),
            Some(behind) => address.of("contacts", Some((behind.position, &behind.mark)), None),
        },
        pages: Pages::in_order(first, next),
        rows,
        wanted,
    };
    render(&page)
}

async fn more(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsQuery>,
) -> Result<HttpResponse, Problem> {
    let found = query.found.unwrap_or(0).clamp(0, ON_A_PAGE - 1);
    let campaign = of_team(&api, &visitor, *id).await?;
    let wanted = possible(query.wanted()?, &campaign);
    render(&read(&api, &visitor, &campaign, &wanted, found).await?)
}

async fn of_team(api: &Api, visitor: &Visitor, id: Uuid) -> Result<campaigns::Campaign, Problem> {
    let found = find_campaign(&api.board.database, visitor.caller.team, id).await?;
    found.ok_or_else(|| Problem::not_found("campaign"))
}

/// What is asked for, in the order of the list where the campaign is too large for another: a filter may have been added to an order
/// that goes without.
fn possible(wanted: Wanted, campaign: &campaigns::Campaign) -> Wanted {
    match wanted.can_be_sorted(wanted.order, listed::contacts(campaign)) {
        true => wanted,
        false => Wanted { order: Order::OF_THE_LIST, behind: None, ..wanted },
    }
}

fn in_state(campaign: &campaigns::Campaign, state: ContactState) -> u32 {
    let counts = &campaign.counts;
    match state {
        ContactState::Pending => counts.pending,
        ContactState::Calling => counts.calling,
        ContactState::Completed => counts.completed,
        ContactState::Failed => counts.failed,
        ContactState::Suppressed => counts.suppressed,
    }
}

fn filters(campaign: &campaigns::Campaign, wanted: &Wanted) -> Filters {
    let state = |state: &ContactState| FilterOption {
        value: state.as_str(),
        label: format!("{} ({})", words::sentence(state.as_str()), words::number(in_state(campaign, *state))),
        is_chosen: wanted.state == Some(*state),
    };
    let outcome = |outcome: &Outcome| FilterOption {
        value: outcome.as_str(),
        label: words::sentence(&outcome.as_str().replace('-', " ")),
        is_chosen: wanted.outcome == Some(*outcome),
    };
    let states = ContactState::ALL.iter().map(state).collect();
    let outcomes = Outcome::ALL.iter().map(outcome).collect();
    Filters {
        action: format!("/campaigns/{}/contacts", campaign.id),
        shows: "#contacts",
        placeholder: "Name or number",
        search: wanted.search.clone().unwrap_or_default(),
        choices: vec![
            FilterBy { name: "state", label: "Status", options: states },
            FilterBy { name: "outcome", label: "Last outcome", options: outcomes },
        ],
        kept: sort(wanted.order).into_iter().map(|sort| ("sort", sort)).collect(),
    }
}

impl ContactsQuery {
    fn wanted(&self) -> Result<Wanted, Problem> {
        let given = |text: &'_ Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (state, outcome, search, sort) =
            (given(&self.state), given(&self.outcome), given(&self.search), given(&self.sort));
        Wanted::read(&Asked {
            state: state.as_deref(),
            outcome: outcome.as_deref(),
            search: search.as_deref(),
            sort: sort.as_deref(),
            after: self.after,
            past: self.past.as_deref(),
        })
    }
}

/// An order as the address has it; none for that of the list.
fn sort(order: Order) -> Option<String> {
    let sign = if order.descending { "-" } else { "" };
    (order != Order::OF_THE_LIST).then(|| format!("{sign}{}", order.by))
}

/// An order in words.
fn in_words(order: Order) -> String {
    let by = match order.by {
        SortedBy::Position if order.descending => return "From the end of the list".to_owned(),
        SortedBy::Position => return "In the order of the list".to_owned(),
        SortedBy::Phone => "number",
        SortedBy::Name => "name",
        SortedBy::State => "status",
        SortedBy::Outcome => "last outcome",
        SortedBy::Attempts => "calls",
        SortedBy::Due => "next call",
    };
    format!("By {by}{}", if order.descending { ", from the end" } else { "" })
}

/// Addresses of what is asked for.
struct Address<'a> {
    campaign: Uuid,
    wanted: &'a Wanted,
}

impl Address<'_> {
    /// Behind a place, on this page of the campaign's.
    fn of(&self, page: &str, behind: Option<(i32, &str)>, found: Option<i64>) -> String {
        self.sorted(self.wanted.order, page, behind, found)
    }

    /// The same in another order.
    fn sorted(&self, order: Order, page: &str, behind: Option<(i32, &str)>, found: Option<i64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let state = self.wanted.state.map(|state| ("state", state.as_str().to_owned()));
        let outcome = self.wanted.outcome.map(|outcome| ("outcome", outcome.as_str().to_owned()));
        let search = self.wanted.search.as_ref().map(|search| ("search", search.clone()));
        let sort = sort(order).map(|sort| ("sort", sort));
        let after = behind.map(|(after, _)| ("after", after.to_string()));
        let past = behind.filter(|(_, past)| !past.is_empty()).map(|(_, past)| ("past", past.to_owned()));
        let found = found.map(|found| ("found", found.to_string()));
        query.extend_pairs([state, outcome, search, sort, after, past, found].into_iter().flatten());
        let campaign = self.campaign;
        match query.finish() {
            query if query.is_empty() => format!("/campaigns/{campaign}/{page}"),
            query => format!("/campaigns/{campaign}/{page}?{query}"),
        }
    }

    /// The head of a column, where the campaign has so many contacts.
    fn column(
        &self,
        (label, by, is_number): (&'static str, Option<SortedBy>, bool),
        contacts: u32,
    ) -> Column {
        let now = self.wanted.order;
        let order = by.map(|by| Order { by, descending: by == now.by && !now.descending });
        let order = order.filter(|order| self.wanted.can_be_sorted(*order, contacts));
        let sorted = match now.descending {
            true => "descending",
            false => "ascending",
        };
        Column {
            label,
            is_number,
            sorted: (by == Some(now.by)).then_some(sorted),
            address: order.map(|order| self.sorted(order, "contacts", None, None)),
        }
    }

    /// The list from its other end, or in its own order, where it is sorted otherwise.
    fn other_order(&self) -> (&'static str, String) {
        let from_the_end = Order { by: SortedBy::Position, descending: true };
        let (label, order) = match self.wanted.order == Order::OF_THE_LIST {
            true => ("from its end", from_the_end),
            false => ("in the order of the list", Order::OF_THE_LIST),
        };
        (label, self.sorted(order, "contacts", None, None))
    }
}

/// The rows that are asked for, where so many were found before.
async fn read(
    api: &Api,
    visitor: &Visitor,
    campaign: &campaigns::Campaign,
    wanted: &Wanted,
    before: i64,
) -> Result<Rows, Problem> {
    let (database, team, id) = (&api.board.database, visitor.caller.team, campaign.id);
    let limit = ON_A_PAGE - before;
    // The whole list is not looked through, for nobody is left out.
    let most = (!wanted.is_everybody()).then_some(LOOKED_THROUGH);
    let nobody = wanted.state.is_some_and(|state| in_state(campaign, state) == 0);
    let Listed { contacts, looked_to } = match nobody {
        true => Listed { contacts: Vec::new(), looked_to: None },
        false => listed::list(api, team, campaign, wanted, (most, limit + 1)).await?,
    };
    let address = Address { campaign: id, wanted };
    let (contacts, next) = cut(contacts, limit, |contact| (contact.position, wanted.order.mark(contact)));
    let found = before + i64::try_from(contacts.len()).unwrap_or(limit);
    let rest = match (next, looked_to) {
        (Some((after, mark)), _) => Rest::Page(address.of("contacts", Some((after, &mark)), None)),
        (None, Some(after)) if found < ON_A_PAGE => {
            let all = listed::contacts(campaign);
            let looked = if wanted.order.descending {
                all.saturating_sub(after.unsigned_abs() - 1)
            } else {
                after.unsigned_abs()
            };
            Rest::NotKnown {
                address: address.of("more-contacts", Some((after, "")), Some(found)),
                page: address.of("contacts", Some((after, "")), None),
                told: format!("Looked through {} of {} so far…", words::number(looked), words::number(all)),
            }
        }
        (None, Some(after)) => Rest::Page(address.of("contacts", Some((after, "")), None)),
        (None, None) => Rest::Nobody,
    };
    let ids: Vec<Uuid> = contacts.iter().map(|contact| contact.id).collect();
    let last = list_last_calls_of(database, team, &ids).await?;
    let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
    let row = |contact: Contact| Row::of(api, visitor, contact, (campaign.state, &last), (zone, now));
    Ok(Rows { id, rows: contacts.into_iter().map(row).collect(), is_empty: found == 0, rest })
}

impl Row {
    fn of(
        api: &Api,
        visitor: &Visitor,
        contact: Contact,
        (campaign, last): (State, &HashMap<Uuid, LastCall>),
        (zone, now): (&Zone, DateTime<Utc>),
    ) -> Self {
        let (next, why) = next_call(&contact, campaign, now);
        let last = last.get(&contact.id);
        Self {
            id: contact.id,
            phone: phone(api, visitor.caller.role, &contact.phone),
            extension: Some(contact.extension).filter(|extension| !extension.is_empty()),
            state: Badge::of_contact(contact.state),
            outcome: contact.last_outcome.map(|outcome| Badge::of_call(Some(outcome), None)),
            attempts: words::number(contact.attempts),
            next: next.map(|at| When::at(at, zone, now)),
            why,
            last_call: last.map(|call| When::at(call.intended_at, zone, now)),
            duration: last
                .and_then(|call| call.duration_seconds)
                .filter(|seconds| *seconds > 0)
                .map(|seconds| words::span(seconds.into())),
            name: contact.name,
        }
    }
}

/// From when on a contact is to be called, as far as that is its own affair, and why: what hours and caps say of it stands on its own
/// page.
fn next_call(contact: &Contact, campaign: State, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, String) {
    let is_over = matches!(campaign, State::Failed | State::Canceled);
    match contact.state {
        ContactState::Pending if is_over => (None, "the campaign is over".to_owned()),
        ContactState::Pending => {
            let later = contact.due_at.filter(|due_at| *due_at > now);
            let why = match (&contact.before_call, contact.last_outcome) {
                _ if contact.callback_waits => "callback".to_owned(),
                (Some(said), _) => said.clone(),
                (None, Some(outcome)) => format!("again after {}", outcome.as_str().replace('-', " ")),
                (None, None) if later.is_some() => String::new(),
                (None, None) => "when its turn comes".to_owned(),
            };
            (later, why)
        }
        ContactState::Calling => (None, "being called".to_owned()),
        ContactState::Completed => (None, String::new()),
        ContactState::Suppressed => (None, "must not be called".to_owned()),
        ContactState::Failed => match &contact.set_aside {
            Some(why) => (None, format!("set aside: {why}")),
            None => (None, "given up".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(state: &str, search: &str) -> ContactsQuery {
        let given = |text: &str| Some(text.to_owned());
        ContactsQuery {
            state: given(state),
            outcome: given(""),
            search: given(search),
            sort: given(""),
            after: None,
            past: None,
            found: None,
        }
    }

    #[test]
    fn an_address_holds_what_is_asked_for() {
        let wanted = query("failed", " a&b ").wanted().ok().unwrap();
        let address = Address { campaign: Uuid::nil(), wanted: &wanted };
        let more = address.of("more-contacts", Some((7, "")), Some(3));
        assert!(more.ends_with("/more-contacts?state=failed&search=a%26b&after=7&found=3"), "{more}");
        let everybody = query("", " ").wanted().ok().unwrap();
        assert!(everybody.is_everybody());
        let address = Address { campaign: Uuid::nil(), wanted: &everybody };
        assert!(address.of("contacts", None, None).ends_with("/contacts"));
        assert!(query("sleeping", "").wanted().is_err());
    }

    #[test]
    fn a_column_s_head_sorts_by_it_and_then_the_other_way_round() {
        let read = |sort: &str| {
            ContactsQuery { sort: Some(sort.to_owned()), ..query("", "") }.wanted().ok().unwrap()
        };
        let head = |sort: &str, contacts| {
            let wanted = read(sort);
            let address = Address { campaign: Uuid::nil(), wanted: &wanted };
            let Column { sorted, address, .. } = address.column(COLUMNS[0], contacts);
            (sorted, address.map(|address| address.rsplit('/').next().unwrap().to_owned()))
        };
        let leads_to = |query: &str| Some(query.to_owned());
        assert_eq!(head("", 3), (None, leads_to("contacts?sort=name")));
        assert_eq!(head("name", 3), (Some("ascending"), leads_to("contacts?sort=-name")));
        assert_eq!(head("-name", 3), (Some("descending"), leads_to("contacts?sort=name")));
        assert_eq!(head("", MOST_SORTED + 1), (None, None));
    }
}
