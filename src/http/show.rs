//! What the API shows of things, as JSON.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::db::attempts::Attempt;
use crate::db::campaigns::Campaign;
use crate::db::contacts::Contact;
use crate::db::suppressions::{Added, Suppression};
use crate::domain::dialer::Because;
use crate::domain::suppression::is_in_force;

/// What a campaign waits for, and until when.
pub(super) fn waiting(waits: Option<(Because, Option<DateTime<Utc>>)>) -> Value {
    match waits {
        None => Value::Null,
        Some((because, until)) => {
            json!({ "because": because, "until": until, "message": because.sentence() })
        }
    }
}

pub(super) fn campaign(campaign: &Campaign) -> Value {
    let counts = &campaign.counts;
    let outcome = |name: &str| counts.outcomes.get(name).copied().unwrap_or(0);
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
            "attempts": counts.attempts,
            "retries": counts.retries,
            "outcomes": counts.outcomes,
        },
        "answer_rate": share(outcome("answered"), counts.attempts),
        "success_rate": share(counts.completed, finals),
        "average_duration_seconds": average(counts.talk_seconds, outcome("answered") + outcome("machine")),
        "starts_at": campaign.starts_at,
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "paused_at": campaign.paused_at,
        "completed_at": campaign.completed_at,
        "last_call_ended_at": campaign.last_call_ended_at,
    })
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn average(seconds: i64, calls: u32) -> Option<f64> {
    (calls > 0).then(|| seconds as f64 / f64::from(calls))
}

pub(super) fn contact(contact: &Contact) -> Value {
    json!({
        "id": contact.id,
        "position": contact.position,
        "phone": contact.phone,
        "extension": Some(&contact.extension).filter(|extension| !extension.is_empty()),
        "name": contact.name,
        "metadata": contact.metadata,
        "row": contact.file_row,
        "state": contact.state,
        "due_at": contact.due_at,
        "attempts": contact.attempts,
        "last_outcome": contact.last_outcome,
    })
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
