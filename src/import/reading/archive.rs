//! What is inside a ZIP archive, and whether it may be unpacked: a workbook is a stranger's program for our memory.
//!
//! Every part is inflated once, into nothing, and what really comes out is counted, because the sizes that an archive
//! states may lie. On the way the parts are looked at for what would cost their reader memory out of all proportion.

use std::io::{BufReader, Read, Seek};

use memchr::memchr_iter;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::Limits;
use crate::import::ImportError;

/// The kinds of workbooks that come as archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Office Open XML.
    Xlsx,
    /// The same with binary parts.
    Xlsb,
    /// `OpenDocument`.
    Ods,
}

/// The longest piece of XML between two tags: a cell's text is at most 32,767 characters, and none of them takes more
/// than ten bytes (`&#x1F600;`).
const TOKEN: usize = 1 << 20;

/// The most bytes of a part that its reader keeps as a whole: the list of sheets, styles, relations.
const KEPT: u64 = 64 << 20;

/// What shared texts and styles may take in memory.
const MEMORY: u64 = 512 << 20;

/// How the part with the shared texts ends, in whatever folder.
const TEXTS: &str = "sharedstrings.xml";

/// Memory that a shared text takes beside its letters, and a style beside its names.
const TEXT: u64 = 40;
const STYLE: u64 = 400;

/// Finds out what an archive is, by the names of its parts.
pub(super) fn kind(archive: &ZipArchive<impl Read + Seek>) -> Result<Kind, ImportError> {
    let has = |name: &str| archive.file_names().flatten().any(|found| found.eq_ignore_ascii_case(name));
    let found = if has("xl/workbook.bin") {
        return Ok(Kind::Xlsb);
    } else if has("content.xml") && has("mimetype") {
        return Ok(Kind::Ods);
    } else if has("word/document.xml") {
        "a text document"
    } else if has("ppt/presentation.xml") {
        "a presentation"
    } else if has("xl/workbook.xml") || has("[Content_Types].xml") {
        return Ok(Kind::Xlsx);
    } else if has("Index/Document.iwa") {
        "a Numbers document; export it as XLSX"
    } else {
        "an archive or another kind of document"
    };
    Err(ImportError::NotAList { found })
}

/// Opens an archive.
pub(super) fn open<R: Read + Seek>(reader: R) -> Result<ZipArchive<R>, ImportError> {
    ZipArchive::new(reader).map_err(ImportError::corrupt)
}

/// Refuses an archive that would take more memory than it may.
pub(super) fn inspect<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    size: u64,
    limits: &Limits,
) -> Result<(), ImportError> {
    let limit = limits.inflated_from(size);
    let mut inflated = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(refusal)?;
        let name = part.name().map_err(refusal)?.to_ascii_lowercase();
        inflated += Inspection::of(&mut part, &name, limit - inflated)?
            .ok_or(ImportError::InflatesTooFar { limit })?;
        drop(part);
        if name.ends_with(TEXTS) && claimed_texts(archive.by_index(index).map_err(refusal)?) > MEMORY / TEXT {
            return Err(ImportError::corrupt("it claims an impossible number of texts"));
        }
    }
    Ok(())
}

/// How many shared texts a part says it has. The reader of XLSX reserves memory for them before it has seen one.
fn claimed_texts(part: ZipFile<'_, impl Read>) -> u64 {
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    xml.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(sst) | Event::Empty(sst)) if sst.local_name().as_ref() == "sst" => {
                let claim = sst.try_get_attribute("uniqueCount").ok().flatten();
                return claim.map_or(0, |claim| claim.value.parse().unwrap_or(0));
            }
            // The reader itself says what is wrong with it.
            Ok(Event::Eof) | Err(_) => return 0,
            Ok(_) => {}
        }
    }
}

fn refusal(error: ZipError) -> ImportError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ImportError::Encrypted,
        error => ImportError::corrupt(error),
    }
}

/// What is seen of a part while it is inflated.
#[derive(Debug, Default)]
struct Inspection {
    size: u64,
    /// Bytes since the last tag began, and the most of them so far.
    token: usize,
    longest: usize,
    /// How often the element that is kept for each of its occurrences begins.
    kept: u64,
}

impl Inspection {
    /// Inflates a part to nothing; returns its size, or none if it is more than allowed.
    fn of(part: &mut impl Read, name: &str, allowed: u64) -> Result<Option<u64>, ImportError> {
        let is_texts = name.ends_with(TEXTS);
        let is_styles = name.ends_with("styles.xml");
        let is_kept =
            is_styles || [".rels", "workbook.xml", "theme1.xml"].iter().any(|end| name.ends_with(end));
        let element = match (is_texts, is_styles) {
            (true, _) => Some(&b"si"[..]),
            (_, true) => Some(&b"xf"[..]),
            _ => None,
        };
        let mut seen = Self::default();
        let mut buffer = vec![0; 64 << 10];
        let mut is_xml = false;
        let mut records = Records::read_in(name).then(Records::default);
        loop {
            let length = part.read(&mut buffer).map_err(ImportError::corrupt)?;
            if length == 0 {
                break;
            }
            let block = &buffer[..length];
            is_xml = if seen.size == 0 { begins_like_xml(block) } else { is_xml };
            seen.size += u64::try_from(length).unwrap_or(u64::MAX);
            if seen.size > allowed {
                return Ok(None);
            }
            if is_xml {
                seen.look_at_tags(block, element);
            }
            if let Some(records) = &mut records {
                records.look_at(block)?;
            }
        }
        let each = if is_styles { STYLE.saturating_add(wide(seen.longest)) } else { TEXT };
        if seen.longest > TOKEN {
            return Err(ImportError::corrupt(format!("{name} has an endless text in it")));
        }
        if is_kept && seen.size > KEPT || seen.kept.saturating_mul(each) > MEMORY {
            return Err(ImportError::corrupt(format!("{name} is too large")));
        }
        Ok(Some(seen.size))
    }

    fn look_at_tags(&mut self, block: &[u8], element: Option<&[u8]>) {
        let mut from = 0;
        for at in memchr_iter(b'<', block) {
            self.longest = self.longest.max(self.token + at - from);
            (self.token, from) = (0, at);
            self.kept += u64::from(element.is_some_and(|element| local_name(&block[at + 1..]) == element));
        }
        self.token += block.len() - from;
        self.longest = self.longest.max(self.token);
    }
}

/// The name of the element that begins here, without its prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    let tag = &tag[..tag.len().min(64)];
    let end = tag.iter().position(|c| matches!(c, b' ' | b'>' | b'/' | b'\t' | b'\n' | b'\r'));
    let name = &tag[..end.unwrap_or(tag.len())];
    name.rsplit(|c| *c == b':').next().unwrap_or(name)
}

/// Walks over the records of a binary part ([MS-XLSB] 2.1.4): a type and a length of one to four bytes of seven bits
/// each, and as many bytes.
#[derive(Debug, Default)]
struct Records {
    kind: usize,
    length: usize,
    /// How many bytes of the type or the length are read.
    read: u32,
    place: Place,
}

/// Where in a record one is.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Kind,
    Length,
    /// So many bytes before the end.
    Body(usize),
}

impl Records {
    /// The parts whose records are read, of an XLSB file.
    fn read_in(name: &str) -> bool {
        name.ends_with(".bin")
            && (name.contains("worksheets/sheet")
                || ["workbook.bin", "sharedstrings.bin", "styles.bin"].iter().any(|end| name.ends_with(end)))
    }

    fn look_at(&mut self, mut block: &[u8]) -> Result<(), ImportError> {
        while let Some((byte, rest)) = block.split_first() {
            match self.place {
                Place::Body(left) => {
                    let passed = left.min(block.len());
                    block = &block[passed..];
                    self.place = if passed == left { Place::Kind } else { Place::Body(left - passed) };
                    continue;
                }
                Place::Kind => {
                    self.kind |= usize::from(byte & 0x7f) << (7 * self.read);
                    self.step(*byte, 2, Place::Length);
                }
                Place::Length => {
                    self.length |= usize::from(byte & 0x7f) << (7 * self.read);
                    if self.step(*byte, 4, Place::Body(self.length)) {
                        self.judge()?;
                        (self.kind, self.length) = (0, 0);
                    }
                }
            }
            block = rest;
        }
        Ok(())
    }

    /// Goes on after a byte of seven bits, of which there are only so many.
    fn step(&mut self, byte: u8, most: u32, next: Place) -> bool {
        self.read += 1;
        let is_last = byte & 0x80 == 0 || self.read == most;
        if is_last {
            self.read = 0;
            self.place = match next {
                Place::Body(0) => Place::Kind,
                next => next,
            };
        }
        is_last
    }

    fn judge(&self) -> Result<(), ImportError> {
        /// Cells that do not say in which column they are. The reader passes over them without a word.
        const SHORT_CELLS: std::ops::RangeInclusive<usize> = 0x0d..=0x12;
        if self.length > TOKEN {
            return Err(ImportError::corrupt("it has an endless record in it"));
        }
        if SHORT_CELLS.contains(&self.kind) {
            let found = "an XLSB workbook in the short form; save it as XLSX";
            return Err(ImportError::NotAList { found });
        }
        Ok(())
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Pictures and the like are not read by anybody here, and have no tags.
fn begins_like_xml(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.is_empty()
        || head.starts_with(b"<")
        || head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
}
