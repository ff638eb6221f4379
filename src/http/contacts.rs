//! `/api/v1/campaigns/{id}/contacts/{contact}`: one contact with its attempts, when it is called next and why not now,
//! and what is asked for it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;
use uuid::Uuid;

use crate::actors::WakeCampaign;
use crate::db::callbacks::{Asked, ask_for_callback};
use crate::db::calls::list_calls_to;
use crate::db::contacts::{Detail, find_contact};
use crate::db::look::KnownArea;
use crate::domain::access::Permission;
use crate::domain::area::Area;
use crate::domain::callback::{Callback, NoCallback};
use crate::domain::contact::ContactState;
use crate::domain::contactable::{Decision, Person, Reason, Terms};
use crate::domain::next_call::{Prospect, next_call};
use crate::domain::rules::Condition;
use crate::domain::suppression::is_in_force;
use crate::domain::zone::{Candidates, Unmapped};

use super::auth::Caller;
use super::body::Body;
use super::instant::Instant;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem, show};

const LONGEST_NOTE: usize = 1000;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/contacts/{contact}").get(Permission::ContactsRead, get),
        resource("/campaigns/{id}/contacts/{contact}/callback")
            .post(Permission::ContactsWrite, ask_to_be_called),
    ]
}

async fn get(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let board = &api.board;
    let Some(found) = find_contact(&board.database, caller.team, *path).await? else {
        return Err(Problem::not_found("contact of such a campaign"));
    };
    let rules = board.rules(&found.settings);
    let rules = rules.map_err(|error| Problem::conflict("rules-missing", error.to_string()))?;
    let terms = Terms::of(&found.settings, &rules);
    let now = board.clock.now();
    let mut body = show::contact(&found.contact);
    body["campaign"] = json!({ "id": path.0, "state": found.campaign });
    let calls = list_calls_to(&board.database, caller.team, &found.contact.phone, terms.reach(), now).await?;
    body["next_call"] = next_call_of(&found, &calls, &terms, now);
    body["hours"] = found.contact.area.whole().map_or(json!([]), |area| hours(area, &terms, now));
    body["suppression"] = found.suppression.as_ref().map(|listed| show::suppression(listed, now)).into();
    // The contact's own number of attempts counts those that count; these are all.
    body["attempts_made"] = found.attempts_made.into();
    body["history"] = found.attempts.iter().map(show::attempt).collect();
    Ok(answer(StatusCode::OK, &body))
}

/// When a contact is called next; null if it has gone, or if rules are missing by which that could be told.
async fn next_call_now(
    api: &Api,
    team: Uuid,
    path: (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<Value, Problem> {
    let board = &api.board;
    let Some(found) = find_contact(&board.database, team, path).await? else { return Ok(Value::Null) };
    let Ok(rules) = board.rules(&found.settings) else {
        return Ok(Value::Null);
    };
    let terms = Terms::of(&found.settings, &rules);
    let calls = list_calls_to(&board.database, team, &found.contact.phone, terms.reach(), now).await?;
    Ok(next_call_of(&found, &calls, &terms, now))
}

fn next_call_of(found: &Detail, calls: &[DateTime<Utc>], terms: &Terms<'_>, now: DateTime<Utc>) -> Value {
    let contact = &found.contact;
    let suppression = found.suppression.as_ref();
    let nowhere = Area { zones: Candidates::Unmapped(Unmapped::NoZoneKnown), places: Vec::new() };
    let area = match &contact.area {
        KnownArea::Whole(area) => area,
        KnownArea::ZoneMissing(zone) if contact.state == ContactState::Pending => {
            let message = zone_missing(zone);
            return json!({ "at": null, "because": "zone-missing", "message": message, "rule": null, "zone": **zone });
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
        callback_at: callback.map(|callback| callback.at),
        campaign: found.campaign,
        starts_at: found.starts_at,
        call_day: found.call_day,
        spend: found.spend,
    };
    let next = next_call(&prospect, terms, now);
    json!({
        "at": next.at,
        "because": next.because,
        "message": next.message,
        "rule": next.rule.as_ref().map(|(rule, _)| rule),
        "zone": next.rule.as_ref().and_then(|(_, zone)| zone.as_ref()),
    })
}

fn zone_missing(zone: &str) -> String {
    format!("the time zones in use do not know {zone}, which the contact is in, so nobody can tell its hours")
}

/// How far ahead it is looked for when hours begin or end.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// Everything that has to be open for a call to somebody in this area: its windows today on its own clock, null if it
/// restricts nothing today, whether it is open, and until when or from when on; null if that is beyond a year. Empty if nothing tells
/// where they are and the campaign does not call then.
fn hours(area: &Area, terms: &Terms<'_>, now: DateTime<Utc>) -> Value {
    let conditions = terms.conditions(area).unwrap_or_default();
    let show = |condition: &Condition<'_>| {
        let Condition { rule, schedule, zone } = condition;
        let shut = schedule.shut(zone, now);
        let (open_until, opens_at) = match shut {
            None => (schedule.closes(zone, now, now + AHEAD), None),
            Some(_) => (None, schedule.opens(zone, now, now + AHEAD)),
        };
        json!({
            "rule": rule,
            "zone": zone.name(),
            "windows_today": schedule.windows_of(zone.local(now).date()),
            "open": shut.is_none(),
            "open_until": open_until,
            "opens_at": opens_at,
            "because": shut.map(|shut| shut.to_string()),
        })
    };
    conditions.iter().map(show).collect()
}

/// When somebody wants to be called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackForm {
    at: Instant,
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
        ask_for_callback(&board.database, caller.team, (campaign, contact), &wanted, board.node, now).await?;
    let (state, due_at) = match asked {
        Asked::Promised { state, due_at } => (state, due_at),
        Asked::Refused(refused) => return Err(refused.into()),
        Asked::NotFound => return Err(Problem::not_found("contact of such a campaign")),
    };
    info!(campaign.id = %campaign, contact.id = %contact, "a callback was asked for");
    api.supervisor.do_send(WakeCampaign { campaign });
    let callback = json!({ "at": wanted.at, "note": wanted.note });
    let next_call = next_call_now(&api, caller.team, *path, now).await?;
    let body = json!({
        "id": contact,
        "state": state,
        "due_at": due_at,
        "callback": callback,
        "next_call": next_call,
    });
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
            NoCallback::Suppressed => Self::conflict("suppressed", detail),
            NoCallback::NumberRefused(outcome) => {
                Self::conflict("number-refused", detail).with("outcome", outcome.as_str())
            }
        }
    }
}
