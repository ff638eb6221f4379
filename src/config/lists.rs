//! How much a contact list may hold.

use std::path::PathBuf;

use super::reader::Reader;

/// How much a contact list may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListLimits {
    /// Megabytes of the file.
    pub megabytes: u64,
    /// Megabytes that a compressed file may unpack to.
    pub unpacked_megabytes: u64,
    /// Rows.
    pub rows: usize,
    /// Columns of a row.
    pub columns: usize,
    /// Cells, empty ones included.
    pub cells: usize,
    /// Characters of a cell.
    pub cell_chars: usize,
    /// Previews that are kept for each team.
    pub previews: u32,
    /// Where it lies while it is received and read, if not in the system's temporary directory.
    pub spool_dir: Option<PathBuf>,
}

impl Default for ListLimits {
    fn default() -> Self {
        Self {
            megabytes: 256,
            unpacked_megabytes: 1024,
            rows: 1_000_000,
            columns: 512,
            cells: 20_000_000,
            cell_chars: 32_767,
            previews: 50,
            spool_dir: None,
        }
    }
}

/// The contacts of a campaign are numbered, and so are the rows of a list.
const MOST: usize = i32::MAX as usize;

pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> ListLimits {
    let unset = ListLimits::default();
    let mut count = |name, unset: usize| {
        let expected = "a whole number from 1 to 2147483647";
        reader.parse(name, expected, |count| (1..=MOST).contains(count)).unwrap_or(unset)
    };
    let megabytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let limits = ListLimits {
        megabytes: megabytes(count("OUTDIAL_LIST_MB", 256)),
        unpacked_megabytes: megabytes(count("OUTDIAL_LIST_UNPACKED_MB", 1024)),
        rows: count("OUTDIAL_LIST_ROWS", unset.rows),
        columns: count("OUTDIAL_LIST_COLUMNS", unset.columns),
        cells: count("OUTDIAL_LIST_CELLS", unset.cells),
        cell_chars: count("OUTDIAL_LIST_CELL_CHARS", unset.cell_chars),
        previews: u32::try_from(count("OUTDIAL_LIST_PREVIEWS", 50)).unwrap_or(unset.previews),
        spool_dir: None,
    };
    ListLimits { spool_dir: reader.text("OUTDIAL_SPOOL_DIR").map(PathBuf::from), ..limits }
}
