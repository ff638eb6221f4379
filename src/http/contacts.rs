//! `/api/v1/campaigns/{id}/contacts/{contact}`: one contact with its attempts, when it is called next and why not now,
//! and what is asked for it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::callbacks::{Asked, ask_for_callback};
use crate::db::calls::list_calls_to;
use crate::db::contacts::{Detail, find_contact};
use crate::db::look::KnownArea;
use crate::domain::access::Permission;
use crate::domain::area::Area;
use crate::domain::callback::{Callback, NoCallback};
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::contactable::{Decision, Person, Reason, Terms};
use crate::domain::hours::Window;
use crate::domain::next_call::{self, Prospect, next_call};
use crate::domain::rules::Condition;
use crate::domain::suppression::is_in_force;
use crate::domain::zone::{Candidates, Unmapped};

use super::auth::Caller;
use super::body::Body;
use super::instant::Instant;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::show::{Attempt, Contact, Suppression};
use super::{Api, Problem, wire};

const LONGEST_NOTE: usize = 1000;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/contacts/{contact}")
            .get(Permission::ContactsRead, get)
            .described(describe![get]),
        resource("/campaigns/{id}/contacts/{contact}/callback")
            .post(Permission::ContactsWrite, ask_to_be_called)
            .described(describe![ask_to_be_called]),
    ]
}

/// A contact, with its attempts, and when it is called next.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactDetail {
    #[serde(flatten)]
    pub(crate) contact: Contact,
    pub(crate) campaign: CampaignOfContact,
    pub(crate) next_call: NextCall,
    /// Everything that has to be open for a call; empty if nothing tells where they are and the campaign does not call
    /// then, or if the zone is not known.
    pub(crate) hours: Vec<HoursToday>,
    /// What stands on the list of numbers that must not be contacted, in force or not any more; null if nothing does.
    pub(crate) suppression: Option<Suppression>,
    /// All its attempts; `attempts` counts those that count.
    pub(crate) attempts_made: u32,
    /// Its newest attempts, 50 at most, the first first.
    pub(crate) history: Vec<Attempt>,
}

/// The campaign of a contact.
#[derive(Serialize, ToSchema)]
pub(crate) struct CampaignOfContact {
    pub(crate) id: Uuid,
    #[schema(value_type = wire::CampaignState)]
    pub(crate) state: State,
}

/// When a contact is called next, and why not now.
#[derive(Serialize, ToSchema)]
pub(crate) struct NextCall {
    /// From when on it may come; null if it never will, or is under way. The list is long, so it may well be later.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) at: Option<DateTime<Utc>>,
    /// What keeps it from coming at once, by its stable name; null if nothing does.
    #[schema(example = "closed")]
    pub(crate) because: Option<&'static str>,
    /// The same in a sentence.
    #[schema(example = "it is called from 9:00 on")]
    pub(crate) message: String,
    /// The rule that keeps it from coming; null if none does.
    #[schema(example = "business_hours")]
    pub(crate) rule: Option<String>,
    /// The clock on which it does; null if it is none of hours.
    pub(crate) zone: Option<String>,
}

/// What a condition says of today.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoursToday {
    /// Its name.
    #[schema(example = "business_hours")]
    pub(crate) rule: String,
    /// Its clock.
    pub(crate) zone: String,
    /// Its windows today on that clock; null if it restricts nothing today.
    #[schema(value_type = Option<Vec<wire::Window>>)]
    pub(crate) windows_today: Option<Vec<Window>>,
    /// Whether it is open now.
    pub(crate) open: bool,
    /// Until when it is; null if it is not, or for more than a year.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) open_until: Option<DateTime<Utc>>,
    /// From when on it is; null if it is now, or not within a year.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) opens_at: Option<DateTime<Utc>>,
    /// Why it is not; null if it is.
    #[schema(example = "outside its hours")]
    pub(crate) because: Option<String>,
}

/// Shows a contact
///
/// With its attempts, when it is called next, and why not now.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/contacts/{contact}", operation_id = "get_contact", tag = "contacts",
    responses((status = 200, description = "The contact", body = ContactDetail), Conflict),
)]
async fn get(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *path).await?))
}

/// A contact of a campaign, with its attempts, when it is called next, and why not now.
pub(crate) async fn shown(api: &Api, team: Uuid, path: (Uuid, Uuid)) -> Result<ContactDetail, Problem> {
    let board = &api.board;
    let Some(found) = find_contact(&board.database, team, path).await? else {
        return Err(Problem::not_found("contact of such a campaign"));
    };
    let rules = board.rules(&found.settings);
    let rules = rules.map_err(|error| Problem::conflict("rules-missing", error.to_string()))?;
    let terms = Terms::of(&found.settings, &rules);
    let now = board.clock.now();
    let calls = list_calls_to(&board.database, team, &found.contact.phone, terms.reach(), now).await?;
    let next_call = next_call_of(&found, &calls, &terms, now);
    let hours = found.contact.area.whole().map(|area| hours(area, &terms, now)).unwrap_or_default();
    Ok(ContactDetail {
        campaign: CampaignOfContact { id: path.0, state: found.campaign },
        next_call,
        hours,
        contact: found.contact.into(),
        suppression: found.suppression.map(|listed| Suppression::at(listed, now)),
        attempts_made: found.attempts_made,
        history: found.attempts.into_iter().map(Attempt::from).collect(),
    })
}

/// When a contact is called next; null if it has gone, or if rules are missing by which that could be told.
async fn next_call_now(
    api: &Api,
    team: Uuid,
    path: (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<Option<NextCall>, Problem> {
    let board = &api.board;
    let Some(found) = find_contact(&board.database, team, path).await? else { return Ok(None) };
    let Ok(rules) = board.rules(&found.settings) else {
        return Ok(None);
    };
    let terms = Terms::of(&found.settings, &rules);
    let calls = list_calls_to(&board.database, team, &found.contact.phone, terms.reach(), now).await?;
    Ok(Some(next_call_of(&found, &calls, &terms, now)))
}

fn next_call_of(found: &Detail, calls: &[DateTime<Utc>], terms: &Terms<'_>, now: DateTime<Utc>) -> NextCall {
    let contact = &found.contact;
    let suppression = found.suppression.as_ref();
    let nowhere = Area { zones: Candidates::Unmapped(Unmapped::NoZoneKnown), places: Vec::new() };
    let area = match &contact.area {
        KnownArea::Whole(area) => area,
        KnownArea::ZoneMissing(zone) if contact.state == ContactState::Pending => {
            let (message, zone) = (zone_missing(zone), Some(zone.to_string()));
            return NextCall { at: None, because: Some("zone-missing"), message, rule: None, zone };
        }
        // What has come to its end does not depend on where it was.
        KnownArea::ZoneMissing(_) => &nowhere,
    };
    let person = Person {
        state: contact.state,
        due_at: contact.due_at,
        area,
        is_suppressed: suppression.is_some_and(|listed| is_in_force(listed.expires_at, now)),
        calls,
    };
    let callback = contact.callback.as_ref().filter(|_| contact.callback_waits);
    let prospect = Prospect {
        person,
        last_outcome: contact.last_outcome,
        attempts_made: found.attempts_made,
        set_aside: contact.set_aside.as_deref(),
        before_call: contact.before_call.as_deref(),
        callback_at: callback.map(|callback| callback.at),
        campaign: found.campaign,
        starts_at: found.starts_at,
        call_day: found.call_day,
        spend: found.spend,
    };
    let next_call::NextCall { at, because, message, rule } = next_call(&prospect, terms, now);
    let (rule, zone) = rule.unzip();
    NextCall { at, because, message, rule, zone: zone.flatten() }
}

fn zone_missing(zone: &str) -> String {
    format!("the time zones in use do not know {zone}, which the contact is in, so nobody can tell its hours")
}

/// How far ahead it is looked for when hours begin or end.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// Everything that has to be open for a call to somebody in this area: its windows today on its own clock, null if it
/// restricts nothing today, whether it is open, and until when or from when on; null if that is beyond a year. Empty if nothing tells
/// where they are and the campaign does not call then.
fn hours(area: &Area, terms: &Terms<'_>, now: DateTime<Utc>) -> Vec<HoursToday> {
    let conditions = terms.conditions(area).unwrap_or_default();
    let show = |condition: &Condition<'_>| {
        let Condition { rule, schedule, zone } = condition;
        let shut = schedule.shut(zone, now);
        let (open_until, opens_at) = match shut {
            None => (schedule.closes(zone, now, now + AHEAD), None),
            Some(_) => (None, schedule.opens(zone, now, now + AHEAD)),
        };
        HoursToday {
            rule: rule.to_string(),
            zone: zone.name().to_owned(),
            windows_today: schedule.windows_of(zone.local(now).date()).map(<[Window]>::to_vec),
            open: shut.is_none(),
            open_until,
            opens_at,
            because: shut.map(|shut| shut.to_string()),
        }
    };
    conditions.iter().map(show).collect()
}

/// When somebody wants to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CallbackForm {
    /// When: an instant with its offset from UTC.
    #[schema(value_type = DateTime<Utc>)]
    at: Instant,
    /// What whoever calls should know, in up to 1000 characters.
    note: Option<String>,
}

/// A callback that was promised.
#[derive(Serialize, ToSchema)]
struct PromisedCallback {
    /// The contact's id.
    id: Uuid,
    #[schema(value_type = wire::ContactState)]
    state: ContactState,
    /// From when on it may be called by the retry policy; null if it is being called.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    due_at: Option<DateTime<Utc>>,
    callback: ShownCallback,
    /// When the hours let it happen; null if that cannot be told.
    next_call: Option<NextCall>,
}

/// A callback that was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Callback)]
struct ShownCallback {
    /// When.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    at: DateTime<Utc>,
    /// What whoever calls should know; null if nothing.
    note: Option<String>,
}

impl CallbackForm {
    fn parse(body: &Body) -> Result<Callback, Problem> {
        let Self { at, note } = body.json("bad-callback")?;
        let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        let length = note.as_ref().map_or(0, |note| note.chars().count());
        if length > LONGEST_NOTE {
            let detail = format!("note has {length} characters, expected at most {LONGEST_NOTE}");
            return Err(Problem::invalid("bad-callback", detail));
        }
        Ok(Callback { at: at.into(), note })
    }
}

/// Asks for a callback
///
/// The contact wants to be called at an instant. It is called then, or as soon after as the hours let it happen, before
/// everybody else.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/contacts/{contact}/callback", operation_id = "ask_for_callback",
    tag = "contacts", request_body = CallbackForm,
    responses((status = 200, description = "The promise", body = PromisedCallback), Conflict),
)]
async fn ask_to_be_called(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (campaign, contact) = *path;
    let wanted = CallbackForm::parse(&body)?;
    let board = &api.board;
    let now = board.clock.now();
    if let Some(found) = find_contact(&board.database, caller.team, *path).await? {
        can_be_called(&api, &found, wanted.at)?;
    }
    let asked =
        ask_for_callback(&board.database, caller.team, (campaign, contact), &wanted, board.node(), now)
            .await?;
    let (state, due_at) = match asked {
        Asked::Promised { state, due_at } => (state, due_at),
        Asked::Refused(refused) => return Err(refused.into()),
        Asked::NotFound => return Err(Problem::not_found("contact of such a campaign")),
    };
    info!(campaign.id = %campaign, contact.id = %contact, "a callback was asked for");
    board.wake(&[campaign]).await;
    let callback = ShownCallback { at: wanted.at, note: wanted.note };
    let next_call = next_call_now(&api, caller.team, *path, now).await?;
    let body = PromisedCallback { id: contact, state, due_at, callback, next_call };
    Ok(answer(StatusCode::OK, &body))
}

/// Nobody is promised a call at a time from which on it is never time to call him.
fn can_be_called(api: &Api, found: &Detail, at: DateTime<Utc>) -> Result<(), Problem> {
    let Ok(rules) = api.board.rules(&found.settings) else { return Ok(()) };
    let area = match &found.contact.area {
        KnownArea::Whole(area) => area,
        KnownArea::ZoneMissing(zone) => return Err(Problem::conflict("zone-missing", zone_missing(zone))),
    };
    match Terms::of(&found.settings, &rules).opening(area, at) {
        Decision::Never { because: because @ Reason::Closed(_) } => Err(Problem::conflict(
            "never-called",
            format!("it is never time to call this contact: {because}"),
        )),
        Decision::Never { .. } | Decision::Now { .. } | Decision::NotUntil { .. } => Ok(()),
    }
}

impl From<NoCallback> for Problem {
    fn from(refused: NoCallback) -> Self {
        let detail = refused.to_string();
        match refused {
            NoCallback::Past(_) | NoCallback::TooFar(_) => Self::invalid("bad-callback", detail),
            NoCallback::CampaignOver(state) => {
                Self::conflict("campaign-over", detail).with("from", state.as_str())
            }
            NoCallback::OnlyItsRunsCall => Self::conflict("has-schedule", detail),
            NoCallback::Erased => Self::conflict("erased", detail),
            NoCallback::Suppressed => Self::conflict("suppressed", detail),
            NoCallback::NumberRefused(outcome) => {
                Self::conflict("number-refused", detail).with("outcome", outcome.as_str())
            }
        }
    }
}
