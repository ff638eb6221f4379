use super::*;

mod differential;
mod policy;
mod properties;
mod repairs;

fn us(raw: &str) -> Result<Parsed, PhoneError> {
    parse_phone(raw, Region::US)
}

fn e164(raw: &str, region: &str) -> Result<String, PhoneError> {
    parse_phone(raw, Region::parse(region).unwrap()).map(|parsed| parsed.phone.as_str().to_owned())
}

#[test]
fn every_case_of_the_table_gives_the_number_it_should_or_none() {
    let table = include_bytes!("../../../fixtures/phone_cases.csv");
    let mut wrong = Vec::new();
    let mut count = 0;
    for record in csv::Reader::from_reader(&table[..]).records() {
        let record = record.unwrap();
        let (input, region, expected, note) = (&record[0], &record[1], &record[2], &record[3]);
        let got = e164(input, region);
        if got.as_deref().unwrap_or("") != expected {
            wrong.push(format!("{input:?} in {region}: {got:?}, expected {expected:?} ({note})"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 80, "the table has shrunk to {count} cases");
}

#[test]
fn refusals_have_their_reasons() {
    for (input, region, reason) in [
        ("", "US", "empty"),
        (" \u{200b} ", "US", "empty"),
        ("unknown", "US", "placeholder"),
        ("-", "US", "placeholder"),
        ("someone@example.com", "US", "email"),
        ("2025-05-14", "DK", "date"),
        ("14.05.2025", "DE", "date"),
        ("2025-05-14 10:30", "US", "date"),
        ("(2O2) 555-O143", "US", "letters"),
        ("1.20255E+10", "US", "lossy-scientific"),
        ("*67 2025550143", "US", "service-code"),
        ("#31#2025550143", "US", "service-code"),
        ("911", "US", "emergency"),
        ("112", "DE", "emergency"),
        ("+1911", "US", "emergency"),
        ("40404", "US", "short-number"),
        ("555-1234", "US", "too-short"),
        ("202 555 014", "US", "too-short"),
        ("+1 202 555 01434", "US", "too-long"),
        ("0000000000", "US", "placeholder"),
        ("+999 202 555 0143", "US", "unknown-country-code"),
        ("12025550143", "GB", "missing-plus"),
        ("876 555 1234", "US", "other-country"),
        ("1 876 555 1234", "US", "other-country"),
        ("+1 900 555 0123", "US", "premium-rate"),
        ("1300 123 456", "AU", "shared-cost"),
        ("070 1234 5678", "GB", "personal-number"),
        ("+870 301 234 567", "US", "satellite-or-global"),
        ("2025550143 / 44", "US", "several-numbers"),
        ("2025550143; 123", "US", "several-numbers"),
        ("202-555-0143 x12345678", "US", "extension-too-long"),
        ("202-555-0143 fax", "US", "fax"),
        ("202-555-0143 (do not call)", "US", "remark"),
        ("212-555 home", "US", "short-number"),
    ] {
        let refused = parse_phone(input, Region::parse(region).unwrap());
        assert_eq!(
            refused.as_ref().map_err(PhoneError::reason).err(),
            Some(reason),
            "{input:?}: {refused:?}"
        );
    }
}

#[test]
fn an_extension_is_kept_apart() {
    for input in [
        "202-555-0143 x123",
        "202-555-0143x123",
        "(202) 555-0143 ext. 123",
        "202-555-0143 Extension 123",
        "202-555-0143 #123",
        "202-555-0143, ext 123",
        "202-555-0143,123",
        "+12025550143;ext=123",
        "tel:+1-202-555-0143;ext=123",
    ] {
        let parsed = us(input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
        assert_eq!(parsed.phone.as_str(), "+12025550143", "{input:?}");
        assert_eq!(parsed.extension.as_deref(), Some("123"), "{input:?}");
    }
}

#[test]
fn further_numbers_of_one_text_are_alternates_of_the_first() {
    for input in [
        "2025550143;2025550199",
        "2025550143 | 2025550199",
        "2025550143\n2025550199",
        "202-555-0143 OR 202-555-0199",
        "202-555-0143 / 202-555-0199",
        "2025550143, 2025550199, 202.555.0143",
    ] {
        let parsed = us(input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
        assert_eq!(parsed.phone.as_str(), "+12025550143", "{input:?}");
        let alternates: Vec<_> = parsed.alternates.iter().map(Phone::as_str).collect();
        assert_eq!(alternates, ["+12025550199"], "{input:?}");
    }
}

#[test]
fn a_slash_may_stand_behind_an_area_code() {
    assert_eq!(e164("030/1234567", "DE"), Ok("+49301234567".to_owned()));
    assert_eq!(e164("030/1234567/68", "DE"), Err(PhoneError::SeveralNumbers));
}

#[test]
fn labels_that_only_name_the_line_are_passed_over() {
    for input in ["Mobile: 202-555-0143", "tel. 202-555-0143", "202-555-0143 (home)", "WhatsApp:+12025550143"]
    {
        assert_eq!(e164(input, "US"), Ok("+12025550143".to_owned()), "{input:?}");
    }
}

#[test]
fn fictional_numbers_are_numbers() {
    for area in ["202", "212", "310", "415", "617", "808", "907"] {
        for last in [100, 143, 199] {
            let parsed = us(&format!("({area}) 555-0{last}")).unwrap();
            assert_eq!(parsed.region, Region::US);
            assert_eq!(parsed.number_type, NumberType::FixedLineOrMobile);
        }
    }
}

#[test]
fn the_region_is_the_numbers_own() {
    for (input, default, region) in
        [("07911 123456", "GB", "GG"), ("+1 416 555 0143", "US", "CA"), ("787 555 0143", "US", "PR")]
    {
        let parsed = parse_phone(input, Region::parse(default).unwrap()).unwrap();
        assert_eq!(parsed.region.to_string(), region);
        assert_eq!(parsed.phone.region(), Some(parsed.region));
    }
}

#[test]
fn a_masked_number_hides_its_middle() {
    assert_eq!(us("202-555-0143").unwrap().phone.masked(), "+1202•••0143");
    let shortest = Phone::from_e164("+3545551234").unwrap();
    assert_eq!(shortest.masked(), "+35•••34");
    assert_eq!(format!("{shortest:?}"), "Phone(+35•••34)");
}

#[test]
fn only_e164_is_taken_unread() {
    assert!(Phone::from_e164("+12025550143").is_ok());
    assert!(Phone::from_e164("+15005550006").is_ok(), "a test number of the provider");
    for text in
        ["", "+", "911", "2025550143", "+1 202 555 0143", "+12025550143 ", "+9991234567", "+4900301234567"]
    {
        assert_eq!(Phone::from_e164(text), Err(PhoneError::NotE164), "{text:?}");
    }
}

#[test]
fn a_region_is_two_letters_that_the_metadata_knows() {
    assert_eq!(Region::parse("us"), Ok(Region::US));
    for text in ["", "U", "USA", "001", "XX", "AQ", "ü"] {
        assert_eq!(Region::parse(text), Err(UnknownRegion(text.to_owned())));
    }
}
