//! Files that mean harm: they are refused, or cost no more than others.

use super::*;
use crate::import::{MAX_CELL_CHARS, MAX_CELLS, MAX_ROWS};

const ROWS: &str = r#"<row r="1"><c r="A1"><v>2025550101</v></c></row>"#;

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

fn table(rows: &str) -> Vec<u8> {
    ods(&format!("<table:table table:name=\"List\">{rows}</table:table>"))
}

#[test]
fn bombs_are_refused_while_they_are_counted() {
    let spaces = " ".repeat(20 << 20);
    let limit = 16 << 20;
    let bomb = xlsx(&sheet(&spaces), &[]);
    assert_eq!(read(bomb), Err(ImportError::InflatesTooFar { limit }));
    let picture = vec![7; 4 << 20];
    let many: Vec<(String, &[u8])> =
        (0..5).map(|part| (format!("xl/media/{part}.bin"), &picture[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    assert_eq!(read(xlsx(&sheet(ROWS), &many)), Err(ImportError::InflatesTooFar { limit }));
    let lines = format!("{}\n", &spaces[..999]).repeat(20_000);
    assert_eq!(read(gzip(lines.as_bytes())), Err(ImportError::InflatesTooFar { limit }));
    let json = format!("[{}", "{},".repeat(6 << 20));
    assert_eq!(read(gzip(json.as_bytes())), Err(ImportError::InflatesTooFar { limit }));
}

#[test]
fn a_text_that_is_longer_than_any_cell_is_not_held() {
    for long in [" ".repeat(2 << 20), format!("<c><v>{}</v></c>", "1".repeat(2 << 20))] {
        assert_eq!(read(xlsx(&sheet(&long), &[])).unwrap_err().reason(), "corrupt");
        assert_eq!(read(table(&long)).unwrap_err().reason(), "corrupt");
    }
}

#[test]
fn what_a_sheet_claims_to_hold_costs_nothing() {
    let claims =
        format!(r#"<worksheet><dimension ref="A1:XFD1000000000"/><sheetData>{ROWS}</sheetData></worksheet>"#);
    assert_eq!(read(xlsx(&claims, &[])).unwrap().1, ["1: 2025550101"]);
    let far = r#"<row r="1000000000"><c r="ZZZ1000000000"><v>1</v></c></row>"#;
    let (_, rows) = read(xlsx(&sheet(far), &[])).unwrap();
    assert_eq!(rows, [format!("1000000000: {}1", "|".repeat(Limits::default().last_place()))]);
}

#[test]
fn shared_texts_are_believed_within_reason() {
    let texts = |head: &str| {
        let part = format!("{head}<si><t>Ada</t></si></sst>");
        let rows = r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#;
        read(xlsx(&sheet(rows), &[("xl/sharedStrings.xml", part.as_bytes())]))
    };
    assert_eq!(texts("<sst uniqueCount=\"1\">").unwrap().1, ["1: Ada"]);
    assert_eq!(texts("<sst uniqueCount=\"90000000\">").unwrap_err().reason(), "corrupt");
    let late = format!("<!-- {} --><sst uniqueCount=\"999999999999999999\">", "-".repeat(200_000));
    assert_eq!(texts(&late).unwrap_err().reason(), "corrupt");
    let many = format!("<sst>{}</sst>", "<x:si/>".repeat(14_000_000 / 7));
    let within = Limits { inflated_bytes: 1 << 40, ..Limits::default() };
    let bomb = xlsx(&sheet(ROWS), &[("xl/sharedStrings.xml", many.as_bytes())]);
    assert!(read_within(&within, bomb).is_ok(), "two million texts are not too many");
}

#[test]
fn names_that_a_file_makes_up_are_not_spelled_out() {
    let laughs: String = (1..10)
        .map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)))
        .collect();
    let doctype = format!("<!DOCTYPE w [<!ENTITY l0 \"ha\">{laughs}]>");
    let rows = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row>"#;
    let error = read(xlsx(&format!("{doctype}{}", sheet(rows)), &[])).unwrap_err();
    assert_eq!(error.reason(), "corrupt");
    let rows =
        "<table:table-row><table:table-cell><text:p>&l9;</text:p></table:table-cell></table:table-row>";
    assert_eq!(
        read(ods(&format!("{doctype}<table:table>{rows}</table:table>"))).unwrap_err().reason(),
        "corrupt"
    );
}

#[test]
fn repetitions_are_counted_and_not_written_out() {
    let cell = "<table:table-cell><text:p>x</text:p></table:table-cell>";
    let row = format!("<table:table-row table:number-rows-repeated=\"4000000000\">{cell}</table:table-row>");
    assert_eq!(read(table(&row)).unwrap_err(), ImportError::TooManyRows { limit: MAX_ROWS });
    let wide = cell.replacen('>', " table:number-columns-repeated=\"99999999999\">", 1);
    let (_, rows) = read(table(&format!("<table:table-row>{wide}</table:table-row>"))).unwrap();
    assert_eq!(rows, [format!("1: {}x", "x|".repeat(Limits::default().last_place()))]);
    let tall = format!("<table:table-row table:number-rows-repeated=\"1048000\">{wide}</table:table-row>");
    assert_eq!(read(table(&tall)).unwrap_err(), ImportError::TooManyCells { limit: MAX_CELLS });
    let spaces = r#"<table:table-row><table:table-cell><text:p>x<text:s text:c="4000000000"/>y</text:p></table:table-cell></table:table-row>"#;
    let (_, rows) = read(table(spaces)).unwrap();
    assert!(rows[0].len() > MAX_CELL_CHARS && rows[0].len() < 1 << 20, "too long for a cell, and no longer");
    let empty =
        "<table:table-row table:number-rows-repeated=\"4000000000\"><table:table-cell/></table:table-row>";
    assert_eq!(read(table(&empty.repeat(3))).unwrap_err(), ImportError::Empty);
}

#[test]
fn what_is_never_closed_ends_with_the_file() {
    for rows in
        ["<table:table-row>", "<table:table-row><table:table-cell><office:annotation>", "<table:shapes>"]
    {
        let content = format!("<office:document-content><table:table>{rows}");
        let bytes = archive(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", content.as_bytes()),
        ]);
        assert_eq!(read(bytes).unwrap_err().reason(), "corrupt", "{rows}");
    }
    assert_eq!(read(xlsx("<worksheet><sheetData><row><c>", &[])).unwrap_err().reason(), "corrupt");
}

/// Reads a text; returns its rows and how long the longest chunk was.
fn chunks(text: Vec<u8>) -> Result<(usize, usize), ImportError> {
    let mut reading = open(Source::Bytes(text).into(), FIRST, &Limits::default(), Region::US)?;
    let (mut rows, mut longest) = (0, 0);
    while let Some(Chunk(part)) = reading.next_chunk()? {
        let Part::Piece(piece) = &part else { panic!("text comes in pieces") };
        longest = longest.max(piece.bytes());
        rows += piece.rows().count();
    }
    Ok((rows, longest))
}

#[test]
fn a_quotation_without_end_is_not_held() {
    let lines = 300_000;
    for begin in ["\"Ada,", "Ada,\"\"\"", "\"\"\"\""] {
        let text = format!("{begin}{}", "2025550101,x\n".repeat(lines));
        let (rows, longest) = chunks(text.into_bytes()).unwrap();
        assert_eq!(rows, lines);
        assert!(longest < 2 << 20, "{longest} bytes were held");
    }
    // Each of these opens one, and none is closed as it should be.
    let opened = chunks("x,\"y\"\"z,\"\"\n".repeat(lines).into_bytes()).unwrap();
    assert!(opened.1 < 3 << 20, "{} bytes were held", opened.1);
}

#[test]
fn a_line_without_end_is_refused_before_it_is_held() {
    for letter in ["x", "\"", ",", "\"x"] {
        let text = letter.repeat((20 << 20) / letter.len());
        let error = chunks(text.into_bytes()).unwrap_err();
        assert_eq!(error, ImportError::RowTooLong { line: 1, limit: 8 << 20 }, "{letter:?}");
    }
}
