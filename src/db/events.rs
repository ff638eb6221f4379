//! The outbox: what happened, in the one order in which it is told. Events are written by the statements that make them
//! true; here they get their positions, and are read.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::domain::dialer::Because;
use crate::domain::event::EventKind;

use super::{Database, Error, Ownership, count, execute, name, query, query_one};

/// Events that get their positions at once at most.
const PLACED_AT_ONCE: i32 = 1000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place among all events: who has seen it has seen all before it.
    pub position: i64,
    /// The team.
    pub team: Uuid,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: DateTime<Utc>,
    /// The campaign to which it happened.
    pub campaign: Uuid,
    /// How that is called now. None if it has been deleted.
    pub campaign_name: Option<String>,
    /// The contact that it is about.
    pub contact: Option<About>,
    /// The attempt that it is about.
    pub attempt: Option<Uuid>,
    /// The key of whoever wished for it.
    pub by: Option<By>,
    /// What else is to be said of it.
    pub data: Value,
}

/// The contact that an event is about.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Its id.
    pub id: Uuid,
    /// Who it is, as far as is known now. None if it has been deleted.
    pub known: Option<Person>,
}

/// Who a contact is.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The number.
    pub phone: String,
    /// What is dialed after the call is taken; empty if nothing.
    pub extension: String,
    /// The name.
    pub name: Option<String>,
    /// The list's other columns.
    pub metadata: Value,
}

/// The key of whoever wished for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Its id.
    pub key: Uuid,
    /// Its name.
    pub name: Option<String>,
}

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Those of one team; else of all.
    pub team: Option<Uuid>,
    /// Those of one campaign.
    pub campaign: Option<Uuid>,
    /// Those of some kinds; else of all.
    pub kinds: Option<Vec<EventKind>>,
}

/// Gives events that are committed their positions. Returns how many; if it is as many as go at once, there may be more.
///
/// While somebody elsewhere holds a snapshot for long, as a backup or a forgotten transaction does, the index's entries of events
/// that were placed since stay, and each call walks over them again: 60 ms where 100,000 were placed meanwhile, against 10
/// without (measured on 2 busy cores). So events come later by that, and none is lost. A mark behind which none is sought would have to
/// be below every id that is drawn and not committed, and nothing tells that: a transaction draws an id before it has to have a
/// number of its own, so that neither the oldest number that runs nor one drawn afterwards bounds it.
pub async fn place_events(database: &Database) -> Result<Placed, Error> {
    let row =
        query_one(&database.client().await?, "SELECT place_events($1) AS placed", &[&PLACED_AT_ONCE]).await?;
    let placed: i32 = row.try_get("placed")?;
    Ok(Placed { events: placed.unsigned_abs(), may_be_more: placed >= PLACED_AT_ONCE })
}

/// What placing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// So many events got their positions.
    pub events: u32,
    /// Whether there may be more.
    pub may_be_more: bool,
}

/// The last position that was given.
pub async fn last_position(database: &Database) -> Result<i64, Error> {
    let row = query_one(&database.client().await?, "SELECT last_position FROM relay", &[]).await?;
    Ok(row.try_get("last_position")?)
}

/// When the oldest event was written that has no position yet.
pub async fn oldest_without_position(database: &Database) -> Result<Option<DateTime<Utc>>, Error> {
    const SQL: &str = "
        SELECT (SELECT at FROM events WHERE position IS NULL ORDER BY id LIMIT 1) AS at";
    Ok(query_one(&database.client().await?, SQL, &[]).await?.try_get("at")?)
}

/// Events that are looked at for one answer where only some kinds are wanted, which may be rare.
const LOOKED_AT: i64 = 5000;

/// What was read of the outbox.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// The events, in their order.
    pub events: Vec<Event>,
    /// The position up to which all that is wanted is among them.
    pub until: i64,
    /// Whether there may be more behind it.
    pub may_be_more: bool,
}

/// The events after a position, in their order. Each filter has a statement of its own, because one that allowed for all of them
/// would be planned for none, and would walk through the events of everybody.
pub async fn list_events(
    database: &Database,
    filter: &EventFilter,
    after: i64,
    limit: i64,
) -> Result<Read, Error> {
    let kinds: Option<Vec<&str>> =
        filter.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect());
    let looked_at = if kinds.is_some() { LOOKED_AT.max(limit) } else { limit };
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&after, &kinds, &looked_at, &limit];
    let whose = match (&filter.campaign, &filter.team) {
        (Some(campaign), Some(team)) => {
            params.extend([campaign as &(dyn ToSql + Sync), team]);
            "campaign_id = $5 AND team_id = $6 AND"
        }
        (Some(campaign), None) => {
            params.push(campaign);
            "campaign_id = $5 AND"
        }
        (None, Some(team)) => {
            params.push(team);
            "team_id = $5 AND"
        }
        (None, None) => "",
    };
    let sql = format!(
        "
        WITH looked_at AS MATERIALIZED (
            SELECT position, team_id, campaign_id, kind, at, contact_id, attempt_id, data
            FROM events WHERE {whose} position > $1
            ORDER BY position LIMIT $3
        ), wanted AS (
            SELECT * FROM looked_at WHERE $2::text[] IS NULL OR kind = ANY ($2) ORDER BY position LIMIT $4
        )
        SELECT whole.until, whole.events, wanted.*, campaigns.name AS campaign_name, contacts.id IS NOT NULL AS is_known,
               contacts.phone, contacts.extension, contacts.name, contacts.metadata,
               api_keys.id AS by_key, api_keys.name AS by_name
        FROM (SELECT max(position) AS until, count(*) AS events FROM looked_at) whole
        LEFT JOIN wanted ON true
        LEFT JOIN campaigns ON campaigns.id = wanted.campaign_id AND campaigns.team_id = wanted.team_id
        LEFT JOIN contacts ON contacts.id = wanted.contact_id AND contacts.team_id = wanted.team_id
        LEFT JOIN api_keys ON api_keys.id = (wanted.data ->> 'by')::uuid AND api_keys.team_id = wanted.team_id
        ORDER BY position"
    );
    let rows = query(&database.client().await?, &sql, &params).await?;
    let Some(whole) = rows.first() else { return Ok(Read { until: after, ..Read::default() }) };
    let (until, seen): (Option<i64>, i64) = (whole.try_get("until")?, whole.try_get("events")?);
    let has_event = |row: &&Row| row.try_get::<_, Option<i64>>("position").is_ok_and(|at| at.is_some());
    let events = rows.iter().filter(has_event).map(event).collect::<Result<Vec<_>, _>>()?;
    let is_full = events.len() as i64 >= limit;
    let last = events.last().filter(|_| is_full).map(|last| last.position);
    Ok(Read { until: last.or(until).unwrap_or(after), may_be_more: is_full || seen >= looked_at, events })
}

/// Events that are looked at for a campaign's last ones of some kinds: while it calls, each call has some four others.
const LAST_LOOKED_AT: i64 = 10_000;

/// A campaign's last events of some kinds, the newest first: those before a position. What they say of contacts is not read. With
/// them comes the `before` of the next page, if there may be one; the page may be empty even so.
pub async fn list_last_events(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    kinds: &[EventKind],
    (before, limit): (Option<i64>, i64),
) -> Result<(Vec<Event>, Option<i64>), Error> {
    const SQL: &str = "
        WITH looked_at AS MATERIALIZED (
            SELECT position, team_id, campaign_id, kind, at, contact_id, attempt_id, data
            FROM events WHERE campaign_id = $1 AND team_id = $2 AND position < $3
            ORDER BY position DESC LIMIT $4
        ), wanted AS (
            SELECT * FROM looked_at WHERE kind = ANY ($5) ORDER BY position DESC LIMIT $6
        )
        SELECT whole.first, whole.events, wanted.*, NULL::text AS campaign_name, false AS is_known,
               api_keys.id AS by_key, api_keys.name AS by_name
        FROM (SELECT min(position) AS first, count(*) AS events FROM looked_at) whole
        LEFT JOIN wanted ON true
        LEFT JOIN api_keys ON api_keys.id = (wanted.data ->> 'by')::uuid AND api_keys.team_id = wanted.team_id
        ORDER BY position DESC";
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let before = before.unwrap_or(i64::MAX);
    let params: super::Params<'_> = &[&campaign, &team, &before, &LAST_LOOKED_AT, &kinds, &limit];
    let rows = query(&database.client().await?, SQL, params).await?;
    let Some(whole) = rows.first() else { return Ok((Vec::new(), None)) };
    let (first, seen): (Option<i64>, i64) = (whole.try_get("first")?, whole.try_get("events")?);
    let has_event = |row: &&Row| row.try_get::<_, Option<i64>>("position").is_ok_and(|at| at.is_some());
    let events = rows.iter().filter(has_event).map(event).collect::<Result<Vec<_>, _>>()?;
    let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= limit;
    let last = events.last().filter(|_| is_full).map(|last| last.position);
    let next = last.or_else(|| first.filter(|_| seen >= LAST_LOOKED_AT));
    Ok((events, next))
}

fn event(row: &Row) -> Result<Event, Error> {
    let mut data: Value = row.try_get("data")?;
    if let Value::Object(members) = &mut data {
        members.remove("by");
    }
    Ok(Event {
        position: row.try_get("position")?,
        team: row.try_get("team_id")?,
        kind: name(row, "kind", EventKind::parse)?,
        at: row.try_get("at")?,
        campaign: row.try_get("campaign_id")?,
        campaign_name: row.try_get("campaign_name")?,
        contact: about(row)?,
        attempt: row.try_get("attempt_id")?,
        by: by(row)?,
        data,
    })
}

fn about(row: &Row) -> Result<Option<About>, Error> {
    let Some(id) = row.try_get("contact_id")? else { return Ok(None) };
    if !row.try_get::<_, bool>("is_known")? {
        return Ok(Some(About { id, known: None }));
    }
    let known = Person {
        phone: row.try_get("phone")?,
        extension: row.try_get("extension")?,
        name: row.try_get("name")?,
        metadata: row.try_get("metadata")?,
    };
    Ok(Some(About { id, known: Some(known) }))
}

fn by(row: &Row) -> Result<Option<By>, Error> {
    let key: Option<Uuid> = row.try_get("by_key")?;
    key.map(|key| Ok(By { key, name: row.try_get("by_name")? })).transpose()
}

/// Tells that a campaign waits, unless that is what was told of it last. Returns whether it was told.
pub async fn note_waiting(
    database: &Database,
    owner: Ownership,
    (because, until): (Because, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH campaign AS (
            UPDATE campaigns SET told_waiting = $4
            WHERE id = $1 AND node = $2 AND epoch = $3 AND told_waiting IS DISTINCT FROM $4
              AND state IN ('pending', 'running') AND calling = 0
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, 'campaign.waiting', $5,
               jsonb_build_object('because', $6::text, 'message', $7::text, 'until', $8::timestamptz)
        FROM campaign";
    let told = match because {
        // Whoever looks reckons anew until when the account, or a server that gives no answer, is left alone.
        Because::ProviderDown | Because::BeforeCall => because.as_str().to_owned(),
        _ => format!("{because} {}", until.timestamp()),
    };
    let params: super::Params<'_> = &[
        &owner.campaign,
        &owner.node,
        &owner.epoch,
        &told,
        &now,
        &because.as_str(),
        &because.sentence(),
        &until,
    ];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// How far a campaign is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The campaign.
    pub campaign: Uuid,
    /// Its team.
    pub team: Uuid,
    /// Contacts that are to be called.
    pub pending: u32,
    /// Contacts that are being called.
    pub calling: u32,
    /// Contacts that were reached.
    pub completed: u32,
    /// Contacts that were given up.
    pub failed: u32,
    /// Contacts that must not be called.
    pub suppressed: u32,
    /// Attempts that count.
    pub attempts: u32,
}

/// How far these campaigns are.
pub async fn list_progress(database: &Database, campaigns: &[Uuid]) -> Result<Vec<Progress>, Error> {
    const SQL: &str = "
        SELECT id, team_id, pending, calling, completed, failed, suppressed, attempts
        FROM campaigns WHERE id = ANY ($1) ORDER BY id";
    let rows = query(&database.client().await?, SQL, &[&campaigns]).await?;
    let progress = |row: &Row| {
        Ok(Progress {
            campaign: row.try_get("id")?,
            team: row.try_get("team_id")?,
            pending: count(row, "pending")?,
            calling: count(row, "calling")?,
            completed: count(row, "completed")?,
            failed: count(row, "failed")?,
            suppressed: count(row, "suppressed")?,
            attempts: count(row, "attempts")?,
        })
    };
    rows.iter().map(progress).collect()
}
