//! Zones whose clocks show the same: for calling hours they are one, and one is enough to test.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Zone;

/// The time in which clocks are compared: from before the first call that this program may simulate, to after the last
/// that it makes by this data.
const FROM: &str = "2026-01-01T00:00:00Z";
const TO: &str = "2041-01-01T00:00:00Z";

/// Offset changes: instants and seconds east of UTC, beginning with the first offset.
type Clock = Vec<(i64, i32)>;

/// Leaves one zone of all that show the same time, the one that the table names most often.
pub(super) struct SameRules<'a> {
    clocks: BTreeMap<&'a str, Clock>,
    mentions: BTreeMap<&'a str, usize>,
}

impl<'a> SameRules<'a> {
    /// Knows zones by name, each with how often the table mentions it.
    pub(super) fn of(zones: &BTreeMap<&'a str, (Zone, usize)>) -> Self {
        let clocks = zones.iter().map(|(name, (zone, _))| (*name, clock(zone))).collect();
        let mentions = zones.iter().map(|(name, (_, mentions))| (*name, *mentions)).collect();
        Self { clocks, mentions }
    }

    /// One name for each clock that these zones have.
    pub(super) fn merge(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut by_clock: BTreeMap<Option<&Clock>, &'a str> = BTreeMap::new();
        for name in names {
            let chosen = by_clock.entry(self.clocks.get(name)).or_insert(name);
            if self.rank(name) > self.rank(chosen) {
                *chosen = name;
            }
        }
        by_clock.into_values().collect()
    }

    /// Mentioned more often is better, then earlier in the alphabet.
    fn rank(&self, name: &'a str) -> (usize, std::cmp::Reverse<&'a str>) {
        (self.mentions.get(name).copied().unwrap_or(0), std::cmp::Reverse(name))
    }
}

/// Whether the clocks of two zones show the same.
pub(super) fn agree(one: &Zone, other: &Zone) -> bool {
    one == other || clock(one) == clock(other)
}

fn clock(zone: &Zone) -> Clock {
    let (from, to) = compared();
    let mut clock = vec![(from.as_second(), zone.0.to_offset(from).seconds())];
    let transitions = zone.0.following(from).take_while(|transition| transition.timestamp() < to);
    for transition in transitions {
        let offset = transition.offset().seconds();
        if clock.last().is_none_or(|(_, last)| *last != offset) {
            clock.push((transition.timestamp().as_second(), offset));
        }
    }
    clock
}

fn compared() -> (Timestamp, Timestamp) {
    let read = |text: &str| text.parse().expect("the instants of this file are instants");
    (read(FROM), read(TO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(names: &[(&'static str, usize)]) -> Vec<&'static str> {
        let zones = names.iter().map(|(name, mentions)| (*name, (Zone::parse(name).unwrap(), *mentions)));
        let mut merged = SameRules::of(&zones.collect()).merge(names.iter().map(|(name, _)| *name));
        merged.sort_unstable();
        merged
    }

    #[test]
    fn zones_that_always_agree_are_one_and_the_better_known_name_stays() {
        let britain =
            [("Europe/Guernsey", 2), ("Europe/Isle_of_Man", 2), ("Europe/Jersey", 2), ("Europe/London", 9)];
        assert_eq!(merged(&britain), ["Europe/London"]);
        assert_eq!(merged(&[("Europe/Rome", 1), ("Europe/Berlin", 1)]), ["Europe/Berlin"]);
    }

    #[test]
    fn zones_that_agree_only_for_a_part_of_the_year_stay() {
        let arizona = [("America/Denver", 1), ("America/Phoenix", 1)];
        assert_eq!(merged(&arizona), ["America/Denver", "America/Phoenix"]);
        let pacific = [("America/Los_Angeles", 9), ("America/Vancouver", 9)];
        assert_eq!(merged(&pacific), ["America/Los_Angeles", "America/Vancouver"]);
    }
}
