//! `/campaigns/{id}/timeline`: what happened to a campaign as a whole, the newest first. What happened to single contacts stands on
//! their own pages.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::dashboard::parts::When;
use crate::dashboard::{render, words};
use crate::db::Database;
use crate::db::campaigns::find_campaign;
use crate::db::events::{Event, list_last_events};
use crate::domain::access::Permission;
use crate::domain::event::EventKind;
use crate::domain::zone::Zone;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::people;

/// Entries that are shown at first, and as many more each time that earlier ones are asked for.
const AT_ONCE: usize = 12;

/// As many as are shown at all.
const MOST: usize = 20 * AT_ONCE;

/// Events that are read at once: a campaign may wait again and again for the same. And how often that is done for one answer.
const READ: i64 = 100;
const READINGS: usize = 10;

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/campaigns/{id}/timeline").get(Permission::EventsRead, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineQuery {
    /// All down to this event are wanted, which somebody has unfolded.
    down_to: Option<i64>,
    /// And some that came earlier.
    below: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/campaign_timeline.html")]
struct Timeline {
    id: Uuid,
    entries: Vec<Entry>,
    /// Down to which event they are unfolded, if they are: they are asked for anew as far as that.
    unfolded: Option<i64>,
    /// The event below which there are earlier ones.
    earlier: Option<i64>,
}

/// Something that happened.
struct Entry {
    tone: &'static str,
    text: String,
    by: Option<String>,
    at: When,
    until: Option<When>,
    /// How often it happened without anything else between, and when first, if more than once.
    times: Option<(u32, When)>,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
    Query(query): Query<TimelineQuery>,
) -> Result<HttpResponse, Problem> {
    let (database, team) = (&api.board.database, visitor.caller.team);
    let found = find_campaign(database, team, *id).await?;
    let campaign = found.ok_or_else(|| Problem::not_found("campaign"))?;
    let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
    let (down_to, further) = match (query.below, query.down_to) {
        (Some(below), _) => (Some(below), AT_ONCE),
        (None, Some(down_to)) => (Some(down_to), 0),
        (None, None) => (None, AT_ONCE),
    };
    let (events, next) = read(database, (team, *id), down_to, further > 0).await?;
    let runs: Vec<&[Event]> = events.chunk_by(is_same).collect();
    let is_above = |run: &&[Event]| {
        down_to.is_some_and(|down_to| run.first().is_some_and(|event| event.position >= down_to))
    };
    let shown = (runs.partition_point(is_above) + further).min(runs.len()).min(MOST);
    let end = match shown < runs.len() {
        true => shown.checked_sub(1).and_then(|last| runs[last].last()).map(|event| event.position),
        false => next,
    };
    let entries = runs.iter().take(shown).filter_map(|run| Entry::of(run, zone, now)).collect();
    // Where nothing is left, nothing is ever below.
    let unfolded = down_to.map(|_| end.unwrap_or(0));
    render(&Timeline { id: *id, entries, unfolded, earlier: end.filter(|_| shown < MOST) })
}

/// The newest events, down to one if it is named, and some more if they are wanted; and below which there are others.
async fn read(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    down_to: Option<i64>,
    wants_more: bool,
) -> Result<(Vec<Event>, Option<i64>), Problem> {
    let kinds = of_campaigns();
    let (mut events, mut below) = (Vec::new(), None);
    let mut is_enough = down_to.is_some() && !wants_more;
    for _ in 0..READINGS {
        let (some, next) = list_last_events(database, team, campaign, &kinds, (below, READ)).await?;
        events.extend(some);
        let is_there = |next: i64| down_to.is_none_or(|down_to| next <= down_to);
        // Once it has come so far, it reads once more where more is wanted.
        let was_there = below.map_or(down_to.is_none(), is_there);
        below = next;
        is_enough |= was_there;
        if next.is_none_or(|next| is_there(next) && is_enough) {
            break;
        }
    }
    Ok((events, below))
}

/// The kinds of what happens to a campaign as a whole.
fn of_campaigns() -> Vec<EventKind> {
    let of_single =
        |kind: &EventKind| ["contact.", "attempt."].iter().any(|of| kind.as_str().starts_with(of));
    EventKind::ALL.iter().copied().filter(|kind| !of_single(kind)).collect()
}

/// Whether a campaign waits for the same again.
fn is_same(one: &Event, before: &Event) -> bool {
    let both = (one.kind, before.kind);
    both == (EventKind::CampaignWaiting, EventKind::CampaignWaiting)
        && one.data.get("because") == before.data.get("because")
}

impl Entry {
    /// Of events that are the same, the newest first.
    fn of(run: &[Event], zone: &Zone, now: DateTime<Utc>) -> Option<Self> {
        let (event, first) = (run.first()?, run.last()?);
        let times = u32::try_from(run.len()).unwrap_or(u32::MAX);
        let (tone, text) = told(event.kind, &event.data)?;
        let until = match event.kind {
            EventKind::CampaignWaiting => instant(&event.data, "until"),
            _ => None,
        };
        Some(Self {
            tone,
            text: words::sentence(&text),
            by: event.by.as_ref().map(|by| by.name.clone().unwrap_or_else(|| "a key".to_owned())),
            at: When::at(event.at, zone, now),
            until: until.map(|until| When::at(until, zone, now)),
            times: (times > 1).then(|| (times, When::at(first.at, zone, now))),
        })
    }
}

fn instant(data: &Value, name: &str) -> Option<DateTime<Utc>> {
    data.get(name).and_then(Value::as_str)?.parse().ok()
}

/// What happened, and how good or bad that is; nothing of what is not about the campaign as a whole.
fn told(kind: EventKind, data: &Value) -> Option<(&'static str, String)> {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let count =
        |name: &str| u32::try_from(data.get(name).and_then(Value::as_u64).unwrap_or(0)).unwrap_or(u32::MAX);
    let why = |what: &str| match text("detail") {
        Some(detail) => format!("{what}: {detail}"),
        None => what.to_owned(),
    };
    Some(match kind {
        EventKind::CampaignCreated => ("gray", "made".to_owned()),
        EventKind::CampaignStarted => ("blue", "started".to_owned()),
        EventKind::CampaignRunning => ("blue", "began to call".to_owned()),
        EventKind::CampaignWaiting => (
            "gray",
            format!("waits: {}", text("message").or_else(|| text("because")).unwrap_or("for a while")),
        ),
        EventKind::CampaignPaused if text("reason") == Some("by-request") => ("amber", "paused".to_owned()),
        EventKind::CampaignPaused => ("amber", why("paused")),
        EventKind::CampaignResumed => ("blue", "resumed".to_owned()),
        EventKind::CampaignCanceled => ("gray", "canceled".to_owned()),
        EventKind::CampaignCompleted => ("green", "completed: nobody is left to call".to_owned()),
        EventKind::CampaignReopened => ("blue", "goes on: there is somebody to call again".to_owned()),
        EventKind::CampaignFailed => ("red", why("failed")),
        EventKind::CampaignEdited => ("gray", format!("changed: {}", names(data, "changed"))),
        EventKind::CampaignDeleted => ("red", "deleted".to_owned()),
        EventKind::CampaignCallsFail => {
            ("red", format!("{} of the last {} calls have failed", count("failures"), count("calls")))
        }
        EventKind::ScheduleFired => ("blue", format!("a run was made with {}", people(count("contacts")))),
        EventKind::ScheduleSkipped => (
            "amber",
            format!("a run was left out: {}", text("reason").unwrap_or("for some reason").replace('-', " ")),
        ),
        EventKind::ContactsAdded => ("gray", format!("{} added", people(count("contacts")))),
        EventKind::ContactsRetried => ("blue", format!("{} called again", people(count("contacts")))),
        EventKind::ContactCompleted
        | EventKind::ContactFailed
        | EventKind::ContactSuppressed
        | EventKind::ContactCallback
        | EventKind::AttemptStarted
        | EventKind::AttemptAnswered
        | EventKind::AttemptEnded
        | EventKind::AttemptReopened => return None,
    })
}

/// Names of a list, as people write them.
fn names(data: &Value, list: &str) -> String {
    let names = data.get(list).and_then(Value::as_array);
    let names: Vec<String> =
        names.into_iter().flatten().filter_map(Value::as_str).map(|name| name.replace('_', " ")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_to_a_campaign_is_told_in_words_and_what_happened_to_others_is_not_asked_for() {
        let cases = [
            (
                EventKind::CampaignPaused,
                json!({"reason": "by-request", "detail": "somebody paused it"}),
                "paused",
            ),
            (
                EventKind::CampaignPaused,
                json!({"reason": "account", "detail": "no credit"}),
                "paused: no credit",
            ),
            (
                EventKind::CampaignEdited,
                json!({"changed": ["name", "ring_seconds"]}),
                "changed: name, ring seconds",
            ),
            (
                EventKind::CampaignCallsFail,
                json!({"failures": 9, "calls": 10}),
                "9 of the last 10 calls have failed",
            ),
            (EventKind::ContactsRetried, json!({"contacts": 1200}), "1,200 contacts called again"),
            (EventKind::CampaignWaiting, json!({"message": "it is late"}), "waits: it is late"),
        ];
        for (kind, data, expected) in cases {
            assert_eq!(told(kind, &data).unwrap().1, expected);
        }
        for kind in EventKind::ALL {
            assert_eq!(told(*kind, &json!({})).is_some(), of_campaigns().contains(kind), "{kind}");
        }
    }
}
