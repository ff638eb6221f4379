//! What single rows come to.

use super::*;
use crate::import::{ColumnMapping, Import, Options, Source, read};

fn take_with(text: &str, columns: ColumnMapping) -> Import {
    let options = Options { columns, ..Options::for_region(Region::US) };
    read(Source::Bytes(text.as_bytes().to_vec()), &options).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn take(text: &str) -> Import {
    take_with(text, ColumnMapping::default())
}

/// Row, column and reason of what was said.
fn said(import: &Import) -> Vec<(u32, &str, &str)> {
    import.rows.iter().map(|row| (row.row, &*row.column, row.reason)).collect()
}

fn phones(import: &Import) -> Vec<&str> {
    import.contacts.iter().map(|contact| contact.phone.as_str()).collect()
}

#[test]
fn a_rows_country_says_where_its_number_is() {
    let import = take(
        "name,country,phone\n\
         Ada,Germany,030 23125 001\n\
         Bob,,202-555-0101\n\
         Cay,Atlantis,202-555-0102\n\
         Dee,Atlantis,+1 202-555-0103\n\
         Eve,Atlantis,+49 30 23125 002\n\
         Fay,USA,12\n",
    );
    assert_eq!(phones(&import), ["+493023125001", "+12025550101", "+12025550103", "+493023125002"]);
    assert_eq!(said(&import), [(4, "country", "unknown-country"), (7, "phone", "short-number")]);
    assert_eq!(import.account.columns, ["country"], "what is kept nowhere else is metadata");
}

#[test]
fn zones_priorities_and_extensions_are_taken_or_refused() {
    let import = take(
        "phone,timezone,priority,ext\n\
         2025550101,America/New_York,5,12\n\
         2025550102,,,\n\
         2025550103,EST5,,\n\
         2025550104,,high,\n\
         2025550105,,2000,\n\
         2025550106,,1,12345678\n\
         2025550107 x5,,1,5\n\
         2025550108 x5,,1,6\n\
         2025550109,America/Chicago,-7.0,\n",
    );
    let taken: Vec<_> = import
        .contacts
        .iter()
        .map(|contact| {
            let zone = contact.timezone.as_ref().map(|zone| zone.name().to_owned());
            (contact.row, zone, contact.priority, contact.extension.as_deref())
        })
        .collect();
    let zone = |name: &str| Some(name.to_owned());
    assert_eq!(
        taken,
        [
            (2, zone("America/New_York"), 5, Some("12")),
            (3, None, 0, None),
            (8, None, 1, Some("5")),
            (10, zone("America/Chicago"), -7, None),
        ]
    );
    assert_eq!(
        said(&import),
        [
            (4, "timezone", "unknown-timezone"),
            (5, "priority", "bad-priority"),
            (6, "priority", "bad-priority"),
            (7, "ext", "bad-extension"),
            (9, "ext", "bad-extension"),
        ]
    );
    assert!(import.account.columns.is_empty(), "what a contact holds itself is no metadata");
}

#[test]
fn a_zone_that_is_no_place_is_refused_with_the_one_to_write() {
    let import =
        take("phone,timezone\n2025550101,EST\n2025550102,Pacific Time (US & Canada)\n2025550103,UTC\n");
    let said: Vec<_> = import.rows.iter().map(|row| (row.reason, &*row.sentence)).collect();
    assert_eq!(
        said,
        [
            ("unknown-timezone", "expected an IANA name: America/New_York for Eastern time"),
            ("unknown-timezone", "expected an IANA name: America/Los_Angeles for Pacific time"),
            ("unknown-timezone", "expected an IANA name such as America/New_York"),
        ]
    );
}

#[test]
fn a_zone_that_the_number_is_not_in_counts_and_is_said() {
    let import = take(
        "phone,timezone\n2025550101,America/New_York\n2025550102,America/Toronto\n2025550103,Europe/Berlin\n\
         8005550104,Europe/Berlin\n2025550105,America/Denver\n2025550106,\n",
    );
    assert_eq!(import.contacts[2].timezone.as_ref().map(Zone::name), Some("Europe/Berlin"));
    let warnings: Vec<_> = import.account.warnings.iter().map(|warning| &*warning.sentence).collect();
    assert_eq!(
        warnings,
        [
            "2 rows name a time zone that their number is not in, such as row 4: Europe/Berlin, while 202•••3 is in \
          America/New_York; the row counts, not the number"
        ]
    );
}

#[test]
fn contacts_are_one_per_number_and_extension() {
    let import =
        take("phone,ext\n2025550101,\n(202) 555-0101,1\n2025550101,01\n2025550101 x1,\n+12025550101,\n");
    assert_eq!(import.contacts.len(), 3);
    let repeats: Vec<_> = import.rows.iter().map(|row| (row.row, row.kind.clone())).collect();
    assert_eq!(repeats, [(5, Kind::Duplicate { repeats: 3 }), (6, Kind::Duplicate { repeats: 2 })]);
}

#[test]
fn another_column_stands_in_for_an_empty_one_and_is_only_proposed_for_a_wrong_one() {
    let import = take(
        "name,phone,work phone,home phone\n\
         Ada,2025550101,2025550102,2025550101\n\
         Bob,,bad,2025550103\n\
         Cay,202555,2025550104,\n\
         Dee,n/a,,2025550105\n\
         Eve,,,\n",
    );
    assert_eq!(phones(&import), ["+12025550101", "+12025550103", "+12025550105"]);
    assert_eq!(import.contacts[0].alternates, [Phone::from_e164("+12025550102").unwrap()]);
    assert!(import.contacts[1].alternates.is_empty());
    assert_eq!(
        (import.contacts[1].raw_phone.as_str(), import.contacts[1].repair),
        ("2025550103", Some("other-column"))
    );
    assert_eq!(
        said(&import),
        [
            (3, "phone", "other-column"),
            (4, "phone", "short-number"),
            (5, "phone", "other-column"),
            (6, "phone", "empty")
        ]
    );
    let Kind::Refused { suggestion, cells } = &import.rows[1].kind else { panic!("it is refused") };
    assert_eq!(suggestion.as_deref(), Some("+12025550104"));
    assert_eq!(cells, &["Cay", "202555", "2025550104", ""]);
    assert_eq!(import.account.columns, ["work phone", "home phone"], "what the file says of them is kept");
}

#[test]
fn what_was_repaired_is_a_contact_that_says_so() {
    let import =
        take("phone,day\n12025550101.0,Mon\n2025550102,Tue\n(202) 555-0101,Wed\n12025550102.0,Thu\n");
    assert_eq!(phones(&import), ["+12025550101", "+12025550102"]);
    let repairs: Vec<_> = import.contacts.iter().map(|contact| contact.repair).collect();
    assert_eq!(repairs, [Some("fraction-removed"), None]);
    let kinds: Vec<_> = import.rows.iter().map(|row| (row.row, row.kind.as_str(), row.reason)).collect();
    let expected =
        [(2, "repaired", "fraction-removed"), (4, "duplicate", "duplicate"), (5, "duplicate", "duplicate")];
    assert_eq!(kinds, expected, "what came before is no contact, and its repair is of no interest");
    assert_eq!((import.account.repaired, import.account.imported, import.account.rows), (1, 2, 4));
}

#[test]
fn only_the_countries_that_may_be_called_are() {
    let countries = Countries::only(&[Region::US]);
    let options = Options { countries, ..Options::for_region(Region::US) };
    let text = "phone\n2025550101\n+49 30 23125 001\n";
    let import = read(Source::Bytes(text.as_bytes().to_vec()), &options).unwrap();
    assert_eq!(phones(&import), ["+12025550101"]);
    assert_eq!(import.account.rejected, 1);
}

#[test]
fn metadata_is_json_with_the_headers_columns_and_what_a_row_has_beyond() {
    let import =
        take("phone,\"say \"\"hi\"\"\",day\n2025550101,\"a\\b\n\u{1}é\"\n2025550102,,Mon,,\"more\",\n");
    let metadata: Vec<_> = import.contacts.iter().map(|contact| contact.metadata.get()).collect();
    assert_eq!(metadata[0], r#"{"say \"hi\"":"a\\b\n\u0001é"}"#);
    assert_eq!(metadata[1], r#"{"day":"Mon","Column 5":"more"}"#);
    assert_eq!(import.account.columns, ["say \"hi\"", "day", "Column 5"]);
}

#[test]
fn a_phone_column_beyond_the_titles_is_one_like_any_other() {
    let import = take("name,column 3\nAda,x,2025550101,late\nAlan,y,2025550102\n");
    assert_eq!(import.account.phone_column(), Some("Column 3 2"));
    let metadata: Vec<_> = import.contacts.iter().map(|contact| contact.metadata.get()).collect();
    assert_eq!(metadata, [r#"{"column 3":"x","Column 4":"late"}"#, r#"{"column 3":"y"}"#]);
}

#[test]
fn a_wrong_column_that_was_asked_for_is_asked_for() {
    let priority = ColumnMapping { priority: Some("level".to_owned()), ..ColumnMapping::default() };
    let import = take_with("phone,level\n2025550101,high\n2025550102,2\n", priority);
    assert_eq!(said(&import), [(2, "level", "bad-priority")]);
}

#[test]
fn the_account_shows_the_first_contacts_and_some_rows_of_each_reason() {
    let mut text = "name,phone\n".to_owned();
    (0..30).for_each(|n| text.push_str(&format!("Ada,20255501{n:02}\nBob,202555{n:02}\n")));
    let account = take(&text).account;
    assert_eq!((account.first.len(), account.imported, account.rejected), (10, 30, 30));
    assert_eq!(account.first[9].phone.as_str(), "+12025550109");
    assert_eq!(account.reasons.len(), 1);
    let reason = &account.reasons[0];
    assert_eq!((reason.kind, reason.reason, reason.count), ("refused", "too-short", 30));
    assert_eq!(reason.samples.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 5, 7]);
    assert_eq!(account.regions, [(Region::US, 30)]);
}

#[test]
fn a_refused_value_is_masked_and_its_sentence_never_repeats_it() {
    let import = take("phone,timezone\n2025550101,2025550199\n202555,\n");
    for row in &import.rows {
        assert!(row.value.contains('•'), "{}", row.value);
        assert!(!row.sentence.contains("202555"), "{}", row.sentence);
    }
}
