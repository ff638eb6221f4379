//! Whether the zone that a row names is one that its number may be in. Years of clocks are compared to tell, so it is
//! told once for the same zones.

use std::collections::HashMap;

use crate::domain::phone::{NumberType, Phone};
use crate::domain::zone::{Zone, ZoneSet, zones_of};

/// So many pairs are kept: a list has few zones, and the world has some hundreds of sets.
const MOST: usize = 4_000;

/// What was told before.
#[derive(Debug, Default)]
pub(super) struct Zones(HashMap<(ZoneSet, String), bool>);

impl Zones {
    /// The zones that a number may be in, if the named one is none of them. Numbers that tell nothing contradict
    /// nothing.
    pub(super) fn contradict(
        &mut self,
        named: &Zone,
        phone: &Phone,
        number_type: NumberType,
    ) -> Option<ZoneSet> {
        let candidates = zones_of(phone, Some(number_type));
        let zones = candidates.zones()?;
        let pair = (zones.clone(), named.name().to_owned());
        let has_clock = match self.0.get(&pair) {
            Some(known) => *known,
            None => {
                let has_clock = zones.has_clock_of(named);
                if self.0.len() < MOST {
                    self.0.insert(pair, has_clock);
                }
                has_clock
            }
        };
        (!has_clock).then(|| zones.clone())
    }
}
