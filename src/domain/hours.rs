//! When a campaign may call: business hours in its zone, as their owner writes them.

mod schedule;
#[cfg(test)]
pub(crate) mod tests;
mod time_of_day;
mod week;

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::schedule::{InForce, OnHolidays, Schedule, Shut};
pub use self::time_of_day::TimeOfDay;
pub(crate) use self::week::overlap;
pub use self::week::{Week, Window};
use super::holidays::{BeyondTables, Holidays};
use super::zone::Zone;

/// How far ahead an opening is looked for. Weekly hours open within seven days; the rest is for long holidays.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// When a campaign may call, in either of two forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum BusinessHours {
    /// The same window on some days of the week, or around the clock.
    Simple(SimpleHours),
    /// Any windows, and no calls on holidays.
    Weekly {
        /// The windows by weekday.
        windows: Week,
        /// The days without a call.
        holidays: Holidays,
    },
}

/// One window a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleHours {
    /// False means that the campaign may call around the clock.
    pub enabled: bool,
    /// ISO weekdays on which a window begins, 1 = Monday.
    pub days: Vec<u8>,
    /// When the window begins.
    pub start_time: TimeOfDay,
    /// When it ends: on the same day, or on the next where it is not later than the start.
    pub end_time: TimeOfDay,
}

impl Default for SimpleHours {
    fn default() -> Self {
        Self {
            enabled: true,
            days: vec![1, 2, 3, 4, 5],
            start_time: TimeOfDay::from_minutes(9 * 60),
            end_time: TimeOfDay::from_minutes(17 * 60),
        }
    }
}

impl Default for BusinessHours {
    fn default() -> Self {
        Self::Simple(SimpleHours::default())
    }
}

/// Whether calling is allowed at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is.
    Open,
    /// It is not, until this instant.
    ClosedUntil(DateTime<Utc>),
}

/// Business hours under which nothing could ever be called, or that say something else than was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// No weekday is named.
    #[error("days is empty, expected at least one ISO weekday from 1 (Monday) to 7 (Sunday)")]
    NoDays,
    /// A number is no weekday.
    #[error("days holds {0}, expected ISO weekdays from 1 (Monday) to 7 (Sunday)")]
    NoSuchDay(u8),
    /// The window has no length.
    #[error("start_time and end_time are both {0}; to call around the clock set enabled to false")]
    Empty(TimeOfDay),
    /// The window has no length, and it does not look so.
    #[error("start_time is 24:00 and end_time 00:00, which is the same moment, expected a later end")]
    EmptyAtMidnight,
    /// There is no window.
    #[error(r#"windows holds no window, expected at least one such as {{"mon-fri": [["09:00", "17:00"]]}}"#)]
    NoWindows,
}

impl BusinessHours {
    /// Hours under which the campaign may call around the clock.
    pub fn around_the_clock() -> Self {
        Self::Simple(SimpleHours { enabled: false, ..SimpleHours::default() })
    }

    /// Refuses hours that make no sense.
    pub fn check(&self) -> Result<(), BadHours> {
        match self {
            Self::Simple(hours) => hours.check(),
            Self::Weekly { windows, .. } if windows.is_empty() => Err(BadHours::NoWindows),
            Self::Weekly { .. } => Ok(()),
        }
    }

    /// Refuses hours whose holidays are not known on the day on which they are to be used first.
    pub fn check_on(&self, today: NaiveDate) -> Result<(), BeyondTables> {
        match self {
            Self::Simple(_) => Ok(()),
            Self::Weekly { holidays, .. } => holidays.check_on(today),
        }
    }

    /// Whether the campaign may call now, and if not, from when on.
    pub fn opening(&self, zone: &Zone, now: DateTime<Utc>) -> Opening {
        let Some(schedule) = self.schedule() else { return Opening::Open };
        if schedule.shut(zone, now).is_none() {
            return Opening::Open;
        }
        // Hours that never open again stay closed: looking once more a day later costs nothing.
        Opening::ClosedUntil(schedule.opens(zone, now, now + AHEAD).unwrap_or(now + TimeDelta::days(1)))
    }

    /// The hours as a schedule that can be held together with others; none if they do not restrict anything.
    pub fn schedule(&self) -> Option<Schedule> {
        match self {
            Self::Simple(hours) if !hours.enabled => None,
            Self::Simple(hours) => Some(Schedule::weekly(hours.week())),
            Self::Weekly { windows, holidays } => {
                Some(Schedule { holidays: holidays.clone(), ..Schedule::weekly(windows.clone()) })
            }
        }
    }
}

impl SimpleHours {
    fn check(&self) -> Result<(), BadHours> {
        if !self.enabled {
            return Ok(());
        }
        if self.days.is_empty() {
            return Err(BadHours::NoDays);
        }
        if let Some(day) = self.days.iter().find(|day| !(1..=7).contains(*day)) {
            return Err(BadHours::NoSuchDay(*day));
        }
        if self.start_time == self.end_time {
            return Err(BadHours::Empty(self.start_time));
        }
        if Window::between(self.start_time, self.end_time).is_none() {
            return Err(BadHours::EmptyAtMidnight);
        }
        Ok(())
    }

    fn week(&self) -> Week {
        let days = self.days.iter().filter_map(|day| Weekday::try_from(day.checked_sub(1)?).ok());
        Window::between(self.start_time, self.end_time)
            .map_or_else(Week::default, |window| Week::of(window, days))
    }
}

/// Both forms as they are written. Which keys go together is checked when one of the forms is made of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    days: Option<Vec<u8>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    start_time: Option<TimeOfDay>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    end_time: Option<TimeOfDay>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    windows: Option<Week>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    holidays: Option<Holidays>,
}

/// Reads a key that is there. Null is not the same as leaving it out: somebody meant to write something.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Written {
    /// The first key of the simple form that is there.
    fn simple_key(&self) -> Option<&'static str> {
        let keys = [
            (self.enabled.is_some(), "enabled"),
            (self.days.is_some(), "days"),
            (self.start_time.is_some(), "start_time"),
            (self.end_time.is_some(), "end_time"),
        ];
        keys.into_iter().find(|(is_there, _)| *is_there).map(|(_, key)| key)
    }
}

impl TryFrom<Written> for BusinessHours {
    type Error = Cow<'static, str>;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match (&written.windows, written.simple_key()) {
            (Some(_), Some(key)) => Err(format!(
                "windows and {key} are both there, expected either windows and holidays, or enabled, days, \
                 start_time and end_time"
            )
            .into()),
            (None, _) if written.holidays.is_some() => {
                Err("holidays stands without windows, expected windows beside it".into())
            }
            (Some(_), None) => Ok(Self::Weekly {
                windows: written.windows.unwrap_or_default(),
                holidays: written.holidays.unwrap_or_default(),
            }),
            (None, _) => {
                let usual = SimpleHours::default();
                Ok(Self::Simple(SimpleHours {
                    enabled: written.enabled.unwrap_or(usual.enabled),
                    days: written.days.unwrap_or(usual.days),
                    start_time: written.start_time.unwrap_or(usual.start_time),
                    end_time: written.end_time.unwrap_or(usual.end_time),
                }))
            }
        }
    }
}

impl From<BusinessHours> for Written {
    fn from(hours: BusinessHours) -> Self {
        let nothing = Self {
            enabled: None,
            days: None,
            start_time: None,
            end_time: None,
            windows: None,
            holidays: None,
        };
        match hours {
            BusinessHours::Simple(hours) => Self {
                enabled: Some(hours.enabled),
                days: Some(hours.days),
                start_time: Some(hours.start_time),
                end_time: Some(hours.end_time),
                ..nothing
            },
            BusinessHours::Weekly { windows, holidays } => {
                Self { windows: Some(windows), holidays: Some(holidays), ..nothing }
            }
        }
    }
}
