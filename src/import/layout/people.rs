//! Where the contacts' names are: in one column, or in two that are joined.

use super::content::Sample;
use super::{MOST, NEARLY_ALL, words};
use crate::import::plain::plain;

/// Where the contacts' names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum Names {
    /// Nowhere.
    Nowhere,
    /// In one column.
    Whole(usize),
    /// In two, the given name and the family name; both stay in the metadata as well.
    Joined(usize, usize),
}

/// By the titles of the columns that are free. `Name` is the whole name, or the part that another column lacks: in
/// German beside `Vorname`, in French `Nom` beside `Prénom`, in Spanish `Nombre` beside `Apellidos`. Then the cells
/// tell whether it is the whole.
pub(super) fn by_word(titles: &[&str], sample: &Sample<'_>, is_free: impl Fn(usize) -> bool) -> Names {
    let find =
        |is_it: fn(&str) -> bool| (0..titles.len()).find(|&column| is_free(column) && is_it(titles[column]));
    let (given, family) = (find(words::is_given_name), find(words::is_family_name));
    // Beside a column of first names, `Customer` may be a company.
    let may_be_name = |column: &usize| {
        is_free(*column)
            && words::may_be_name(titles[*column])
            && sample.holds(*column, MOST, looks_like_somebody)
            && [given, family].into_iter().flatten().all(|part| contains(sample, *column, part))
    };
    let name = find(|title| words::is_name(title) || words::is_full_name(title))
        .or_else(|| (0..titles.len()).find(may_be_name));
    match (name, given, family) {
        (Some(name), Some(given), Some(_)) if contains(sample, name, given) => Names::Whole(name),
        (_, Some(given), Some(family)) => Names::Joined(given, family),
        (Some(name), Some(given), None) if words::is_name(titles[name]) && !contains(sample, name, given) => {
            Names::Joined(given, name)
        }
        (Some(name), None, Some(family))
            if words::is_name(titles[name]) && !contains(sample, name, family) =>
        {
            Names::Joined(name, family)
        }
        (Some(name), _, _) => Names::Whole(name),
        (None, Some(one), None) | (None, None, Some(one)) => Names::Whole(one),
        (None, None, None) => find(words::is_some_name).map_or(Names::Nowhere, Names::Whole),
    }
}

/// The first free column in which nearly everything looks like a person's name.
pub(super) fn by_content(sample: &Sample<'_>, is_free: impl Fn(usize) -> bool) -> Names {
    let is_column_of_names =
        |column: &usize| is_free(*column) && sample.holds(*column, NEARLY_ALL, looks_like_a_name);
    (0..sample.width).find(is_column_of_names).map_or(Names::Nowhere, Names::Whole)
}

/// Whether most cells of a column contain those of another, where both are filled.
fn contains(sample: &Sample<'_>, whole: usize, part: usize) -> bool {
    let both = sample.rows.iter().map(|row| (row.text(whole), row.text(part)));
    let (mut filled, mut containing) = (0_u32, 0_u32);
    for (whole, part) in both.filter(|(whole, part)| !whole.is_empty() && !part.is_empty()) {
        filled += 1;
        containing += u32::from(plain(whole).contains(&plain(part)));
    }
    filled > 0 && f64::from(containing) >= f64::from(filled) * MOST
}

/// Whether a text may be whom the title says the column holds: a few words of letters, as in `Ada & Bob Marsh (parents)`.
fn looks_like_somebody(text: &str) -> bool {
    (1..=8).contains(&text.split_whitespace().count())
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(|c| c.is_numeric() || matches!(c, '@' | '_' | ':' | '#' | '='))
}

/// Whether a text may be a person's name: one to four words of letters.
fn looks_like_a_name(text: &str) -> bool {
    (1..=4).contains(&text.split_whitespace().count())
        && text.chars().any(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '’' | '-' | ','))
}
