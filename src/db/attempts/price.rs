//! What calls cost: recorded once, with the sums in the campaign's row that go with it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::campaigns::lock;
use crate::db::{Database, Error, Ownership, execute, query, query_one};
use crate::domain::attempt::Status;
use crate::domain::money::Money;
use crate::domain::spend::costs_nothing;

/// What a call costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Price {
    /// The provider says so.
    Told {
        /// The price.
        amount: Money,
        /// Its currency. An account is billed in one, so the first that is told is the campaign's.
        unit: Option<String>,
    },
    /// Nobody will say: as much as the campaign's most expensive call.
    Assumed,
}

/// Records what a call costs. Returns false if that is known already, or if the campaign is no longer this owner's.
pub async fn record_price(
    database: &Database,
    owner: Ownership,
    attempt: Uuid,
    price: &Price,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH attempt AS (
            UPDATE attempts
            SET price = coalesce($3, campaigns.highest_price), price_unit = $4, price_is_assumed = $3 IS NULL,
                ask_price_at = NULL
            FROM campaigns
            WHERE attempts.id = $2 AND attempts.campaign_id = $1 AND attempts.ask_price_at IS NOT NULL
              AND campaigns.id = attempts.campaign_id AND campaigns.team_id = attempts.team_id
            RETURNING attempts.price
        )
        UPDATE campaigns
        SET spent = spent + attempt.price, unpriced = greatest(unpriced - 1, 0),
            highest_price = greatest(highest_price, attempt.price), currency = coalesce(currency, $4)
        FROM attempt
        WHERE campaigns.id = $1";
    let (amount, unit) = match price {
        Price::Told { amount, unit } => (Some(amount.millionths()), unit.as_deref()),
        Price::Assumed => (None, None),
    };
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    if lock(&transaction, owner).await?.is_none() {
        return Ok(false);
    }
    let recorded = execute(&transaction, SQL, &[&owner.campaign, &attempt, &amount, &unit]).await?;
    transaction.commit().await?;
    Ok(recorded > 0)
}

/// A price that the provider told of a call, by its name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldPrice {
    /// The provider's id of the call.
    pub sid: String,
    /// The price.
    pub amount: Money,
    /// Its currency.
    pub unit: Option<String>,
}

/// So many prices are recorded in one transaction at most, which holds the rows of all their campaigns meanwhile.
const RECORDED_AT_ONCE: usize = 200;

/// Records what calls cost that are settled and whose price was neither known nor is asked for, whosever campaigns' they are.
/// Others are passed over: they are none of ours, or have their own time. Returns how many were recorded.
pub async fn record_told_prices(database: &Database, told: &[ToldPrice]) -> Result<u64, Error> {
    let mut recorded = 0;
    for some in told.chunks(RECORDED_AT_ONCE) {
        recorded += record_some(database, some).await?;
    }
    Ok(recorded)
}

async fn record_some(database: &Database, told: &[ToldPrice]) -> Result<u64, Error> {
    // Whoever locks several campaigns locks them in one order.
    const LOCK: &str = "
        SELECT id FROM campaigns
        WHERE (id, team_id) IN (
            SELECT campaign_id, team_id FROM attempts
            WHERE sid = ANY ($1) AND price IS NULL AND ask_price_at IS NULL AND settled_at IS NOT NULL)
        ORDER BY id FOR NO KEY UPDATE";
    const SQL: &str = "
        WITH told AS (
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) AS t (sid, price, unit)
        ), attempt AS (
            UPDATE attempts SET price = told.price, price_unit = told.unit
            FROM told
            WHERE attempts.sid = told.sid AND attempts.price IS NULL AND ask_price_at IS NULL
              AND settled_at IS NOT NULL AND campaign_id = ANY ($4)
            RETURNING campaign_id, attempts.price, price_unit
        ), sums AS (
            SELECT campaign_id, sum(price)::bigint AS price, max(price) AS highest, max(price_unit) AS unit, count(*) AS calls
            FROM attempt GROUP BY campaign_id
        ), campaign AS (
            UPDATE campaigns
            SET spent = spent + sums.price, highest_price = greatest(highest_price, sums.highest),
                currency = coalesce(currency, sums.unit)
            FROM sums
            WHERE campaigns.id = sums.campaign_id
        )
        SELECT coalesce(sum(calls), 0)::bigint AS calls FROM sums";
    let sids: Vec<&str> = told.iter().map(|call| call.sid.as_str()).collect();
    let amounts: Vec<i64> = told.iter().map(|call| call.amount.millionths()).collect();
    let units: Vec<Option<&str>> = told.iter().map(|call| call.unit.as_deref()).collect();
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let locked = query(&transaction, LOCK, &[&sids]).await?;
    let campaigns: Vec<Uuid> = locked.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    if campaigns.is_empty() {
        return Ok(0);
    }
    let row = query_one(&transaction, SQL, &[&sids, &amounts, &units, &campaigns]).await?;
    transaction.commit().await?;
    Ok(row.try_get::<_, i64>("calls")?.unsigned_abs())
}

/// Says when a call's price is asked for again. It is no decision: whoever asks too often learns no less.
pub async fn ask_price_again(database: &Database, attempt: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    let sql = "UPDATE attempts SET ask_price_at = $2 WHERE id = $1 AND ask_price_at IS NOT NULL";
    execute(&database.client().await?, sql, &[&attempt, &at]).await?;
    Ok(())
}

/// The statuses of calls that cost nothing.
pub(in crate::db) fn free() -> Vec<&'static str> {
    Status::ALL.iter().filter(|status| costs_nothing(**status)).map(|status| status.as_str()).collect()
}
