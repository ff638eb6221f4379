//! The called party's side of the hours: packs of rules, whom they protect, and whether all of them let a call
//! through. It knows neither files nor JSON (`crate::rules` reads them), and only carries the caps: whoever counts
//! attempts enforces them.

mod area_code;
mod loosening;
mod permission;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};

pub use self::area_code::{places_of, subdivisions_with_area_codes};
pub use self::loosening::{Loosening, loosenings};
pub use self::permission::{Because, Condition, Permission, closing, is_open, permission};
use super::holidays::BeyondTables;
use super::hours::Schedule;
use super::phone::{Region, UnknownRegion};
use super::zone::Zone;

/// Rules that belong together, are reviewed together and are named together by a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// Its name, such as `us-states`.
    pub id: String,
    /// Grows with every change.
    pub version: u32,
    /// When somebody last held it against its sources.
    pub reviewed_on: NaiveDate,
    /// What it restricts.
    pub rules: Vec<Rule>,
    /// Who answers for it where it is looser than the pack of the same name that is shipped.
    pub loosening_approved_by: Option<String>,
}

/// One rule: when the people of a jurisdiction may be called, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, such as `us-states/TX`.
    pub name: String,
    /// Whom it protects.
    pub jurisdiction: Jurisdiction,
    /// When they may be called, on their clocks.
    pub schedule: Schedule,
    /// A zone whose clock has to allow the call as well, where a rule names one.
    pub zone: Option<Zone>,
    /// How often they may be called.
    pub caps: Vec<Cap>,
    /// How long they are left alone between two calls.
    pub minimum_gap: Option<TimeDelta>,
    /// Where the rule comes from.
    pub source: String,
    /// How sure it is.
    pub confidence: Confidence,
}

super::names! {
    /// How sure a rule is.
    pub enum Confidence: "confidence" {
        /// A law or a regulation says it.
        Law = "law",
        /// A code of the trade says it.
        Code = "code",
        /// Only tables of vendors say it, or they disagree; the strictest reading is taken.
        Reported = "reported",
        /// No rule is known; it is what careful callers do.
        Practice = "practice",
    }
}

/// So many calls to one number, and no more, within any stretch of so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// The most attempts, answered or not.
    pub calls: u32,
    /// The length of the rolling stretch.
    pub within: TimeDelta,
}

/// Whom a rule protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jurisdiction {
    /// Everybody.
    Anywhere,
    /// Everybody in a country.
    Country(Region),
    /// Everybody in a part of a country, by the second half of its ISO 3166-2 code, such as `TX`.
    Subdivision(Region, String),
}

impl Jurisdiction {
    fn protects(&self, place: &Place) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Country(country) => *country == place.country,
            Self::Subdivision(country, code) => {
                *country == place.country && place.subdivision.as_ref() == Some(code)
            }
        }
    }
}

impl std::fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anywhere => f.write_str("anywhere"),
            Self::Country(country) => write!(f, "{country}"),
            Self::Subdivision(country, code) => write!(f, "{country}-{code}"),
        }
    }
}

/// Where a called party may be: by the number, by an address. As a text `US` or `US-TX`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The country; territories of the United States are its subdivisions here.
    pub country: Region,
    /// The second half of the ISO 3166-2 code, where it is known.
    pub subdivision: Option<String>,
}

impl Place {
    /// Reads a country's code, or that of a part of it.
    pub fn parse(text: &str) -> Result<Self, UnknownRegion> {
        let (country, subdivision) = match text.split_once('-') {
            Some((country, subdivision)) => (country, Some(subdivision.to_owned())),
            None => (text, None),
        };
        Ok(Self { country: Region::parse(country)?, subdivision })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.subdivision {
            None => write!(f, "{}", self.country),
            Some(code) => write!(f, "{}-{code}", self.country),
        }
    }
}

/// The packs that a campaign goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    packs: Vec<Arc<Pack>>,
}

impl Rules {
    /// The rules of these packs. Whoever chooses them sees to it that one of them protects everybody.
    pub fn new(packs: Vec<Arc<Pack>>) -> Self {
        Self { packs }
    }

    /// Every rule, whomever it protects.
    pub fn all(&self) -> impl Iterator<Item = &Rule> {
        self.packs.iter().flat_map(|pack| &pack.rules)
    }

    /// Every rule that protects somebody who may be in any of these places.
    pub fn that_apply<'a>(&'a self, places: &'a [Place]) -> impl Iterator<Item = &'a Rule> {
        self.all().filter(move |rule| match rule.jurisdiction {
            Jurisdiction::Anywhere => true,
            _ => places.iter().any(|place| rule.jurisdiction.protects(place)),
        })
    }

    /// What has to be open for a call to somebody who may be in any of these places and zones: every rule that
    /// applies, in every zone. Without a zone there is nothing to go by, and no condition, which permits nothing.
    pub fn conditions<'a>(&'a self, places: &'a [Place], zones: &'a [Zone]) -> Vec<Condition<'a>> {
        if zones.is_empty() {
            return Vec::new();
        }
        let everywhere = |rule: &'a Rule| {
            let zones = zones.iter().chain(&rule.zone);
            zones.map(|zone| Condition { rule: &rule.name, schedule: &rule.schedule, zone })
        };
        self.that_apply(places).flat_map(everywhere).collect()
    }

    /// Refuses rules whose holidays are not known on the day on which they are to be used first.
    pub fn check_on(&self, today: NaiveDate) -> Result<(), BeyondTables> {
        self.all().try_for_each(|rule| rule.schedule.holidays.check_on(today))
    }
}
