//! Workbooks to rows. Numbers keep every digit, dates become ISO texts. The first visible sheet with anything in it
//! is read.
//!
//! A workbook is a stranger's program for our memory: what it inflates to is counted before it is opened, sheets are
//! read cell by cell instead of by the size they claim, and a panic of the reader is a damaged file.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsx, XlsxError};

use super::row::{Cell, Row};
use super::{ImportError, MAX_CELLS, MAX_COLUMNS, MAX_ROWS};

/// The most bytes that a workbook's parts may inflate to.
const MAX_INFLATED: u64 = 1 << 30;

/// Above this size a workbook may not inflate to more than a hundred times its own; real ones stay below thirty.
const SUSPICIOUS: u64 = 16 << 20;

/// Reads an XLSX file.
pub(super) fn read_xlsx(bytes: &[u8]) -> Result<Vec<Row>, ImportError> {
    guarded(|| {
        count_inflated(bytes)?;
        let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(xlsx_error)?;
        for name in visible_sheets(workbook.sheets_metadata()) {
            let mut cells = match workbook.worksheet_cells_reader(&name) {
                Ok(cells) => cells,
                Err(XlsxError::NotAWorksheet(_)) => continue,
                Err(error) => return Err(xlsx_error(error)),
            };
            let mut grid = Grid::default();
            while let Some(cell) = cells.next_cell().map_err(xlsx_error)? {
                grid.put(cell.get_position(), show(&Data::from(cell.get_value().clone())))?;
            }
            if !grid.rows.is_empty() {
                return Ok(grid.into_rows());
            }
        }
        Err(ImportError::Empty)
    })
}

/// Reads an XLS file.
pub(super) fn read_xls(bytes: &[u8]) -> Result<Vec<Row>, ImportError> {
    guarded(|| {
        refuse_lying_dimensions(bytes)?;
        let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(xls_error)?;
        for name in visible_sheets(workbook.sheets_metadata()) {
            let range = workbook.worksheet_range(&name).map_err(xls_error)?;
            let (first_row, first_column) = range.start().unwrap_or_default();
            let mut grid = Grid::default();
            for (row, column, value) in range.used_cells() {
                let place = |from: u32, by: usize| from.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
                grid.put((place(first_row, row), place(first_column, column)), show(value))?;
            }
            if !grid.rows.is_empty() {
                return Ok(grid.into_rows());
            }
        }
        Err(ImportError::Empty)
    })
}

/// A panic while a workbook is read is the workbook's fault.
fn guarded<T>(read: impl FnOnce() -> Result<T, ImportError>) -> Result<T, ImportError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(corrupt("it makes no sense")))
}

/// Inflates every part once and counts what really comes out: the sizes that the archive states may lie.
fn count_inflated(bytes: &[u8]) -> Result<(), ImportError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(corrupt)?;
    if archive.index_for_name("xl/workbook.xml").is_none()
        && archive.index_for_name("[Content_Types].xml").is_none()
    {
        return Err(ImportError::NotAList { found: "an archive or another kind of document" });
    }
    let own = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let limit = MAX_INFLATED.min(SUSPICIOUS.max(own.saturating_mul(100)));
    let mut inflated = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
                ImportError::Encrypted
            }
            error => corrupt(error),
        })?;
        let mut capped = part.take(limit + 1 - inflated);
        inflated += std::io::copy(&mut capped, &mut std::io::sink()).map_err(corrupt)?;
        if inflated > limit {
            return Err(ImportError::TooLarge);
        }
    }
    Ok(())
}

/// The reader reserves memory for the size that a sheet claims ([MS-XLS] 2.4.90, Dimensions). The format has 65,536
/// rows and 256 columns; a claim beyond is damage or worse.
fn refuse_lying_dimensions(bytes: &[u8]) -> Result<(), ImportError> {
    let is_lie = |record: &[u8]| {
        let rows = u32::from_le_bytes([record[8], record[9], record[10], record[11]]);
        let columns = u16::from_le_bytes([record[14], record[15]]);
        record.starts_with(&[0x00, 0x02, 0x0e, 0x00]) && (rows > 65_536 || columns > 256)
    };
    if bytes.windows(16).any(is_lie) { Err(corrupt("a sheet claims an impossible size")) } else { Ok(()) }
}

fn visible_sheets(sheets: &[Sheet]) -> Vec<String> {
    let is_read =
        |sheet: &&Sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible;
    sheets.iter().filter(is_read).map(|sheet| sheet.name.clone()).collect()
}

/// Collects cells into rows, in whatever order they come.
#[derive(Default)]
struct Grid {
    rows: Vec<(u32, Vec<Cell>)>,
    is_unordered: bool,
    cells: usize,
}

impl Grid {
    fn put(&mut self, (row, column): (u32, u32), cell: Cell) -> Result<(), ImportError> {
        if cell.as_str().is_empty() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        // One cell more than allowed is kept, so that the row is refused and not cut short.
        let column = column.min(MAX_COLUMNS);
        let last = self.rows.last().map(|(last, _)| *last);
        if last != Some(row) {
            self.is_unordered |= last.is_some_and(|last| last > row);
            self.rows.push((row, Vec::new()));
            if self.rows.len() > MAX_ROWS + 1 {
                return Err(ImportError::TooManyRows);
            }
        }
        if let Some((_, cells)) = self.rows.last_mut() {
            let before = cells.len();
            if before <= column {
                cells.resize(column + 1, Cell::Text(String::new()));
            }
            self.cells += cells.len() - before;
            cells[column] = cell;
        }
        if self.cells > MAX_CELLS { Err(ImportError::TooLarge) } else { Ok(()) }
    }

    fn into_rows(mut self) -> Vec<Row> {
        if self.is_unordered {
            self.rows.sort_by_key(|(row, _)| *row);
            self.rows.dedup_by(|(row, cells), (kept_row, kept)| {
                let is_same = row == kept_row;
                if is_same {
                    merge(kept, std::mem::take(cells));
                }
                is_same
            });
        }
        self.rows.into_iter().map(|(row, cells)| Row::of(row.saturating_add(1), cells)).collect()
    }
}

fn merge(kept: &mut Vec<Cell>, cells: Vec<Cell>) {
    for (column, cell) in cells.into_iter().enumerate().filter(|(_, cell)| !cell.as_str().is_empty()) {
        if kept.len() <= column {
            kept.resize(column + 1, Cell::Text(String::new()));
        }
        kept[column] = cell;
    }
}

/// A value as its owner would write it, but numbers with all their digits and dates in ISO order.
fn show(value: &Data) -> Cell {
    match value {
        Data::Empty => Cell::Text(String::new()),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::showing(text),
        Data::Int(number) => Cell::Text(number.to_string()),
        Data::Float(number) => Cell::Text(number.to_string()),
        Data::Bool(is_true) => Cell::Text(if *is_true { "TRUE" } else { "FALSE" }.to_owned()),
        Data::DateTime(instant) => Cell::Text(show_instant(instant)),
        Data::Error(error) => Cell::Error(error.to_string()),
    }
}

fn show_instant(instant: &ExcelDateTime) -> String {
    let value = instant.as_f64();
    if instant.is_duration() {
        #[expect(clippy::cast_possible_truncation, reason = "a duration in seconds; the cast saturates")]
        let seconds = (value * 86_400.0).round() as i64;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        return format!("{hours}:{:02}:{:02}", minutes.abs(), (seconds % 60).abs());
    }
    let (year, month, day, hour, minute, second, _) = instant.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match (value < 1.0, value.fract() == 0.0) {
        (true, _) => time,
        (false, true) => date,
        (false, false) => format!("{date}T{time}"),
    }
}

fn corrupt(what: impl std::fmt::Display) -> ImportError {
    ImportError::Corrupt { what: what.to_string().chars().take(200).collect() }
}

fn xlsx_error(error: XlsxError) -> ImportError {
    match error {
        XlsxError::Password => ImportError::Encrypted,
        error => corrupt(error),
    }
}

fn xls_error(error: XlsError) -> ImportError {
    match error {
        XlsError::Password => ImportError::Encrypted,
        error => corrupt(error),
    }
}
