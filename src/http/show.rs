//! What the API shows of things, as JSON.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::db::attempts::Attempt;
use crate::db::campaigns::Campaign;
use crate::db::contacts::Contact;
use crate::db::imports::{Import, Remark, RemarkOfRow, Standing};
use crate::db::look::KnownArea;
use crate::db::recurrence::SkippedFiring;
use crate::db::suppressions::{Added, Suppression};
use crate::domain::campaign::State;
use crate::domain::dialer::Waiting;
use crate::domain::suppression::is_in_force;
use crate::domain::zone::Candidates;
use crate::import::{Account, FoundColumn, Kind, NewContact, RowReport};

/// What a campaign waits for, and until when.
pub(super) fn waiting(waits: Option<Waiting>) -> Value {
    match waits {
        None => Value::Null,
        Some(Waiting { because, until, rule }) => {
            json!({ "because": because, "until": until, "message": because.sentence(), "rule": rule })
        }
    }
}

pub(super) fn campaign(campaign: &Campaign) -> Value {
    let counts = &campaign.counts;
    let outcome = |name: &str| counts.outcomes.get(name).copied().unwrap_or(0);
    let spend = campaign.settings.max_spend.map(|_| campaign.spend);
    let (spent, unpriced) = (spend.map(|spend| spend.spent), spend.map(|spend| spend.unpriced));
    let finals = counts.completed + counts.failed + counts.suppressed;
    json!({
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "state_reason": campaign.state_reason,
        "state_detail": campaign.state_detail,
        "settings": campaign.settings,
        "settings_version": campaign.settings_version,
        "agent_id": campaign.agent_id,
        "agent": campaign.agent,
        "import": campaign.import,
        "counts": {
            "contacts": finals + counts.pending + counts.calling,
            "pending": counts.pending,
            "calling": counts.calling,
            "completed": counts.completed,
            "failed": counts.failed,
            "suppressed": counts.suppressed,
            "set_aside": counts.set_aside,
            "attempts": counts.attempts,
            "retries": counts.retries,
            "outcomes": counts.outcomes,
        },
        "answer_rate": share(outcome("answered"), counts.attempts),
        "machine_share": share(outcome("machine"), outcome("answered") + outcome("machine")),
        "success_rate": share(counts.completed, finals),
        "average_duration_seconds": average(counts.talk_seconds, outcome("answered") + outcome("machine")),
        "starts_at": campaign.starts_at,
        "next_run_at": next_run_at(campaign),
        "repeats_of": campaign.run_of.map(|(campaign, _)| campaign),
        "firing_at": campaign.run_of.map(|(_, firing_at)| firing_at),
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "paused_at": campaign.paused_at,
        "completed_at": campaign.completed_at,
        "last_call_ended_at": campaign.last_call_ended_at,
        "spent": spent,
        "currency": campaign.currency,
        "unpriced": unpriced,
        "call_day": campaign.call_day.map(|day| json!({ "date": day.on, "calls": day.calls })),
    })
}

/// A firing of which no run was made.
pub(super) fn skipped(skipped: &SkippedFiring) -> Value {
    json!({ "firing_at": skipped.firing_at, "reason": skipped.reason, "run": skipped.run })
}

/// When the next run of a campaign with a schedule is made, if it is started and not paused.
fn next_run_at(campaign: &Campaign) -> Option<DateTime<Utc>> {
    let repeats = campaign.settings.schedule.is_some() && campaign.state == State::Pending;
    campaign.starts_at.filter(|_| repeats)
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn average(seconds: i64, calls: u32) -> Option<f64> {
    (calls > 0).then(|| seconds as f64 / f64::from(calls))
}

pub(super) fn contact(contact: &Contact) -> Value {
    let callback = contact.callback.as_ref();
    json!({
        "id": contact.id,
        "position": contact.position,
        "phone": contact.phone,
        "extension": Some(&contact.extension).filter(|extension| !extension.is_empty()),
        "name": contact.name,
        "metadata": contact.metadata,
        "row": contact.file_row,
        "import_id": contact.import,
        "region": contact.region,
        "number_type": contact.number_type,
        "alternates": contact.alternates,
        "timezone": contact.timezone,
        "area": area(&contact.area),
        "priority": contact.priority,
        "repair": contact.repair,
        "state": contact.state,
        "due_at": contact.due_at,
        "attempts": contact.attempts,
        "last_outcome": contact.last_outcome,
        "callback_at": callback.map(|callback| callback.at),
        "callback_note": callback.and_then(|callback| callback.note.as_ref()),
        "callback_waits": contact.callback_waits,
        "set_aside": contact.set_aside,
    })
}

/// Where somebody may be: the zones whose clocks count for them, what tells so, and the places whose rules do; or the zone
/// that the data in use does not know.
fn area(area: &KnownArea) -> Value {
    match area {
        KnownArea::Whole(area) => json!({
            "zones": zones(&area.zones),
            "told_by": area.told_by(),
            "places": area.places.iter().map(|place| place.to_string()).collect::<Value>(),
        }),
        KnownArea::ZoneMissing(zone) => json!({ "zones": null, "missing_zone": &**zone }),
    }
}

/// The zones by their names; null if nothing tells them.
pub(super) fn zones(candidates: &Candidates) -> Value {
    candidates.zones().map_or(Value::Null, |zones| zones.zones().iter().map(|zone| zone.name()).collect())
}

pub(super) fn attempt(attempt: &Attempt) -> Value {
    json!({
        "id": attempt.id,
        "contact_id": attempt.contact,
        "number": attempt.number,
        "to": attempt.to,
        "from": attempt.from,
        "sid": attempt.sid,
        "status": attempt.status,
        "outcome": attempt.outcome,
        "answered_by": attempt.answered_by,
        "error_code": attempt.error_code,
        "error_message": attempt.error_message,
        "duration_seconds": attempt.duration_seconds,
        "price": attempt.price,
        "price_unit": attempt.price_unit,
        "intended_at": attempt.intended_at,
        "placed_at": attempt.placed_at,
        "ringing_at": attempt.ringing_at,
        "answered_at": attempt.answered_at,
        "ended_at": attempt.ended_at,
        "settled_at": attempt.settled_at,
        "settings_version": attempt.settings_version,
    })
}

pub(super) fn suppression(suppression: &Suppression, now: DateTime<Utc>) -> Value {
    json!({
        "phone": suppression.phone,
        "reason": suppression.reason,
        "source": suppression.source,
        "note": suppression.note,
        "created_at": suppression.created_at,
        "expires_at": suppression.expires_at,
        "in_force": is_in_force(suppression.expires_at, now),
    })
}

/// What became of numbers that were to be suppressed.
pub(super) fn added(added: Added) -> Value {
    json!({"new": added.new, "extended": added.extended, "kept": added.kept})
}

pub(super) fn agent(agent: &crate::db::agents::Agent) -> Value {
    json!({
        "id": agent.id,
        "name": agent.name,
        "prompt_text": agent.prompt_text,
        "script": agent.script,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    })
}

/// The columns and row counts of a list, as its campaign keeps them.
pub(super) fn summary(account: &Account) -> Value {
    json!({
        "phone_column": account.phone_column(),
        "name_column": account.name_column(),
        "columns": account.columns,
        "rows": account.rows,
        "imported": account.imported,
        "duplicates": account.duplicates,
        "rejected": account.rejected,
        "blank": account.blank,
        "repaired": account.repaired,
    })
}

/// The whole account of a list: what was found, counted, and thought odd, with a few rows of each kind.
pub fn account(account: &Account) -> Value {
    let mut shown = summary(account);
    shown["found"] = account.found.iter().map(found).collect();
    shown["reasons"] = account
        .reasons
        .iter()
        .map(|reason| {
            json!({
                "kind": reason.kind,
                "reason": reason.reason,
                "count": reason.count,
                "samples": reason.samples.iter().map(row).collect::<Value>(),
            })
        })
        .collect();
    shown["regions"] = account
        .regions
        .iter()
        .map(|(region, count)| json!({"region": region.to_string(), "count": count}))
        .collect();
    shown["first"] = account.first.iter().map(first).collect();
    shown["warnings"] = account
        .warnings
        .iter()
        .map(|warning| json!({"warning": warning.kind, "message": warning.sentence}))
        .collect();
    shown
}

fn found(column: &FoundColumn) -> Value {
    json!({"role": column.role, "column": column.name, "because": column.why})
}

fn first(contact: &NewContact) -> Value {
    json!({
        "row": contact.row,
        "phone": contact.phone.as_str(),
        "extension": contact.extension,
        "name": contact.name,
        "region": contact.region.to_string(),
        "number_type": contact.number_type,
        "alternates": contact.alternates.iter().map(|phone| phone.as_str()).collect::<Value>(),
        "timezone": contact.timezone,
        "priority": contact.priority,
        "repair": contact.repair,
        "metadata": contact.metadata,
    })
}

/// What is said about a row of a list.
pub(super) fn row(row: &RowReport) -> Value {
    let mut shown = json!({
        "row": row.row,
        "kind": row.kind.as_str(),
        "column": &*row.column,
        "value": row.value,
        "reason": row.reason,
        "message": row.sentence,
    });
    match &row.kind {
        Kind::Refused { suggestion, .. } => shown["suggestion"] = suggestion.clone().into(),
        Kind::Duplicate { repeats } => shown["repeats"] = (*repeats).into(),
        Kind::Repaired => {}
    }
    shown
}

/// What is said of a row of which only the database knows.
pub(super) fn told(remark: &Remark) -> Value {
    json!({
        "row": remark.file_row,
        "kind": remark.kind.name(),
        "column": &*remark.column,
        "value": remark.value,
        "reason": remark.reason,
        "message": remark.sentence,
    })
}

/// A list that was read.
pub(super) fn import(import: &Import) -> Value {
    let (campaign, stored_at, expires_at) = match import.standing {
        Standing::Preview { expires_at } => (None, None, Some(expires_at)),
        Standing::Stored { campaign, stored_at } => (Some(campaign), Some(stored_at), None),
    };
    json!({
        "id": import.id,
        "campaign_id": campaign,
        "file_name": import.file_name,
        "bytes": import.bytes,
        "settings": import.options,
        "created_at": import.created_at,
        "stored_at": stored_at,
        "expires_at": expires_at,
        "report": import.report,
    })
}

/// What was said about a row of a list that is kept.
pub(super) fn remark(row: &RemarkOfRow) -> Value {
    json!({
        "row": row.place.0,
        "kind": row.kind,
        "column": row.column,
        "value": row.value,
        "reason": row.reason,
        "message": row.sentence,
        "suggestion": row.suggestion,
        "repeats": row.repeats,
    })
}
