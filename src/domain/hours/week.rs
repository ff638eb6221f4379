//! The windows of a week. They are half-open, `[start, end)`, on the clock on the wall, and one that goes past
//! midnight belongs to the day on which it begins. It knows nothing of dates, holidays or zones.

use chrono::Weekday;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time_of_day::{MINUTES_OF_DAY, TimeOfDay};

/// The days as they are written, in order.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A stretch of one day, from a minute to another; on the wire `["09:00", "17:00"]`. An end that is not later than
/// the start is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(TimeOfDay, TimeOfDay)", into = "(TimeOfDay, TimeOfDay)")]
pub struct Window {
    /// Minutes after the midnight with which the day begins.
    start: u16,
    /// The same, later than the start; on the next day from 1440 on.
    end: u16,
}

impl Window {
    /// The window between two times of day, unless it has no length.
    pub(super) fn between(start: TimeOfDay, end: TimeOfDay) -> Option<Self> {
        if start == end {
            return None;
        }
        let (start, end) = (start.minutes(), end.minutes());
        let end = if end <= start { end + MINUTES_OF_DAY } else { end };
        (start < end).then_some(Self { start, end })
    }

    /// The minute after midnight at which it begins.
    pub fn start(self) -> u16 {
        self.start
    }

    /// The minute after the same midnight at which it is over.
    pub fn end(self) -> u16 {
        self.end
    }

    /// Whether a minute after the midnight of its day is in it.
    pub(super) fn contains(self, minute: u16) -> bool {
        (self.start..self.end).contains(&minute)
    }
}

impl TryFrom<(TimeOfDay, TimeOfDay)> for Window {
    type Error = String;

    fn try_from((start, end): (TimeOfDay, TimeOfDay)) -> Result<Self, String> {
        if start.minutes() == MINUTES_OF_DAY {
            return Err("a window begins at 24:00, expected 00:00 on the next day".to_owned());
        }
        Self::between(start, end).ok_or_else(|| {
            format!(
                "a window begins and ends at {start}, expected a later end; the whole day is 00:00 to 24:00"
            )
        })
    }
}

impl From<Window> for (TimeOfDay, TimeOfDay) {
    fn from(window: Window) -> Self {
        (TimeOfDay::from_minutes(window.start), TimeOfDay::from_minutes(window.end))
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (start, end) = (*self).into();
        write!(f, "{start}-{end}")
    }
}

/// Windows by the weekday on which they begin; on the wire `{"mon": [["09:00", "12:00"], …], …}`, where a key may
/// be a range such as `mon-fri`. A day that is not named, or has no window, is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Week {
    days: [Option<Vec<Window>>; 7],
}

impl Week {
    /// The same window on several days.
    pub(super) fn of(window: Window, days: impl Iterator<Item = Weekday>) -> Self {
        let mut week = Self::default();
        for day in days {
            week.days[index(day)] = Some(vec![window]);
        }
        week
    }

    /// The same window on every day.
    pub fn daily(window: Window) -> Self {
        Self { days: std::array::from_fn(|_| Some(vec![window])) }
    }

    /// The windows that begin on a weekday.
    pub fn on(&self, day: Weekday) -> &[Window] {
        self.days[index(day)].as_deref().unwrap_or_default()
    }

    /// Whether no window begins on any day.
    pub fn is_empty(&self) -> bool {
        self.days.iter().flatten().all(Vec::is_empty)
    }

    /// The first day that was not named, as it would be written.
    pub fn first_missing(&self) -> Option<&'static str> {
        let missing = self.days.iter().position(Option::is_none)?;
        Some(DAYS[missing])
    }

    /// Whether a minute of a weekday is open, be it by a window that began the day before.
    pub fn is_open(&self, day: Weekday, minute: u16) -> bool {
        self.on(day).iter().any(|window| window.contains(minute))
            || self.on(day.pred()).iter().any(|window| window.contains(minute + MINUTES_OF_DAY))
    }

    /// Gives the days of a key their windows.
    fn name(&mut self, key: &str, days: &[usize], windows: &[Window]) -> Result<(), String> {
        if let Some((one, other)) = overlap(windows) {
            return Err(format!("the windows {one} and {other} of {key} overlap, expected them apart"));
        }
        for day in days {
            let slot = &mut self.days[*day];
            if slot.is_some() {
                return Err(format!("{} is named twice, expected each day once", DAYS[*day]));
            }
            *slot = Some(windows.to_vec());
        }
        Ok(())
    }
}

/// Refuses windows of one day that overlap: one of them says something else than was meant.
pub(crate) fn overlap(windows: &[Window]) -> Option<(Window, Window)> {
    let mut sorted = windows.to_vec();
    sorted.sort();
    sorted.windows(2).find(|pair| pair[1].start < pair[0].end).map(|pair| (pair[0], pair[1]))
}

fn index(day: Weekday) -> usize {
    day.num_days_from_monday() as usize
}

/// The days of a key, counted from Monday: `mon`, or `mon-fri`.
fn days_of(key: &str) -> Result<Vec<usize>, String> {
    let position = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = key.split_once('-').unwrap_or((key, key));
    match (position(first), position(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first..=last).collect()),
        (Some(first), Some(last)) => Err(format!(
            "the range {key:?} goes past the end of the week, expected {} and {}",
            range(first, DAYS.len() - 1),
            range(0, last)
        )),
        _ => Err(format!("unknown day {key:?}, expected {} or a range such as mon-fri", DAYS.join(", "))),
    }
}

/// The key of these days.
fn range(first: usize, last: usize) -> String {
    if first == last { DAYS[first].to_owned() } else { format!("{}-{}", DAYS[first], DAYS[last]) }
}

impl Serialize for Week {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, windows) in DAYS.iter().zip(&self.days) {
            if let Some(windows) = windows {
                map.serialize_entry(name, windows)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Week {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Days;
        impl<'de> Visitor<'de> for Days {
            type Value = Week;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(r#"windows by weekday such as {"mon-fri": [["09:00", "17:00"]]}"#)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Week, A::Error> {
                let mut week = Week::default();
                while let Some(key) = map.next_key::<String>()? {
                    let days = days_of(&key).map_err(A::Error::custom)?;
                    let windows: Vec<Window> = map.next_value()?;
                    week.name(&key, &days, &windows).map_err(A::Error::custom)?;
                }
                Ok(week)
            }
        }
        deserializer.deserialize_map(Days)
    }
}
