//! Rows of cells in three buffers instead of a text each: cheap to fill on the one thread that reads a file, and taken
//! apart on whichever thread looks at them.

use super::row::{Cell, Row};

/// Rows of cells, packed.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// The cells' texts, one after the other.
    text: String,
    /// Where each cell's text ends, and whether it is the mark of a failed formula.
    cells: Vec<(usize, bool)>,
    /// Each row's number, and where its cells end.
    rows: Vec<(u32, usize)>,
}

impl Packed {
    /// Adds a cell to the row that is ended next.
    pub(super) fn push_cell(&mut self, text: &str, is_error: bool) {
        self.text.push_str(text);
        self.cells.push((self.text.len(), is_error));
    }

    /// Makes a row of the cells since the last one.
    pub(super) fn end_row(&mut self, number: u32) {
        self.rows.push((number, self.cells.len()));
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How much memory they take: an empty cell takes some, too.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(self.cells.as_slice()) + size_of_val(self.rows.as_slice())
    }

    /// The rows, taken apart.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let (mut cells, mut text) = (0, 0);
        self.rows.iter().map(move |(number, end)| {
            let row = self.cells[cells..*end].iter().map(|(end, is_error)| {
                let shown = &self.text[text..*end];
                text = *end;
                if *is_error { Cell::Error(shown.to_owned()) } else { Cell::showing(shown) }
            });
            let row = Row::of(*number, row.collect());
            cells = *end;
            row
        })
    }
}
