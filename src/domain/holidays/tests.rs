use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn holidays(entries: &[&str]) -> Holidays {
    Holidays::new(entries.iter().map(|entry| Holiday::try_from((*entry).to_owned()).unwrap()))
}

#[test]
fn every_file_is_read_and_says_where_it_comes_from() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/data/holidays");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let country = path.file_stem().unwrap().to_str().unwrap();
        assert!(table::list(country).is_some(), "{country} is not bundled");
        let text = std::fs::read_to_string(&path).unwrap();
        for header in ["# source: the Python package holidays ", "# date: 20", "# years: 2025 2032"] {
            assert!(text.contains(header), "{country} lacks {header}");
        }
    }
    assert!(table::countries().len() > 20);
    assert!(table::lists().len() > 100);
}

#[test]
fn a_country_and_its_parts_have_holidays_of_their_own() {
    let cases = [
        ("US", "2026-11-26", Some("Thanksgiving Day")),
        ("US", "2026-07-24", None),
        ("US-UT", "2026-07-24", Some("Pioneer Day")),
        ("US-UT", "2026-11-26", Some("Thanksgiving Day")),
        ("US-LA", "2027-02-09", Some("Mardi Gras")),
        // Independence Day is a Saturday in 2026, and observed on the Friday before.
        ("US", "2026-07-03", Some("Independence Day (observed)")),
        ("GB-SCT", "2026-11-30", Some("Saint Andrew's Day")),
        ("GB-ENG", "2026-11-30", None),
        ("FR", "2026-07-14", Some("National Day")),
        ("DE", "2026-10-03", Some("German Unity Day")),
    ];
    for (list, day, expected) in cases {
        let expected = expected.map_or(Day::Ordinary, |name| Day::Holiday(Some(name)));
        assert_eq!(holidays(&[list]).day(date(day)), expected, "{list} {day}");
    }
}

#[test]
fn a_year_that_no_table_holds_is_unknown_unless_the_date_is_named() {
    let listed = holidays(&["GB", "2033-02-02"]);
    assert_eq!(listed.day(date("2032-12-31")), Day::Ordinary);
    assert_eq!(listed.day(date("2033-02-01")), Day::Unknown);
    assert_eq!(listed.day(date("2033-02-02")), Day::Holiday(None));
    assert_eq!(listed.day(date("2024-12-31")), Day::Unknown);
    assert_eq!(listed.known_until(), Some(date("2032-12-31")));
    assert_eq!(holidays(&["2033-02-02"]).day(date("2040-02-01")), Day::Ordinary);
    assert_eq!(holidays(&["2033-02-02"]).known_until(), None);
}
