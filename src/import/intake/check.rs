//! What is wrong with a row, whatever its number.

use std::borrow::Cow;

use super::Fault;
use crate::import::reading::{Cell, Content, Limits, Row};
use crate::import::rejects::{NUL, UNCLOSED_QUOTE};

/// Why a row is refused before its number is looked at.
pub(super) fn check(row: &Row, limits: &Limits) -> Option<Fault> {
    let cells = match &row.content {
        Content::Cells(cells) => cells,
        Content::UnclosedQuote(_) => {
            return Some(Fault::new(0, UNCLOSED_QUOTE, "expected a closing quotation mark on this line"));
        }
    };
    // Before everything else: once another fault is corrected in the rejects file, nothing there tells of it.
    if let Some(column) = cells.iter().position(|cell| cell.as_str().contains('\0')) {
        return Some(Fault::new(column, NUL, "expected text, found a NUL character in it"));
    }
    if cells.len() > limits.columns {
        let sentence = Cow::Owned(format!("expected at most {} columns", limits.columns));
        return Some(Fault { sentence, ..Fault::new(limits.columns, "too-many-columns", "") });
    }
    cells.iter().enumerate().find_map(|(column, cell)| match cell {
        Cell::Error(_) => {
            Some(Fault::new(column, "cell-error", "expected a value, found the mark of a failed formula"))
        }
        // Bytes first: they are counted for nothing, and only a long text can be too long.
        Cell::Text(text) if text.len() > limits.cell_chars && text.chars().count() > limits.cell_chars => {
            let sentence = Cow::Owned(format!("expected at most {} characters", limits.cell_chars));
            Some(Fault { sentence, ..Fault::new(column, "cell-too-long", "") })
        }
        Cell::Text(_) => None,
    })
}
