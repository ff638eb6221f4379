//! What an addition's report says of those whom the campaign had already: reading the list has told of them as of new
//! contacts, and only the database knows better.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::db::contacts::AlreadyThere;
use crate::import::Account;

use super::{intake, show};

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
    samples: BTreeMap<u32, Value>,
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
            self.samples.insert(there.file_row, show::told(&intake::already_there(there, phone_column)));
        }
        if self.samples.len() > SAMPLES {
            self.samples.pop_last();
        }
    }

    /// Puts a report right: what was said of them as of new contacts is taken back, and what they are is said instead.
    /// The regions stay, which count duplicates, too.
    pub(super) fn correct(&self, report: &mut Value, added: u32) {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        report["imported"] = added.into();
        report["already_there"] = self.count.into();
        report["duplicates"] = (number(&report["duplicates"]) + self.count).into();
        let repaired = number(&report["repaired"]).saturating_sub(self.repaired.values().sum());
        report["repaired"] = repaired.into();
        if let Value::Array(first) = &mut report["first"] {
            first.retain(|contact| !self.has(contact));
        }
        if let Value::Array(reasons) = &mut report["reasons"] {
            for reason in reasons.iter_mut().filter(|reason| reason["kind"] == "repaired") {
                let there = reason["reason"].as_str().and_then(|name| self.repaired.get(name));
                let left = number(&reason["count"]).saturating_sub(there.copied().unwrap_or(0));
                reason["count"] = left.into();
                if let Value::Array(samples) = &mut reason["samples"] {
                    samples.retain(|sample| !self.has_row(sample));
                }
            }
            reasons.retain(|reason| reason["count"] != 0);
            if self.count > 0 {
                let samples: Vec<&Value> = self.samples.values().collect();
                reasons.push(json!({
                    "kind": "duplicate", "reason": "already-there", "count": self.count, "samples": samples,
                }));
            }
            reasons.sort_by_key(|reason| std::cmp::Reverse(number(&reason["count"])));
        }
    }

    fn has(&self, contact: &Value) -> bool {
        let row = contact["row"].as_u64().and_then(|row| u32::try_from(row).ok());
        let phone = contact["phone"].as_str().map(str::to_owned);
        row.zip(phone).is_some_and(|place| self.shown.contains(&place))
    }

    /// Whether all that a row holds was there: its number is masked in a sample.
    fn has_row(&self, sample: &Value) -> bool {
        let row = sample["row"].as_u64().and_then(|row| u32::try_from(row).ok());
        row.is_some_and(|row| self.shown.iter().any(|(there, _)| *there == row))
    }
}
