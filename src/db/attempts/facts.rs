//! Facts: what was said of calls, merged by the fold's order. Any node records them at any time, without a fence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Database, Error, Outage, execute, query};
use crate::domain::attempt::Facts;

/// What was heard of one attempt's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The campaign.
    pub campaign: Uuid,
    /// The attempt.
    pub attempt: Uuid,
    /// The provider's id of the call.
    pub sid: String,
    /// What was said, folded.
    pub facts: Facts,
}

/// What recording made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Known {
        /// Whether the campaign's next step may have changed.
        matters: bool,
    },
    /// There is no such attempt in that campaign.
    UnknownAttempt,
    /// The attempt belongs to another call.
    OtherCall,
}

/// How often a merge is tried whose connection was cut, or that others' work came in between of.
const TRIES: usize = 3;

/// Records what was heard, in one statement for all: the rows are locked in the order of their ids, and merged as
/// [`Facts::merge`] merges. If that fails, one by one, so that one poisoned row loses nobody else's.
///
/// Returns one result for each element, in their order; elements of one attempt are folded first. A call of which
/// the provider itself speaks takes its id from an attempt that had adopted it by asking.
pub async fn record(
    database: &Database,
    heard: &[Heard],
    now: DateTime<Utc>,
) -> Result<Vec<Result<Recorded, Error>>, Error> {
    let folded = fold_by_attempt(heard);
    let rows: Vec<&Heard> = folded.values().collect();
    let mut results: BTreeMap<Uuid, Result<Recorded, Error>> = BTreeMap::new();
    match merge(database, &rows, now).await {
        Ok(merged) => {
            for (attempt, merged) in merged {
                let result = match (merged, folded.get(&attempt)) {
                    (Merged::AdoptedAnother, Some(row)) => record_alone(database, row, now).await,
                    (Merged::AdoptedAnother, None) => Ok(Recorded::UnknownAttempt),
                    (Merged::Settled(recorded), _) => Ok(recorded),
                };
                results.insert(attempt, result);
            }
        }
        Err(error) if error.is_outage() && error.outage() != Some(Outage::Conflict) => return Err(error),
        Err(_) => {
            for row in rows {
                results.insert(row.attempt, record_alone(database, row, now).await);
            }
        }
    }
    let mut failed = BTreeSet::new();
    Ok(heard
        .iter()
        .map(|one| match results.get(&one.attempt) {
            Some(Ok(recorded)) if folded.get(&one.attempt).is_some_and(|row| row.sid == one.sid) => {
                Ok(*recorded)
            }
            Some(Ok(_)) => Ok(Recorded::OtherCall),
            // An error has one owner; the others of its attempt only learn that there was one.
            Some(Err(_)) if failed.insert(one.attempt) => {
                results.remove(&one.attempt).unwrap_or(Ok(Recorded::UnknownAttempt))
            }
            Some(Err(_)) | None => {
                Err(Error::ImpossibleRow(format!("attempt {} was not recorded", one.attempt)))
            }
        })
        .collect())
}

fn fold_by_attempt(heard: &[Heard]) -> BTreeMap<Uuid, Heard> {
    let mut folded: BTreeMap<Uuid, Heard> = BTreeMap::new();
    for one in heard {
        folded
            .entry(one.attempt)
            .and_modify(|known| {
                if known.sid == one.sid && known.campaign == one.campaign {
                    known.facts = known.facts.clone().merge(one.facts.clone());
                }
            })
            .or_insert_with(|| one.clone());
    }
    folded
}

/// What merging made of one attempt's row.
#[derive(Debug, Clone, Copy)]
enum Merged {
    Settled(Recorded),
    /// Nothing was written: the attempt had adopted another call than the one that was heard of.
    AdoptedAnother,
}

async fn record_alone(database: &Database, heard: &Heard, now: DateTime<Utc>) -> Result<Recorded, Error> {
    let merged = match merge(database, &[heard], now).await {
        Err(error) if error.is_conflict_with("one_attempt_per_call") => {
            let_go(database, heard).await?;
            match merge(database, &[heard], now).await {
                // Nobody had adopted it: the call is another attempt's by the provider's own word.
                Err(error) if error.is_conflict_with("one_attempt_per_call") => {
                    return Ok(Recorded::OtherCall);
                }
                merged => merged?,
            }
        }
        Ok(merged) if matches!(merged.first(), Some((_, Merged::AdoptedAnother))) => {
            let_go(database, heard).await?;
            merge(database, &[heard], now).await?
        }
        merged => merged?,
    };
    Ok(match merged.first() {
        Some((_, Merged::Settled(recorded))) => *recorded,
        Some((_, Merged::AdoptedAnother)) => Recorded::OtherCall,
        None => Recorded::UnknownAttempt,
    })
}

/// Undoes adoptions that the provider's own word contradicts: of this call by another attempt, and of another call
/// by this attempt. What was learnt of the wrong call goes with it.
async fn let_go(database: &Database, heard: &Heard) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE attempts
        SET sid = NULL, sid_is_adopted = false, status = NULL, status_key = 0, placed_at = NULL, heard_at = NULL,
            ringing_at = NULL, answered_at = NULL, ended_at = CASE WHEN settled_at IS NOT NULL THEN ended_at END,
            duration_seconds = NULL, answered_by = NULL, sip_code = NULL
        WHERE sid_is_adopted AND (sid = $1) <> (id = $2)
          AND (sid = $1 OR id = $2)";
    execute(&database.client().await?, SQL, &[&heard.sid, &heard.attempt]).await?;
    Ok(())
}

/// Merges, and once more where that may help at once: to merge twice is the same as once.
async fn merge(
    database: &Database,
    heard: &[&Heard],
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Merged)>, Error> {
    for _ in 1..TRIES {
        match merge_once(database, heard, now).await {
            Err(error) if error.outage().is_some_and(Outage::is_over_at_once) => {}
            merged => return merged,
        }
    }
    merge_once(database, heard, now).await
}

async fn merge_once(
    database: &Database,
    heard: &[&Heard],
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Merged)>, Error> {
    // The CASEs and least/greatest mirror `Facts::merge`. greatest() passes over NULL as `Option::max` does; the
    // order of answered_by is that of `AnsweredBy`. A duration that was counted stays what was counted.
    // The CTEs are read one after the other and never joined with each other: nothing tells the planner how long they
    // are, it would join them by nested loops, and 500 rows then took ten times as long.
    // An attempt that was erased learns what came of its call, and not its id again: that leads to the number.
    // Every word is later than the one before it and than a giving up, whenever whoever brings it last looked at which
    // clock: by that it is known that there was one.
    const SQL: &str = "
        WITH heard AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[],
                                 $7::timestamptz[], $8::timestamptz[], $9::int[], $10::text[], $11::int[])
                AS t (id, campaign_id, sid, status, status_key, ringing_at, answered_at, ended_at,
                      duration_seconds, answered_by, sip_code)
        ), known AS (
            SELECT heard.*, attempts.team_id, attempts.sid_is_adopted, attempts.answered_at AS was_answered_at,
                   attempts.sid IS NULL OR attempts.sid = heard.sid AS is_its_call
            FROM attempts JOIN heard ON heard.id = attempts.id AND heard.campaign_id = attempts.campaign_id
            ORDER BY attempts.id
            FOR NO KEY UPDATE OF attempts
        ), merged AS (
            UPDATE attempts
            SET sid = CASE WHEN attempts.to_phone NOT LIKE 'erased-%' THEN heard.sid END,
                sid_is_adopted = attempts.sid_is_adopted AND heard.status_key >> 44 & 15 < 2,
                status = CASE WHEN heard.status_key > attempts.status_key THEN heard.status ELSE attempts.status END,
                status_key = greatest(attempts.status_key, heard.status_key),
                placed_at = coalesce(attempts.placed_at, $12),
                heard_at = greatest($12, attempts.heard_at + interval '1 microsecond',
                    CASE WHEN attempts.outcome = 'unknown' THEN attempts.settled_at + interval '1 microsecond' END),
                ringing_at = least(attempts.ringing_at, heard.ringing_at),
                answered_at = least(attempts.answered_at, heard.answered_at),
                ended_at = least(attempts.ended_at, heard.ended_at),
                duration_seconds = CASE WHEN coalesce(attempts.outcome, 'unknown') = 'unknown'
                    THEN greatest(attempts.duration_seconds, heard.duration_seconds)
                    ELSE attempts.duration_seconds END,
                sip_code = greatest(attempts.sip_code, heard.sip_code),
                answered_by = CASE
                    WHEN coalesce(array_position($13::text[], heard.answered_by), 0)
                         > coalesce(array_position($13::text[], attempts.answered_by), 0)
                    THEN heard.answered_by ELSE attempts.answered_by END
            FROM known heard
            WHERE attempts.id = heard.id AND attempts.team_id = heard.team_id AND heard.is_its_call
            RETURNING attempts.id, attempts.team_id, attempts.campaign_id, attempts.contact_id, attempts.number,
                      attempts.status, attempts.outcome,
                      attempts.outcome IS NULL AND attempts.answered_at IS NOT NULL AND heard.was_answered_at IS NULL
                          AS is_answered_now
        ), event AS (
            INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id, data)
            SELECT team_id, campaign_id, 'attempt.answered', $12, contact_id, id, jsonb_build_object('number', number)
            FROM merged WHERE is_answered_now
        )
        SELECT id, true AS is_its_call, false AS sid_is_adopted,
               coalesce(status = ANY ($14) AND outcome IS NULL OR outcome = 'unknown', false) AS matters
        FROM merged
        UNION ALL
        SELECT id, false, sid_is_adopted, false FROM known WHERE NOT is_its_call";
    use crate::domain::attempt::{AnsweredBy, Status};
    fn column<'a, T>(heard: &[&'a Heard], field: impl Fn(&'a Heard) -> T) -> Vec<T> {
        heard.iter().map(|one| field(one)).collect()
    }
    let verdicts: Vec<&str> = AnsweredBy::ALL.iter().map(|verdict| verdict.as_str()).collect();
    let ends: Vec<&str> =
        Status::ALL.iter().filter(|status| status.is_end()).map(|status| status.as_str()).collect();
    let rows = query(
        &database.client().await?,
        SQL,
        &[
            &column(heard, |one| one.attempt),
            &column(heard, |one| one.campaign),
            &column(heard, |one| one.sid.as_str()),
            &column(heard, |one| one.facts.status.as_str()),
            &column(heard, |one| one.facts.key.as_i64()),
            &column(heard, |one| one.facts.ringing_at),
            &column(heard, |one| one.facts.answered_at),
            &column(heard, |one| one.facts.ended_at),
            &column(heard, |one| {
                one.facts.duration_seconds.map(|seconds| seconds.min(i32::MAX as u32) as i32)
            }),
            &column(heard, |one| one.facts.answered_by.map(AnsweredBy::as_str)),
            &column(heard, |one| one.facts.sip_code.map(i32::from)),
            &now,
            &verdicts,
            &ends,
        ],
    )
    .await?;
    let mut found: BTreeMap<Uuid, Merged> = BTreeMap::new();
    for row in &rows {
        let merged = match (row.try_get("is_its_call")?, row.try_get("sid_is_adopted")?) {
            (true, _) => Merged::Settled(Recorded::Known { matters: row.try_get("matters")? }),
            (false, true) => Merged::AdoptedAnother,
            (false, false) => Merged::Settled(Recorded::OtherCall),
        };
        found.insert(row.try_get("id")?, merged);
    }
    let unknown = Merged::Settled(Recorded::UnknownAttempt);
    Ok(heard.iter().map(|one| (one.attempt, found.get(&one.attempt).copied().unwrap_or(unknown))).collect())
}

/// Gives an attempt whose answer was lost a call that was found by asking. Returns false if the attempt has learnt
/// of its call meanwhile, or the call belongs to another attempt.
pub async fn adopt(database: &Database, attempt: Uuid, sid: &str, now: DateTime<Utc>) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE attempts SET sid = $2, sid_is_adopted = true, placed_at = $3, heard_at = $3
        WHERE id = $1 AND sid IS NULL AND settled_at IS NULL
          AND NOT EXISTS (SELECT FROM attempts other WHERE other.sid = $2)";
    match execute(&database.client().await?, SQL, &[&attempt, &sid, &now]).await {
        Ok(written) => Ok(written > 0),
        Err(error) if error.is_conflict_with("one_attempt_per_call") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which of these calls belong to an attempt.
pub async fn list_owned_sids(database: &Database, sids: &[&str]) -> Result<BTreeSet<String>, Error> {
    let sql = "SELECT sid FROM attempts WHERE sid = ANY ($1)";
    let rows = query(&database.client().await?, sql, &[&sids]).await?;
    rows.iter().map(|row| Ok(row.try_get("sid")?)).collect()
}

/// Notes that the provider took a request to end an attempt's call, whatever becomes of it.
pub async fn note_end_asked(database: &Database, attempt: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE attempts SET end_asked_at = greatest(end_asked_at, $2) WHERE id = $1";
    execute(&database.client().await?, sql, &[&attempt, &now]).await?;
    Ok(())
}

/// Notes that the provider answered a question about an attempt, whatever it said.
pub async fn note_asked(database: &Database, attempt: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE attempts SET asked_at = greatest(asked_at, $2) WHERE id = $1";
    execute(&database.client().await?, sql, &[&attempt, &now]).await?;
    Ok(())
}
