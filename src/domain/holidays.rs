//! Holidays: single dates, and the public holidays of countries and their subdivisions from bundled tables.
//!
//! The tables end. A day in a year that they do not hold is neither a holiday nor an ordinary day but unknown, and
//! hours that heed such a list are closed on it: beyond the tables they fail closed, with that reason, and
//! [`Holidays::check_on`] refuses to begin there at all.

mod table;
#[cfg(test)]
mod tests;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use self::table::List;

/// The holidays that are heeded; on the wire a list of dates and of codes such as `US` or `US-TX`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holidays(Vec<Holiday>);

/// One entry: a date, or all days of a bundled list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Holiday(Entry);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Date(NaiveDate),
    List(&'static List),
}

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// No holiday.
    Ordinary,
    /// A holiday, with its name where a list gives one.
    Holiday(Option<&'static str>),
    /// A list that is heeded does not hold its year.
    Unknown,
}

/// A list that ends before the day on which it is to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the holidays of {list} are known from {first} to {last}, and not for {asked}, expected newer tables"
)]
pub struct BeyondTables {
    list: &'static str,
    first: i32,
    last: i32,
    asked: i32,
}

impl Holidays {
    /// The holidays of these entries.
    pub fn new(entries: impl IntoIterator<Item = Holiday>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// What a day is.
    pub fn day(&self, date: NaiveDate) -> Day {
        let mut day = Day::Ordinary;
        for Holiday(entry) in &self.0 {
            match entry {
                Entry::Date(holiday) if *holiday == date => return Day::Holiday(None),
                Entry::Date(_) => {}
                Entry::List(list) if !list.years().contains(&date.year()) => day = Day::Unknown,
                Entry::List(list) => {
                    if let Some(name) = list.name_of(date) {
                        return Day::Holiday(Some(name));
                    }
                }
            }
        }
        day
    }

    /// Refuses lists that do not hold the year of the day on which they are to be used first.
    pub fn check_on(&self, today: NaiveDate) -> Result<(), BeyondTables> {
        let asked = today.year();
        match self.lists().find(|list| !list.years().contains(&asked)) {
            None => Ok(()),
            Some(list) => {
                let (first, last) = list.years().into_inner();
                Err(BeyondTables { list: list.code(), first, last, asked })
            }
        }
    }

    /// The last day that is known, where a list is heeded: whoever warns in time looks at it.
    pub fn known_until(&self) -> Option<NaiveDate> {
        let last = self.lists().map(|list| *list.years().end()).min()?;
        NaiveDate::from_ymd_opt(last, 12, 31)
    }

    /// Whether every day that `other` names is named here too.
    pub fn include(&self, other: &Self) -> bool {
        other.0.iter().all(|entry| self.0.contains(entry))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn lists(&self) -> impl Iterator<Item = &'static List> {
        self.0.iter().filter_map(|Holiday(entry)| match entry {
            Entry::Date(_) => None,
            Entry::List(list) => Some(*list),
        })
    }
}

impl Holiday {
    /// The list of a country or subdivision, by its code.
    pub fn list(code: &str) -> Option<Self> {
        table::list(code).map(|list| Self(Entry::List(list)))
    }
}

/// The subdivisions of a country that have a list of their own, such as `TX` of `US`.
pub fn subdivisions(country: &str) -> Vec<&'static str> {
    let of_country = |code: &'static str| code.strip_prefix(country)?.strip_prefix('-');
    table::lists().iter().filter_map(|list| of_country(list.code())).collect()
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(list) = Self::list(&text) {
            return Ok(list);
        }
        if let Ok(date) = text.parse() {
            return Ok(Self(Entry::Date(date)));
        }
        let country = text.split('-').next().unwrap_or_default();
        let subdivisions = subdivisions(country).join(", ");
        let expected = match (table::list(country), subdivisions.as_str()) {
            (Some(_), "") => format!("{country}, whose subdivisions have no list"),
            (Some(_), known) => format!("{country} alone or with one of {known}"),
            (None, _) => format!(
                "a date such as 2026-12-25 or one of {}, some with a subdivision such as US-TX",
                table::countries().join(", ")
            ),
        };
        Err(format!("unknown holiday {text:?}, expected {expected}"))
    }
}

impl From<Holiday> for String {
    fn from(holiday: Holiday) -> Self {
        match holiday.0 {
            Entry::Date(date) => date.to_string(),
            Entry::List(list) => list.code().to_owned(),
        }
    }
}
