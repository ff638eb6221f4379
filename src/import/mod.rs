//! Files in, contacts and row errors out. Pure: it reads bytes that somebody else received, and stores nothing.
//!
//! What a file is, is decided by its content and never by its name, and each format becomes rows of cells
//! (`reading`); `layout` finds out which column is which, and `intake` makes each row a contact, a
//! duplicate, a refused row or a blank one. A bad row costs nobody else anything; a file is refused only where no row of it can be trusted.

mod error;
mod intake;
mod layout;
mod masking;
mod reading;

pub use self::error::ImportError;
use self::layout::Layout;
use self::reading::Row;
pub use self::reading::{Limits, Source};
use crate::domain::phone::{NumberType, Phone, Region};

/// The most rows of one file.
pub const MAX_ROWS: usize = 1_000_000;

/// The most columns of one row.
pub const MAX_COLUMNS: usize = 512;

/// The most cells of one file, empty ones included.
pub const MAX_CELLS: usize = 20_000_000;

/// The most characters of one cell, which is what spreadsheets allow.
pub const MAX_CELL_CHARS: usize = 32_767;

/// How many rows are looked at to find out which column is which.
const SAMPLE: usize = 100;

/// What a list's owner has said about it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The country of numbers without a country code.
    pub default_region: Region,
}

/// What a file came to. `rows` is always the sum of `contacts`, `duplicates`, `refused` and `blank`.
#[derive(Debug, Clone)]
pub struct Import {
    /// The metadata's columns, by their own names, made unique.
    pub columns: Vec<String>,
    /// The column that the numbers were taken from.
    pub phone_column: String,
    /// The column that the names were taken from, or the two that were joined.
    pub name_column: Option<String>,
    /// One for each number and extension, in the file's order.
    pub contacts: Vec<NewContact>,
    /// Rows that are no contacts, and why.
    pub refused: Vec<RefusedRow>,
    /// Rows whose number came before.
    pub duplicates: Vec<DuplicateRow>,
    /// All rows, the header not among them.
    pub rows: usize,
    /// Rows without any text.
    pub blank: usize,
}

/// A contact, as the file describes it.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// The line or sheet row, as its owner sees it: the first is 1.
    pub row: u32,
    /// The number to call.
    pub phone: Phone,
    /// What to dial once it is answered.
    pub extension: Option<String>,
    /// Where the number is.
    pub region: Region,
    /// What kind of line it is.
    pub number_type: NumberType,
    /// Further numbers of the same cell.
    pub alternates: Vec<Phone>,
    /// The person's name.
    pub name: Option<String>,
    /// The number as the file has it.
    pub raw_phone: String,
    /// All other columns, as texts; empty cells are empty texts.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// A row that is no contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The line or sheet row.
    pub row: u32,
    /// The column at fault.
    pub column: String,
    /// What stands there, masked.
    pub value: String,
    /// The reason's stable name.
    pub reason: &'static str,
    /// What was expected.
    pub sentence: String,
}

/// A row whose number and extension came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateRow {
    /// The line or sheet row.
    pub row: u32,
    /// The row that it repeats.
    pub repeats: u32,
    /// Its number as the file has it, masked.
    pub value: String,
}

/// Reads a contact list: XLSX, XLSB, XLS, ODS, JSON, or text in columns or lines, also as gzip.
pub fn read(bytes: &[u8], options: &Options) -> Result<Import, ImportError> {
    let region = options.default_region;
    let mut reading = reading::open(Source::Bytes(bytes.to_vec()), None, &Limits::default(), region)?;
    tracing::debug!(list.format = ?reading.format(), "a contact list is read");
    let mut rows = Vec::new();
    while let Some(chunk) = reading.next_chunk()? {
        rows.extend(chunk.rows());
    }
    intake_of(rows.into_iter(), region)
}

fn intake_of(mut rows: impl Iterator<Item = Row>, region: Region) -> Result<Import, ImportError> {
    let mut sample: Vec<Row> = Vec::new();
    let mut seen = 0;
    while seen < SAMPLE
        && let Some(row) = rows.next()
    {
        seen += usize::from(!row.is_blank());
        sample.push(row);
    }
    let layout = Layout::of(&sample, region)?;
    intake::take_all(layout, sample.into_iter().chain(rows), region)
}

#[cfg(test)]
mod tests;
