//! `/campaigns/{id}/contacts/{contact}`: one person in one campaign, with all that happened, when the next call is and why not now.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::campaigns::find_campaign;
use crate::domain::access::{Permission, Role};
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::hours::Window;
use crate::domain::phone;
use crate::domain::zone::Zone;
use crate::http::contacts::{ContactDetail, HoursToday, shown};
use crate::http::show::{self, Area};
use crate::http::{Api, Methods, Problem, Visitor, resource};

use super::campaign::Head;
use super::frame::Frame;
use super::parts::{self, Badge, When};
use super::{render, words};

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/campaigns/{id}/contacts/{contact}").get(Permission::ContactsRead, show)]
}

#[derive(Template)]
#[template(path = "dashboard/contact.html")]
struct Page {
    frame: Frame,
    head: Head,
    id: Uuid,
    name: String,
    phone: String,
    badge: Badge,
    next: Next,
    lines: Vec<(&'static str, String)>,
    columns: Vec<(String, String)>,
    hours: Vec<Hours>,
    calls: Vec<Call>,
    /// How many calls stand before those that are shown.
    earlier: u32,
    suppression: Option<Suppression>,
    /// The number, for whoever may suppress it and sees it.
    suppresses: Option<String>,
    may_call_back: bool,
    zone: String,
}

/// When the next call is, and why not now.
struct Next {
    at: Option<When>,
    message: String,
    rule: Option<String>,
    callback: Option<(When, Option<String>)>,
}

/// A condition of today.
struct Hours {
    rule: String,
    zone: String,
    windows: String,
    is_open: bool,
    told: String,
    when: Option<When>,
}

/// A call.
struct Call {
    number: i32,
    began: When,
    badge: Badge,
    rang: Option<String>,
    talked: Option<String>,
    taken_by: Option<String>,
    price: Option<String>,
    /// What went wrong: the provider's words, and what to do about it.
    error: Option<String>,
    advice: Option<&'static str>,
    /// What happened when.
    times: Vec<(&'static str, When)>,
    from: String,
    sid: Option<String>,
    settings_version: i32,
}

struct Suppression {
    reason: String,
    note: Option<String>,
    since: When,
    until: Option<When>,
    in_force: bool,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (team, role) = (visitor.caller.team, visitor.caller.role);
    let detail = shown(&api, team, *path).await?;
    let found = find_campaign(&api.board.database, team, path.0).await?;
    let campaign = found.ok_or_else(|| Problem::not_found("campaign"))?;
    let clock = Clock { zone: &campaign.settings.timezone, now: api.board.clock.now() };
    let ContactDetail { contact, campaign: _, next_call, hours, suppression, attempts_made, history } =
        detail;
    let name = contact.name.clone().unwrap_or_else(|| "Without a name".to_owned());
    let is_suppressed = suppression.as_ref().is_some_and(|listed| listed.in_force);
    let is_over = matches!(campaign.state, State::Failed | State::Canceled);
    let can_be_called = !is_over && !is_suppressed && contact.state != ContactState::Suppressed;
    let is_number = contact.phone.starts_with('+');
    let may_suppress = role.may(Permission::SuppressionsWrite) && !is_suppressed && is_number;
    let callback = contact.callback_at.filter(|_| contact.callback_waits);
    let shown_calls = u32::try_from(history.len()).unwrap_or(u32::MAX);
    let page = Page {
        frame: Frame::new(&api, &visitor, format!("{name}, {}", campaign.name), "/"),
        head: Head::new(path.0, &campaign.name, campaign.state, role, "contact"),
        id: contact.id,
        name,
        phone: parts::phone(&api, role, &contact.phone),
        badge: Badge::of_contact(contact.state),
        next: Next {
            at: next_call.at.map(|at| clock.when(at)),
            message: words::sentence(&next_call.message),
            rule: match (next_call.rule, next_call.zone) {
                (Some(rule), Some(zone)) => Some(format!("{}, {zone}", words::rule(&rule))),
                (rule, _) => rule.as_deref().map(words::rule),
            },
            callback: callback.map(|at| (clock.when(at), contact.callback_note.clone())),
        },
        lines: lines(&api, role, &contact),
        columns: columns(&contact.metadata),
        hours: hours.into_iter().map(|hours| Hours::of(hours, &clock)).collect(),
        calls: history.into_iter().rev().map(|call| Call::of(call, &clock)).collect(),
        earlier: attempts_made.saturating_sub(shown_calls),
        suppression: suppression.map(|listed| Suppression::of(listed, &clock)),
        suppresses: may_suppress.then(|| contact.phone.clone()),
        may_call_back: role.may(Permission::ContactsWrite) && can_be_called && is_number,
        zone: clock.zone.name().to_owned(),
    };
    render(&page)
}

/// The campaign's clock, and what it shows now.
struct Clock<'a> {
    zone: &'a Zone,
    now: DateTime<Utc>,
}

impl Clock<'_> {
    fn when(&self, at: DateTime<Utc>) -> When {
        When::at(at, self.zone, self.now)
    }
}

/// What is known of somebody.
fn lines(api: &Api, role: Role, contact: &show::Contact) -> Vec<(&'static str, String)> {
    let number = |phone: &str| parts::phone(api, role, phone);
    let alternates: Vec<String> =
        contact.alternates.as_array().into_iter().flatten().filter_map(Value::as_str).map(number).collect();
    let (zones, told_by) = match &contact.area {
        Area::Known(known) => {
            let places = known.places.join(", ");
            let zones = known.zones.as_ref().map_or_else(|| "not known".to_owned(), |zones| zones.join(", "));
            let zones = if places.is_empty() { zones } else { format!("{zones} ({places})") };
            (zones, Some(known.told_by.replace('-', " ")))
        }
        Area::ZoneMissing(missing) => (format!("{}, which is not known here", missing.missing_zone), None),
    };
    let all = [
        ("Place in the list", Some(words::number(contact.position))),
        ("Row of the file", Some(words::number(contact.row))),
        ("Extension", contact.extension.clone()),
        ("Further numbers", Some(alternates.join(", ")).filter(|numbers| !numbers.is_empty())),
        ("Country of the number", contact.region.clone()),
        ("Kind of line", contact.number_type.as_ref().map(|kind| kind.replace('-', " "))),
        ("Where they are", Some(zones)),
        ("Told by", told_by),
        ("Priority", Some(contact.priority.to_string()).filter(|_| contact.priority != 0)),
        ("Repaired", contact.repair.as_ref().map(|repair| repair.replace('-', " "))),
        ("Calls that count", Some(words::number(contact.attempts))),
        ("Last outcome", contact.last_outcome.map(|outcome| outcome.as_str().replace('-', " "))),
        ("Set aside", contact.set_aside.clone()),
        ("Before the call", contact.before_call.clone()),
    ];
    all.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

/// The list's own columns.
fn columns(metadata: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let columns = metadata.as_object().into_iter().flatten();
    columns.map(|(name, value)| (name.clone(), text(value))).collect()
}

impl Hours {
    fn of(hours: HoursToday, clock: &Clock<'_>) -> Self {
        let HoursToday { rule, zone, windows_today, open, open_until, opens_at, because } = hours;
        let windows = match windows_today {
            None => "all day".to_owned(),
            Some(windows) if windows.is_empty() => "closed today".to_owned(),
            Some(windows) => {
                windows.iter().map(Window::to_string).collect::<Vec<_>>().join(", ").replace('-', "–")
            }
        };
        let own = Zone::parse(&zone);
        let when = |at: DateTime<Utc>| When::at(at, own.as_ref().unwrap_or(clock.zone), clock.now);
        let told = match (open, &because) {
            (true, _) if open_until.is_some() => "open until".to_owned(),
            (true, _) => "open".to_owned(),
            (false, Some(because)) if opens_at.is_some() => format!("{because}; opens"),
            (false, because) => because.clone().unwrap_or_else(|| "closed".to_owned()),
        };
        Self {
            rule: words::rule(&rule),
            zone,
            windows,
            is_open: open,
            told,
            when: open_until.or(opens_at).map(when),
        }
    }
}

impl Call {
    fn of(call: show::Attempt, clock: &Clock<'_>) -> Self {
        let advice = call.advice();
        let seconds = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_milliseconds() as f64 / 1000.0;
        let taken = call.answered_at.or(call.ended_at);
        let rang = call.ringing_at.zip(taken).map(|(from, to)| words::span(seconds(from, to)));
        let happened = [
            ("Placed", call.placed_at),
            ("Rang", call.ringing_at),
            ("Taken", call.answered_at),
            ("Ended", call.ended_at),
            ("Settled", call.settled_at),
        ];
        let error = match (call.error_code, call.error_message) {
            (Some(code), Some(message)) => Some(format!("{message} (code {code})")),
            (Some(code), None) => Some(format!("Code {code}")),
            (None, message) => message,
        };
        Self {
            number: call.number,
            began: clock.when(call.intended_at),
            badge: Badge::of_call(call.outcome, call.status),
            rang,
            talked: call
                .duration_seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| words::span(seconds.into())),
            taken_by: call.answered_by.map(|by| by.replace('_', " ")),
            price: call.price.map(|price| format!("{price} {}", call.price_unit.unwrap_or_default())),
            error,
            advice,
            times: happened.into_iter().filter_map(|(what, at)| Some((what, clock.when(at?)))).collect(),
            from: phone::in_groups(&call.from),
            sid: call.sid,
            settings_version: call.settings_version,
        }
    }
}

impl Suppression {
    fn of(listed: show::Suppression, clock: &Clock<'_>) -> Self {
        Self {
            reason: listed.reason,
            note: listed.note,
            since: clock.when(listed.created_at),
            until: listed.expires_at.map(|at| clock.when(at)),
            in_force: listed.in_force,
        }
    }
}
