//! Bytes to rows: what a file is, in which encoding, and where its rows and cells begin and end. What the cells mean
//! is not known here.

mod decode;
mod delimited;
mod format;
mod row;
mod workbook;

pub(super) use self::row::{Cell, Content, Row};
use super::{ImportError, MAX_CELLS, MAX_COLUMNS, MAX_ROWS};
use crate::domain::phone::Region;
use format::Format;

/// The rows of a file.
pub(super) fn rows(bytes: &[u8], home: Region) -> Result<Vec<Row>, ImportError> {
    match format::detect(bytes)? {
        Format::Xlsx => workbook::read_xlsx(bytes),
        Format::Xls => workbook::read_xls(bytes),
        Format::Text => Ok(delimited::rows(&decode::decode(bytes)?, home).take(MAX_ROWS + 2).collect()),
    }
}
