//! Numbers of all kinds, and where they may be.

use proptest::prelude::*;

use super::super::super::phone::{Region, parse_phone};
use super::*;

fn ask(number: &str, number_type: Option<NumberType>) -> Candidates {
    zones_of(&Phone::from_e164(number).unwrap(), number_type)
}

/// The zones of a number whose type is its own.
fn zones(number: &str) -> String {
    let parsed = parse_phone(number, Region::parse("US").unwrap()).unwrap();
    zones_of(&parsed.phone, Some(parsed.number_type)).zones().unwrap().to_string()
}

fn zones_of_area_code(code: &str) -> Option<String> {
    let phone = Phone::from_e164(&format!("+1{code}5550123")).unwrap();
    zones_of(&phone, None).zones().map(ToString::to_string)
}

#[test]
fn an_area_code_that_is_split_has_all_its_zones() {
    for (codes, expected) in [
        ("219 270 364 423 574 606 729 812 850 448 906 930", "America/Chicago,America/New_York"),
        ("308 605 620 701 785", "America/Chicago,America/Denver"),
        ("208 541 458 986 775", "America/Denver,America/Los_Angeles"),
        ("928", "America/Denver,America/Phoenix"),
        ("250 236 257 672 778", "America/Edmonton,America/Vancouver"),
        ("418 581 367", "America/Halifax,America/Toronto"),
        ("807", "America/Toronto,America/Winnipeg"),
    ] {
        for code in codes.split(' ') {
            assert_eq!(zones_of_area_code(code).as_deref(), Some(expected), "{code}");
        }
    }
}

#[test]
fn an_area_code_within_one_zone_has_one() {
    for (code, expected) in [
        ("212", "America/New_York"),
        ("604", "America/Vancouver"),
        ("808", "Pacific/Honolulu"),
        ("787", "America/Puerto_Rico"),
        ("876", "America/Jamaica"),
    ] {
        assert_eq!(zones_of_area_code(code).as_deref(), Some(expected), "{code}");
    }
}

#[test]
fn toll_free_and_unlisted_area_codes_are_nowhere_rather_than_everywhere() {
    for code in TOLL_FREE {
        let number = format!("+1{code}5550123");
        assert_eq!(ask(&number, None), Candidates::Unmapped(Unmapped::TollFree), "{code}");
    }
    let unlisted = Candidates::Unmapped(Unmapped::UnlistedAreaCode);
    assert_eq!(ask("+12115550123", None), unlisted);
    assert_eq!(ask("+15005550006", None), unlisted);
    assert_eq!(ask("+14935550123", Some(NumberType::FixedLineOrMobile)), unlisted);
}

#[test]
fn mobiles_are_anywhere_in_a_country_whose_mobile_numbers_do_not_tell_where() {
    let cases = [
        ("+61491570006", &["Australia/Darwin", "Australia/Sydney", "Indian/Cocos"][..], 9),
        ("+79161234567", &["Europe/Kaliningrad", "Europe/Moscow", "Asia/Anadyr"], 11),
        ("+6281234567890", &["Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar"], 3),
        ("+34612345678", &["Atlantic/Canary", "Europe/Madrid"], 2),
        ("+351912345678", &["Atlantic/Azores", "Europe/Lisbon"], 2),
        ("+56961234567", &["America/Coyhaique", "America/Santiago", "Pacific/Easter"], 3),
        ("+64211234567", &["Pacific/Auckland", "Pacific/Chatham"], 2),
        ("+593991234567", &["America/Guayaquil", "Pacific/Galapagos"], 2),
        ("+243991234567", &["Africa/Kinshasa", "Africa/Lubumbashi"], 2),
        ("+68987123456", &["Pacific/Gambier", "Pacific/Marquesas", "Pacific/Tahiti"], 3),
        ("+97688123456", &["Asia/Hovd", "Asia/Ulaanbaatar"], 2),
        ("+77011234567", &["Asia/Aqtobe"], 1),
    ];
    for (number, some, count) in cases {
        for number_type in [Some(NumberType::Mobile), None] {
            let Candidates::In { zones, by } = ask(number, number_type) else { panic!("{number}") };
            let names: Vec<_> = zones.zones().iter().map(super::super::Zone::name).collect();
            assert!(some.iter().all(|name| names.contains(name)), "{number}: {names:?}");
            assert_eq!((names.len(), by), (count, Evidence::Country), "{number}: {names:?}");
        }
    }
}

#[test]
fn landlines_are_where_their_prefix_is() {
    assert_eq!(zones("+61 2 5550 1234"), "Australia/Sydney");
    assert_eq!(zones("+34 912 345 678"), "Europe/Madrid");
    assert_eq!(zones("+7 495 123-45-67"), "Europe/Moscow");
    assert_eq!(zones("+44 20 7946 0123"), "Europe/London");
    assert_eq!(zones("+49 30 23125123"), "Europe/Berlin");
    assert_eq!(zones("+91 11 2345 6789"), "Asia/Kolkata");
}

#[test]
fn zones_that_stand_in_for_others_in_the_source_are_put_right() {
    for (number, expected) in [
        ("+213551234567", "Africa/Algiers"),
        ("+218912345678", "Africa/Tripoli"),
        ("+50581234567", "America/Managua"),
        ("+211977123456", "Africa/Juba"),
        ("+74012345678", "Europe/Kaliningrad"),
        ("+56612212345", "America/Punta_Arenas"),
        ("+14745550123", "America/Regina"),
        ("+16895550123", "America/New_York"),
    ] {
        assert_eq!(ask(number, Some(NumberType::FixedLine)).zones().unwrap().as_str(), expected, "{number}");
    }
    assert_eq!(zones("+212 650-123456"), "Africa/Casablanca");
}

#[test]
fn mobiles_elsewhere_are_where_their_prefix_is() {
    assert_eq!(zones("+44 7400 123456"), "Europe/London");
    assert_eq!(zones("+47 40 61 23 45"), "Europe/Oslo");
    assert_eq!(zones("+39 312 345 6789"), "Europe/Rome");
    assert_eq!(zones("+55 92 96123-4567"), "America/Manaus");
    assert_eq!(zones("+358 41 2345678"), "Europe/Helsinki");
}

#[test]
fn numbers_without_a_place_are_anywhere_in_their_country() {
    let free = ask("+498001234567", Some(NumberType::TollFree));
    assert_eq!(free, Candidates::In { zones: "Europe/Berlin".parse().unwrap(), by: Evidence::Country });
    let Candidates::In { zones, by: Evidence::Country } = ask("+611800123456", Some(NumberType::TollFree))
    else {
        panic!("a number of Australia is in Australia")
    };
    assert_eq!(zones.zones().len(), 9);
}

#[test]
fn digits_of_no_country_have_no_zone() {
    let table = Table::get();
    for digits in ["210123456789", "999123456789", "0"] {
        assert_eq!(table.longest_prefix(digits), None, "{digits}");
        assert_eq!(table.whole_country(digits), None, "{digits}");
    }
}

#[test]
fn numbers_of_one_area_share_one_set() {
    let set = |number: &str| ask(number, None).zones().cloned().unwrap();
    assert!(std::ptr::eq(set("+12125550123").as_str(), set("+16465550199").as_str()));
}

proptest! {
    #[test]
    fn no_number_makes_it_panic(digits in "[1-9][0-9]{6,14}", at in 0..=NumberType::ALL.len()) {
        if let Ok(phone) = Phone::from_e164(&format!("+{digits}")) {
            let number_type = NumberType::ALL.get(at).copied();
            let candidates = zones_of(&phone, number_type);
            prop_assert!(candidates.zones().is_none_or(|set| !set.zones().is_empty()));
            prop_assert_eq!(candidates, zones_of(&phone, number_type));
        }
    }

    #[test]
    fn how_a_number_was_written_does_not_matter(area in 201..990_u32, line in 100..200_u32, form in 0..4_usize) {
        let written = match form {
            0 => format!("+1 ({area}) 555-0{line}"),
            1 => format!("{area}.555.0{line}"),
            2 => format!("1-{area}-555-0{line}"),
            _ => format!("{area}5550{line}"),
        };
        if let Ok(parsed) = parse_phone(&written, Region::parse("US").unwrap()) {
            let plain = Phone::from_e164(&format!("+1{area}5550{line}")).unwrap();
            prop_assert_eq!(zones_of(&parsed.phone, None), zones_of(&plain, None));
        }
    }
}
