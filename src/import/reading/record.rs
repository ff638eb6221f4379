//! Where a row of delimited text ends, and which quotations are none.
//!
//! A quotation opens where a cell begins and closes at the next quotation mark that is not doubled (RFC 4180 §2). Within
//! one line whatever follows is taken as it comes. A quotation over several lines is believed only if a delimiter or
//! the end of the line follows it, and if it is no longer than a cell can be: else a single stray mark would swallow
//! the rows up to the next one. Then only the lines up to the one where it opened are given up.
//!
//! Nothing is looked at more than twice: a quotation that is not believed was followed only up to the next mark at
//! which another one could open.

use memchr::{memchr, memchr2};

/// The longest quotation in bytes. A cell of a spreadsheet has at most 32,767 characters.
pub(super) const QUOTATION: usize = 1 << 20;

/// One row of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Where the next row begins.
    pub(super) end: usize,
    /// What there is to know of its quotations.
    pub(super) quoting: Quoting,
}

/// The quotations of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// No quotation mark in it.
    None,
    /// All quotations are closed.
    Closed,
    /// One is not.
    Unclosed,
}

/// The row that begins at a place of a text whose lines end in `\n`; none if the text has to go on to tell. The last
/// row needs no end.
pub(super) fn record(text: &[u8], start: usize, delimiter: u8, is_all: bool) -> Option<Record> {
    let mut at = start;
    let mut quoting = Quoting::None;
    loop {
        let Some(found) = memchr2(b'\n', b'"', &text[at..]).map(|found| at + found) else {
            return is_all.then_some(Record { end: text.len(), quoting });
        };
        if text[found] == b'\n' {
            return Some(Record { end: found + 1, quoting });
        }
        quoting = Quoting::Closed;
        if found > start && text[found - 1] != delimiter {
            // A mark within a cell is a letter like others.
            at = found + 1;
            continue;
        }
        match quotation(text, found, delimiter, is_all)? {
            Some(end) => at = end,
            None => {
                let end = match memchr(b'\n', &text[found..]) {
                    Some(length) => found + length + 1,
                    None if is_all => text.len(),
                    None => return None,
                };
                return Some(Record { end, quoting: Quoting::Unclosed });
            }
        }
    }
}

/// Where the quotation ends that opens here: `Some(None)` if it never does, none if the text has to go on to tell.
#[expect(clippy::option_option, reason = "not known yet, known to have no end, and known to have one")]
fn quotation(text: &[u8], open: usize, delimiter: u8, is_all: bool) -> Option<Option<usize>> {
    let mut from = open + 1;
    loop {
        let Some(mark) = memchr(b'"', &text[from..]).map(|found| from + found) else {
            let is_endless = is_all || text.len() - open > QUOTATION;
            return is_endless.then_some(None);
        };
        if mark - open > QUOTATION {
            return Some(None);
        }
        match text.get(mark + 1) {
            Some(b'"') => from = mark + 2,
            None if !is_all => return None,
            after => {
                let is_end_of_cell = after.is_none_or(|after| [delimiter, b'\n'].contains(after));
                let is_believed = is_end_of_cell || memchr(b'\n', &text[open..mark]).is_none();
                return Some(is_believed.then_some(mark + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(&str, Quoting)> {
        let (mut at, mut found) = (0, Vec::new());
        while at < text.len() {
            let record = record(text.as_bytes(), at, b',', true).unwrap();
            found.push((&text[at..record.end], record.quoting));
            at = record.end;
        }
        found
    }

    #[test]
    fn rows_end_with_their_lines_but_for_lines_within_quotations() {
        use Quoting::{Closed, None, Unclosed};
        for (text, expected) in [
            ("a,b\nc", vec![("a,b\n", None), ("c", None)]),
            ("\"a\nb\",c\nd", vec![("\"a\nb\",c\n", Closed), ("d", None)]),
            ("a,\"b\"\"\nc\"\nd", vec![("a,\"b\"\"\nc\"\n", Closed), ("d", None)]),
            ("5\" pipe\n6\" pipe\n", vec![("5\" pipe\n", Closed), ("6\" pipe\n", Closed)]),
            ("\"Ada \"Lady\" L\",1\n2", vec![("\"Ada \"Lady\" L\",1\n", Closed), ("2", None)]),
            ("\"a,1\n\"b\",2\n", vec![("\"a,1\n", Unclosed), ("\"b\",2\n", Closed)]),
            ("a,\"\nb\n", vec![("a,\"\n", Unclosed), ("b\n", None)]),
            ("\"a\nb\",\"c\nd", vec![("\"a\nb\",\"c\n", Unclosed), ("d", None)]),
            ("a\n\"b", vec![("a\n", None), ("\"b", Unclosed)]),
            ("\"a\"", vec![("\"a\"", Closed)]),
        ] {
            assert_eq!(records(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_quotation_longer_than_any_cell_is_none() {
        let long = format!("\"a\n{}\"\n", "x\n".repeat(QUOTATION / 2));
        assert_eq!(records(&long)[0], ("\"a\n", Quoting::Unclosed));
        let fitting = format!("\"a\n{}\"\n", "x\n".repeat(QUOTATION / 2 - 10));
        assert_eq!(records(&fitting), [(fitting.as_str(), Quoting::Closed)]);
    }

    #[test]
    fn a_row_is_judged_when_the_text_tells_and_not_before() {
        for text in ["a,b", "\"a\nb", "\"a\"", "a,\"b\"\""] {
            assert_eq!(record(text.as_bytes(), 0, b',', false), None, "{text:?}");
        }
        let endless = format!("\"a\n{}", "x".repeat(QUOTATION));
        let record = record(endless.as_bytes(), 0, b',', false).unwrap();
        assert_eq!(record, Record { end: 3, quoting: Quoting::Unclosed });
    }
}
