//! What is repaired and says so, and what is only suggested.

use super::super::*;

fn read(text: &str, home: &str) -> Result<Parsed, Refusal> {
    let home = Region::parse(home).unwrap();
    read_phone(text, home, &Countries::default_for(home))
}

#[test]
fn what_is_repaired_says_so() {
    for (text, home, phone, repair) in [
        ("12025550143.0", "US", "+12025550143", "fraction-removed"),
        ("12025550143,00", "US", "+12025550143", "fraction-removed"),
        ("4930123456.00", "DE", "+4930123456", "fraction-removed"),
        ("2,025,550,143", "US", "+12025550143", "thousands-joined"),
        ("2,025,550,143.0", "US", "+12025550143", "thousands-joined"),
        ("1.2025550143E+10", "US", "+12025550143", "scientific-expanded"),
        ("1,2025550143e10", "US", "+12025550143", "scientific-expanded"),
        ("1.20255501430E+10", "US", "+12025550143", "scientific-expanded"),
        ("Mobile: 202-555-0143", "US", "+12025550143", "label-removed"),
        ("Cell phone #: 202-555-0143", "US", "+12025550143", "label-removed"),
        ("Phone 1: 202-555-0143", "US", "+12025550143", "label-removed"),
        ("(home) 202-555-0143", "US", "+12025550143", "label-removed"),
        ("M: +1 202-555-0143", "US", "+12025550143", "label-removed"),
        ("Tél. portable : 06 12 34 56 78", "FR", "+33612345678", "label-removed"),
        ("Móvil: +52 55 1234 5678", "MX", "+525512345678", "label-removed"),
        ("202-555-0143 (home)", "US", "+12025550143", "label-removed"),
        ("202-555-0143 mobile", "US", "+12025550143", "label-removed"),
        ("202-555-0143 x", "US", "+12025550143", "label-removed"),
        ("202-555-0143 ext.", "US", "+12025550143", "label-removed"),
        ("202-555-0143 (ask for Jane)", "US", "+12025550143", "comment-removed"),
        ("202-555-0143 [Spanish] (home)", "US", "+12025550143", "comment-removed"),
        ("whatsapp:+12025550143", "US", "+12025550143", "channel-removed"),
        ("sms:+12025550143?body=hello", "US", "+12025550143", "channel-removed"),
        ("callto://+12025550143", "US", "+12025550143", "channel-removed"),
        ("https://wa.me/12025550143?text=hi", "GB", "+12025550143", "channel-removed"),
        ("https://api.whatsapp.com/send?phone=12025550143&text=hi", "GB", "+12025550143", "channel-removed"),
        ("1-800-FLOWERS", "US", "+18003569377", "vanity-spelled"),
        ("1 (800) FLOWERS", "CA", "+18003569377", "vanity-spelled"),
        ("+1-800-FLOWERS", "US", "+18003569377", "vanity-spelled"),
        ("1-800-FLOWERSHOP", "US", "+18003569377", "vanity-shortened"),
        ("0061412345678", "AU", "+61412345678", "exit-code-replaced"),
        ("0049 151 12345678", "US", "+4915112345678", "exit-code-replaced"),
        ("+0049 151 12345678", "US", "+4915112345678", "exit-code-replaced"),
        ("+34 (0)912 345 678", "GB", "+34912345678", "bracketed-zero-removed"),
        ("+52 1 55 1234 5678", "MX", "+525512345678", "mexican-prefix-removed"),
        ("+52 1 55 1234 5678", "US", "+525512345678", "mexican-prefix-removed"),
        ("521 55 1234 5678", "MX", "+525512345678", "mexican-prefix-removed"),
        ("044 55 1234 5678", "MX", "+525512345678", "mexican-prefix-removed"),
        ("045 55 1234 5678", "MX", "+525512345678", "mexican-prefix-removed"),
        ("01 55 1234 5678", "MX", "+525512345678", "mexican-prefix-removed"),
        ("0692 12 34 56", "FR", "+262692123456", "french-overseas"),
        ("692123456", "FR", "+262692123456", "french-overseas"),
        ("+33 690 12 34 56", "US", "+590690123456", "french-overseas"),
        ("0694 20 12 34", "FR", "+594694201234", "french-overseas"),
        ("0696 20 12 34", "FR", "+596696201234", "french-overseas"),
    ] {
        let parsed = read(text, home).unwrap_or_else(|refusal| panic!("{text:?} in {home}: {refusal:?}"));
        assert_eq!(parsed.phone.as_str(), phone, "{text:?} in {home}");
        assert_eq!(parsed.repair.map(Repair::as_str), Some(repair), "{text:?} in {home}");
    }
}

#[test]
fn every_repair_has_a_sentence_of_its_own() {
    let sentences: std::collections::HashSet<_> =
        Repair::ALL.iter().map(|repair| repair.sentence()).collect();
    assert_eq!(sentences.len(), Repair::ALL.len());
}

#[test]
fn spelling_is_no_repair() {
    for text in [
        "(202) 555-0143",
        "202.555.0143",
        "+1.2025550143",
        "++12025550143",
        "'+12025550143",
        "=\"2025550143\"",
        "=+12025550143",
        "tel:+1-202-555-0143",
        "tel://2025550143",
        "\u{feff}202\u{a0}555\u{2011}0143",
        "202•555•0143",
        "☎ 202 555 0143",
        "202-555-0143,",
        "2025550143;",
        "[202] 555/0143",
        "1 202 555 0143",
        "011 1 202 555 0143",
    ] {
        let parsed = read(text, "US").unwrap_or_else(|refusal| panic!("{text:?}: {refusal:?}"));
        assert_eq!((parsed.phone.as_str(), parsed.repair), ("+12025550143", None), "{text:?}");
        assert_eq!(parsed.alternates, [], "{text:?}");
    }
}

#[test]
fn what_is_likely_but_not_certain_is_suggested() {
    for (text, home, reason, suggestion) in [
        ("(11) 9123-4567", "BR", "invalid", "+5511991234567"),
        ("+55 11 9123-4567", "US", "invalid", "+5511991234567"),
        ("612345678", "IT", "invalid", "+390612345678"),
        ("12025550143", "GB", "missing-plus", "+12025550143"),
        ("4915112345678", "US", "missing-plus", "+4915112345678"),
        ("0111 202 555 0143", "GB", "too-long", "+12025550143"),
        ("0011 61 412 345 678", "GB", "too-long", "+61412345678"),
        ("+07400 123456", "GB", "unknown-country-code", "+447400123456"),
        ("(2O2) 555-O143", "US", "letters", "+12025550143"),
        ("202-555-HOME", "US", "letters", "+12025554663"),
        ("2025550143 2025550199", "US", "too-long", "+12025550143"),
        ("202 555 0143 202 555 0199", "US", "too-long", "+12025550143"),
        ("2025550143 / 44", "US", "several-numbers", "+12025550143"),
        ("2025550143; 123", "US", "several-numbers", "+12025550143"),
        ("900 555 0123; 202 555 0143", "US", "premium-rate", "+12025550143"),
        ("416 555 0143", "US", "written-nationally", "+14165550143"),
        ("2.02555014E9", "US", "lossy-scientific", "+12025550140"),
        ("+229 97 12 34 56", "US", "invalid", "+2290197123456"),
    ] {
        let refusal = read(text, home).expect_err(text);
        assert_eq!(refusal.error.reason(), reason, "{text:?} in {home}");
        assert_eq!(refusal.suggestion.as_ref().map(Phone::as_str), Some(suggestion), "{text:?} in {home}");
    }
}

#[test]
fn what_is_refused_for_good_is_not_suggested_in_another_form() {
    for (text, home) in [
        ("202-555-0143 (do not call)", "US"),
        ("202-555-0143 fax", "US"),
        ("*67 2025550143", "US"),
        ("+1 876 555 1234", "US"),
        ("18765551234", "GB"),
        ("1.2E+10", "US"),
        ("911", "US"),
        ("1234567890", "US"),
        ("+1 900 555 0123", "US"),
        ("+1 202 555 01434", "US"),
        ("202 555 014", "US"),
    ] {
        assert_eq!(read(text, home).expect_err(text).suggestion, None, "{text:?}");
    }
}

#[test]
fn a_list_of_countries_holds_for_repairs_and_suggestions() {
    let only = |text: &str, home: &str, country: &str| {
        read_phone(text, Region::parse(home).unwrap(), &Countries::parse([country]).unwrap())
    };
    assert_eq!(only("0049 151 12345678", "US", "US").unwrap_err().error.reason(), "other-country");
    assert_eq!(only("12025550143", "GB", "GB").unwrap_err().suggestion, None);
    assert!(only("12025550143", "GB", "US").unwrap_err().suggestion.is_some());
}

#[test]
fn a_uri_says_its_country_and_extension() {
    for (text, home, phone, extension) in [
        ("tel:2025550143;phone-context=+1", "GB", "+12025550143", None),
        ("tel:2025550143;phone-context=example.com", "US", "+12025550143", None),
        ("tel:+1-202-555-0143;ext=123;phone-context=+44", "US", "+12025550143", Some("123")),
        ("TEL:+12025550143;EXT=7", "US", "+12025550143", Some("7")),
        ("whatsapp:+12025550143;ext=123", "US", "+12025550143", Some("123")),
    ] {
        let parsed = read(text, home).unwrap_or_else(|refusal| panic!("{text:?} in {home}: {refusal:?}"));
        assert_eq!((parsed.phone.as_str(), parsed.extension.as_deref()), (phone, extension), "{text:?}");
    }
    let parsed = read("tel:+12025550143;ext=1; tel:+12025550199", "US").unwrap();
    assert_eq!((parsed.extension.as_deref(), parsed.alternates.len()), (Some("1"), 1));
}

#[test]
fn extensions_are_written_in_many_ways() {
    for text in [
        "202-555-0143 (ext. 123)",
        "202-555-0143 (x123)",
        "202-555-0143 X 123",
        "202-555-0143, x123",
        "202-555-0143 xtn 123",
        "202-555-0143 extn: 123",
        "202-555-0143 anexo 123",
        "202-555-0143 interno 123",
        "202-555-0143 ramal 123",
        "202-555-0143 poste 123",
        "202-555-0143 int. 123",
        "202-555-0143 extensión 123",
        "2025550143,,123",
        "2025550143p123",
        "2025550143w123#",
        "202-555-0143 #123 (work)",
        "202-555-0143 доб. 123",
        "202-555-0143 ext=123",
    ] {
        let parsed = read(text, "US").unwrap_or_else(|refusal| panic!("{text:?}: {refusal:?}"));
        assert_eq!(parsed.phone.as_str(), "+12025550143", "{text:?}");
        assert_eq!(parsed.extension.as_deref(), Some("123"), "{text:?}");
    }
}

#[test]
fn several_numbers_are_parted_by_whatever_people_write_between_them() {
    for text in [
        "2025550143 & 2025550199",
        "2025550143/2025550199",
        "+12025550143 +12025550199",
        "2025550143 und 2025550199",
        "2025550143 et 2025550199",
        "2025550143 y 2025550199",
        "2025550143 ou 2025550199",
        "2025550143\r\n2025550199",
        "Home: 2025550143; Work: 2025550199",
        "2025550143 (home), 2025550199 (work)",
        "2025550143 or 900 555 0123 or 2025550199",
        "2025550143，2025550199",
        "2025550143 x5 or 2025550199 x6",
    ] {
        let parsed = read(text, "US").unwrap_or_else(|refusal| panic!("{text:?}: {refusal:?}"));
        assert_eq!(parsed.phone.as_str(), "+12025550143", "{text:?}");
        let alternates: Vec<_> = parsed.alternates.iter().map(Phone::as_str).collect();
        assert_eq!(alternates, ["+12025550199"], "{text:?}");
    }
}
