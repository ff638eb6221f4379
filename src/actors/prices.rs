//! What the calls of all campaigns have cost, for the figures: the provider's list of the calls that ended lately holds the
//! prices of hundreds in one answer. Nothing waits for it. A campaign with a `max_spend`, which does wait, asks for its calls one by one
//! and sooner (`super::ask_price`).

use chrono::TimeDelta;
use tracing::{debug, warn};

use crate::db::Error;
use crate::db::attempts::{ToldPrice, record_told_prices};
use crate::db::campaigns::has_called_since;

use super::switchboard::Switchboard;

/// How far back is asked. A price is known minutes after a call's end as a rule. Calls are summed up an hour after it, and what is
/// told later than that is in no figure any more.
const SINCE: TimeDelta = TimeDelta::minutes(50);

/// Records the prices of the calls that ended lately, as far as they are known and were not. Where nobody was called, nobody is
/// asked. Returns how many were new.
pub(super) async fn learn_prices(board: &Switchboard) -> Result<u64, Error> {
    let since = board.clock.now() - SINCE;
    if !has_called_since(&board.database, &board.account_sid, since).await? {
        return Ok(0);
    }
    let records = match board.reads("list", board.client.list_completed_since(since)).await {
        Ok(records) => records,
        Err(error) => {
            // They are in the next list as well.
            warn!(error = &error as &dyn std::error::Error, "the prices of calls could not be asked for");
            return Ok(0);
        }
    };
    let told: Vec<ToldPrice> = records
        .into_iter()
        .filter_map(|call| Some(ToldPrice { amount: call.price?, unit: call.price_unit, sid: call.sid }))
        .collect();
    let recorded = record_told_prices(&board.database, &told).await?;
    debug!(told = told.len(), recorded, "prices of calls");
    Ok(recorded)
}
