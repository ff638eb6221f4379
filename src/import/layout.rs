//! Which row is the header, and which column is what: as the list's owner says, else by the header's words where they
//! fit, else by what stands in the columns. Every column that it recognises says how.

mod content;
mod found;
mod mapping;
mod people;
mod titles;
mod words;

pub use self::found::{FoundColumn, Role, Why};
pub use self::mapping::ColumnMapping;
pub(super) use self::titles::with_nameless;

use self::content::Sample;
use self::mapping::{Mapped, MappedName};
pub(super) use self::people::Names;
use self::titles::unique_names;
use super::ImportError;
use super::country::{country, is_country_name};
use super::fields;
use super::reading::{Cell, Row};
use super::warnings::{Warning, WarningKind};
use crate::domain::phone::{Countries, Region};

/// The share of a column's cells that have to be numbers for it to be the phone column without saying so.
const MOST: f64 = 0.5;

/// The share of a column's cells that have to be of a kind for a column without a title to be of it.
const NEARLY_ALL: f64 = 0.8;

/// Below this share of numbers, a column that is called a phone column gives way to one that holds them.
const HARDLY_ANY: f64 = 0.2;

/// How many rows may stand above the header: the name of the list, the date of the export.
const ABOVE: usize = 10;

/// What is known before the columns are.
#[derive(Debug)]
pub(super) struct Known<'k> {
    pub(super) home: Region,
    pub(super) countries: &'k Countries,
    /// The most columns of a row; what is beyond is not looked at.
    pub(super) columns: usize,
    pub(super) mapping: &'k ColumnMapping,
    /// Columns of further numbers, known by name.
    pub(super) alternates: &'k [String],
    /// Whether the first row is certainly a header.
    pub(super) has_header: bool,
}

/// How a file is to be read.
#[derive(Debug)]
pub(super) struct Layout {
    /// The last row of the header, if there is a header. Rows above it belong to it.
    pub(super) header: Option<u32>,
    /// What a row is.
    pub(super) lines: Lines,
    /// The names of all columns, unique.
    pub(super) columns: Vec<String>,
    /// The column of the numbers that are called.
    pub(super) phone: usize,
    /// The columns of further numbers of the same persons.
    pub(super) alternates: Vec<usize>,
    /// Where the names are.
    pub(super) names: Names,
    pub(super) country: Option<usize>,
    pub(super) timezone: Option<usize>,
    pub(super) priority: Option<usize>,
    pub(super) extension: Option<usize>,
    /// What was recognised, and how.
    pub(super) found: Vec<FoundColumn>,
    /// What looks odd about the columns.
    pub(super) warnings: Vec<Warning>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// One contact.
    Contact,
    /// Nothing but numbers, one or several: each is a contact.
    Numbers,
}

impl Layout {
    /// The layout of a file that begins like this.
    pub(super) fn of(sample: &[Row], known: &Known<'_>) -> Result<Self, ImportError> {
        let filled: Vec<&Row> =
            sample.iter().filter(|row| !row.cells().is_empty() && !row.is_blank()).collect();
        if filled.is_empty() {
            return Err(ImportError::Empty);
        }
        match header(&filled, known) {
            // A row that cannot be taken apart tells nothing, but it is a row.
            Some(at) if at + 1 == filled.len() && !sample.iter().any(Row::is_unclosed) => {
                Err(ImportError::HeaderOnly)
            }
            Some(at) => Self::with_header(&filled[..=at], &filled[at + 1..], known),
            None => Self::without_header(&filled, known),
        }
    }

    fn with_header(header: &[&Row], below: &[&Row], known: &Known<'_>) -> Result<Self, ImportError> {
        let Some((row, above)) = header.split_last() else { return Err(ImportError::Empty) };
        let titles = texts(row, known);
        let columns = unique_names(&titles);
        let mapped = known.mapping.resolve(&columns, Some(&titles))?;
        let mut draft = Draft::new(columns, mapped);
        draft.layout.header = Some(row.number);
        if !above.is_empty() {
            let sentence = format!("rows above the header in row {} are left out", row.number);
            draft.warn(WarningKind::RowsAboveHeader, sentence);
        }
        let mut sample = Sample::new(below, known);
        let find = |is_it: fn(&str) -> bool| titles.iter().position(|title| is_it(title));

        draft.layout.country = draft.mapped(Role::Country, draft.mapped.country);
        if draft.layout.country.is_none() {
            let by_cells = |column: &usize| {
                words::may_be_country(titles[*column])
                    && sample.holds(*column, MOST, |text| country(text).is_some())
            };
            let place = find(words::is_country).or_else(|| (0..titles.len()).find(by_cells));
            draft.layout.country = draft.take(Role::Country, place, Why::Header);
        }
        sample.country = draft.layout.country;
        draft.find_phone(&titles, &sample)?;
        draft.find_alternates_by_word(&titles, &sample, known);
        draft.find_names(&titles, &sample);

        draft.layout.timezone = draft.mapped(Role::Timezone, draft.mapped.timezone);
        if draft.layout.timezone.is_none() {
            let place = find(words::is_timezone);
            draft.layout.timezone = draft.take(Role::Timezone, place, Why::Header);
        }
        draft.find_timezone_by_content(&sample);
        draft.layout.priority = draft.mapped(Role::Priority, draft.mapped.priority);
        if draft.layout.priority.is_none() {
            let place = find(words::is_priority);
            let fits = |text: &str| fields::priority(text).is_some();
            draft.layout.priority =
                draft.take_if(Role::Priority, place, &sample, fits, "whole numbers from -1000 to 1000");
        }
        draft.layout.extension = draft.mapped(Role::Extension, draft.mapped.extension);
        if draft.layout.extension.is_none() {
            let place = find(words::is_extension);
            let fits = |text: &str| fields::extension(text).is_some();
            draft.layout.extension =
                draft.take_if(Role::Extension, place, &sample, fits, "extensions of at most 7 digits");
        }
        draft.look_for_wishes(&titles, &sample);
        draft.compare(&sample);
        Ok(draft.finish())
    }

    fn without_header(rows: &[&Row], known: &Known<'_>) -> Result<Self, ImportError> {
        let mut sample = Sample::new(rows, known);
        let columns = unique_names(&vec![""; sample.width]);
        let mapped = known.mapping.resolve(&columns, None)?;
        let mut draft = Draft::new(columns, mapped);
        draft.layout.country = draft.mapped(Role::Country, draft.mapped.country);
        if draft.layout.country.is_none() {
            let place = (0..sample.width).find(|column| sample.holds(*column, NEARLY_ALL, is_country_name));
            draft.layout.country = draft.take(Role::Country, place, Why::Content);
        }
        sample.country = draft.layout.country;
        let shares = sample.shares();
        if let Some(phone) = draft.mapped(Role::Phone, draft.mapped.phone) {
            draft.layout.phone = phone;
        } else {
            let Some(phone) = draft.best(&shares, HARDLY_ANY) else {
                let first = texts(rows[0], known);
                let is_header = first.iter().all(|text| is_title(text) || text.is_empty());
                return Err(ImportError::NoPhoneColumn {
                    columns: if is_header { unique_names(&first) } else { draft.layout.columns },
                    sheets: Vec::new(),
                });
            };
            draft.layout.phone = phone;
            draft.take(Role::Phone, Some(phone), Why::Content);
            if sample.width > 1 && shares.iter().all(|share| *share >= MOST) {
                draft.layout.lines = Lines::Numbers;
                draft.layout.phone = 0;
                draft.layout.columns.truncate(1);
                draft.layout.found = vec![draft.found(Role::Phone, 0, Why::Content)];
                return Ok(draft.finish());
            }
        }
        for column in (0..sample.width).filter(|column| shares[*column] >= MOST) {
            let alternate = draft.take(Role::Alternate, Some(column), Why::Content);
            draft.layout.alternates.extend(alternate);
        }
        draft.find_names(&[], &sample);
        draft.layout.timezone = draft.mapped(Role::Timezone, draft.mapped.timezone);
        draft.find_timezone_by_content(&sample);
        draft.layout.priority = draft.mapped(Role::Priority, draft.mapped.priority);
        draft.layout.extension = draft.mapped(Role::Extension, draft.mapped.extension);
        draft.compare(&sample);
        Ok(draft.finish())
    }
}

/// Which of the first rows is the header, if one is.
fn header(filled: &[&Row], known: &Known<'_>) -> Option<usize> {
    if known.has_header {
        return Some(0);
    }
    let sample = Sample::new(filled, known);
    let without_number = filled.iter().take(ABOVE + 1).take_while(|row| !sample.has_number(row)).count();
    let candidates = &filled[..without_number];
    let first = *candidates.first()?;
    let is_named = |row: &Row| row.cells().iter().any(|cell| words::is_known(cell.as_str()));
    if let Some(at) = candidates.iter().position(|row| known.mapping.names_one_of(&texts(row, known))) {
        return Some(at);
    }
    // `Patients` alone in the first row is the name of the list, if there are titles below.
    if (!is_named(first) || count(first) == 1)
        && let Some(at) = candidates.iter().position(|row| is_certainly_a_header(&texts(row, known)))
        && candidates[..at].iter().all(|above| count(above) < count(candidates[at]).min(3))
    {
        return Some(at);
    }
    if is_named(first) {
        return Some(0);
    }
    let below = Sample::new(&filled[1..], known);
    let by_content = content::best(&below.shares(), MOST);
    by_content.is_some_and(|column| is_title(first.text(column))).then_some(0)
}

/// Whether these are the titles of a phone column and of another one.
fn is_certainly_a_header(titles: &[&str]) -> bool {
    titles.iter().any(|title| words::phone_rank(title) >= Some(2))
        && titles.iter().filter(|title| words::is_known(title)).count() > 1
}

/// How many cells of a row are filled.
fn count(row: &Row) -> usize {
    row.cells().iter().filter(|cell| !cell.as_str().is_empty()).count()
}

fn texts<'r>(row: &'r Row, known: &Known<'_>) -> Vec<&'r str> {
    row.cells().iter().take(known.columns).map(Cell::as_str).collect()
}

/// Whether a text in the phone column may be its title: no number, not even a bad one.
fn is_title(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && text.chars().filter(char::is_ascii_digit).count() < 3
}

/// A layout that is being found out.
struct Draft {
    layout: Layout,
    mapped: Mapped,
}

impl Draft {
    fn new(columns: Vec<String>, mapped: Mapped) -> Self {
        let layout = Layout {
            header: None,
            lines: Lines::Contact,
            columns,
            phone: 0,
            alternates: Vec::new(),
            names: Names::Nowhere,
            country: None,
            timezone: None,
            priority: None,
            extension: None,
            found: Vec::new(),
            warnings: Vec::new(),
        };
        Self { layout, mapped }
    }

    /// Notes a column that was found, unless it is something already or its owner says that it is something else.
    fn take(&mut self, role: Role, place: Option<usize>, why: Why) -> Option<usize> {
        let place = place.filter(|place| self.is_free(*place))?;
        let found = self.found(role, place, why);
        self.layout.found.push(found);
        Some(place)
    }

    /// Notes a column that its owner named.
    fn mapped(&mut self, role: Role, place: Option<usize>) -> Option<usize> {
        let place = place?;
        let found = self.found(role, place, Why::Mapping);
        self.layout.found.push(found);
        Some(place)
    }

    /// Notes a column that says by its title what it holds, if it does.
    fn take_if(
        &mut self,
        role: Role,
        place: Option<usize>,
        sample: &Sample<'_>,
        fits: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Option<usize> {
        let place = place.filter(|place| self.is_free(*place))?;
        if sample.filled(place) == 0 || sample.holds(place, MOST, fits) {
            return self.take(role, Some(place), Why::Header);
        }
        let name = self.name(place);
        let sentence = format!("{name:?} holds no {expected}, and is kept as it is");
        self.warn(WarningKind::ColumnNotUsed, sentence);
        None
    }

    fn is_free(&self, place: usize) -> bool {
        let mapped = &self.mapped;
        let names = match mapped.name {
            Some(MappedName::Whole(name)) => [Some(name), None],
            Some(MappedName::Joined(given, family)) => [Some(given), Some(family)],
            None => [None, None],
        };
        let named = [mapped.phone, mapped.country, mapped.timezone, mapped.priority, mapped.extension];
        !self.layout.found.iter().any(|found| found.place == place)
            && !named.into_iter().chain(names).any(|named| named == Some(place))
    }

    fn name(&self, place: usize) -> String {
        self.layout.columns.get(place).cloned().unwrap_or_else(|| format!("Column {}", place + 1))
    }

    fn found(&self, role: Role, place: usize, why: Why) -> FoundColumn {
        FoundColumn { role, name: self.name(place), place, why }
    }

    fn warn(&mut self, kind: WarningKind, sentence: String) {
        self.layout.warnings.push(Warning { kind, sentence });
    }

    /// The free column with the highest share of numbers, if that is high enough.
    fn best(&self, shares: &[f64], at_least: f64) -> Option<usize> {
        let free: Vec<f64> = shares
            .iter()
            .enumerate()
            .map(|(place, share)| if self.is_free(place) { *share } else { 0.0 })
            .collect();
        content::best(&free, at_least)
    }

    /// The better word wins, then the column with numbers in more of its rows, then the first. A column without numbers
    /// gives way to one that holds them.
    fn find_phone(&mut self, titles: &[&str], sample: &Sample<'_>) -> Result<(), ImportError> {
        if let Some(phone) = self.mapped(Role::Phone, self.mapped.phone) {
            self.layout.phone = phone;
            return Ok(());
        }
        let shares = sample.shares();
        let share = |column: usize| shares.get(column).copied().unwrap_or(0.0);
        let by_word = (0..titles.len())
            .filter(|column| self.is_free(*column))
            .filter_map(|column| Some((words::phone_rank(titles[column])?, column)))
            .max_by_key(|(rank, column)| {
                (share(*column) > 0.0, *rank, sample.tenths_with_numbers(*column), std::cmp::Reverse(*column))
            })
            .map(|(_, column)| column);
        let by_content = self.best(&shares, MOST);
        let (phone, why) = match (by_word, by_content) {
            (Some(named), Some(found)) if share(named) < HARDLY_ANY => (found, Why::Content),
            (Some(named), _) => (named, Why::Header),
            (None, Some(found)) => (found, Why::Content),
            (None, None) => {
                let none = || {
                    let columns = self.layout.columns.clone();
                    ImportError::NoPhoneColumn { columns, sheets: Vec::new() }
                };
                (self.best(&shares, HARDLY_ANY).ok_or_else(none)?, Why::Content)
            }
        };
        self.layout.phone = phone;
        self.take(Role::Phone, Some(phone), why);
        Ok(())
    }

    /// Further phone columns by their titles. What only looks like numbers may be somebody else's.
    fn find_alternates_by_word(&mut self, titles: &[&str], sample: &Sample<'_>, known: &Known<'_>) {
        let is_known =
            |column: usize| known.alternates.iter().any(|name| self.layout.columns.get(column) == Some(name));
        let alternates: Vec<(usize, Why)> = (0..titles.len())
            .filter_map(|column| match words::phone_rank(titles[column]) {
                _ if is_known(column) => Some((column, Why::Mapping)),
                Some(2..) if sample.filled(column) == 0 || sample.share(column) >= HARDLY_ANY => {
                    Some((column, Why::Header))
                }
                Some(_) | None => None,
            })
            .collect();
        for (column, why) in alternates {
            let alternate = self.take(Role::Alternate, Some(column), why);
            self.layout.alternates.extend(alternate);
        }
    }

    fn find_names(&mut self, titles: &[&str], sample: &Sample<'_>) {
        let (names, why) = match self.mapped.name {
            Some(MappedName::Whole(column)) => (Names::Whole(column), Why::Mapping),
            Some(MappedName::Joined(given, family)) => (Names::Joined(given, family), Why::Mapping),
            None if titles.is_empty() => {
                (people::by_content(sample, |column| self.is_free(column)), Why::Content)
            }
            None => (people::by_word(titles, sample, |column| self.is_free(column)), Why::Header),
        };
        self.layout.names = names;
        let found: &[(Role, usize)] = match names {
            Names::Nowhere => &[],
            Names::Whole(column) => &[(Role::Name, column)],
            Names::Joined(given, family) => &[(Role::GivenName, given), (Role::FamilyName, family)],
        };
        let found: Vec<_> = found.iter().map(|(role, place)| self.found(*role, *place, why)).collect();
        self.layout.found.extend(found);
    }

    /// The names of zones are like nothing else, whatever the title.
    fn find_timezone_by_content(&mut self, sample: &Sample<'_>) {
        if self.layout.timezone.is_none() {
            let holds_zones = |column: &usize| {
                self.is_free(*column) && sample.holds(*column, NEARLY_ALL, fields::is_zone_of_a_place)
            };
            let place = (0..sample.width).find(holds_zones);
            self.layout.timezone = self.take(Role::Timezone, place, Why::Content);
        }
    }

    /// Looks for people who do not want to be called: nobody here knows what such a column means, but its owner should.
    fn look_for_wishes(&mut self, titles: &[&str], sample: &Sample<'_>) {
        let asks = |column: &usize| {
            words::is_do_not_call(titles[*column]) && sample.texts(*column).any(words::asks_not_to_be_called)
        };
        if let Some(column) = (0..titles.len()).filter(|column| self.is_free(*column)).find(asks) {
            let name = self.name(column);
            let sentence = format!(
                "{name:?} seems to say who does not want to be called; they are called unless they are left out or suppressed"
            );
            self.warn(WarningKind::DoNotCallColumn, sentence);
        }
    }

    /// Looks whether another column, or another country, would have given more numbers.
    fn compare(&mut self, sample: &Sample<'_>) {
        let phone = self.layout.phone;
        let share = sample.share(phone);
        if share >= MOST || sample.filled(phone) == 0 {
            return;
        }
        let better =
            (0..sample.width).filter(|column| *column != phone && sample.share(*column) >= share + 0.3);
        if let Some(better) = better.max_by(|one, other| sample.share(*one).total_cmp(&sample.share(*other)))
        {
            let (own, better) = (self.name(phone), self.name(better));
            let sentence = format!("{better:?} holds more numbers than {own:?}, from which they are taken");
            self.warn(WarningKind::BetterColumn, sentence);
        }
        if self.layout.country.is_none()
            && let Some(region) = sample.better_home(phone, NEARLY_ALL)
        {
            let own = self.name(phone);
            let sentence = format!(
                "most numbers in {own:?} would be right as numbers in {region}; the list may need that default region"
            );
            self.warn(WarningKind::OtherCountry, sentence);
        }
    }

    /// A column that was found may stand beyond the titles: it gets its name here.
    fn finish(self) -> Layout {
        let mut layout = self.layout;
        let width = layout.found.iter().map(|found| found.place + 1).max().unwrap_or(0);
        layout.columns = with_nameless(layout.columns, width);
        for found in &mut layout.found {
            found.name.clone_from(&layout.columns[found.place]);
        }
        layout
    }
}

#[cfg(test)]
mod tests;
