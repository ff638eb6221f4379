//! Campaigns: made by an upload, moved by people and by the dialer, read by the API.
//!
//! Every move locks the campaign's row, asks `domain::campaign` whether it is legal from the state it finds, and
//! writes the new state together with its event.

use chrono::{DateTime, NaiveDate, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::answering_machine::AnsweringMachine;
use crate::domain::campaign::{IllegalMove, Move, State};
use crate::domain::daily_cap::CallDay;
use crate::domain::dialer::HaltReason;
use crate::domain::event::EventKind;
use crate::domain::money::Money;
use crate::domain::settings::Settings;
use crate::domain::spend::Spend;
use crate::domain::suppression::OptOutDigit;

use super::recurrence::expect_next_firing;
use super::{
    Database, Error, Ownership, Session, Transaction, count, execute, json, name, query, query_one, query_opt,
};

/// A campaign that is about to be made.
#[derive(Debug)]
pub struct NewCampaign<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its team.
    pub team: Uuid,
    /// What people call it.
    pub name: &'a str,
    /// How it dials.
    pub settings: &'a Settings,
    /// The agent that was named, if it was not given inline.
    pub agent_id: Option<Uuid>,
    /// The agent's snapshot, as JSON that the API has checked.
    pub agent: &'a serde_json::Value,
    /// Before this instant it does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// The key of whoever makes it, if it is a person or a program outside.
    pub by: Option<Uuid>,
}

/// Inserts a draft without contacts. Part of the transaction that makes it with them.
pub(super) async fn insert_campaign(
    transaction: &Transaction<'_>,
    campaign: &NewCampaign<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH campaign AS (
            INSERT INTO campaigns
                (id, team_id, name, state, settings, agent_id, agent, import, starts_at, created_at, edited_by)
            VALUES ($1, $2, $3, 'draft', $4, $5, $6, '{}', $7, $8, $9)
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, 'campaign.created', $8, jsonb_strip_nulls(jsonb_build_object('by', $9::uuid)) FROM campaign";
    let settings = to_json(campaign.settings)?;
    let params: super::Params<'_> = &[
        &campaign.id,
        &campaign.team,
        &campaign.name,
        &settings,
        &campaign.agent_id,
        campaign.agent,
        &campaign.starts_at,
        &now,
        &campaign.by,
    ];
    execute(transaction, SQL, params).await?;
    Ok(())
}

pub(super) fn to_json(settings: &Settings) -> Result<serde_json::Value, Error> {
    serde_json::to_value(settings).map_err(|error| Error::ImpossibleRow(error.to_string()))
}

/// What came of a person's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It was carried out.
    Done,
    /// The campaign's state does not allow it.
    Illegal(IllegalMove),
    /// The team has no such campaign.
    NotFound,
}

/// How many contacts are called until a campaign is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limited {
    /// As many as a limit that was set before has left; all if it has left none, or if there is none.
    #[default]
    AsBefore,
    /// So many different ones, from now on.
    To(u32),
    /// All.
    Not,
}

/// A person's command to a campaign.
#[derive(Debug, Clone, Copy)]
pub enum Command<'a> {
    /// Start it, with this provider account.
    Start {
        /// The account that its calls will go through.
        account_sid: &'a str,
        /// How many contacts are called until it is paused.
        limit: Limited,
    },
    /// Stop it for now.
    Pause,
    /// Let it go on.
    Resume {
        /// How many more contacts are called until it is paused again.
        limit: Limited,
    },
    /// Give it up.
    Cancel,
}

impl Command<'_> {
    /// The move that the command is.
    pub fn as_move(&self) -> Move {
        match self {
            Self::Start { .. } => Move::Start,
            Self::Pause => Move::Pause,
            Self::Resume { .. } => Move::Resume,
            Self::Cancel => Move::Cancel,
        }
    }
}

/// Carries out a person's command, which came with the key `by` if it came with one. A campaign that has something to do
/// afterwards and no living owner is given to `node`, which can begin with it at once instead of finding it at its next
/// renewal. Who is no node gives it to nobody.
pub async fn command(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    command: Command<'_>,
    (by, node): (Option<Uuid>, Option<Uuid>),
    now: DateTime<Utc>,
) -> Result<Moved, Error> {
    const LOCK: &str = "
        SELECT state, settings, starts_at FROM campaigns WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else {
        return Ok(Moved::NotFound);
    };
    let made = command.as_move();
    let target = match name(&row, "state", State::parse)?.after(made) {
        Ok(target) => target,
        Err(illegal) => return Ok(Moved::Illegal(illegal)),
    };
    let reason = (target == State::Paused).then_some((HaltReason::ByPerson, "paused by a person"));
    match command {
        Command::Start { limit, .. } | Command::Resume { limit } => {
            write_limit(&transaction, campaign, limit).await?;
        }
        Command::Pause | Command::Cancel => {}
    }
    if let Command::Start { account_sid, .. } = command {
        let sql = "UPDATE campaigns SET account_sid = $2 WHERE id = $1";
        execute(&transaction, sql, &[&campaign, &account_sid]).await?;
    }
    if target == State::Pending {
        let settings: Settings = json(&row, "settings")?;
        expect_next_firing(&transaction, campaign, &settings, row.try_get("starts_at")?, now).await?;
    }
    write_move(&transaction, campaign, made, reason, by, now).await?;
    if target == State::Pending {
        own_if_nobody_does(&transaction, campaign, node).await?;
    }
    transaction.commit().await?;
    Ok(Moved::Done)
}

/// Writes how many more contacts are called. Its row is locked by the caller.
async fn write_limit(transaction: &Transaction<'_>, campaign: Uuid, limit: Limited) -> Result<(), Error> {
    const OVER: &str = "
        UPDATE campaigns SET limit_left = NULL WHERE id = $1 AND limit_left = 0 AND state_reason = 'limit-reached'";
    const SET: &str = "UPDATE campaigns SET limit_left = $2, limit_number = limit_number + 1 WHERE id = $1";
    let left = match limit {
        Limited::AsBefore => {
            execute(transaction, OVER, &[&campaign]).await?;
            return Ok(());
        }
        Limited::To(contacts) => Some(contacts.cast_signed()),
        Limited::Not => None,
    };
    execute(transaction, SET, &[&campaign, &left]).await?;
    Ok(())
}

/// Gives a campaign that no living node owns to this one. Who is no node gives it to nobody.
pub(super) async fn own_if_nobody_does(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    node: Option<Uuid>,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE campaigns SET node = $2, epoch = epoch + 1
        WHERE id = $1 AND NOT EXISTS
            (SELECT FROM living_nodes WHERE living_nodes.id = campaigns.node)";
    let Some(node) = node else { return Ok(()) };
    execute(transaction, SQL, &[&campaign, &node]).await?;
    Ok(())
}

/// Makes a move of the dialer's own: begin, finish, pause with a reason. Returns false if the campaign is no longer
/// this node's, or no longer in a state from which the move is legal.
pub async fn make_move(
    database: &Database,
    owner: Ownership,
    attempted: Move,
    reason: Option<(HaltReason, &str)>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let moved = make_move_in(&transaction, owner, attempted, reason, now).await?;
    if moved {
        transaction.commit().await?;
    }
    Ok(moved)
}

/// [`make_move`] as a part of a larger decision.
pub(super) async fn make_move_in(
    transaction: &Transaction<'_>,
    owner: Ownership,
    attempted: Move,
    reason: Option<(HaltReason, &str)>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let Some(locked) = lock(transaction, owner).await? else { return Ok(false) };
    let Ok(target) = locked.state.after(attempted) else { return Ok(false) };
    if target == State::Completed && locked.unfinished > 0 {
        return Ok(false);
    }
    write_move(transaction, owner.campaign, attempted, reason, None, now).await?;
    Ok(true)
}

/// A campaign's row, locked by its owner until the transaction ends.
pub(super) struct Locked {
    pub(super) team: Uuid,
    pub(super) state: State,
    pub(super) unfinished: i32,
    pub(super) settings_version: i32,
    pub(super) call_day: Option<CallDay>,
    pub(super) limit: Option<Limit>,
    pub(super) spend: Spend,
    /// Whether it has to know what its calls cost.
    pub(super) has_spend_cap: bool,
}

/// How many more contacts a campaign calls until it is paused, and the number of that limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) left: u32,
    pub(super) number: i32,
}

/// Locks the campaign `$1` of the node `$2` under the epoch `$3` for a decision.
pub(super) const LOCK: &str = "
    SELECT team_id, state, pending + calling AS unfinished, settings_version, call_day, day_calls, limit_left,
           limit_number, spent, unpriced, highest_price, settings ? 'max_spend' AS has_spend_cap
    FROM campaigns
    WHERE id = $1 AND node = $2 AND epoch = $3
    FOR NO KEY UPDATE";

/// Locks the campaign for a decision. Returns nothing if it is no longer this owner's.
pub(super) async fn lock(transaction: &impl Session, owner: Ownership) -> Result<Option<Locked>, Error> {
    let row = query_opt(transaction, LOCK, &[&owner.campaign, &owner.node, &owner.epoch]).await?;
    row.as_ref().map(Locked::read).transpose()
}

impl Locked {
    /// Reads what [`LOCK`] says.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            team: row.try_get("team_id")?,
            state: name(row, "state", State::parse)?,
            unfinished: row.try_get("unfinished")?,
            settings_version: row.try_get("settings_version")?,
            call_day: call_day(row)?,
            limit: limit_left(row)?
                .map(|left| Ok::<_, Error>(Limit { left, number: row.try_get("limit_number")? }))
                .transpose()?,
            spend: spend(row)?,
            has_spend_cap: row.try_get("has_spend_cap")?,
        })
    }
}

/// The day on which a campaign last called.
pub(super) fn call_day(row: &Row) -> Result<Option<CallDay>, Error> {
    let on: Option<NaiveDate> = row.try_get("call_day")?;
    on.map(|on| Ok(CallDay { on, calls: count(row, "day_calls")? })).transpose()
}

/// How many more contacts a campaign calls, if that is limited.
pub(super) fn limit_left(row: &Row) -> Result<Option<u32>, Error> {
    let left: Option<i32> = row.try_get("limit_left")?;
    let read = |left| u32::try_from(left).map_err(|_| Error::ImpossibleRow(format!("limit_left is {left}")));
    left.map(read).transpose()
}

/// What a campaign's calls have cost.
pub(super) fn spend(row: &Row) -> Result<Spend, Error> {
    Ok(Spend {
        spent: money(row.try_get("spent")?)?,
        unpriced: count(row, "unpriced")?,
        highest: money(row.try_get("highest_price")?)?,
    })
}

/// An amount of money from its millionths.
pub(super) fn money(millionths: i64) -> Result<Money, Error> {
    Money::from_millionths(millionths)
        .ok_or_else(|| Error::ImpossibleRow(format!("{millionths} is no amount of money")))
}

/// Writes the state that a legal move leads to, with its event. The campaign's row is locked by the caller. `by` is the key
/// of whoever wished for it, if it is not the dialer's own move.
pub(super) async fn write_move(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    made: Move,
    reason: Option<(HaltReason, &str)>,
    by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH campaign AS (
            UPDATE campaigns
            SET state = $2, state_reason = $3, state_detail = $4,
                started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, $5) ELSE started_at END,
                paused_at = CASE WHEN $2 = 'paused' THEN $5 END,
                completed_at = CASE WHEN $2 = 'completed' THEN $5 END,
                ended_at = CASE WHEN $2 IN ('completed', 'canceled', 'failed') THEN $5 END,
                told_waiting = NULL
            WHERE id = $1
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, $6, $5,
               jsonb_strip_nulls(jsonb_build_object('reason', $3::text, 'detail', $4::text, 'by', $7::uuid))
        FROM campaign";
    let word = reason.map(|(reason, _)| reason.as_str());
    let detail = reason.map(|(_, detail)| detail);
    let (state, kind) = (made.leads_to().as_str(), EventKind::from(made).as_str());
    execute(transaction, SQL, &[&campaign, &state, &word, &detail, &now, &kind, &by]).await?;
    Ok(())
}

/// What came of a wish to delete a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, with its contacts and attempts.
    Done,
    /// It is at work, or has a call that is not settled.
    Busy(State),
    /// The team has no such campaign.
    NotFound,
}

/// A campaign of more contacts is deleted on a connection that may take its time.
const MANY_CONTACTS: i32 = 10_000;

/// Deletes a campaign that is not at work and has no open call. One with very many contacts takes a while; until then
/// it is there as a whole.
pub async fn delete_campaign(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Deleted, Error> {
    const LOCK: &str = "
        SELECT state, calling FROM campaigns WHERE id = $1 AND team_id = $2 FOR UPDATE";
    const DELETE: &str = "
        WITH campaign AS (DELETE FROM campaigns WHERE id = $1 RETURNING id, team_id, name)
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, 'campaign.deleted', $2, jsonb_strip_nulls(jsonb_build_object('name', name, 'by', $3::uuid))
        FROM campaign";
    const MANY: &str = "
        SELECT pending + calling + completed + failed + suppressed > $3 AS has_many
        FROM campaigns WHERE id = $1 AND team_id = $2";
    let client = database.client().await?;
    let Some(row) = query_opt(&client, MANY, &[&campaign, &team, &MANY_CONTACTS]).await? else {
        return Ok(Deleted::NotFound);
    };
    let mut client = if row.try_get("has_many")? {
        drop(client);
        database.list_client().await?
    } else {
        client
    };
    let transaction = client.transaction().await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else {
        return Ok(Deleted::NotFound);
    };
    let state = name(&row, "state", State::parse)?;
    if matches!(state, State::Pending | State::Running) || count(&row, "calling")? > 0 {
        return Ok(Deleted::Busy(state));
    }
    execute(&transaction, DELETE, &[&campaign, &now, &by]).await?;
    transaction.commit().await?;
    // Claims were planned while that table was small or empty; new statistics make them plan again. Nothing but time
    // depends on it, and the server comes round to it by itself if this fails.
    let _ = client.batch_execute("ANALYZE calls_of_deleted_campaigns").await;
    Ok(Deleted::Done)
}

/// A campaign, as the API shows it.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Why it is paused or failed: a word.
    pub state_reason: Option<String>,
    /// The same as a sentence.
    pub state_detail: Option<String>,
    /// How it dials.
    pub settings: Settings,
    /// The version of its settings.
    pub settings_version: i32,
    /// The agent it was made with, if one was named.
    pub agent_id: Option<Uuid>,
    /// The agent's snapshot.
    pub agent: serde_json::Value,
    /// The file's columns and row counts.
    pub import: serde_json::Value,
    /// Before this instant it does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it first ran.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was paused, exactly while it is.
    pub paused_at: Option<DateTime<Utc>>,
    /// When everybody was final.
    pub completed_at: Option<DateTime<Utc>>,
    /// The campaign with a schedule whose run it is, and for which firing.
    pub run_of: Option<(Uuid, DateTime<Utc>)>,
    /// When its last call ended.
    pub last_call_ended_at: Option<DateTime<Utc>>,
    /// The day on which it last called, by its own clock, and its calls on it.
    pub call_day: Option<CallDay>,
    /// How many more contacts it calls until it is paused, if that is limited.
    pub limit_left: Option<u32>,
    /// What its calls have cost, as far as is known.
    pub spend: Spend,
    /// The currency of that, once it is known.
    pub currency: Option<String>,
    /// Its counts.
    pub counts: Counts,
}

/// What a campaign counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Contacts to be called.
    pub pending: u32,
    /// Contacts being called.
    pub calling: u32,
    /// Contacts reached.
    pub completed: u32,
    /// Contacts given up.
    pub failed: u32,
    /// Contacts that must not be called.
    pub suppressed: u32,
    /// Of those given up, the ones that were set aside because they made it fail.
    pub set_aside: u32,
    /// Attempts that count.
    pub attempts: u32,
    /// Of these, second and later tries of a contact.
    pub retries: u32,
    /// Settled attempts by outcome, counted or not.
    pub outcomes: std::collections::BTreeMap<String, u32>,
    /// Seconds of conversation.
    pub talk_seconds: i64,
}

pub(super) const COLUMNS: &str = "
    id, name, state, state_reason, state_detail, settings, settings_version, agent_id, agent, import, starts_at,
    created_at, started_at, paused_at, completed_at, last_call_ended_at, pending, calling, completed, failed,
    suppressed, attempts, retries, outcomes, talk_seconds, repeats_of, firing_at, call_day, day_calls,
    limit_left, spent, unpriced, highest_price, currency,
    (SELECT count(*)::int FROM contacts WHERE campaign_id = campaigns.id AND set_aside IS NOT NULL) AS set_aside";

/// One campaign of a team.
pub async fn find_campaign(database: &Database, team: Uuid, id: Uuid) -> Result<Option<Campaign>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM campaigns WHERE id = $1 AND team_id = $2");
    query_opt(&database.client().await?, &sql, &[&id, &team]).await?.as_ref().map(campaign).transpose()
}

/// A page of a team's campaigns, newest first: those made before the campaign `before`. With `repeats_of` only the runs
/// of that campaign.
pub async fn list_campaigns(
    database: &Database,
    team: Uuid,
    state: Option<State>,
    repeats_of: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Campaign>, Error> {
    // Ids are UUIDv7: their order is the order of their making.
    let sql = format!(
        "SELECT {COLUMNS} FROM campaigns
         WHERE team_id = $1 AND ($2::text IS NULL OR state = $2) AND ($5::uuid IS NULL OR repeats_of = $5)
           AND id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         ORDER BY id DESC LIMIT $4"
    );
    let state = state.map(State::as_str);
    let params: super::Params<'_> = &[&team, &state, &before, &limit, &repeats_of];
    query(&database.client().await?, &sql, params).await?.iter().map(campaign).collect()
}

/// Whether a call of an account's campaigns has ended since then.
pub async fn has_called_since(
    database: &Database,
    account_sid: &str,
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        SELECT EXISTS (SELECT FROM campaigns WHERE account_sid = $1 AND last_call_ended_at >= $2) AS has_called";
    let row = query_one(&database.client().await?, SQL, &[&account_sid, &since]).await?;
    Ok(row.try_get("has_called")?)
}

/// What the `/answer` webhook needs to speak for a campaign: the agent's snapshot, and the contact of an attempt.
pub async fn find_speech(
    database: &Database,
    campaign: Uuid,
    attempt: Uuid,
) -> Result<Option<Speech>, Error> {
    const SQL: &str = "
        SELECT campaigns.team_id, campaigns.agent, campaigns.settings, contacts.name, contacts.phone, contacts.metadata
        FROM attempts
        JOIN campaigns ON campaigns.id = attempts.campaign_id
        JOIN contacts ON contacts.id = attempts.contact_id
        WHERE attempts.id = $1 AND attempts.campaign_id = $2";
    let row = query_opt(&database.client().await?, SQL, &[&attempt, &campaign]).await?;
    row.map(|row| {
        let settings: Settings = json(&row, "settings")?;
        Ok(Speech {
            team: row.try_get("team_id")?,
            agent: row.try_get("agent")?,
            name: row.try_get("name")?,
            phone: row.try_get("phone")?,
            metadata: row.try_get("metadata")?,
            answering_machine: settings.answering_machine,
            opt_out_digit: settings.opt_out_digit,
        })
    })
    .transpose()
}

/// Who speaks, and to whom.
#[derive(Debug, Clone)]
pub struct Speech {
    /// The team.
    pub team: Uuid,
    /// The agent's snapshot.
    pub agent: serde_json::Value,
    /// The contact's name.
    pub name: Option<String>,
    /// The contact's number.
    pub phone: String,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// What a machine hears instead.
    pub answering_machine: AnsweringMachine,
    /// The key by which the contact opts out.
    pub opt_out_digit: Option<OptOutDigit>,
}

pub(super) fn campaign(row: &Row) -> Result<Campaign, Error> {
    Ok(Campaign {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        state: name(row, "state", State::parse)?,
        state_reason: row.try_get("state_reason")?,
        state_detail: row.try_get("state_detail")?,
        settings: json(row, "settings")?,
        settings_version: row.try_get("settings_version")?,
        agent_id: row.try_get("agent_id")?,
        agent: row.try_get("agent")?,
        import: row.try_get("import")?,
        starts_at: row.try_get("starts_at")?,
        created_at: row.try_get("created_at")?,
        started_at: row.try_get("started_at")?,
        paused_at: row.try_get("paused_at")?,
        completed_at: row.try_get("completed_at")?,
        run_of: row.try_get::<_, Option<_>>("repeats_of")?.zip(row.try_get("firing_at")?),
        last_call_ended_at: row.try_get("last_call_ended_at")?,
        call_day: call_day(row)?,
        limit_left: limit_left(row)?,
        spend: spend(row)?,
        currency: row.try_get("currency")?,
        counts: Counts {
            pending: count(row, "pending")?,
            calling: count(row, "calling")?,
            completed: count(row, "completed")?,
            failed: count(row, "failed")?,
            suppressed: count(row, "suppressed")?,
            set_aside: count(row, "set_aside")?,
            attempts: count(row, "attempts")?,
            retries: count(row, "retries")?,
            outcomes: json(row, "outcomes")?,
            talk_seconds: row.try_get("talk_seconds")?,
        },
    })
}
