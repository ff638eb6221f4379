//! The columns that the list's owner named.

use super::found::Role;
use crate::import::ImportError;

/// Which columns are what, as the list's owner says: by their titles, or `Column 3` or `C` where there are no
/// titles. What is not said is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMapping {
    /// The numbers.
    pub phone: Option<String>,
    /// The names; `First + Last` joins two columns.
    pub name: Option<String>,
    /// The countries of numbers written nationally.
    pub country: Option<String>,
    /// The time zones.
    pub timezone: Option<String>,
    /// The priorities.
    pub priority: Option<String>,
    /// The extensions.
    pub extension: Option<String>,
}

/// The columns of a mapping, by their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapped {
    pub(super) phone: Option<usize>,
    pub(super) name: Option<MappedName>,
    pub(super) country: Option<usize>,
    pub(super) timezone: Option<usize>,
    pub(super) priority: Option<usize>,
    pub(super) extension: Option<usize>,
}

/// One column of names, or two that are joined.
#[derive(Debug, Clone, Copy)]
pub(super) enum MappedName {
    Whole(usize),
    Joined(usize, usize),
}

impl ColumnMapping {
    /// The texts by which columns are named, with what they are for.
    fn named(&self) -> impl Iterator<Item = (Role, &str)> {
        let all = [
            (Role::Phone, &self.phone),
            (Role::Name, &self.name),
            (Role::Country, &self.country),
            (Role::Timezone, &self.timezone),
            (Role::Priority, &self.priority),
            (Role::Extension, &self.extension),
        ];
        all.into_iter().filter_map(|(role, text)| Some((role, text.as_deref()?)))
    }

    /// Whether a row of these titles is the one that the mapping speaks of.
    pub(super) fn names_one_of(&self, titles: &[&str]) -> bool {
        let is_title = |text: &str| titles.iter().any(|title| is_same(title, text));
        self.named().any(|(_, text)| {
            is_title(text) || joined(text).is_some_and(|(one, other)| is_title(one) && is_title(other))
        })
    }

    /// The columns that are meant, where `columns` are the names of all, and `titles` what the header says.
    pub(super) fn resolve(&self, columns: &[String], titles: Option<&[&str]>) -> Result<Mapped, ImportError> {
        let find = |text: &str| find(text, columns, titles);
        let must = |text: &str| {
            find(text).ok_or_else(|| ImportError::UnknownColumn {
                named: text.to_owned(),
                columns: columns.to_vec(),
            })
        };
        let mut mapped = Mapped::default();
        let mut used: Vec<usize> = Vec::new();
        for (role, text) in self.named() {
            let places = match (find(text), joined(text)) {
                (None, Some((given, family))) if role == Role::Name => vec![must(given)?, must(family)?],
                _ => vec![must(text)?],
            };
            if let Some(twice) = places.iter().find(|place| used.contains(place)) {
                return Err(ImportError::ColumnTwice { column: columns[*twice].clone() });
            }
            used.extend(&places);
            let place = places.first().copied();
            match role {
                Role::Phone => mapped.phone = place,
                Role::Country => mapped.country = place,
                Role::Timezone => mapped.timezone = place,
                Role::Priority => mapped.priority = place,
                Role::Extension => mapped.extension = place,
                Role::Name | Role::Alternate | Role::GivenName | Role::FamilyName => {
                    mapped.name = match places[..] {
                        [given, family] => Some(MappedName::Joined(given, family)),
                        _ => place.map(MappedName::Whole),
                    };
                }
            }
        }
        Ok(mapped)
    }
}

fn joined(text: &str) -> Option<(&str, &str)> {
    let (given, family) = text.split_once('+')?;
    Some((given.trim(), family.trim()))
}

fn find(text: &str, columns: &[String], titles: Option<&[&str]>) -> Option<usize> {
    let by_name = || columns.iter().position(|name| is_same(name, text));
    match titles {
        Some(titles) => {
            titles.iter().take(columns.len()).position(|title| is_same(title, text)).or_else(by_name)
        }
        None => by_name().or_else(|| by_letter(text)).filter(|place| *place < columns.len()),
    }
}

/// The place of a spreadsheet's column: `A` is 0, `AA` is 26.
fn by_letter(text: &str) -> Option<usize> {
    let text = text.trim();
    let is_letters = (1..=3).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphabetic());
    let value = |place: usize, letter: u8| place * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
    is_letters.then(|| text.bytes().fold(0, value) - 1)
}

/// Titles are the same in any case, and with any spaces.
fn is_same(title: &str, text: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    !text.trim().is_empty() && words(title) == words(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn columns_are_named_by_title_or_where_there_is_none_by_place() {
        let titles = ["A", "b  b", "C"];
        let named = columns(&["A", "b b", "C"]);
        assert_eq!(find("B B", &named, Some(&titles)), Some(1));
        assert_eq!(find("B", &named, Some(&titles)), None, "a letter is a title where there are titles");
        let nameless = columns(&["Column 1", "Column 2", "Column 3"]);
        for (text, place) in
            [("column 3", Some(2)), ("C", Some(2)), ("a", Some(0)), ("D", None), ("phone", None), ("", None)]
        {
            assert_eq!(find(text, &nameless, None), place, "{text:?}");
        }
        assert_eq!((by_letter("Z"), by_letter("AA"), by_letter("AAAA")), (Some(25), Some(26), None));
    }

    #[test]
    fn a_column_that_is_not_there_is_refused_with_those_that_are() {
        let mapping = ColumnMapping { phone: Some("Fon".to_owned()), ..ColumnMapping::default() };
        let error = mapping.resolve(&columns(&["Who", "Line"]), Some(&["Who", "Line"])).unwrap_err();
        assert_eq!(error.to_string(), "expected a column \"Fon\"; found \"Who\", \"Line\"");
        let line = || Some("Line".to_owned());
        let mapping = ColumnMapping { phone: line(), country: line(), ..ColumnMapping::default() };
        let error = mapping.resolve(&columns(&["Who", "Line"]), Some(&["Who", "Line"])).unwrap_err();
        assert_eq!(error.reason(), "column-twice");
    }

    #[test]
    fn two_columns_of_names_are_joined_unless_one_is_called_so() {
        let name = |text: &str| ColumnMapping { name: Some(text.to_owned()), ..ColumnMapping::default() };
        let titles = ["P", "Q", "P+Q"];
        let mapped = name("p + q").resolve(&columns(&titles), Some(&titles)).unwrap();
        assert!(matches!(mapped.name, Some(MappedName::Joined(0, 1))));
        let mapped = name("P+Q").resolve(&columns(&titles), Some(&titles)).unwrap();
        assert!(matches!(mapped.name, Some(MappedName::Whole(2))));
    }
}
