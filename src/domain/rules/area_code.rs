//! Where a number says that its owner is: the country of its plan, and in the plan of country code 1 the state or
//! province of its area code. `data/nanp_area_codes.txt` holds them; its header says where they come from.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::Place;
use crate::domain::phone::{Phone, Region};

/// Territories whose numbers have a region of their own and whose people the laws of the United States protect.
const TERRITORIES: [&str; 5] = ["AS", "GU", "MP", "PR", "VI"];

static AREAS: LazyLock<HashMap<&'static str, Vec<Place>>> = LazyLock::new(|| {
    read(include_str!("../../../data/nanp_area_codes.txt"))
        .expect("the bundled table is well-formed, which a test holds")
});

/// Where the owner of a number may be. More than one place where an area code serves several; none where the number
/// belongs to no country, such as a satellite phone.
///
/// A number of country code 1 that is not geographic (toll-free, or of an area code newer than the table) counts as
/// both American and Canadian, so that the rules of both hold.
pub fn places_of(phone: &Phone) -> Vec<Place> {
    let region = phone.region();
    if let Some(territory) = region.map(|region| region.to_string())
        && TERRITORIES.contains(&territory.as_str())
    {
        return vec![Place { country: Region::US, subdivision: Some(territory) }];
    }
    let Some(area) = phone.as_str().strip_prefix("+1").and_then(|national| national.get(..3)) else {
        return region.map(|country| Place { country, subdivision: None }).into_iter().collect();
    };
    if let Some(places) = AREAS.get(area) {
        return places.clone();
    }
    let north_america = ["US", "CA"].map(|code| Region::parse(code).ok());
    if region.is_none() || north_america.contains(&region) {
        let both = north_america.into_iter().flatten();
        return both.map(|country| Place { country, subdivision: None }).collect();
    }
    region.map(|country| Place { country, subdivision: None }).into_iter().collect()
}

/// The subdivisions of a country to which area codes lead, such as `TX` of `US`: a rule for any other would never
/// apply.
pub fn subdivisions_with_area_codes(country: Region) -> BTreeSet<&'static str> {
    let places = AREAS.values().flatten().filter(|place| place.country == country);
    let mut found: BTreeSet<&str> = places.filter_map(|place| place.subdivision.as_deref()).collect();
    if country == Region::US {
        found.extend(TERRITORIES);
    }
    found
}

/// Reads `area code<TAB>places`, each place in ISO 3166-2.
fn read(text: &'static str) -> Option<HashMap<&'static str, Vec<Place>>> {
    let place = |code: &str| Place::parse(code).ok();
    let row = |line: &'static str| {
        let (area, places) = line.split_once('\t')?;
        Some((area, places.split(',').map(place).collect::<Option<_>>()?))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}
