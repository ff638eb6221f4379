//! Figures: what the calls of campaigns came to, counted as sets; what the counts mean is `crate::domain::metrics`'s.
//!
//! To count two million attempts takes three seconds, and figures are asked for again and again while people are called.
//! So they are kept summed up, by quarter of an hour, in `call_sums`: a reading adds those sums and what was not summed
//! yet, of which there is little. The sums of a campaign that were read are [kept] in memory for whoever asks next. Nothing of
//! that is written by whoever calls. Whoever reads [hears](Figures::behind) which campaigns have much that is not summed, and
//! may [`sum_up`] those afterwards. Where there is so much that the reading [runs out of time](Error::ran_out_of_time),
//! [`list_behind`] tells which they are.
//!
//! What is summed cannot change any more, with one exception: a call that was given up as unknown may prove alive days
//! later. The campaign's own counters tell that: where the sums of a whole campaign do not agree with them, they are
//! thrown away and made anew ([`read_campaign`]).

mod count;
mod kept;
mod sum_up;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::metrics::{Calls, Quarter};
use crate::domain::money::Money;
use crate::domain::outcome::Outcome;
use crate::domain::zone::Zone;

use super::{Database, Error, Transaction, json, query, reads};
use count::{Counted, count_calls};
use kept::Basis;
pub(super) use kept::KeptSums;
use sum_up::forget_sums;
pub use sum_up::{list_behind, sum_up, sum_up_portion};

/// Sums that do not agree are not made anew more often than this, should something else than a late word be the reason.
const MADE_ANEW_AFTER: TimeDelta = TimeDelta::hours(1);

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

impl Figures {
    /// Adds other calls of the same campaign.
    fn add(&mut self, more: &Self) {
        self.campaigns = self.campaigns.max(more.campaigns);
        self.calls += more.calls;
        // There are more of the others, as a rule, and they are in order.
        let mut quarters = more.quarters.clone();
        for quarter in self.quarters.drain(..) {
            match quarters.binary_search_by_key(&quarter.begins_at, |known| known.begins_at) {
                Ok(place) => quarters[place].calls += quarter.calls,
                Err(place) => quarters.insert(place, quarter),
            }
        }
        self.quarters = quarters;
        for (number, calls) in &more.numbers {
            match self.numbers.binary_search_by_key(number, |(known, _)| *known) {
                Ok(place) => self.numbers[place].1 += *calls,
                Err(place) => self.numbers.insert(place, (*number, *calls)),
            }
        }
        more.costs.iter().for_each(|cost| self.add_cost(cost));
        self.unpriced += more.unpriced;
    }

    fn add_cost(&mut self, more: &Cost) {
        match self.costs.iter_mut().find(|known| known.currency == more.currency) {
            Some(known) => {
                known.amount = known.amount.plus(more.amount);
                known.calls += more.calls;
            }
            None => self.costs.push(more.clone()),
        }
    }
}

/// A campaign whose calls are asked for.
struct Asked {
    id: Uuid,
    contacts: Contacts,
    outcomes: HashMap<String, u32>,
    basis: Basis,
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
    let may_be_forgotten = asked.basis.begun_at.is_some_and(|begun_at| begun_at + MADE_ANEW_AFTER < now);
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
    let mut figures = if range == Range::default() {
        count_whole(&transaction, &database.sums, team, &asked).await?
    } else {
        count_calls(&transaction, team, std::slice::from_ref(&asked), range, Counted::All).await?
    };
    transaction.commit().await?;
    figures.contacts = asked.contacts;
    Ok(Some((asked, figures)))
}

/// All calls of a campaign. Its sums are read only where they are not those that were read before.
async fn count_whole(
    transaction: &Transaction<'_>,
    kept: &KeptSums,
    team: Uuid,
    asked: &Asked,
) -> Result<Figures, Error> {
    let (of, whole) = (std::slice::from_ref(asked), Range::default());
    let mut figures = count_calls(transaction, team, of, whole, Counted::NotSummed).await?;
    let sums = match kept.find(asked.id, &asked.basis) {
        Some(sums) => sums,
        None => {
            let sums = count_calls(transaction, team, of, whole, Counted::Summed).await?;
            kept.keep(asked.id, asked.basis.clone(), sums)
        }
    };
    figures.add(&sums);
    Ok(figures)
}

/// The figures of all of a team's campaigns that called within the range.
pub async fn read_team(database: &Database, team: Uuid, range: Range) -> Result<Figures, Error> {
    let mut reading = reads::begin(database).await?;
    let transaction = reading.connection.consistent_read().await?;
    let asked = list_asked(&transaction, team, None).await?;
    let figures = count_calls(&transaction, team, &asked, range, Counted::All).await?;
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
        contacts,
        outcomes: json(row, "outcomes")?,
        basis: Basis {
            zone: Zone::parse(&zone).map_err(|unknown| Error::ZoneMissing(unknown.0))?,
            currency: row.try_get("currency")?,
            until: row.try_get("until_id")?,
            begun_at: row.try_get("begun_at")?,
        },
    })
}
