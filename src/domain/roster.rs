//! Which campaigns a node should be running, against which it is.

use std::collections::BTreeSet;

use uuid::Uuid;

/// What to change so that exactly the wanted campaigns run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Wanted, and nobody runs them.
    pub start: Vec<Uuid>,
    /// Running, and nobody wants them here.
    pub stop: Vec<Uuid>,
}

/// The plan that leads from the campaigns whose actors are `alive` to those that are `wanted` on this node.
pub fn plan(wanted: &BTreeSet<Uuid>, alive: &BTreeSet<Uuid>) -> Plan {
    Plan {
        start: wanted.difference(alive).copied().collect(),
        stop: alive.difference(wanted).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_what_is_missing_and_stops_what_is_not_wanted() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let planned = plan(&BTreeSet::from([one, two]), &BTreeSet::from([two, three]));
        assert_eq!(planned, Plan { start: vec![one], stop: vec![three] });
        assert_eq!(plan(&BTreeSet::from([one]), &BTreeSet::from([one])), Plan::default());
    }
}
