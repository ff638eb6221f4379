//! Counting calls: what is kept summed up, and what is not summed up yet.

use std::collections::HashMap;
use std::fmt::Write;

use tokio_postgres::Row;
use uuid::Uuid;

use super::sum_up::MANY;
use super::{Asked, Cost, Figures, Range};
use crate::db::attempts::free;
use crate::db::campaigns::money;
use crate::db::{Error, Params, Transaction, query};
use crate::domain::metrics::{Calls, Quarter};
use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;

/// Which calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// All.
    All,
    /// Those that are summed up.
    Summed,
    /// The others.
    NotSummed,
}

/// The columns of `call_sums` that are sums.
pub(super) fn sums() -> Vec<String> {
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.as_str().replace('-', "_"));
    let others = ["talk_seconds", "ring_seconds", "rung", "price", "priced", "unpriced"];
    outcomes.chain(others.map(str::to_owned)).collect()
}

/// Attempts of this number and higher ones stand together.
const HIGHEST_NUMBER: i16 = 20;

/// The sums of the attempts of `asked.id` behind `asked.until_id`, by quarter and number, and how many they are: `$1` is the
/// team, `$2` the statuses of calls that cost nothing. It rang from when the provider says so until the call was taken, or
/// given up by the network. What is left of a limit goes into `limit`.
///
/// Outcomes become columns only after they were counted: to count each by itself took twice as long.
pub(super) fn not_summed(limit: &str) -> String {
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
pub(super) const FOR_COUNTING: &str = "
    SET LOCAL jit = off; SET LOCAL work_mem = '64MB';
    SET LOCAL enable_seqscan = off";

/// The parts of the answer: each by its own columns.
const BY_QUARTER: i32 = 3;
const BY_NUMBER: i32 = 5;
const BY_CAMPAIGN: i32 = 6;

/// Counts the calls of these campaigns. Quarters of an hour and numbers are in order.
pub(super) async fn count_calls(
    transaction: &Transaction<'_>,
    team: Uuid,
    asked: &[Asked],
    range: Range,
    counted: Counted,
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
               FROM asked JOIN call_sums ON campaign_id = asked.id AND team_id = $1 AND $8 {in_sums}
               UNION ALL
               SELECT asked.id, asked.zone, later.* FROM asked CROSS JOIN LATERAL ({not_summed}) later) calls
         GROUP BY GROUPING SETS ((zone, quarter), (number), (id))",
        in_sums = within("quarter"),
        not_summed = not_summed(&format!("AND $9 {}", within("intended_at"))),
    );
    let mut zones: Vec<&Zone> = Vec::new();
    let mut zone_of = |zone| {
        let place = zones.iter().position(|known| *known == zone).unwrap_or(zones.len());
        if place == zones.len() {
            zones.push(zone);
        }
        i16::try_from(place).unwrap_or(i16::MAX)
    };
    let (ids, untils): (Vec<Uuid>, Vec<Uuid>) =
        asked.iter().map(|asked| (asked.id, asked.basis.until)).unzip();
    let places: Vec<i16> = asked.iter().map(|asked| zone_of(&asked.basis.zone)).collect();
    transaction.batch_execute(FOR_COUNTING).await?;
    let (summed, not_summed) = (counted != Counted::NotSummed, counted != Counted::Summed);
    let params: Params<'_> =
        &[&team, &free(), &ids, &untils, &places, &range.since, &range.until, &summed, &not_summed];
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
    figures.quarters.sort_by_key(|quarter| quarter.begins_at);
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
    if let Some(currency) = asked.basis.currency.clone().filter(|_| priced > 0) {
        figures.add_cost(&Cost { currency, amount: money(price)?, calls: priced });
    }
    Ok(())
}
