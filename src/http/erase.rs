//! One person who asks to be forgotten.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::retention::{Erasure, Person, Touched, erase_person};
use crate::domain::access::Permission;
use crate::domain::phone::{Phone, PhoneError, Region, parse_phone};

use super::auth::Caller;
use super::body::Body;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem};

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/contacts/erase").post(Permission::ContactsErase, erase).described(describe![erase])]
}

/// Whom nothing is to lead to any more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ErasureForm {
    /// The number, in any writing.
    #[schema(example = "+12025550143")]
    phone: String,
    /// Where it is, if it has no country code: two letters, the United States if that is not said.
    #[schema(example = "US")]
    region: Option<String>,
}

/// What was touched.
#[derive(Serialize, ToSchema)]
struct ErasedPerson {
    /// Contacts that had the number: they have neither number nor name nor metadata any more.
    contacts: u64,
    /// Of them those who were still to be called, and have failed instead.
    given_up: u64,
    /// Other contacts who had the number beside their own, and lost it.
    alternates: u64,
    /// Attempts that have lost the number, the provider's id and the provider's words.
    attempts: u64,
    /// Remarks on rows of lists that were deleted, with the rows.
    remarks: u64,
    /// Lists whose reports show nothing but counts any more.
    lists: u64,
    /// Lists that were looked at and not stored: all of the team's are gone, because nobody knows what is in them.
    previews: u64,
    /// Calls of deleted campaigns that are not counted any more against how often the number may be called.
    past_calls: u64,
    /// The campaigns in which something was changed.
    campaigns: Vec<Uuid>,
    /// Whether the number must not be called. That stays: without it a new list with the number would have it called.
    is_suppressed: bool,
}

/// Erases a person
///
/// Takes number, name, metadata and whatever else leads to them out of all campaigns of the team, at once, and calls them no
/// more from there. That they must not be contacted stays on the list of suppressions. While a call to the number is open, or
/// a list of the team is being stored for longer than some seconds, it is answered 409, and a part may be erased already: it is
/// to be asked for again. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/api/v1/contacts/erase", operation_id = "erase_person", tag = "contacts", request_body = ErasureForm,
    responses((status = 200, description = "What was touched", body = ErasedPerson), Conflict),
)]
async fn erase(api: web::Data<Api>, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    const KIND: &str = "bad-erasure";
    let wish: ErasureForm = body.json(KIND)?;
    let refused = |error: PhoneError| Problem::invalid(KIND, format!("phone: {error}"));
    let region = wish.region.as_deref().map_or(Ok(Region::US), Region::parse);
    let region = region.map_err(|error| Problem::invalid(KIND, format!("region: {error}")))?;
    // One that is kept is erased also if today's metadata would not let it in.
    let kept = |error| Phone::from_e164(wish.phone.trim()).map_err(|_| error);
    let phone = parse_phone(&wish.phone, region).map(|parsed| parsed.phone).or_else(kept).map_err(refused)?;
    let national = phone.national_digits();
    let person = Person { phone: phone.as_str(), national: &national };
    let now = api.board.clock.now();
    let (touched, refused) = match erase_person(&api.board.database, caller.team, person, now).await? {
        Erasure::Done(touched) => (touched, None),
        Erasure::CallOpen(touched) => {
            let detail = "a call to the number is open, and what is not of its campaign may be erased already; ask again \
                          when it is over";
            (touched, Some(Problem::conflict("call-open", detail)))
        }
        Erasure::ListUnderWay(touched) => {
            let detail = "everything that was there is erased, but a list is being stored that may have the number as \
                          well; ask again when it is there";
            (touched, Some(Problem::conflict("list-under-way", detail)))
        }
    };
    if !touched.campaigns.is_empty() {
        api.board.wake(&touched.campaigns).await;
    }
    if touched.previews > 0 {
        api.board.sweep();
    }
    api.board.meters.erased("contacts", touched.contacts);
    api.board.meters.erased("attempts", touched.attempts);
    api.board.meters.erased("remarks", touched.remarks);
    info!(contacts = touched.contacts, attempts = touched.attempts, "somebody was erased");
    match refused {
        Some(problem) => Err(problem),
        None => Ok(answer(StatusCode::OK, &ErasedPerson::from(touched))),
    }
}

impl From<Touched> for ErasedPerson {
    fn from(touched: Touched) -> Self {
        let Touched {
            contacts,
            given_up,
            alternates,
            attempts,
            remarks,
            lists,
            previews,
            past_calls,
            is_suppressed,
            campaigns,
        } = touched;
        Self {
            contacts,
            given_up,
            alternates,
            attempts,
            remarks,
            lists,
            previews,
            past_calls,
            campaigns,
            is_suppressed,
        }
    }
}
