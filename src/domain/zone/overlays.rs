//! Area codes of North America that share one area, where the area has several zones. Numbers of the newer codes are
//! from anywhere in it, but libphonenumber's table has no exchanges for them, and names one zone or none.

/// The area codes of each such area, the oldest first. Areas with a single zone are not here: their codes agree. Which
/// codes are planned is published by the numbering plan's administrators (nanpa.com; cnac.ca for Canada).
const FAMILIES: &[&[&str]] = &[
    // Idaho.
    &["208", "986"],
    // British Columbia outside the Lower Mainland, whose own 604 has a single zone: 778 in 2007, 236 in 2013,
    // 672 in 2019, 257 in 2025.
    &["250", "236", "257", "672", "778"],
    // Western Kentucky.
    &["270", "364"],
    // Eastern Quebec.
    &["418", "367", "581"],
    // Eastern Tennessee; 729 since September 2025 (Tennessee Public Utility Commission).
    &["423", "729"],
    // Oregon outside the northwest.
    &["541", "458"],
    // Newfoundland and Labrador.
    &["709", "879"],
    // Southern Indiana.
    &["812", "930"],
    // The west of Florida.
    &["850", "448"],
];

/// The area codes that share areas.
pub(super) fn families() -> impl Iterator<Item = &'static [&'static str]> {
    FAMILIES.iter().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_area_code_is_in_two_families() {
        let codes: Vec<_> = families().flatten().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit())));
    }
}
