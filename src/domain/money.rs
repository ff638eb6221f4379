//! Amounts of money, exact: whole millionths of a currency's unit. Which currency it is stands beside them; how a provider
//! writes its prices is not known here.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DECIMALS: usize = 6;
const MILLIONTHS: i64 = 1_000_000;

/// The longest whole part that is read. More money cannot be meant, and sums of it stay far from the largest number.
const MOST_DIGITS: usize = 9;

/// An amount of money, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(i64);

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no amount of money, expected one such as 25.00, below 1000000000, with six decimals at most"
)]
pub struct BadMoney(String);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths; none if they are negative.
    pub fn from_millionths(millionths: i64) -> Option<Self> {
        (millionths >= 0).then_some(Self(millionths))
    }

    /// The amount in millionths.
    pub fn millionths(self) -> i64 {
        self.0
    }

    /// Reads an amount: digits, and perhaps a point and further digits.
    pub fn parse(text: &str) -> Result<Self, BadMoney> {
        let bad = || BadMoney(text.to_owned());
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(bad()),
            Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
            None => (text, ""),
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = (1..=MOST_DIGITS).contains(&whole.len()) && fraction.len() <= DECIMALS;
        if !(is_short && is_number(whole) && is_number(fraction)) {
            return Err(bad());
        }
        let whole: i64 = whole.parse().map_err(|_| bad())?;
        let fraction: i64 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| bad())?;
        Ok(Self(whole * MILLIONTHS + fraction))
    }

    /// How many decimals it takes to write it.
    pub fn decimals(self) -> usize {
        let fraction = format!("{:06}", self.0 % MILLIONTHS);
        fraction.trim_end_matches('0').len()
    }

    /// The sum, or the largest amount if it is larger.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times the amount, or the largest amount if it is larger.
    pub fn times(self, times: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(times)))
    }
}

/// With two decimals, or as many more as there are.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % MILLIONTHS);
        write!(f, "{}.{}", self.0 / MILLIONTHS, &fraction[..self.decimals().max(2)])
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// An amount as people write it: a text or a number.
struct Written;

impl Visitor<'_> for Written {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of money such as \"25.00\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Money, E> {
        Money::parse(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Money, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Money, E> {
        self.visit_str(&number.to_string())
    }

    /// The shortest digits that mean this number, which are those that were written: nothing is reckoned with it.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Money, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_read_exactly_and_shown_with_two_decimals_or_more() {
        let cases = [
            ("25", 25_000_000, "25.00"),
            ("25.5", 25_500_000, "25.50"),
            ("0.0085", 8_500, "0.0085"),
            ("0.00400", 4_000, "0.004"),
            ("0.1000000000", 100_000, "0.10"),
            ("999999999.999999", 999_999_999_999_999, "999999999.999999"),
            ("0", 0, "0.00"),
        ];
        for (written, millionths, shown) in cases {
            let money = Money::parse(written).unwrap();
            assert_eq!((money.millionths(), money.to_string().as_str()), (millionths, shown), "{written}");
        }
        for bad in
            ["", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", "1.0000001", "1000000000", "٣", "1 ", "NaN"]
        {
            assert!(Money::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_setting_may_be_a_text_or_a_number_and_is_kept_as_a_text() {
        for written in ["\"25.1\"", "25.1", "25.10"] {
            let money: Money = serde_json::from_str(written).unwrap();
            assert_eq!(serde_json::to_string(&money).unwrap(), "\"25.10\"", "{written}");
        }
        assert_eq!(serde_json::from_str::<Money>("3").unwrap(), Money::parse("3").unwrap());
        for bad in ["-3", "-0.5", "1e300", "null", "true", "{}", "\"much\""] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(millionths in 0i64..1_000_000_000_000_000) {
            let money = Money::from_millionths(millionths).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        /// As a JSON number, too, which travels as a float: 15 digits survive that.
        #[test]
        fn a_number_means_the_digits_that_were_written(millionths in 0i64..1_000_000_000_000_000) {
            let money = Money::from_millionths(millionths).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&money.to_string()).unwrap(), money);
        }
    }
}
