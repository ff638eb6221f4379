//! Bytes to rows: what a file is, in which encoding, and where its rows and cells begin and end. What the cells mean
//! is not known here.
//!
//! A file is never held as a whole. Text is decoded piece by piece and cut where rows end (`decode`, `record`,
//! `delimited`); workbooks and JSON are read by a thread of their own that never runs more than a few chunks ahead
//! (`assembly`). Either way a chunk is taken apart into cells by whoever looks at its rows.
//!
//! Files come from strangers. What a compressed file inflates to is counted as it comes (`archive`, `stream`), what a
//! file claims is not believed (`archive`, `compound`), and a panic of a format's reader is a damaged file.

mod archive;
mod assembly;
mod compound;
mod decode;
mod delimited;
mod format;
mod json;
mod limits;
mod moment;
mod opendocument;
mod packed;
mod record;
mod row;
mod sheet;
mod source;
mod stream;
mod workbook;

use std::io::{BufReader, Seek};

pub use self::format::Format;
pub use self::limits::Limits;
pub(super) use self::row::{Cell, Content, Row};
pub(super) use self::sheet::Wanted;
pub(super) use self::source::Shared;
pub use self::source::Source;

use self::archive::Kind;
use self::assembly::Assembled;
use self::decode::Decoding;
use self::delimited::{Delimited, Piece};
use self::format::{Container, Text};
use self::packed::Packed;
use self::source::Bytes;
use self::stream::{Stream, unreadable};
use super::ImportError;
use crate::domain::phone::Region;

/// How many bytes of a text are read at once.
const PIECE: usize = 256 << 10;

/// A list that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    format: Format,
    rows: Rows,
}

/// Where the rows come from.
#[derive(Debug)]
enum Rows {
    /// Text, cut when it is asked for.
    Delimited(Box<Delimited>),
    /// Another thread.
    Assembled(Assembled),
}

/// Some rows that follow each other.
#[derive(Debug)]
pub(super) struct Chunk(Part);

#[derive(Debug)]
enum Part {
    Piece(Piece),
    Packed(Packed),
}

/// Opens a list: XLSX, XLSB, XLS, ODS, JSON or text in columns or lines, also as gzip. Of a workbook the sheet that is
/// wanted is read. The home region tells which delimiter sets the numbers
/// apart.
pub(super) fn open(
    source: Shared,
    sheet: Wanted,
    limits: &Limits,
    home: Region,
) -> Result<Reading, ImportError> {
    open_in_pieces(source, sheet, limits, home, PIECE)
}

/// The same, reading so many bytes of a text at once.
pub(super) fn open_in_pieces(
    source: Shared,
    sheet: Wanted,
    limits: &Limits,
    home: Region,
    piece: usize,
) -> Result<Reading, ImportError> {
    let (bytes, size) = source.open().map_err(unreadable)?;
    if size > limits.bytes {
        return Err(ImportError::TooManyBytes { limit: limits.bytes });
    }
    let mut head = Vec::new();
    let mut stream = Stream::plain(bytes)?;
    stream.fill(&mut head, 16)?;
    let container = format::container(&head)?;
    let mut bytes = stream.into_bytes();
    match container {
        Container::Zip => open_archive(bytes, size, sheet, *limits),
        Container::Compound => {
            bytes.rewind().map_err(unreadable)?;
            let limits = *limits;
            let rows = Assembled::start(limits, sheet.after(), move |assembly| {
                workbook::read_xls(bytes, size, sheet.name(), &limits, assembly)
            })?;
            Ok(Reading { format: Format::Xls, rows: Rows::Assembled(rows) })
        }
        Container::Gzip => {
            let stream = Stream::gzip(bytes, size, limits)?;
            open_text(Decoding::of(stream, piece), sheet, *limits, home)
        }
        Container::Plain => {
            let stream = Stream::plain(bytes)?;
            open_text(Decoding::of(stream, piece), sheet, *limits, home)
        }
    }
}

fn open_archive(bytes: Bytes, size: u64, sheet: Wanted, limits: Limits) -> Result<Reading, ImportError> {
    let mut archive = archive::open(BufReader::new(bytes))?;
    let kind = archive::kind(&archive)?;
    archive::inspect(&mut archive, size, &limits)?;
    let rows = Assembled::start(limits, sheet.after(), move |assembly| {
        let sheet = sheet.name();
        match kind {
            Kind::Ods => opendocument::read_ods(&mut archive, sheet, &limits, assembly),
            Kind::Xlsx => workbook::read_xlsx(archive.into_inner(), sheet, assembly),
            Kind::Xlsb => workbook::read_xlsb(archive.into_inner(), sheet, assembly),
        }
    })?;
    let format = match kind {
        Kind::Xlsx => Format::Xlsx,
        Kind::Xlsb => Format::Xlsb,
        Kind::Ods => Format::Ods,
    };
    Ok(Reading { format, rows: Rows::Assembled(rows) })
}

fn open_text(
    mut decoding: Decoding,
    sheet: Wanted,
    limits: Limits,
    home: Region,
) -> Result<Reading, ImportError> {
    let mut text = String::new();
    let has_ended = !decoding.next_piece(&mut text)?;
    match format::text(&text)? {
        Text::Rows => {
            let rows = Delimited::of(decoding, text, has_ended, limits, home);
            Ok(Reading { format: Format::Text, rows: Rows::Delimited(Box::new(rows)) })
        }
        Text::Json => {
            let rows = Assembled::start(limits, 0, move |assembly| json::read(decoding, &limits, assembly))?;
            Ok(Reading { format: Format::Json, rows: Rows::Assembled(rows) })
        }
        Text::FlatXml => {
            let stream = decoding.into_stream().again()?;
            let rows = Assembled::start(limits, sheet.after(), move |assembly| {
                opendocument::read_flat(stream, sheet.name(), &limits, assembly)
            })?;
            Ok(Reading { format: Format::Ods, rows: Rows::Assembled(rows) })
        }
    }
}

impl Reading {
    /// What the file is.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The name of the sheet that is read, if it is one of a workbook.
    pub(super) fn sheet(&self) -> Option<String> {
        match &self.rows {
            Rows::Delimited(_) => None,
            Rows::Assembled(rows) => rows.sheet(),
        }
    }

    /// The next rows, none at the end. After an error there is nothing more to be had.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, ImportError> {
        let part = match &mut self.rows {
            Rows::Delimited(rows) => rows.next_piece()?.map(Part::Piece),
            Rows::Assembled(rows) => rows.next_chunk()?.map(Part::Packed),
        };
        Ok(part.map(Chunk))
    }
}

impl Chunk {
    /// Its rows, in the file's order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let (piece, packed) = match &self.0 {
            Part::Piece(piece) => (Some(piece.rows()), None),
            Part::Packed(packed) => (None, Some(packed.rows())),
        };
        piece.into_iter().flatten().chain(packed.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests;
