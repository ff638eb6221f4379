//! When a version of the time zone database was released. A version is a year and a letter, which is no date.

use chrono::{Datelike, Months, NaiveDate};

/// Governments change their clocks at short notice: what is older than this has missed something.
const OLD_AFTER: Months = Months::new(6);

/// Releases, and their years and months, by the announcements at iana.org/time-zones. The months of 2026b and 2026e were
/// not found there: theirs are the earliest possible, those of the releases before.
const RELEASES: &[(&str, i32, u32)] = &[
    ("2024a", 2024, 2),
    ("2024b", 2024, 9),
    ("2025a", 2025, 1),
    ("2025b", 2025, 3),
    ("2025c", 2025, 12),
    ("2026a", 2026, 3),
    ("2026b", 2026, 3),
    ("2026c", 2026, 7),
    ("2026d", 2026, 9),
    ("2026e", 2026, 9),
];

/// When a version was released, to the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(NaiveDate);

impl Release {
    /// The release of a version such as `2026e`; none if it is not written so. Of a version that is not known here it
    /// is the earliest month possible, so that it is rather taken for too old than for too new.
    pub fn of(version: &str) -> Option<Self> {
        let (year, letters) = version.split_at_checked(4)?;
        if letters.is_empty() || !letters.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        if !year.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year = year.parse().ok()?;
        let not_later = RELEASES.iter().rev().find(|(known, ..)| *known <= version);
        let month = not_later.filter(|(_, known, _)| *known == year).map_or(1, |(.., month)| *month);
        NaiveDate::from_ymd_opt(year, month, 1).map(Self)
    }

    /// The first day of its month.
    pub fn month(self) -> NaiveDate {
        self.0
    }

    /// Whole months since then, not below 0.
    pub fn age_in_months(self, today: NaiveDate) -> u32 {
        let months = |date: NaiveDate| date.year() * 12 + i32::try_from(date.month0()).unwrap_or(0);
        u32::try_from(months(today) - months(self.0)).unwrap_or(0)
    }

    /// Whether it is so old that it should be replaced.
    pub fn is_old(self, today: NaiveDate) -> bool {
        self.0.checked_add_months(OLD_AFTER).is_some_and(|end| today >= end)
    }

    #[cfg(test)]
    pub(super) fn is_listed(version: &str) -> bool {
        RELEASES.iter().any(|(known, ..)| *known == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn month(version: &str) -> Option<String> {
        Release::of(version).map(|release| release.month().to_string())
    }

    #[test]
    fn a_version_is_of_its_month_or_of_the_earliest_that_it_can_be() {
        assert_eq!(month("2025c").unwrap(), "2025-12-01");
        // Not known: after the last known one of its year, or in its January.
        assert_eq!(month("2026z").unwrap(), "2026-09-01");
        assert_eq!(month("2026za").unwrap(), "2026-09-01");
        assert_eq!(month("2027b").unwrap(), "2027-01-01");
        assert_eq!(month("1996l").unwrap(), "1996-01-01");
        for no_version in ["", "2026", "unknown", "2026-1", "+026a", "2026E", "202é"] {
            assert_eq!(month(no_version), None, "{no_version}");
        }
    }

    #[test]
    fn data_is_old_after_six_months() {
        let release = Release::of("2025c").unwrap();
        assert!(!release.is_old(day("2025-01-01")) && !release.is_old(day("2026-05-31")));
        assert!(release.is_old(day("2026-06-01")));
        assert_eq!(release.age_in_months(day("2025-11-30")), 0);
        assert_eq!(release.age_in_months(day("2026-02-28")), 2);
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(RELEASES.is_sorted_by(|one, next| one.0 < next.0 && (one.1, one.2) <= (next.1, next.2)));
    }
}
