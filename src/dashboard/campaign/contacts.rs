//! `/campaigns/{id}/contacts`: whom a campaign calls, and how each of them stands, in the order of the list.
//!
//! Where only some are wanted, they are looked for in one part of the list after the other: each answer is there at once, and the
//! page asks for the next part by itself until it has enough of them, or the list is at its end.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::dashboard::frame::Frame;
use crate::dashboard::parts::{Badge, When, phone};
use crate::dashboard::{render, words};
use crate::db::attempts::{LastCall, list_last_calls_of};
use crate::db::campaigns::{self, find_campaign};
use crate::db::contacts::{Contact, ContactFilter, Found, Search, list_contacts, search_contacts};
use crate::domain::access::Permission;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;
use crate::http::page::cut;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource, search};

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
    /// Only those behind this position.
    after: Option<i32>,
    /// How many stand above already.
    found: Option<i64>,
}

/// What is asked for.
struct Wanted {
    state: Option<ContactState>,
    outcome: Option<Outcome>,
    search: Option<String>,
    after: i32,
}

#[derive(Template)]
#[template(path = "dashboard/campaign_contacts.html")]
struct Page {
    frame: Frame,
    head: Head,
    wanted: Wanted,
    states: Vec<Choice>,
    outcomes: Vec<Choice>,
    may_export: bool,
    files: [(&'static str, &'static str); 2],
    /// Whether the rows may be asked for anew while something happens.
    moves: bool,
    own_address: String,
    /// Where the first page is, if this is another.
    first: Option<String>,
    /// Where the next one is.
    next: Option<String>,
    rows: Rows,
}

/// A state or an outcome that can be asked for.
struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

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
    /// It is not known yet: this address tells, and the text how far it was looked.
    NotKnown { address: String, told: String },
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
    let wanted = Wanted::of(query)?;
    let campaign = of_team(&api, &visitor, *id).await?;
    let role = visitor.caller.role;
    let rows = read(&api, &visitor, &campaign, &wanted, 0).await?;
    let outcome = |outcome: &Outcome| Choice {
        value: outcome.as_str(),
        label: words::sentence(&outcome.as_str().replace('-', " ")),
        is_chosen: wanted.outcome == Some(*outcome),
    };
    let page = Page {
        frame: Frame::new(&api, &visitor, format!("Contacts of {}", campaign.name), "/"),
        head: Head::new(*id, &campaign.name, campaign.state, role, "contacts"),
        states: states(&campaign, wanted.state),
        outcomes: Outcome::ALL.iter().map(outcome).collect(),
        may_export: role.may(Permission::ContactsExport),
        files: FILES,
        moves: !matches!(rows.rest, Rest::NotKnown { .. }),
        own_address: wanted.address("contacts", *id, wanted.after, None),
        first: (wanted.after > 0).then(|| wanted.address("contacts", *id, 0, None)),
        next: match &rows.rest {
            Rest::Page(address) => Some(address.clone()),
            Rest::Nobody | Rest::NotKnown { .. } => None,
        },
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
    let wanted = Wanted::of(query)?;
    let campaign = of_team(&api, &visitor, *id).await?;
    render(&read(&api, &visitor, &campaign, &wanted, found).await?)
}

async fn of_team(api: &Api, visitor: &Visitor, id: Uuid) -> Result<campaigns::Campaign, Problem> {
    let found = find_campaign(&api.board.database, visitor.caller.team, id).await?;
    found.ok_or_else(|| Problem::not_found("campaign"))
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

fn states(campaign: &campaigns::Campaign, chosen: Option<ContactState>) -> Vec<Choice> {
    let choice = |state: &ContactState| Choice {
        value: state.as_str(),
        label: format!("{} ({})", words::sentence(state.as_str()), words::number(in_state(campaign, *state))),
        is_chosen: chosen == Some(*state),
    };
    ContactState::ALL.iter().map(choice).collect()
}

impl Wanted {
    fn of(query: ContactsQuery) -> Result<Self, Problem> {
        let given =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let bad =
            |unknown: crate::domain::names::UnknownName| Problem::invalid("bad-filter", unknown.to_string());
        let state = given(query.state).map(|state| ContactState::parse(&state)).transpose().map_err(bad)?;
        let outcome =
            given(query.outcome).map(|outcome| Outcome::parse(&outcome)).transpose().map_err(bad)?;
        Ok(Self { state, outcome, search: given(query.search), after: query.after.unwrap_or(0) })
    }

    fn is_everybody(&self) -> bool {
        self.state.is_none() && self.outcome.is_none() && self.search.is_none()
    }

    /// The address of what is asked for, behind a position.
    fn address(&self, page: &str, campaign: Uuid, after: i32, found: Option<i64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let state = self.state.map(|state| ("state", state.as_str().to_owned()));
        let outcome = self.outcome.map(|outcome| ("outcome", outcome.as_str().to_owned()));
        let search = self.search.as_ref().map(|search| ("search", search.clone()));
        let after = (after > 0).then(|| ("after", after.to_string()));
        let found = found.map(|found| ("found", found.to_string()));
        query.extend_pairs([state, outcome, search, after, found].into_iter().flatten());
        match query.finish() {
            query if query.is_empty() => format!("/campaigns/{campaign}/{page}"),
            query => format!("/campaigns/{campaign}/{page}?{query}"),
        }
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
    let filter = ContactFilter { state: wanted.state, outcome: wanted.outcome, after: wanted.after };
    let limit = ON_A_PAGE - before;
    let extent = (LOOKED_THROUGH, limit + 1);
    let nobody = wanted.state.is_some_and(|state| in_state(campaign, state) == 0);
    let (contacts, looked_to) = match &wanted.search {
        _ if nobody => (Vec::new(), None),
        Some(text) => search::in_campaign(api, visitor.caller, id, &filter, text, extent).await?,
        None if wanted.is_everybody() => (list_contacts(database, team, id, &filter, limit + 1).await?, None),
        None => {
            let found = search_contacts(database, (team, id), &filter, &Search::Anybody, extent).await?;
            let Found { contacts, looked_to } = found;
            (contacts, looked_to)
        }
    };
    let (contacts, next) = cut(contacts, limit, |contact| contact.position);
    let found = before + i64::try_from(contacts.len()).unwrap_or(limit);
    let rest = match (next, looked_to) {
        (Some(after), _) => Rest::Page(wanted.address("contacts", id, after, None)),
        (None, Some(after)) if found < ON_A_PAGE => Rest::NotKnown {
            address: wanted.address("more-contacts", id, after, Some(found)),
            told: format!("Looked through {} of the list …", words::number(after)),
        },
        (None, Some(after)) => Rest::Page(wanted.address("contacts", id, after, None)),
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
            after: None,
            found: None,
        }
    }

    #[test]
    fn an_address_holds_what_is_asked_for() {
        let wanted = Wanted::of(query("failed", " a&b ")).ok().unwrap();
        let address = wanted.address("more-contacts", Uuid::nil(), 7, Some(3));
        assert!(address.ends_with("/more-contacts?state=failed&search=a%26b&after=7&found=3"), "{address}");
        let everybody = Wanted::of(query("", " ")).ok().unwrap();
        assert!(everybody.is_everybody());
        assert!(everybody.address("contacts", Uuid::nil(), 0, None).ends_with("/contacts"));
        assert!(Wanted::of(query("sleeping", "")).is_err());
    }
}
