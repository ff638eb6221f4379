//! What a file is, by its first bytes.

use super::decode::is_binary;
use crate::domain::names::names;
use crate::import::ImportError;
use crate::import::rejects::begins_rejects;

names! {
    /// The formats that are read.
    pub enum Format: "format" {
        /// Office Open XML: a ZIP archive of XML.
        Xlsx = "xlsx",
        /// The same with binary parts.
        Xlsb = "xlsb",
        /// Excel up to 2003: a compound file.
        Xls = "xls",
        /// `OpenDocument`, as an archive or flat.
        Ods = "ods",
        /// Text in columns or lines, in whatever encoding.
        Text = "text",
        /// An array of objects or of texts, or one a line.
        Json = "json",
    }
}

/// How a file is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// A ZIP archive.
    Zip,
    /// A compound file.
    Compound,
    /// Gzip.
    Gzip,
    /// Not at all.
    Plain,
}

/// What a text is, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Rows of columns or lines.
    Rows,
    /// JSON.
    Json,
    /// A spreadsheet as one XML file.
    FlatXml,
}

/// First bytes of files that are uploaded by mistake, and how to call them.
const MISTAKES: [(&[u8], &str); 11] = [
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a text document"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file; export it as CSV"),
];

/// How a file with this beginning is packed, or what it is instead of a list.
pub(super) fn container(head: &[u8]) -> Result<Container, ImportError> {
    if head.is_empty() {
        return Err(ImportError::Empty);
    }
    if let Some((_, found)) = MISTAKES.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(ImportError::NotAList { found });
    }
    Ok(if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Container::Zip
    } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Container::Compound
    } else if head.starts_with(b"\x1f\x8b") {
        Container::Gzip
    } else {
        Container::Plain
    })
}

/// What a text with this beginning is.
pub(super) fn text(head: &str) -> Result<Text, ImportError> {
    if ["PK\u{3}\u{4}", "\u{1f}\u{fffd}"].iter().any(|start| head.starts_with(start)) {
        return Err(ImportError::NotAList { found: "an archive within an archive; unpack it first" });
    }
    if is_binary(head) && !begins_rejects(head) {
        return Err(ImportError::NotAList { found: "binary data" });
    }
    let begins =
        |tag: &str| head.trim_start().get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if (begins("<?xml") || begins("<office:document")) && head.contains("opendocument.spreadsheet") {
        return Ok(Text::FlatXml);
    }
    if ["<!doctype", "<html", "<table", "<?xml"].into_iter().any(begins) {
        let found = "a web page; open it in a spreadsheet and save it as XLSX";
        return Err(ImportError::NotAList { found });
    }
    Ok(if super::json::is_json(head) { Text::Json } else { Text::Rows })
}
