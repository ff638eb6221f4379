//! A campaign's people and their calls, page by page.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::attempts::{AttemptFilter, list_attempts};
use crate::db::campaigns::find_campaign;
use crate::db::contacts::LOOKED_THROUGH;
use crate::domain::outcome::Outcome;

use super::must_exist;
use crate::http::auth::Caller;
use crate::http::body::Query;
use crate::http::listed::{self, Asked, Wanted};
use crate::http::page::{self, AfterPosition, Before, Page};
use crate::http::show::{Attempt, Contact};
use crate::http::{Api, Problem, wire};

/// A page of contacts.
#[derive(Serialize, ToSchema)]
struct Contacts {
    /// In the list's order, or the one that was asked for.
    contacts: Vec<Contact>,
    /// What asks for the next page; null on the last one.
    next: Option<AfterPosition>,
}

/// A page of attempts.
#[derive(Serialize, ToSchema)]
struct Attempts {
    /// The newest first.
    attempts: Vec<Attempt>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContactsQuery {
    /// Only those in this state.
    #[param(value_type = Option<wire::ContactState>)]
    state: Option<String>,
    /// Only those whose last attempt came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// Only those whom this finds: a number in any writing, its last digits, or a part of a name. Each page then looks
    /// through the next 250,000 contacts at most, so that it may hold fewer than asked for, or none, and have a next one.
    #[param(max_length = 200)]
    search: Option<String>,
    /// In which order; with a minus before it from its end. Those that are alike in it stand as in the list. By `position`,
    /// which is the list's, and by `phone` without a filter any campaign's are sorted; otherwise one with up to 25,000 contacts.
    #[param(value_type = Option<wire::ContactOrder>, inline)]
    sort: Option<String>,
    /// Only those behind this position.
    after: Option<i32>,
    /// With `after`, what the contact there was sorted by, as the `next` of the page before has it.
    past: Option<String>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists a campaign's contacts
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/contacts", operation_id = "list_contacts", tag = "contacts",
    params(ContactsQuery), responses((status = 200, description = "A page of contacts", body = Contacts)),
)]
pub(super) async fn contacts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsQuery>,
) -> Result<Page, Problem> {
    let wanted = Wanted::read(&Asked {
        state: query.state.as_deref(),
        outcome: query.outcome.as_deref(),
        search: query.search.as_deref(),
        sort: query.sort.as_deref(),
        after: query.after,
        past: query.past.as_deref(),
    })?;
    let limit = page::limit(query.limit)?;
    let Some(campaign) = find_campaign(&api.board.database, caller.team, *id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let extent = (wanted.search.is_some().then_some(LOOKED_THROUGH), limit + 1);
    let found = listed::list(&api, caller.team, &campaign, &wanted, extent).await?;
    let (rows, next) = page::cut(found.contacts, limit, |last| AfterPosition {
        after: last.position,
        past: (!wanted.order.has_index()).then(|| wanted.order.mark(last)),
    });
    let next = next.or(found.looked_to.map(|after| AfterPosition { after, past: None }));
    let contacts = rows.into_iter().map(Contact::from).collect();
    let page = Contacts { contacts, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AttemptsQuery {
    /// Only those that came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// Only those of this contact.
    contact: Option<Uuid>,
    /// Only those made before this one.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists a campaign's attempts
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/attempts", operation_id = "list_attempts", tag = "attempts",
    params(AttemptsQuery), responses((status = 200, description = "A page of attempts", body = Attempts)),
)]
pub(super) async fn attempts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<AttemptsQuery>,
) -> Result<Page, Problem> {
    let filter = AttemptFilter {
        outcome: page::named(query.outcome.as_ref(), Outcome::parse)?,
        contact: query.contact,
        before: query.before,
    };
    let limit = page::limit(query.limit)?;
    must_exist(&api, caller, *id).await?;
    let rows = list_attempts(&api.board.database, caller.team, *id, &filter, limit + 1).await?;
    let (rows, next) = page::cut(rows, limit, |attempt| Before { before: attempt.id });
    let attempts = rows.into_iter().map(Attempt::from).collect();
    let page = Attempts { attempts, next };
    Ok(Page::of(&page, page.next.as_ref()))
}
