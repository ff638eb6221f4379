//! Text to rows: what parts the columns, quotations, and on which line a row begins.
//!
//! The text is cut where rows end, which costs next to nothing, and each piece is taken apart into cells by whoever
//! looks at its rows. A piece reads the same on its own as it does within the whole text.

use memchr::{memchr, memchr_iter, memrchr};

use super::Limits;
use super::decode::Decoding;
use super::record::{Quoting, record};
use super::row::{Cell, Content, Row};
use crate::domain::phone::{Region, parse_phone};
use crate::import::ImportError;
use crate::import::rejects;

/// What parts columns, the likelier first where nothing else tells: a comma also stands inside texts.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// How many rows are looked at to find the delimiter, and in how much text.
const ROWS_LOOKED_AT: usize = 20;
const LOOKED_AT: usize = 256 << 10;

/// The longest row that is held in memory, in bytes: sixteen thousand to each of as many cells as are allowed.
const ROW: usize = 8 << 20;

/// A text that is read row by row, some at a time.
#[derive(Debug)]
pub(super) struct Delimited {
    decoding: Decoding,
    limits: Limits,
    home: Region,
    delimiter: Option<u8>,
    /// What is decoded and not cut off yet.
    text: String,
    has_ended: bool,
    /// The line on which it begins.
    line: u32,
    rows: usize,
    has_text: bool,
}

/// A piece of text that begins and ends with a row.
#[derive(Debug)]
pub(super) struct Piece {
    text: String,
    delimiter: u8,
    line: u32,
    /// The most cells that are kept of a row.
    width: usize,
}

impl Delimited {
    /// The rows of a text, of which the beginning is decoded already.
    pub(super) fn of(
        decoding: Decoding,
        text: String,
        has_ended: bool,
        limits: Limits,
        home: Region,
    ) -> Self {
        let (delimiter, line, rows, has_text) = (None, 1, 0, false);
        Self { decoding, limits, home, delimiter, text, has_ended, line, rows, has_text }
    }

    /// The next rows, none at the end.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, ImportError> {
        self.find_delimiter()?;
        loop {
            // A delimiter that is not found yet does not matter: there are only blank lines.
            let delimiter = self.delimiter.unwrap_or(b',');
            let (end, rows) = whole_rows(self.text.as_bytes(), delimiter, self.has_ended);
            if end > 0 {
                return self.cut(end, rows, delimiter).map(Some);
            }
            if self.has_ended {
                return if self.has_text { Ok(None) } else { Err(ImportError::Empty) };
            }
            if self.text.len() > ROW {
                let limit = u64::try_from(ROW).unwrap_or(u64::MAX);
                return Err(ImportError::RowTooLong { line: self.line, limit });
            }
            // Twice as much each time, so that no long row is looked at over and over.
            let wanted = self.text.len() * 2;
            loop {
                self.has_ended = !self.decoding.next_piece(&mut self.text)?;
                if self.has_ended || self.text.len() >= wanted {
                    break;
                }
            }
        }
    }

    /// Finds the delimiter as soon as there is text, and takes the line away that states it.
    fn find_delimiter(&mut self) -> Result<(), ImportError> {
        if self.delimiter.is_some() {
            return Ok(());
        }
        while !self.has_ended && self.text.len() < LOOKED_AT {
            self.has_ended = !self.decoding.next_piece(&mut self.text)?;
        }
        let Some(first) = self.text.find(|c: char| !c.is_whitespace()) else { return Ok(()) };
        // Blank lines before the first row tell nothing, however many they are.
        let begin = self.text[..first].rfind('\n').map_or(0, |end| end + 1);
        let mut until = begin.saturating_add(LOOKED_AT).min(self.text.len());
        while !self.text.is_char_boundary(until) {
            until -= 1;
        }
        let sample = &self.text[begin..until];
        self.has_text = true;
        if self.line == 1
            && begin == 0
            && let Some((delimiter, length)) = declared_delimiter(sample)
        {
            self.text.drain(..length);
            (self.delimiter, self.line) = (Some(delimiter), 2);
        } else {
            let told = rejects::delimiter(sample).filter(|told| DELIMITERS.contains(told));
            self.delimiter = Some(told.unwrap_or_else(|| sniff_delimiter(sample, self.home)));
        }
        Ok(())
    }

    fn cut(&mut self, end: usize, rows: usize, delimiter: u8) -> Result<Piece, ImportError> {
        self.rows += rows;
        // One more may be the header.
        if self.rows > self.limits.rows.saturating_add(1) {
            return Err(ImportError::TooManyRows { limit: self.limits.rows });
        }
        let rest = self.text.split_off(end);
        let text = std::mem::replace(&mut self.text, rest);
        let (line, width) = (self.line, self.limits.last_place().saturating_add(1));
        self.line = later(line, &text);
        Ok(Piece { text, delimiter, line, width })
    }
}

/// Where the last row ends that is wholly there, and how many there are.
fn whole_rows(text: &[u8], delimiter: u8, is_all: bool) -> (usize, usize) {
    if memchr(b'"', text).is_none() {
        let end = if is_all { text.len() } else { memrchr(b'\n', text).map_or(0, |last| last + 1) };
        let unended = usize::from(end > 0 && text[end - 1] != b'\n');
        return (end, memchr_iter(b'\n', &text[..end]).count() + unended);
    }
    let (mut end, mut rows) = (0, 0);
    while end < text.len()
        && let Some(record) = record(text, end, delimiter, is_all)
    {
        end = record.end;
        rows += 1;
    }
    (end, rows)
}

/// The line after as many lines.
fn later(line: u32, text: &str) -> u32 {
    let lines = memchr_iter(b'\n', text.as_bytes()).count();
    line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
}

/// Spreadsheets may say it on the first line: `sep=;`. Returns how long that line is, too.
fn declared_delimiter(text: &str) -> Option<(u8, usize)> {
    let (line, _) = text.split_once('\n')?;
    match line.trim_matches('"').strip_prefix("sep=")?.as_bytes() {
        [delimiter] => Some((*delimiter, line.len() + 1)),
        _ => None,
    }
}

/// The delimiter under which most rows have a phone number in a cell of its own, then the one under which most rows
/// have the same number of columns, then the one with the most columns.
fn sniff_delimiter(text: &str, region: Region) -> u8 {
    let score = |delimiter: u8| {
        let rows = Rows::new(text, delimiter, 1, Limits::default().columns);
        let rows: Vec<Row> = rows.filter(|row| !row.is_blank()).take(ROWS_LOOKED_AT).collect();
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

impl Piece {
    /// How long its text is.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Its rows. Blank lines are blank rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        Rows::new(&self.text, self.delimiter, self.line, self.width)
    }
}

/// Takes a text apart.
struct Rows<'t> {
    text: &'t str,
    delimiter: u8,
    width: usize,
    unquoting: Unquoting,
    /// Where the next row begins.
    at: usize,
    line: u32,
}

impl<'t> Rows<'t> {
    fn new(text: &'t str, delimiter: u8, line: u32, width: usize) -> Self {
        let reader = csv_core::ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(csv_core::Terminator::Any(b'\n'))
            .build();
        let unquoting = Unquoting { reader, text: Vec::new(), ends: vec![0; width] };
        Self { text, delimiter, width, unquoting, at: 0, line }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.at >= self.text.len() {
            return None;
        }
        let record = record(self.text.as_bytes(), self.at, self.delimiter, true)?;
        let taken = &self.text[self.at..record.end];
        let number = self.line;
        self.at = record.end;
        let line = taken.strip_suffix('\n').unwrap_or(taken);
        if record.quoting == Quoting::None {
            self.line = number.saturating_add(1);
            let delimiter = char::from(self.delimiter);
            let cells = line.split(delimiter).take(self.width).map(Cell::showing);
            return Some(Row::of(number, if line.is_empty() { Vec::new() } else { cells.collect() }));
        }
        self.line = later(number, taken);
        Some(match record.quoting {
            Quoting::Unclosed => {
                let cells = line.split(char::from(self.delimiter)).take(self.width);
                Row { number, content: Content::UnclosedQuote(cells.map(Cell::showing).collect()) }
            }
            Quoting::None | Quoting::Closed => Row::of(number, self.unquoting.cells(line)),
        })
    }
}

/// Takes rows with quotations apart.
struct Unquoting {
    reader: csv_core::Reader,
    text: Vec<u8>,
    /// Where the cells end; as many as are kept of a row.
    ends: Vec<usize>,
}

impl Unquoting {
    fn cells(&mut self, record: &str) -> Vec<Cell> {
        use csv_core::ReadRecordResult::{InputEmpty, OutputFull};
        self.reader.reset();
        self.text.resize(record.len().max(self.text.len()), 0);
        let (mut input, mut written, mut ended) = (record.as_bytes(), 0, 0);
        loop {
            let (text, ends) = (&mut self.text[written..], &mut self.ends[ended..]);
            let (result, read, more, ends) = self.reader.read_record(input, text, ends);
            let had_input = !input.is_empty();
            (input, written, ended) = (&input[read..], written + more, ended + ends);
            match result {
                // The end of the row is told by an empty input.
                InputEmpty if had_input => {}
                OutputFull => self.text.resize(self.text.len() * 2 + 64, 0),
                _ => break,
            }
        }
        let mut from = 0;
        let cell = |end: &usize| {
            let cell = Cell::showing(&String::from_utf8_lossy(&self.text[from..*end]));
            from = *end;
            cell
        };
        self.ends[..ended].iter().map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u32, Vec<String>)> {
        let delimiter = sniff_delimiter(text, Region::US);
        let texts = |row: &Row| row.cells().iter().map(|cell| cell.as_str().to_owned()).collect();
        Rows::new(text, delimiter, 1, 512).map(|row| (row.number, texts(&row))).collect()
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
    fn quotation_marks_are_doubled_within_quotations_and_letters_elsewhere() {
        assert_eq!(read("\"12 \"\"Old\"\" Rd\",\"\",x"), [row(1, &["12 \"Old\" Rd", "", "x"])]);
        assert_eq!(
            read("5\" pipe,\"a\"b,c\"\nd,e,f"),
            [row(1, &["5\" pipe", "ab", "c\""]), row(2, &["d", "e", "f"])]
        );
    }

    #[test]
    fn no_more_cells_are_kept_of_a_row_than_are_looked_at() {
        for text in [",".repeat(5000), format!("\"x\"{}", ",".repeat(5000))] {
            let rows: Vec<Row> = Rows::new(&text, b',', 1, 513).collect();
            assert_eq!(rows[0].cells().len(), 513);
        }
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
        assert_eq!(declared_delimiter("sep=|\na|b"), Some((b'|', 6)));
        assert_eq!(declared_delimiter("\"sep=;\"\na;b"), Some((b';', 8)));
        assert_eq!(declared_delimiter("sep=\na"), None);
    }
}
