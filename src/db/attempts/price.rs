//! What calls cost: recorded once, with the sums in the campaign's row that go with it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::campaigns::lock;
use crate::db::{Database, Error, Ownership, execute};
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
