//! Collecting the two histories at the end: the ledger from the simulator, the rows and the audit from the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use outdial::simulator::Request;
use tokio_postgres::Client;
use uuid::Uuid;

use super::checker::{Asked, Attempt, Audit, Campaign, Contact, Halt, History, Told};
use super::house::{BACKOFF_SECONDS, House, MAX_RETRIES};
use crate::support::recount::wrong_counts;

/// A change of a campaign's owner, for finding out how long takeovers took.
#[derive(Debug, Clone)]
pub struct Handover {
    pub at: f64,
    pub campaign: Uuid,
    pub to: Option<Uuid>,
}

/// Everything that is judged.
pub async fn collect(house: &House, halts: Vec<Halt>, misbehaviour: Vec<String>) -> History {
    let psql = house.postgres.psql().await.expect("a connection");
    let ledger = house.simulator.ledger();
    let statuses: HashMap<String, String> =
        house.simulator.calls().into_iter().map(|call| (call.sid, call.status.to_string())).collect();
    let called = ledger.open_by_to.iter().map(|(number, gauge)| (format!("to {number}"), gauge.most));
    let calling = ledger.open_by_from.iter().map(|(number, gauge)| (format!("from {number}"), gauge.most));
    History {
        cps: house.plan.cps,
        most_attempts: MAX_RETRIES as i32 + 1,
        backoff: BACKOFF_SECONDS / f64::from(house.plan.speed),
        asked: ledger.creates().into_iter().map(|create| asked(house, create, &statuses)).collect(),
        told: ledger.callbacks.iter().filter_map(told).collect(),
        rings: called.chain(calling).collect(),
        attempts: attempts(&psql).await,
        contacts: contacts(&psql).await,
        campaigns: campaigns(&psql).await,
        audit: audit(&psql).await,
        wrong_counts: wrong_counts(&psql, None).await,
        halts,
        misbehaviour,
    }
}

fn asked(house: &House, create: &Request, statuses: &HashMap<String, String>) -> Asked {
    let status = |sid: &String| statuses.get(sid).cloned().unwrap_or_default();
    Asked {
        at: house.seconds(create.at),
        to: create.parameter("To").unwrap_or_default().to_owned(),
        ids: create.parameter("StatusCallback").and_then(ids),
        placed: create.placed.as_ref().map(|sid| (sid.clone(), status(sid))),
    }
}

fn told(callback: &outdial::simulator::Callback) -> Option<Told> {
    let is_status = callback.url.contains("/webhooks/twilio/status/");
    if !is_status || !callback.answer.is_some_and(|http| (200..300).contains(&http)) {
        return None;
    }
    Some(Told {
        attempt: ids(&callback.url)?.1,
        sid: callback.call_sid.clone(),
        status: callback.parameter("CallStatus")?.to_owned(),
        sequence: callback.parameter("SequenceNumber")?.parse().ok()?,
    })
}

/// Campaign and attempt, the last two parts of a webhook's path.
fn ids(url: &str) -> Option<(Uuid, Uuid)> {
    let path = url.split(['#', '?']).next()?;
    let mut parts = path.rsplit('/');
    let attempt = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, attempt))
}

async fn attempts(psql: &Client) -> HashMap<Uuid, Attempt> {
    // The key holds the rank, then who said so, 2 being a callback, then the callback's number.
    const SQL: &str = "
        SELECT id, campaign_id, sid, status, outcome,
               CASE WHEN status_key >> 44 & 15 = 2 THEN status_key >> 8 & 4294967295 END AS told_in
        FROM attempts";
    let rows = psql.query(SQL, &[]).await.expect("attempts");
    let attempt = |row: &tokio_postgres::Row| Attempt {
        campaign: row.get("campaign_id"),
        sid: row.get("sid"),
        status: row.get("status"),
        told_in: row.get("told_in"),
        outcome: row.get("outcome"),
    };
    rows.iter().map(|row| (row.get("id"), attempt(row))).collect()
}

async fn contacts(psql: &Client) -> Vec<Contact> {
    let sql = "SELECT id, state, due_at IS NOT NULL AS is_due, attempts FROM contacts";
    let rows = psql.query(sql, &[]).await.expect("contacts");
    let contact = |row: &tokio_postgres::Row| Contact {
        id: row.get("id"),
        state: row.get("state"),
        is_due: row.get("is_due"),
        attempts: row.get("attempts"),
    };
    rows.iter().map(contact).collect()
}

async fn campaigns(psql: &Client) -> Vec<Campaign> {
    const SQL: &str = "
        SELECT id, state, name = 'closed' AS is_closed,
               (SELECT count(*) FROM contacts WHERE campaign_id = campaigns.id) AS contacts,
               (import ->> 'imported')::bigint AS imported
        FROM campaigns";
    let rows = psql.query(SQL, &[]).await.expect("campaigns");
    let campaign = |row: &tokio_postgres::Row| Campaign {
        id: row.get("id"),
        state: row.get("state"),
        imported: row.get("imported"),
        contacts: row.get("contacts"),
        is_closed: row.get("is_closed"),
    };
    rows.iter().map(campaign).collect()
}

async fn audit(psql: &Client) -> Vec<Audit> {
    let sql = "SELECT kind, id, old_number, new_number, old_text, new_text FROM witness ORDER BY at";
    let rows = psql.query(sql, &[]).await.expect("an audit");
    let step = |row: &tokio_postgres::Row| {
        let (id, numbers) = (row.get("id"), (row.get("old_number"), row.get("new_number")));
        let (old, new): (Option<String>, Option<String>) = (row.get("old_text"), row.get("new_text"));
        match row.get("kind") {
            "owner" => Audit::Owner { campaign: id, epochs: numbers, nodes: (old, new) },
            "status" => Audit::StatusBack { attempt: id, is_same_call: old == new },
            "attempt" => Audit::Intent { attempt: id, epoch: numbers.0, campaign_s: numbers.1 },
            kind => panic!("an audit of {kind}"),
        }
    };
    rows.iter().map(step).collect()
}

/// All changes of owners, the first first.
pub async fn handovers(house: &House) -> Vec<Handover> {
    let sql = "SELECT at, id, new_text FROM witness WHERE kind = 'owner' ORDER BY at";
    let psql = house.postgres.psql().await.expect("a connection");
    let node = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let handover = |row: &tokio_postgres::Row| Handover {
        at: house.real_seconds(row.get::<_, DateTime<Utc>>("at")),
        campaign: row.get("id"),
        to: node(row.get("new_text")),
    };
    psql.query(sql, &[]).await.expect("an audit").iter().map(handover).collect()
}
