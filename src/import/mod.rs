//! Files in, contacts and row errors out. Pure: it reads bytes that somebody else received, and stores nothing.
//!
//! What a file is, is decided by its content and never by its name. Each format becomes chunks of rows (`reading`);
//! `layout` finds out which column is which, and `intake` makes each row a contact, a refused row or a blank one, on
//! all cores (`ordered`). Then the rows are put in order again: `merge` tells duplicates from what came first, keeps
//! the account and hands on batches. A bad row costs nobody else anything; a file is refused only where no row of it
//! can be trusted.

mod account;
mod contact;
mod country;
mod error;
mod fields;
mod intake;
mod layout;
mod list;
mod masking;
mod merge;
mod ordered;
mod plain;
mod reading;
mod rejects;
mod seen;
mod warnings;
mod whole;

pub use self::account::{Account, Reason};
pub use self::contact::{Batch, Kind, NewContact, RowReport, Stopped};
pub use self::error::ImportError;
pub use self::layout::{ColumnMapping, FoundColumn, Role, Why};
pub use self::list::{List, open};
pub use self::masking::mask;
pub use self::reading::{Format, Limits, Source};
pub use self::rejects::Rejects;
pub use self::warnings::{Warning, WarningKind};
pub use self::whole::{Import, read};
use crate::domain::phone::{Countries, Region};

/// The most rows of one file.
pub const MAX_ROWS: usize = 1_000_000;

/// The most columns of one row.
pub const MAX_COLUMNS: usize = 512;

/// The most cells of one file, empty ones included.
pub const MAX_CELLS: usize = 20_000_000;

/// The most characters of one cell, which is what spreadsheets allow.
pub const MAX_CELL_CHARS: usize = 32_767;

/// What a list's owner has said about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The country of numbers without a country code, where the row does not name one.
    pub default_region: Region,
    /// Which countries may be called.
    pub countries: Countries,
    /// Which columns are what.
    pub columns: ColumnMapping,
    /// The sheet of a workbook, by its name; the first visible one with data otherwise.
    pub sheet: Option<String>,
    /// How much the list may hold.
    pub limits: Limits,
}

impl Options {
    /// What holds for a list of which nothing is known but the country it is for.
    pub fn for_region(home: Region) -> Self {
        Self {
            default_region: home,
            countries: Countries::default_for(home),
            columns: ColumnMapping::default(),
            sheet: None,
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests;
