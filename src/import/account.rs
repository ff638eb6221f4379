//! The account of all rows: what became of them, and why.

use std::collections::BTreeMap;

use super::contact::{Kind, NewContact, RowReport};
use super::layout::{FoundColumn, Role};
use super::warnings::Warning;
use crate::domain::phone::Region;

/// How many contacts are shown as they will be.
const FIRST: usize = 10;

/// How many rows are shown for each reason.
const SAMPLES: usize = 3;

/// What a list came to. `rows` is always the sum of `imported`, `duplicates`, `rejected` and `blank`.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The columns that were recognised, and how.
    pub found: Vec<FoundColumn>,
    /// The metadata's columns, by their own names, made unique.
    pub columns: Vec<String>,
    /// All rows, the header not among them.
    pub rows: usize,
    /// Rows that are contacts.
    pub imported: usize,
    /// Rows whose number and extension came before.
    pub duplicates: usize,
    /// Rows that are no contacts.
    pub rejected: usize,
    /// Rows without any text.
    pub blank: usize,
    /// Contacts whose number was repaired.
    pub repaired: usize,
    /// What was said about rows, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Where the numbers are, the most frequent region first; duplicates are counted as well.
    pub regions: Vec<(Region, usize)>,
    /// The first contacts, as they will be.
    pub first: Vec<NewContact>,
    /// What looks odd about the list as a whole.
    pub warnings: Vec<Warning>,
}

/// How often something was said about rows, with a few of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What became of the rows: `refused`, `repaired` or `duplicate`.
    pub kind: &'static str,
    /// The reason's stable name.
    pub reason: &'static str,
    /// How many rows.
    pub count: usize,
    /// The first of them, without their cells.
    pub samples: Vec<RowReport>,
}

impl Account {
    /// The name of the column that the numbers were taken from.
    pub fn phone_column(&self) -> Option<&str> {
        self.column(Role::Phone)
    }

    /// The name of the column that the names were taken from, or those of the two that were joined.
    pub fn name_column(&self) -> Option<String> {
        let joined =
            || Some(format!("{} + {}", self.column(Role::GivenName)?, self.column(Role::FamilyName)?));
        self.column(Role::Name).map(str::to_owned).or_else(joined)
    }

    fn column(&self, role: Role) -> Option<&str> {
        self.found.iter().find(|found| found.role == role).map(|found| found.name.as_str())
    }
}

/// An account that is being kept.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    account: Account,
    reasons: BTreeMap<(&'static str, &'static str), Reason>,
}

impl Ledger {
    /// How many rows were entered.
    pub(super) fn rows(&self) -> usize {
        self.account.rows
    }

    /// Enters so many blank rows.
    pub(super) fn blank(&mut self, rows: usize) {
        self.account.rows += rows;
        self.account.blank += rows;
    }

    /// Enters a row that became a contact.
    pub(super) fn imported(&mut self, contact: &NewContact) {
        self.account.rows += 1;
        self.account.imported += 1;
        if self.account.first.len() < FIRST {
            self.account.first.push(contact.clone());
        }
    }

    /// Enters what is said about a row; a repaired one is entered as a contact as well.
    pub(super) fn reported(&mut self, report: &RowReport) {
        match &report.kind {
            Kind::Refused { .. } => {
                self.account.rows += 1;
                self.account.rejected += 1;
            }
            Kind::Duplicate { .. } => {
                self.account.rows += 1;
                self.account.duplicates += 1;
            }
            Kind::Repaired => self.account.repaired += 1,
        }
        let (kind, reason) = (report.kind.as_str(), report.reason);
        let known = self.reasons.entry((kind, reason)).or_insert_with(|| Reason {
            kind,
            reason,
            count: 0,
            samples: Vec::new(),
        });
        known.count += 1;
        if known.samples.len() < SAMPLES {
            known.samples.push(without_cells(report));
        }
    }

    /// The account, but for what is known of the columns.
    pub(super) fn close(self) -> Account {
        let mut reasons: Vec<Reason> = self.reasons.into_values().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        Account { reasons, ..self.account }
    }
}

fn without_cells(report: &RowReport) -> RowReport {
    let kind = match &report.kind {
        Kind::Refused { suggestion, .. } => {
            Kind::Refused { suggestion: suggestion.clone(), cells: Vec::new() }
        }
        kind @ (Kind::Repaired | Kind::Duplicate { .. }) => kind.clone(),
    };
    RowReport {
        row: report.row,
        column: report.column.clone(),
        value: report.value.clone(),
        reason: report.reason,
        sentence: report.sentence.clone(),
        kind,
    }
}
