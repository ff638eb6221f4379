//! Which countries a campaign may call.

use std::sync::Arc;

use super::{Region, UnknownRegion};

/// Which countries a campaign may call. Always the region of the number itself: Jersey is not the United Kingdom
/// here, nor Jamaica the United States.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countries(Rule);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// Nobody has named any.
    Default { home: Region },
    /// These and no others, sorted.
    Only(Arc<[Region]>),
}

/// Codes that make no [`Countries`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCountries {
    /// None is named.
    #[error("no country is named, expected one or more of two letters each such as US or GB")]
    Nobody,
    /// One of them is no country.
    #[error(transparent)]
    Unknown(#[from] UnknownRegion),
}

/// How far a number may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it is written.
    Allowed,
    /// Only if it is written with its country code.
    IfInternational,
    /// Not at all.
    Refused,
}

impl Countries {
    /// What is called where no countries are named. A number written internationally may be anywhere, apart from
    /// the islands that share country code 1 with the United States and Canada: they look domestic, are expensive,
    /// and are where toll fraud lives. A number written nationally has to be in the home region or one of its
    /// territories.
    pub fn default_for(home: Region) -> Self {
        Self(Rule::Default { home })
    }

    /// These regions and no others, whatever the home region is.
    pub fn only(regions: &[Region]) -> Self {
        let mut regions = regions.to_vec();
        regions.sort_unstable();
        regions.dedup();
        Self(Rule::Only(regions.into()))
    }

    /// These and no others, by codes of two letters in either case.
    pub fn parse<'c>(codes: impl IntoIterator<Item = &'c str>) -> Result<Self, BadCountries> {
        let regions = codes
            .into_iter()
            .map(|code| Region::parse(code.trim()))
            .collect::<Result<Vec<Region>, UnknownRegion>>()?;
        if regions.is_empty() { Err(BadCountries::Nobody) } else { Ok(Self::only(&regions)) }
    }

    /// The regions that are named, sorted, if any are.
    pub fn named(&self) -> Option<&[Region]> {
        match &self.0 {
            Rule::Default { .. } => None,
            Rule::Only(regions) => Some(regions),
        }
    }

    /// Whether a number in this region may be called at all, if it is written with its country code.
    pub fn allow(&self, region: Region) -> bool {
        match &self.0 {
            Rule::Default { home } => {
                region == *home || !region.is_north_american() || region.is_domestic_to_the_us_and_canada()
            }
            Rule::Only(regions) => regions.binary_search(&region).is_ok(),
        }
    }

    /// How far a number in `region` may be called, where `home` is the region of national numbers.
    pub(super) fn judge(&self, region: Region, home: Region) -> Verdict {
        if !self.allow(region) {
            return Verdict::Refused;
        }
        match &self.0 {
            Rule::Only(_) => Verdict::Allowed,
            Rule::Default { .. } if region.is_one_country_with(home) => Verdict::Allowed,
            Rule::Default { .. } => Verdict::IfInternational,
        }
    }
}
