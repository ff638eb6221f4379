//! Finding people: `?search=` among a campaign's contacts, and `/api/v1/contacts?phone=` among all of a team's.

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::contacts::{Search, Somewhere, list_contacts_with};
use crate::domain::access::Permission;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::domain::phone::{Phone, PhoneError, Region, parse_phone};
use crate::domain::settings::Settings;

use super::auth::Caller;
use super::body::Query;
use super::openapi::describe;
use super::page::{Before, Page};
use super::resource::{Methods, resource};
use super::{Api, Problem, page, wire};

/// The longest text that is looked for.
const LONGEST: usize = 200;

/// Fewer digits are looked for in names: in numbers, they would be in too many.
const FEWEST_DIGITS: usize = 3;

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/contacts").get(Permission::ContactsRead, of_team).described(describe![of_team])]
}

/// Refuses a text that is longer than anybody's name.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    match text.chars().count() {
        ..=LONGEST => Ok(()),
        length => {
            let detail = format!("search has {length} characters, expected at most {LONGEST}");
            Err(Problem::invalid("bad-filter", detail))
        }
    }
}

/// Whom a text finds in a campaign with these settings: by number, where it can be one, and else by name. A text that is a whole
/// number, in whatever writing, finds that number; one of digits and what stands between them finds the numbers that end so.
pub(super) fn read_for(text: &str, settings: &Settings) -> Search {
    read(text, Region::parse(&settings.default_region).unwrap_or(Region::US))
}

/// What a text looks for.
fn read(text: &str, home: Region) -> Search {
    let is_of_a_number = |c: char| c.is_ascii_digit() || "+()-./ \u{a0}".contains(c);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !text.chars().all(is_of_a_number) || digits.len() < FEWEST_DIGITS {
        return Search::Name(text.to_owned());
    }
    match parse_phone(text, home) {
        Ok(parsed) => Search::Phone(parsed.phone.as_str().to_owned()),
        Err(_) => match Phone::from_e164(text) {
            // One that is kept is found also if today's metadata would not let it in.
            Ok(phone) => Search::Phone(phone.as_str().to_owned()),
            Err(_) => Search::LastDigits(digits),
        },
    }
}

/// Whose number is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PhoneQuery {
    /// The number, in any writing.
    #[param(example = "(202) 555-0101")]
    phone: String,
    /// The region of numbers without a country code: `US` if it is not said.
    region: Option<String>,
    /// The contact behind which the page begins.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Somebody with the number that was looked for, in one of the team's campaigns.
#[derive(Debug, Serialize, ToSchema)]
struct ContactOfTeam {
    /// The contact's id.
    id: Uuid,
    /// The campaign that it is in.
    campaign: InCampaign,
    /// The number, in E.164.
    #[schema(example = "+12025550101")]
    phone: String,
    /// What is dialed after the call is taken.
    extension: Option<String>,
    /// Its name.
    name: Option<String>,
    /// How it stands.
    #[schema(value_type = wire::ContactState)]
    state: ContactState,
    /// From when on it may be called, while it is pending.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    due_at: Option<DateTime<Utc>>,
    /// Attempts that count.
    attempts: u32,
    /// What the last one came to.
    #[schema(value_type = Option<wire::Outcome>)]
    last_outcome: Option<Outcome>,
    /// Why it was set aside, if it was.
    set_aside: Option<String>,
}

/// The campaign of somebody who was looked for.
#[derive(Debug, Serialize, ToSchema)]
struct InCampaign {
    /// Its id.
    id: Uuid,
    /// What people call it.
    name: String,
    /// How it stands.
    #[schema(value_type = wire::CampaignState)]
    state: State,
}

/// A page of contacts with the number that was looked for.
#[derive(Debug, Serialize, ToSchema)]
struct ContactsOfTeam {
    /// Those in the newest campaign first.
    contacts: Vec<ContactOfTeam>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

impl ContactOfTeam {
    fn of(found: &Somewhere, phone: &str) -> Self {
        Self {
            id: found.id,
            campaign: InCampaign {
                id: found.campaign,
                name: found.campaign_name.clone(),
                state: found.campaign_state,
            },
            phone: phone.to_owned(),
            extension: Some(found.extension.clone()).filter(|extension| !extension.is_empty()),
            name: found.name.clone(),
            state: found.state,
            due_at: found.due_at,
            attempts: found.attempts,
            last_outcome: found.last_outcome,
            set_aside: found.set_aside.clone(),
        }
    }
}

/// Finds a number in all campaigns
///
/// Whoever has exactly this number, in each of the team's campaigns.
#[utoipa::path(
    get, path = "/api/v1/contacts", operation_id = "find_contacts", tag = "contacts", params(PhoneQuery),
    responses((status = 200, description = "A page of contacts", body = ContactsOfTeam)),
)]
async fn of_team(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<PhoneQuery>,
) -> Result<Page, Problem> {
    let limit = page::limit(query.limit)?;
    let region = query.region.as_deref().map_or(Ok(Region::US), Region::parse);
    let region = region.map_err(|error| Problem::invalid("bad-region", format!("region: {error}")))?;
    let bad =
        |error: PhoneError| Problem::invalid("bad-phone", error.to_string()).with("reason", error.reason());
    // An unescaped plus of a query is a blank.
    let kept = |error| {
        let text = format!("+{}", query.phone.trim_start_matches(['+', ' ']));
        Phone::from_e164(&text).map_err(|_| error)
    };
    let phone = parse_phone(&query.phone, region).map(|parsed| parsed.phone).or_else(kept).map_err(bad)?;
    let database = &api.board.database;
    let found = list_contacts_with(database, caller.team, phone.as_str(), query.before, limit + 1).await?;
    let (found, next) = page::cut(found, limit, |found| Before { before: found.id });
    let contacts = found.iter().map(|found| ContactOfTeam::of(found, phone.as_str())).collect();
    let page = ContactsOfTeam { contacts, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_number_the_end_of_one_or_a_name() {
        let cases = [
            ("+1 (202) 555-0101", Search::Phone("+12025550101".to_owned())),
            ("202.555.0101", Search::Phone("+12025550101".to_owned())),
            // What a plus becomes in an address.
            (" 12025550101", Search::Phone("+12025550101".to_owned())),
            ("555-0101", Search::LastDigits("5550101".to_owned())),
            ("0101", Search::LastDigits("0101".to_owned())),
            ("12", Search::Name("12".to_owned())),
            ("%_'\"\\", Search::Name("%_'\"\\".to_owned())),
            ("Room 101", Search::Name("Room 101".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text, Region::US), expected, "{text}");
        }
    }
}
