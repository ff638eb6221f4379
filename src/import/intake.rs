//! Rows to contacts: what each row comes to, and the account of all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use super::layout::{Layout, Names, Table, unique_name};
use super::masking::mask;
use super::reading::{Cell, Content, Row};
use super::{
    DuplicateRow, Import, ImportError, MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, NewContact,
    RefusedRow,
};
use crate::domain::phone::{Parsed, Phone, Region, parse_phone};

/// Takes in all rows of a file.
pub(super) fn take_all(
    layout: Layout,
    rows: impl Iterator<Item = Row>,
    region: Region,
) -> Result<Import, ImportError> {
    match layout {
        Layout::Table(table) => {
            let header = table.header;
            let mut intake = Intake::new(table, region);
            rows.filter(|row| Some(row.number) != header).try_for_each(|row| intake.take(row))?;
            Ok(intake.finish())
        }
        Layout::Numbers => {
            let columns = vec!["Column 1".to_owned()];
            let table = Table { header: None, columns, phone: 0, names: Names::Nowhere };
            let mut intake = Intake::new(table, region);
            rows.flat_map(one_number_each).try_for_each(|row| intake.take(row))?;
            Ok(intake.finish())
        }
    }
}

/// The numbers of a line as rows of their own.
fn one_number_each(row: Row) -> Vec<Row> {
    match row.content {
        Content::Cells(cells) if cells.iter().any(|cell| !cell.as_str().is_empty()) => cells
            .into_iter()
            .filter(|cell| !cell.as_str().is_empty())
            .map(|cell| Row::of(row.number, vec![cell]))
            .collect(),
        Content::Cells(_) | Content::UnclosedQuote => vec![row],
    }
}

struct Intake {
    table: Table,
    region: Region,
    import: Import,
    /// The row of each number and extension so far.
    seen: HashMap<(Phone, Option<String>), u32>,
    cells: usize,
}

/// Why a row is refused, before it is masked.
struct Fault<'r> {
    column: usize,
    value: &'r str,
    reason: &'static str,
    sentence: String,
}

impl Intake {
    fn new(table: Table, region: Region) -> Self {
        let name_of = |column: usize| table.columns.get(column).cloned().unwrap_or_default();
        let import = Import {
            columns: Vec::new(),
            phone_column: name_of(table.phone),
            name_column: match table.names {
                Names::Nowhere => None,
                Names::Whole(column) => Some(name_of(column)),
                Names::Joined(given, family) => Some(format!("{} + {}", name_of(given), name_of(family))),
            },
            contacts: Vec::new(),
            refused: Vec::new(),
            duplicates: Vec::new(),
            rows: 0,
            blank: 0,
        };
        Self { table, region, import, seen: HashMap::new(), cells: 0 }
    }

    fn take(&mut self, row: Row) -> Result<(), ImportError> {
        self.import.rows += 1;
        self.cells += row.cells().len().max(self.table.columns.len());
        if self.import.rows > MAX_ROWS {
            return Err(ImportError::TooManyRows { limit: MAX_ROWS });
        }
        if self.cells > MAX_CELLS {
            return Err(ImportError::TooManyCells { limit: MAX_CELLS });
        }
        if row.is_blank() {
            self.import.blank += 1;
            return Ok(());
        }
        match check(&row).map_or_else(|| self.read_phone(&row), Err) {
            Ok(parsed) => self.accept(&row, parsed),
            Err(fault) => {
                let refused = RefusedRow {
                    row: row.number,
                    column: self.column_name(fault.column),
                    value: mask(fault.value),
                    reason: fault.reason,
                    sentence: fault.sentence,
                };
                self.import.refused.push(refused);
            }
        }
        Ok(())
    }

    fn read_phone<'r>(&self, row: &'r Row) -> Result<Parsed, Fault<'r>> {
        let column = self.table.phone;
        let value = row.text(column);
        parse_phone(value, self.region).map_err(|error| Fault {
            column,
            value,
            reason: error.reason(),
            sentence: error.to_string(),
        })
    }

    fn accept(&mut self, row: &Row, parsed: Parsed) {
        let raw_phone = row.text(self.table.phone);
        match self.seen.entry((parsed.phone.clone(), parsed.extension.clone())) {
            Entry::Occupied(first) => {
                let value = mask(raw_phone);
                self.import.duplicates.push(DuplicateRow { row: row.number, repeats: *first.get(), value });
                return;
            }
            Entry::Vacant(entry) => entry.insert(row.number),
        };
        let contact = NewContact {
            row: row.number,
            phone: parsed.phone,
            extension: parsed.extension,
            region: parsed.region,
            number_type: parsed.number_type,
            alternates: parsed.alternates,
            name: self.name(row),
            raw_phone: raw_phone.to_owned(),
            metadata: self.metadata(row),
        };
        self.import.contacts.push(contact);
    }

    fn name(&self, row: &Row) -> Option<String> {
        let name = match self.table.names {
            Names::Nowhere => return None,
            Names::Whole(column) => row.text(column).to_owned(),
            Names::Joined(given, family) => {
                format!("{} {}", row.text(given), row.text(family)).trim().to_owned()
            }
        };
        (!name.is_empty()).then_some(name)
    }

    fn metadata(&mut self, row: &Row) -> Map<String, Value> {
        while self.table.columns.len() < row.cells().len() {
            let column = self.table.columns.len();
            let name = unique_name("", column, &|name| {
                self.table.columns.iter().any(|other| other.eq_ignore_ascii_case(name))
            });
            self.table.columns.push(name);
        }
        let is_metadata = |column: &usize| self.is_metadata(*column);
        let entry =
            |column: usize| (self.table.columns[column].clone(), Value::String(row.text(column).to_owned()));
        (0..self.table.columns.len()).filter(is_metadata).map(entry).collect()
    }

    fn is_metadata(&self, column: usize) -> bool {
        column != self.table.phone && self.table.names != Names::Whole(column)
    }

    fn column_name(&self, column: usize) -> String {
        let name = self.table.columns.get(column).cloned();
        name.unwrap_or_else(|| unique_name("", column, &|_| false))
    }

    fn finish(mut self) -> Import {
        let columns = std::mem::take(&mut self.table.columns);
        self.import.columns = columns
            .into_iter()
            .enumerate()
            .filter(|(column, _)| self.is_metadata(*column))
            .map(|(_, name)| name)
            .collect();
        self.import
    }
}

/// What is wrong with a row, whatever its number.
fn check(row: &Row) -> Option<Fault<'_>> {
    let cells = match &row.content {
        Content::Cells(cells) => cells,
        Content::UnclosedQuote => {
            let sentence = "expected a closing quotation mark on this line".to_owned();
            return Some(Fault { column: 0, value: "", reason: "unclosed-quote", sentence });
        }
    };
    if cells.len() > MAX_COLUMNS {
        let sentence = format!("expected at most {MAX_COLUMNS} columns");
        return Some(Fault { column: MAX_COLUMNS, value: "", reason: "too-many-columns", sentence });
    }
    cells.iter().enumerate().find_map(|(column, cell)| {
        let value = cell.as_str();
        let (reason, sentence) = match cell {
            Cell::Error(_) => {
                ("cell-error", "expected a value, found the mark of a failed formula".to_owned())
            }
            Cell::Text(text) if text.contains('\0') => {
                ("nul-character", "expected text, found a NUL character in it".to_owned())
            }
            // Bytes first: they are counted for nothing, and only a long text can be too long.
            Cell::Text(text) if text.len() > MAX_CELL_CHARS && text.chars().count() > MAX_CELL_CHARS => {
                ("cell-too-long", format!("expected at most {MAX_CELL_CHARS} characters"))
            }
            Cell::Text(_) => return None,
        };
        Some(Fault { column, value, reason, sentence })
    })
}
