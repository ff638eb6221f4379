//! Where a called party may be: the zones whose clocks count for them, and the places whose rules protect them. Few
//! areas hold all the contacts of a campaign, so that hours are judged once for each of them.

use super::names::UnknownName;
use super::phone::{NumberType, Phone, UnknownRegion};
use super::rules::{Place, places_of};
use super::zone::{BadZoneSet, Candidates, Evidence, UnknownZone, Unmapped, Zone, ZoneSet, zones_of};

/// Where somebody may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Area {
    /// The zones that they may be in, all of which count, and what tells so.
    pub zones: Candidates,
    /// The places whose rules may protect them, by their number.
    pub places: Vec<Place>,
}

/// A text that is no area.
#[derive(Debug, thiserror::Error)]
pub enum BadArea {
    /// Its zones.
    #[error(transparent)]
    Zones(#[from] BadZoneSet),
    /// What tells them, or why nothing does.
    #[error(transparent)]
    Evidence(#[from] UnknownName),
    /// A place.
    #[error(transparent)]
    Place(#[from] UnknownRegion),
}

/// Contacts in a zone that the data in use does not know: nobody can tell their hours, so they are not called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InMissingZone {
    /// The zone's name.
    pub zone: String,
    /// How many of them are left.
    pub contacts: u32,
}

/// As what stands in the way of calling them, and what to do about it.
impl std::fmt::Display for InMissingZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { zone, contacts } = self;
        let are = if *contacts == 1 { "contact is" } else { "contacts are" };
        write!(
            f,
            "{contacts} {are} in {zone}, which the time zones in use do not know; name newer ones in "
        )?;
        f.write_str("OUTDIAL_ZONEINFO, or none to use those that come with the program")
    }
}

impl BadArea {
    /// The zone that the data in use does not know, if that is all that is wrong: other data knew it.
    pub fn missing_zone(&self) -> Option<&str> {
        match self {
            Self::Zones(BadZoneSet::Unknown(UnknownZone(name))) => Some(name),
            Self::Zones(BadZoneSet::Empty) | Self::Evidence(_) | Self::Place(_) => None,
        }
    }
}

impl Area {
    /// Where the owner of a number may be. A zone that the list states counts instead of those that the number may be
    /// in; the places are the number's in any case, because that is what many rules go by.
    pub fn of(phone: &Phone, number_type: Option<NumberType>, stated: Option<&Zone>) -> Self {
        let zones = match stated {
            Some(zone) => Candidates::In { zones: zone.clone().into(), by: Evidence::Column },
            None => zones_of(phone, number_type),
        };
        Self { zones, places: places_of(phone) }
    }

    /// Reads what [`Area::zones_text`], [`Area::told_by`] and [`Area::places_text`] say.
    pub fn parse(zones: Option<&str>, told_by: &str, places: &str) -> Result<Self, BadArea> {
        let zones = match zones {
            Some(zones) => Candidates::In { zones: ZoneSet::parse(zones)?, by: Evidence::parse(told_by)? },
            None => Candidates::Unmapped(Unmapped::parse(told_by)?),
        };
        let places = places.split(',').filter(|place| !place.is_empty());
        Ok(Self { zones, places: places.map(Place::parse).collect::<Result<_, _>>()? })
    }

    /// Whether nothing was looked at to tell it: it comes from before areas were kept.
    pub fn is_assumed(&self) -> bool {
        matches!(self.zones, Candidates::In { by: Evidence::Campaign, .. })
    }

    /// The names of the zones with commas between them; none if nothing tells them.
    pub fn zones_text(&self) -> Option<&str> {
        self.zones.zones().map(ZoneSet::as_str)
    }

    /// What tells the zones, or why nothing does.
    pub fn told_by(&self) -> &'static str {
        match self.zones {
            Candidates::In { by, .. } => by.as_str(),
            Candidates::Unmapped(why) => why.as_str(),
        }
    }

    /// The places with commas between them.
    pub fn places_text(&self) -> String {
        self.places.iter().map(Place::to_string).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(phone: &str, stated: Option<&str>) -> Area {
        let stated = stated.map(|name| Zone::parse(name).unwrap());
        Area::of(&Phone::from_e164(phone).unwrap(), None, stated.as_ref())
    }

    fn said(area: &Area) -> (Option<&str>, &str, String) {
        (area.zones_text(), area.told_by(), area.places_text())
    }

    #[test]
    fn the_list_comes_before_the_number_and_the_places_are_the_number_s() {
        let tampa = area("+18135550100", None);
        assert_eq!(said(&tampa), (Some("America/New_York"), "area-code", "US-FL".to_owned()));
        let moved = area("+18135550100", Some("America/Los_Angeles"));
        assert_eq!(said(&moved), (Some("America/Los_Angeles"), "column", "US-FL".to_owned()));
        let split = area("+18505550100", None);
        assert_eq!(split.zones_text(), Some("America/Chicago,America/New_York"));
        assert_eq!(said(&area("+18005550100", None)), (None, "toll-free", "US,CA".to_owned()));
    }

    #[test]
    fn who_is_in_a_missing_zone_is_counted_and_told_what_helps() {
        let told = |contacts| InMissingZone { zone: "Mars/Olympus".to_owned(), contacts }.to_string();
        assert!(
            told(1).starts_with("1 contact is in Mars/Olympus, which the time zones in use do not know; ")
        );
        assert!(
            told(2).starts_with("2 contacts are in Mars/Olympus, ") && told(2).contains("OUTDIAL_ZONEINFO")
        );
    }

    #[test]
    fn an_area_is_read_as_it_was_written() {
        for phone in ["+18135550100", "+18505550100", "+18005550100", "+442079460123", "+15005550006"] {
            for stated in [None, Some("Asia/Kolkata")] {
                let area = area(phone, stated);
                let (zones, told_by, places) = said(&area);
                assert_eq!(Area::parse(zones, told_by, &places).unwrap(), area);
            }
        }
        for (zones, told_by, places) in [
            (Some("Mars/Olympus"), "column", "US"),
            (Some("UTC"), "toll-free", "US"),
            (None, "column", "US"),
            (None, "toll-free", "XX-1"),
        ] {
            let error = Area::parse(zones, told_by, places).unwrap_err();
            let missing = zones.filter(|zone| zone.starts_with("Mars"));
            assert_eq!(error.missing_zone(), missing, "{zones:?} {told_by} {places}");
        }
    }
}
