//! Text to rows: what parts the columns, quotations, and on which line a row begins.

use super::row::{Cell, Content, Row};
use crate::domain::phone::{Region, parse_phone};

/// What parts columns, the likelier first where nothing else tells: a comma also stands inside texts.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// How many rows are looked at to find the delimiter.
const LOOKED_AT: usize = 20;

/// The rows of a text whose lines end in `\n`. Blank lines are blank rows.
pub(super) fn rows(text: &str, region: Region) -> impl Iterator<Item = Row> {
    match declared_delimiter(text) {
        Some((delimiter, rest)) => Rows::new(rest, delimiter, 2),
        None => Rows::new(text, sniff_delimiter(text, region), 1),
    }
}

/// Spreadsheets may say it on the first line: `sep=;`.
fn declared_delimiter(text: &str) -> Option<(u8, &str)> {
    let (line, rest) = text.split_once('\n')?;
    let line = line.trim_matches('"');
    match line.strip_prefix("sep=")?.as_bytes() {
        [delimiter] => Some((*delimiter, rest)),
        _ => None,
    }
}

/// The delimiter under which most rows have a phone number in a cell of its own, then the one under which most rows
/// have the same number of columns, then the one with the most columns.
fn sniff_delimiter(text: &str, region: Region) -> u8 {
    let score = |delimiter: u8| {
        let rows: Vec<Row> =
            Rows::new(text, delimiter, 1).filter(|row| !row.is_blank()).take(LOOKED_AT).collect();
        let has_phone =
            |row: &&Row| row.cells().iter().take(64).any(|cell| parse_phone(cell.as_str(), region).is_ok());
        let phones = rows.iter().filter(has_phone).count();
        let widths: Vec<usize> =
            rows.iter().map(|row| row.cells().len()).filter(|width| *width > 1).collect();
        let alike = |width: &usize| widths.iter().filter(|other| *other == width).count();
        let (agreeing, columns) = widths.iter().map(|width| (alike(width), *width)).max().unwrap_or((0, 0));
        (phones, agreeing, columns)
    };
    // The last of equals wins: the list is walked backwards.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

/// Walks over a text. The CSV reader skips blank lines without a word and does not say where a row began, so the
/// position is kept here.
struct Rows<'t> {
    text: &'t str,
    delimiter: u8,
    reader: csv::Reader<&'t [u8]>,
    record: csv::StringRecord,
    /// Where the CSV reader was started, and where the next row begins.
    base: usize,
    at: usize,
    line: u32,
}

impl<'t> Rows<'t> {
    fn new(text: &'t str, delimiter: u8, line: u32) -> Self {
        let record = csv::StringRecord::new();
        Self { text, delimiter, reader: reader(text, delimiter), record, base: 0, at: 0, line }
    }

    /// A quotation that is not closed swallows lines up to the next quotation mark or the end. Then only its own
    /// line is given up, and reading goes on with the next one.
    fn restart_after_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.base = self.at;
        self.line += 1;
        self.reader = reader(&self.text[self.at..], self.delimiter);
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let number = self.line;
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with('\n') {
            self.at += 1;
            self.line += 1;
            return Some(Row::of(number, Vec::new()));
        }
        let is_read = self.reader.read_record(&mut self.record);
        let position = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let end = self.base.saturating_add(position).min(self.text.len());
        let taken = self.text.get(self.at..end).unwrap_or("");
        let lines = taken.bytes().filter(|c| *c == b'\n').count();
        let is_unclosed = taken.trim_end_matches('\n').contains('\n')
            && taken.bytes().filter(|c| *c == b'"').count() % 2 == 1;
        if is_unclosed || taken.is_empty() || !is_read.unwrap_or(false) {
            self.restart_after_line();
            return Some(Row { number, content: Content::UnclosedQuote });
        }
        self.at = end;
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        Some(Row::of(number, self.record.iter().map(Cell::showing).collect()))
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u32, Vec<String>)> {
        let texts = |row: &Row| row.cells().iter().map(|cell| cell.as_str().to_owned()).collect();
        rows(text, Region::US).map(|row| (row.number, texts(&row))).collect()
    }

    fn row(number: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn rows_know_their_lines_past_blank_lines_and_quoted_line_ends() {
        let text = "\na,b\n\n\"c\nd\",e\nf,g\n\n";
        let expected = [
            row(1, &[]),
            row(2, &["a", "b"]),
            row(3, &[]),
            row(4, &["c\nd", "e"]),
            row(6, &["f", "g"]),
            row(7, &[]),
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn an_unclosed_quotation_costs_its_own_line_only() {
        let text = "a,b\n\"c,d\ne,f\ng,h";
        assert_eq!(read(text), [row(1, &["a", "b"]), row(2, &[]), row(3, &["e", "f"]), row(4, &["g", "h"])]);
        let text = "\"c,d\ne,f\n\"g\",h\ni,j";
        assert_eq!(read(text), [row(1, &[]), row(2, &["e", "f"]), row(3, &["g", "h"]), row(4, &["i", "j"])]);
    }

    #[test]
    fn the_delimiter_is_the_one_that_sets_the_numbers_apart() {
        for (text, delimiter) in [
            ("name,phone\nAda,2025550101", b','),
            ("name;phone\nLovelace, Ada;2025550101", b';'),
            ("1,5;2,5;2025550101\n1,5;2,5;2025550102", b';'),
            ("name\tphone\nAda\t2025550101", b'\t'),
            ("name|phone\nAda|2025550101", b'|'),
        ] {
            assert_eq!(sniff_delimiter(text, Region::US), delimiter, "{text:?}");
        }
    }

    #[test]
    fn a_declared_delimiter_is_believed() {
        assert_eq!(read("sep=|\na|b"), [row(2, &["a", "b"])]);
    }
}
