//! Settling: an ended attempt's outcome is applied to its contact, once, with the counters and the event that go
//! with it.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::campaigns::{LOCK, Locked, lock, make_move_in};
use crate::db::{Database, Durability, Error, Ownership, Params, Session, execute, name, query};
use crate::domain::breaker::{self, Tripped};
use crate::domain::campaign::{Move, State};
use crate::domain::dialer::HaltReason;
use crate::domain::outcome::Outcome;
use crate::domain::retry::Verdict;
use crate::domain::spend::first_question_at;

use super::price::free;

/// What is to be applied.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The attempt.
    pub attempt: Uuid,
    /// What it came to.
    pub outcome: Outcome,
    /// What becomes of the contact.
    pub verdict: Verdict,
    /// When the call ended, if there was one: the pause between calls runs from it.
    pub call_ended_at: Option<DateTime<Utc>>,
    /// The provider's code and words for a refusal, or why an attempt was taken back.
    pub error: Option<(Option<u32>, String)>,
    /// When the call had last been heard of, if it is given up as unknown: it is not, if there was a word since.
    pub last_word: Option<DateTime<Utc>>,
}

/// Settles an attempt. Returns false if it is settled already, if it was to be given up and was heard of meanwhile, or if
/// the campaign is no longer this owner's.
pub async fn settle(
    database: &Database,
    owner: Ownership,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let mut client = database.client().await?;
    let durability = if settlement.is_known() { Durability::WithTheNext } else { Durability::AtOnce };
    let params: Params<'_> = &[&owner.campaign, &owner.node, &owner.epoch];
    let (decision, [campaign]) = client.decide(durability, [(LOCK, params)]).await?;
    let Some(campaign) = campaign.first().map(Locked::read).transpose()? else { return Ok(false) };
    if !breaker::is_failure(settlement.outcome) {
        let run = async |sql: &str, params: Params<'_>| decision.commit_with(sql, params).await;
        return Ok(!apply(&campaign, settlement, now, run).await?.is_empty());
    }
    let run = async |sql: &str, params: Params<'_>| query(&decision, sql, params).await;
    let is_settled = !apply(&campaign, settlement, now, run).await?.is_empty();
    if is_settled {
        note_failures(&decision, owner.campaign, now).await?;
    }
    decision.commit().await?;
    Ok(is_settled)
}

impl Settlement {
    /// Whether it is nothing but what is known of the call for good: were it lost, it would be made again. What only an answer
    /// of the provider has told, and that nothing has left, nobody could tell again.
    fn is_known(&self) -> bool {
        let by_its_facts = self.call_ended_at.is_some() && self.error.is_none();
        by_its_facts && !matches!(self.outcome, Outcome::Unknown | Outcome::NotPlaced)
    }
}

/// Says in the campaign's events that most of its last calls have failed, and which, if that is so since the last one.
async fn note_failures(transaction: &impl Session, campaign: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    const LAST: &str = "SELECT id, outcome, ended_at FROM last_calls($1, $2, $3) ORDER BY id DESC";
    const SAY: &str = "
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, 'campaign.calls-fail', $2,
               jsonb_build_object('failures', $3::int, 'calls', $4::int, 'until', $5::timestamptz, 'attempts', $6::uuid[])
        FROM campaigns WHERE id = $1";
    let (mut calls, mut failed) = (Vec::new(), Vec::new());
    // With the one before, which tells whether it is news.
    let (most, among) = (breaker::WINDOW as i64 + 1, breaker::AMONG as i64);
    for row in query(transaction, LAST, &[&campaign, &most, &among]).await? {
        let outcome = name(&row, "outcome", Outcome::parse)?;
        if breaker::is_failure(outcome) {
            failed.push(row.try_get::<_, Uuid>("id")?);
        }
        calls.push(breaker::Call { outcome, ended_at: row.try_get("ended_at")? });
    }
    let Some(Tripped { failures, calls, until }) = breaker::newly_tripped(&calls) else { return Ok(()) };
    failed.truncate(failures);
    let (failures, calls) = (failures as i32, calls as i32);
    execute(transaction, SAY, &[&campaign, &now, &failures, &calls, &until, &failed]).await?;
    Ok(())
}

/// Settles an attempt and pauses or fails its campaign, in one transaction: for a fault that would meet every further
/// call as well.
pub async fn settle_and_halt(
    database: &Database,
    owner: Ownership,
    settlement: &Settlement,
    halt: Move,
    reason: (HaltReason, &str),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(campaign) = lock(&transaction, owner).await? else { return Ok(false) };
    let run = async |sql: &str, params: Params<'_>| query(&transaction, sql, params).await;
    let is_settled = !apply(&campaign, settlement, now, run).await?.is_empty();
    // Somebody else may have paused it first: the settlement stands all the same.
    make_move_in(&transaction, owner, halt, Some(reason), now).await?;
    transaction.commit().await?;
    Ok(is_settled)
}

/// Settles an attempt by the statement that `run` runs. It returns a row if it was not settled before.
async fn apply(
    campaign: &Locked,
    settlement: &Settlement,
    now: DateTime<Utc>,
    run: impl AsyncFnOnce(&str, Params<'_>) -> Result<Vec<Row>, Error>,
) -> Result<Vec<Row>, Error> {
    // A callback that was asked for during the call wins over the verdict.
    // A call that is given up has no end that anybody knows of: should it prove alive, its end is still to come.
    // A call of which the provider knows costs something, unless it says that nobody took it.
    const SQL: &str = "
        WITH attempt AS (
            UPDATE attempts
            SET outcome = $2, settled_at = $3, error_code = $6, error_message = $7,
                ended_at = CASE WHEN $2 = 'unknown' THEN ended_at ELSE coalesce(ended_at, $5) END,
                ask_price_at = CASE WHEN price IS NULL AND sid IS NOT NULL AND $2 <> 'not-placed'
                                     AND NOT coalesce(status = ANY ($13), false) THEN $12::timestamptz END
            WHERE id = $1 AND settled_at IS NULL
              AND ($2 <> 'unknown' OR heard_at IS NOT DISTINCT FROM $11)
            RETURNING id, campaign_id, contact_id, number, call_day, limit_number,
                      ask_price_at IS NOT NULL AS is_unpriced, duration_seconds,
                      coalesce(duration_seconds, 0) AS seconds
        ), contact AS (
            UPDATE contacts
            SET state = CASE WHEN callback_waits AND $10 THEN 'pending' ELSE $8 END,
                due_at = CASE WHEN callback_waits AND $10 THEN callback_at ELSE $4 END,
                callback_waits = callback_waits AND $10,
                attempts = attempts + $9, last_outcome = $2, updated_at = $3
            FROM attempt
            WHERE contacts.id = attempt.contact_id AND contacts.state = 'calling'
            RETURNING contacts.id, contacts.attempts, contacts.state, contacts.due_at, contacts.area
        ), area AS (
            UPDATE areas SET due_cursor = least(due_cursor, contact.due_at)
            FROM attempt, contact
            WHERE areas.campaign_id = attempt.campaign_id AND areas.number = contact.area
              AND contact.due_at IS NOT NULL
        ), campaign AS (
            UPDATE campaigns
            SET calling = calling - 1,
                pending = pending + (contact.state = 'pending')::int,
                completed = completed + (contact.state = 'completed')::int,
                failed = failed + (contact.state = 'failed')::int,
                attempts = campaigns.attempts + $9,
                retries = retries + ($9 = 1 AND contact.attempts > 1)::int,
                outcomes = jsonb_set(outcomes, ARRAY[$2], to_jsonb(coalesce((outcomes ->> $2)::int, 0) + 1)),
                talk_seconds = talk_seconds + attempt.seconds,
                unpriced = unpriced + attempt.is_unpriced::int,
                day_calls = day_calls - ($2 = 'not-placed' AND coalesce(attempt.call_day = campaigns.call_day, false))::int,
                limit_left = CASE WHEN attempt.limit_number = campaigns.limit_number AND $2 = 'not-placed'
                        AND NOT EXISTS (SELECT FROM attempts other
                                        WHERE other.contact_id = contact.id AND other.id <> attempt.id
                                          AND other.limit_number = attempt.limit_number
                                          AND other.outcome IS DISTINCT FROM 'not-placed')
                    THEN limit_left + 1 ELSE limit_left END,
                last_call_ended_at = greatest(last_call_ended_at, $5),
                set_aside_in_a_row = CASE WHEN $2 = 'not-placed' THEN set_aside_in_a_row ELSE 0 END
            FROM attempt, contact
            WHERE campaigns.id = attempt.campaign_id
            RETURNING campaigns.id, campaigns.team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id, data)
        SELECT campaign.team_id, campaign.id, happened.kind, $3, contact.id, attempt.id, happened.data
        FROM campaign, contact, attempt, LATERAL (VALUES
            (1, 'attempt.ended', jsonb_strip_nulls(jsonb_build_object(
                'outcome', $2, 'number', attempt.number, 'duration_seconds', attempt.duration_seconds,
                'error_code', $6::int, 'contact', contact.state, 'due_at', contact.due_at))),
            (2, 'contact.' || contact.state, jsonb_build_object('outcome', $2, 'attempts', contact.attempts))
        ) happened (number, kind, data)
        WHERE happened.number = 1 OR contact.state <> 'pending'
        ORDER BY happened.number
        RETURNING id";
    let (state, due_at) = match settlement.verdict {
        Verdict::Completed => ("completed", None),
        Verdict::Failed => ("failed", None),
        Verdict::Due(due_at) => ("pending", Some(due_at)),
    };
    let (code, message) = match &settlement.error {
        Some((code, message)) => (code.and_then(|code| i32::try_from(code).ok()), Some(message.as_str())),
        None => (None, None),
    };
    let counted = i32::from(settlement.outcome.counts_as_attempt());
    let ended_at = settlement.call_ended_at.unwrap_or(now);
    let ask_price_at = campaign.has_spend_cap.then(|| first_question_at(ended_at));
    let can_be_called_back = !settlement.outcome.is_permanent();
    let params: Params<'_> = &[
        &settlement.attempt,
        &settlement.outcome.as_str(),
        &now,
        &due_at,
        &settlement.call_ended_at,
        &code,
        &message,
        &state,
        &counted,
        &can_be_called_back,
        &settlement.last_word,
        &ask_price_at,
        &free(),
    ];
    run(SQL, params).await
}

/// Opens an attempt again that was given up as unknown and has been heard of since: its contact leaves the queue
/// until the call ends, what was counted for it is taken back, and a completed campaign runs again until then. Returns false if a newer attempt exists, if the
/// number is being called by another campaign, or if the campaign is no longer this owner's.
pub async fn reopen(
    database: &Database,
    owner: Ownership,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH attempt AS (
            UPDATE attempts SET outcome = NULL, settled_at = NULL, ask_price_at = NULL
            FROM contacts, attempts before
            WHERE before.id = attempts.id AND before.team_id = attempts.team_id AND attempts.id = $1 AND attempts.outcome = 'unknown' AND contacts.id = attempts.contact_id
              AND contacts.last_number = attempts.number AND contacts.state IN ('pending', 'failed')
              AND contacts.set_aside IS NULL AND contacts.erased_at IS NULL
            RETURNING attempts.id, attempts.contact_id, contacts.state AS was,
                      before.ask_price_at IS NOT NULL AS was_unpriced
        ), contact AS (
            UPDATE contacts SET state = 'calling', due_at = NULL, attempts = attempts - 1, updated_at = $3
            FROM attempt WHERE contacts.id = attempt.contact_id
            RETURNING contacts.id, contacts.attempts
        ), campaign AS (
            UPDATE campaigns
            SET calling = calling + 1,
                pending = pending - (attempt.was = 'pending')::int,
                failed = failed - (attempt.was = 'failed')::int,
                attempts = campaigns.attempts - 1,
                unpriced = unpriced - attempt.was_unpriced::int,
                retries = retries - (contact.attempts > 0)::int,
                outcomes = jsonb_set(outcomes, '{unknown}', to_jsonb((outcomes ->> 'unknown')::int - 1))
            FROM attempt, contact
            WHERE campaigns.id = $2
            RETURNING campaigns.id, campaigns.team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id)
        SELECT campaign.team_id, campaign.id, 'attempt.reopened', $3, contact.id, attempt.id
        FROM campaign, contact, attempt";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(campaign) = lock(&transaction, owner).await? else { return Ok(false) };
    if campaign.state == State::Completed {
        make_move_in(&transaction, owner, Move::Reopen, None, now).await?;
    }
    match execute(&transaction, SQL, &[&attempt, &owner.campaign, &now]).await {
        Ok(0) => Ok(false),
        Ok(_) => {
            transaction.commit().await?;
            Ok(true)
        }
        Err(error) if error.is_conflict_with("one_open_call_per_number") => Ok(false),
        Err(error) => Err(error),
    }
}
