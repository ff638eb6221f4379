//! What a campaign's calls cost, and when that is as much as they may. A price is told a while after a call's end, and only
//! to whoever asks: a call without one is reckoned as the campaign's most expensive one until then.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::attempt::Status;
use super::money::Money;

/// So many calls without a price are made at most, whatever they may cost: a provider that tells none must not make a cap
/// mean nothing.
pub const MOST_UNPRICED: u32 = 50;

/// How many decimals a cap may have.
pub const CAP_DECIMALS: usize = 4;

/// How long after a call's end its price is asked for; afterwards every hour.
const ASKED_AFTER: [TimeDelta; 4] =
    [TimeDelta::seconds(10), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(15)];

/// A price that was not told within so long is not asked for any more.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(1);

/// What a campaign's calls have cost, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    /// The prices that are known, together.
    pub spent: Money,
    /// The calls that may cost something and whose price is not known yet.
    pub unpriced: u32,
    /// The price of the most expensive call.
    pub highest: Money,
}

/// How a campaign stands with its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may call.
    MayCall,
    /// It may have spent as much as it may: the prices of its last calls will tell.
    AwaitsPrices,
    /// It has spent as much as it may, or more.
    UsedUp,
}

/// A call whose price is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceQuestion {
    /// Its attempt.
    pub attempt: Uuid,
    /// When its price is asked for.
    pub ask_at: DateTime<Utc>,
}

impl Spend {
    /// What the calls cost, those without a price as much as the most expensive one.
    pub fn reckoned(self) -> Money {
        self.spent.plus(self.highest.times(self.unpriced))
    }

    /// How a campaign stands that may spend as much as `cap`.
    pub fn standing(self, cap: Option<Money>) -> Standing {
        match cap {
            None => Standing::MayCall,
            Some(cap) if self.unpriced == 0 && self.spent >= cap => Standing::UsedUp,
            Some(cap) if self.unpriced >= MOST_UNPRICED || self.reckoned() >= cap => Standing::AwaitsPrices,
            Some(_) => Standing::MayCall,
        }
    }
}

/// Whether a call that ended so costs nothing: nobody took it. Twilio charges for those that it calls completed, and not for
/// others (<https://www.twilio.com/help/faq/voice/what-do-the-call-statuses-mean>).
pub fn costs_nothing(status: Status) -> bool {
    match status {
        Status::Busy | Status::Failed | Status::NoAnswer | Status::Canceled => true,
        Status::Queued | Status::Initiated | Status::Ringing | Status::InProgress | Status::Completed => {
            false
        }
    }
}

/// When the price of a call is asked for first.
pub fn first_question_at(ended_at: DateTime<Utc>) -> DateTime<Utc> {
    ended_at + ASKED_AFTER[0]
}

/// When the price of a call is asked for again that was not known just now. None if it is not: then the call counts as the
/// campaign's most expensive one for good.
pub fn next_question_at(ended_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let since = now - ended_at;
    if since >= GIVEN_UP_AFTER {
        return None;
    }
    let soon = ASKED_AFTER.into_iter().find(|after| *after > since);
    Some(ended_at + soon.unwrap_or_else(|| TimeDelta::hours(since.num_hours() + 1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn a_campaign_calls_until_its_prices_and_those_to_come_reach_its_cap() {
        let cases = [
            ("no cap", None, "900", 9, "100", Standing::MayCall),
            ("nothing spent", Some("1"), "0", 0, "0", Standing::MayCall),
            ("one ten-thousandth is left", Some("1"), "0.9999", 0, "0.01", Standing::MayCall),
            ("all is spent", Some("1"), "1", 0, "0.01", Standing::UsedUp),
            ("more is spent", Some("1"), "1.07", 0, "0.1", Standing::UsedUp),
            ("a price that may be the last", Some("1"), "0.90", 1, "0.1", Standing::AwaitsPrices),
            ("a price that can hardly be", Some("1"), "0.90", 1, "0.09", Standing::MayCall),
            ("all is spent, and the sum is yet to come", Some("1"), "1", 1, "0.1", Standing::AwaitsPrices),
            ("no price was seen yet", Some("1"), "0", 49, "0", Standing::MayCall),
            ("no price is ever told", Some("1"), "0", 50, "0", Standing::AwaitsPrices),
        ];
        for (case, cap, spent, unpriced, highest, expected) in cases {
            let spend = Spend { spent: money(spent), unpriced, highest: money(highest) };
            assert_eq!(spend.standing(cap.map(money)), expected, "{case}");
        }
    }

    #[test]
    fn a_price_is_asked_for_soon_then_every_hour_and_after_a_day_no_more() {
        let ended_at: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        let mut asked = Vec::new();
        let mut next = Some(first_question_at(ended_at));
        while let Some(at) = next {
            asked.push((at - ended_at).num_seconds());
            next = next_question_at(ended_at, at);
        }
        assert_eq!(asked[..6], [10, 60, 300, 900, 3600, 7200]);
        assert_eq!((asked.len(), asked.last()), (28, Some(&86_400)));
    }

    proptest! {
        /// Whoever may call has not spent what he may, and as long as nothing is told he comes to an end.
        #[test]
        fn whoever_may_call_is_below_his_cap(
            spent in 0i64..3_000_000, unpriced in 0u32..60, highest in 0i64..100_000, cap in 1i64..3_000_000,
        ) {
            let [spent, highest, cap] = [spent, highest, cap].map(|some| Money::from_millionths(some).unwrap());
            let spend = Spend { spent, unpriced, highest };
            match spend.standing(Some(cap)) {
                Standing::MayCall => {
                    prop_assert!(unpriced < MOST_UNPRICED && spend.reckoned() < cap);
                }
                Standing::AwaitsPrices => prop_assert!(unpriced > 0),
                Standing::UsedUp => prop_assert!(unpriced == 0 && spent >= cap),
            }
        }

        #[test]
        fn the_next_question_lies_ahead(seconds in -100i64..100_000) {
            let ended_at: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
            let now = ended_at + TimeDelta::seconds(seconds);
            if let Some(at) = next_question_at(ended_at, now) {
                prop_assert!(at > now);
            }
        }
    }
}
