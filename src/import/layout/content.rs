//! What stands in the columns of a list's first rows.

use super::{Known, country};
use crate::domain::phone::{Region, read_phone};
use crate::import::reading::Row;

/// Countries that are tried when a list's numbers do not fit its own.
#[rustfmt::skip]
const COMMON: [&str; 24] = [
    "US", "GB", "DE", "FR", "ES", "IT", "MX", "BR", "IN", "AU", "CA", "NL", "BE", "CH", "AT", "PT", "PL", "AR", "CO",
    "CL", "IE", "SE", "ZA", "NZ",
];

/// So many numbers have to be there for another country to be likely.
const ENOUGH: usize = 3;

/// Some rows, and how their numbers are read.
#[derive(Debug)]
pub(super) struct Sample<'s> {
    pub(super) rows: &'s [&'s Row],
    pub(super) width: usize,
    /// The column of the numbers' countries, once it is known.
    pub(super) country: Option<usize>,
    known: &'s Known<'s>,
}

impl<'s> Sample<'s> {
    pub(super) fn new(rows: &'s [&'s Row], known: &'s Known<'s>) -> Self {
        let width = rows.iter().map(|row| row.cells().len()).max().unwrap_or(0).min(known.columns);
        Self { rows, width, country: None, known }
    }

    /// Whether a row has a number in any of its cells.
    pub(super) fn has_number(&self, row: &Row) -> bool {
        row.cells()
            .iter()
            .take(self.known.columns)
            .any(|cell| self.is_number(row, cell.as_str(), self.known.home))
    }

    /// The texts of a column that are not empty.
    pub(super) fn texts(&self, column: usize) -> impl Iterator<Item = &'s str> {
        self.rows.iter().map(move |row| row.text(column)).filter(|text| !text.is_empty())
    }

    /// How many rows have something in the column.
    pub(super) fn filled(&self, column: usize) -> usize {
        self.texts(column).count()
    }

    /// Whether there is something in the column, and at least this share of it is of a kind.
    pub(super) fn holds(&self, column: usize, at_least: f64, is_one: impl Fn(&str) -> bool) -> bool {
        let (filled, fitting) = self
            .texts(column)
            .fold((0, 0), |(filled, fitting), text| (filled + 1, fitting + usize::from(is_one(text))));
        filled > 0 && ratio(fitting, filled) >= at_least
    }

    /// For each column, which share of its filled cells are phone numbers.
    pub(super) fn shares(&self) -> Vec<f64> {
        (0..self.width).map(|column| self.share(column)).collect()
    }

    /// Which share of a column's filled cells are phone numbers.
    pub(super) fn share(&self, column: usize) -> f64 {
        ratio(self.numbers(column, self.known.home), self.filled(column))
    }

    /// In how many tenths of the rows there is a number in the column.
    pub(super) fn tenths_with_numbers(&self, column: usize) -> usize {
        (self.numbers(column, self.known.home) * 10 + self.rows.len() / 2) / self.rows.len().max(1)
    }

    /// The country in which a column's numbers would be right, if that is another one.
    pub(super) fn better_home(&self, column: usize, at_least: f64) -> Option<Region> {
        let homes = COMMON.iter().filter_map(|code| Region::parse(code).ok());
        let filled = self.filled(column);
        let numbers =
            homes.filter(|home| *home != self.known.home).map(|home| (self.numbers(column, home), home));
        // The first of equals is the likelier.
        let (count, home) = numbers.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (count >= ENOUGH && ratio(count, filled) >= at_least).then_some(home)
    }

    fn numbers(&self, column: usize, home: Region) -> usize {
        let is_number = |row: &&&Row| {
            let text = row.text(column);
            !text.is_empty() && self.is_number(row, text, home)
        };
        self.rows.iter().filter(is_number).count()
    }

    fn is_number(&self, row: &Row, text: &str, home: Region) -> bool {
        let own = self.country.and_then(|column| country(row.text(column)));
        read_phone(text, own.unwrap_or(home), self.known.countries).is_ok()
    }
}

/// The first column with the highest share, if that is high enough.
pub(super) fn best(shares: &[f64], at_least: f64) -> Option<usize> {
    let (column, share) = shares.iter().enumerate().max_by(|(column, share), (other, other_share)| {
        share.total_cmp(other_share).then(other.cmp(column))
    })?;
    (*share >= at_least).then_some(column)
}

#[expect(clippy::cast_precision_loss, reason = "a sample has hundreds of rows")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
