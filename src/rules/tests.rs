use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::phone::Phone;
use crate::domain::rules::{Permission, permission, places_of};
use crate::domain::zone::Zone;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn file(name: &str, text: &str) -> (String, Vec<u8>) {
    (name.to_owned(), text.as_bytes().to_vec())
}

/// A pack of one rule, whose keys follow those of the pack.
fn pack(id: &str, more: &str, rule: &str) -> (String, Vec<u8>) {
    let text = format!(
        r#"{{"id": "{id}", "version": 2, "about": "a test", "reviewed_on": "2026-11-21", {more}
        "rules": [{{"confidence": "law", "source": "a test", {rule}}}]}}"#
    );
    file(&format!("{id}.json"), &text)
}

/// Whether somebody may be called, by the local time on the wall there.
fn may_call(packs: &[&str], number: &str, zone: &str, local: &str) -> bool {
    let rules = Library::shipped().unwrap().select(packs.iter().copied()).unwrap();
    let zone = Zone::parse(zone).unwrap();
    let now = zone.instants(local.parse().unwrap())[0];
    let (places, zones) = (places_of(&Phone::from_e164(number).unwrap()), [zone]);
    let conditions = rules.conditions(&places, &zones);
    matches!(permission(&conditions, TimeDelta::zero(), now), Permission::Open { .. })
}

#[test]
fn every_pack_in_the_folder_is_shipped_under_its_name_and_opens_for_somebody() {
    let library = Library::shipped().unwrap();
    let mut shipped = SHIPPED.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/rules");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    shipped.sort();
    found.sort();
    assert_eq!(shipped, found);
    let names = library.packs().map(|pack| format!("{}.json", pack.id));
    assert!(
        names.eq(SHIPPED.iter().map(|(file, _)| *file)),
        "a file is not named after its pack, or out of order"
    );
    let today = "2026-11-21".parse().unwrap();
    let zone = Zone::parse("UTC").unwrap();
    for pack in library.packs() {
        assert!(pack.version >= 1 && pack.reviewed_on >= today, "{}", pack.id);
        assert_eq!(pack.loosening_approved_by, None, "{}", pack.id);
        for rule in &pack.rules {
            assert!(!rule.source.is_empty(), "{}", rule.name);
            let opens = rule.schedule.opens(&zone, utc("2026-11-21T22:30:00Z"), utc("2026-12-05T00:00:00Z"));
            assert!(opens.is_some(), "{} never opens", rule.name);
        }
    }
    let all = library.packs().map(|pack| pack.id.clone()).collect::<Vec<_>>();
    let rules = library.select(all.iter().map(String::as_str)).unwrap();
    assert_eq!(rules.check_on(today), Ok(()));
    assert!(rules.check_on("2033-01-01".parse().unwrap()).is_err());
}

/// For every pack one minute at which it opens and the one before.
#[test]
fn every_pack_opens_when_its_source_says() {
    let cases = [
        (&[][..], "+81312345678", "Asia/Tokyo", "2026-11-22T08:00:00"),
        (&["us"], "+12125550123", "America/New_York", "2026-11-22T08:00:00"),
        (&["us-strict"], "+12125550123", "America/New_York", "2026-11-21T10:00:00"),
        (&["reg-f"], "+12125550123", "America/New_York", "2026-11-22T08:00:00"),
        // Texas on a Sunday before noon.
        (&["us-states"], "+12145550123", "America/Chicago", "2026-11-22T12:00:00"),
        (&["us-states"], "+16065550123", "America/New_York", "2026-11-20T10:00:00"),
        (&["us-states"], "+18145550123", "America/New_York", "2026-11-22T13:30:00"),
        (&["us-states"], "+14025550123", "America/Chicago", "2026-11-26T13:00:00"),
        (&["uk"], "+442079460123", "Europe/London", "2026-11-22T09:00:00"),
        (&["fr"], "+33123456789", "Europe/Paris", "2026-11-20T14:00:00"),
        (&["ca"], "+14165550123", "America/Toronto", "2026-11-22T10:30:00"),
        (&["au"], "+61212345678", "Australia/Sydney", "2026-11-21T09:00:00"),
        (&["de"], "+493012345678", "Europe/Berlin", "2026-11-21T09:00:00"),
        (&["es"], "+34912345678", "Europe/Madrid", "2026-11-20T09:00:00"),
        (&["it"], "+390612345678", "Europe/Rome", "2026-11-21T10:00:00"),
        (&["nl"], "+31201234567", "Europe/Amsterdam", "2026-11-20T08:00:00"),
        (&["in"], "+912212345678", "Asia/Kolkata", "2026-11-20T10:00:00"),
        (&["ae"], "+97142345678", "Asia/Dubai", "2026-11-20T09:00:00"),
    ];
    for (packs, number, zone, opens) in cases {
        assert!(may_call(packs, number, zone, opens), "{packs:?} {opens}");
        let before: chrono::NaiveDateTime = opens.parse().unwrap();
        let before = (before - TimeDelta::minutes(1)).to_string().replace(' ', "T");
        assert!(!may_call(packs, number, zone, &before), "{packs:?} {before}");
    }
}

#[test]
fn days_without_calls_are_kept() {
    let closed = [
        // Mardi Gras in Louisiana; Pioneer Day in Utah; Thanksgiving in Rhode Island; Sundays in Mississippi.
        ("us-states", "+15045550123", "America/Chicago", "2027-02-09T12:00:00"),
        ("us-states", "+18015550123", "America/Denver", "2026-07-24T12:00:00"),
        ("us-states", "+14015550123", "America/New_York", "2026-11-26T12:00:00"),
        ("us-states", "+16015550123", "America/Chicago", "2026-11-22T12:00:00"),
        // Mardi Gras is a holiday of a state, and Patriots' Day of another.
        ("us-strict", "+15045550123", "America/Chicago", "2027-02-09T12:00:00"),
        ("us-strict", "+16175550123", "America/New_York", "2026-04-20T12:00:00"),
        ("fr", "+33123456789", "Europe/Paris", "2026-07-14T12:00:00"),
        ("de", "+493012345678", "Europe/Berlin", "2026-12-25T12:00:00"),
        ("au", "+61212345678", "Australia/Sydney", "2026-01-26T12:00:00"),
        ("es", "+34912345678", "Europe/Madrid", "2026-10-12T12:00:00"),
    ];
    for (pack, number, zone, noon) in closed {
        assert!(!may_call(&[pack], number, zone, noon), "{pack} {noon}");
    }
    assert!(may_call(&["us-strict"], "+12145550123", "America/Chicago", "2027-02-09T12:00:00"));
    assert!(may_call(&["us-states"], "+15045550123", "America/Chicago", "2027-02-10T12:00:00"));
}

#[test]
fn mississippi_is_asked_on_its_own_clock_wherever_the_person_may_be() {
    assert!(may_call(&["us-states"], "+16015550123", "America/New_York", "2026-11-20T09:00:00"));
    assert!(!may_call(&["us-states"], "+16015550123", "America/New_York", "2026-11-20T08:59:00"));
}

#[test]
fn the_pack_that_always_holds_need_not_be_named_and_an_unknown_one_is_refused() {
    let library = Library::shipped().unwrap();
    assert!(!may_call(&["us"], "+442079460123", "Europe/London", "2026-11-22T07:59:00"));
    let error = library.select(["us", "texas"]).unwrap_err().to_string();
    assert!(
        error.starts_with(r#"unknown pack of rules "texas", expected one of ae, au, ca, de, default"#),
        "{error}"
    );
    let rules = library.select(["us"]).unwrap();
    let places = places_of(&Phone::from_e164("+12145550123").unwrap());
    assert!(rules.conditions(&places, &[]).is_empty(), "without a zone nothing is permitted");
}

#[test]
fn the_rules_of_every_place_where_somebody_may_be_apply_together() {
    let rules = Library::shipped().unwrap().select(["us", "us-states"]).unwrap();
    let by_number = places_of(&Phone::from_e164("+12145550123").unwrap());
    let by_address = places_of(&Phone::from_e164("+12035550123").unwrap());
    let places = [by_number, by_address].concat();
    let names: Vec<&str> = rules.that_apply(&places).map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["default", "us", "us-states/CT", "us-states/TX"]);
    let caps = |places: &[_]| rules.that_apply(places).map(|rule| rule.caps.len()).sum::<usize>();
    assert_eq!(caps(&places), 0);
    assert_eq!(caps(&places_of(&Phone::from_e164("+13055550123").unwrap())), 1, "three a day in Florida");
}

const DAILY: &str = r#""windows": {"mon-sun": [["08:00", "21:00"]]}"#;

#[test]
fn an_operator_may_restrict_by_a_pack_of_the_same_name_or_another() {
    let later = r#""windows": {"mon-sat": [["10:00", "20:00"]], "sun": []}, "caps": [{"calls": 1, "within_hours": 24}]"#;
    let loaded = Library::with(&[pack("default", "", later), pack("house", "", DAILY)]).unwrap();
    assert_eq!(loaded.loosened, []);
    assert_eq!(loaded.library.packs().find(|pack| pack.id == "default").unwrap().version, 2);
    assert!(loaded.library.select(["house", "us"]).is_ok());
}

#[test]
fn loosening_a_shipped_pack_is_refused_until_somebody_answers_for_it() {
    let earlier = r#""windows": {"mon-sun": [["07:30", "21:00"]]}"#;
    let error = Library::with(&[pack("default", "", earlier)]).unwrap_err().to_string();
    assert!(error.starts_with("default is looser than shipped for anywhere: Mon 07:30 is open"), "{error}");
    assert!(error.contains("expected the same or stricter, or loosening_approved_by"), "{error}");
    let signed = r#""loosening_approved_by": "A. Counsel","#;
    let loaded = Library::with(&[pack("default", signed, earlier)]).unwrap();
    assert_eq!(loaded.loosened.len(), 1);
    assert_eq!(loaded.loosened[0].by, "A. Counsel");
}

#[test]
fn every_way_of_loosening_is_noticed() {
    let noticed = |id: &str, rule: &str| match Library::with(&[pack(id, "", rule)]) {
        Err(BadPack::Loosens { loosening, .. }) => loosening.what,
        other => panic!("{rule}: {other:?}"),
    };
    let uae = r#""country": "AE", "windows": {"mon-sun": [["09:00", "18:00"]]}"#;
    let spain = r#""country": "ES", "windows": {"mon-fri": [["09:00", "21:00"]], "sat-sun": []}"#;
    let italy =
        r#""country": "IT", "holidays": ["IT"], "windows": {"mon-fri": [["09:00", "20:00"]], "sat-sun": []}"#;
    let cases = [
        ("default", format!(r#""country": "US", {DAILY}"#), "its rule is gone"),
        ("default", format!(r#""effective_from": "2027-01-01", {DAILY}"#), "its rule is gone"),
        ("default", r#""windows": {"mon-sun": [["20:00", "02:00"]]}"#.to_owned(), "Mon 00:00 is open"),
        ("ae", uae.to_owned(), "more than 1 calls within 24 hours"),
        (
            "ae",
            format!(r#"{uae}, "caps": [{{"calls": 2, "within_hours": 168}}]"#),
            "more than 1 calls within 24 hours",
        ),
        ("es", spain.to_owned(), "a holiday is not kept"),
        (
            "es",
            format!(r#"{spain}, "holidays": ["ES"], "on_holidays": {{"windows": [["09:00", "10:00"]]}}"#),
            "a holiday is not kept",
        ),
        ("it", italy.to_owned(), "the gap between calls is shorter"),
    ];
    for (id, rule, expected) in cases {
        assert_eq!(noticed(id, &rule), expected, "{rule}");
    }
}

#[test]
fn a_pack_that_is_written_wrong_is_refused_with_its_file_and_what_was_expected() {
    let cases = [
        (file("x.json", "{"), "x.json: "),
        (pack("x", r#""colour": 1,"#, DAILY), "colour is unknown, expected one of id, version"),
        (pack("x", r#""loosening_approved_by": " ","#, DAILY), "expected the name of who answers for it"),
        (pack("a b", "", DAILY), "expected letters, digits and hyphens"),
        (pack("x", "", r#""windows": {"mon-sat": []}"#), "rules[0]: windows lacks sun, expected every day"),
        (pack("x", "", r#""windows": {"mon-sun": []}"#), "windows never opens"),
        (pack("x", "", &format!(r#""subdivision": "TX", {DAILY}"#)), "subdivision stands without country"),
        (
            pack("x", "", &format!(r#""country": "US", "subdivision": "XX", {DAILY}"#)),
            r#"subdivision is "XX", expected one that numbers tell: AK, AL"#,
        ),
        (pack("x", "", &format!(r#""country": "USA", {DAILY}"#)), "country: unknown region"),
        (pack("x", "", &format!(r#""zone": "Mars/Olympus", {DAILY}"#)), "unknown time zone"),
        (pack("x", "", &format!(r#""holidays": ["XX"], {DAILY}"#)), "rules[0]: holidays: unknown holiday"),
        (pack("x", "", &format!(r#""holidays": ["US-*"], {DAILY}"#)), "expected it in a rule of US only"),
        (
            pack("x", "", &format!(r#""caps": [{{"calls": 0, "within_hours": 24}}], {DAILY}"#)),
            "expected at least one of each",
        ),
        (
            pack(
                "x",
                "",
                &format!(r#""effective_from": "2027-01-01", "effective_to": "2026-01-01", {DAILY}"#),
            ),
            "expected a day not before",
        ),
        (
            pack(
                "x",
                "",
                &format!(
                    r#""on_holidays": {{"windows": [["09:00", "12:00"], ["11:00", "13:00"]]}}, {DAILY}"#
                ),
            ),
            "overlap, expected them apart",
        ),
    ];
    for ((name, text), expected) in cases {
        let error = Library::with(&[(name, text.clone())]).unwrap_err().to_string();
        assert!(error.contains(expected), "{}: {error}", String::from_utf8_lossy(&text));
    }
    let twice = Library::with(&[pack("x", "", DAILY), pack("x", "", DAILY)]).unwrap_err().to_string();
    assert!(twice.contains(r#"another pack of the name "x""#), "{twice}");
}

#[test]
fn an_operators_directory_is_read_and_one_that_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (name, text) = pack("house", "", DAILY);
    std::fs::write(directory.path().join(name), text).unwrap();
    std::fs::write(directory.path().join("notes.txt"), "not a pack").unwrap();
    let loaded = Library::with_directory(directory.path()).unwrap();
    assert!(loaded.library.select(["house"]).is_ok());
    let missing = directory.path().join("missing");
    assert!(matches!(Library::with_directory(&missing), Err(BadPack::Unreadable { .. })));
}
