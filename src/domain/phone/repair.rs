//! Repairs that have one possible result: an older or foreign way to dial what has one form today. No digit is ever
//! invented; the caller keeps a repair only if its result is valid.

use rlibphonenumber::Region;

/// What the digits may have meant, if they made no valid number as they stand.
pub(super) fn candidates(body: &str, default: Region) -> Vec<String> {
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    let mut found = Vec::new();
    if body.contains('+') {
        found.extend(mexican_mobile(&digits));
        return found;
    }
    // Most of the world dials 00 where the default region dials something else.
    found.extend(digits.strip_prefix("00").map(|rest| format!("+{rest}")));
    match default {
        Region::MX => {
            found.extend(mexican_mobile(&digits));
            found.extend(mexican_trunk(&digits));
        }
        Region::FR => found.extend(french_overseas(&digits)),
        _ => {}
    }
    found
}

/// Mexico dropped the 1 of mobiles in 2019: `+52 1` and ten digits are `+52` and the ten.
fn mexican_mobile(digits: &str) -> Option<String> {
    let national = digits.strip_prefix("521").filter(|national| national.len() == 10)?;
    Some(format!("+52{national}"))
}

/// Until 2019 Mexico dialed 01, 044 or 045 before the ten digits.
fn mexican_trunk(digits: &str) -> Option<String> {
    let national = ["01", "044", "045"].iter().find_map(|trunk| digits.strip_prefix(trunk))?;
    (national.len() == 10).then(|| format!("+52{national}"))
}

/// France's ten-digit plan is shared with territories that have country codes of their own.
fn french_overseas(digits: &str) -> Option<String> {
    let country_code = match digits.get(..4)? {
        "0262" | "0263" | "0269" | "0639" | "0692" | "0693" | "0976" => 262,
        "0590" | "0690" | "0691" => 590,
        "0594" | "0694" => 594,
        "0596" | "0696" | "0697" => 596,
        _ => return None,
    };
    (digits.len() == 10).then(|| format!("+{country_code}{}", &digits[1..]))
}
