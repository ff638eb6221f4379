//! Figures: what the calls of campaigns came to, counted as sets; what the counts mean is `crate::domain::metrics`'s.
//!
//! To count two million attempts takes three seconds, and figures are asked for again and again while people are called.
//! So they are kept summed up, by quarter of an hour, in `call_sums`: a reading adds those sums and what was not summed
//! yet, of which there is little, and takes some 30 ms for as many. Nothing of that is written by whoever calls. Whoever
//! reads [hears](Figures::behind) which campaigns have much that is not summed, and may [`sum_up`] those afterwards. Where
//! there is so much that the reading [runs out of time](Error::ran_out_of_time), [`list_behind`] tells which they are.
//!
//! What is summed cannot change any more, with one exception: a call that was given up as unknown may prove alive days
//! later. The campaign's own counters tell that: where the sums of a whole campaign do not agree with them, they are
//! thrown away and made anew ([`read_campaign`]).

use std::collections::HashMap;
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::metrics::{Calls, Quarter};
use crate::domain::money::Money;
use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;

use super::attempts::free;
use super::campaigns::money;
use super::{Database, Error, Transaction, execute, json, query, query_one, query_opt, reads};

/// What lies within an hour of now is not summed up: a late word may still change a little of it.
const SUMMED_AFTER: TimeDelta = TimeDelta::hours(1);

/// A call of which nobody knows may prove alive; after so long hardly any does.
const UNKNOWN_SUMMED_AFTER: TimeDelta = TimeDelta::days(1);

/// From so many attempts on that are not summed up it is worth doing so.
const MANY: i64 = 2_000;

/// So many attempts are summed up at once; it takes a second or so. What was summed up before stays.
const SUMMED_AT_ONCE: i64 = 500_000;

/// Sums that do not agree are not made anew more often than this, should something else than a late word be the reason.
const MADE_ANEW_AFTER: TimeDelta = TimeDelta::hours(1);

/// Attempts of this number and higher ones stand together.
const HIGHEST_NUMBER: i16 = 20;

/// Which calls are asked for: those intended from `since` on and before `until`. To the quarter of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// From this instant on, if not from the first call on.
    pub since: Option<DateTime<Utc>>,
    /// Before this instant, if not to the last call.
    pub until: Option<DateTime<Utc>>,
}

impl Range {
    /// The same, widened to whole quarters of an hour.
    #[must_use]
    pub fn in_quarters(self) -> Self {
        const QUARTER: i64 = 900;
        let floor = |at: DateTime<Utc>| {
            DateTime::from_timestamp(at.timestamp().div_euclid(QUARTER) * QUARTER, 0).unwrap_or(at)
        };
        let until = self.until.map(|at| floor(at + TimeDelta::seconds(QUARTER) - TimeDelta::microseconds(1)));
        Self { since: self.since.map(floor), until }
    }
}

/// What contacts stand how, now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contacts([u32; ContactState::ALL.len()]);

impl Contacts {
    /// How many are in this state.
    pub fn in_state(&self, state: ContactState) -> u32 {
        self.0[state as usize]
    }
}

/// What calls cost, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The currency.
    pub currency: String,
    /// Known prices, together.
    pub amount: Money,
    /// Of so many calls.
    pub calls: u32,
}

/// What the calls of some campaigns came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// The campaigns that have calls among them.
    pub campaigns: usize,
    /// Their contacts.
    pub contacts: Contacts,
    /// All calls.
    pub calls: Calls,
    /// By when they were intended.
    pub quarters: Vec<Quarter>,
    /// By their number among the attempts of their contact, from 1.
    pub numbers: Vec<(i16, Calls)>,
    /// What they cost, by currency.
    pub costs: Vec<Cost>,
    /// How many more may have cost something.
    pub unpriced: u32,
    /// The campaigns that have much that is not summed up.
    pub behind: Vec<Uuid>,
}

/// A campaign whose calls are asked for.
struct Asked {
    id: Uuid,
    zone: Zone,
    currency: Option<String>,
    contacts: Contacts,
    outcomes: HashMap<String, u32>,
    /// Up to which attempt it is summed up.
    until: Uuid,
    begun_at: Option<DateTime<Utc>>,
}

/// The figures of one campaign. Returns nothing if the team has no such campaign.
pub async fn read_campaign(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    range: Range,
    now: DateTime<Utc>,
) -> Result<Option<Figures>, Error> {
    let Some((asked, figures)) = read_once(database, team, campaign, range).await? else { return Ok(None) };
    let is_whole = range == Range::default();
    let may_be_forgotten = asked.begun_at.is_some_and(|begun_at| begun_at + MADE_ANEW_AFTER < now);
    if !is_whole || !may_be_forgotten || agree(&asked, &figures.calls) {
        return Ok(Some(figures));
    }
    forget_sums(database, team, campaign).await?;
    Ok(read_once(database, team, campaign, range).await?.map(|(_, figures)| figures))
}

async fn read_once(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    range: Range,
) -> Result<Option<(Asked, Figures)>, Error> {
    let mut reading = reads::begin(database).await?;
    let transaction = reading.connection.consistent_read().await?;
    let Some(asked) = list_asked(&transaction, team, Some(campaign)).await?.pop() else { return Ok(None) };
    let mut figures = count_calls(&transaction, team, std::slice::from_ref(&asked), range).await?;
    transaction.commit().await?;
    figures.contacts = asked.contacts;
    Ok(Some((asked, figures)))
}

/// The figures of all of a team's campaigns that called within the range.
pub async fn read_team(database: &Database, team: Uuid, range: Range) -> Result<Figures, Error> {
    let mut reading = reads::begin(database).await?;
    let transaction = reading.connection.consistent_read().await?;
    let asked = list_asked(&transaction, team, None).await?;
    let figures = count_calls(&transaction, team, &asked, range).await?;
    transaction.commit().await?;
    Ok(figures)
}

/// Whether what was counted is what the campaign itself has counted.
fn agree(asked: &Asked, calls: &Calls) -> bool {
    let kept = |outcome: Outcome| asked.outcomes.get(outcome.as_str()).copied().unwrap_or(0);
    Outcome::ALL.iter().all(|outcome| kept(*outcome) == calls.that_came_to(*outcome))
}

/// The team's campaigns that ever called, or this one of them.
async fn list_asked(
    transaction: &Transaction<'_>,
    team: Uuid,
    campaign: Option<Uuid>,
) -> Result<Vec<Asked>, Error> {
    const SQL: &str = "
        SELECT id, settings ->> 'timezone' AS zone, currency, outcomes, begun_at,
               coalesce(until_id, '00000000-0000-0000-0000-000000000000') AS until_id,
               ARRAY[pending, calling, completed, failed, suppressed] AS contacts
        FROM campaigns
        LEFT JOIN calls_summed_up ON campaign_id = campaigns.id AND calls_summed_up.team_id = campaigns.team_id
        WHERE campaigns.team_id = $1 AND CASE WHEN $2::uuid IS NULL THEN outcomes <> '{}' ELSE id = $2 END";
    let rows = query(transaction, SQL, &[&team, &campaign]).await?;
    rows.iter().map(asked).collect()
}

fn asked(row: &Row) -> Result<Asked, Error> {
    let zone: String = row.try_get("zone")?;
    let mut contacts = Contacts::default();
    let counted: Vec<i32> = row.try_get("contacts")?;
    contacts.0.iter_mut().zip(counted).for_each(|(count, counted)| *count = counted.unsigned_abs());
    Ok(Asked {
        id: row.try_get("id")?,
        zone: Zone::parse(&zone).map_err(|unknown| Error::ZoneMissing(unknown.0))?,
        currency: row.try_get("currency")?,
        contacts,
        outcomes: json(row, "outcomes")?,
        until: row.try_get("until_id")?,
        begun_at: row.try_get("begun_at")?,
    })
}

/// The columns of `call_sums` that are sums.
fn sums() -> Vec<String> {
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.as_str().replace('-', "_"));
    let others = ["talk_seconds", "ring_seconds", "rung", "price", "priced", "unpriced"];
    outcomes.chain(others.map(str::to_owned)).collect()
}

/// The sums of the attempts of `asked.id` behind `asked.until_id`, by quarter and number, and how many they are: `$1` is the
/// team, `$2` the statuses of calls that cost nothing. It rang from when the provider says so until the call was taken, or
/// given up by the network. What is left of a limit goes into `limit`.
///
/// Outcomes become columns only after they were counted: to count each by itself took twice as long.
fn not_summed(limit: &str) -> String {
    let mut outcomes = String::new();
    for outcome in Outcome::ALL {
        let column = outcome.as_str().replace('-', "_");
        let _ = write!(
            outcomes,
            "coalesce(sum(calls) FILTER (WHERE outcome = '{outcome}'), 0)::int AS {column}, "
        );
    }
    format!(
        "SELECT quarter, number, {outcomes}
                coalesce(sum(talk) FILTER (WHERE outcome NOT IN ('unknown', 'not-placed')), 0)::bigint AS talk_seconds,
                coalesce(extract(epoch FROM sum(rang)), 0)::float8 AS ring_seconds,
                sum(rung)::int AS rung, coalesce(sum(price), 0)::bigint AS price, sum(priced)::int AS priced,
                coalesce(sum(unpriced) FILTER (WHERE outcome <> 'not-placed'), 0)::int AS unpriced,
                sum(calls)::bigint AS counted
         FROM (SELECT date_bin('15 minutes', intended_at, timestamptz '2000-01-01 00:00:00Z') AS quarter,
                      least(number, {HIGHEST_NUMBER})::smallint AS number, outcome, count(*) AS calls,
                      sum(duration_seconds) AS talk,
                      sum(rang) FILTER (WHERE rang >= interval '0') AS rang,
                      count(*) FILTER (WHERE rang >= interval '0') AS rung,
                      sum(price) FILTER (WHERE NOT price_is_assumed) AS price,
                      count(price) FILTER (WHERE NOT price_is_assumed) AS priced,
                      count(*) FILTER (WHERE sid IS NOT NULL AND (price IS NULL OR price_is_assumed)
                                         AND NOT coalesce(status = ANY ($2), false)) AS unpriced
               FROM attempts
               CROSS JOIN LATERAL (
                   SELECT CASE WHEN outcome IN ('answered', 'machine', 'no-answer')
                               THEN coalesce(answered_at, ended_at - make_interval(secs => coalesce(duration_seconds, 0)))
                                    - coalesce(ringing_at, placed_at) END AS rang) ringing
               WHERE campaign_id = asked.id AND team_id = $1 AND attempts.id > asked.until_id AND settled_at IS NOT NULL
                 {limit}
               GROUP BY 1, 2, 3) counted
         GROUP BY quarter, number"
    )
}

/// What a statement that counts is told: its plan is for whatever it has to count, and compiling it would take longer
/// than running it. Without the second line it would read all attempts, because nothing tells how few are not summed.
const FOR_COUNTING: &str = "
    SET LOCAL jit = off; SET LOCAL work_mem = '64MB';
    SET LOCAL enable_seqscan = off";

/// The parts of the answer: each by its own columns.
const BY_QUARTER: i32 = 3;
const BY_NUMBER: i32 = 5;
const BY_CAMPAIGN: i32 = 6;

async fn count_calls(
    transaction: &Transaction<'_>,
    team: Uuid,
    asked: &[Asked],
    range: Range,
) -> Result<Figures, Error> {
    let columns = sums();
    let kept: String = columns.iter().map(|column| format!("call_sums.{column}, ")).collect();
    let summed: String = columns
        .iter()
        .map(|column| match column.as_str() {
            "ring_seconds" => format!("sum({column}), "),
            _ => format!("sum({column})::bigint, "),
        })
        .collect();
    let range = range.in_quarters();
    let within = |column: &str| {
        format!(
            "AND {column} >= coalesce($6, '-infinity'::timestamptz) AND {column} < coalesce($7, 'infinity'::timestamptz)"
        )
    };
    let sql = format!(
        "WITH asked AS MATERIALIZED (
             SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::smallint[]) AS t (id, until_id, zone)
         )
         SELECT grouping(zone, number, id)::int, zone, quarter, number, id, {summed} sum(counted)::bigint
         FROM (SELECT asked.id, asked.zone, quarter, number, {kept} 0 AS counted
               FROM asked JOIN call_sums ON campaign_id = asked.id AND team_id = $1 {in_sums}
               UNION ALL
               SELECT asked.id, asked.zone, later.* FROM asked CROSS JOIN LATERAL ({not_summed}) later) calls
         GROUP BY GROUPING SETS ((zone, quarter), (number), (id))",
        in_sums = within("quarter"),
        not_summed = not_summed(&within("intended_at")),
    );
    let mut zones: Vec<&Zone> = Vec::new();
    let mut zone_of = |zone| {
        let place = zones.iter().position(|known| *known == zone).unwrap_or(zones.len());
        if place == zones.len() {
            zones.push(zone);
        }
        i16::try_from(place).unwrap_or(i16::MAX)
    };
    let (ids, untils): (Vec<Uuid>, Vec<Uuid>) = asked.iter().map(|asked| (asked.id, asked.until)).unzip();
    let places: Vec<i16> = asked.iter().map(|asked| zone_of(&asked.zone)).collect();
    transaction.batch_execute(FOR_COUNTING).await?;
    let params: super::Params<'_> = &[&team, &free(), &ids, &untils, &places, &range.since, &range.until];
    let by_id: HashMap<Uuid, &Asked> = asked.iter().map(|asked| (asked.id, asked)).collect();
    let mut figures = Figures::default();
    for row in query(transaction, &sql, params).await? {
        let calls = calls(&row)?;
        match row.try_get(0)? {
            BY_QUARTER => {
                let place: i16 = row.try_get(1)?;
                let zone = usize::try_from(place).ok().and_then(|place| zones.get(place));
                let zone = zone.ok_or_else(|| Error::ImpossibleRow(format!("there is no zone {place}")))?;
                figures.quarters.push(Quarter { zone: (*zone).clone(), begins_at: row.try_get(2)?, calls });
            }
            BY_NUMBER => {
                figures.calls += calls;
                figures.numbers.push((row.try_get(3)?, calls));
            }
            BY_CAMPAIGN => {
                let id: Uuid = row.try_get(4)?;
                let asked =
                    by_id.get(&id).ok_or_else(|| Error::ImpossibleRow(format!("nobody asked for {id}")))?;
                add_campaign(&mut figures, asked, &row)?;
            }
            part => return Err(Error::ImpossibleRow(format!("there is no part {part}"))),
        }
    }
    figures.numbers.sort_by_key(|(number, _)| *number);
    figures.costs.sort_by(|one, other| one.currency.cmp(&other.currency));
    Ok(figures)
}

/// Where the sums begin in a row.
const FIRST_SUM: usize = 5;
const AFTER_OUTCOMES: usize = FIRST_SUM + Outcome::ALL.len();

fn calls(row: &Row) -> Result<Calls, Error> {
    let mut calls = Calls::default();
    for (column, outcome) in (FIRST_SUM..).zip(Outcome::ALL) {
        calls += Calls::of(*outcome, sum(row, column)?);
    }
    calls.talk_seconds = row.try_get(AFTER_OUTCOMES)?;
    calls.ring_seconds = row.try_get(AFTER_OUTCOMES + 1)?;
    calls.rung = sum(row, AFTER_OUTCOMES + 2)?;
    Ok(calls)
}

fn sum(row: &Row, column: usize) -> Result<u32, Error> {
    let sum: i64 = row.try_get(column)?;
    u32::try_from(sum).map_err(|_| Error::ImpossibleRow(format!("a sum of calls is {sum}")))
}

/// Adds what is told of a campaign as a whole.
fn add_campaign(figures: &mut Figures, asked: &Asked, row: &Row) -> Result<(), Error> {
    figures.campaigns += 1;
    figures.contacts.0.iter_mut().zip(asked.contacts.0).for_each(|(sum, count)| *sum += count);
    let (price, priced): (i64, u32) = (row.try_get(AFTER_OUTCOMES + 3)?, sum(row, AFTER_OUTCOMES + 4)?);
    figures.unpriced += sum(row, AFTER_OUTCOMES + 5)?;
    if row.try_get::<_, i64>(AFTER_OUTCOMES + 6)? >= MANY {
        figures.behind.push(asked.id);
    }
    let Some(currency) = asked.currency.as_ref().filter(|_| priced > 0) else { return Ok(()) };
    let known = figures.costs.iter_mut().find(|cost| cost.currency == *currency);
    match known {
        Some(cost) => {
            cost.amount = cost.amount.plus(money(price)?);
            cost.calls += priced;
        }
        None => {
            figures.costs.push(Cost { currency: currency.clone(), amount: money(price)?, calls: priced });
        }
    }
    Ok(())
}

/// The team's campaigns that have much that is not summed up, those with the most first, by what they count themselves.
pub async fn list_behind(database: &Database, team: Uuid) -> Result<Vec<Uuid>, Error> {
    let summed: Vec<String> = Outcome::ALL.iter().map(|outcome| outcome.as_str().replace('-', "_")).collect();
    let sql = format!(
        "SELECT id FROM (
             SELECT id, (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(outcomes))
                        - (SELECT coalesce(sum({summed}), 0) FROM call_sums
                           WHERE campaign_id = campaigns.id AND call_sums.team_id = $1) AS not_summed
             FROM campaigns WHERE team_id = $1 AND outcomes <> '{{}}') called
         WHERE not_summed >= $2::bigint ORDER BY not_summed DESC",
        summed = summed.join(" + "),
    );
    let rows = query(&database.list_client().await?, &sql, &[&team, &MANY]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Sums up what has come to its end of a campaign's attempts, up to the first that has not, in portions. Returns how many
/// were added; none if somebody else is at it.
pub async fn sum_up(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let summed = sum_up_portion(database, team, campaign, SUMMED_AT_ONCE, now).await?;
        all += summed;
        if summed < SUMMED_AT_ONCE.unsigned_abs() {
            return Ok(all);
        }
    }
}

/// The same for so many attempts at most.
pub async fn sum_up_portion(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    at_most: i64,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    const BEGIN: &str = "
        INSERT INTO calls_summed_up (campaign_id, team_id, until_id, begun_at)
        SELECT id, team_id, '00000000-0000-0000-0000-000000000000', $3 FROM campaigns WHERE id = $1 AND team_id = $2
        ON CONFLICT DO NOTHING";
    const LOCK: &str = "
        SELECT until_id FROM calls_summed_up WHERE campaign_id = $1 AND team_id = $2 FOR UPDATE SKIP LOCKED";
    // The first behind the portion.
    const BEHIND: &str = "
        SELECT coalesce(
            (SELECT id FROM attempts WHERE campaign_id = $1 AND team_id = $2 AND id > $3 ORDER BY id OFFSET $4 LIMIT 1),
            'ffffffff-ffff-ffff-ffff-ffffffffffff') AS id";
    // The last before the first that may still change.
    const UNTIL: &str = "
        SELECT id FROM attempts
        WHERE campaign_id = $1 AND team_id = $2 AND id > $3
          AND id < coalesce(
              (SELECT id FROM attempts
               WHERE campaign_id = $1 AND team_id = $2 AND id > $3 AND id < $6
                 AND NOT (settled_at IS NOT NULL AND settled_at < $4 AND ask_price_at IS NULL
                          AND (outcome <> 'unknown' OR settled_at < $5))
               ORDER BY id LIMIT 1),
              $6)
        ORDER BY id DESC LIMIT 1";
    const DONE: &str = "UPDATE calls_summed_up SET until_id = $3 WHERE campaign_id = $1 AND team_id = $2";
    let columns = sums();
    let added: String =
        columns.iter().map(|column| format!("{column} = call_sums.{column} + excluded.{column}, ")).collect();
    let names = columns.join(", ");
    let sql = format!(
        "WITH later AS (
             SELECT later.* FROM (SELECT $3::uuid AS id, $4::uuid AS until_id) asked
             CROSS JOIN LATERAL ({not_summed}) later
         ), added AS (
             INSERT INTO call_sums (campaign_id, team_id, quarter, number, {names})
             SELECT $3, $1, quarter, number, {names} FROM later
             ON CONFLICT (campaign_id, quarter, number, team_id) DO UPDATE SET {added}
         )
         SELECT coalesce(sum(counted), 0)::bigint AS counted FROM later",
        not_summed = not_summed("AND attempts.id <= $5"),
        added = added.trim_end_matches(", "),
    );
    // It may have very many to count, so it goes where it may take its time.
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    execute(&transaction, BEGIN, &[&campaign, &team, &now]).await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else { return Ok(0) };
    let before: Uuid = row.try_get("until_id")?;
    transaction.batch_execute(FOR_COUNTING).await?;
    let (settled_before, unknown_before) = (now - SUMMED_AFTER, now - UNKNOWN_SUMMED_AFTER);
    let row = query_one(&transaction, BEHIND, &[&campaign, &team, &before, &at_most]).await?;
    let behind: Uuid = row.try_get("id")?;
    let until: super::Params<'_> = &[&campaign, &team, &before, &settled_before, &unknown_before, &behind];
    let Some(row) = query_opt(&transaction, UNTIL, until).await? else { return Ok(0) };
    let until: Uuid = row.try_get("id")?;
    let row = query_one(&transaction, &sql, &[&team, &free(), &campaign, &before, &until]).await?;
    execute(&transaction, DONE, &[&campaign, &team, &until]).await?;
    transaction.commit().await?;
    Ok(row.try_get::<_, i64>("counted")?.unsigned_abs())
}

/// Throws a campaign's sums away: they are made anew from its attempts when they are next worth it.
async fn forget_sums(database: &Database, team: Uuid, campaign: Uuid) -> Result<(), Error> {
    const MARK: &str = "DELETE FROM calls_summed_up WHERE campaign_id = $1 AND team_id = $2";
    const SUMS: &str = "DELETE FROM call_sums WHERE campaign_id = $1 AND team_id = $2";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    execute(&transaction, MARK, &[&campaign, &team]).await?;
    execute(&transaction, SUMS, &[&campaign, &team]).await?;
    transaction.commit().await
}
