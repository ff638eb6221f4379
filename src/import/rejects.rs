//! The rejects file: the refused rows as a CSV that opens in any spreadsheet, runs nothing there, and can be corrected
//! and uploaded again.
//!
//! Three columns stand before the list's own: the reason, what was expected, and what could have been meant. They are
//! known by their titles and no part of the list when it comes back. The first of them also says what the list's
//! columns are for where their titles alone do not tell.

use std::io::{self, Write};

use super::layout::{ColumnMapping, FoundColumn, Role, Why};
use super::reading::{Cell, Content, Row};

const REASON: &str = "outdial reason";
const EXPECTED: &str = "outdial expected";
const SUGGESTION: &str = "outdial suggestion";

/// The reason of a row that opens a quotation and never closes it.
pub(super) const UNCLOSED_QUOTE: &str = "unclosed-quote";

/// The reason of a row with a NUL character in it. The file has [`REPLACEMENT`] in its place where it comes from the
/// database, whose texts cannot hold it.
pub(super) const NUL: &str = "nul-character";

const REPLACEMENT: char = '\u{fffd}';

/// How many columns stand before the list's own.
pub(super) const OUR_COLUMNS: usize = 3;

/// What parts the columns' names in the title of the reasons.
const BETWEEN: &str = " | ";

/// What begins a formula in one spreadsheet or another (OWASP, CSV Injection).
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Writes refused rows, one by one.
#[derive(Debug)]
pub struct Rejects<W: Write>(csv::Writer<W>);

impl<W: Write> Rejects<W> {
    /// Begins a file with this header, which [`super::List::rejects_header`] gives.
    pub fn new(mut out: W, header: &[String]) -> io::Result<Self> {
        // Without the mark, spreadsheets take UTF-8 for something else.
        out.write_all("\u{feff}".as_bytes())?;
        let mut rejects = Self::going_on(out);
        rejects.write_record(header.iter().map(String::as_str))?;
        Ok(rejects)
    }

    /// Goes on with a file that was begun elsewhere.
    pub fn going_on(out: W) -> Self {
        Self(csv::WriterBuilder::new().flexible(true).from_writer(out))
    }

    /// Adds a row with its own cells.
    pub fn write(
        &mut self,
        reason: &str,
        expected: &str,
        suggestion: Option<&str>,
        cells: &[String],
    ) -> io::Result<()> {
        let ours = [reason, expected, suggestion.unwrap_or_default()];
        self.write_record(ours.into_iter().chain(cells.iter().map(String::as_str)))
    }

    /// Ends the file.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    fn write_record<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> io::Result<()> {
        for text in texts {
            if is_dangerous(text) {
                self.0.write_field(format!("'{text}"))
            } else {
                self.0.write_field(text)
            }
            .map_err(io::Error::from)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(io::Error::from)
    }
}

/// The header of the rejects file of a list with these columns. Those that are judged by what stands in them are
/// named whatever their titles: by the refused rows alone, they would be taken for something else, and other columns
/// for them.
pub(super) fn header(columns: &[String], found: &[FoundColumn]) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    let is_judged =
        |role: Role| matches!(role, Role::Phone | Role::Country | Role::Priority | Role::Extension);
    for column in found.iter().filter(|column| column.why != Why::Header || is_judged(column.role)) {
        let family = found.iter().find(|other| other.role == Role::FamilyName);
        match (column.role, family) {
            (Role::FamilyName, _) => {}
            (Role::GivenName, Some(family)) => {
                roles.push(format!("{} = {} + {}", Role::Name, column.name, family.name));
            }
            (role, _) => roles.push(format!("{role} = {}", column.name)),
        }
    }
    let reason =
        if roles.is_empty() { REASON.to_owned() } else { format!("{REASON} ({})", roles.join(BETWEEN)) };
    let ours = [reason, EXPECTED.to_owned(), SUGGESTION.to_owned()];
    ours.into_iter().chain(columns.iter().cloned()).collect()
}

/// A rejects file that came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Returned {
    /// The places of our columns.
    ours: Vec<usize>,
    /// The place of the reasons among them.
    reason: Option<usize>,
    /// What its columns are for, where their titles do not tell.
    pub(super) mapping: ColumnMapping,
    /// The columns of further numbers, where their titles do not tell.
    pub(super) alternates: Vec<String>,
}

impl Returned {
    /// Recognises a rejects file by its first row. Each of our titles is ours once: a rejects file of a list that was
    /// itself a damaged one has them twice, and then the later ones are the list's.
    pub(super) fn recognise(first: &Row) -> Option<Self> {
        let mut returned = Self::default();
        for (place, cell) in first.cells().iter().enumerate() {
            let title = cell.as_str();
            let roles = roles(title).filter(|_| returned.reason.is_none());
            let is_first = |ours: &str| {
                title == ours && !first.cells()[..place].iter().any(|cell| cell.as_str() == ours)
            };
            if roles.is_some() || is_first(EXPECTED) || is_first(SUGGESTION) {
                returned.ours.push(place);
            }
            if roles.is_some() {
                returned.reason = Some(place);
            }
            each(roles.unwrap_or_default())
                .into_iter()
                .for_each(|(role, column)| returned.note(role, column));
        }
        // Where only the title of the reasons is damaged, a suggestion still is no number that anybody confirmed.
        let has_both =
            [EXPECTED, SUGGESTION].iter().all(|ours| first.cells().iter().any(|cell| cell.as_str() == *ours));
        (returned.reason.is_some() || has_both).then_some(returned)
    }

    fn note(&mut self, role: Role, column: String) {
        match role {
            Role::Phone => self.mapping.phone = Some(column),
            Role::Alternate => self.alternates.push(column),
            Role::Name => self.mapping.name = Some(column),
            Role::Country => self.mapping.country = Some(column),
            Role::Timezone => self.mapping.timezone = Some(column),
            Role::Priority => self.mapping.priority = Some(column),
            Role::Extension => self.mapping.extension = Some(column),
            Role::GivenName | Role::FamilyName => {}
        }
    }

    /// A row as it stood in the list: without our columns and without what keeps spreadsheets from running it. One that
    /// was refused for a quotation without an end still is, as long as the mark stands there, and one with a NUL
    /// character as long as what replaced it does.
    pub(super) fn restore(&self, row: Row) -> Row {
        let Content::Cells(cells) = row.content else { return row };
        let was_refused_for = |reason: &str| {
            self.reason.is_some_and(|place| cells.get(place).is_some_and(|cell| cell.as_str() == reason))
        };
        let has_nul = || cells.iter().any(|cell| cell.as_str().contains('\0'));
        let (was_unclosed, had_nul) = (was_refused_for(UNCLOSED_QUOTE), was_refused_for(NUL) && !has_nul());
        let own = cells.into_iter().enumerate().filter(|(place, _)| !self.ours.contains(place));
        let restored = own.map(|(_, cell)| match cell {
            Cell::Text(text) => {
                let text = if is_escaped(&text) { text[1..].to_owned() } else { text };
                Cell::Text(if had_nul { text.replace(REPLACEMENT, "\0") } else { text })
            }
            cell @ Cell::Error(_) => cell,
        });
        let cells: Vec<Cell> = restored.collect();
        if was_unclosed && cells.iter().any(|cell| cell.as_str().starts_with('"')) {
            return Row { number: row.number, content: Content::UnclosedQuote(cells) };
        }
        Row::of(row.number, cells)
    }
}

/// Whether a text begins as a rejects file does: then it is a list, whatever its refused rows are full of.
pub(super) fn begins_rejects(head: &str) -> bool {
    head.trim_start_matches(['\u{feff}', '"']).starts_with(REASON)
}

/// What stands between our titles where a text begins as a rejects file does: its rows may be full of other delimiters.
pub(super) fn delimiter(head: &str) -> Option<u8> {
    let between = |(at, _): (usize, &str)| {
        let after = head[at + EXPECTED.len()..].trim_start_matches('"');
        let delimiter = *after.as_bytes().first()?;
        let next = after.get(1..)?.trim_start_matches('"');
        next.starts_with(SUGGESTION).then_some(delimiter)
    };
    if begins_rejects(head) { head.match_indices(EXPECTED).find_map(between) } else { None }
}

/// What the title of our reasons says of the list's columns; nothing for other titles.
fn roles(title: &str) -> Option<&str> {
    match title.strip_prefix(REASON)? {
        "" => Some(""),
        rest => rest.strip_prefix(" (")?.strip_suffix(')'),
    }
}

/// The columns that are named, each with its role. What stands between them may stand in a name as well.
fn each(roles: &str) -> Vec<(Role, String)> {
    let mut named: Vec<(Role, String)> = Vec::new();
    for piece in roles.split(BETWEEN) {
        let begun =
            piece.split_once(" = ").and_then(|(role, column)| Some((Role::parse(role).ok()?, column)));
        match (begun, named.last_mut()) {
            (Some((role, column)), _) => named.push((role, column.to_owned())),
            (None, Some((_, column))) => {
                column.push_str(BETWEEN);
                column.push_str(piece);
            }
            (None, None) => {}
        }
    }
    named
}

/// Whether a text would run, or looks as if it had been escaped: then it is escaped once more, so that what comes back
/// is what was there.
fn is_dangerous(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

fn is_escaped(text: &str) -> bool {
    text.starts_with('\'') && is_dangerous(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(role: Role, name: &str, why: Why) -> FoundColumn {
        FoundColumn { role, name: name.to_owned(), place: 0, why }
    }

    fn row(cells: &[String]) -> Row {
        Row::of(1, cells.iter().map(|cell| Cell::showing(cell)).collect())
    }

    #[test]
    fn the_header_says_what_titles_do_not_tell_and_is_understood_again() {
        let columns = ["A", "B", "C", "D"].map(str::to_owned);
        let header = header(
            &columns,
            &[
                found(Role::Phone, "A", Why::Content),
                found(Role::Alternate, "D", Why::Content),
                found(Role::GivenName, "B", Why::Mapping),
                found(Role::FamilyName, "C", Why::Mapping),
                found(Role::Timezone, "E", Why::Header),
            ],
        );
        assert_eq!(header[0], "outdial reason (phone = A | alternate = D | name = B + C)");
        let returned = Returned::recognise(&row(&header)).unwrap();
        assert_eq!(returned.mapping.phone.as_deref(), Some("A"));
        assert_eq!(returned.mapping.name.as_deref(), Some("B + C"));
        assert_eq!((returned.alternates, returned.mapping.country), (vec!["D".to_owned()], None));
        assert_eq!(Returned::recognise(&row(&columns)), None);
        let damaged = ["outdial r", EXPECTED, SUGGESTION, "A"].map(str::to_owned);
        assert_eq!(Returned::recognise(&row(&damaged)).unwrap().ours, [1, 2], "suggestions are not called");
    }

    #[test]
    fn a_column_is_known_again_whatever_its_name() {
        for name in ["Phone | Mobile", "a | b | c", "x = y", "phone = A", "home)"] {
            let header = header(
                &[name.to_owned()],
                &[found(Role::Phone, name, Why::Header), found(Role::Name, "B", Why::Content)],
            );
            let returned = Returned::recognise(&row(&header)).unwrap();
            assert_eq!(returned.mapping.phone.as_deref(), Some(name));
            assert_eq!(returned.mapping.name.as_deref(), Some("B"));
        }
    }

    #[test]
    fn our_columns_are_left_out_wherever_they_stand() {
        let header = ["Phone", SUGGESTION, "Name", REASON].map(str::to_owned);
        let returned = Returned::recognise(&row(&header)).unwrap();
        let restored = returned.restore(row(&["1", "2", "3", "4", "5"].map(str::to_owned)));
        assert_eq!(restored.cells().iter().map(Cell::as_str).collect::<Vec<_>>(), ["1", "3", "5"]);
    }

    #[test]
    fn our_titles_tell_the_delimiter_whatever_is_in_the_rows() {
        for (head, expected) in [
            ("outdial reason,outdial expected,outdial suggestion,A;B\nempty,x,,;", Some(b',')),
            (
                "\u{feff}\"outdial reason (phone = A)\";\"outdial expected\";\"outdial suggestion\"",
                Some(b';'),
            ),
            ("outdial reason (phone = outdial expected)\toutdial expected\toutdial suggestion", Some(b'\t')),
            ("outdial reason,outdial expected", None),
            ("outdial reason,outdial expectedé", None),
            ("phone,outdial expected,outdial suggestion", None),
        ] {
            assert_eq!(delimiter(head), expected, "{head:?}");
        }
    }

    #[test]
    fn each_of_our_columns_is_ours_once() {
        let own = ["outdial reason, so to speak", EXPECTED, SUGGESTION].map(str::to_owned);
        let header = header(&own, &[found(Role::Phone, SUGGESTION, Why::Content)]);
        let returned = Returned::recognise(&row(&header)).unwrap();
        let restored = returned.restore(row(&header));
        assert_eq!(restored.cells().iter().map(Cell::as_str).collect::<Vec<_>>(), own);
        assert_eq!(returned.mapping.phone.as_deref(), Some(SUGGESTION));
    }

    #[test]
    fn a_row_with_a_nul_is_refused_until_what_replaced_it_is_gone() {
        let returned = Returned::recognise(&row(&[REASON, "Name"].map(str::to_owned))).unwrap();
        let restored = |reason: &str, name: &str| {
            returned.restore(row(&[reason, name].map(str::to_owned))).text(0).to_owned()
        };
        assert_eq!(restored(NUL, "A\u{fffd}da"), "A\0da");
        assert_eq!(restored(NUL, "'-\u{fffd}"), "-\0");
        assert_eq!(restored(NUL, "Ada"), "Ada");
        assert_eq!(restored("letters", "Bj\u{fffd}rn"), "Bj\u{fffd}rn", "it was not refused for that");
    }

    proptest::proptest! {
        #[test]
        fn nothing_written_runs_in_a_spreadsheet_and_everything_comes_back(text in "['=+@\t＝a-]{0,5}") {
            let text = text.trim().to_owned();
            let mut rejects = Rejects::new(Vec::new(), &[]).unwrap();
            rejects.write("letters", "x", Some("+12025550101"), std::slice::from_ref(&text)).unwrap();
            let bytes = rejects.finish().unwrap();
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&bytes[..]);
            let record = reader.records().next().unwrap().unwrap();
            proptest::prop_assert!(record.iter().all(|cell| !cell.starts_with(FORMULA)));
            let cells: Vec<String> = record.iter().skip(3).map(str::to_owned).collect();
            let restored = Returned::default().restore(row(&cells));
            proptest::prop_assert_eq!(restored.text(0), text);
        }
    }
}
