//! What a forecast is made of: how many contacts of a campaign stand how, by area, and what its calls and those of its
//! team were like. Counted as sets; what the counts mean is `crate::domain::forecast`'s.
//!
//! It is one consistent read, and one of a second or so for a million contacts. It goes over a connection that stores
//! lists ([`Database::list_client`]), so that however many people ask, the dialer finds its own connections free; whoever
//! asks while two lists are being stored waits for one of them. Its snapshot is as old as the read is long, which the
//! claim bears: it starts from its cursors.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::area::Area;
use crate::domain::beginning::begins_at;
use crate::domain::campaign::State;
use crate::domain::forecast::{Calls, Capped, Later, Limit, Limits, Past, Pending, Standing};
use crate::domain::outcome::Outcome;
use crate::domain::settings::Settings;

use super::{Database, Error, Transaction, count, json, name, query, query_opt};

/// Of the campaign's own calls the latest so many count.
const OWN_CALLS: i64 = 10_000;

/// Of the team, the campaigns that called last count, so many, and so many calls of each.
const TEAM_CAMPAIGNS: i64 = 20;
const CALLS_OF_EACH: i64 = 500;

/// A campaign and its contacts, counted at one instant.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its state.
    pub state: State,
    /// How it dials.
    pub settings: Settings,
    /// When it begins: now if it runs already, or could be started now.
    pub begins_at: DateTime<Utc>,
    /// How its contacts stand then, and whose number is suppressed now.
    pub standing: Standing,
    /// What its calls and its team's were like.
    pub past: Past,
}

/// Counts a campaign's contacts, as they stand when it begins. `limits` says how often numbers of which area may be called
/// at an instant. Returns nothing if the team has no such campaign.
pub async fn read_forecast<'a>(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    account_sid: impl Into<Option<&'a str>>,
    limits: impl Fn(&Settings, &[Arc<Area>], DateTime<Utc>) -> Limits,
    now: DateTime<Utc>,
) -> Result<Option<Reading>, Error> {
    // A plan for any campaign would be one for a small one.
    const FOR_THIS_ONE: &str = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL work_mem = '64MB'";
    const CAMPAIGN: &str = "
        SELECT state, settings, starts_at, calling, completed, failed, suppressed,
               least(failed, coalesce((outcomes ->> 'invalid-number')::int, 0)) AS invalid
        FROM campaigns WHERE id = $1 AND team_id = $2";
    let mut client = database.list_client().await?;
    let transaction = client.consistent_read().await?;
    transaction.batch_execute(FOR_THIS_ONE).await?;
    let Some(row) = query_opt(&transaction, CAMPAIGN, &[&campaign, &team]).await? else { return Ok(None) };
    let settings: Settings = json(&row, "settings")?;
    let areas = list_areas(&transaction, team, campaign).await?;
    let (state, starts_at) = (name(&row, "state", State::parse)?, row.try_get("starts_at")?);
    let begins_at = begins_at(state, &settings, starts_at, now);
    let limits = limits(&settings, &areas, begins_at);
    let pending = count_pending(&transaction, (team, campaign), &areas, &limits, (begins_at, now)).await?;
    let (failed, invalid) = (count(&row, "failed")?, count(&row, "invalid")?);
    let standing = Standing {
        areas: pending,
        calling: count(&row, "calling")?,
        completed: count(&row, "completed")?,
        failed: failed - invalid,
        invalid,
        suppressed: count(&row, "suppressed")?,
    };
    let past = Past {
        own: list_calls(&transaction, team, &[campaign], OWN_CALLS).await?,
        team: list_team_s_calls(&transaction, team, account_sid.into()).await?,
    };
    transaction.commit().await?;
    Ok(Some(Reading { state, settings, begins_at, standing, past }))
}

fn no_such_area(number: i16) -> Error {
    Error::ImpossibleRow(format!("there is no area {number}"))
}

/// The areas, each in the place of its number.
async fn list_areas(
    transaction: &Transaction<'_>,
    team: Uuid,
    campaign: Uuid,
) -> Result<Vec<Arc<Area>>, Error> {
    const SQL: &str = "
        SELECT zones, told_by, places FROM areas WHERE campaign_id = $1 AND team_id = $2 ORDER BY number";
    let rows = query(transaction, SQL, &[&campaign, &team]).await?;
    rows.iter().map(|row| super::contacts::area_of(row).map(Arc::new)).collect()
}

/// The pending contacts, by area.
///
/// Capped is whom `Terms::capped_until` says to be, which looks at one contact: of the calls that `super::calls` counts, by
/// whichever campaign of the team, the newest that matter; of these the call that was, counted back, the last one
/// allowed, which frees the number when it is older than the stretch; and nobody whose own due time comes after that. Of
/// several caps the one that holds longest is told, and of those the first.
async fn count_pending(
    transaction: &Transaction<'_>,
    (team, campaign): (Uuid, Uuid),
    areas: &[Arc<Area>],
    limits: &Limits,
    (begins_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Pending>, Error> {
    const SQL: &str = "
        WITH limits AS (
            SELECT * FROM unnest($4::smallint[], $5::int[], $6::float8[]) WITH ORDINALITY AS t (area, calls, within, place)
        ), lately AS (
            SELECT contacts.id, contacts.area, contacts.due_at, called_at,
                   row_number() OVER (PARTITION BY contacts.id ORDER BY intended_at DESC) AS newest
            FROM contacts JOIN calls ON calls.to_phone = contacts.phone
            WHERE campaign_id = $1 AND contacts.team_id = $2 AND state = 'pending'
              AND area IN (SELECT area FROM limits)
              AND calls.team_id = $2 AND intended_at > $7 AND outcome IS DISTINCT FROM 'not-placed'
        ), counted AS (
            SELECT id, area, due_at, called_at, row_number() OVER (PARTITION BY id ORDER BY called_at DESC) AS nth
            FROM lately WHERE newest <= $8
        ), capped AS MATERIALIZED (
            SELECT DISTINCT ON (id) id, place, free_at
            FROM counted JOIN limits ON limits.area = counted.area AND limits.calls = counted.nth
            CROSS JOIN LATERAL (SELECT called_at + make_interval(secs => within) AS free_at) freed
            WHERE free_at > $3 AND free_at >= due_at
            ORDER BY id, free_at DESC, place
        )
        SELECT area, attempts, place,
               (count(*) FILTER (WHERE is_suppressed))::int AS suppressed,
               (count(*) FILTER (WHERE is_called AND free_at IS NULL AND due_at <= $3))::int AS due,
               (count(*) FILTER (WHERE is_called AND free_at IS NULL AND due_at > $3))::int AS later,
               min(due_at) FILTER (WHERE is_called AND free_at IS NULL AND due_at > $3) AS first_at,
               max(due_at) FILTER (WHERE is_called AND free_at IS NULL AND due_at > $3) AS last_at,
               (count(*) FILTER (WHERE is_called AND free_at IS NOT NULL))::int AS capped,
               min(free_at) FILTER (WHERE is_called) AS first_freed_at,
               max(free_at) FILTER (WHERE is_called) AS last_freed_at
        FROM (SELECT contacts.area, attempts, due_at, place_of_cap AS place, free_at,
                     in_force.phone IS NOT NULL AS is_suppressed, in_force.phone IS NULL AS is_called
              FROM contacts
              LEFT JOIN (SELECT phone FROM suppressions
                         WHERE team_id = $2 AND (expires_at IS NULL OR expires_at > $9)) in_force
                ON in_force.phone = contacts.phone
              LEFT JOIN (SELECT id, place AS place_of_cap, free_at FROM capped) capped ON capped.id = contacts.id
              WHERE campaign_id = $1 AND team_id = $2 AND state = 'pending') pending
        GROUP BY area, attempts, place
        ORDER BY area, attempts, place";
    let Limits { of_areas, reach } = limits;
    let limited: Vec<i16> = of_areas.iter().map(|limit| limit.area).collect();
    let calls = |limit: &Limit| i32::try_from(limit.cap.calls.max(1)).unwrap_or(i32::MAX);
    let calls: Vec<i32> = of_areas.iter().map(calls).collect();
    let within: Vec<f64> = of_areas.iter().map(|limit| limit.cap.within.as_seconds_f64()).collect();
    let (since, newest) = (reach.since(begins_at), i64::from(reach.calls));
    let params: super::Params<'_> =
        &[&campaign, &team, &begins_at, &limited, &calls, &within, &since, &newest, &now];
    let mut pending: BTreeMap<i16, Pending> = BTreeMap::new();
    for row in query(transaction, SQL, params).await? {
        let number: i16 = row.try_get("area")?;
        let area = usize::try_from(number).ok().and_then(|place| areas.get(place));
        let area = area.ok_or_else(|| no_such_area(number))?;
        let of_area = pending.entry(number).or_insert_with(|| Pending::none_in(area.clone()));
        add(of_area, &row, &limits.of_areas)?;
    }
    Ok(pending.into_values().collect())
}

/// Adds those who were tried equally often, and whom the same cap holds back or none.
fn add(of_area: &mut Pending, row: &Row, limits: &[Limit]) -> Result<(), Error> {
    let (due, later, capped) = (count(row, "due")?, count(row, "later")?, count(row, "capped")?);
    of_area.suppressed += count(row, "suppressed")?;
    of_area.due += due;
    if let (Some(first_at), Some(last_at)) = (row.try_get("first_at")?, row.try_get("last_at")?) {
        of_area.later = Some(Later { contacts: later, first_at, last_at }.and(of_area.later));
    }
    if let (Some(first_at), Some(last_at)) = (row.try_get("first_freed_at")?, row.try_get("last_freed_at")?) {
        let place: i64 = row.try_get("place")?;
        let limit = usize::try_from(place - 1).ok().and_then(|place| limits.get(place));
        let limit = limit.ok_or_else(|| Error::ImpossibleRow(format!("there is no cap {place}")))?;
        let (rule, cap) = (limit.rule.clone(), limit.cap);
        of_area.add_capped(&Capped { rule, cap, contacts: capped, first_at, last_at });
    }
    let all = due + later + capped;
    if all > 0 {
        of_area.add_tried(count(row, "attempts")?, all);
    }
    Ok(())
}

/// What the team's calls were like, of the campaigns that called last through this account: what a simulator plays is
/// no life. None where it is not known which account will call.
async fn list_team_s_calls(
    transaction: &Transaction<'_>,
    team: Uuid,
    account_sid: Option<&str>,
) -> Result<Vec<Calls>, Error> {
    const SQL: &str = "
        SELECT id FROM campaigns
        WHERE team_id = $1 AND account_sid = $2 AND last_call_ended_at IS NOT NULL
        ORDER BY last_call_ended_at DESC LIMIT $3";
    let rows = query(transaction, SQL, &[&team, &account_sid, &TEAM_CAMPAIGNS]).await?;
    let campaigns: Vec<Uuid> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    list_calls(transaction, team, &campaigns, CALLS_OF_EACH).await
}

/// What the latest calls of these campaigns were like, by what they came to. What was taken back was no call, and of
/// what nobody knows nothing can be told.
async fn list_calls(
    transaction: &Transaction<'_>,
    team: Uuid,
    campaigns: &[Uuid],
    of_each: i64,
) -> Result<Vec<Calls>, Error> {
    const SQL: &str = "
        SELECT outcome, count(*)::int AS calls,
               coalesce(sum(greatest(0, extract(epoch FROM
                   coalesce(answered_at, ended_at - make_interval(secs => talked)) - intended_at))), 0)::float8
                   AS ring_seconds,
               coalesce(sum(talked), 0)::float8 AS talk_seconds
        FROM unnest($1::uuid[]) AS t (id)
        CROSS JOIN LATERAL (
            SELECT outcome, intended_at, answered_at, ended_at,
                   CASE WHEN outcome IN ('answered', 'machine') THEN coalesce(duration_seconds, 0) ELSE 0 END AS talked
            FROM attempts
            WHERE campaign_id = t.id AND team_id = $2 AND outcome NOT IN ('not-placed', 'unknown')
            ORDER BY attempts.id DESC LIMIT $3) latest
        GROUP BY outcome";
    let rows = query(transaction, SQL, &[&campaigns, &team, &of_each]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Calls {
            outcome: name(row, "outcome", Outcome::parse)?,
            calls: count(row, "calls")?,
            ring_seconds: row.try_get("ring_seconds")?,
            talk_seconds: row.try_get("talk_seconds")?,
        })
    };
    rows.iter().map(read).collect()
}
