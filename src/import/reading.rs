//! Bytes to chunks of rows. It reads everything before it gives the first chunk.

use std::fs::File;
use std::io::Read;

use super::format::{self, Format};
pub(super) use super::row::{Cell, Content, Row};
use super::{ImportError, MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, decode, delimited, workbook};
use crate::domain::phone::Region;

/// Rows of one chunk.
const CHUNK: usize = 1_000;

/// What is read.
#[derive(Debug)]
pub enum Source {
    /// A file on disk, from where it stands.
    File(File),
    /// Bytes in memory.
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// How much one list may hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Rows of one list.
    pub rows: usize,
    /// Columns of one row.
    pub columns: usize,
    /// Cells of one list, empty ones included.
    pub cells: usize,
    /// Characters of one cell.
    pub cell_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: MAX_ROWS, columns: MAX_COLUMNS, cells: MAX_CELLS, cell_chars: MAX_CELL_CHARS }
    }
}

/// A list that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    rows: std::vec::IntoIter<Row>,
    chunk: usize,
}

/// Some rows that follow each other.
#[derive(Debug)]
pub(super) struct Chunk(Vec<Row>);

/// Opens a list.
pub(super) fn open(
    source: Source,
    _sheet: Option<&str>,
    limits: &Limits,
    home: Region,
) -> Result<Reading, ImportError> {
    let bytes = match source {
        Source::Bytes(bytes) => bytes,
        Source::File(mut file) => {
            let mut bytes = Vec::new();
            let corrupt = |error: std::io::Error| ImportError::Corrupt { what: error.to_string() };
            file.read_to_end(&mut bytes).map_err(corrupt)?;
            bytes
        }
    };
    let rows = match format::detect(&bytes)? {
        Format::Xlsx => workbook::read_xlsx(&bytes)?,
        Format::Xls => workbook::read_xls(&bytes)?,
        Format::Text => {
            let text = decode::decode(&bytes)?;
            let rows = delimited::rows(&text, home).take(limits.rows.saturating_add(2));
            rows.collect()
        }
    };
    if rows.iter().map(|row| row.cells().len()).sum::<usize>() > limits.cells {
        return Err(ImportError::TooLarge);
    }
    Ok(Reading { rows: rows.into_iter(), chunk: CHUNK })
}

impl Reading {
    /// The next rows, none at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, ImportError> {
        let rows: Vec<Row> = self.rows.by_ref().take(self.chunk).collect();
        Ok((!rows.is_empty()).then_some(Chunk(rows)))
    }

    /// The same rows in chunks of another size.
    #[cfg(test)]
    pub(super) fn in_chunks_of(mut self, rows: usize) -> Self {
        self.chunk = rows;
        self
    }
}

impl Chunk {
    /// Its rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.0.iter().cloned()
    }
}
