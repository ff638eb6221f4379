//! Rows in order again: duplicates are told from what came first, the account is kept, and batches are handed on.

use super::account::Ledger;
use super::contact::{Batch, Kind, NewContact, RowReport, Stopped};
use super::intake::{Plan, Taken, TakenRows};
use super::list::Blank;
use super::seen::Seen;
use super::warnings::{Signs, of_counts};
use super::{Account, ImportError};

/// How many contacts, and how many reports, make a batch.
const BATCH: usize = 5_000;

/// How many bytes make a batch, whatever the rows: a refused row may be as large as a row can be.
const BATCH_BYTES: usize = 8 << 20;

/// What has been read so far.
pub(super) struct Merge<'m> {
    plan: &'m Plan,
    sink: &'m mut dyn FnMut(Batch) -> Result<(), Stopped>,
    seen: Seen,
    ledger: Ledger,
    signs: Signs,
    extra: Vec<bool>,
    batch: Batch,
    bytes: usize,
    cells: usize,
}

impl<'m> Merge<'m> {
    /// Begins with as many blank rows.
    pub(super) fn new(
        plan: &'m Plan,
        blank: &Blank,
        sink: &'m mut dyn FnMut(Batch) -> Result<(), Stopped>,
    ) -> Self {
        let mut ledger = Ledger::default();
        ledger.blank(blank.rows);
        Self {
            plan,
            sink,
            seen: Seen::default(),
            ledger,
            signs: Signs::default(),
            extra: Vec::new(),
            batch: Batch::default(),
            bytes: 0,
            cells: blank.cells,
        }
    }

    /// Takes the rows that follow.
    pub(super) fn take(&mut self, taken: TakenRows) -> Result<(), ImportError> {
        self.cells += taken.cells;
        if self.cells > self.plan.limits.cells {
            return Err(ImportError::TooManyCells { limit: self.plan.limits.cells });
        }
        self.signs.join(taken.signs);
        self.extra.resize(self.extra.len().max(taken.extra.len()), false);
        for (own, more) in self.extra.iter_mut().zip(taken.extra) {
            *own |= more;
        }
        for row in taken.rows {
            match row {
                Taken::Blank => self.ledger.blank(1),
                Taken::Refused(report) => self.report(report),
                Taken::Contact(candidate) => match self.seen.insert(candidate.key, candidate.contact.row) {
                    Ok(()) => {
                        self.contact(candidate.contact);
                        candidate.repaired.into_iter().for_each(|repaired| self.report(repaired));
                    }
                    Err(repeats) => self.report(self.plan.duplicate(&candidate, repeats)),
                },
            }
            if self.ledger.rows() > self.plan.limits.rows {
                return Err(ImportError::TooManyRows { limit: self.plan.limits.rows });
            }
            if self.batch.contacts.len() >= BATCH
                || self.batch.rows.len() >= BATCH
                || self.bytes >= BATCH_BYTES
            {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Hands on what is left and closes the account.
    pub(super) fn finish(mut self) -> Result<Account, ImportError> {
        if !self.batch.contacts.is_empty() || !self.batch.rows.is_empty() {
            self.flush()?;
        }
        let layout = &self.plan.layout;
        let mut account = self.ledger.close();
        account.found.clone_from(&layout.found);
        account.columns = self.plan.columns.metadata_names(&self.extra);
        account.regions = self.signs.regions();
        account.warnings.clone_from(&layout.warnings);
        let rows = account.rows - account.blank;
        let counted = of_counts(rows, account.duplicates, account.rejected);
        let noticed = self.signs.warnings(&self.plan.phone_column(), self.plan.home);
        for warning in noticed.into_iter().chain(counted) {
            if account.warnings.iter().all(|known| known.kind != warning.kind) {
                account.warnings.push(warning);
            }
        }
        Ok(account)
    }

    fn contact(&mut self, contact: NewContact) {
        self.ledger.imported(&contact);
        self.bytes += contact.metadata.get().len() + contact.raw_phone.len();
        self.batch.contacts.push(contact);
    }

    fn report(&mut self, report: RowReport) {
        self.ledger.reported(&report);
        self.bytes += report.value.len();
        if let Kind::Refused { cells, .. } = &report.kind {
            self.bytes += cells.iter().map(|cell| cell.len() + size_of::<String>()).sum::<usize>();
        }
        self.batch.rows.push(report);
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        self.bytes = 0;
        (self.sink)(std::mem::take(&mut self.batch)).map_err(|Stopped| ImportError::Stopped)
    }
}
