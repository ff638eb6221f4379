//! Numbers, spans and instants as people read them. How they look is decided here, and nowhere else.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use crate::domain::zone::Zone;

/// A blank at which no line ends.
const BLANK: char = '\u{a0}';

/// Nearer instants than this are told with their seconds.
const NEAR: TimeDelta = TimeDelta::minutes(2);

/// A whole number with its thousands apart: `1,234`.
pub(super) fn number(number: impl Into<i64>) -> String {
    let number: i64 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut written = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// A share from 0 to 1 in whole hundredths. All and nothing are told only where it is exactly that.
pub(super) fn percent(share: f64) -> String {
    let rounded = (share * 100.0).round() as i64;
    let whole = match rounded {
        0 if share > 0.0 => return format!("<{BLANK}1{BLANK}%"),
        100.. if share < 1.0 => 99,
        rounded => rounded,
    };
    format!("{whole}{BLANK}%")
}

/// A span: `42 s`, `1:05 min`, `2:03 h`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as i64;
    match seconds {
        ..60 => format!("{seconds}{BLANK}s"),
        60..3600 => format!("{}:{:02}{BLANK}min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}{BLANK}h", seconds / 3600, seconds % 3600 / 60),
    }
}

/// An instant on the clock of a zone, as far as it has to be told now: without the day today, without the year this year.
pub(super) fn instant(at: DateTime<Utc>, zone: &Zone, now: DateTime<Utc>) -> String {
    let (local, today) = (zone.local(at), zone.local(now).date());
    let clock = if (at - now).abs() < NEAR { local.format("%H:%M:%S") } else { local.format("%H:%M") };
    let days = (local.date() - today).num_days();
    let day = match days {
        0 => String::new(),
        -6..=6 => local.format("%a ").to_string(),
        _ if local.year() == today.year() => local.format("%-d %b, ").to_string(),
        _ => local.format("%-d %b %Y, ").to_string(),
    };
    format!("{day}{clock} {}", zone.abbreviation(at)).replace(' ', &BLANK.to_string())
}

/// A day on the calendar of a zone.
pub(super) fn day(at: DateTime<Utc>, zone: &Zone) -> String {
    zone.local(at).format("%-d %b %Y").to_string().replace(' ', &BLANK.to_string())
}

/// A text of the program's own as a sentence: with a capital at its beginning.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A rule as the API names it, to be read: `business_hours` as `Business hours`.
pub(super) fn rule(named: &str) -> String {
    sentence(&named.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_shares_and_spans_are_written_for_people() {
        for (given, written) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1234567, "-1,234,567")] {
            assert_eq!(number(given), written);
        }
        for (share, written) in
            [(0.0, "0 %"), (0.001, "< 1 %"), (0.424, "42 %"), (0.9999, "99 %"), (1.0, "100 %")]
        {
            assert_eq!(percent(share).replace(BLANK, " "), written);
        }
        for (seconds, written) in
            [(0.0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (65.0, "1:05 min"), (7380.0, "2:03 h")]
        {
            assert_eq!(span(seconds).replace(BLANK, " "), written);
        }
        assert_eq!(sentence("it waits"), "It waits");
        assert_eq!(sentence(""), "");
        assert_eq!(rule("max_spend: 2 of 3"), "Max spend: 2 of 3");
    }

    #[test]
    fn an_instant_is_told_on_the_zone_s_clock_as_far_as_it_has_to_be() {
        let zone = Zone::parse("America/New_York").unwrap();
        let now = utc("2026-03-02T15:00:00Z");
        for (at, written) in [
            ("2026-03-02T15:00:07Z", "10:00:07 EST"),
            ("2026-03-02T22:30:00Z", "17:30 EST"),
            ("2026-03-03T02:30:00Z", "21:30 EST"),
            ("2026-03-03T14:00:00Z", "Tue 09:00 EST"),
            ("2026-02-27T14:00:00Z", "Fri 09:00 EST"),
            ("2026-03-09T13:00:00Z", "9 Mar, 09:00 EDT"),
            ("2025-12-01T14:00:00Z", "1 Dec 2025, 09:00 EST"),
        ] {
            assert_eq!(instant(utc(at), &zone, now).replace(BLANK, " "), written, "{at}");
        }
        // By the calendar there, and not by the one of Greenwich.
        assert_eq!(day(utc("2026-03-02T03:00:00Z"), &zone).replace(BLANK, " "), "1 Mar 2026");
    }
}
