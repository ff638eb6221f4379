//! Which zones a phone number may be in. The number is evidence, not proof: people keep it when they move. Where it
//! leaves several zones open, all of them are named, and whoever calls it has to respect each.

use super::super::names::names;
use super::super::phone::{NumberType, Phone};
use super::ZoneSet;
use super::table::Table;

/// Area codes of country code 1 that are free for the caller, and nowhere (nanpa.com, non-geographic services).
const TOLL_FREE: &[&str] = &["800", "833", "844", "855", "866", "877", "888"];

/// Where a number may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// In one of these zones. Of zones whose clocks agree until 2040 only one is named.
    In {
        /// The zones.
        zones: ZoneSet,
        /// What tells so.
        by: Evidence,
    },
    /// Nothing tells.
    Unmapped(Unmapped),
}

names! {
    /// What tells where somebody is.
    pub enum Evidence: "evidence" {
        /// The list, in a column for it.
        Column = "column",
        /// The number's first digits.
        Prefix = "prefix",
        /// The number's North American area code, with the codes that share the area.
        AreaCode = "area-code",
        /// Only the number's country.
        Country = "country",
        /// Nothing: they are taken to be where their campaign is.
        Campaign = "campaign",
    }
}

names! {
    /// Why a number tells nothing.
    pub enum Unmapped: "reason" {
        /// Free for the caller, it is nowhere.
        TollFree = "toll-free",
        /// A North American area code that is not geographic, or too new.
        UnlistedAreaCode = "unlisted-area-code",
        /// No zones are known for the country.
        NoZoneKnown = "no-zone-known",
    }
}

impl Candidates {
    /// The zones, if the number tells any.
    pub fn zones(&self) -> Option<&ZoneSet> {
        match self {
            Self::In { zones, .. } => Some(zones),
            Self::Unmapped(_) => None,
        }
    }
}

/// The zones that a number may be in. Without its type it is taken for the type that tells least.
pub fn zones_of(phone: &Phone, number_type: Option<NumberType>) -> Candidates {
    let table = Table::get();
    let digits = phone.as_str().trim_start_matches('+');
    if let Some(national) = digits.strip_prefix('1') {
        let is_free = TOLL_FREE.iter().any(|code| national.starts_with(code));
        if is_free || number_type == Some(NumberType::TollFree) {
            return Candidates::Unmapped(Unmapped::TollFree);
        }
        let unlisted = Candidates::Unmapped(Unmapped::UnlistedAreaCode);
        return table.area_code(digits).map_or(unlisted, |zones| found(zones, Evidence::AreaCode));
    }
    let by_country = || table.whole_country(digits).map(|zones| (zones, Evidence::Country));
    let by_prefix = || table.longest_prefix(digits).map(|zones| (zones, Evidence::Prefix));
    let answer = match number_type {
        Some(NumberType::FixedLine) => by_prefix().or_else(by_country),
        Some(NumberType::Mobile | NumberType::FixedLineOrMobile) | None => by_country().or_else(by_prefix),
        Some(NumberType::TollFree | NumberType::Voip) => {
            by_country().or_else(|| table.shortest_prefix(digits).map(|zones| (zones, Evidence::Country)))
        }
    };
    answer.map_or(Candidates::Unmapped(Unmapped::NoZoneKnown), |(zones, by)| found(zones, by))
}

fn found(zones: &ZoneSet, by: Evidence) -> Candidates {
    Candidates::In { zones: zones.clone(), by }
}

#[cfg(test)]
mod tests;
