//! Sums that were read are kept in memory: they change only when more is summed up, and the page of a campaign that calls asks
//! for its figures every few seconds. They take some 10 MB at most.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Figures;
use crate::domain::zone::Zone;

/// So many quarters of an hour are kept, of all campaigns together: three years of one.
const MOST: usize = 100_000;

/// What else is kept of a campaign takes as much memory as so many quarters.
const OTHERS: usize = 20;

/// What a campaign's sums depend on, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Basis {
    pub(super) zone: Zone,
    pub(super) currency: Option<String>,
    /// Up to which attempt it is summed up.
    pub(super) until: Uuid,
    /// Since when, if it is.
    pub(super) begun_at: Option<DateTime<Utc>>,
}

/// Sums of the campaigns that were asked for last.
#[derive(Debug, Clone, Default)]
pub(in crate::db) struct KeptSums(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    campaign: Uuid,
    basis: Basis,
    sums: Arc<Figures>,
}

impl KeptSums {
    /// What was kept, if it is still true.
    pub(super) fn find(&self, campaign: Uuid, basis: &Basis) -> Option<Arc<Figures>> {
        let mut all = self.all();
        let place = all.iter().position(|kept| kept.campaign == campaign && kept.basis == *basis)?;
        // Whoever is asked for last is forgotten last.
        all[place..].rotate_left(1);
        all.last().map(|kept| kept.sums.clone())
    }

    /// Keeps what was read, in place of what was true before.
    pub(super) fn keep(&self, campaign: Uuid, basis: Basis, sums: Figures) -> Arc<Figures> {
        let sums = Arc::new(sums);
        let mut all = self.all();
        all.retain(|kept| kept.campaign != campaign);
        all.push(Kept { campaign, basis, sums: sums.clone() });
        let (mut room, mut first) = (MOST, all.len());
        while first > 0
            && let Some(left) = room.checked_sub(all[first - 1].sums.quarters.len() + OTHERS)
        {
            (room, first) = (left, first - 1);
        }
        all.drain(..first);
        sums
    }

    fn all(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::{Calls, Quarter};

    fn basis(zone: &str) -> Basis {
        let zone = Zone::parse(zone).unwrap();
        Basis { zone, currency: None, until: Uuid::nil(), begun_at: None }
    }

    fn of(quarters: usize) -> Figures {
        let quarter =
            Quarter { zone: basis("UTC").zone, begins_at: DateTime::UNIX_EPOCH, calls: Calls::default() };
        Figures { quarters: vec![quarter; quarters], ..Figures::default() }
    }

    #[test]
    fn what_is_kept_is_found_as_long_as_it_is_true() {
        let (kept, campaign) = (KeptSums::default(), Uuid::now_v7());
        kept.keep(campaign, basis("UTC"), of(1));
        assert_eq!(kept.find(campaign, &basis("UTC")).unwrap().quarters.len(), 1);
        assert!(kept.find(campaign, &basis("America/New_York")).is_none());
        assert!(kept.find(campaign, &Basis { until: campaign, ..basis("UTC") }).is_none());
        assert!(kept.find(Uuid::now_v7(), &basis("UTC")).is_none());
    }

    #[test]
    fn those_that_were_asked_for_last_are_kept() {
        let (kept, utc) = (KeptSums::default(), basis("UTC"));
        let campaigns = [(); 3].map(|()| Uuid::now_v7());
        for campaign in &campaigns[..2] {
            kept.keep(*campaign, utc.clone(), of(MOST * 2 / 5));
        }
        kept.find(campaigns[0], &utc).unwrap();
        kept.keep(campaigns[2], utc.clone(), of(MOST / 2));
        let found = campaigns.map(|campaign| kept.find(campaign, &utc).is_some());
        assert_eq!(found, [true, false, true]);
        kept.keep(campaigns[1], utc.clone(), of(MOST));
        assert_eq!(kept.all().len(), 0, "more than is kept of all");
    }
}
