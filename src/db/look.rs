//! The one consistent read from which a campaign's next step is decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::answering_machine::Detection;
use crate::domain::area::{Area, InMissingZone};
use crate::domain::attempt::{AnsweredBy, Status, outcome};
use crate::domain::before_call::HookStanding;
use crate::domain::breaker;
use crate::domain::campaign::State;
use crate::domain::caps::Reach;
use crate::domain::daily_cap::CallDay;
use crate::domain::dialer::{Closure, Objection, OpenAttempt, Queue, Stage};
use crate::domain::outcome::Outcome;
use crate::domain::reconcile::Silence;
use crate::domain::retry::Earlier;
use crate::domain::settings::Settings;
use crate::domain::spend::Spend;
use crate::domain::zone::{Candidates, Unmapped, Zone};

use super::campaigns::{call_day, limit_left, spend};
use super::{Database, Error, count, json, name, name_opt, query, query_one};

/// How a campaign stands in the database. The account's spans are real time from now.
#[derive(Debug, Clone)]
pub struct Look {
    /// Its team.
    pub team: Uuid,
    /// Its state.
    pub state: State,
    /// The node that owns it, if any.
    pub node: Option<Uuid>,
    /// The number of that ownership.
    pub epoch: i64,
    /// The account that it was started with.
    pub account_sid: Option<String>,
    /// What of it changes rarely.
    pub known: Known,
    /// Before this instant it does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// The attempt that is not settled.
    pub open: Option<OpenAttempt>,
    /// The contact of that attempt.
    pub called: Option<Uuid>,
    /// An attempt given up as unknown that has been heard of since, and whose number nobody is calling just now.
    pub revived: Option<Uuid>,
    /// When its last call ended.
    pub last_call_ended_at: Option<DateTime<Utc>>,
    /// The day on which it last called, and its calls on it.
    pub call_day: Option<CallDay>,
    /// How many more contacts it calls until it is paused, if that is limited.
    pub limit_left: Option<u32>,
    /// What its calls have cost, as far as is known.
    pub spend: Spend,
    /// The call whose price is asked for first, if any has none yet.
    pub unpriced: Option<Unpriced>,
    /// Its last calls, the newest first; none as long as few have failed.
    pub recent: Vec<breaker::Call>,
    /// Those who are pending, by area, except in a zone that is missing.
    pub queues: Vec<Queue>,
    /// The zones in which somebody is pending and that the zone data in use does not know, with the numbers of the areas.
    pub missing_zones: MissingZones,
    /// Whether any contact is not final.
    pub has_unfinished: bool,
    /// How long until the account's next free place.
    pub next_place_in: Duration,
    /// For how long the account is closed, and why.
    pub closed: Option<(Duration, Closure)>,
    /// Whether the account had troubles that nobody has cleared yet.
    pub account_had_troubles: bool,
    /// How things stand with the hook whose server is asked before each call; without meaning where none is.
    pub hook: HookStanding,
}

/// A call whose price is not known yet.
#[derive(Debug, Clone)]
pub struct Unpriced {
    /// Its attempt.
    pub attempt: Uuid,
    /// The provider's id of it; none if the call proved to be another attempt's.
    pub sid: Option<String>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// When its price is asked for.
    pub ask_at: DateTime<Utc>,
}

/// Zones that the data in use does not know, by name, and the areas that have them.
pub type MissingZones = BTreeMap<Arc<str>, Vec<i16>>;

/// What of a campaign changes rarely, as somebody last saw it: it is read again only when it has changed.
#[derive(Debug, Clone)]
pub struct Known {
    /// The settings' version.
    pub settings_version: i32,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The areas of its contacts, each in the place of its number. There are only ever more of them.
    pub areas: Arc<[KnownArea]>,
}

/// An area, as far as the zone data in use tells.
#[derive(Debug, Clone)]
pub enum KnownArea {
    /// Its hours can be judged.
    Whole(Arc<Area>),
    /// It has a zone, of this name, that the data does not know: nobody can tell its hours.
    ZoneMissing(Arc<str>),
}

impl KnownArea {
    /// The area, if its hours can be judged.
    pub fn whole(&self) -> Option<&Area> {
        match self {
            Self::Whole(area) => Some(area),
            Self::ZoneMissing(_) => None,
        }
    }
}

/// Looks at a campaign, of which the asker may know something, and at the places of an account, if it is known which one
/// calls. Returns nothing if there is no such campaign.
///
/// Earlier attempts of the contact that is being called are found among the calls to its number, whose index leaves out
/// what was taken back: however often that was, nothing of it is read. `OFFSET 0` keeps the planner at that index.
pub async fn look<'a>(
    database: &Database,
    campaign: Uuid,
    account_sid: impl Into<Option<&'a str>>,
    known: Option<Known>,
) -> Result<Option<Look>, Error> {
    const SQL: &str = "
        SELECT campaigns.team_id, campaigns.state, campaigns.node, campaigns.epoch, campaigns.account_sid,
               campaigns.settings_version, campaigns.starts_at, campaigns.last_call_ended_at,
               campaigns.call_day, campaigns.day_calls, campaigns.limit_left, campaigns.spent, campaigns.unpriced, campaigns.highest_price,
               unpriced.id AS unpriced_id, unpriced.sid AS unpriced_sid, unpriced.ended_at AS unpriced_ended_at,
               unpriced.ask_price_at,
               CASE WHEN campaigns.settings_version <> $3 THEN campaigns.settings END AS settings,
               campaigns.pending + campaigns.calling > 0 AS has_unfinished,
               queues.numbers AS queue_numbers, queues.dues AS queue_dues,
               more.zones AS area_zones, more.told_by AS area_told_by, more.places AS area_places,
               extract(epoch FROM accounts.next_place_at - clock_timestamp())::float8 AS next_place_in,
               CASE WHEN accounts.closed_until <= clock_timestamp() + interval '1 hour'
                    THEN extract(epoch FROM accounts.closed_until - clock_timestamp())::float8 END AS closed_for,
               accounts.closed_because, coalesce(accounts.troubles, 0) > 0 AS had_troubles,
               open.id AS attempt_id, earlier.outcomes, earlier.ends, open.sid, open.status,
               open.answered_by, open.sip_code, open.intended_at, open.placed_at, open.heard_at,
               called.area AS called_area, open.contact_id AS called, open.asked_at, open.ended_at, open.detection, open.end_wanted_at, open.end_asked_at,
               suppressions.phone IS NOT NULL AS is_suppressed, suppressions.expires_at AS suppressed_until,
               recent.outcomes AS recent_outcomes, recent.ends AS recent_ends,
               (SELECT id FROM revived_attempts WHERE revived_attempts.campaign_id = $1 LIMIT 1) AS revived,
               hooks.id IS NOT NULL AS has_hook, hooks.stopped_because IS NOT NULL AS hook_is_stopped,
               hooks.silent_until, hooks.silent_because
        FROM campaigns
        CROSS JOIN LATERAL (
            SELECT array_agg(areas.number) AS numbers, array_agg(next.due_at) AS dues
            FROM areas
            CROSS JOIN LATERAL (
                SELECT least(
                    (SELECT due_at FROM contacts
                     WHERE campaign_id = $1 AND area = areas.number AND state = 'pending' AND timed
                       AND due_at >= areas.due_cursor ORDER BY due_at LIMIT 1),
                    (SELECT due_at FROM contacts
                     WHERE campaign_id = $1 AND area = areas.number AND state = 'pending' AND NOT timed
                       AND place > areas.order_cursor ORDER BY place LIMIT 1)
                ) AS due_at
            ) next
            WHERE areas.campaign_id = $1 AND next.due_at IS NOT NULL
        ) queues
        CROSS JOIN LATERAL (
            SELECT array_agg(zones ORDER BY number) AS zones, array_agg(told_by ORDER BY number) AS told_by,
                   array_agg(places ORDER BY number) AS places
            FROM areas WHERE campaign_id = $1 AND number >= $4
        ) more
        LEFT JOIN attempts open ON open.campaign_id = campaigns.id AND open.settled_at IS NULL
        LEFT JOIN contacts called ON called.id = open.contact_id AND called.team_id = open.team_id
        LEFT JOIN suppressions ON suppressions.team_id = open.team_id AND suppressions.phone = open.to_phone
        LEFT JOIN LATERAL (
            SELECT array_agg(outcome) AS outcomes, array_agg(coalesce(ended_at, settled_at)) AS ends
            FROM (SELECT contact_id, number, outcome, ended_at, settled_at FROM attempts
                  WHERE open.number > 1 AND to_phone = open.to_phone AND team_id = open.team_id
                    AND outcome IS DISTINCT FROM 'not-placed' OFFSET 0) calls
            WHERE contact_id = open.contact_id AND settled_at IS NOT NULL AND calls.number > called.anew_after
        ) earlier ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(outcome ORDER BY id DESC) AS outcomes, array_agg(calls.ended_at ORDER BY id DESC) AS ends
            FROM last_calls($1, $6, CASE WHEN coalesce((campaigns.outcomes ->> 'failed')::int, 0)
                                            + coalesce((campaigns.outcomes ->> 'unknown')::int, 0) >= $5
                                    THEN $7::bigint ELSE 0 END) calls
        ) recent ON true
        LEFT JOIN LATERAL (
            SELECT id, sid, coalesce(ended_at, settled_at) AS ended_at, ask_price_at FROM attempts
            WHERE campaigns.unpriced > 0 AND campaign_id = $1 AND ask_price_at IS NOT NULL
            ORDER BY ask_price_at LIMIT 1
        ) unpriced ON true
        LEFT JOIN accounts ON accounts.sid = $2
        LEFT JOIN hooks ON hooks.team_id = campaigns.team_id AND hooks.id = CASE
            WHEN campaigns.settings_version = $3 THEN $8
            ELSE (campaigns.settings #>> '{before_call,hook}')::uuid END
        WHERE campaigns.id = $1";
    let version = known.as_ref().map_or(-1, |known| known.settings_version);
    let areas = known.as_ref().map_or(0, |known| known.areas.len());
    let areas = i16::try_from(areas).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    let fewest = breaker::FEWEST_FAILURES as i32;
    let (window, among) = (breaker::WINDOW as i64, breaker::AMONG as i64);
    let hook = known.as_ref().and_then(|known| known.settings.before_call).map(|asking| asking.hook);
    let account_sid: Option<&str> = account_sid.into();
    let params: super::Params<'_> =
        &[&campaign, &account_sid, &version, &areas, &fewest, &window, &among, &hook];
    let rows = query(&database.client().await?, SQL, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let known = renewed(known, row)?;
    let called: Option<Uuid> = row.try_get("called")?;
    let open = open_attempt(row, &known).map_err(|error| match called {
        Some(contact) => error.met_with(contact),
        None => error,
    })?;
    let (queues, missing_zones) = queues(row, &known.areas)?;
    Ok(Some(Look {
        team: row.try_get("team_id")?,
        state: name(row, "state", State::parse)?,
        node: row.try_get("node")?,
        epoch: row.try_get("epoch")?,
        account_sid: row.try_get("account_sid")?,
        starts_at: row.try_get("starts_at")?,
        open,
        called,
        revived: row.try_get("revived")?,
        last_call_ended_at: row.try_get("last_call_ended_at")?,
        call_day: call_day(row)?,
        limit_left: limit_left(row)?,
        spend: spend(row)?,
        unpriced: unpriced(row)?,
        recent: recent(row)?,
        queues,
        missing_zones,
        known,
        has_unfinished: row.try_get("has_unfinished")?,
        next_place_in: span(row.try_get("next_place_in")?).unwrap_or_default(),
        closed: span(row.try_get("closed_for")?)
            .map(|left| Ok::<_, Error>((left, name(row, "closed_because", Closure::parse)?)))
            .transpose()?,
        account_had_troubles: row.try_get("had_troubles")?,
        hook: hook_standing(row)?,
    }))
}

/// The calls to the number of the first in each area who is due later, by the area's number: what a campaign that waits
/// for them may wait for. The look of a campaign that dials does without.
///
/// It costs a probe of an index and a few rows for each area, whatever the list and the numbers' past.
pub async fn look_at_calls_to_next(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    reach: Reach,
    now: DateTime<Utc>,
) -> Result<BTreeMap<i16, Vec<DateTime<Utc>>>, Error> {
    const SQL: &str = "
        SELECT areas.number, ARRAY(SELECT called_at FROM calls
                                   WHERE to_phone = next.phone AND team_id = $2
                                     AND outcome IS DISTINCT FROM 'not-placed' AND intended_at > $3
                                   ORDER BY intended_at DESC LIMIT $4) AS calls
        FROM areas
        CROSS JOIN LATERAL (
            SELECT phone FROM contacts
            WHERE campaign_id = $1 AND area = areas.number AND state = 'pending' AND timed
              AND due_at >= areas.due_cursor
            ORDER BY due_at LIMIT 1
        ) next
        WHERE areas.campaign_id = $1 AND areas.team_id = $2";
    let params: super::Params<'_> = &[&campaign, &team, &reach.since(now), &i64::from(reach.calls)];
    let rows = query(&database.client().await?, SQL, params).await?;
    rows.iter().map(|row| Ok((row.try_get("number")?, row.try_get("calls")?))).collect()
}

/// How many of a campaign are pending in zones that are missing, zone by zone. It counts them, so it is for who asks.
pub async fn count_in_missing_zones(
    database: &Database,
    campaign: Uuid,
    missing: &MissingZones,
) -> Result<Vec<InMissingZone>, Error> {
    const SQL: &str = "
        SELECT count(*)::int AS contacts FROM contacts
        WHERE campaign_id = $1 AND area = ANY ($2) AND state = 'pending'";
    let client = database.client().await?;
    let mut counted = Vec::new();
    for (zone, areas) in missing {
        let row = query_one(&client, SQL, &[&campaign, areas]).await?;
        counted.push(InMissingZone { zone: zone.to_string(), contacts: count(&row, "contacts")? });
    }
    Ok(counted)
}

/// What is known of a campaign after another look.
fn renewed(known: Option<Known>, row: &Row) -> Result<Known, Error> {
    let settings_version: i32 = row.try_get("settings_version")?;
    let more = more_areas(row)?;
    let (settings, areas) = match known {
        Some(known) if known.settings_version == settings_version && more.is_empty() => return Ok(known),
        Some(known) if known.settings_version == settings_version => (known.settings, known.areas),
        Some(known) => (Arc::new(json(row, "settings")?), known.areas),
        None => (Arc::new(json(row, "settings")?), Arc::from([])),
    };
    let areas = areas.iter().cloned().chain(more).collect();
    Ok(Known { settings_version, settings, areas })
}

/// The areas that were not known, from three lists of the same length.
fn more_areas(row: &Row) -> Result<Vec<KnownArea>, Error> {
    let zones: Option<Vec<Option<&str>>> = row.try_get("area_zones")?;
    let told_by: Option<Vec<&str>> = row.try_get("area_told_by")?;
    let places: Option<Vec<&str>> = row.try_get("area_places")?;
    let areas = zones.unwrap_or_default().into_iter().zip(told_by.unwrap_or_default());
    let areas = areas.zip(places.unwrap_or_default());
    let read = |((zones, told_by), places)| match Area::parse(zones, told_by, places).map_err(Error::from) {
        Ok(area) => Ok(KnownArea::Whole(Arc::new(area))),
        Err(Error::ZoneMissing(zone)) => Ok(KnownArea::ZoneMissing(zone.into())),
        Err(error) => Err(error),
    };
    areas.map(read).collect()
}

/// The queues whose hours can be judged, from two lists of the same length, and the missing zones of those that are not
/// among them.
fn queues(row: &Row, areas: &[KnownArea]) -> Result<(Vec<Queue>, MissingZones), Error> {
    let numbers: Option<Vec<i16>> = row.try_get("queue_numbers")?;
    let dues: Option<Vec<DateTime<Utc>>> = row.try_get("queue_dues")?;
    let (mut queues, mut missing_zones) = (Vec::new(), MissingZones::new());
    for (number, next_due_at) in numbers.unwrap_or_default().into_iter().zip(dues.unwrap_or_default()) {
        match area(areas, number)? {
            KnownArea::Whole(area) => {
                queues.push(Queue { number, area: area.clone(), next_due_at, calls_to_next: Vec::new() })
            }
            KnownArea::ZoneMissing(zone) => missing_zones.entry(zone.clone()).or_default().push(number),
        }
    }
    Ok((queues, missing_zones))
}

fn area(areas: &[KnownArea], number: i16) -> Result<&KnownArea, Error> {
    let area = usize::try_from(number).ok().and_then(|place| areas.get(place));
    area.ok_or_else(|| Error::ImpossibleRow(format!("there is no area {number}")))
}

/// A span that lies ahead.
fn span(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|span| !span.is_zero())
}

/// The row of an attempt, as an enum that cannot lie: what does not fit together is an error.
fn open_attempt(row: &Row, known: &Known) -> Result<Option<OpenAttempt>, Error> {
    let Some(id) = row.try_get::<_, Option<Uuid>>("attempt_id")? else { return Ok(None) };
    let sid: Option<&str> = row.try_get("sid")?;
    let status = name_opt(row, "status", Status::parse)?;
    let answered_by = name_opt(row, "answered_by", AnsweredBy::parse)?;
    let sip_code = row.try_get::<_, Option<i32>>("sip_code")?.and_then(|code| u16::try_from(code).ok());
    let heard_at: Option<DateTime<Utc>> = row.try_get("heard_at")?;
    let heard = || heard_at.ok_or_else(|| Error::ImpossibleRow(format!("attempt {id} was never heard of")));
    let stage = match (sid, status) {
        (None, None) => {
            let silence = Silence::Unplaced { intended_at: row.try_get("intended_at")? };
            Stage::Under { silence, asked_at: row.try_get("asked_at")? }
        }
        (_, Some(status)) => match outcome(status, answered_by, sip_code) {
            Some(outcome) => {
                let at = row
                    .try_get::<_, Option<DateTime<Utc>>>("ended_at")?
                    .ok_or_else(|| Error::ImpossibleRow(format!("attempt {id} ended at no instant")))?;
                // An instant from outside may be wrong; pacing and backoff run from no earlier than the intent.
                let at = at.max(row.try_get("intended_at")?);
                let detection = name_opt(row, "detection", Detection::parse)?;
                let is_silent = status == Status::Completed && answered_by.is_none();
                let awaits_verdict = is_silent && detection == Some(Detection::Beside);
                Stage::Ended { outcome, at, awaits_verdict }
            }
            None => {
                let heard_at = heard()?;
                let silence = match status {
                    Status::InProgress => Silence::Talking { heard_at },
                    _ => Silence::Ringing { heard_at },
                };
                Stage::Under { silence, asked_at: row.try_get("asked_at")? }
            }
        },
        (Some(_), None) => {
            let silence = Silence::Ringing { heard_at: heard()? };
            Stage::Under { silence, asked_at: row.try_get("asked_at")? }
        }
    };
    let (objection, end_asked_at) = (objection(row)?, row.try_get("end_asked_at")?);
    let area = match area(&known.areas, row.try_get("called_area")?)? {
        KnownArea::Whole(area) => area.clone(),
        // Its call was placed when the zone was known. Nothing tells any more when it has to end, so it rings out.
        KnownArea::ZoneMissing(_) => {
            Arc::new(Area { zones: Candidates::Unmapped(Unmapped::NoZoneKnown), places: Vec::new() })
        }
    };
    let earlier = earlier(row, &known.settings.timezone)?;
    Ok(Some(OpenAttempt { id, area, earlier, stage, objection, end_asked_at }))
}

/// How things stand with the hook that the settings name.
fn hook_standing(row: &Row) -> Result<HookStanding, Error> {
    if !row.try_get::<_, bool>("has_hook")? {
        return Ok(HookStanding::Off { why: "its hook was deleted" });
    }
    if row.try_get("hook_is_stopped")? {
        return Ok(HookStanding::Off { why: "its hook is stopped" });
    }
    Ok(match row.try_get("silent_until")? {
        Some(until) => HookStanding::Silent { until, why: row.try_get("silent_because")? },
        None => HookStanding::Answers,
    })
}

fn objection(row: &Row) -> Result<Option<Objection>, Error> {
    let end_wanted_at: Option<DateTime<Utc>> = row.try_get("end_wanted_at")?;
    Ok(match end_wanted_at {
        Some(_) => Some(Objection::EndWanted),
        None if row.try_get("is_suppressed")? => {
            Some(Objection::Suppressed { until: row.try_get("suppressed_until")? })
        }
        None => None,
    })
}

/// The call whose price is asked for first.
fn unpriced(row: &Row) -> Result<Option<Unpriced>, Error> {
    let Some(attempt) = row.try_get("unpriced_id")? else { return Ok(None) };
    Ok(Some(Unpriced {
        attempt,
        sid: row.try_get("unpriced_sid")?,
        ended_at: row.try_get("unpriced_ended_at")?,
        ask_at: row.try_get("ask_price_at")?,
    }))
}

/// The campaign's last calls.
fn recent(row: &Row) -> Result<Vec<breaker::Call>, Error> {
    let calls = outcomes(row, "recent_outcomes", "recent_ends")?.into_iter();
    Ok(calls.map(|(outcome, ended_at)| breaker::Call { outcome, ended_at }).collect())
}

/// The earlier attempts of the same contact.
pub(super) fn earlier(row: &Row, zone: &Zone) -> Result<Earlier, Error> {
    Ok(Earlier::of(outcomes(row, "outcomes", "ends")?, zone))
}

/// What attempts came to and when, from two lists of the same length.
fn outcomes(row: &Row, outcomes: &str, ends: &str) -> Result<Vec<(Outcome, DateTime<Utc>)>, Error> {
    let outcomes: Option<Vec<&str>> = row.try_get(outcomes)?;
    let ends: Option<Vec<DateTime<Utc>>> = row.try_get(ends)?;
    let attempts = outcomes.unwrap_or_default().into_iter().zip(ends.unwrap_or_default());
    attempts.map(|(outcome, ended_at)| Ok((Outcome::parse(outcome)?, ended_at))).collect()
}
