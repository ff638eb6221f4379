//! Which numbers are called, and what is never dialed.

use super::super::*;

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

fn reason(text: &str, home: &str, countries: &Countries) -> &'static str {
    read_phone(text, region(home), countries).map_or_else(|refusal| refusal.error.reason(), |_| "accepted")
}

#[test]
fn by_default_national_numbers_are_at_home_and_international_ones_anywhere_but_on_the_expensive_islands() {
    for (text, home, expected) in [
        ("202 555 0143", "US", "accepted"),
        ("787 555 0143", "US", "accepted"),
        ("671 555 0143", "US", "accepted"),
        ("202 555 0143", "PR", "accepted"),
        ("416 555 0143", "US", "written-nationally"),
        ("1 416 555 0143", "US", "written-nationally"),
        ("+1 416 555 0143", "US", "accepted"),
        ("011 1 416 555 0143", "US", "accepted"),
        ("876 555 1234", "US", "other-country"),
        ("1 876 555 1234", "US", "other-country"),
        ("+1 876 555 1234", "US", "other-country"),
        ("+1 876 555 1234", "GB", "other-country"),
        ("00 1 246 250 1234", "DE", "other-country"),
        ("876 555 1234", "JM", "accepted"),
        ("+1 876 555 1234", "JM", "accepted"),
        ("+1 246 250 1234", "JM", "other-country"),
        ("+44 20 7946 0018", "US", "accepted"),
        ("07911 123456", "GB", "accepted"),
        ("07797 712345", "GB", "accepted"),
        ("0692 12 34 56", "FR", "accepted"),
        ("8 701 234 5678", "RU", "written-nationally"),
        ("+7 701 234 5678", "RU", "accepted"),
    ] {
        assert_eq!(reason(text, home, &Countries::default_for(region(home))), expected, "{text} in {home}");
    }
}

#[test]
fn a_row_of_another_country_does_not_open_the_expensive_islands() {
    assert_eq!(reason("876 555 1234", "JM", &Countries::default_for(Region::US)), "other-country");
    assert_eq!(reason("020 7946 0018", "GB", &Countries::default_for(Region::US)), "accepted");
}

#[test]
fn named_countries_and_no_others_are_called() {
    let countries = Countries::parse(["us", "JM", " gb "]).unwrap();
    for (text, home, expected) in [
        ("202 555 0143", "US", "accepted"),
        ("876 555 1234", "US", "accepted"),
        ("+1 876 555 1234", "US", "accepted"),
        ("020 7946 0018", "GB", "accepted"),
        ("07911 123456", "GB", "other-country"),
        ("07797 712345", "GB", "other-country"),
        ("+1 416 555 0143", "US", "other-country"),
        ("+49 30 1234567", "US", "other-country"),
        ("0692 12 34 56", "FR", "other-country"),
    ] {
        assert_eq!(reason(text, home, &countries), expected, "{text} in {home}");
    }
    assert!(countries.allow(region("JM")) && !countries.allow(region("JE")));
    assert_eq!(countries.named().map(<[Region]>::len), Some(3));
    assert_eq!(Countries::default_for(Region::US).named(), None);
}

#[test]
fn countries_are_named_by_their_codes() {
    assert_eq!(Countries::parse(["US", "us"]), Ok(Countries::only(&[Region::US])));
    let sentence = |codes: &[&str]| Countries::parse(codes.iter().copied()).unwrap_err().to_string();
    assert_eq!(
        sentence(&[]),
        "no country is named, expected one or more of two letters each such as US or GB"
    );
    assert_eq!(
        sentence(&["US", "Germany"]),
        "unknown region \"Germany\", expected two letters of ISO 3166-1 such as US or GB"
    );
}

#[test]
fn toll_free_numbers_are_called_at_home_only() {
    for (text, home, expected) in [
        ("800 356 9377", "US", "accepted"),
        ("+1 800 356 9377", "CA", "accepted"),
        ("0800 123 4567", "GB", "accepted"),
        ("+44 800 123 4567", "US", "foreign-toll-free"),
        ("+1 800 356 9377", "GB", "foreign-toll-free"),
        ("+800 1234 5678", "US", "satellite-or-global"),
    ] {
        assert_eq!(reason(text, home, &Countries::default_for(region(home))), expected, "{text} in {home}");
    }
}

#[test]
fn satellites_and_global_services_are_no_country_whatever_their_type() {
    for code in ["870", "878", "881", "882", "883", "888", "979", "800", "808"] {
        for rest in ["12345678", "301234567", "1012345678", "51001234567"] {
            let text = format!("+{code}{rest}");
            assert_eq!(
                reason(&text, "US", &Countries::default_for(Region::US)),
                "satellite-or-global",
                "{text}"
            );
            assert!(Phone::from_e164(&text).is_err(), "{text}");
        }
    }
    assert_eq!(Phone::from_e164("+870301234567"), Err(PhoneError::SatelliteOrGlobal));
}

#[test]
fn emergency_numbers_are_refused_in_every_region_that_may_be_called() {
    for (text, home, expected) in [
        ("911", "US", "emergency"),
        ("9-1-1", "US", "emergency"),
        ("1911", "US", "emergency"),
        ("+1 911", "US", "emergency"),
        ("999", "US", "emergency"),
        ("000", "AU", "emergency"),
        ("+44 999", "US", "emergency"),
        ("0049 112", "US", "too-short"),
        ("+49 112", "DE", "emergency"),
        ("110", "JP", "emergency"),
        ("10111", "ZA", "emergency"),
        ("988", "US", "short-number"),
        ("411", "US", "short-number"),
        ("tel:112", "DE", "emergency"),
        ("Phone: 112", "DE", "emergency"),
        ("+999", "US", "emergency"),
    ] {
        let got = reason(text, home, &Countries::default_for(region(home)));
        assert_eq!(got, expected, "{text} in {home}");
    }
    assert_eq!(reason("999", "US", &Countries::only(&[Region::US])), "short-number");
    assert_eq!(reason("999", "US", &Countries::parse(["US", "GB"]).unwrap()), "emergency");
}

#[test]
fn the_table_of_emergency_numbers_is_whole_and_none_is_ever_dialed() {
    let mut regions = 0;
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let home = Region(region);
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region).unwrap();
        let numbers: Vec<_> = emergency::numbers(home).collect();
        regions += usize::from(!numbers.is_empty());
        for number in numbers {
            let number = number.replace('?', "7");
            for countries in [Countries::default_for(home), Countries::only(&[home])] {
                assert_eq!(reason(&number, &home.to_string(), &countries), "emergency", "{number} in {home}");
            }
            for text in [format!("+{code}{number}"), format!("+{number}"), number.clone()] {
                assert!(parse_phone(&text, home).is_err(), "{text} in {home}");
                assert!(Phone::from_e164(&text).is_err(), "{text} in {home}");
            }
        }
    }
    // Guinea has none in the metadata.
    assert!(regions >= 238, "the table has shrunk to {regions} regions");
}

#[test]
fn what_costs_or_does_not_speak_is_refused_also_when_it_is_dialed() {
    for (text, reason) in [
        ("+19005550123", "premium-rate"),
        ("+448712223333", "premium-rate"),
        ("+611300123456", "shared-cost"),
        ("+447012345678", "personal-number"),
        ("+447640123456", "pager"),
        ("+445512345678", "universal-access"),
        ("+1911", "emergency"),
        ("+44999", "emergency"),
        ("+44999999", "short-number"),
    ] {
        assert_eq!(Phone::from_e164(text).map_err(|error| error.reason()), Err(reason), "{text}");
    }
}

#[test]
fn texts_that_are_no_numbers_are_called_what_they_are() {
    for (text, expected) in [
        ("n/a", "placeholder"),
        ("N.A.", "placeholder"),
        ("(none)", "placeholder"),
        ("---", "placeholder"),
        ("???", "placeholder"),
        ("xxx-xxx-xxxx", "placeholder"),
        ("0", "placeholder"),
        ("1234567890", "placeholder"),
        ("123-456-7890", "placeholder"),
        ("5555555555", "placeholder"),
        ("(999) 999-9999", "placeholder"),
        ("#N/A", "cell-error"),
        ("#REF!", "cell-error"),
        ("#DIV/0!", "cell-error"),
        ("Err:502", "cell-error"),
        ("ada@example.com", "email"),
        ("2025550143@example.com", "email"),
        ("2025-05-14", "date"),
        ("5/14/2025", "date"),
        ("14.05.2025", "date"),
        ("2025-05-14T10:30:00Z", "date"),
        ("14-May-2025", "date"),
        ("May 14, 2025", "date"),
        ("1.2E+10", "lossy-scientific"),
        ("$2025550143", "not-a-number"),
        ("202-555-0143²", "not-a-number"),
        ("Fax: 202-555-0143", "fax"),
        ("202-555-0143 (fax)", "fax"),
        ("202-555-0143 (wrong number)", "remark"),
        ("202-555-0143 [NO LONGER IN USE]", "remark"),
        ("202-555-0143 (не звонить)", "remark"),
        ("202-555-0143 do not call", "remark"),
        ("https://example.com/2025550143", "not-a-number"),
        ("12,345,678.90", "not-a-number"),
        ("12.345.678,90", "not-a-number"),
    ] {
        assert_eq!(reason(text, "US", &Countries::default_for(Region::US)), expected, "{text:?}");
    }
    assert_eq!(reason("22222222", "DK", &Countries::default_for(region("DK"))), "placeholder");
    assert_eq!(reason("20 12 20 20", "DK", &Countries::default_for(region("DK"))), "accepted");
}
