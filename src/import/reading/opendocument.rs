//! OpenDocument spreadsheets to rows: the content of an ODS archive, or a flat FODS file ([ODF 1.3] part 3, 9 and 19).
//!
//! Read here and not by calamine, which takes 0.38: it writes repeated cells out before it counts them, holds all
//! sheets, and never ends on a table or an annotation that is not closed.

use std::io::{BufRead, BufReader, Read};

use quick_xml::events::{BytesRef, BytesStart, Event};
use zip::ZipArchive;

use super::Limits;
use super::assembly::{Assembly, Stop};
use super::moment;
use super::sheet::find_sheet;
use super::source::Bytes;
use super::stream::Stream;
use crate::import::ImportError;

const MIMETYPE: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

/// Ends a text that is too long for a cell.
const CUT: char = '…';

/// Reads an ODS file.
pub(super) fn read_ods(
    archive: &mut ZipArchive<BufReader<Bytes>>,
    sheet: Option<&str>,
    limits: &Limits,
    assembly: &mut Assembly,
) -> Result<(), Stop> {
    let mut mimetype = Vec::new();
    let part = archive.by_name("mimetype").map_err(ImportError::corrupt)?;
    part.take(100).read_to_end(&mut mimetype).map_err(ImportError::corrupt)?;
    // Templates go on with `-template`.
    if !mimetype.starts_with(MIMETYPE) {
        return Err(ImportError::NotAList { found: "another kind of document" }.into());
    }
    if let Ok(part) = archive.by_name("META-INF/manifest.xml") {
        let mut manifest = Vec::new();
        part.take(1 << 20).read_to_end(&mut manifest).map_err(ImportError::corrupt)?;
        if memchr::memmem::find(&manifest, b"encryption-data").is_some() {
            return Err(ImportError::Encrypted.into());
        }
    }
    let sheet = match sheet {
        Some(named) => {
            let content = archive.by_name("content.xml").map_err(ImportError::corrupt)?;
            Some(find_sheet(named, Content::of(BufReader::new(content), limits).sheets()?)?)
        }
        None => None,
    };
    let content = archive.by_name("content.xml").map_err(ImportError::corrupt)?;
    Content::of(BufReader::new(content), limits).read(sheet.as_deref(), assembly)
}

/// Reads a FODS file.
pub(super) fn read_flat(
    mut stream: Stream,
    sheet: Option<&str>,
    limits: &Limits,
    assembly: &mut Assembly,
) -> Result<(), Stop> {
    let mut wanted = None;
    if let Some(named) = sheet {
        wanted = Some(find_sheet(named, Content::of(BufReader::new(&mut stream), limits).sheets()?)?);
        stream = stream.again()?;
    }
    Content::of(BufReader::new(stream), limits).read(wanted.as_deref(), assembly)
}

/// The XML of a spreadsheet.
struct Content<R> {
    xml: quick_xml::Reader<R>,
    buffer: Vec<u8>,
    /// Bytes after which no more is added to a cell's text: it is too long already.
    longest: usize,
}

/// A cell as it stands.
#[derive(Default)]
struct Cell {
    text: String,
    is_error: bool,
}

/// What an attribute says the value is.
enum Value {
    /// What the cell's paragraphs say.
    Shown,
    /// This.
    Stated(String),
}

impl<R: BufRead> Content<R> {
    fn of(reader: R, limits: &Limits) -> Self {
        let mut xml = quick_xml::Reader::from_reader(reader);
        xml.config_mut().expand_empty_elements = true;
        let longest = limits.cell_chars.saturating_add(1).saturating_mul(4);
        Self { xml, buffer: Vec::new(), longest }
    }

    /// The names of all sheets.
    fn sheets(mut self) -> Result<Vec<String>, ImportError> {
        let mut names = Vec::new();
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(table) if table.name().as_ref() == "table:table" => {
                    names.extend(attribute(&table, "table:name")?);
                }
                Event::Eof => return Ok(names),
                _ => {}
            }
        }
    }

    /// Reads the sheet of this name, or the first visible one with anything in it.
    fn read(mut self, named: Option<&str>, assembly: &mut Assembly) -> Result<(), Stop> {
        let mut style = String::new();
        let mut hidden = Vec::new();
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(start) => match start.name().as_ref() {
                    "style:style" => style = attribute(&start, "style:name")?.unwrap_or_default(),
                    "style:table-properties"
                        if attribute(&start, "table:display")?.as_deref() == Some("false") =>
                    {
                        hidden.push(std::mem::take(&mut style));
                    }
                    "table:table" => {
                        let name = attribute(&start, "table:name")?;
                        let style = attribute(&start, "table:style-name")?;
                        let is_wanted = match named {
                            Some(named) => name.as_deref() == Some(named),
                            None => style.is_none_or(|style| !hidden.contains(&style)),
                        };
                        if is_wanted {
                            assembly.begin_sheet(name.as_deref().unwrap_or_default());
                            match self.read_table(assembly) {
                                Err(Stop::PassedOver) => self.skip("table:table")?,
                                read => read?,
                            }
                        } else {
                            self.skip("table:table")?;
                        }
                        if assembly.has_rows() {
                            return Ok(());
                        }
                    }
                    _ => {}
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn read_table(&mut self, assembly: &mut Assembly) -> Result<(), Stop> {
        let mut row = 0_u32;
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(start) => match start.name().as_ref() {
                    "table:table-row" => {
                        let times = times(&start, "table:number-rows-repeated")?;
                        self.read_row(row, assembly)?;
                        assembly.end_row(times)?;
                        row = row.saturating_add(times);
                    }
                    // Drawings on the sheet may hold tables of their own.
                    name @ ("table:shapes" | "office:forms" | "table:table") => {
                        let name = name.to_owned();
                        self.skip(&name)?;
                    }
                    _ => {}
                },
                Event::End(end) if end.name().as_ref() == "table:table" => return Ok(()),
                Event::Eof => return Err(unended().into()),
                _ => {}
            }
        }
    }

    fn read_row(&mut self, row: u32, assembly: &mut Assembly) -> Result<(), Stop> {
        let mut column = 0_u32;
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(start) => {
                    let times = times(&start, "table:number-columns-repeated")?;
                    let value = value(&start)?;
                    let is_error = attribute(&start, "calcext:value-type")?.as_deref() == Some("error");
                    let name = start.name().as_ref().to_owned();
                    let shown = self.read_cell(&name)?;
                    let cell = match value {
                        Value::Stated(text) if !text.is_empty() || !is_error => Cell { text, is_error },
                        _ => Cell { text: shown, is_error },
                    };
                    if !cell.text.is_empty() {
                        // All columns beyond the last one that is kept are the same one.
                        for again in 0..times.min(assembly.columns_left(column)) {
                            assembly.put((row, column.saturating_add(again)), &cell.text, cell.is_error)?;
                        }
                    }
                    column = column.saturating_add(times);
                }
                Event::End(end) if end.name().as_ref() == "table:table-row" => return Ok(()),
                Event::Eof => return Err(unended().into()),
                _ => {}
            }
        }
    }

    /// The paragraphs of a cell, without what is said about it.
    fn read_cell(&mut self, name: &str) -> Result<String, ImportError> {
        let mut text = String::new();
        let mut depth = 0_usize;
        let (mut is_first, mut in_paragraph) = (true, 0_usize);
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(start) => {
                    depth += 1;
                    match start.name().as_ref() {
                        "text:p" => {
                            if !std::mem::take(&mut is_first) {
                                text.push('\n');
                            }
                            in_paragraph = depth;
                        }
                        "text:s" => {
                            let spaces = times(&start, "text:c")?;
                            let spaces = usize::try_from(spaces).unwrap_or(usize::MAX).min(self.longest);
                            self.push(&" ".repeat(spaces), &mut text);
                        }
                        "text:tab" => text.push('\t'),
                        "text:line-break" => text.push('\n'),
                        name @ ("office:annotation" | "draw:frame" | "table:table") => {
                            let name = name.to_owned();
                            self.skip(&name)?;
                            depth -= 1;
                        }
                        _ => {}
                    }
                }
                Event::End(end) if depth == 0 && end.name().as_ref() == name => return Ok(text),
                Event::End(_) => {
                    in_paragraph = if in_paragraph == depth { 0 } else { in_paragraph };
                    depth = depth.saturating_sub(1);
                }
                Event::Text(part) if in_paragraph > 0 => {
                    let part = part.xml10_content().into_owned();
                    self.push(&part, &mut text);
                }
                Event::CData(part) if in_paragraph > 0 => {
                    let part = part.xml10_content().into_owned();
                    self.push(&part, &mut text);
                }
                Event::GeneralRef(reference) if in_paragraph > 0 => text.push(letter(&reference)?),
                Event::Eof => return Err(unended()),
                _ => {}
            }
        }
    }

    fn push(&self, part: &str, text: &mut String) {
        if text.len() <= self.longest {
            text.push_str(part);
        } else if !text.ends_with(CUT) {
            // So that it stays too long without the spaces at its end.
            text.push(CUT);
        }
    }

    /// Goes to the end of the element that was just begun.
    fn skip(&mut self, name: &str) -> Result<(), ImportError> {
        let mut depth = 0_usize;
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(ImportError::corrupt)? {
                Event::Start(start) if start.name().as_ref() == name => depth += 1,
                Event::End(end) if end.name().as_ref() == name => {
                    if depth == 0 {
                        return Ok(());
                    }
                    depth -= 1;
                }
                Event::Eof => return Err(unended()),
                _ => {}
            }
        }
    }
}

fn unended() -> ImportError {
    ImportError::corrupt("it ends in the middle of a table")
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, ImportError> {
    let Some(attribute) = start.try_get_attribute(name).map_err(ImportError::corrupt)? else {
        return Ok(None);
    };
    let value =
        attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(ImportError::corrupt)?;
    Ok(Some(value.into_owned()))
}

/// How often something stands there: once, unless it says more. What is no number below four billion is as many.
fn times(start: &BytesStart<'_>, name: &str) -> Result<u32, ImportError> {
    Ok(attribute(start, name)?.map_or(1, |times| times.parse().unwrap_or(u32::MAX)))
}

/// The value that a cell's attributes state, as its owner would write it, but dates in ISO order.
fn value(start: &BytesStart<'_>) -> Result<Value, ImportError> {
    let stated = |name: &str| attribute(start, name).map(|value| value.unwrap_or_default());
    Ok(match attribute(start, "office:value-type")?.as_deref() {
        Some("float" | "percentage" | "currency") => Value::Stated(number(stated("office:value")?)),
        Some("date") => Value::Stated(moment::of_iso(&stated("office:date-value")?)),
        Some("time") => Value::Stated(moment::of_duration(stated("office:time-value")?)),
        Some("boolean") => Value::Stated(stated("office:boolean-value")?.to_ascii_uppercase()),
        Some(_) => attribute(start, "office:string-value")?.map_or(Value::Shown, Value::Stated),
        None => Value::Shown,
    })
}

/// A number with all its digits, also where it was written with an exponent.
fn number(stated: String) -> String {
    match stated.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => stated,
    }
}

/// What `&name;` stands for. XML knows five names, and those that a file makes up may stand for anything.
fn letter(reference: &BytesRef<'_>) -> Result<char, ImportError> {
    if let Some(letter) = reference.resolve_char_ref().map_err(ImportError::corrupt)? {
        return Ok(letter);
    }
    match reference.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(ImportError::corrupt("it makes up names for texts")),
    }
}
