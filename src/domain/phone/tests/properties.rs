//! What holds for every text.

use proptest::prelude::*;

use super::super::*;

/// The fixed regions whose rules differ most.
const HOMES: [&str; 10] = ["US", "GB", "DE", "IT", "FR", "MX", "BR", "AR", "AU", "RU"];

fn home() -> impl Strategy<Value = Region> {
    proptest::sample::select(&HOMES[..]).prop_map(|code| Region::parse(code).unwrap())
}

/// What numbers are made of, and what is found beside them.
fn near_number() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => "[0-9]{1,5}",
        2 => "[+ ().,;/&|#x'=\"\n-]",
        1 => proptest::sample::select(
            &[
                "+1", "+44", "00", "011", "(0)", "800", "ext. ", ";ext=", "tel:", "whatsapp:", ";phone-context=+1",
                " or ", " (home)", "E+10", ".0", "FLOWERS", "fax", "0692", "+52 1", "+55 11 ", "\u{202a}", "０９", "٣",
                "ß", "İ", "e\u{301}", "🇺🇸", "\u{0}",
            ][..],
        )
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..9).prop_map(|parts| parts.concat())
}

/// A number that is accepted more often than not.
fn written_number() -> impl Strategy<Value = String> {
    proptest::sample::select(
        &[
            "(202) 555-0143",
            "+1 202-555-0143 x12",
            "+49 (0)30 1234567",
            "020 7946 0018",
            "06 12 34 56 78",
            "+52 1 55 1234 5678",
            "1-800-FLOWERS",
            "202-555-0143 / 202-555-0199",
            "Mobile: 2025550143",
            "12025550143.0",
            "(11) 9123-4567",
            "12025550143",
            "612345678",
            "2,025,550,143",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether the digits of `part` stand in `whole` in that order.
fn is_subsequence(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|wanted| rest.any(|c| c == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), home in home()) {
        let _ = parse_phone(&text, home);
        let _ = Phone::from_e164(&text);
    }

    #[test]
    fn what_is_accepted_is_e164_and_reads_again_as_the_same_number(text in near_number(), home in home()) {
        let countries = Countries::default_for(home);
        let Ok(parsed) = read_phone(&text, home, &countries) else { return Ok(()) };
        for phone in std::iter::once(&parsed.phone).chain(&parsed.alternates) {
            prop_assert_eq!(Phone::from_e164(phone.as_str()), Ok(phone.clone()));
            let again = read_phone(phone.as_str(), home, &countries);
            prop_assert_eq!(again.as_ref().map(|again| &again.phone), Ok(phone), "{:?}", text);
        }
        let again = read_phone(parsed.phone.as_str(), home, &countries).unwrap();
        prop_assert_eq!((again.region, again.number_type, again.repair), (parsed.region, parsed.number_type, None));
        prop_assert!(parsed.extension.is_none_or(|digits| (1..=7).contains(&digits.len())));
    }

    #[test]
    fn no_digit_is_invented(text in near_number(), home in home()) {
        let Ok(parsed) = parse_phone(&text, home) else { return Ok(()) };
        let number = PHONE_NUMBER_UTIL.parse(parsed.phone.as_str(), None).unwrap();
        let national = number.get_national_significant_number();
        let is_vanity = matches!(parsed.repair, Some(Repair::VanitySpelled | Repair::VanityShortened));
        let folded: String = text.nfkc_digits();
        // Argentina writes its mobiles with 15 behind the area code, and with 9 in front of it from abroad.
        let is_argentine = number.country_code == 54;
        // Mexico and others have a carrier's prefix that the metadata turns into an area code.
        prop_assert!(
            is_vanity || is_argentine || is_subsequence(&national, &folded),
            "{text:?} became {national}"
        );
    }

    #[test]
    fn a_suggestion_would_be_accepted(text in near_number(), home in home()) {
        let countries = Countries::default_for(home);
        if let Err(Refusal { suggestion: Some(phone), .. }) = read_phone(&text, home, &countries) {
            let read = read_phone(phone.as_str(), home, &countries);
            prop_assert_eq!(read.map(|parsed| parsed.phone), Ok(phone), "{:?}", text);
        }
    }

    #[test]
    fn invisible_characters_change_nothing(
        text in prop_oneof![near_number(), written_number()],
        places in proptest::collection::vec((0.0_f64..1.0, 0_usize..8), 1..5),
        home in home(),
    ) {
        const INVISIBLE: [char; 8] =
            ['\u{ad}', '\u{200b}', '\u{200e}', '\u{202a}', '\u{202c}', '\u{2060}', '\u{fe0f}', '\u{feff}'];
        let mut hidden: Vec<char> = text.chars().collect();
        for (place, which) in places {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
            let at = (place * (hidden.len() + 1) as f64) as usize;
            hidden.insert(at, INVISIBLE[which]);
        }
        let hidden: String = hidden.into_iter().collect();
        prop_assert_eq!(parse_phone(&hidden, home), parse_phone(&text, home), "{:?}", hidden);
    }

    #[test]
    fn whatever_its_country_a_refused_kind_is_refused(text in near_number(), home in home()) {
        if let Ok(parsed) = parse_phone(&text, home) {
            let global = ["+870", "+878", "+881", "+882", "+883", "+888", "+979", "+800", "+808"];
            prop_assert!(!global.iter().any(|code| parsed.phone.as_str().starts_with(code)));
        }
    }
}

trait Digits {
    fn nfkc_digits(&self) -> String;
}

impl Digits for String {
    fn nfkc_digits(&self) -> String {
        digits_of(&PHONE_NUMBER_UTIL.normalize_digits_only(self))
    }
}
