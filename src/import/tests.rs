//! Each oddity of the fixtures, by its file.

use std::path::Path;

use super::*;

fn us() -> Options {
    Options::for_region(Region::US)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<Import, ImportError> {
    read(Source::Bytes(bytes.to_vec()), &us())
}

fn import(name: &str) -> Import {
    let import = read_bytes(&bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_accounted(&import);
    import
}

fn refusal(name: &str) -> &'static str {
    read_bytes(&bytes(name)).map(|_| ()).expect_err(name).reason()
}

fn assert_accounted(import: &Import) {
    let account = &import.account;
    let sum = account.imported + account.duplicates + account.rejected + account.blank;
    assert_eq!(account.rows, sum, "every row is accounted for, once");
    assert_eq!(account.imported, import.contacts.len());
    let said = |kind: &str| import.rows.iter().filter(|row| row.kind.as_str() == kind).count();
    assert_eq!(
        (account.rejected, account.duplicates, account.repaired),
        (said("refused"), said("duplicate"), said("repaired"))
    );
    assert_eq!(account.reasons.iter().map(|reason| reason.count).sum::<usize>(), import.rows.len());
}

/// Row, name and number of each contact.
fn people(import: &Import) -> Vec<(u32, &str, &str)> {
    import
        .contacts
        .iter()
        .map(|contact| (contact.row, contact.name.as_deref().unwrap_or(""), contact.phone.as_str()))
        .collect()
}

fn refused(import: &Import) -> Vec<(u32, &str, &str)> {
    let refused = import.rows.iter().filter(|row| matches!(row.kind, Kind::Refused { .. }));
    refused.map(|row| (row.row, &*row.column, row.reason)).collect()
}

/// Rows and those that they repeat.
fn repeated(import: &Import) -> Vec<(u32, u32)> {
    let repeats = |row: &RowReport| match row.kind {
        Kind::Duplicate { repeats } => Some((row.row, repeats)),
        Kind::Refused { .. } | Kind::Repaired => None,
    };
    import.rows.iter().filter_map(repeats).collect()
}

fn columns(import: &Import) -> Vec<&str> {
    import.account.columns.iter().map(String::as_str).collect()
}

fn phone_column(import: &Import) -> &str {
    import.account.phone_column().unwrap()
}

fn field(contact: &NewContact, column: &str) -> String {
    let metadata: serde_json::Value = serde_json::from_str(contact.metadata.get()).unwrap();
    // An empty cell is not kept.
    metadata.get(column).map_or_else(String::new, |text| text.as_str().unwrap().to_owned())
}

/// The three people that most fixtures are about, in the rows they have below one header.
const THREE: [(u32, &str, &str); 3] =
    [(2, "Ada Marsh", "+12025550101"), (3, "Grace Okafor", "+12025550102"), (4, "Alan Park", "+12025550103")];

#[test]
fn the_demo_list_has_fifty_five_people_three_bad_rows_and_two_duplicates() {
    let import = import("contacts.csv");
    assert_eq!((import.account.rows, import.contacts.len(), import.account.blank), (60, 55, 0));
    assert_eq!(
        refused(&import),
        [(18, "Phone", "too-short"), (35, "Phone", "letters"), (49, "Phone", "lossy-scientific")]
    );
    assert_eq!(repeated(&import), [(27, 6), (54, 33)]);
    assert_eq!(phone_column(&import), "Phone");
    assert_eq!(import.account.name_column().as_deref(), Some("Name"));
    assert_eq!(columns(&import), ["Company", "Appointment", "Notes"]);
    assert!(import.contacts.iter().all(|contact| contact.phone.as_str()[5..].starts_with("55501")));
    let extensions: Vec<_> =
        import.contacts.iter().filter_map(|contact| contact.extension.as_deref()).collect();
    assert_eq!(extensions, ["204", "17"]);
}

#[test]
fn delimiters_and_line_ends_make_no_difference() {
    for name in ["semicolons.csv", "tabs.txt", "pipes.csv", "cr_only.csv", "mixed_line_ends.csv"] {
        let import = import(name);
        assert_eq!(people(&import), THREE, "{name}");
        assert_eq!(columns(&import), ["Day"], "{name}");
        assert_eq!(field(&import.contacts[0], "Day"), "Tuesday", "{name}");
    }
    let import = import("declared_separator.csv");
    assert_eq!(import.contacts[0].row, 3, "the line with the separator counts as a line");
}

#[test]
fn encodings_make_no_difference() {
    for name in ["utf8_bom.csv", "utf16.csv", "utf16_big_endian.csv", "windows_1252.csv"] {
        let import = import(name);
        assert_eq!(people(&import)[0], (2, "Zoë Müller", "+12025550101"), "{name}");
        assert_eq!(import.account.name_column().as_deref(), Some("Name"), "{name}");
    }
    assert_eq!(people(&import("windows_1252.csv"))[3].1, "François Lefèvre");
    assert_eq!(field(&import("windows_1252.csv").contacts[0], "Day"), "Tuesday – noon");
}

#[test]
fn a_broken_character_does_not_spoil_the_others() {
    let mut damaged = "Name,Phone\n".to_owned() + &"Zoë Müller,(202) 555-0101\n".repeat(20);
    damaged.push_str("Bj?rn,202-555-0102\n");
    let mut damaged = damaged.into_bytes();
    let place = damaged.iter().position(|c| *c == b'?').unwrap();
    damaged[place] = 0xf6;
    let import = read_bytes(&damaged).unwrap();
    assert_eq!(import.contacts[0].name.as_deref(), Some("Zoë Müller"));
    assert_eq!(import.contacts[1].name.as_deref(), Some("Bj\u{fffd}rn"));
}

#[test]
fn a_file_without_a_header_loses_no_row() {
    let import = import("no_header.csv");
    assert_eq!(people(&import), THREE.map(|(row, name, phone)| (row - 1, name, phone)));
    assert_eq!((phone_column(&import), columns(&import)), ("Column 2", vec!["Column 3"]));
}

#[test]
fn a_phone_column_is_found_by_its_content() {
    let import = import("unnamed_phone_column.csv");
    assert_eq!(phone_column(&import), "Reachable at");
    assert_eq!(columns(&import), ["Who", "When"], "the header says what it is, so nobody guesses the name");
    assert_eq!(import.contacts.len(), 3);
}

#[test]
fn a_first_row_with_a_word_that_headers_use_is_still_a_row() {
    let import = read_bytes(b"Ada Marsh,2025550101,mobile\nAlan Park,2025550102,work").unwrap();
    assert_eq!(import.contacts.len(), 2);
    let import = read_bytes(b"Ada Marsh,12\nAlan Park,2025550102\nGrace Okafor,2025550103").unwrap();
    assert_eq!(refused(&import), [(1, "Column 2", "short-number")]);
}

#[test]
fn a_column_called_number_gives_way_to_one_that_holds_numbers() {
    let import = read_bytes(b"Number,Name,Line\n1,Ada,2025550101\n2,Alan,2025550102").unwrap();
    assert_eq!((phone_column(&import), import.contacts.len()), ("Line", 2));
}

#[test]
fn the_plainest_phone_column_is_taken_and_the_others_stay_metadata() {
    let import = import("several_phone_columns.csv");
    assert_eq!(phone_column(&import), "Phone");
    assert_eq!(columns(&import), ["Phone type", "Fax", "Work phone"]);
}

#[test]
fn ragged_rows_keep_what_they_have() {
    let import = import("ragged.csv");
    assert_eq!(people(&import), THREE);
    assert_eq!(columns(&import), ["Day", "Column 4", "Column 5"]);
    assert_eq!(field(&import.contacts[0], "Day"), "");
    assert_eq!(field(&import.contacts[1], "Column 5"), "very late");
}

#[test]
fn rows_are_named_by_the_line_they_begin_on() {
    let import = import("quoted_newlines.csv");
    assert_eq!(import.contacts[0].name.as_deref(), Some("Marsh, Ada"));
    assert_eq!(field(&import.contacts[0], "Address"), "1 Main St\nFloor 2\nWashington");
    assert_eq!(import.contacts[1].row, 5);
    assert_eq!(field(&import.contacts[1], "Address"), "12 \"Old\" Mill Rd");
    assert_eq!(refused(&import), [(6, "Phone", "short-number")]);
}

#[test]
fn an_unclosed_quote_costs_one_row() {
    let import = import("unclosed_quote.csv");
    assert_eq!(refused(&import), [(2, "Name", "unclosed-quote")]);
    assert_eq!(people(&import), THREE[1..]);
}

#[test]
fn first_and_last_names_are_joined_and_kept() {
    let import = import("first_and_last_name.csv");
    let names: Vec<_> = import.contacts.iter().map(|contact| contact.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["Ada Marsh", "Okafor", "Alan"]);
    assert_eq!(columns(&import), ["First Name", "Last Name"]);
    assert_eq!(import.account.name_column().as_deref(), Some("First Name + Last Name"));
}

#[test]
fn columns_without_a_name_of_their_own_get_one() {
    let import = import("duplicate_and_empty_headers.csv");
    assert_eq!(columns(&import), ["Notes", "Column 4", "Notes 2", "notes 3"]);
    let values: Vec<_> =
        columns(&import).into_iter().map(|column| field(&import.contacts[0], column)).collect();
    assert_eq!(values, ["a", "b", "c", "d"]);
}

#[test]
fn blank_rows_are_counted_and_nothing_else() {
    let import = import("blank_rows.csv");
    assert_eq!((import.account.rows, import.account.blank), (7, 5));
    assert_eq!(people(&import), [(3, "Ada Marsh", "+12025550101"), (6, "Grace Okafor", "+12025550102")]);
}

#[test]
fn a_list_of_numbers_is_a_list() {
    let import = import("one_number_a_line.txt");
    let rows: Vec<_> = import.contacts.iter().map(|contact| (contact.row, contact.phone.as_str())).collect();
    assert_eq!(rows, [(1, "+12025550101"), (2, "+12025550102"), (3, "+12025550103")]);
    assert_eq!(refused(&import), [(4, "Column 1", "short-number")]);
}

#[test]
fn several_numbers_on_a_line_are_contacts_each() {
    let import = import("several_numbers_a_line.txt");
    assert_eq!((import.account.rows, import.contacts.len()), (5, 4));
    assert_eq!(repeated(&import), [(2, 1)]);
}

#[test]
fn a_failed_formula_is_its_rows_matter() {
    let import = import("formula_errors.csv");
    assert_eq!(refused(&import), [(2, "Phone", "cell-error"), (3, "Name", "cell-error")]);
    assert_eq!(people(&import), THREE[2..]);
}

#[test]
fn what_spreadsheets_do_to_numbers_is_undone() {
    let import = import("excel_artefacts.csv");
    let phones: Vec<_> = import.contacts.iter().map(|contact| contact.phone.as_str()).collect();
    assert_eq!(phones, ["+12025550101", "+12025550102", "+12025550103", "+12025550104"]);
    assert_eq!(refused(&import), [(6, "Phone", "lossy-scientific")]);
}

#[test]
fn a_nul_is_its_rows_matter() {
    let import = import("nul.csv");
    assert_eq!(refused(&import), [(2, "Day", "nul-character")]);
    assert_eq!(import.rows[0].value, "Tu•••y");
    assert_eq!(import.contacts.len(), 2);
}

#[test]
fn a_workbooks_numbers_keep_their_digits_and_its_dates_begin_with_the_year() {
    let import = import("numeric_phones.xlsx");
    assert_eq!(people(&import), THREE);
    assert_eq!(import.contacts[0].raw_phone, "2025550101");
    let values = |index: usize| -> Vec<String> {
        columns(&import).into_iter().map(|column| field(&import.contacts[index], column)).collect()
    };
    assert_eq!(columns(&import), ["Appointment", "Visits", "Time"]);
    assert_eq!(values(0), ["2026-03-02 09:30", "3", "09:30"]);
    assert_eq!(values(1), ["2026-03-03", "2.5", "17:00"]);
    assert_eq!(values(2), ["", "TRUE", ""]);
}

#[test]
fn the_first_visible_sheet_with_content_is_read_wherever_it_begins() {
    let import = import("later_sheet.xlsx");
    assert_eq!(import.contacts.iter().map(|contact| contact.row).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(refused(&import), [(7, "Phone", "cell-error")]);
}

#[test]
fn a_cell_in_the_farthest_corner_costs_no_memory() {
    let import = import("far_cell.xlsx");
    assert_eq!(import.contacts.len(), 1);
    assert_eq!(refused(&import), [(1_048_576, "Column 513", "too-many-columns")]);
}

#[test]
fn an_old_workbook_is_read_as_well() {
    let import = import("contacts.xls");
    let numbers: Vec<_> = people(&import).into_iter().map(|(row, _, phone)| (row, phone)).collect();
    assert_eq!(numbers, THREE.map(|(row, _, phone)| (row, phone)));
    assert_eq!(import.contacts[1].name.as_deref(), Some("Zoë Müller"));
    assert_eq!(field(&import.contacts[0], "Day"), "2026-03-02");
}

#[test]
fn a_file_is_what_it_contains_and_not_what_it_is_called() {
    assert_eq!(refusal("web_page.xls"), "not-a-list");
    assert_eq!(refusal("archive.xlsx"), "not-a-list");
    assert_eq!(refusal("binary.csv"), "not-a-list");
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    for (name, reason) in [
        ("empty.csv", "empty-file"),
        ("only_blank_lines.csv", "empty-file"),
        ("header_only.csv", "header-only"),
        ("no_phone_column.csv", "no-phone-column"),
        ("not_a_workbook.xlsx", "corrupt"),
        ("truncated.xlsx", "corrupt"),
        ("inflates_without_end.xlsx", "too-large"),
        ("password.xlsx", "encrypted"),
    ] {
        assert_eq!(refusal(name), reason, "{name}");
    }
    let error = read_bytes(&bytes("no_phone_column.csv")).unwrap_err().to_string();
    assert!(error.ends_with("found \"Name\", \"Day\""), "{error}");
}

#[test]
fn more_rows_than_allowed_are_refused() {
    let list = "2025550101\n".repeat(101) + &"\n".repeat(MAX_ROWS);
    assert_eq!(read_bytes(list.as_bytes()).unwrap_err(), ImportError::TooManyRows { limit: MAX_ROWS });
}

#[test]
fn a_row_with_too_many_columns_costs_only_itself() {
    let wide = ",".repeat(MAX_COLUMNS);
    let list = format!("name,phone{}\nAda,2025550101\nAlan,2025550102{wide}x\n", ",x".repeat(50_000));
    let import = read_bytes(list.as_bytes()).unwrap();
    assert_eq!(import.contacts.len(), 1);
    assert_eq!(refused(&import), [(3, "Column 513", "too-many-columns")]);
    assert_eq!(columns(&import).len(), MAX_COLUMNS - 2);
}

#[test]
fn no_refused_row_shows_its_number() {
    let import = read_bytes(b"phone\n+1 900 555 0123\n2025550101\n202555014\n911").unwrap();
    let values: Vec<_> = import.rows.iter().map(|row| row.value.as_str()).collect();
    assert_eq!(values, ["+1 9•••23", "202•••4", "9•••"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_accounted_for_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        if let Ok(import) = read_bytes(&bytes) {
            assert_accounted(&import);
        }
    }

    #[test]
    fn any_table_is_accounted_for_and_no_line_is_lost(
        text in "(name,phone\n)?([a-c\"#]{0,3}[,;\t|]{0,2}[2-9]{0,2}(2025550101|2025550102|)[\"\n\r,;]{1,3}){0,30}",
    ) {
        if let Ok(import) = read_bytes(text.as_bytes()) {
            assert_accounted(&import);
            let unified = text.replace("\r\n", "\n").replace('\r', "\n");
            let lines = unified.lines().count();
            let last = import.contacts.iter().map(|contact| contact.row)
                .chain(import.rows.iter().map(|row| row.row)).max().unwrap_or(0);
            proptest::prop_assert!(usize::try_from(last).unwrap() <= lines.max(1));
        }
    }

    #[test]
    fn a_damaged_workbook_is_read_or_refused(
        name in proptest::sample::select(vec!["numeric_phones.xlsx", "contacts.xls"]),
        damage in proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 1..4),
    ) {
        let mut bytes = bytes(name);
        for (place, byte) in damage {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(import) = read_bytes(&bytes) {
            assert_accounted(&import);
        }
    }
}
