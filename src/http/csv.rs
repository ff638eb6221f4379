//! CSV as an answer: records that spreadsheets read back as what they are, and that no spreadsheet takes for formulas.

use actix_web::web::Bytes;

/// A first character by which spreadsheets tell a formula, or which they pass over on their way to one.
/// Source: <https://owasp.org/www-community/attacks/CSV_Injection>.
const BEGINS_A_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Lines of CSV with these fields (RFC 4180). A field that a spreadsheet would take for a formula gets an apostrophe
/// before it, also a number in E.164: spreadsheets would drop its plus, and the import reads it with the apostrophe.
pub(super) fn lines<'r, R>(records: impl IntoIterator<Item = R>) -> Result<Bytes, csv::Error>
where
    R: IntoIterator<Item = &'r str>,
{
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        writer.write_record(record.into_iter().map(as_text))?;
    }
    let written = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Bytes::from(written))
}

fn as_text(field: &str) -> String {
    let apostrophe = if field.starts_with(BEGINS_A_FORMULA) { "'" } else { "" };
    format!("{apostrophe}{field}")
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
    }
}
