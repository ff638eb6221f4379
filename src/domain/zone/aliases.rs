//! Old names of zones and today's, so that a zone has one name here, whatever it was called when a list was written.

use std::cmp::Ordering;
use std::sync::LazyLock;

/// Old names and today's, sorted by the old ones in lower case.
static ALIASES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let text = include_str!("../../../data/zone_aliases.txt");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect()
});

/// The name of today for an old one, in any case; any other name as it is.
pub(super) fn today(name: &str) -> &str {
    let found = ALIASES.binary_search_by(|(old, _)| in_any_case(old, name));
    found.map_or(name, |at| ALIASES[at].1)
}

fn in_any_case(one: &str, other: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;

    #[test]
    fn every_old_name_leads_to_a_zone_that_is_none_itself() {
        assert!(ALIASES.len() > 100);
        for (old, new) in ALIASES.iter() {
            assert_eq!(today(old), *new, "the list is not sorted");
            assert_eq!(today(new), *new, "{old} leads to another old name");
            assert_eq!(Zone::parse(old).unwrap().name(), *new);
        }
    }

    #[test]
    fn other_names_stay_as_they_are() {
        for name in ["America/New_York", "EST", "Mars/Olympus", "", "é"] {
            assert_eq!(today(name), name);
        }
    }
}
