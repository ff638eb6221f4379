//! Claiming the next contact: the write-ahead of every call.

use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::campaigns::{Locked, lock};
use crate::db::{Database, Error, Ownership, count, execute, query_one, query_opt};
use crate::domain::answering_machine::Detection;
use crate::domain::campaign::State;
use crate::domain::settings::Settings;

/// How long a number is passed over that another campaign is calling just now.
const PASSED_OVER_FOR: TimeDelta = TimeDelta::seconds(60);

/// What a claim came to.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The intent is written. Nothing has left yet.
    Attempt(ClaimedAttempt),
    /// The first due contact must not be contacted, and is final now.
    Suppressed(Uuid),
    /// The first due contact's number is being called by another campaign; it is due again in a minute.
    PassedOver(Uuid),
    /// Nobody is due.
    Nobody,
    /// The campaign is not this owner's any more, or does not run any more.
    NotOurs,
}

/// A contact with an attempt of its own, about to be called.
#[derive(Debug, Clone)]
pub struct ClaimedAttempt {
    /// The attempt.
    pub id: Uuid,
    /// The team.
    pub team: Uuid,
    /// The contact.
    pub contact: Uuid,
    /// The number to call.
    pub phone: String,
    /// What to dial after the call is taken, empty if nothing.
    pub extension: String,
    /// How many attempts of the contact counted before this one.
    pub tries_before: u32,
    /// The contact's name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// The agent's snapshot.
    pub agent: serde_json::Value,
    /// The version of the settings that it is called under.
    pub settings_version: i32,
    /// The detection that is asked for with the call.
    pub detection: Option<Detection>,
}

/// Claims the first due contact: those with a due time of their own before those in the order of the list. One
/// transaction; when it is committed the intent exists.
///
/// Each of the two queues is probed from its cursor on, because dead index entries pile up at the head of a queue:
/// with a long snapshot held elsewhere a claim without a cursor falls from 7,000 to 400 a second within half a
/// minute, one with a cursor stays above 11,000.
pub async fn claim_next(
    database: &Database,
    owner: Ownership,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    match try_claim(database, owner, settings, now, false).await {
        // Another campaign took the number between our look and our write.
        Err(error) if error.is_conflict_with("one_open_call_per_number") => {
            try_claim(database, owner, settings, now, true).await
        }
        claimed => claimed,
    }
}

async fn try_claim(
    database: &Database,
    owner: Ownership,
    settings: &Settings,
    now: DateTime<Utc>,
    number_is_taken: bool,
) -> Result<Claim, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(campaign) = lock(&transaction, owner).await? else { return Ok(Claim::NotOurs) };
    if campaign.state != State::Running {
        return Ok(Claim::NotOurs);
    }
    let Some(candidate) = first_due(&transaction, owner.campaign, &campaign, now).await? else {
        return Ok(Claim::Nobody);
    };
    let claim = if candidate.try_get("suppressed")? {
        suppress(&transaction, owner.campaign, &candidate, now).await?
    } else if number_is_taken || candidate.try_get("taken")? {
        pass_over(&transaction, owner.campaign, &candidate, now).await?
    } else {
        let attempt = Uuid::now_v7();
        begin(&transaction, owner, &campaign, &candidate, attempt, settings, now).await?
    };
    transaction.commit().await?;
    Ok(claim)
}

async fn first_due(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    locked: &Locked,
    now: DateTime<Utc>,
) -> Result<Option<Row>, Error> {
    const SQL: &str = "
        WITH due AS (
            (SELECT id, phone, extension, timed, position, due_at FROM contacts
             WHERE campaign_id = $1 AND state = 'pending' AND timed AND due_at <= $2
               AND due_at >= (SELECT due_cursor FROM campaigns WHERE id = $1)
             ORDER BY due_at LIMIT 1)
            UNION ALL
            (SELECT id, phone, extension, timed, position, due_at FROM contacts
             WHERE campaign_id = $1 AND state = 'pending' AND NOT timed AND position > $4
             ORDER BY position LIMIT 1)
        )
        SELECT id, extension, timed, position, due_at,
               EXISTS (SELECT FROM suppressions
                       WHERE suppressions.phone = due.phone AND team_id = $3
                         AND (expires_at IS NULL OR expires_at > $2)) AS suppressed,
               EXISTS (SELECT FROM attempts
                       WHERE to_phone = due.phone AND team_id = $3 AND settled_at IS NULL) AS taken
        FROM due ORDER BY timed DESC LIMIT 1";
    query_opt(transaction, SQL, &[&campaign, &now, &locked.team, &locked.order_cursor]).await
}

async fn suppress(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    candidate: &Row,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts SET state = 'suppressed', due_at = NULL, callback_waits = false, updated_at = $3
            WHERE id = $2
            RETURNING id
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - 1, suppressed = suppressed + 1, last_event = last_event + 1,
                due_cursor = coalesce($4, due_cursor), order_cursor = coalesce($5, order_cursor)
            WHERE id = $1
            RETURNING id, team_id, last_event
        )
        INSERT INTO events (team_id, campaign_id, number, kind, at, contact_id)
        SELECT team_id, campaign.id, last_event, 'contact.suppressed', $3, contact.id FROM campaign, contact";
    let contact: Uuid = candidate.try_get("id")?;
    let (due_cursor, order_cursor) = cursors(candidate)?;
    execute(transaction, SQL, &[&campaign, &contact, &now, &due_cursor, &order_cursor]).await?;
    Ok(Claim::Suppressed(contact))
}

async fn pass_over(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    candidate: &Row,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts SET timed = true, due_at = $3, updated_at = $4 WHERE id = $2
        )
        UPDATE campaigns
        SET due_cursor = coalesce($5, due_cursor), order_cursor = coalesce($6, order_cursor)
        WHERE id = $1";
    let contact: Uuid = candidate.try_get("id")?;
    let (due_cursor, order_cursor) = cursors(candidate)?;
    let due_at = now + PASSED_OVER_FOR;
    execute(transaction, SQL, &[&campaign, &contact, &due_at, &now, &due_cursor, &order_cursor]).await?;
    Ok(Claim::PassedOver(contact))
}

async fn begin(
    transaction: &Transaction<'_>,
    owner: Ownership,
    locked: &Locked,
    candidate: &Row,
    attempt: Uuid,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET state = 'calling', due_at = NULL, timed = true, callback_waits = false,
                last_number = last_number + 1, updated_at = $4
            WHERE id = $1
            RETURNING id, team_id, phone, extension, name, metadata, attempts, last_number
        ), attempt AS (
            INSERT INTO attempts
                (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone, from_phone,
                 detection, intended_at)
            SELECT $2, team_id, $3, id, last_number, $5, $6, phone, $7, $8, $4 FROM contact
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - 1, calling = calling + 1,
                due_cursor = coalesce($9, due_cursor), order_cursor = coalesce($10, order_cursor)
            WHERE id = $3
            RETURNING agent
        )
        SELECT phone, name, metadata, attempts, agent FROM contact, campaign";
    let contact: Uuid = candidate.try_get("id")?;
    let extension: String = candidate.try_get("extension")?;
    let detection = settings.answering_machine.detection(!extension.is_empty());
    let (due_cursor, order_cursor) = cursors(candidate)?;
    let params: crate::db::Params<'_> = &[
        &contact,
        &attempt,
        &owner.campaign,
        &now,
        &owner.epoch,
        &locked.settings_version,
        &settings.from,
        &detection.map(Detection::as_str),
        &due_cursor,
        &order_cursor,
    ];
    let row = query_one(transaction, SQL, params).await?;
    Ok(Claim::Attempt(ClaimedAttempt {
        id: attempt,
        team: locked.team,
        contact,
        phone: row.try_get("phone")?,
        extension,
        tries_before: count(&row, "attempts")?,
        name: row.try_get("name")?,
        metadata: row.try_get("metadata")?,
        agent: row.try_get("agent")?,
        settings_version: locked.settings_version,
        detection,
    }))
}

/// Where the cursor of the candidate's queue goes: the due time's, or the order's. The candidate was the first of its
/// queue, so nobody who is pending stands before it.
fn cursors(candidate: &Row) -> Result<(Option<DateTime<Utc>>, Option<i32>), Error> {
    Ok(if candidate.try_get("timed")? {
        (Some(candidate.try_get("due_at")?), None)
    } else {
        (None, Some(candidate.try_get("position")?))
    })
}

/// Sets the cursors back to the beginning: for an empty claim although somebody seemed due.
pub async fn reset_cursors(database: &Database, owner: Ownership) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE campaigns SET order_cursor = 0, due_cursor = '-infinity'
        WHERE id = $1 AND node = $2 AND epoch = $3";
    execute(&database.client().await?, SQL, &[&owner.campaign, &owner.node, &owner.epoch]).await?;
    Ok(())
}

/// Whether a claimed attempt may still leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing has changed.
    Granted,
    /// The number has been suppressed since.
    Suppressed,
    /// The campaign was paused, edited or taken over since.
    Withdrawn,
}

/// Looks once more just before the request leaves, within the second that a pause, a cancel or an opt-out has to
/// take effect.
pub async fn look_once_more(
    database: &Database,
    owner: Ownership,
    attempt: &ClaimedAttempt,
    now: DateTime<Utc>,
) -> Result<Permission, Error> {
    const SQL: &str = "
        SELECT EXISTS (SELECT FROM suppressions
                       WHERE phone = $4 AND team_id = $5 AND (expires_at IS NULL OR expires_at > $6)) AS suppressed
        FROM campaigns
        WHERE id = $1 AND node = $2 AND epoch = $3 AND state = 'running' AND settings_version = $7";
    let params: crate::db::Params<'_> = &[
        &owner.campaign,
        &owner.node,
        &owner.epoch,
        &attempt.phone,
        &attempt.team,
        &now,
        &attempt.settings_version,
    ];
    Ok(match query_opt(&database.client().await?, SQL, params).await? {
        None => Permission::Withdrawn,
        Some(row) if row.try_get("suppressed")? => Permission::Suppressed,
        Some(_) => Permission::Granted,
    })
}
