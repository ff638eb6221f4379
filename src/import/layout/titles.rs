//! Names for columns: their own, unique, and one for each column that has none.

use std::collections::HashSet;

/// The longest name of a column, in characters.
const LONGEST: usize = 100;

/// Names for columns: their own, without what cannot be shown, `Column 3` for the nameless, and numbered where two
/// are the same in any case. Nameless columns at the end are left out: they are formatting, not content.
pub(super) fn unique_names(titles: &[&str]) -> Vec<String> {
    let is_nameless = titles.iter().all(|title| title.is_empty());
    let last = titles.iter().rposition(|title| !title.is_empty()).map_or(0, |last| last + 1);
    let width = if is_nameless { titles.len() } else { last };
    let mut names = Vec::with_capacity(width);
    extend(&mut names, &titles[..width]);
    names
}

/// The names of the first `width` columns, when a row is wider than the named ones.
pub(in crate::import) fn with_nameless(mut names: Vec<String>, width: usize) -> Vec<String> {
    let more = vec![""; width.saturating_sub(names.len())];
    extend(&mut names, &more);
    names
}

fn extend(names: &mut Vec<String>, titles: &[&str]) {
    let mut taken: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    for title in titles {
        let own = shown(title).unwrap_or_else(|| format!("Column {}", names.len() + 1));
        let mut name = own.clone();
        let mut count = 2;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{own} {count}");
            count += 1;
        }
        names.push(name);
    }
}

/// A title as it may be shown, if anything of it may.
fn shown(title: &str) -> Option<String> {
    let visible: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_numbering_would_give_may_be_taken_as_well() {
        assert_eq!(
            unique_names(&["a", "A", "a 2", "", "Column 4"]),
            ["a", "A 2", "a 2 2", "Column 4", "Column 4 2"]
        );
        assert_eq!(
            with_nameless(unique_names(&["x", "column 3"]), 4),
            ["x", "column 3", "Column 3 2", "Column 4"]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_two_columns_have_the_same_name(
            titles in proptest::collection::vec("([aA ]|Column|[2-4]|\u{0}|é|É|İ){0,4}", 0..30),
            width in 0_usize..40,
        ) {
            let titles: Vec<&str> = titles.iter().map(|title| title.trim()).collect();
            let names = with_nameless(unique_names(&titles), width);
            let distinct: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
            proptest::prop_assert_eq!(distinct.len(), names.len());
            proptest::prop_assert!(names.iter().all(|name| !name.trim().is_empty()));
            // Names of names are the same names: a rejects file is read like the list that it came from.
            let again: Vec<&str> = names.iter().map(String::as_str).collect();
            proptest::prop_assert_eq!(unique_names(&again), names);
        }
    }
}
