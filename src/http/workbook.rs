//! A workbook (XLSX, ECMA-376) as an answer that is written while it is sent: whatever is given to it comes out again,
//! packed, and nothing of it is kept. Each cell says what it is, so that no text is taken for a formula and no number of
//! a telephone for a number. Who fills it is not known here.

use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{NaiveDate, NaiveDateTime};
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};

/// Rows that a sheet may have, the header among them.
/// Source: <https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3>,
/// as are the others.
const MOST_ROWS: u32 = 1_048_576;

/// Characters that a cell may have, in UTF-16. What is longer ends there.
const MOST_CHARACTERS: usize = 32_767;

/// Bytes of a sheet before it is packed, from which on another one is begun: a sheet of four gibibytes would need an
/// extension of the archive that not everybody reads.
const MOST_BYTES: u64 = 2 << 30;

/// Bytes that are packed at once.
const PACKED_AT_ONCE: usize = 64 * 1024;

/// Less packing, sooner done: level 6 takes more than twice as long for a tenth less.
const LEVEL: i64 = 3;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'t> {
    /// Nothing.
    Empty,
    /// A text.
    Text(&'t str),
    /// A number of few digits.
    Number(f64),
    /// A moment on some clock on the wall: a workbook knows no zones.
    Moment(NaiveDateTime),
}

/// A workbook that is being written.
pub(super) struct Workbook {
    archive: ZipWriter<StreamWriter<Outlet>>,
    outlet: Outlet,
    /// The title of all sheets, and their header.
    title: &'static str,
    header: Vec<String>,
    sheets: u32,
    rows: u32,
    /// Of the sheet, what has been handed to the archive, and what has not yet.
    bytes: u64,
    xml: String,
    most_rows: u32,
}

/// What has been packed and not been taken yet.
#[derive(Debug, Clone, Default)]
struct Outlet(Arc<Mutex<Vec<u8>>>);

impl Outlet {
    fn take(&self) -> Vec<u8> {
        take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Workbook {
    /// A workbook whose sheets have this header.
    pub(super) fn new(title: &'static str, header: Vec<String>) -> Result<Self, ZipError> {
        Self::of_short_sheets(title, header, MOST_ROWS)
    }

    fn of_short_sheets(title: &'static str, header: Vec<String>, most_rows: u32) -> Result<Self, ZipError> {
        let outlet = Outlet::default();
        let archive = ZipWriter::new_stream(outlet.clone());
        let (sheets, rows, bytes, xml) = (0, 0, 0, String::new());
        let mut workbook = Self { archive, outlet, title, header, sheets, rows, bytes, xml, most_rows };
        workbook.begin_sheet()?;
        Ok(workbook)
    }

    /// Adds a row below the last one.
    pub(super) fn add<'t>(&mut self, cells: impl IntoIterator<Item = Cell<'t>>) -> Result<(), ZipError> {
        if self.rows == self.most_rows || self.bytes >= MOST_BYTES {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.rows += 1;
        push_row(&mut self.xml, self.rows, cells);
        if self.xml.len() >= PACKED_AT_ONCE { self.pack() } else { Ok(()) }
    }

    /// What has come out since it was last asked.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.outlet.take()
    }

    /// Ends it, and returns the rest.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ZipError> {
        self.end_sheet()?;
        let sheets = self.sheets;
        let each = |part: &dyn Fn(u32) -> String| (1..=sheets).map(part).collect::<String>();
        let title =
            |sheet: u32| if sheet == 1 { self.title.to_owned() } else { format!("{} {sheet}", self.title) };
        let types = each(&|sheet| {
            format!(
                "<Override PartName=\"/xl/worksheets/sheet{sheet}.xml\" ContentType=\"{TYPES}.worksheet+xml\"/>"
            )
        });
        let named = each(&|sheet| {
            format!("<sheet name=\"{}\" sheetId=\"{sheet}\" r:id=\"rId{sheet}\"/>", title(sheet))
        });
        let related = each(&|sheet| {
            format!(
                "<Relationship Id=\"rId{sheet}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{sheet}.xml\"/>"
            )
        });
        let parts = [
            (
                "[Content_Types].xml",
                format!(
                    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                     <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                     <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
                     <Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPES}.sheet.main+xml\"/>\
                     <Override PartName=\"/xl/styles.xml\" ContentType=\"{TYPES}.styles+xml\"/>{types}</Types>"
                ),
            ),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{PACKAGE_RELATIONS}\">\
                     <Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>{named}</sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{PACKAGE_RELATIONS}\">{related}\
                     <Relationship Id=\"rId{styles}\" Type=\"{RELATIONS}/styles\" Target=\"styles.xml\"/></Relationships>",
                    styles = sheets + 1
                ),
            ),
            ("xl/styles.xml", STYLES.to_owned()),
        ];
        for (name, xml) in parts {
            self.archive.start_file(name, options())?;
            self.archive.write_all(format!("{DECLARATION}{xml}").as_bytes())?;
        }
        let Self { archive, outlet, .. } = self;
        archive.finish()?;
        Ok(outlet.take())
    }

    fn begin_sheet(&mut self) -> Result<(), ZipError> {
        self.sheets += 1;
        self.bytes = 0;
        self.archive.start_file(format!("xl/worksheets/sheet{}.xml", self.sheets), options())?;
        self.xml = format!("{DECLARATION}<worksheet xmlns=\"{MAIN}\">{HEADER_STAYS}<sheetData>");
        self.rows = 1;
        push_row(&mut self.xml, self.rows, self.header.iter().map(|title| Cell::Text(title)));
        Ok(())
    }

    fn end_sheet(&mut self) -> Result<(), ZipError> {
        self.xml.push_str("</sheetData></worksheet>");
        self.pack()
    }

    fn pack(&mut self) -> Result<(), ZipError> {
        self.bytes += self.xml.len() as u64;
        self.archive.write_all(self.xml.as_bytes())?;
        self.xml.clear();
        Ok(())
    }
}

/// The header is in sight wherever one scrolls.
const HEADER_STAYS: &str = "<sheetViews><sheetView workbookViewId=\"0\">\
    <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>";

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE_RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPES: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// The second format of cells is that of moments.
const STYLES: &str = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
    <numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>\
    <fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"2\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_level(Some(LEVEL))
}

fn push_row<'t>(xml: &mut String, row: u32, cells: impl IntoIterator<Item = Cell<'t>>) {
    xml.push_str(&format!("<row r=\"{row}\">"));
    for (column, cell) in cells.into_iter().enumerate() {
        push_cell(xml, &cell, column, row);
    }
    xml.push_str("</row>");
}

fn push_cell(xml: &mut String, cell: &Cell<'_>, column: usize, row: u32) {
    use std::fmt::Write;
    // Writing to a text cannot fail.
    let _ = match cell {
        Cell::Empty => Ok(()),
        Cell::Text(text) => {
            xml.push_str("<c r=\"");
            push_column(xml, column);
            let _ = write!(xml, "{row}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            push_text(xml, text);
            xml.push_str("</t></is></c>");
            Ok(())
        }
        Cell::Number(number) => {
            xml.push_str("<c r=\"");
            push_column(xml, column);
            write!(xml, "{row}\"><v>{number}</v></c>")
        }
        Cell::Moment(at) => {
            xml.push_str("<c r=\"");
            push_column(xml, column);
            write!(xml, "{row}\" s=\"1\"><v>{}</v></c>", serial(*at))
        }
    };
}

/// The letters of a column: A for 0, AA for 26.
fn push_column(xml: &mut String, column: usize) {
    if column >= 26 {
        push_column(xml, column / 26 - 1);
    }
    xml.push(char::from(b'A' + (column % 26) as u8));
}

/// A moment in days since the one before the last of 1899, by whose count the calendar of spreadsheets is right from March
/// 1900 on.
fn serial(at: NaiveDateTime) -> f64 {
    const SECONDS: f64 = 86_400.0;
    let first = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
    (at - first).num_seconds() as f64 / SECONDS
}

/// A text as XML. What XML cannot hold is written as a workbook writes it, `_x0007_`, and what looks like that has its
/// first sign written so (ECMA-376, 22.9.2.19).
fn push_text(xml: &mut String, text: &str) {
    use std::fmt::Write;
    let mut left = MOST_CHARACTERS;
    for (at, character) in text.char_indices() {
        let Some(after) = left.checked_sub(character.len_utf16()) else { return };
        left = after;
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' | '\n' => xml.push(character),
            '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            character if character < ' ' => {
                let _ = write!(xml, "_x{:04X}_", u32::from(character));
            }
            '_' if is_escape(&text.as_bytes()[at..]) => xml.push_str("_x005F_"),
            character => xml.push(character),
        }
    }
}

fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'_', b'x', a, b, c, d, b'_', ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use super::*;

    fn read(bytes: Vec<u8>) -> Vec<(String, Vec<Vec<Data>>)> {
        let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        let sheets = workbook.worksheets().into_iter();
        sheets.map(|(name, range)| (name, range.rows().map(<[Data]>::to_vec).collect())).collect()
    }

    #[test]
    fn each_cell_is_read_back_as_what_it_is() {
        let at: NaiveDateTime = "2026-03-02T10:00:30".parse().unwrap();
        let texts = ["+12025550101", "=1+1", " a<b>&\"c\" ", "_x0041_", "two\nlines", "größe 🎉"];
        let mut workbook =
            Workbook::new("Contacts", vec!["text".to_owned(), "n".to_owned(), "at".to_owned()]).unwrap();
        for text in texts {
            workbook.add([Cell::Text(text), Cell::Empty, Cell::Number(-2.5), Cell::Moment(at)]).unwrap();
        }
        let mut bytes = workbook.take();
        bytes.extend(workbook.finish().unwrap());
        let sheets = read(bytes);
        assert_eq!((sheets.len(), sheets[0].0.as_str(), sheets[0].1.len()), (1, "Contacts", 1 + texts.len()));
        for (row, text) in sheets[0].1[1..].iter().zip(texts) {
            assert_eq!(row[0], Data::String(text.to_owned()));
            assert_eq!((&row[1], &row[2]), (&Data::Empty, &Data::Float(-2.5)));
            let Data::DateTime(told) = &row[3] else { panic!("{:?} is no moment", row[3]) };
            assert_eq!(told.as_datetime(), Some(at));
        }
    }

    #[test]
    fn what_xml_cannot_hold_harms_nobody_and_what_is_too_long_ends() {
        let written = |text: &str| {
            let mut xml = String::new();
            push_text(&mut xml, text);
            xml
        };
        assert_eq!(written("a\u{7}\r\u{fffe}"), "a_x0007__x000D_\u{fffd}");
        assert_eq!(written("_x004_ _xyz_"), "_x004_ _xyz_");
        assert_eq!(written(&"é".repeat(40_000)).chars().count(), MOST_CHARACTERS);
        // Of a sign that takes two, one half is none.
        assert_eq!(written(&"🎉".repeat(20_000)).chars().count(), MOST_CHARACTERS / 2);
    }

    #[test]
    fn a_long_list_goes_on_on_further_sheets() {
        let mut workbook = Workbook::of_short_sheets("Contacts", vec!["n".to_owned()], 3).unwrap();
        for number in 0..5 {
            workbook.add([Cell::Number(f64::from(number))]).unwrap();
        }
        let sheets = read(workbook.finish().unwrap());
        let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Contacts", "Contacts 2", "Contacts 3"]);
        let rows: Vec<usize> = sheets.iter().map(|(_, rows)| rows.len()).collect();
        assert_eq!(rows, [3, 3, 2], "with a header on each");
    }

    #[test]
    fn columns_have_letters() {
        let letters = |column| {
            let mut letters = String::new();
            push_column(&mut letters, column);
            letters
        };
        assert_eq!([0, 25, 26, 701, 702, 16_383].map(letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
