//! Which row is the header, and which columns hold the number and the name: by the header's words where they fit,
//! by what stands in the columns where they do not.

mod words;

use super::ImportError;
use super::reading::{Cell, Row};
use crate::domain::phone::{Region, parse_phone};

/// The share of a column's cells that have to be numbers for it to be the phone column without saying so.
const MOST: f64 = 0.5;

/// Below this share of numbers, a column that is called a phone column gives way to one that holds them.
const HARDLY_ANY: f64 = 0.2;

/// How a file is to be read.
#[derive(Debug)]
pub(super) enum Layout {
    /// Rows of columns, one contact each.
    Table(Table),
    /// Nothing but numbers, one or several a line: each is a contact.
    Numbers,
}

/// Which column is which.
#[derive(Debug)]
pub(super) struct Table {
    /// The header's row number, if there is a header.
    pub(super) header: Option<u32>,
    /// The names of all columns, unique.
    pub(super) columns: Vec<String>,
    /// The column of the numbers.
    pub(super) phone: usize,
    /// Where the names are.
    pub(super) names: Names,
}

/// Where the contacts' names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Nowhere.
    Nowhere,
    /// In one column.
    Whole(usize),
    /// In two, the given name and the family name; both stay in the metadata as well.
    Joined(usize, usize),
}

impl Layout {
    /// The layout of a file that begins like this.
    pub(super) fn of(sample: &[Row], region: Region) -> Result<Self, ImportError> {
        let filled: Vec<&Row> =
            sample.iter().filter(|row| !row.cells().is_empty() && !row.is_blank()).collect();
        let (first, below) = filled.split_first().ok_or(ImportError::Empty)?;
        let width = filled.iter().map(|row| row.cells().len()).max().unwrap_or(0).min(super::MAX_COLUMNS);
        if !has_number(first, region) {
            let is_named = first.cells().iter().any(|cell| words::is_known(cell.as_str()));
            if is_named && below.is_empty() {
                return Err(ImportError::HeaderOnly);
            }
            let shares = shares(below, width, region);
            let by_content = best(&shares, MOST);
            let is_header = is_named || by_content.is_some_and(|column| is_title(first.text(column)));
            if is_header {
                return Self::with_header(first, &shares);
            }
        }
        Self::without_header(&filled, width, region)
    }

    fn with_header(header: &Row, shares: &[f64]) -> Result<Self, ImportError> {
        let titles = texts(header);
        let columns = unique_names(&titles);
        let share = |column: usize| shares.get(column).copied().unwrap_or(0.0);
        // The better word wins, then the column with more numbers in it, then the first.
        let by_word = (0..titles.len())
            .filter_map(|column| Some((words::phone_rank(titles[column])?, column)))
            .max_by(|(rank, column), (other_rank, other)| {
                let filled = (share(*column) > 0.0).cmp(&(share(*other) > 0.0));
                filled
                    .then(rank.cmp(other_rank))
                    .then(share(*column).total_cmp(&share(*other)))
                    .then(other.cmp(column))
            })
            .map(|(_, column)| column);
        let by_content = best(shares, MOST);
        let phone = match (by_word, by_content) {
            (Some(named), Some(found)) if share(named) < HARDLY_ANY => found,
            (Some(named), _) => named,
            (None, Some(found)) => found,
            (None, None) => {
                best(shares, HARDLY_ANY).ok_or(ImportError::NoPhoneColumn { columns: columns.clone() })?
            }
        };
        let names = names_by_word(&titles, phone);
        Ok(Self::Table(Table { header: Some(header.number), columns, phone, names }))
    }

    fn without_header(rows: &[&Row], width: usize, region: Region) -> Result<Self, ImportError> {
        let shares = shares(rows, width, region);
        let columns = unique_names(&vec![""; width]);
        let Some(phone) = best(&shares, HARDLY_ANY) else {
            let first = texts(rows[0]);
            let is_header = first.iter().all(|text| is_title(text) || text.is_empty());
            return Err(ImportError::NoPhoneColumn {
                columns: if is_header { unique_names(&first) } else { columns },
            });
        };
        if width > 1 && shares.iter().all(|share| *share >= MOST) {
            return Ok(Self::Numbers);
        }
        let names = names_by_content(rows, width, phone);
        Ok(Self::Table(Table { header: None, columns, phone, names }))
    }
}

fn has_number(row: &Row, region: Region) -> bool {
    row.cells().iter().any(|cell| parse_phone(cell.as_str(), region).is_ok())
}

fn texts(row: &Row) -> Vec<&str> {
    row.cells().iter().take(super::MAX_COLUMNS).map(Cell::as_str).collect()
}

/// Whether a text in the phone column may be its title: no number, not even a bad one.
fn is_title(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && text.chars().filter(char::is_ascii_digit).count() < 3
}

/// For each column, which share of its filled cells are phone numbers.
fn shares(rows: &[&Row], width: usize, region: Region) -> Vec<f64> {
    let share = |column: usize| {
        let (mut filled, mut numbers) = (0.0_f64, 0.0);
        for text in rows.iter().map(|row| row.text(column)).filter(|text| !text.is_empty()) {
            filled += 1.0;
            numbers += f64::from(u8::from(parse_phone(text, region).is_ok()));
        }
        numbers / filled.max(1.0)
    };
    (0..width).map(share).collect()
}

/// The first column with the highest share, if that is high enough.
fn best(shares: &[f64], at_least: f64) -> Option<usize> {
    let (column, share) = shares.iter().enumerate().max_by(|(column, share), (other, other_share)| {
        share.total_cmp(other_share).then(other.cmp(column))
    })?;
    (*share >= at_least).then_some(column)
}

fn names_by_word(titles: &[&str], phone: usize) -> Names {
    let find =
        |is_it: fn(&str) -> bool| (0..titles.len()).find(|&column| column != phone && is_it(titles[column]));
    match (find(words::is_full_name), find(words::is_given_name), find(words::is_family_name)) {
        (Some(whole), _, _) => Names::Whole(whole),
        (None, Some(given), Some(family)) => Names::Joined(given, family),
        (None, Some(one), None) | (None, None, Some(one)) => Names::Whole(one),
        (None, None, None) => find(words::is_some_name).map_or(Names::Nowhere, Names::Whole),
    }
}

/// The first column in which nearly everything looks like a person's name.
fn names_by_content(rows: &[&Row], width: usize, phone: usize) -> Names {
    let is_column_of_names = |column: &usize| {
        let texts: Vec<&str> =
            rows.iter().map(|row| row.text(*column)).filter(|text| !text.is_empty()).collect();
        let names = texts.iter().filter(|text| words::looks_like_a_name(text)).count();
        !texts.is_empty() && names * 5 >= texts.len() * 4
    };
    (0..width).filter(|column| *column != phone).find(is_column_of_names).map_or(Names::Nowhere, Names::Whole)
}

/// Names for columns: their own, without what cannot be shown, `Column 3` for the nameless, and numbered where two
/// are the same. Nameless columns at the end are left out: they are formatting, not content.
fn unique_names(titles: &[&str]) -> Vec<String> {
    let is_nameless = titles.iter().all(|title| title.is_empty());
    let last = titles.iter().rposition(|title| !title.is_empty()).map_or(0, |last| last + 1);
    let width = if is_nameless { titles.len() } else { last };
    let mut names: Vec<String> = Vec::with_capacity(width);
    let mut taken = std::collections::HashSet::new();
    for (column, title) in titles[..width].iter().enumerate() {
        let name = unique_name(title, column, &|name| taken.contains(&name.to_lowercase()));
        taken.insert(name.to_lowercase());
        names.push(name);
    }
    names
}

/// A name for one more column.
pub(super) fn unique_name(title: &str, column: usize, is_taken: &dyn Fn(&str) -> bool) -> String {
    let shown: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(100).collect();
    let words: Vec<&str> = shown.split_whitespace().collect();
    let own = if words.is_empty() { format!("Column {}", column + 1) } else { words.join(" ") };
    let mut name = own.clone();
    let mut count = 2;
    while is_taken(&name) {
        name = format!("{own} {count}");
        count += 1;
    }
    name
}
