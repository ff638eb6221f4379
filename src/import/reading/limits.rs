//! How much one file may hold.

use crate::import::rejects::OUR_COLUMNS;
use crate::import::{MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS};

/// How much one file may hold. What concerns a whole file refuses the file while it is read; what concerns a row
/// (`columns`, `cell_chars`) is for whoever judges rows, and here only keeps a row from costing more memory than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as it was uploaded.
    pub bytes: u64,
    /// Bytes that a compressed file may inflate to, counted as they come out.
    pub inflated_bytes: u64,
    /// Rows, the header not among them.
    pub rows: usize,
    /// Columns of a row.
    pub columns: usize,
    /// Cells of all rows together, empty ones included.
    pub cells: usize,
    /// Characters of a cell.
    pub cell_chars: usize,
}

impl Default for Limits {
    /// 256 MB, a gigabyte inflated, a million rows of 512 columns, twenty million cells, and as many characters to a
    /// cell as spreadsheets allow.
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            inflated_bytes: 1 << 30,
            rows: MAX_ROWS,
            columns: MAX_COLUMNS,
            cells: MAX_CELLS,
            cell_chars: MAX_CELL_CHARS,
        }
    }
}

/// A file may always inflate to this much; above, to no more than [`RATIO`] times its own size.
const UNSUSPICIOUS: u64 = 16 << 20;

/// Real lists stay below thirty.
const RATIO: u64 = 100;

impl Limits {
    /// The place of the last cell of a row that is kept. It is one more than allowed, so that the row is refused and not cut
    /// short, after those of a rejects file that are taken away before the row is judged.
    pub(super) fn last_place(&self) -> usize {
        self.columns.saturating_add(OUR_COLUMNS)
    }

    /// What a file of this size may inflate to.
    pub(super) fn inflated_from(&self, bytes: u64) -> u64 {
        self.inflated_bytes.min(UNSUSPICIOUS.max(bytes.saturating_mul(RATIO)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_may_inflate_to_little_and_a_large_one_to_the_limit() {
        let limits = Limits::default();
        assert_eq!(limits.inflated_from(500), 16 << 20);
        assert_eq!(limits.inflated_from(1 << 20), 100 << 20);
        assert_eq!(limits.inflated_from(200 << 20), 1 << 30);
    }
}
