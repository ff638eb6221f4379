//! Each format by its fixtures, by generated files, and by files that mean harm.

use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use super::*;

mod hostile;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

const FIRST: Wanted = Wanted::Visible { after: 0 };

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(FIXTURES).join(name)).unwrap()
}

/// A row as one text: its number, and its cells between bars.
fn shown(row: &Row) -> String {
    let cells = match &row.content {
        Content::UnclosedQuote(_) => return format!("{}: unclosed", row.number),
        Content::Cells(cells) => cells.iter().map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Error(mark) => format!("!{mark}"),
        }),
    };
    format!("{}: {}", row.number, cells.collect::<Vec<_>>().join("|"))
}

fn read_all(reading: Result<Reading, ImportError>) -> Result<(Format, Vec<String>), ImportError> {
    let mut reading = reading?;
    let mut rows = Vec::new();
    while let Some(chunk) = reading.next_chunk()? {
        rows.extend(chunk.rows().map(|row| shown(&row)));
    }
    Ok((reading.format(), rows))
}

fn read_within(limits: &Limits, bytes: Vec<u8>) -> Result<(Format, Vec<String>), ImportError> {
    read_all(open(Source::Bytes(bytes).into(), FIRST, limits, Region::US))
}

fn read(bytes: impl Into<Vec<u8>>) -> Result<(Format, Vec<String>), ImportError> {
    read_within(&Limits::default(), bytes.into())
}

/// An archive of these parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in parts {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An XLSX file with this sheet, and further parts.
fn xlsx(sheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    const TYPES: &[u8] = br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
    const RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const WORKBOOK: &[u8] = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    const SHEETS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut parts = vec![
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", SHEETS),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.extend(more);
    archive(&parts)
}

/// An ODS file with this table.
fn ods(table: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet>{table}</office:spreadsheet></office:body></office:document-content>"#
    );
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ("content.xml", content.as_bytes()),
    ])
}

/// What most fixtures hold.
const THREE: [&str; 4] = [
    "1: Name|Phone|Day",
    "2: Ada Marsh|(202) 555-0101|Tuesday",
    "3: Grace Okafor|202-555-0102|Friday",
    "4: Alan Park|+1 202 555 0103|",
];

/// The same where empty cells at a row's end are none.
const THREE_IN_A_SHEET: [&str; 4] = [THREE[0], THREE[1], THREE[2], "4: Alan Park|+1 202 555 0103"];

const ZOE: [&str; 4] = [THREE[0], "2: Zoë Müller|(202) 555-0101|Tuesday", THREE[2], THREE[3]];

const TYPED: &str = "1: Name|Phone|Appointment|Time|Visits|Agreed|Balance";

#[test]
fn every_format_comes_down_to_the_same_rows() {
    let expected: &[(&str, Format, &[&str])] = &[
        ("semicolons.csv", Format::Text, &THREE),
        ("tabs.txt", Format::Text, &THREE),
        ("pipes.csv", Format::Text, &THREE),
        ("cr_only.csv", Format::Text, &THREE),
        ("mixed_line_ends.csv", Format::Text, &THREE),
        ("compressed.csv.gz", Format::Text, &THREE),
        ("compressed_in_two_parts.csv.gz", Format::Text, &THREE),
        ("utf8_bom.csv", Format::Text, &ZOE),
        ("utf16.csv", Format::Text, &ZOE),
        ("utf16_big_endian.csv", Format::Text, &ZOE),
        ("utf16_without_mark.csv", Format::Text, &ZOE),
        ("utf16_big_endian_without_mark.csv", Format::Text, &ZOE),
        ("inline_texts.xlsx", Format::Xlsx, &THREE_IN_A_SHEET),
        ("several_sheets.xlsx", Format::Xlsx, &THREE_IN_A_SHEET),
        (
            "declared_separator.csv",
            Format::Text,
            &[
                "2: Name|Phone|Day",
                "3: Ada Marsh|(202) 555-0101|Tuesday",
                "4: Grace Okafor|202-555-0102|Friday",
                "5: Alan Park|+1 202 555 0103|",
            ],
        ),
        (
            "windows_1252.csv",
            Format::Text,
            &[
                ZOE[0],
                "2: Zoë Müller|(202) 555-0101|Tuesday – noon",
                ZOE[2],
                ZOE[3],
                "5: François Lefèvre|202-555-0104|après-midi",
            ],
        ),
        (
            "damaged_utf8.csv",
            Format::Text,
            &[ZOE[0], ZOE[1], ZOE[2], ZOE[3], "5: Bj\u{fffd}rn Ström Åkesson Øyvind|202-555-0104|ÄÖÜäöüßéè"],
        ),
        (
            "excel_export.csv",
            Format::Text,
            &[
                "1: Name|Phone|Address",
                "2: Marsh; Ada|(202) 555-0101|1 Main St\nFloor 2",
                "4: Grace Okafor|202-555-0102|12 \"Old\" Mill Rd",
                "5: ||",
                "6: Alan Park|+1 202 555 0103|",
            ],
        ),
        ("unclosed_quote.csv", Format::Text, &[THREE[0], "2: unclosed", THREE[2], THREE[3]]),
        (
            "several_numbers_a_line.txt",
            Format::Text,
            &["1: 2025550101|2025550102|2025550103", "2: 2025550104|2025550101"],
        ),
        ("nul.csv", Format::Text, &[THREE[0], "2: Ada Marsh|(202) 555-0101|Tues\0day", THREE[2], THREE[3]]),
        (
            "objects.json",
            Format::Json,
            &[
                "0: name|phone|address|tags|vip",
                "1: Ada Marsh|(202) 555-0101",
                "2: Zoë Müller|12025550102|{\"city\":\"Washington\",\"zip\":\"20001\"}|[\"a\",\"b\"]",
                "3: |+1 202 555 0103|||true",
            ],
        ),
        (
            "object_a_line.jsonl",
            Format::Json,
            &[
                "0: name|phone|address|tags|vip",
                "1: Ada Marsh|(202) 555-0101",
                "2: Zoë Müller|12025550102|{\"city\":\"Washington\",\"zip\":\"20001\"}|[\"a\",\"b\"]",
                "3: |+1 202 555 0103|||true",
            ],
        ),
        ("texts.json", Format::Json, &["1: (202) 555-0101", "2: 202-555-0102", "3: +1 202 555 0103"]),
        // Written by openpyxl: the formulas were never calculated.
        (
            "typed_cells.xlsx",
            Format::Xlsx,
            &[
                TYPED,
                "2: Ada Marsh|2025550101|2026-03-02 09:30|09:30|3|TRUE",
                "3: Zoë Müller|12025550102|2026-03-03|17:00|2.5|FALSE",
                "5: Alan\nPark|+1 202 555 0103|||2.5",
            ],
        ),
        (
            "typed_cells.xls",
            Format::Xls,
            &[
                TYPED,
                "2: Ada Marsh|2025550101|2026-03-02 09:30|09:30|3|TRUE|!#DIV/0!",
                "3: Zoë Müller|12025550102|2026-03-03|17:00|2.5|FALSE|2",
                "5: Alan\nPark|+1 202 555 0103|||2.5||!#N/A",
            ],
        ),
        ("typed_cells.ods", Format::Ods, &TYPED_BY_LIBREOFFICE),
        ("flat_and_compressed.fods.gz", Format::Ods, &TYPED_BY_LIBREOFFICE),
        (
            "typed_cells.xlsb",
            Format::Xlsb,
            &[
                "1: Name|Phone|Day|Agreed|Visits",
                "2: Ada Marsh|2025550101|2026-03-02|TRUE|3",
                "3: Zoë Müller|12025550102|2026-03-03 09:30|FALSE|2.5",
                "5: Alan Park|+1 202 555 0103||!#N/A|0.1",
            ],
        ),
        (
            "excel_95.xls",
            Format::Xls,
            &[
                "1: Name|Phone|Day|Agreed|Visits",
                "2: Ada Marsh|2025550101|46083|TRUE|3",
                "3: Zo_ M_ller|12025550102|46084.395833333336|FALSE|2.5",
                "5: Alan Park|+1 202 555 0103||!#N/A|0.1",
            ],
        ),
        (
            "malformed_table.xls",
            Format::Xls,
            &[
                "1: Name|Phone|Day|Agreed|Visits",
                "2: Ada Marsh|2025550101|46083|TRUE|3",
                "3: Zoë Müller|12025550102|46084.395833333336|FALSE|2.5",
                "5: Alan Park|+1 202 555 0103||!#N/A|0.1",
            ],
        ),
        (
            "rich_text_and_formulas.xlsx",
            Format::Xlsx,
            &[
                "1: Name|Phone|Day",
                "2: Ada Marsh|2025550101|2026-03-02",
                "3: Grace Okafor|2025550102|TRUE",
                "4: Alan Park|!#N/A",
            ],
        ),
    ];
    for (name, format, rows) in expected {
        let found = read(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found, (*format, rows.iter().map(|row| (*row).to_owned()).collect()), "{name}");
    }
}

const TYPED_BY_LIBREOFFICE: [&str; 4] = [
    TYPED,
    "2: Ada Marsh|2025550101|2026-03-02 09:30|09:30|3|1|!#DIV/0!",
    "3: Zoë Müller|12025550102|2026-03-03|17:00|2.5|0|2",
    "5: Alan\nPark|+1 202 555 0103|||2.5||!#N/A",
];

#[test]
fn the_sheet_that_is_named_is_read_whether_it_is_hidden_or_not() {
    let sheet = |name: &str, sheet: &str| {
        let source = Source::Bytes(fixture(name));
        read_all(open(source.into(), Wanted::Named(sheet.to_owned()), &Limits::default(), Region::US))
            .map(|(_, rows)| rows.concat())
    };
    for (name, named, rows) in [
        ("several_sheets.xlsx", "Old", "1: Phone2: 202-555-0109"),
        ("several_sheets.xlsx", "read ME ", "1: not this one"),
        ("typed_cells.xlsb", "Old", "1: Phone2: 202-555-0109"),
        ("malformed_table.xls", "Hidden", "1: not this one"),
        ("typed_cells.ods", "Second", "1: Phone2: 202-555-0104"),
        ("typed_cells.ods", "notes", "1: hidden"),
        ("flat_and_compressed.fods.gz", "Second", "1: Phone2: 202-555-0104"),
    ] {
        assert_eq!(sheet(name, named).unwrap(), rows, "{name}");
    }
    let error = sheet("several_sheets.xlsx", "Customers").unwrap_err().to_string();
    assert_eq!(error, "expected a sheet named \"Customers\"; found \"Read me\", \"Kunden\", \"Old\"");
    assert_eq!(sheet("typed_cells.ods", "Empty").unwrap_err(), ImportError::Empty);
}

#[test]
fn sheets_with_anything_in_them_can_be_passed_over() {
    for (name, after, expected) in [
        ("several_sheets.xlsx", 0, Some("Kunden")),
        ("several_sheets.xlsx", 1, Some("Old")),
        ("several_sheets.xlsx", 2, None),
        ("typed_cells.ods", 1, Some("Second")),
        ("typed_cells.ods", 2, None),
        ("flat_and_compressed.fods.gz", 1, Some("Second")),
    ] {
        let source = Source::Bytes(fixture(name)).into();
        let reading = open(source, Wanted::Visible { after }, &Limits::default(), Region::US);
        match expected {
            Some(sheet) => assert_eq!(reading.unwrap().sheet().as_deref(), Some(sheet), "{name}"),
            None => assert_eq!(reading.unwrap_err(), ImportError::Empty, "{name}"),
        }
    }
}

#[test]
fn what_is_no_list_says_what_it_is() {
    for (bytes, reason, words) in [
        (&b""[..], "empty-file", "an empty file"),
        (b"\n \n", "empty-file", "an empty file"),
        (b"%PDF-1.7", "not-a-list", "a PDF document"),
        (b"<html><table>", "not-a-list", "a web page"),
        (b"\x00\x01\x02\x03abc", "not-a-list", "binary data"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "corrupt", "no workbook"),
    ] {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = read(fixture("short_cells.xlsb")).unwrap_err().to_string();
    assert!(error.ends_with("save it as XLSX"), "{error}");
    let word = archive(&[("[Content_Types].xml", b""), ("word/document.xml", b"")]);
    assert!(read(word).unwrap_err().to_string().ends_with("found a text document"));
}

#[test]
fn a_file_on_disk_is_read_from_its_beginning() {
    for name in
        ["excel_export.csv", "compressed.csv.gz", "objects.json", "typed_cells.ods", "typed_cells.xls"]
    {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&fixture(name)).unwrap();
        let read_from_disk = read_all(open(Source::File(file).into(), FIRST, &Limits::default(), Region::US));
        assert_eq!(read_from_disk, read(fixture(name)), "{name}");
    }
}

#[test]
fn each_limit_refuses_with_its_own_sentence() {
    let list = "2025550101,x\n".repeat(100);
    let sheet: String = (1..=100).map(|row| format!("<row r=\"{row}\"><c><v>1</v></c></row>")).collect();
    let sheet = xlsx(&format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>"), &[]);
    let whole = Limits::default();
    for (limits, bytes, sentence) in [
        (
            Limits { bytes: 1000, ..whole },
            list.clone().into_bytes(),
            "expected at most 1000 bytes; split the file",
        ),
        (Limits { rows: 98, ..whole }, list.clone().into_bytes(), "expected at most 98 rows; split the file"),
        (Limits { rows: 98, ..whole }, sheet.clone(), "expected at most 98 rows; split the file"),
        (
            Limits { cells: 50, ..whole },
            sheet.clone(),
            "expected at most 50 cells; split the file, or leave out columns",
        ),
        (
            Limits { inflated_bytes: 2000, ..whole },
            sheet,
            "expected a file that unpacks to at most 2000 bytes; split it, or save it as CSV",
        ),
        (
            Limits { inflated_bytes: 1200, ..whole },
            gzip(list.as_bytes()),
            "expected a file that unpacks to at most 1200 bytes; split it, or save it as CSV",
        ),
    ] {
        let error = read_within(&limits, bytes).unwrap_err();
        assert_eq!(error.to_string(), sentence);
        assert!(error.is_too_large());
    }
    let header_and_rows = Limits { rows: 99, ..whole };
    assert_eq!(read_within(&header_and_rows, list.into_bytes()).unwrap().1.len(), 100);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Text that a cell may hold, as a reader gives it back.
fn texts() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec("[a-zé\"',;\t\n\0😀 0-9]{0,12}", 1..5), 1..40)
}

fn expected(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn cells(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let mut reading = open(Source::Bytes(bytes).into(), FIRST, &Limits::default(), Region::US).unwrap();
    let mut rows = Vec::new();
    while let Some(chunk) = reading.next_chunk().unwrap() {
        let texts = |row: Row| row.cells().iter().map(|cell| cell.as_str().to_owned()).collect();
        rows.extend(chunk.rows().map(texts));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_csv_writer_wrote_is_read_again(rows in texts(), is_packed: bool, is_wide: bool) {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true).quote_style(csv::QuoteStyle::Always).from_writer(b"sep=,\nfirst\n".to_vec());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let mut text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        text.insert_str(6, &"-".repeat(9000));
        let bytes = if is_wide { text.encode_utf16().flat_map(u16::to_be_bytes).collect() } else { text.into_bytes() };
        let found = cells(if is_packed { gzip(&bytes) } else { bytes });
        prop_assert_eq!(&found[1..], expected(&rows));
    }

    #[test]
    fn what_json_holds_is_read_again(rows in texts(), is_array: bool) {
        let objects: Vec<String> = rows.iter().map(|row| {
            let fields = row.iter().enumerate().map(|(column, text)| (format!("c{column}"), text.as_str().into()));
            serde_json::Value::Object(fields.collect()).to_string()
        }).collect();
        let json = if is_array { format!("[{}]", objects.join(",\n")) } else { objects.join("\n") };
        prop_assert_eq!(&cells(json.into_bytes())[1..], expected(&rows));
    }

    #[test]
    fn what_a_sheet_holds_is_read_again(rows in texts(), is_open_document: bool) {
        let escape = |text: &str| quick_xml::escape::escape(text.replace('\0', "")).into_owned();
        let row = |row: &Vec<String>| -> String {
            let cell = |text: &String| {
                let text = escape(text);
                if is_open_document {
                    let lines = text.replace("  ", " <text:s/>").replace('\t', "<text:tab/>")
                        .replace('\n', "<text:line-break/>");
                    format!("<table:table-cell><text:p>{lines}</text:p></table:table-cell>")
                } else {
                    format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
                }
            };
            row.iter().map(cell).collect()
        };
        let bytes = if is_open_document {
            let rows: String =
                rows.iter().map(|cells| format!("<table:table-row>{}</table:table-row>", row(cells))).collect();
            ods(&format!("<table:table table:name=\"List\">{rows}</table:table>"))
        } else {
            let rows: String = rows.iter().map(|cells| format!("<row>{}</row>", row(cells))).collect();
            xlsx(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"), &[])
        };
        let held: Vec<Vec<String>> = expected(&rows).into_iter().map(|mut row| {
            row.iter_mut().for_each(|cell| *cell = cell.replace('\0', "").trim().to_owned());
            row.truncate(row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1));
            row
        }).filter(|row| !row.is_empty()).collect();
        if held.is_empty() {
            prop_assert_eq!(read(bytes), Err(ImportError::Empty));
        } else {
            prop_assert_eq!(cells(bytes), held);
        }
    }

    #[test]
    fn a_text_reads_the_same_however_it_is_cut(
        tail in "([a-c]|\"|\"\"|,|\n|\r|\r\n|é|\",|,\"|\"\n){0,120}",
        piece in 1_usize..200,
    ) {
        // Nothing is cut before this much is read.
        let text = "2025550101,b\n".repeat(20_200) + &tail;
        let cut = |piece: usize| {
            let source = Source::Bytes(text.clone().into_bytes());
            let (_, mut rows) =
                read_all(open_in_pieces(source.into(), FIRST, &Limits::default(), Region::US, piece)).unwrap();
            rows.split_off(20_190)
        };
        prop_assert_eq!(cut(piece), cut(1 << 20));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000), packed: bool) {
        let _ = read(if packed { gzip(&bytes) } else { bytes });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        name in prop::sample::select(std::fs::read_dir(FIXTURES).unwrap().filter_map(|entry| {
            let entry = entry.unwrap();
            entry.file_type().unwrap().is_file().then(|| entry.file_name().into_string().unwrap())
        }).filter(|name| name != "empty.csv").collect::<Vec<_>>()),
        damage in prop::collection::vec((any::<usize>(), 0_u8..8), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(&name);
        for (place, bit) in damage {
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read(bytes);
    }
}
