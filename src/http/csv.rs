//! CSV as an answer: records that spreadsheets read back as what they are, and that no spreadsheet takes for formulas.

use actix_web::web::Bytes;

/// A first character by which spreadsheets tell a formula, or which they pass over on their way to one.
/// Source: <https://owasp.org/www-community/attacks/CSV_Injection>.
const BEGINS_A_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What stands before a file's first character, so that spreadsheets take it for UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'t> {
    /// A text, whosever it is.
    Text(&'t str),
    /// A number of our own writing, which may be negative.
    Number(&'t str),
}

impl<'t> From<&'t str> for Field<'t> {
    fn from(text: &'t str) -> Self {
        Self::Text(text)
    }
}

/// Lines of CSV with these fields (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe
/// before it, also a number in E.164: spreadsheets would drop its plus, and the import reads it with the apostrophe.
pub(super) fn lines<'r, R>(records: impl IntoIterator<Item = R>) -> Result<Bytes, csv::Error>
where
    R: IntoIterator<Item: Into<Field<'r>>>,
{
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        for field in record {
            match field.into() {
                Field::Text(text) if text.starts_with(BEGINS_A_FORMULA) => {
                    writer.write_field(format!("'{text}"))?;
                }
                Field::Text(text) | Field::Number(text) => writer.write_field(text)?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    let written = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Bytes::from(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_begins_a_formula_and_none_breaks_its_line() {
        let written = lines([
            ["+12025550101", "=1+1", "a,\"b\"\r\nc", "@x", "-1", "\t=1", ""],
            ["plain", "1+1", "", "＝1", "＋1", "－1", "＠x"],
        ])
        .unwrap();
        let text = std::str::from_utf8(&written).unwrap();
        assert_eq!(
            text,
            "'+12025550101,'=1+1,\"a,\"\"b\"\"\r\nc\",'@x,'-1,'\t=1,\r\nplain,1+1,,'＝1,'＋1,'－1,'＠x\r\n"
        );
        assert_eq!(lines([[Field::Number("-1"), Field::Text("-1")]]).unwrap(), "-1,'-1\r\n");
    }
}
