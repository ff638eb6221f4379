//! A time on the clock on the wall.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

/// A time of day, to the minute, from `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// So many minutes after midnight; what is past the end of the day is read on the next.
    pub(super) fn from_minutes(minutes: u16) -> Self {
        Self { minutes: if minutes > MINUTES_OF_DAY { minutes - MINUTES_OF_DAY } else { minutes } }
    }

    /// Minutes after midnight.
    pub(super) fn minutes(self) -> u16 {
        self.minutes
    }
}

/// The minutes of a day on the wall.
pub(super) const MINUTES_OF_DAY: u16 = 24 * 60;

/// What the clock shows so many minutes after the midnight with which `date` begins.
pub(super) fn on(date: NaiveDate, minutes: u16) -> NaiveDateTime {
    date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(minutes))
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| {
            // An hour of one digit is what people write.
            let meant = Self::read(&format!("0{text}")).map_or_else(|| "09:00".to_owned(), String::from);
            format!("{text:?} is no time of day, expected HH:MM from 00:00 to 24:00, such as {meant}")
        })
    }
}

impl TimeOfDay {
    fn read(text: &str) -> Option<Self> {
        let two_digits = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        let total = hours * 60 + minutes;
        (minutes < 60 && total <= MINUTES_OF_DAY).then_some(Self { minutes: total })
    }
}
