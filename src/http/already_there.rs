//! What an addition's report says of those whom the campaign had already: reading the list has told of them as of new
//! contacts, and only the database knows better.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::contacts::AlreadyThere;
use crate::import::Account;

use super::intake;
use super::show::{ListReport, ReasonForRows, RowSaid};

/// How many of them are shown as samples.
const SAMPLES: usize = 3;

/// Those that the campaign had already, as far as a report tells of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    count: u64,
    /// Contacts after a repair, by what was repaired.
    repaired: BTreeMap<String, u64>,
    /// Rows and numbers: what is shown of the list is looked up here. Only what may be shown is noted.
    shown: BTreeSet<(u32, String)>,
    may_be_shown: BTreeSet<u32>,
    samples: BTreeMap<u32, RowSaid>,
}

impl Tally {
    /// For what reading the list came to.
    pub(super) fn of(account: &Account) -> Self {
        let samples = account.reasons.iter().flat_map(|reason| &reason.samples).map(|sample| sample.row);
        let may_be_shown = account.first.iter().map(|contact| contact.row).chain(samples).collect();
        Self { may_be_shown, ..Self::default() }
    }

    /// Notes one of them.
    pub(super) fn note(&mut self, there: &AlreadyThere, phone_column: &str) {
        self.count += 1;
        if let Some(repair) = &there.repair {
            *self.repaired.entry(repair.clone()).or_default() += 1;
        }
        if self.may_be_shown.contains(&there.file_row) {
            self.shown.insert((there.file_row, there.phone.clone()));
        }
        // They come in no order; the first of the file are shown.
        let is_early = self.samples.last_key_value().is_none_or(|(last, _)| there.file_row < *last);
        if self.samples.len() < SAMPLES || is_early {
            self.samples.insert(there.file_row, (&intake::already_there(there, phone_column)).into());
        }
        if self.samples.len() > SAMPLES {
            self.samples.pop_last();
        }
    }

    /// Puts a report right: what was said of them as of new contacts is taken back, and what they are is said instead.
    /// The regions stay, which count duplicates, too.
    pub(super) fn correct(self, report: &mut ListReport, added: u32) {
        let summary = &mut report.summary;
        summary.imported = u64::from(added);
        summary.duplicates += self.count;
        summary.repaired = summary.repaired.saturating_sub(self.repaired.values().sum());
        report.already_there = Some(self.count);
        report.first.retain(|contact| !self.shown.contains(&(contact.row, contact.phone.clone())));
        for reason in report.reasons.iter_mut().filter(|reason| reason.kind == "repaired") {
            let there = self.repaired.get(&reason.reason).copied().unwrap_or(0);
            reason.count = reason.count.saturating_sub(there);
            reason.samples.retain(|sample| !self.has_row(sample.row));
        }
        report.reasons.retain(|reason| reason.count != 0);
        if self.count > 0 {
            report.reasons.push(ReasonForRows {
                kind: "duplicate",
                reason: "already-there".to_owned(),
                count: self.count,
                samples: self.samples.into_values().collect(),
            });
        }
        report.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    }

    /// Whether all that a row holds was there: its number is masked in a sample.
    fn has_row(&self, row: u32) -> bool {
        self.shown.iter().any(|(there, _)| *there == row)
    }
}
