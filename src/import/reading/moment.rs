//! Dates and times of spreadsheets as people write them, the year first: they may be said to somebody.

/// `09:30`, with its seconds only if there are any.
pub(super) fn time_of_day(hour: u32, minute: u32, second: u32) -> String {
    match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}

/// `2026-03-02T09:30:00` as `2026-03-02 09:30`, and a day without a time as it is.
pub(super) fn of_iso(iso: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let Some((date, time)) =
        iso.split_once('T').filter(|(date, time)| date.ends_with(is_digit) && time.starts_with(is_digit))
    else {
        return iso.to_owned();
    };
    let whole_minutes = time.strip_suffix(":00").filter(|rest| rest.contains(':'));
    format!("{date} {}", whole_minutes.unwrap_or(time))
}

/// `PT09H30M00S` ([XML Schema 2] 3.2.6) as `09:30`.
///
/// [XML Schema 2]: https://www.w3.org/TR/xmlschema-2/
pub(super) fn of_duration(stated: String) -> String {
    let part = |from: &str, to: char| -> Option<(u32, usize)> {
        let end = from.find(to)?;
        let whole = from[..end].split(['.', ',']).next()?;
        Some((whole.parse().ok()?, end + 1))
    };
    let parts = || {
        let rest = stated.strip_prefix("PT")?;
        let (hours, end) = part(rest, 'H')?;
        let rest = &rest[end..];
        let (minutes, end) = part(rest, 'M')?;
        let (seconds, _) = part(&rest[end..], 'S')?;
        Some(time_of_day(hours, minutes, seconds))
    };
    parts().unwrap_or(stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_people_write_it() {
        for (iso, written) in [
            ("2026-03-02", "2026-03-02"),
            ("2026-03-02T09:30:00", "2026-03-02 09:30"),
            ("2026-03-02T09:30:05", "2026-03-02 09:30:05"),
            ("2026-03-02T09:00", "2026-03-02 09:00"),
            ("Tuesday", "Tuesday"),
        ] {
            assert_eq!(of_iso(iso), written);
        }
        for (stated, written) in [("PT09H30M00S", "09:30"), ("PT09H30M05.5S", "09:30:05"), ("soon", "soon")] {
            assert_eq!(of_duration(stated.to_owned()), written);
        }
    }
}
