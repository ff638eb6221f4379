//! A second opinion: the `phonenumber` crate, another port of libphonenumber with older metadata, reads the same
//! valid numbers of all regions. Where the two differ, the difference is known and explained, or somebody looks.

use std::collections::BTreeSet;

use rlibphonenumber::PhoneNumberType as Kind;

use super::super::*;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// In E.164, where it is at home.
    AtHome,
    /// In E.164, under the United States.
    Abroad,
    /// As its country writes it, where it is at home.
    National,
}
use Form::{Abroad, AtHome, National};

/// Why the other library refuses a valid number, or makes another of it. libphonenumber itself sides with us in all
/// of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// It takes away the trunk prefix 1 of the home region although a country code was written:
    /// `+4915112345678` under the United States becomes `+495112345678`, which is somebody else.
    TrunkOfHome,
    /// It takes away the trunk prefix 8 although a country code was written: `+78005553535` becomes
    /// `+7005553535`.
    OwnTrunk,
    /// It takes a national number that begins like the country code for one with the country code.
    CodeAlike,
    /// Senegal has begun to use numbers that its older metadata does not have.
    OlderMetadata,
}

impl Known {
    const ALL: [Self; 4] = [Self::TrunkOfHome, Self::OwnTrunk, Self::CodeAlike, Self::OlderMetadata];

    fn explains(self, form: Form, country_code: i32, national: &str) -> bool {
        match self {
            Self::TrunkOfHome => form == Abroad && national.starts_with('1'),
            Self::OwnTrunk => {
                form != Abroad && [7, 370, 375].contains(&country_code) && national.starts_with('8')
            }
            Self::CodeAlike => form == National && country_code == 250 && national.starts_with("250"),
            Self::OlderMetadata => {
                country_code == 221 && (national.starts_with("30") || national.starts_with("93"))
            }
        }
    }
}

/// The digits behind the country code that are kept of an example; the others are drawn.
const KEPT: usize = 3;

/// Drawn numbers for each example.
const DRAWN: usize = 3;

fn examples() -> Vec<(Region, rlibphonenumber::PhoneNumber)> {
    let mut regions: Vec<_> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_unstable();
    let kinds = [Kind::FixedLine, Kind::Mobile, Kind::TollFree, Kind::VoIP];
    let example = |region, kind| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind).ok();
    regions
        .into_iter()
        .flat_map(|region| {
            kinds.into_iter().filter_map(move |kind| Some((Region(region), example(region, kind)?)))
        })
        .collect()
}

/// The examples of all regions, and numbers like them with other digits at the end, always the same.
fn numbers() -> BTreeSet<(Region, String)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut digit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"0123456789"[(state >> 33) as usize % 10])
    };
    let mut numbers = BTreeSet::new();
    for (region, example) in examples() {
        let national = example.get_national_significant_number();
        numbers.insert((region, format!("+{}{national}", example.country_code)));
        for _ in 0..DRAWN {
            let drawn: String = (0..national.len() - KEPT).map(|_| digit()).collect();
            numbers.insert((region, format!("+{}{}{drawn}", example.country_code, &national[..KEPT])));
        }
    }
    numbers
}

/// Whether the other library reads the same number in the text, and finds it valid.
fn agrees(text: &str, home: Region, e164: &str) -> bool {
    phonenumber::parse(home.to_string().parse().ok(), text).is_ok_and(|number| {
        number.format().mode(phonenumber::Mode::E164).to_string() == e164 && number.is_valid()
    })
}

#[test]
fn another_library_reads_the_same_numbers_apart_from_differences_that_are_known() {
    let mut read = 0;
    let mut unexplained = Vec::new();
    let mut occurred = BTreeSet::new();
    for (region, e164) in numbers() {
        let countries = Countries::only(&[region, Region::US]);
        let Ok(parsed) = read_phone(&e164, region, &countries) else { continue };
        assert_eq!((parsed.phone.as_str(), parsed.repair), (&*e164, None), "in {region}");
        read += 1;
        let number = PHONE_NUMBER_UTIL.parse(&e164, None).unwrap();
        let written = number.format_as(PhoneNumberFormat::National).into_owned();
        let here = read_phone(&written, region, &countries);
        assert_eq!(here.map(|parsed| parsed.phone), Ok(parsed.phone.clone()), "{written} in {region}");
        let abroad = read_phone(&e164, Region::US, &countries);
        if parsed.number_type == NumberType::TollFree && number.country_code != 1 {
            assert_eq!(abroad.map_err(|refusal| refusal.error.reason()), Err("foreign-toll-free"), "{e164}");
        } else {
            assert_eq!(abroad.map(|parsed| parsed.phone), Ok(parsed.phone), "{e164}");
        }
        let national = number.get_national_significant_number();
        for (form, text, home) in
            [(AtHome, &e164, region), (Abroad, &e164, Region::US), (National, &written, region)]
        {
            if !agrees(text, home, &e164) {
                match Known::ALL.iter().find(|known| known.explains(form, number.country_code, &national)) {
                    Some(known) => _ = occurred.insert(*known),
                    None => unexplained.push((form, text.clone(), region)),
                }
            }
        }
    }
    assert!(read > 1500, "only {read} numbers were read");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert_eq!(
        occurred.into_iter().collect::<Vec<_>>(),
        Known::ALL,
        "a difference is gone: it needs no excuse"
    );
}
