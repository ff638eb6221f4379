//! The lists: people, companies, cities, and numbers written as people write them. The same seed, the same list.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Area codes whose exchanges are all in use.
const AREAS: [u32; 8] = [212, 312, 415, 617, 713, 404, 206, 305];

const HEADER: [&str; 5] = ["name", "phone", "company", "city", "notes"];

/// A list on the disk.
pub struct List {
    /// Where it is.
    pub path: PathBuf,
    /// Its rows, the header not among them.
    pub rows: u32,
}

impl List {
    /// A CSV of this many rows.
    pub fn csv(directory: &Path, rows: u32) -> Self {
        let path = directory.join(format!("list-{rows}.csv"));
        let mut file = BufWriter::new(File::create(&path).expect("a file for the list"));
        writeln!(file, "{}", HEADER.join(",")).expect("a header");
        for row in people(rows) {
            writeln!(file, "{}", row.join(",")).expect("a row");
        }
        file.flush().expect("the list's end");
        Self { path, rows }
    }

    /// A workbook of this many rows, with the shared texts that spreadsheet programs write.
    pub fn workbook(directory: &Path, rows: u32) -> Self {
        let path = directory.join(format!("list-{rows}.xlsx"));
        let mut archive = ZipWriter::new(BufWriter::new(File::create(&path).expect("a file for the list")));
        for (name, content) in PARTS {
            archive.start_file(*name, SimpleFileOptions::default()).expect("a part");
            archive.write_all(content.as_bytes()).expect("its content");
        }
        archive.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).expect("the sheet");
        let mut sheet = BufWriter::new(&mut archive);
        write!(sheet, "<worksheet xmlns=\"{MAIN}\"><sheetData>").expect("the sheet's beginning");
        let texts = std::iter::once(HEADER.map(str::to_owned)).chain(people(rows));
        let mut count = 0_u32;
        for number in 1..=rows + 1 {
            write!(sheet, "<row r=\"{number}\">").expect("a row");
            for column in ["A", "B", "C", "D", "E"] {
                write!(sheet, "<c r=\"{column}{number}\" t=\"s\"><v>{count}</v></c>").expect("a cell");
                count += 1;
            }
            write!(sheet, "</row>").expect("a row's end");
        }
        write!(sheet, "</sheetData></worksheet>").expect("the sheet's end");
        drop(sheet);
        archive.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).expect("the texts");
        let mut shared = BufWriter::new(&mut archive);
        write!(shared, "<sst xmlns=\"{MAIN}\" count=\"{count}\" uniqueCount=\"{count}\">").expect("texts");
        for text in texts.flatten() {
            write!(shared, "<si><t>{text}</t></si>").expect("a text");
        }
        write!(shared, "</sst>").expect("the texts' end");
        drop(shared);
        archive.finish().expect("the workbook's end").flush().expect("the file's end");
        Self { path, rows }
    }
}

fn people(rows: u32) -> impl Iterator<Item = [String; 5]> {
    let mut chance = StdRng::seed_from_u64(u64::from(rows));
    (0..rows).map(move |row| {
        // No two rows have a number in common, and none is a fiction's 555.
        let (area, rest) = (AREAS[row as usize % AREAS.len()], row / 8);
        let (exchange, line) = (600 + rest / 10_000, rest % 10_000);
        let phone = match chance.random_range(0..4) {
            0 => format!("({area}) {exchange}-{line:04}"),
            1 => format!("{area}-{exchange}-{line:04}"),
            2 => format!("+1{area}{exchange}{line:04}"),
            _ => format!("{area}.{exchange}.{line:04}"),
        };
        [
            format!("Person {row}"),
            phone,
            format!("Company {}", chance.random_range(0..50_000)),
            ["Springfield", "Riverside", "Fairview", "Salem"][chance.random_range(0..4)].to_owned(),
            format!("since {}; asks for {}", chance.random_range(1990..2026), chance.random_range(1..100)),
        ]
    })
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// What a workbook has beside its sheet and its texts.
const PARTS: &[(&str, &str)] = &[
    (
        "[Content_Types].xml",
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>\
         <Override PartName=\"/xl/sharedStrings.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml\"/></Types>",
    ),
    (
        "_rels/.rels",
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"rId1\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
         Target=\"xl/workbook.xml\"/></Relationships>",
    ),
    (
        "xl/workbook.xml",
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
         xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
         <sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"rId1\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
         Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"rId2\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings\" \
         Target=\"sharedStrings.xml\"/></Relationships>",
    ),
];
