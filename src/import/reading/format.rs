//! What a file is, by its first bytes.

use super::ImportError;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Office Open XML: a ZIP archive of XML.
    Xlsx,
    /// Excel up to 2003: a compound file.
    Xls,
    /// Text in columns or lines, in whatever encoding.
    Text,
}

/// First bytes of files that are uploaded by mistake, and how to call them.
const MISTAKES: [(&[u8], &str); 9] = [
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a text document"),
    (b"SQLite format 3", "a database"),
];

/// The format of a file, or what it is instead.
pub(super) fn detect(bytes: &[u8]) -> Result<Format, ImportError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ImportError::Empty);
    }
    if let Some((_, found)) = MISTAKES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(ImportError::NotAList { found });
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Format::Xlsx);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return if is_encrypted_package(bytes) { Err(ImportError::Encrypted) } else { Ok(Format::Xls) };
    }
    if is_html(bytes) {
        return Err(ImportError::NotAList {
            found: "a web page; open it in a spreadsheet and save it as XLSX",
        });
    }
    Ok(Format::Text)
}

/// An XLSX with a password is a compound file with a stream of this name.
fn is_encrypted_package(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}

fn is_html(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    ["<!doctype", "<html", "<table", "<?xml"]
        .iter()
        .any(|tag| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes())))
}
