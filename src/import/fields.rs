//! What stands in the columns besides the number: priorities, extensions, time zones.

use crate::domain::zone::{UnknownZone, Zone};

/// The highest priority; the lowest is as far below zero.
const HIGHEST: i16 = 1_000;

/// The most digits of an extension.
const LONGEST_EXTENSION: usize = 7;

/// A whole number from -1000 to 1000, of which a spreadsheet may have made `5.0`.
pub(super) fn priority(text: &str) -> Option<i16> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|c| c == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let priority: i16 = whole.parse().ok()?;
    (-HIGHEST..=HIGHEST).contains(&priority).then_some(priority)
}

/// One to seven digits, of which a spreadsheet may have made `204.0`, and before which `x`, `#` or `ext.` may stand.
pub(super) fn extension(text: &str) -> Option<&str> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let label = text[..start].trim().trim_end_matches(['.', ':']);
    let digits = text[start..].strip_suffix(".0").unwrap_or(&text[start..]);
    let is_label = label.is_empty()
        || ["x", "#", "ext", "extn", "extension"].iter().any(|known| label.eq_ignore_ascii_case(known));
    let is_extension = is_label && digits.len() <= LONGEST_EXTENSION && is_whole_number(digits);
    is_extension.then_some(digits)
}

/// The zone of a place by its IANA name, or what to write instead.
pub(super) fn zone(text: &str) -> Result<Zone, UnknownZone> {
    Zone::of_a_place(text)
}

/// Whether a text is the IANA name of a place, and so certainly a zone.
pub(super) fn is_zone_of_a_place(text: &str) -> bool {
    text.contains('/') && zone(text).is_ok()
}

/// Whether a text is digits and nothing else.
pub(super) fn is_whole_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_a_whole_number_within_bounds() {
        for (text, expected) in [
            ("0", Some(0)),
            ("5", Some(5)),
            ("+5", Some(5)),
            ("-1000", Some(-1000)),
            ("1000", Some(1000)),
            ("5.0", Some(5)),
            ("1001", None),
            ("-1001", None),
            ("99999999", None),
            ("5.5", None),
            ("5.", None),
            ("high", None),
            ("", None),
        ] {
            assert_eq!(priority(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_extension_is_at_most_seven_digits() {
        for (text, expected) in [
            ("204", Some("204")),
            ("0204", Some("0204")),
            ("x204", Some("204")),
            ("Ext. 204", Some("204")),
            ("204.0", Some("204")),
            ("1234567", Some("1234567")),
            ("12345678", None),
            ("room 5", None),
            ("12a", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(extension(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_a_name_with_a_place_is_certainly_a_zone() {
        assert!(is_zone_of_a_place("America/New_York"));
        assert!(!is_zone_of_a_place("Singapore") && zone("Singapore").is_ok());
        assert!(!is_zone_of_a_place("Etc/GMT+5") && zone("EST").is_err() && zone("UTC").is_err());
        assert!(!is_zone_of_a_place("2025/01/02") && zone("EST5").is_err() && zone("").is_err());
    }
}
