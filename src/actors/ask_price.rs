//! Asking the provider what a call has cost. Nothing is done about a call for it, and nothing waits for the answer but a
//! campaign that may have spent as much as it may.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use crate::db::attempts::{Price, ask_price_again, record_price};
use crate::db::look::Unpriced;
use crate::db::{Error, Ownership};
use crate::domain::money::Money;
use crate::domain::spend::{costs_nothing, next_question_at};
use crate::twilio::call::CallRecord;

use super::switchboard::Switchboard;
use super::turn::Carried;

/// How long is waited after the provider could not be asked.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// What the provider knows of a call's price.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It is known, or nobody will ever know it.
    Final(Price),
    /// It is not known yet.
    NotYet,
}

/// Asks, until `before` at most. A question that is dropped then is asked again, because nothing is noted of it.
pub(super) async fn ask_price(
    board: &Switchboard,
    owner: Ownership,
    call: &Unpriced,
    before: Option<DateTime<Utc>>,
) -> Result<Carried, Error> {
    let attempt = call.attempt;
    let Some(sid) = &call.sid else {
        record_price(&board.database, owner, attempt, &Price::Assumed).await?;
        return Ok(Carried::Out);
    };
    let time_is_up = async {
        match before {
            Some(before) => board.clock.sleep_until(before).await,
            None => std::future::pending().await,
        }
    };
    let asked = tokio::select! {
        asked = board.reads("fetch", board.client.fetch_call(sid)) => asked,
        () = time_is_up => return Ok(Carried::Out),
    };
    let now = board.clock.now();
    let again_at = match asked.map(answer) {
        Ok(Answer::Final(price)) => {
            record_price(&board.database, owner, attempt, &price).await?;
            return Ok(Carried::Out);
        }
        Ok(Answer::NotYet) => next_question_at(call.ended_at, now),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(attempt.id = %attempt, call.sid = %sid, error, "the price of a call could not be asked for");
            Some(now + ASK_AGAIN_AFTER)
        }
    };
    match again_at {
        Some(at) => ask_price_again(&board.database, attempt, at).await?,
        None => {
            if record_price(&board.database, owner, attempt, &Price::Assumed).await? {
                info!(attempt.id = %attempt, call.sid = %sid, "no price was told in a day, the highest is assumed");
            }
        }
    }
    Ok(Carried::Out)
}

fn answer(call: Option<CallRecord>) -> Answer {
    match call {
        // The record was deleted.
        None => Answer::Final(Price::Assumed),
        Some(CallRecord { price: Some(amount), price_unit: unit, .. }) => {
            Answer::Final(Price::Told { amount, unit })
        }
        Some(call) if costs_nothing(call.status) => {
            Answer::Final(Price::Told { amount: Money::ZERO, unit: None })
        }
        Some(_) => Answer::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::Status;

    fn record(status: Status, price: Option<&str>) -> Option<CallRecord> {
        Some(CallRecord {
            sid: "CA0123456789abcdef0123456789abcdef".to_owned(),
            parent_sid: None,
            to: "+12025550123".to_owned(),
            from: "+12025550100".to_owned(),
            status,
            created_at: None,
            started_at: None,
            ended_at: None,
            duration_seconds: None,
            answered_by: None,
            price: price.map(|price| Money::parse(price).unwrap()),
            price_unit: Some("USD".to_owned()),
        })
    }

    #[test]
    fn a_price_is_what_the_record_says_nothing_where_nobody_took_it_and_the_highest_where_there_is_no_record()
    {
        let told = |amount: &str, unit: Option<&str>| {
            let amount = Money::parse(amount).unwrap();
            Answer::Final(Price::Told { amount, unit: unit.map(str::to_owned) })
        };
        let cases = [
            (record(Status::Completed, Some("0.0085")), told("0.0085", Some("USD"))),
            (record(Status::Completed, None), Answer::NotYet),
            (record(Status::InProgress, None), Answer::NotYet),
            (record(Status::NoAnswer, None), told("0", None)),
            // Whatever the rule is, the record has the last word.
            (record(Status::Busy, Some("0.01")), told("0.01", Some("USD"))),
            (None, Answer::Final(Price::Assumed)),
        ];
        for (call, expected) in cases {
            let case = format!("{call:?}");
            assert_eq!(answer(call), expected, "{case}");
        }
    }
}
