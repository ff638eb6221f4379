//! Setting a contact aside that makes its campaign fail: it is final, with the error as its reason, and the campaign goes
//! on with the others.

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::campaigns::{Locked, lock, make_move_in};
use crate::db::{Database, Error, Ownership, Transaction, count, execute, query_one, query_opt};
use crate::domain::attempt::Status;
use crate::domain::campaign::Move;
use crate::domain::dialer::HaltReason;
use crate::domain::outcome::Outcome;
use crate::domain::poison::{MOST_IN_A_ROW, OpenCall};
use crate::domain::spend::first_question_at;

use super::price::free;

/// What came of setting a contact aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAside {
    /// It has failed, and its open attempt is settled.
    Done {
        /// What that attempt came to, if there was one.
        outcome: Option<Outcome>,
    },
    /// The same, and because it was one of several in a row the campaign is paused.
    AndPaused {
        /// What that attempt came to, if there was one.
        outcome: Option<Outcome>,
    },
    /// Its call may be under way until then, so it stays as it is.
    NotYet {
        /// When its call is certainly over.
        until: DateTime<Utc>,
    },
    /// The campaign is no longer this owner's, or the contact no longer its own or final with a better reason.
    NotOurs,
}

/// The contact of an attempt.
pub async fn find_contact_of(database: &Database, attempt: Uuid) -> Result<Option<Uuid>, Error> {
    let sql = "SELECT contact_id FROM attempts WHERE id = $1";
    let row = query_opt(&database.client().await?, sql, &[&attempt]).await?;
    Ok(row.map(|row| row.try_get("contact_id")).transpose()?)
}

/// Makes a contact fail because of an error that it meets again and again. Of its attempt `unsent` nothing has left,
/// certainly; any other open attempt is settled as failed once its call is over, whatever its row says of it. It reads and
/// writes no more of the contact than it must: something of it cannot be worked with.
pub async fn set_aside(
    database: &Database,
    owner: Ownership,
    contact: Uuid,
    unsent: Option<Uuid>,
    because: &str,
    now: DateTime<Utc>,
) -> Result<SetAside, Error> {
    const CONTACT: &str = "
        SELECT attempts.id AS attempt, attempts.status, attempts.ended_at IS NOT NULL AS has_ended,
               greatest(attempts.intended_at, attempts.placed_at, attempts.heard_at) AS last_word,
               (campaigns.settings ->> 'ring_seconds')::int AS ring_seconds,
               (campaigns.settings ->> 'max_call_seconds')::int AS max_call_seconds
        FROM contacts
        JOIN campaigns ON campaigns.id = contacts.campaign_id AND campaigns.team_id = contacts.team_id
        LEFT JOIN attempts ON attempts.contact_id = contacts.id AND attempts.team_id = contacts.team_id
          AND attempts.settled_at IS NULL
        WHERE contacts.id = $1 AND contacts.campaign_id = $2
          AND (attempts.id IS NOT NULL OR contacts.state IN ('pending', 'failed'))";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(campaign) = lock(&transaction, owner).await? else { return Ok(SetAside::NotOurs) };
    let Some(row) = query_opt(&transaction, CONTACT, &[&contact, &owner.campaign]).await? else {
        return Ok(SetAside::NotOurs);
    };
    let seconds = |column| Ok::<_, Error>(TimeDelta::seconds(i64::from(count(&row, column)?)));
    let open = open_call(&row, unsent)?;
    let (ring_time, longest_call) = (seconds("ring_seconds")?, seconds("max_call_seconds")?);
    if let Some(until) = open.and_then(|call| call.may_last_until(ring_time, longest_call, now)) {
        return Ok(SetAside::NotYet { until });
    }
    let outcome = open.map(|call| match call {
        OpenCall::Unsent => Outcome::NotPlaced,
        OpenCall::Over | OpenCall::Alive { .. } => Outcome::Failed,
    });
    let in_a_row = write(&transaction, (owner.campaign, &campaign), contact, outcome, because, now).await?;
    let is_paused = in_a_row >= MOST_IN_A_ROW && pause(&transaction, owner, because, now).await?;
    transaction.commit().await?;
    Ok(if is_paused { SetAside::AndPaused { outcome } } else { SetAside::Done { outcome } })
}

/// What is known of the open attempt, if there is one.
fn open_call(row: &Row, unsent: Option<Uuid>) -> Result<Option<OpenCall>, Error> {
    let Some(attempt) = row.try_get::<_, Option<Uuid>>("attempt")? else { return Ok(None) };
    if unsent == Some(attempt) {
        return Ok(Some(OpenCall::Unsent));
    }
    let status: Option<&str> = row.try_get("status")?;
    let is_over = status.and_then(|status| Status::parse(status).ok()).is_some_and(Status::is_end);
    if is_over || row.try_get("has_ended")? {
        return Ok(Some(OpenCall::Over));
    }
    Ok(Some(OpenCall::Alive { last_word: row.try_get("last_word")? }))
}

/// Returns how many were set aside in a row with this one.
async fn write(
    transaction: &Transaction<'_>,
    (campaign, locked): (Uuid, &Locked),
    contact: Uuid,
    outcome: Option<Outcome>,
    because: &str,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    const SQL: &str = "
        WITH was AS (
            SELECT id, state FROM contacts WHERE id = $2 AND campaign_id = $1
        ), attempt AS (
            UPDATE attempts
            SET outcome = $4, error_message = $5, settled_at = $3,
                ended_at = CASE WHEN $6 = 1 THEN coalesce(ended_at, $3) END,
                ask_price_at = CASE WHEN price IS NULL AND sid IS NOT NULL AND $4 <> 'not-placed'
                                     AND NOT coalesce(status = ANY ($8), false) THEN $7::timestamptz END
            WHERE contact_id = $2 AND campaign_id = $1 AND settled_at IS NULL
            RETURNING id, call_day, limit_number, ended_at, ask_price_at IS NOT NULL AS is_unpriced,
                      coalesce(duration_seconds, 0) AS seconds
        ), contact AS (
            UPDATE contacts
            SET state = 'failed', due_at = NULL, callback_waits = false, set_aside = $5,
                attempts = attempts + $6, last_outcome = coalesce($4, last_outcome), updated_at = $3
            FROM was
            WHERE contacts.id = was.id
            RETURNING contacts.id, contacts.attempts, was.state AS was
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - (contact.was = 'pending')::int,
                calling = calling - (contact.was = 'calling')::int,
                failed = failed + (contact.was <> 'failed')::int,
                attempts = campaigns.attempts + $6,
                retries = retries + ($6 = 1 AND contact.attempts > 1)::int,
                outcomes = CASE WHEN attempt.id IS NULL THEN outcomes ELSE
                    jsonb_set(outcomes, ARRAY[$4], to_jsonb(coalesce((outcomes ->> $4)::int, 0) + 1)) END,
                talk_seconds = talk_seconds + CASE WHEN $6 = 1 THEN coalesce(attempt.seconds, 0) ELSE 0 END,
                unpriced = unpriced + coalesce(attempt.is_unpriced, false)::int,
                day_calls = day_calls
                    - ($4 = 'not-placed' AND coalesce(attempt.call_day = campaigns.call_day, false))::int,
                limit_left = CASE WHEN attempt.limit_number = campaigns.limit_number AND $4 = 'not-placed'
                        AND NOT EXISTS (SELECT FROM attempts other
                                        WHERE other.contact_id = contact.id AND other.id <> attempt.id
                                          AND other.limit_number = attempt.limit_number
                                          AND other.outcome IS DISTINCT FROM 'not-placed')
                    THEN limit_left + 1 ELSE limit_left END,
                last_call_ended_at = greatest(last_call_ended_at, attempt.ended_at),
                set_aside_in_a_row = set_aside_in_a_row + 1
            FROM contact LEFT JOIN attempt ON true
            WHERE campaigns.id = $1
            RETURNING campaigns.id, campaigns.team_id, campaigns.set_aside_in_a_row
        ), event AS (
            INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id, data)
            SELECT campaign.team_id, campaign.id, happened.kind, $3, contact.id, attempt.id, happened.data
            FROM campaign CROSS JOIN contact LEFT JOIN attempt ON true
            CROSS JOIN LATERAL (VALUES
                (1, 'attempt.ended', jsonb_build_object('outcome', $4::text, 'contact', 'failed')),
                (2, 'contact.failed', jsonb_build_object('reason', 'set-aside', 'detail', $5::text))
            ) happened (number, kind, data)
            WHERE attempt.id IS NOT NULL OR happened.number = 2
            ORDER BY happened.number
        )
        SELECT set_aside_in_a_row FROM campaign";
    let counted = i32::from(outcome.is_some_and(Outcome::counts_as_attempt));
    let outcome = outcome.map(Outcome::as_str);
    let ask_price_at = locked.has_spend_cap.then(|| first_question_at(now));
    let params: crate::db::Params<'_> =
        &[&campaign, &contact, &now, &outcome, &because, &counted, &ask_price_at, &free()];
    count(&query_one(transaction, SQL, params).await?, "set_aside_in_a_row")
}

/// Pauses the campaign, and begins to count again. Returns whether it was paused: one that does not run stays as it is.
async fn pause(
    transaction: &Transaction<'_>,
    owner: Ownership,
    because: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const COUNT_AGAIN: &str = "UPDATE campaigns SET set_aside_in_a_row = 0 WHERE id = $1";
    execute(transaction, COUNT_AGAIN, &[&owner.campaign]).await?;
    let detail = format!(
        "{MOST_IN_A_ROW} contacts in a row made it fail and were set aside, the last of them with: {because}; see why, and \
         resume it to go on with the others"
    );
    make_move_in(transaction, owner, Move::Pause, Some((HaltReason::ContactsFail, &detail)), now).await
}
