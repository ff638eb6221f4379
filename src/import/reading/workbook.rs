//! Excel's workbooks to rows, by calamine. Numbers keep every digit, dates become texts with the year first. The sheet that is named is
//! read, or the first visible one with anything in it that is not passed over.
//!
//! Sheets are read cell by cell instead of by the size that they claim. What would make the reader itself take memory
//! without end is refused before it begins (`archive`, `compound`).

use std::fmt::Write as _;
use std::io::BufReader;

use calamine::{
    DataRef, DataType, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError,
    Xlsx, XlsxError,
};

use super::Limits;
use super::assembly::{Assembly, Stop};
use super::compound;
use super::moment;
use super::sheet::find_sheet;
use super::source::Bytes;
use crate::import::ImportError;

/// How many sheets are looked at to find one with anything in it: several may be one large empty part.
const SHEETS: usize = 32;

/// Reads an XLSX file.
pub(super) fn read_xlsx(
    file: BufReader<Bytes>,
    sheet: Option<&str>,
    assembly: &mut Assembly,
) -> Result<(), Stop> {
    let mut workbook: Xlsx<_> = Xlsx::new(file).map_err(xlsx_error)?;
    read_each(sheets(workbook.sheets_metadata(), sheet)?, assembly, |name, assembly| {
        let mut cells = match workbook.worksheet_cells_reader(name) {
            Ok(cells) => cells,
            Err(XlsxError::NotAWorksheet(_)) => return Ok(()),
            Err(error) => return Err(xlsx_error(error).into()),
        };
        let mut shown = String::new();
        while let Some(cell) = cells.next_cell().map_err(xlsx_error)? {
            put(assembly, cell.get_position(), cell.get_value(), &mut shown)?;
        }
        Ok(())
    })
}

/// Reads an XLSB file.
pub(super) fn read_xlsb(
    file: BufReader<Bytes>,
    sheet: Option<&str>,
    assembly: &mut Assembly,
) -> Result<(), Stop> {
    let mut workbook: Xlsb<_> = Xlsb::new(file).map_err(xlsb_error)?;
    read_each(sheets(workbook.sheets_metadata(), sheet)?, assembly, |name, assembly| {
        let mut cells = workbook.worksheet_cells_reader(name).map_err(xlsb_error)?;
        let mut shown = String::new();
        while let Some(cell) = cells.next_cell().map_err(xlsb_error)? {
            put(assembly, cell.get_position(), cell.get_value(), &mut shown)?;
        }
        Ok(())
    })
}

/// Reads an XLS file.
pub(super) fn read_xls(
    bytes: Bytes,
    size: u64,
    sheet: Option<&str>,
    limits: &Limits,
    assembly: &mut Assembly,
) -> Result<(), Stop> {
    let file = compound::workbook_alone(bytes, size, limits)?;
    let mut workbook: Xls<_> = Xls::new(file).map_err(xls_error)?;
    read_each(sheets(workbook.sheets_metadata(), sheet)?, assembly, |name, assembly| {
        let range = workbook.worksheet_range(name).map_err(xls_error)?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let place = |from: u32, by: usize| from.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        let mut shown = String::new();
        for (row, column, value) in range.used_cells() {
            let position = (place(first_row, row), place(first_column, column));
            put(assembly, position, value, &mut shown)?;
        }
        Ok(())
    })
}

/// Reads one sheet after the other until one has anything in it and is not passed over.
fn read_each(
    sheets: Vec<String>,
    assembly: &mut Assembly,
    mut read: impl FnMut(&str, &mut Assembly) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for name in sheets {
        assembly.begin_sheet(&name);
        match read(&name, assembly) {
            Ok(()) | Err(Stop::PassedOver) => {}
            Err(stop) => return Err(stop),
        }
        if assembly.has_rows() {
            break;
        }
    }
    Ok(())
}

/// The sheets to read until one has anything in it: the one that is named, or the visible ones.
fn sheets(sheets: &[Sheet], named: Option<&str>) -> Result<Vec<String>, ImportError> {
    let worksheets = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let Some(named) = named else {
        let visible = worksheets().filter(|sheet| sheet.visible == SheetVisible::Visible);
        return Ok(visible.take(SHEETS).map(|sheet| sheet.name.clone()).collect());
    };
    let names: Vec<String> = worksheets().map(|sheet| sheet.name.clone()).collect();
    Ok(vec![find_sheet(named, names)?])
}

/// Adds a value as its owner would write it, but numbers with all their digits and dates in ISO order.
fn put<V: Value>(
    assembly: &mut Assembly,
    position: (u32, u32),
    value: &V,
    shown: &mut String,
) -> Result<(), Stop> {
    shown.clear();
    let is_error = value.show(shown);
    assembly.put(position, shown, is_error)
}

/// What both of the reader's types of values can do.
trait Value {
    /// Writes what the cell shows; returns whether it is the mark of a failed formula.
    fn show(&self, shown: &mut String) -> bool;
}

impl Value for DataRef<'_> {
    fn show(&self, shown: &mut String) -> bool {
        match self {
            // Not copied once more.
            DataRef::String(text) => shown.push_str(text),
            DataRef::SharedString(text) => shown.push_str(text),
            _ => return show(self, shown),
        }
        false
    }
}

impl Value for calamine::Data {
    fn show(&self, shown: &mut String) -> bool {
        show(self, shown)
    }
}

fn show(value: &impl DataType, shown: &mut String) -> bool {
    // Writing to a text cannot fail.
    if let Some(error) = value.get_error() {
        let _ = write!(shown, "{error}");
        return true;
    }
    if let Some(text) = value.get_string().or(value.get_duration_iso()) {
        shown.push_str(text);
    } else if let Some(iso) = value.get_datetime_iso() {
        shown.push_str(&moment::of_iso(iso));
    } else if let Some(number) = value.get_int() {
        let _ = write!(shown, "{number}");
    } else if let Some(number) = value.get_float() {
        let _ = write!(shown, "{number}");
    } else if let Some(is_true) = value.get_bool() {
        shown.push_str(if is_true { "TRUE" } else { "FALSE" });
    } else if let Some(instant) = value.get_datetime() {
        shown.push_str(&show_instant(&instant));
    }
    false
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
    let time = moment::time_of_day(hour.into(), minute.into(), second.into());
    match (value < 1.0, value.fract() == 0.0) {
        (true, _) => time,
        (false, true) => date,
        (false, false) => format!("{date} {time}"),
    }
}

fn xlsx_error(error: XlsxError) -> ImportError {
    match error {
        XlsxError::Password => ImportError::Encrypted,
        error => ImportError::corrupt(error),
    }
}

fn xlsb_error(error: XlsbError) -> ImportError {
    match error {
        XlsbError::Password => ImportError::Encrypted,
        error => ImportError::corrupt(error),
    }
}

fn xls_error(error: XlsError) -> ImportError {
    match error {
        XlsError::Password => ImportError::Encrypted,
        error => ImportError::corrupt(error),
    }
}
