//! Claiming the next contact: the write-ahead of every call.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::{NoContext, Timestamp, Uuid};

use crate::db::calls::count_calls_alone;
use crate::db::campaigns::{LOCK, Locked, lock};
use crate::db::contacts::refile;
use crate::db::{Database, Decision, Durability, Error, Ownership, Params, count, execute, query_opt};
use crate::domain::answering_machine::Detection;
use crate::domain::area::Area;
use crate::domain::campaign::State;
use crate::domain::caps::Reach;
use crate::domain::contactable::{Reason, Terms};
use crate::domain::daily_cap::{day_of, full_until};
use crate::domain::dialer::Queue;
use crate::domain::fate::Fate;
use crate::domain::settings::Settings;
use crate::domain::spend::Standing;

use super::candidate::{Candidate, FIRST_DUE, numbers_of};

/// What a claim came to.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The intent is written. Nothing has left yet.
    Attempt(Box<ClaimedAttempt>),
    /// The first due contact must not be contacted, and is final now.
    Suppressed(Uuid),
    /// Nothing tells the time zone of the first due contact, and the campaign does not call then: it has failed.
    Blocked(Uuid),
    /// The first due contact's number is being called by another campaign; it is due again in a minute.
    PassedOver(Uuid),
    /// The first due contact's number was called often enough; it is due again when the caps allow it.
    Capped(Uuid),
    /// The campaign has made as many calls as it may on this day.
    DayIsFull,
    /// The campaign has spent as much as it may, or may have.
    SpendCap,
    /// The campaign has called as many contacts as it was started for.
    LimitReached,
    /// The first due contact came before areas were kept, and is in its own now.
    Refiled(Uuid),
    /// The first due contact may not be called any more since somebody looked.
    NotNow,
    /// Another contact would be called than the one who was asked about.
    Another,
    /// Nobody is due.
    Nobody,
    /// The campaign is not this owner's any more, or does not run any more.
    NotOurs,
}

/// Whose call a claim may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Anybody's.
    Anybody,
    /// Only this contact's, who was asked about; or nobody's, if there was nobody to ask about. What else a claim does to
    /// the first due contact it does all the same.
    Only(Option<Uuid>),
}

impl Whose {
    fn allows(self, contact: Uuid) -> bool {
        match self {
            Self::Anybody => true,
            Self::Only(asked_about) => asked_about == Some(contact),
        }
    }
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
    /// Where the called person may be.
    pub area: Arc<Area>,
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

/// The id of an attempt that is intended now. Ids follow each other by the clock that all nodes follow, so that a campaign's
/// newest attempt is the one with the greatest.
pub fn attempt_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// Claims the first due contact of the areas that are open: those with a due time of their own before the others, these
/// by their priority and the order of the list. One transaction; when it is committed the intent exists.
pub async fn claim_next(
    database: &Database,
    (owner, team): (Ownership, Uuid),
    terms: &Terms<'_>,
    (open, whose): (&[&Queue], Whose),
    (id, now): (Uuid, DateTime<Utc>),
) -> Result<Claim, Error> {
    match try_claim(database, (owner, team), terms, (open, whose), (id, now), false).await {
        // Another campaign took the number between our look and our write.
        Err(error) if error.is_conflict_with("one_open_call_per_number") => {
            try_claim(database, (owner, team), terms, (open, whose), (id, now), true).await
        }
        claimed => claimed,
    }
}

async fn try_claim(
    database: &Database,
    (owner, team): (Ownership, Uuid),
    terms: &Terms<'_>,
    (open, whose): (&[&Queue], Whose),
    (id, now): (Uuid, DateTime<Utc>),
    number_is_taken: bool,
) -> Result<Claim, Error> {
    let mut client = database.client().await?;
    let lock: Params<'_> = &[&owner.campaign, &owner.node, &owner.epoch];
    let first: Params<'_> = &[&owner.campaign, &now, &team, &numbers_of(open)];
    let begun = client.decide(Durability::AtOnce, [(LOCK, lock), (FIRST_DUE, first)]).await?;
    let (decision, [campaign, first]) = begun;
    let Some(campaign) = campaign.first().map(Locked::read).transpose()? else { return Ok(Claim::NotOurs) };
    if campaign.state != State::Running {
        return Ok(Claim::NotOurs);
    }
    let Some(row) = first.first() else { return Ok(Claim::Nobody) };
    let contact: Uuid = row.try_get("id")?;
    let claim = take(decision, owner, &campaign, terms, (row, open, whose), (id, now), number_is_taken).await;
    claim.map_err(|error| error.met_with(contact))
}

/// Claims the first due contact, or says why not. The campaign's row is held.
async fn take(
    decision: Decision<'_>,
    owner: Ownership,
    campaign: &Locked,
    terms: &Terms<'_>,
    (row, open, whose): (&Row, &[&Queue], Whose),
    (id, now): (Uuid, DateTime<Utc>),
    number_is_taken: bool,
) -> Result<Claim, Error> {
    let candidate = Candidate::read(row, open)?;
    let calls = match terms.reach() {
        Reach::NONE => Vec::new(),
        reach => count_calls_alone(&decision, campaign.team, &candidate.phone, reach, now).await?,
    };
    match candidate.fate(terms, &calls, number_is_taken, now) {
        Fate::Call if campaign.limit.is_some_and(|limit| limit.left == 0) => Ok(Claim::LimitReached),
        Fate::Call if has_spent_enough(campaign, terms.settings()) => Ok(Claim::SpendCap),
        Fate::Call if is_full(campaign, terms.settings(), now) => Ok(Claim::DayIsFull),
        Fate::Call if !whose.allows(candidate.id) => Ok(Claim::Another),
        Fate::Call => begin(decision, owner, campaign, &candidate, terms.settings(), (id, now)).await,
        Fate::Suppress => suppress(decision, owner.campaign, &candidate, now).await,
        Fate::Block(why) => {
            block(decision, owner.campaign, &candidate, &Reason::Unmapped(why).to_string(), now).await
        }
        Fate::PassOver { until } => {
            put_off(decision, owner.campaign, &candidate, until, now).await?;
            Ok(Claim::PassedOver(candidate.id))
        }
        Fate::PutOff { until } => {
            put_off(decision, owner.campaign, &candidate, until, now).await?;
            Ok(Claim::Capped(candidate.id))
        }
        Fate::Refile => {
            if !refile(&decision, campaign.team, owner.campaign, candidate.id).await? {
                return Ok(Claim::NotNow);
            }
            decision.commit().await?;
            Ok(Claim::Refiled(candidate.id))
        }
        Fate::Stay => Ok(Claim::NotNow),
    }
}

/// Whether the campaign, whose row is held, makes no more calls on this day.
fn is_full(campaign: &Locked, settings: &Settings, now: DateTime<Utc>) -> bool {
    full_until(settings.max_calls_per_day, campaign.call_day, &settings.timezone, now).is_some()
}

/// Whether the campaign, whose row is held, makes no more calls for what they may cost.
fn has_spent_enough(campaign: &Locked, settings: &Settings) -> bool {
    campaign.spend.standing(settings.max_spend) != Standing::MayCall
}

async fn suppress(
    decision: Decision<'_>,
    campaign: Uuid,
    candidate: &Candidate,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET state = 'suppressed', due_at = NULL, callback_waits = false, before_call = NULL, updated_at = $3
            WHERE id = $2
            RETURNING id
        ), area AS (
            UPDATE areas SET due_cursor = coalesce($5, due_cursor), order_cursor = coalesce($6, order_cursor)
            WHERE campaign_id = $1 AND number = $4
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - 1, suppressed = suppressed + 1
            WHERE id = $1
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id)
        SELECT team_id, campaign.id, 'contact.suppressed', $3, contact.id FROM campaign, contact";
    let Candidate { id, number, due_cursor, order_cursor, .. } = candidate;
    decision.commit_with(SQL, &[&campaign, id, &now, number, due_cursor, order_cursor]).await?;
    Ok(Claim::Suppressed(*id))
}

/// Makes a contact final that may never be called, without an attempt.
async fn block(
    decision: Decision<'_>,
    campaign: Uuid,
    candidate: &Candidate,
    because: &str,
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET state = 'failed', last_outcome = 'blocked', due_at = NULL, callback_waits = false, before_call = NULL,
                updated_at = $3
            WHERE id = $2
            RETURNING id
        ), area AS (
            UPDATE areas SET due_cursor = coalesce($5, due_cursor), order_cursor = coalesce($6, order_cursor)
            WHERE campaign_id = $1 AND number = $4
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - 1, failed = failed + 1
            WHERE id = $1
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
        SELECT team_id, campaign.id, 'contact.failed', $3, contact.id,
               jsonb_build_object('outcome', 'blocked', 'detail', $7::text)
        FROM campaign, contact";
    let Candidate { id, number, due_cursor, order_cursor, .. } = candidate;
    decision.commit_with(SQL, &[&campaign, id, &now, number, due_cursor, order_cursor, &because]).await?;
    Ok(Claim::Blocked(*id))
}

/// Makes the candidate due later.
async fn put_off(
    decision: Decision<'_>,
    campaign: Uuid,
    candidate: &Candidate,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts SET timed = true, due_at = $3, updated_at = $4 WHERE id = $2
        )
        UPDATE areas SET due_cursor = coalesce($6, due_cursor), order_cursor = coalesce($7, order_cursor)
        WHERE campaign_id = $1 AND number = $5";
    let Candidate { id, number, due_cursor, order_cursor, .. } = candidate;
    decision.commit_with(SQL, &[&campaign, id, &due_at, &now, number, due_cursor, order_cursor]).await?;
    Ok(())
}

async fn begin(
    decision: Decision<'_>,
    owner: Ownership,
    locked: &Locked,
    candidate: &Candidate,
    settings: &Settings,
    (attempt, now): (Uuid, DateTime<Utc>),
) -> Result<Claim, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET state = 'calling', due_at = NULL, timed = true, callback_waits = false,
                last_number = last_number + 1, before_call = NULL, updated_at = $4
            WHERE id = $1
            RETURNING id, team_id, phone, extension, name, metadata, attempts, last_number
        ), attempt AS (
            INSERT INTO attempts
                (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone, from_phone,
                 detection, intended_at, call_day, limit_number)
            SELECT $2, team_id, $3, id, last_number, $5, $6, phone, $7, $8, $4, $12, $13 FROM contact
        ), area AS (
            UPDATE areas SET due_cursor = coalesce($10, due_cursor), order_cursor = coalesce($11, order_cursor)
            WHERE campaign_id = $3 AND number = $9
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending - 1, calling = calling + 1, call_day = $12, told_waiting = NULL,
                day_calls = CASE WHEN call_day = $12 THEN day_calls + 1 ELSE 1 END,
                limit_left = CASE WHEN $13::int IS NULL THEN limit_left ELSE limit_left - (NOT EXISTS
                    (SELECT FROM attempts WHERE contact_id = $1 AND limit_number = $13
                       AND outcome IS DISTINCT FROM 'not-placed'))::int END
            WHERE id = $3
            RETURNING agent
        ), event AS (
            INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id, data)
            SELECT team_id, $3, 'attempt.started', $4, id, $2, jsonb_build_object('number', last_number) FROM contact
        )
        SELECT phone, name, metadata, attempts, agent FROM contact, campaign";
    let detection = settings.answering_machine.detection(!candidate.extension.is_empty());
    let call_day = day_of(locked.call_day, &settings.timezone, now);
    let params: Params<'_> = &[
        &candidate.id,
        &attempt,
        &owner.campaign,
        &now,
        &owner.epoch,
        &locked.settings_version,
        &settings.from,
        &detection.map(Detection::as_str),
        &candidate.number,
        &candidate.due_cursor,
        &candidate.order_cursor,
        &call_day,
        &locked.limit.map(|limit| limit.number),
    ];
    let rows = decision.commit_with(SQL, params).await?;
    let row = rows.first().ok_or_else(|| Error::ImpossibleRow("the contact was gone".to_owned()))?;
    Ok(Claim::Attempt(Box::new(ClaimedAttempt {
        id: attempt,
        team: locked.team,
        contact: candidate.id,
        phone: row.try_get("phone")?,
        extension: candidate.extension.clone(),
        area: candidate.area.clone(),
        tries_before: count(row, "attempts")?,
        name: row.try_get("name")?,
        metadata: row.try_get("metadata")?,
        agent: row.try_get("agent")?,
        settings_version: locked.settings_version,
        detection,
    })))
}

/// Sets the cursors back to the beginning: for an empty claim although somebody seemed due.
pub async fn reset_cursors(database: &Database, owner: Ownership) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE areas SET order_cursor = DEFAULT, due_cursor = DEFAULT WHERE campaign_id = $1";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    if lock(&transaction, owner).await?.is_some() {
        execute(&transaction, SQL, &[&owner.campaign]).await?;
        transaction.commit().await?;
    }
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
    let params: Params<'_> = &[
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
