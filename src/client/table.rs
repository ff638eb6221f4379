//! Tables for the terminal.

use std::fmt::Write;

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::server::bare;

/// The longest that a cell is shown.
const WIDEST: usize = 40;

/// A column: its title, and where its cells stand in an entry, as a JSON pointer.
pub(super) type Column = (&'static str, &'static str);

/// Entries as a table with a header, or a sentence if there are none.
pub(super) fn table(entries: &[Value], columns: &[Column], none: &str) -> String {
    if entries.is_empty() {
        return format!("{none}\n");
    }
    let cell = |entry: &Value, place: &str| shorten(&shown(entry, place));
    let rows: Vec<Vec<String>> =
        entries.iter().map(|entry| columns.iter().map(|(_, place)| cell(entry, place)).collect()).collect();
    let mut text = String::new();
    let titles: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let cells = rows.iter().chain([&titles]).map(|row| row[at].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    for row in [&titles].into_iter().chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// One thing, a line for each of its parts that has something to say.
pub(super) fn card(entry: &Value, lines: &[Column]) -> String {
    let widest = lines.iter().map(|(title, _)| title.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (title, place) in lines {
        let said = shown(entry, place);
        if !said.is_empty() {
            let _ = writeln!(text, "{title:<widest$}  {}", plain(&said));
        }
    }
    text
}

/// What stands in a place of an entry, as people read it: shares in percent, instants and times to the second.
pub(super) fn shown(entry: &Value, place: &str) -> String {
    let Some(value) = entry.pointer(place) else { return String::new() };
    if let Some(share) = value.as_f64().filter(|_| place.ends_with("_rate")) {
        return format!("{:.0} %", share * 100.0);
    }
    let text = value.as_str().unwrap_or_default();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return instant.to_utc().format("%F %TZ").to_string();
    }
    text.parse::<NaiveDateTime>().map_or_else(|_| bare(value), |local| local.format("%F %T").to_string())
}

/// Any JSON, in lines, for people who want to see all of it.
pub(super) fn whole(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().map(|line| plain(line) + "\n").collect()
}

/// A value that somebody else has written, as it may be shown.
pub(super) fn told(value: &Value) -> String {
    plain(&bare(value))
}

fn shorten(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= WIDEST {
        return text;
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

/// What somebody else has written must not move the cursor of the terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_stand_below_their_titles_and_control_no_terminal() {
        let entries = [
            json!({"name": "Ada\u{1b}[2J", "counts": {"done": 3}}),
            json!({"name": "x".repeat(60), "counts": {"done": null}}),
        ];
        let shown = table(&entries, &[("name", "/name"), ("done", "/counts/done")], "nobody");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], format!("{:<40}  done", "name"));
        assert_eq!(lines[1], format!("{:<40}  3", "Ada [2J"));
        assert_eq!(lines[2], format!("{}…", "x".repeat(39)));
        assert_eq!(table(&[], &[("name", "/name")], "nobody"), "nobody\n");
    }

    #[test]
    fn all_of_a_json_keeps_its_lines_and_controls_no_terminal() {
        let shown = whole(&json!({"name": "Ada\u{9b}2J\u{1b}"}));
        assert_eq!(shown, "{\n  \"name\": \"Ada 2J\\u001b\"\n}\n");
    }

    #[test]
    fn a_card_leaves_out_what_says_nothing() {
        let due = json!({"due_at": "2026-03-02T10:00:00.471677-05:00", "answer_rate": 0.6078431372549019,
                         "local_time": "2026-03-02T10:00:00.471677"});
        let expected = "due    2026-03-02 15:00:00Z\nrate   61 %\nthere  2026-03-02 10:00:00\n";
        let lines = [("due", "/due_at"), ("rate", "/answer_rate"), ("there", "/local_time")];
        assert_eq!(card(&due, &lines), expected);
        let entry = json!({"state": "paused", "waiting": null});
        assert_eq!(card(&entry, &[("state", "/state"), ("waits", "/waiting/message")]), "state  paused\n");
    }
}
