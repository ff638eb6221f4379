//! Rows out of cells, for the formats that are read in one go: they run on a thread of their own and hand over packed
//! rows through a short queue, so that never more than a few chunks wait, however large the file is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::Limits;
use super::packed::Packed;
use crate::import::ImportError;

/// Rows of a chunk, and the bytes at which it is full before that.
const ROWS: usize = 1024;
const BYTES: usize = 512 << 10;

/// How many chunks may wait.
const WAITING: usize = 4;

/// Why reading ended before the file did.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file is refused.
    Refused(ImportError),
    /// Nobody wants the rows any more.
    Dropped,
    /// There is something in this sheet, which is passed over.
    PassedOver,
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Refused(error)
    }
}

/// Chunks of a file that is read on another thread.
#[derive(Debug)]
pub(super) struct Assembled {
    chunks: Receiver<Result<Packed, ImportError>>,
    /// The first message, which `start` has waited for.
    first: Option<Packed>,
    sheet: Arc<Mutex<Option<String>>>,
}

impl Assembled {
    /// Starts to read, and waits for the first rows: what is wrong with the whole file mostly shows until then. So many
    /// sheets with anything in them are passed over.
    pub(super) fn start(
        limits: Limits,
        passed_over: usize,
        read: impl FnOnce(&mut Assembly) -> Result<(), Stop> + Send + 'static,
    ) -> Result<Self, ImportError> {
        let (sender, chunks) = sync_channel(WAITING);
        let sheet = Arc::default();
        let begun = Arc::clone(&sheet);
        let work = move || {
            let mut assembly = Assembly::new(limits, sender.clone());
            (assembly.passed_over, assembly.sheet) = (passed_over, begun);
            // A panic of whatever reads a format is the file's fault.
            let result = catch_unwind(AssertUnwindSafe(|| {
                read(&mut assembly)?;
                assembly.finish()
            }));
            let refusal = match result {
                Ok(Ok(()) | Err(Stop::Dropped | Stop::PassedOver)) => return,
                Ok(Err(Stop::Refused(error))) => error,
                Err(_) => ImportError::corrupt("it makes no sense"),
            };
            // Whoever has gone away does not need to know.
            let _ = sender.send(Err(refusal));
        };
        let thread = std::thread::Builder::new().name("reading".to_owned());
        thread.spawn(work).map_err(|error| ImportError::Unreadable { what: error.to_string() })?;
        let mut assembled = Self { chunks, first: None, sheet };
        assembled.first = assembled.next_chunk()?;
        Ok(assembled)
    }

    /// The name of the sheet from which the rows are, if it has one.
    pub(super) fn sheet(&self) -> Option<String> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next rows, none at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Packed>, ImportError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.chunks.recv().ok().transpose(),
        }
    }
}

/// Takes cells, row after row, and hands over the rows that have any.
#[derive(Debug)]
pub(super) struct Assembly {
    limits: Limits,
    chunks: SyncSender<Result<Packed, ImportError>>,
    packed: Packed,
    /// The row that is being filled, counted from zero.
    row: u32,
    /// Its cells: column, where the text begins and ends, and whether it is the mark of a failed formula.
    filled: Vec<(usize, usize, usize, bool)>,
    text: String,
    rows: usize,
    cells: usize,
    /// How many sheets with anything in them are still to be passed over.
    passed_over: usize,
    sheet: Arc<Mutex<Option<String>>>,
}

impl Assembly {
    fn new(limits: Limits, chunks: SyncSender<Result<Packed, ImportError>>) -> Self {
        let (filled, text) = (Vec::new(), String::new());
        let (packed, sheet) = (Packed::default(), Arc::default());
        Self { limits, chunks, packed, row: 0, filled, text, rows: 0, cells: 0, passed_over: 0, sheet }
    }

    /// Begins a sheet. Once there is anything in one, no other may begin.
    pub(super) fn begin_sheet(&mut self, name: &str) {
        *self.sheet.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    }

    /// Adds a cell, in whatever order within its row. A cell of another row ends the one before: rows come in the
    /// file's order, and a file that goes back to an earlier row gets one more row of that number.
    pub(super) fn put(&mut self, (row, column): (u32, u32), shown: &str, is_error: bool) -> Result<(), Stop> {
        if shown.trim().is_empty() {
            return Ok(());
        }
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return Err(Stop::PassedOver);
        }
        if row != self.row {
            self.end_row(1)?;
            self.row = row;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX).min(self.limits.last_place());
        let begin = self.text.len();
        self.text.push_str(shown);
        self.filled.push((column, begin, self.text.len(), is_error));
        Ok(())
    }

    /// Ends the row that is being filled, which stands there so many times. A row without cells is no row.
    pub(super) fn end_row(&mut self, times: u32) -> Result<(), Stop> {
        if self.filled.is_empty() {
            return Ok(());
        }
        if !self.filled.is_sorted_by_key(|(column, ..)| *column) {
            self.filled.sort_by_key(|(column, ..)| *column);
        }
        for again in 0..times {
            self.pack_row(self.row.saturating_add(again).saturating_add(1))?;
        }
        self.filled.clear();
        self.text.clear();
        Ok(())
    }

    /// Adds a row of columns and texts as it is, blank or not, after the rows so far.
    pub(super) fn push_row<'c>(
        &mut self,
        number: u32,
        cells: impl Iterator<Item = (usize, &'c str)>,
    ) -> Result<(), Stop> {
        for (column, shown) in cells {
            let begin = self.text.len();
            self.text.push_str(shown);
            self.filled.push((column.min(self.limits.last_place()), begin, self.text.len(), false));
        }
        self.filled.sort_by_key(|(column, ..)| *column);
        self.pack_row(number)?;
        self.filled.clear();
        self.text.clear();
        Ok(())
    }

    /// How many columns there are from one on, the one among them that stands for all beyond the last that is kept.
    pub(super) fn columns_left(&self, column: u32) -> u32 {
        let last = u32::try_from(self.limits.last_place()).unwrap_or(u32::MAX);
        last.saturating_sub(column).saturating_add(1)
    }

    fn pack_row(&mut self, number: u32) -> Result<(), Stop> {
        let mut width = 0;
        for (index, (column, begin, end, is_error)) in self.filled.iter().enumerate() {
            // The last of several values of one cell counts.
            if self.filled.get(index + 1).is_some_and(|(next, ..)| next == column) {
                continue;
            }
            for _ in width..*column {
                self.packed.push_cell("", false);
            }
            self.packed.push_cell(&self.text[*begin..*end], *is_error);
            width = column + 1;
        }
        self.packed.end_row(number);
        self.rows += 1;
        self.cells += width;
        if self.rows > self.limits.rows.saturating_add(1) {
            return Err(ImportError::TooManyRows { limit: self.limits.rows }.into());
        }
        if self.cells > self.limits.cells {
            return Err(ImportError::TooManyCells { limit: self.limits.cells }.into());
        }
        if self.packed.len() >= ROWS || self.packed.bytes() >= BYTES {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Whether any row was found so far.
    pub(super) fn has_rows(&self) -> bool {
        self.rows > 0 || !self.filled.is_empty()
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        self.chunks.send(Ok(std::mem::take(&mut self.packed))).map_err(|_| Stop::Dropped)
    }

    fn finish(&mut self) -> Result<(), Stop> {
        self.end_row(1)?;
        if self.rows == 0 {
            return Err(ImportError::Empty.into());
        }
        if self.packed.len() > 0 { self.hand_over() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        limits: Limits,
        read: impl FnOnce(&mut Assembly) -> Result<(), Stop> + Send + 'static,
    ) -> Result<Vec<(u32, Vec<String>)>, ImportError> {
        let mut assembled = Assembled::start(limits, 0, read)?;
        let mut rows = Vec::new();
        while let Some(packed) = assembled.next_chunk()? {
            rows.extend(packed.rows().map(|row| {
                (row.number, row.cells().iter().map(|cell| cell.as_str().to_owned()).collect::<Vec<_>>())
            }));
        }
        Ok(rows)
    }

    #[test]
    fn cells_fall_into_their_places_in_whatever_order_they_come() {
        let rows = read(Limits::default(), |assembly| {
            assembly.put((4, 2), "c", false)?;
            assembly.put((4, 0), "a", false)?;
            assembly.put((4, 2), "d", false)?;
            assembly.put((5, 1), " ", false)?;
            assembly.put((9, 1), "b", false)
        });
        let row = |number, cells: &[&str]| (number, cells.iter().map(|cell| (*cell).to_owned()).collect());
        assert_eq!(rows.unwrap(), [row(5, &["a", "", "d"]), row(10, &["", "b"])]);
    }

    #[test]
    fn what_a_reader_cannot_bear_is_a_damaged_file() {
        let result = read(Limits::default(), |_| panic!("index out of bounds"));
        assert_eq!(result.unwrap_err().reason(), "corrupt");
    }

    #[test]
    fn a_file_is_refused_at_its_limits_however_often_a_row_is_repeated() {
        let fill = |assembly: &mut Assembly| {
            assembly.put((0, 9), "x", false)?;
            assembly.end_row(u32::MAX)
        };
        let few_rows = Limits { rows: 50, ..Limits::default() };
        assert_eq!(read(few_rows, fill).unwrap_err(), ImportError::TooManyRows { limit: 50 });
        let few_cells = Limits { cells: 3000, ..Limits::default() };
        assert_eq!(read(few_cells, fill).unwrap_err(), ImportError::TooManyCells { limit: 3000 });
    }

    #[test]
    fn reading_ends_when_nobody_wants_the_rows() {
        let (told, stopped) = std::sync::mpsc::channel();
        let assembled =
            Assembled::start(Limits { rows: usize::MAX, ..Limits::default() }, 0, move |assembly| {
                for row in 0..=u32::MAX {
                    if let Err(stop) = assembly.put((row, 0), "x", false) {
                        let _ = told.send(matches!(stop, Stop::Dropped));
                        return Err(stop);
                    }
                }
                Ok(())
            });
        drop(assembled.unwrap());
        assert!(stopped.recv().unwrap());
    }
}
