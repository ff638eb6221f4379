//! Zones by the digits with which a number begins: `data/zones_by_prefix.txt`, made ready to be asked for each of a
//! million numbers. An answer is a set that all numbers of the area share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::overlays::families;
use super::same_rules::SameRules;
use super::{Zone, ZoneSet};

static TABLE: LazyLock<Table> = LazyLock::new(Table::load);

/// The zones of prefixes. A prefix is its digits read as one number: none begins with 0, so no two are confused.
pub(super) struct Table {
    /// By prefix, in order.
    prefixes: Vec<(u32, ZoneSet)>,
    /// By country code, in order: the zones of whole countries.
    countries: Vec<(u32, ZoneSet)>,
}

/// A line of the file.
struct Line {
    is_country: bool,
    zones: &'static str,
    prefixes: &'static str,
}

fn lines() -> impl Iterator<Item = Line> {
    let text = include_str!("../../../data/zones_by_prefix.txt");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (zones, prefixes) = line.split_once('\t')?;
        let country = zones.strip_prefix('*');
        Some(Line { is_country: country.is_some(), zones: country.unwrap_or(zones), prefixes })
    })
}

/// The name of every zone that a number may be in.
pub(super) fn zone_names() -> impl Iterator<Item = &'static str> {
    lines().flat_map(|line| line.zones.split(',')).collect::<BTreeSet<_>>().into_iter()
}

impl Table {
    /// The one table, made when it is first wanted.
    pub(super) fn get() -> &'static Self {
        &TABLE
    }

    fn load() -> Self {
        let mut zones: BTreeMap<&str, (Zone, usize)> = BTreeMap::new();
        for line in lines() {
            let mentions = if line.is_country { 0 } else { line.prefixes.split(' ').count() };
            for name in line.zones.split(',') {
                let zone = || Zone::parse(name).expect("data without a zone of the table is not put to use");
                zones.entry(name).or_insert_with(|| (zone(), 0)).1 += mentions;
            }
        }
        let (prefixes, countries): (Vec<_>, Vec<_>) = lines().partition(|line| !line.is_country);
        let mut prefixes = by_prefix(&prefixes);
        share_among_overlays(&mut prefixes);
        let same_rules = SameRules::of(&zones);
        // Equal sets are one, so that they are compared by where they are.
        let mut made: BTreeMap<BTreeSet<&str>, ZoneSet> = BTreeMap::new();
        let mut make = |by_prefix: BTreeMap<u32, BTreeSet<&'static str>>| -> Vec<(u32, ZoneSet)> {
            let sets = by_prefix.into_iter().map(|(prefix, names)| {
                let names: BTreeSet<_> = same_rules.merge(names).into_iter().collect();
                let set = made.entry(names).or_insert_with_key(|names| {
                    let zones = names.iter().map(|name| zones[name].0.clone());
                    ZoneSet::of(zones).expect("a line of the table names a zone")
                });
                (prefix, set.clone())
            });
            sets.collect()
        };
        let countries = make(by_prefix(&countries));
        Self { prefixes: make(prefixes), countries }
    }

    /// The zones of an area code of country code 1, and of those that share its area. `digits` begin with the 1.
    pub(super) fn area_code(&self, digits: &str) -> Option<&ZoneSet> {
        find(&self.prefixes, digits.get(..4)?)
    }

    /// The zones of the longest prefix.
    pub(super) fn longest_prefix(&self, digits: &str) -> Option<&ZoneSet> {
        beginnings(digits).rev().find_map(|prefix| find(&self.prefixes, prefix))
    }

    /// The zones of the shortest prefix, which is the country code where that one is known.
    pub(super) fn shortest_prefix(&self, digits: &str) -> Option<&ZoneSet> {
        beginnings(digits).find_map(|prefix| find(&self.prefixes, prefix))
    }

    /// All zones of the country, if it has several and its mobile numbers do not tell which.
    pub(super) fn whole_country(&self, digits: &str) -> Option<&ZoneSet> {
        beginnings(digits).rev().find_map(|prefix| find(&self.countries, prefix))
    }
}

/// The longest prefix of the table has nine digits.
fn beginnings(digits: &str) -> impl DoubleEndedIterator<Item = &str> {
    (1..=digits.len().min(9)).map(|length| &digits[..length])
}

fn find<'a>(sets: &'a [(u32, ZoneSet)], prefix: &str) -> Option<&'a ZoneSet> {
    let prefix: u32 = prefix.parse().ok()?;
    let at = sets.binary_search_by_key(&prefix, |(prefix, _)| *prefix).ok()?;
    Some(&sets[at].1)
}

fn by_prefix(lines: &[Line]) -> BTreeMap<u32, BTreeSet<&'static str>> {
    let entries = lines.iter().flat_map(|line| line.prefixes.split(' ').map(|prefix| (prefix, line.zones)));
    let read = |prefix: &str| prefix.parse().expect("a prefix of the table is a few digits");
    entries.map(|(prefix, zones)| (read(prefix), zones.split(',').collect())).collect()
}

/// Numbers of codes that share an area are from anywhere in it.
fn share_among_overlays(prefixes: &mut BTreeMap<u32, BTreeSet<&'static str>>) {
    for family in families() {
        let codes = family.iter().filter_map(|code| code.parse::<u32>().ok()).map(|code| 1000 + code);
        let zones: BTreeSet<_> =
            codes.clone().filter_map(|code| prefixes.get(&code)).flatten().copied().collect();
        prefixes.extend(codes.map(|code| (code, zones.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_every_zone_of_it_is_known() {
        let table = Table::load();
        assert!(table.prefixes.len() > 1000 && table.countries.len() == 13, "{}", table.prefixes.len());
        assert!(zone_names().count() > 280);
        for name in zone_names() {
            assert_eq!(Zone::parse(name).unwrap().name(), name, "an old name is in the table");
        }
        assert!(lines().all(|line| line.prefixes.split(' ').all(|prefix| prefix.len() <= 9)));
    }

    #[test]
    fn these_area_codes_have_several_zones() {
        let table = Table::load();
        let several = table
            .prefixes
            .iter()
            .filter(|(prefix, set)| (1200..2000).contains(prefix) && set.zones().len() > 1);
        let several: Vec<u32> = several.map(|(prefix, _)| prefix - 1000).collect();
        assert_eq!(
            several,
            [
                208, 219, 236, 250, 257, 270, 308, 364, 367, 418, 423, 448, 458, 541, 574, 581, 605, 606,
                620, 672, 701, 709, 729, 775, 778, 785, 807, 812, 850, 867, 879, 906, 907, 928, 930, 986
            ]
        );
    }

    #[test]
    fn of_zones_whose_clocks_agree_one_is_left() {
        let table = Table::load();
        let britain = table.shortest_prefix("447400123456").unwrap();
        assert_eq!(britain.as_str(), "Europe/London");
        let russia = table.whole_country("79161234567").unwrap();
        assert_eq!(russia.zones().len(), 11, "{russia}");
    }
}
