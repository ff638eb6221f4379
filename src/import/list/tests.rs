//! Whole lists: nothing is lost, nothing depends on how the work is split, and what is refused can come back.

use proptest::prelude::*;

use super::*;
use crate::domain::phone::Region;
use crate::import::intake::Taken;
use crate::import::{Kind, Limits, MAX_COLUMNS, NewContact, Rejects, RowReport, WarningKind};

fn us() -> Options {
    Options::for_region(Region::US)
}

fn open_text(text: &str) -> Result<List, ImportError> {
    open(Source::Bytes(text.as_bytes().to_vec()), &us())
}

/// Everything that came out of a list, in order.
#[derive(Debug, Default)]
struct Outcome {
    contacts: Vec<NewContact>,
    rows: Vec<RowReport>,
    account: Account,
}

fn read(list: List, workers: usize) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.account = list
        .read_by(workers, &mut |batch| {
            outcome.contacts.extend(batch.contacts);
            outcome.rows.extend(batch.rows);
            Ok(())
        })
        .unwrap();
    outcome
}

fn refused(outcome: &Outcome) -> Vec<&RowReport> {
    outcome.rows.iter().filter(|row| matches!(row.kind, Kind::Refused { .. })).collect()
}

/// A rejects file of what was refused, each row corrected on its way.
fn rejects_of(header: &[String], rows: &[&RowReport], correct: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    let mut rejects = Rejects::new(Vec::new(), header).unwrap();
    for row in rows {
        let Kind::Refused { suggestion, cells } = &row.kind else { panic!("it was not refused") };
        let mut cells = cells.clone();
        correct(&mut cells);
        rejects.write(row.reason, &row.sentence, suggestion.as_deref(), &cells).unwrap();
    }
    rejects.finish().unwrap()
}

/// Rows of a list of four columns, some good, some bad, some the same.
fn some_rows() -> impl Strategy<Value = String> {
    let row = prop_oneof![
        4 => (0_u32..40).prop_map(|n| format!("Ada,20255501{n:02},=1+1,US")),
        2 => (0_u32..40).prop_map(|n| format!("Bob,(202) 555-01{n:02} x{n},x,")),
        1 => (0_u32..40).prop_map(|n| format!("Ida,20255501{n:02}.0,,")),
        1 => (0_u32..5).prop_map(|n| format!("Cay,20255{n},-3,Atlantis")),
        1 => Just("Dee,+1 900 555 0123,@x,".to_owned()),
        1 => Just("Eve,,,,beyond".to_owned()),
        1 => Just(String::new()),
        1 => Just(",,,".to_owned()),
        1 => Just("\"Fay,2025550101,x".to_owned()),
        1 => Just("Gil,#N/A,,".to_owned()),
        1 => Just("Hal,2025550101,\"a\nb\",France".to_owned()),
    ];
    proptest::collection::vec(row, 1..60).prop_map(|rows| rows.join("\n"))
}

#[test]
fn more_cells_than_a_list_may_hold_are_refused_in_text_too() {
    let of = |cells| {
        let options = Options { limits: Limits { cells, ..Limits::default() }, ..us() };
        let list = b"name,phone\nAda,2025550101\nBob,2025550102\n".to_vec();
        open(Source::Bytes(list), &options).unwrap().read(&mut |_| Ok(())).map(|account| account.imported)
    };
    assert_eq!(of(6), Ok(2));
    assert_eq!(of(5), Err(ImportError::TooManyCells { limit: 5 }));
}

#[test]
fn blank_rows_are_counted_and_not_held() {
    let (lines, nothing) = ("\n".repeat(800_000), ",,\n".repeat(800_000));
    for text in
        [format!("{lines}phone,name\n2025550101,Ada\n\n"), format!("phone,name\n{nothing}2025550101,Ada\n\n")]
    {
        let list = open_text(&text).unwrap();
        assert!(list.blank.rows > 200_000 && list.first.len() < 4, "{} held", list.first.len());
        let outcome = read(list, 2);
        let account = &outcome.account;
        assert_eq!((account.rows, account.imported, account.blank), (800_002, 1, 800_001));
        assert_eq!(outcome.contacts[0].row, 800_002);
    }
}

#[test]
fn a_few_rows_of_great_length_tell_as_much_as_many() {
    let note = ",".to_owned() + &"x".repeat(2 << 20);
    let rows: String = (0..12).map(|n| format!("20255501{n:02}{note}\n")).collect();
    let list = open_text(&format!("phone,note\n{rows}")).unwrap();
    assert!(list.first.len() < 10, "{} held", list.first.len());
    let account = read(list, 2).account;
    assert_eq!((account.rows, account.rejected), (12, 12));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_row_is_accounted_for_in_order_whoever_does_the_work(
        rows in some_rows(), workers in 1_usize..5, chunk in 1_usize..9,
    ) {
        // A list of nothing but a header is refused as a whole, so one row is always there.
        let text = format!("name,phone,note,country\nZoe,2025550199,,\n{rows}\n");
        let expected = read(open_text(&text).unwrap(), 1);
        let account = &expected.account;
        prop_assert_eq!(
            account.rows,
            account.imported + account.duplicates + account.rejected + account.blank
        );
        prop_assert_eq!(account.imported, expected.contacts.len());
        prop_assert!(expected.contacts.is_sorted_by_key(|contact| contact.row));
        prop_assert!(expected.rows.is_sorted_by_key(|row| row.row));

        let mut list = open_text(&text).unwrap();
        list.first.clear();
        list.reading =
            {
                let (source, sheet) = (Source::Bytes(text.into_bytes()).into(), Wanted::Visible { after: 0 });
                reading::open_in_pieces(source, sheet, &us().limits, Region::US, chunk)
            }
                .unwrap();
        let split = read(list, workers);
        prop_assert_eq!(format!("{split:?}"), format!("{expected:?}"));
    }

    #[test]
    fn what_was_refused_is_refused_again_for_the_same_reason_until_it_is_corrected(rows in some_rows()) {
        let text = format!("name,phone,note,country\nZoe,2025550199,,\n{rows}\n");
        let list = open_text(&text).unwrap();
        let header = list.rejects_header();
        let first = read(list, 2);
        let rows: Vec<&RowReport> = refused(&first);
        prop_assume!(!rows.is_empty());

        let again = open(Source::Bytes(rejects_of(&header, &rows, |_| {})), &us()).unwrap();
        prop_assert_eq!(again.rejects_header(), header.clone());
        let again = read(again, 2);
        let said = |rows: &[&RowReport]| -> Vec<_> {
            rows.iter().map(|row| (row.column.clone(), row.value.clone(), row.reason, row.kind.clone())).collect()
        };
        prop_assert_eq!(said(&refused(&again)), said(&rows));

        let correct = |cells: &mut Vec<String>| {
            cells.iter_mut().for_each(|cell| *cell = cell.replace('"', ""));
            cells.resize(cells.len().max(4), String::new());
            cells[1] = "+1 202 555 0142".to_owned();
        };
        let corrected = open(Source::Bytes(rejects_of(&header, &rows, correct)), &us()).unwrap();
        prop_assert_eq!(corrected.columns(), ["note", "country"]);
        let corrected = read(corrected, 2);
        prop_assert_eq!(corrected.account.imported, 1);
        prop_assert_eq!(corrected.account.duplicates, rows.len() - 1);
        let Kind::Refused { cells, .. } = &rows[0].kind else { panic!("it was refused") };
        let metadata: serde_json::Value = serde_json::from_str(corrected.contacts[0].metadata.get()).unwrap();
        let note = metadata.get("note").map_or("", |note| note.as_str().unwrap());
        prop_assert_eq!(note, cells.get(2).map_or("", String::as_str));
    }
}

#[test]
fn a_rejects_file_of_a_list_without_a_header_knows_its_columns() {
    let text = "Ada Marsh,2025550101,gold\nAlan Park,20255,silver\nGrace Okafor,2025550102,gold\n";
    let list = open_text(text).unwrap();
    let header = list.rejects_header();
    assert_eq!(header[0], "outdial reason (phone = Column 2 | name = Column 1)");
    let first = read(list, 1);
    let bytes = rejects_of(&header, &refused(&first), |cells| cells[1] = "2025550103".to_owned());
    let again = read(open(Source::Bytes(bytes), &us()).unwrap(), 1);
    assert_eq!(again.contacts[0].name.as_deref(), Some("Alan Park"));
    assert_eq!(again.contacts[0].metadata.get(), r#"{"Column 3":"silver"}"#);
    assert_eq!(again.account.imported, 1);
}

#[test]
fn nobody_else_is_called_when_refused_rows_come_back_as_they_are() {
    for text in [
        "Name,Phone,Manager\nAda,2025550101,2025550199\nAlan,2O2-555-O1O3,2025550197\n",
        "Name,Phone,Mobile\nAda,2025550101,\nAlan,2O2-555-O1O3,2025550197\n",
        "Name,Phone,Day\nAda,2025550101,Friday\nPark, Alan,2025550103,Monday\n",
        "Name,Phone,Priority\nAda,2025550101,1\nBo,2025550102,2\nCy,2025550103,3\nDee,2025550104,4\nAlan,2025550105,high\n",
        "Name,Phone,Ext\nAda,2025550101,1\nBo,2025550102,2\nCy,2025550103,3\nDee,2025550104,4\nAlan,2025550105,front desk\n",
        "Name,Phone,Location\nAda,2025550101,US\nBo,2025550102,US\nCy,2025550103,US\nDee,2025550104,US\nAlan,2025550105,Atlantis\n",
        "Name,Phone | Mobile,Day\nAda,2025550101,Friday\nPark, Alan,2025550103,Monday\n",
    ] {
        let list = open_text(text).unwrap();
        let header = list.rejects_header();
        let first = read(list, 1);
        let bytes = rejects_of(&header, &refused(&first), |_| {});
        let again = read(open(Source::Bytes(bytes), &us()).unwrap(), 1);
        assert_eq!((again.account.imported, again.account.rejected), (0, 1), "{text}");
    }
}

#[test]
fn a_row_with_an_unclosed_quotation_comes_back_as_its_cells_and_is_taken_once_it_is_corrected() {
    let list = open_text("name,phone\nZoe,2025550199\n\"Fay,2025550101\nGil \"x,2025550102\n").unwrap();
    let header = list.rejects_header();
    let first = read(list, 1);
    let Kind::Refused { cells, .. } = &refused(&first)[0].kind else { panic!("it was refused") };
    assert_eq!(cells[..], ["\"Fay", "2025550101"]);
    let bytes = rejects_of(&header, &refused(&first), |cells| cells[0] = "Fay".to_owned());
    let again = read(open(Source::Bytes(bytes), &us()).unwrap(), 1);
    assert_eq!(again.contacts[0].name.as_deref(), Some("Fay"));
    assert_eq!((again.account.imported, again.account.rejected), (1, 0));
}

#[test]
fn a_rejects_file_is_read_again_however_little_of_it_is_text() {
    for text in [
        format!("phone\n2025550101\n{}", format!("{}\n", "1\0\0\0\0\0\u{1}\u{fffd}".repeat(40)).repeat(30)),
        format!("phone{}\n2025550101{}\n1{}\n", ",a".repeat(511), ",b".repeat(511), ",c".repeat(511)),
    ] {
        // As such a list comes: what is odd about it stands where nobody looks for it.
        let text = text.replacen('\n', &"\n".repeat(9_000), 2);
        let list = open_text(&text).unwrap();
        let header = list.rejects_header();
        let first = read(list, 1);
        let bytes = rejects_of(&header, &refused(&first), |_| {});
        let again = read(open(Source::Bytes(bytes), &us()).unwrap(), 1);
        let cells = |outcome: &Outcome| -> Vec<_> {
            refused(outcome).iter().map(|row| (row.reason, row.kind.clone())).collect()
        };
        assert_eq!(cells(&again), cells(&first));
    }
}

#[test]
fn a_rejects_file_of_a_list_of_numbers_is_a_list_of_numbers() {
    let list = open_text("2025550101\n20255\n2025550102\n").unwrap();
    let header = list.rejects_header();
    let first = read(list, 1);
    let bytes = rejects_of(&header, &refused(&first), |cells| cells[0] = "+12025550103".to_owned());
    let again = read(open(Source::Bytes(bytes), &us()).unwrap(), 1);
    assert_eq!((again.account.imported, again.account.rejected), (1, 0));
    assert!(again.account.columns.is_empty());
}

#[test]
fn a_sink_that_has_enough_stops_the_list() {
    let text: String = (0..40_000).map(|n| format!("202555{:04}\n", n % 10_000)).collect();
    let text = format!("phone\n{text}");
    let mut batches = 0;
    let stopped = open_text(&text).unwrap().read(&mut |_| {
        batches += 1;
        if batches == 2 { Err(Stopped) } else { Ok(()) }
    });
    assert_eq!((stopped.unwrap_err(), batches), (ImportError::Stopped, 2));
}

#[test]
fn batches_are_some_thousands_of_contacts() {
    let numbers = |area: u32| (0..9_000).map(move |n| format!("+1{area}4{:06}\n", 200_000 + n));
    let text: String = numbers(202).chain(numbers(212)).collect();
    let mut sizes = Vec::new();
    let account = open_text(&format!("phone\n{text}"))
        .unwrap()
        .read(&mut |batch| {
            sizes.push(batch.contacts.len());
            Ok(())
        })
        .unwrap();
    assert_eq!(account.rows, 18_000);
    assert!(sizes.iter().all(|size| *size <= 5_000), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), account.imported);
}

#[test]
fn a_batch_of_large_rows_has_fewer_of_them() {
    let note = "x".repeat(30_000);
    let text: String = (0..600).map(|n| format!("12{n},{note}\n")).collect();
    let mut sizes = Vec::new();
    let list = open_text(&format!("phone,note\n2025550101,\n{text}")).unwrap();
    list.read(&mut |batch| {
        sizes.push(batch.rows.len());
        Ok(())
    })
    .unwrap();
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= 300), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 600);
}

#[test]
fn a_list_as_a_whole_is_warned_of() {
    let warned = |rows: &dyn Fn(usize) -> String| -> Vec<WarningKind> {
        let text: String = (0..20).map(rows).collect();
        let list = open_text(&format!("name,phone\n{text}")).unwrap();
        read(list, 1).account.warnings.into_iter().map(|warning| warning.kind).collect()
    };
    assert_eq!(warned(&|n| format!("Ada,202-555-01{n:02}\n")), []);
    assert_eq!(warned(&|n| format!("Ada,202-555-01{:02}\n", n % 10)), [WarningKind::ManyDuplicates]);
    assert_eq!(
        warned(&|n| format!("Ada,2026-03-{:02}\n", n + 1)),
        [WarningKind::LooksLikeDates, WarningKind::MostlyRefused]
    );
    assert_eq!(
        warned(&|n| format!("Ada,${n}.50\n")),
        [WarningKind::LooksLikePrices, WarningKind::MostlyRefused]
    );
    assert_eq!(
        warned(&|n| format!("Ada,10{:02}\n", n * 4)),
        [WarningKind::LooksLikeIds, WarningKind::MostlyRefused]
    );
    assert_eq!(warned(&|n| format!("Ada,+1 416-555-01{n:02}\n")), [WarningKind::OtherCountry]);
}

#[test]
fn what_rows_come_to_is_given_in_parts_though_a_short_row_comes_to_much() {
    let titles = (0..50).map(|n| format!("{n} {}", "x".repeat(2000))).collect::<Vec<_>>().join(",");
    let row = format!("2025550101{}\n", ",y".repeat(50));
    let text = format!("phone,{titles}\n{}", row.repeat(2000));
    let List { plan, first, .. } =
        open(Source::Bytes(text.into_bytes()), &Options::for_region(Region::US)).unwrap();
    let (mut sizes, mut read) = (Vec::new(), 0);
    for chunk in &first {
        read += chunk.rows().count();
        let size = |taken: &Taken| match taken {
            Taken::Contact(candidate) => candidate.contact.metadata.get().len(),
            Taken::Blank | Taken::Refused(_) => 0,
        };
        let given = Intake::new(&plan).take(chunk.rows(), |taken| {
            sizes.push((taken.rows.len(), taken.rows.iter().map(size).sum::<usize>()));
            Ok::<_, ()>(())
        });
        assert_eq!(given, Ok(()));
    }
    assert_eq!(sizes.iter().map(|(rows, _)| rows).sum::<usize>(), read - 1);
    assert!(sizes.len() > 1 && sizes.iter().all(|(_, bytes)| *bytes < 5 << 20), "{sizes:?}");
}

/// A workbook of these sheets, each with its rows of cells between bars.
fn workbook(sheets: &[(&str, &str)]) -> String {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let row = |line: &str| {
        let cells: String = line.split('|').map(cell).collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let sheet = |(name, text): &(&str, &str)| {
        let rows: String = text.lines().map(row).collect();
        format!("<table:table table:name=\"{name}\">{rows}</table:table>")
    };
    let sheets: String = sheets.iter().map(sheet).collect();
    format!(
        "<?xml version=\"1.0\"?><office:document xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\" \
         office:mimetype=\"application/vnd.oasis.opendocument.spreadsheet\"><office:body><office:spreadsheet>\
         {sheets}</office:spreadsheet></office:body></office:document>"
    )
}

const COVER: (&str, &str) = ("Cover", "Clinic list, confidential\nas of|March");
const PATIENTS: (&str, &str) = ("Patients", "Patient|Phone\nAda Marsh|2025550101");

#[test]
fn a_cover_page_is_passed_over_for_the_sheet_with_the_numbers_and_it_is_said() {
    let outcome = read(open_text(&workbook(&[COVER, ("Empty", ""), PATIENTS])).unwrap(), 1);
    assert_eq!(outcome.contacts[0].name.as_deref(), Some("Ada Marsh"));
    let said: Vec<_> = outcome.account.warnings.iter().map(|warning| &*warning.sentence).collect();
    assert_eq!(said, ["the sheet \"Patients\" is read, as \"Cover\" before it holds no list"]);
    let outcome = read(open_text(&workbook(&[PATIENTS, COVER])).unwrap(), 1);
    assert_eq!((outcome.contacts.len(), outcome.account.warnings.len()), (1, 0));
}

#[test]
fn without_any_numbers_the_error_names_the_sheets_and_the_setting() {
    let refused = |text: &str, options: &Options| {
        open(Source::Bytes(text.as_bytes().to_vec()), options).unwrap_err().to_string()
    };
    let notes = ("Notes", "Note\nremember");
    let error = refused(&workbook(&[COVER, notes]), &us());
    assert!(error.contains("\"Clinic list, confidential\"") || error.contains("\"Column 1\""), "{error}");
    let place = " in the sheet \"Cover\", and no such column in \"Notes\" either; `sheet` names another one to read, also a \
                 hidden one";
    assert!(error.ends_with(place), "{error}");
    let named = Options { sheet: Some("cover".to_owned()), ..us() };
    let error = refused(&workbook(&[COVER, PATIENTS]), &named);
    assert!(error.contains(" in the sheet \"Cover\"; `sheet` names"), "what is named is read: {error}");
    let many: Vec<(&str, &str)> = vec![notes; SHEETS].into_iter().chain([PATIENTS]).collect();
    assert!(refused(&workbook(&many), &us()).contains("expected a column"), "so many are tried, and no more");
}

#[test]
fn a_rejects_file_comes_back_as_a_workbook_though_its_list_had_as_many_columns_as_a_list_may_have() {
    let (titles, notes) = (",note".repeat(MAX_COLUMNS - 1), ",x".repeat(MAX_COLUMNS - 1));
    let list = open_text(&format!("phone{titles}\n2025550101{notes}\n20255{notes}\n")).unwrap();
    let header = list.rejects_header();
    let first = read(list, 1);
    let bytes = rejects_of(&header, &refused(&first), |cells| cells[0] = "2025550102".to_owned());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
    let lines = reader.records().map(|record| record.unwrap().iter().collect::<Vec<_>>().join("|"));
    let sheet = lines.collect::<Vec<_>>().join("\n");
    let again = read(open_text(&workbook(&[("Rejects", &sheet)])).unwrap(), 1);
    assert_eq!((again.account.imported, again.account.rejected), (1, 0), "{:?}", again.rows);

    let wider = workbook(&[(
        "Wider",
        &format!("phone|{}\n2025550103|{}", titles.replace(',', "|"), notes.replace(',', "|")),
    )]);
    let refused = read(open_text(&wider).unwrap(), 1);
    assert_eq!(refused.rows[0].reason, "too-many-columns");
}

#[test]
fn a_sheet_is_read_from_a_file_while_another_one_was() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, workbook(&[COVER, PATIENTS]).as_bytes()).unwrap();
    let list = open(Source::File(file), &us()).unwrap();
    assert_eq!(read(list, 1).contacts.len(), 1);
}
