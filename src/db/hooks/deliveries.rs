//! What becomes of events on their way to a receiver. What arrives at the first try only moves the hook's position on;
//! everything else has a row.

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::share::HookOwner;
use super::{Destination, destination, kinds};
use crate::db::{Database, Error, count, execute, name, query, query_one, query_opt};
use crate::domain::event::EventKind;
use crate::domain::hook::{DeliveryState, Stopped};

/// How long it is known of an event that it was delivered in the end.
const DELIVERED_KEPT: TimeDelta = TimeDelta::days(7);

/// How long an event that was given up may be asked for again.
const DEAD_KEPT: TimeDelta = TimeDelta::days(30);

/// What a hook has to do.
#[derive(Debug)]
pub struct HookView {
    /// Where it leads.
    pub destination: Destination,
    /// What it tells of; nothing stands for everything.
    pub kinds: Option<Vec<EventKind>>,
    /// Grows with whatever is wished for it.
    pub version: i64,
    /// All events up to this one are delivered or dead.
    pub delivered_position: i64,
    /// Since when it works.
    pub working_since: DateTime<Utc>,
    /// Since when nothing is delivered although it is tried.
    pub failing_since: Option<DateTime<Utc>>,
    /// The event whose turn it is, if it has failed before.
    pub retrying: Option<Retrying>,
    /// The first event that somebody asked for again.
    pub asked: Option<i64>,
    /// The last event that has happened.
    pub last_position: i64,
}

/// An event that is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retrying {
    /// Its position.
    pub event: i64,
    /// Its tries so far.
    pub tries: u32,
    /// When it is tried again.
    pub next_try_at: DateTime<Utc>,
}

/// What a hook has to do. None if it is not this owner's any more, or stopped.
pub async fn look_at_hook(
    database: &Database,
    owner: HookOwner,
    now: DateTime<Utc>,
) -> Result<Option<HookView>, Error> {
    const SQL: &str = "
        SELECT url, secret, CASE WHEN former_until > $4 THEN former_secret END AS former_secret, kinds, version,
               delivered_position, working_since, failing_since, retrying.event, retrying.tries, retrying.next_try_at,
               (SELECT min(asked.event) FROM hook_deliveries asked
                WHERE asked.hook_id = hooks.id AND asked.state = 'asked') AS asked,
               (SELECT last_position FROM relay) AS last_position
        FROM hooks
        LEFT JOIN hook_deliveries retrying
            ON retrying.hook_id = hooks.id AND retrying.team_id = hooks.team_id AND retrying.state = 'retrying'
        WHERE id = $1 AND hooks.team_id = $2 AND node = $3 AND epoch = $5 AND stopped_because IS NULL";
    let params: crate::db::Params<'_> = &[&owner.hook, &owner.team, &owner.node, &now, &owner.epoch];
    let row = query_opt(&database.client().await?, SQL, params).await?;
    row.as_ref().map(view).transpose()
}

fn view(row: &Row) -> Result<HookView, Error> {
    let event: Option<i64> = row.try_get("event")?;
    let retrying = event.map(|event| {
        let next_try_at = row.try_get("next_try_at")?;
        Ok::<_, Error>(Retrying { event, tries: count(row, "tries")?, next_try_at })
    });
    Ok(HookView {
        destination: destination(row)?,
        kinds: kinds(row)?,
        version: row.try_get("version")?,
        delivered_position: row.try_get("delivered_position")?,
        working_since: row.try_get("working_since")?,
        failing_since: row.try_get("failing_since")?,
        retrying: retrying.transpose()?,
        asked: row.try_get("asked")?,
        last_position: row.try_get("last_position")?,
    })
}

/// Moves a hook's position on: this event was delivered at its first try. Returns the hook's version; none if it is not this
/// owner's any more.
pub async fn record_delivered(
    database: &Database,
    owner: HookOwner,
    event: i64,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    const SQL: &str = "
        UPDATE hooks SET delivered_position = $5, last_delivered_at = $6, failing_since = NULL
        WHERE id = $1 AND team_id = $2 AND node = $3 AND epoch = $4 AND delivered_position < $5
        RETURNING version";
    let params: crate::db::Params<'_> = &[&owner.hook, &owner.team, &owner.node, &owner.epoch, &event, &now];
    let row = query_opt(&database.client().await?, SQL, params).await?;
    row.map(|row| Ok(row.try_get("version")?)).transpose()
}

/// Moves a hook's position on past events that it tells nobody of.
pub async fn skip_to(database: &Database, owner: HookOwner, position: i64) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE hooks SET delivered_position = $5
        WHERE id = $1 AND team_id = $2 AND node = $3 AND epoch = $4 AND delivered_position < $5";
    let params: crate::db::Params<'_> = &[&owner.hook, &owner.team, &owner.node, &owner.epoch, &position];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// A try that is over.
#[derive(Debug)]
pub struct Tried<'a> {
    /// The event's position.
    pub event: i64,
    /// What it told of.
    pub kind: EventKind,
    /// The answer's status.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<&'a str>,
    /// How the answer's body begins.
    pub response: Option<&'a str>,
    /// Why the hook is to be stopped, if it is.
    pub stop: Option<Stopped>,
}

/// Where a try leaves its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It was delivered.
    Delivered,
    /// It is tried again then, before anything else.
    Retrying(DateTime<Utc>),
    /// It is given up.
    Dead,
}

/// Whose turn it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The event's own: the hook's position moves on when it is delivered or given up.
    Its,
    /// None: somebody had asked for it again.
    Asked,
}

/// Writes down what a try came to that was not an event's first, or failed. Returns the hook's version; none if it is not this
/// owner's any more.
pub async fn record_try(
    database: &Database,
    owner: HookOwner,
    turn: Turn,
    (tried, left): (&Tried<'_>, Left),
    now: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    const SQL: &str = "
        WITH hook AS (
            UPDATE hooks
            SET delivered_position = CASE WHEN $6 THEN greatest(delivered_position, $5) ELSE delivered_position END,
                last_delivered_at = CASE WHEN $8 = 'delivered' THEN $9 ELSE last_delivered_at END,
                failing_since = CASE WHEN $8 = 'delivered' THEN NULL
                                     WHEN $15 THEN coalesce(failing_since, $9)
                                     ELSE failing_since END,
                stopped_because = coalesce(stopped_because, $14),
                stopped_at = CASE WHEN $14::text IS NULL THEN stopped_at ELSE coalesce(stopped_at, $9) END
            WHERE id = $1 AND team_id = $2 AND node = $3 AND epoch = $4
            RETURNING id, team_id, version
        ), written AS (
            INSERT INTO hook_deliveries
                (hook_id, team_id, event, kind, state, tries, first_try_at, last_try_at, next_try_at, status, error, response)
            SELECT id, team_id, $5, $7, $8, 1, $9, $9, $10::timestamptz, $11::integer, $12::text, $13::text FROM hook
            ON CONFLICT (hook_id, event, team_id) DO UPDATE
            SET state = excluded.state, tries = hook_deliveries.tries + 1,
                first_try_at = coalesce(hook_deliveries.first_try_at, excluded.first_try_at),
                last_try_at = excluded.last_try_at, next_try_at = excluded.next_try_at, status = excluded.status,
                error = excluded.error, response = excluded.response
        )
        SELECT version FROM hook";
    let (state, next_try_at) = match left {
        Left::Delivered => (DeliveryState::Delivered, None),
        Left::Retrying(then) => (DeliveryState::Retrying, Some(then)),
        Left::Dead => (DeliveryState::Dead, None),
    };
    let moves_on = turn == Turn::Its && state != DeliveryState::Retrying;
    let params: crate::db::Params<'_> = &[
        &owner.hook,
        &owner.team,
        &owner.node,
        &owner.epoch,
        &tried.event,
        &moves_on,
        &tried.kind.as_str(),
        &state.as_str(),
        &now,
        &next_try_at,
        &tried.status.map(i32::from),
        &tried.error,
        &tried.response,
        &tried.stop.map(Stopped::as_str),
        &(turn == Turn::Its),
    ];
    let row = query_opt(&database.client().await?, SQL, params).await?;
    row.map(|row| Ok(row.try_get("version")?)).transpose()
}

/// Forgets a delivery whose event is not kept any more: there is nothing to be sent.
pub async fn forget_delivery(
    database: &Database,
    owner: HookOwner,
    event: i64,
    turn: Turn,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH hook AS (
            UPDATE hooks
            SET delivered_position = CASE WHEN $6 THEN greatest(delivered_position, $5) ELSE delivered_position END
            WHERE id = $1 AND team_id = $2 AND node = $3 AND epoch = $4
            RETURNING id, team_id
        )
        DELETE FROM hook_deliveries USING hook
        WHERE hook_id = hook.id AND hook_deliveries.team_id = hook.team_id AND event = $5";
    let its = turn == Turn::Its;
    let params: crate::db::Params<'_> = &[&owner.hook, &owner.team, &owner.node, &owner.epoch, &event, &its];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// What came of asking for an event again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redelivery {
    /// It is sent as soon as may be.
    Asked,
    /// It will be sent anyway, when those before it have been.
    NotYet,
    /// The team has no such hook.
    NoHook,
    /// The team has no such event.
    NoEvent,
}

/// Asks for an event once more, whatever became of it. One that is being retried is tried at once.
pub async fn redeliver(
    database: &Database,
    (team, hook): (Uuid, Uuid),
    event: i64,
    now: DateTime<Utc>,
) -> Result<Redelivery, Error> {
    const LOCK: &str = "
        UPDATE hooks SET version = version + 1 WHERE id = $1 AND team_id = $2 RETURNING delivered_position";
    const HURRY: &str = "
        UPDATE hook_deliveries SET next_try_at = $4
        WHERE hook_id = $1 AND team_id = $2 AND event = $3 AND state = 'retrying'";
    const FIND: &str = "SELECT kind FROM events WHERE position = $2 AND team_id = $1";
    const ASK: &str = "
        INSERT INTO hook_deliveries (hook_id, team_id, event, kind, state, tries) VALUES ($1, $2, $3, $4, 'asked', 0)
        ON CONFLICT (hook_id, event, team_id) DO UPDATE SET state = 'asked'";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&hook, &team]).await? else {
        return Ok(Redelivery::NoHook);
    };
    if execute(&transaction, HURRY, &[&hook, &team, &event, &now]).await? == 0 {
        let Some(told) = query_opt(&transaction, FIND, &[&team, &event]).await? else {
            return Ok(Redelivery::NoEvent);
        };
        if event > row.try_get("delivered_position")? {
            return Ok(Redelivery::NotYet);
        }
        let kind: String = told.try_get("kind")?;
        execute(&transaction, ASK, &[&hook, &team, &event, &kind]).await?;
    }
    transaction.commit().await?;
    Ok(Redelivery::Asked)
}

/// Asks once more for all events that a hook has given up. Returns how many; none if there is no such hook.
pub async fn redeliver_dead(database: &Database, team: Uuid, hook: Uuid) -> Result<Option<u64>, Error> {
    const SQL: &str = "
        WITH hook AS (
            UPDATE hooks SET version = version + 1 WHERE id = $1 AND team_id = $2 RETURNING id, team_id
        ), asked AS (
            UPDATE hook_deliveries SET state = 'asked' FROM hook
            WHERE hook_id = hook.id AND hook_deliveries.team_id = hook.team_id AND state = 'dead'
            RETURNING event
        )
        SELECT (SELECT count(*) FROM asked) AS asked FROM hook";
    let row = query_opt(&database.client().await?, SQL, &[&hook, &team]).await?;
    row.map(|row| Ok(row.try_get::<_, i64>("asked")?.unsigned_abs())).transpose()
}

/// A delivery that did not succeed at once, or was asked for.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event's position.
    pub event: i64,
    /// What it tells of.
    pub kind: EventKind,
    /// How it stands.
    pub state: DeliveryState,
    /// The tries so far.
    pub tries: u32,
    /// The first of them.
    pub first_try_at: Option<DateTime<Utc>>,
    /// The last of them.
    pub last_try_at: Option<DateTime<Utc>>,
    /// The next one.
    pub next_try_at: Option<DateTime<Utc>>,
    /// What the receiver answered last.
    pub status: Option<i32>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How the body of the last answer begins.
    pub response: Option<String>,
}

/// A hook's deliveries that did not succeed at once, or were asked for; the newest events first, those before one.
pub async fn list_deliveries(
    database: &Database,
    (team, hook): (Uuid, Uuid),
    state: Option<DeliveryState>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Delivery>, Error> {
    const SQL: &str = "
        SELECT event, kind, state, tries, first_try_at, last_try_at, next_try_at, status, error, response
        FROM hook_deliveries
        WHERE hook_id = $1 AND team_id = $2 AND ($3::text IS NULL OR state = $3) AND ($4::bigint IS NULL OR event < $4)
        ORDER BY event DESC LIMIT $5";
    let state = state.map(DeliveryState::as_str);
    let rows = query(&database.client().await?, SQL, &[&hook, &team, &state, &before, &limit]).await?;
    rows.iter().map(delivery).collect()
}

fn delivery(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        event: row.try_get("event")?,
        kind: name(row, "kind", EventKind::parse)?,
        state: name(row, "state", DeliveryState::parse)?,
        tries: count(row, "tries")?,
        first_try_at: row.try_get("first_try_at")?,
        last_try_at: row.try_get("last_try_at")?,
        next_try_at: row.try_get("next_try_at")?,
        status: row.try_get("status")?,
        error: row.try_get("error")?,
        response: row.try_get("response")?,
    })
}

/// Forgets what was delivered or given up long ago. Returns how many deliveries.
pub async fn sweep_deliveries(database: &Database, now: DateTime<Utc>) -> Result<i64, Error> {
    const SQL: &str = "
        WITH swept AS (
            DELETE FROM hook_deliveries
            WHERE state = 'delivered' AND last_try_at < $1 OR state = 'dead' AND last_try_at < $2
            RETURNING event
        )
        SELECT count(*) AS swept FROM swept";
    let params: crate::db::Params<'_> = &[&(now - DELIVERED_KEPT), &(now - DEAD_KEPT)];
    Ok(query_one(&database.client().await?, SQL, params).await?.try_get("swept")?)
}
