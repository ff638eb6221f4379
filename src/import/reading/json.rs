//! JSON to rows: an array of objects or of texts, or one of them a line.
//!
//! The names of all objects become the header, in the order of their first appearance, so that the list is read twice:
//! once for the names. Nested values stay JSON, and numbers stay as they are written.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};

use memchr::memchr_iter;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Limits;
use super::assembly::{Assembly, Stop};
use super::decode::Decoding;
use crate::import::ImportError;

/// The most bytes of one contact.
const ELEMENT: u64 = 16 << 20;

/// Whether a text begins like JSON and not like the first row of a table.
pub(super) fn is_json(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| !c.is_whitespace());
    match (letters.next(), letters.next()) {
        (Some('['), Some(second)) => matches!(second, '{' | '"' | ']'),
        (Some('{'), Some(second)) => matches!(second, '"' | '}'),
        _ => false,
    }
}

/// Reads a list from its beginning.
pub(super) fn read(decoding: Decoding, limits: &Limits, assembly: &mut Assembly) -> Result<(), Stop> {
    let mut header = Header::default();
    let mut has_texts = false;
    let decoding = walk(decoding.again()?, |element| {
        match &element.content {
            Content::Text(_) => has_texts = true,
            Content::Object(fields) => header.add(fields, limits.columns),
        }
        if has_texts && header.is_needed {
            return Err(bad("objects and texts mixed", element.line).into());
        }
        Ok(())
    })?;
    if header.is_needed {
        // The header's number is zero: the first contact of an array is the first.
        assembly.push_row(0, header.names.iter().map(String::as_str).enumerate())?;
    }
    walk(decoding.again()?, |element| match &element.content {
        Content::Text(text) => assembly.push_row(element.number, [(0, text.as_str())].into_iter()),
        Content::Object(fields) => {
            let beyond = limits.columns;
            let column = |name: &String| header.columns.get(name).copied().unwrap_or(beyond);
            let cells: Vec<_> = fields.0.iter().map(|(name, value)| (column(name), show(value))).collect();
            assembly.push_row(element.number, cells.iter().map(|(column, text)| (*column, text.as_ref())))
        }
    })?;
    Ok(())
}

/// The names of all objects so far.
#[derive(Default)]
struct Header {
    names: Vec<String>,
    columns: HashMap<String, usize>,
    /// Whether there is any object.
    is_needed: bool,
}

impl Header {
    fn add(&mut self, fields: &Fields, most: usize) {
        self.is_needed = true;
        for (name, _) in &fields.0 {
            // One name more than allowed is kept, so that its rows are refused and not cut short.
            if self.names.len() <= most && !self.columns.contains_key(name) {
                self.columns.insert(name.clone(), self.names.len());
                self.names.push(name.clone());
            }
        }
    }
}

/// One contact.
struct Element {
    /// Its place in the array, or the line on which it begins: the first is 1.
    number: u32,
    line: u32,
    content: Content,
}

enum Content {
    /// A text, or a number as it is written.
    Text(String),
    Object(Fields),
}

/// Names and values.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

/// Hands every element of an array to a function.
struct Elements<'f>(&'f mut dyn FnMut(&RawValue) -> Result<(), Stop>, &'f mut Option<Stop>);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            if let Err(stop) = self.0(&element) {
                *self.1 = Some(stop);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Hands every element of a list to a function; returns the text that it was read from.
fn walk(decoding: Decoding, mut take: impl FnMut(&Element) -> Result<(), Stop>) -> Result<Decoding, Stop> {
    let progress = Progress::default();
    let mut letters = Letters { decoding, text: String::new(), at: 0, has_ended: false, progress: &progress };
    let is_array = letters.first().map_err(Stop::Refused)? == Some(b'[');
    let mut count = 0_u32;
    let mut take_raw = |raw: &RawValue| -> Result<(), Stop> {
        count = count.saturating_add(1);
        progress.since.set(0);
        let own = u32::try_from(memchr_iter(b'\n', raw.get().as_bytes()).count()).unwrap_or(u32::MAX);
        let line = progress.line.get().saturating_sub(own);
        let content = content(raw, line)?;
        take(&Element { number: if is_array { count } else { line }, line, content })
    };
    let mut stop = None;
    let mut json = serde_json::Deserializer::from_reader(&mut letters);
    let result = if is_array {
        json.deserialize_seq(Elements(&mut take_raw, &mut stop)).and_then(|()| json.end())
    } else {
        json.into_iter::<Box<RawValue>>().try_for_each(|raw| {
            take_raw(&raw?).map_err(|reason| {
                stop = Some(reason);
                serde_json::Error::custom("stopped")
            })
        })
    };
    match (result, stop, progress.refusal.take()) {
        (Ok(()), ..) => Ok(letters.decoding),
        (Err(_), Some(stop), _) => Err(stop),
        (Err(_), None, Some(refusal)) => Err(refusal.into()),
        (Err(error), None, None) => {
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or_default();
            Err(bad(what, u32::try_from(error.line()).unwrap_or(u32::MAX)).into())
        }
    }
}

fn bad(what: &str, line: u32) -> ImportError {
    ImportError::BadJson { what: what.to_owned(), line }
}

fn content(raw: &RawValue, line: u32) -> Result<Content, ImportError> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => match serde_json::from_str(text) {
            Ok(fields) => Ok(Content::Object(fields)),
            Err(_) => Err(bad("a name that is no text", line)),
        },
        Some(b'"' | b'-' | b'0'..=b'9') => Ok(Content::Text(show(raw).into_owned())),
        _ => Err(bad("neither an object nor a text", line)),
    }
}

/// What a cell shows of a value: texts without their quotation marks, nothing for `null`, else the JSON as it stands,
/// and so a text that is none (half of a surrogate pair).
fn show(value: &RawValue) -> Cow<'_, str> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned),
        Some(b'n') => Cow::Borrowed(""),
        Some(b'{' | b'[') => Cow::Owned(compact(json)),
        _ => Cow::Borrowed(json),
    }
}

/// JSON without the spaces between its parts.
fn compact(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let is_kept = |letter: &char| {
        let is_part = in_text || !letter.is_ascii_whitespace();
        in_text ^= *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        is_part
    };
    json.chars().filter(is_kept).collect()
}

/// How far a text is read, which is looked at while it is read.
#[derive(Default)]
struct Progress {
    line: LineCount,
    /// Bytes since the last element.
    since: Cell<u64>,
    /// Why it could not be read on.
    refusal: Cell<Option<ImportError>>,
}

/// The line that is read: the first is 1.
struct LineCount(Cell<u32>);

impl Default for LineCount {
    fn default() -> Self {
        Self(Cell::new(1))
    }
}

impl LineCount {
    fn get(&self) -> u32 {
        self.0.get()
    }
}

/// The bytes of a text that is decoded piece by piece.
struct Letters<'p> {
    decoding: Decoding,
    text: String,
    at: usize,
    has_ended: bool,
    progress: &'p Progress,
}

impl Letters<'_> {
    /// What is decoded and not read yet; nothing at the end.
    fn rest(&mut self) -> Result<&[u8], ImportError> {
        while self.at == self.text.len() && !self.has_ended {
            self.text.clear();
            self.at = 0;
            self.has_ended = !self.decoding.next_piece(&mut self.text)?;
        }
        Ok(&self.text.as_bytes()[self.at..])
    }

    /// The first letter that is no space. What comes before it is read.
    fn first(&mut self) -> Result<Option<u8>, ImportError> {
        loop {
            let Some(letter) = self.rest()?.first().copied() else { return Ok(None) };
            if !letter.is_ascii_whitespace() {
                return Ok(Some(letter));
            }
            self.pass(1);
        }
    }

    fn pass(&mut self, length: usize) {
        let passed = &self.text.as_bytes()[self.at..self.at + length];
        let lines = u32::try_from(memchr_iter(b'\n', passed).count()).unwrap_or(u32::MAX);
        let (line, since) = (&self.progress.line.0, &self.progress.since);
        line.set(line.get().saturating_add(lines));
        since.set(since.get().saturating_add(u64::try_from(length).unwrap_or(u64::MAX)));
        self.at += length;
    }
}

impl Read for Letters<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_endless = self.progress.since.get() > ELEMENT;
        let line = self.progress.line.get();
        let refusal = match self.rest() {
            Ok(_) if is_endless => ImportError::RowTooLong { line, limit: ELEMENT },
            Err(error) => error,
            Ok(rest) => {
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                self.pass(length);
                return Ok(length);
            }
        };
        self.progress.refusal.set(Some(refusal));
        Err(io::Error::other("refused"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, open};
    use super::*;
    use crate::domain::phone::Region;

    fn rows(json: &str) -> Result<Vec<(u32, Vec<String>)>, ImportError> {
        let source = Source::Bytes(json.as_bytes().to_vec());
        let first = crate::import::reading::Wanted::Visible { after: 0 };
        let mut reading = open(source.into(), first, &Limits::default(), Region::US)?;
        let mut rows = Vec::new();
        while let Some(chunk) = reading.next_chunk()? {
            for row in chunk.rows() {
                rows.push((row.number, row.cells().iter().map(|cell| cell.as_str().to_owned()).collect()));
            }
        }
        Ok(rows)
    }

    fn row(number: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn names_become_the_header_in_the_order_of_their_first_appearance() {
        let json = r#"[{"phone": "202 555 0101", "name": "Ada"},
            {}, {"tags": ["a b\\\" ", {"c": null}], "name": null, "phone": 12025550102000000001}]"#;
        assert_eq!(
            rows(json).unwrap(),
            [
                row(0, &["phone", "name", "tags"]),
                row(1, &["202 555 0101", "Ada"]),
                row(2, &[]),
                row(3, &["12025550102000000001", "", r#"["a b\\\" ",{"c":null}]"#]),
            ]
        );
    }

    #[test]
    fn one_object_a_line_is_known_by_its_line() {
        let json = "{\"a\": \"1\"}\n\n{\"a\":\n\"2\"}\n{\"b\": 3.50}\n";
        let expected = [row(0, &["a", "b"]), row(1, &["1"]), row(3, &["2"]), row(5, &["", "3.50"])];
        assert_eq!(rows(json).unwrap(), expected);
    }

    #[test]
    fn an_array_of_texts_has_no_header() {
        let expected = [row(1, &["202-555-0101"]), row(2, &["2025550102"])];
        assert_eq!(rows("[\"202-555-0101\", 2025550102]").unwrap(), expected);
    }

    #[test]
    fn odd_texts_reach_the_row_as_they_are() {
        let json = r#"[{"a": "x\u0000y", "b": "\ud83d", "a": "last"}]"#;
        assert_eq!(rows(json).unwrap()[1], row(1, &["last", "\"\\ud83d\""]));
        assert_eq!(rows(r#"["x\u0000y"]"#).unwrap(), [row(1, &["x\0y"])]);
    }

    #[test]
    fn json_that_is_no_list_says_where_it_ends_to_be_one() {
        for (json, line) in [
            ("[{\"a\": 1},\n{\"a\": }]", 2),
            ("[{\"a\": 1}", 1),
            ("{\"a\": 1}\n{\"a\"", 2),
            ("[\"a\",\n{\"a\": 1}]", 2),
            ("[{\"a\": 1}] and more", 1),
            ("[[\"a\"],\n[]]", 1),
            ("[{},\n[]]", 2),
        ] {
            match rows(json) {
                Err(ImportError::BadJson { line: found, .. }) => assert_eq!(found, line, "{json}"),
                other => assert!(json.starts_with("[["), "{json}: {other:?}"),
            }
        }
        assert_eq!(rows("[]").unwrap_err(), ImportError::Empty);
    }

    #[test]
    fn json_without_end_is_refused_when_it_is_longer_than_any_contact() {
        let nested = "[".to_owned() + &"{\"a\":".repeat(4_000_000);
        assert_eq!(rows(&nested).unwrap_err().reason(), "row-too-long");
        let deep = "[".to_owned() + &"{\"a\":".repeat(10_000);
        assert_eq!(rows(&deep).unwrap_err().reason(), "bad-json");
    }
}
