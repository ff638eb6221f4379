//! Keyset pages: `limit`, and the place after which the page begins. The answer names what to ask for next.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::names::UnknownName;

use super::Problem;

const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 1000;

/// How many a page holds.
pub(super) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=LARGEST_LIMIT => Ok(limit),
        limit => {
            Err(Problem::invalid("bad-limit", format!("limit is {limit}, expected 1 to {LARGEST_LIMIT}")))
        }
    }
}

/// A page as JSON. `rows` holds up to one more than `limit`, which tells whether there is a next page; its cursor is
/// that of the last row shown, under the query parameter `parameter`.
pub(super) fn page<T, C: Serialize>(
    name: &str,
    mut rows: Vec<T>,
    limit: i64,
    parameter: &str,
    cursor: impl Fn(&T) -> C,
    show: impl Fn(&T) -> Value,
) -> Value {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| json!({ parameter: cursor(row) }));
    json!({ name: rows.iter().map(show).collect::<Vec<_>>(), "next": next })
}

/// A name in the query, such as a state.
pub(super) fn named<T>(
    text: Option<&String>,
    parse: impl Fn(&str) -> Result<T, UnknownName>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).map_err(|error| Problem::invalid("bad-filter", error.to_string())))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_if_there_is_one() {
        let rows = |count: i32| (1..=count).collect::<Vec<_>>();
        let shown = |count| page("rows", rows(count), 3, "after", |row| *row, |row| json!(row));
        assert_eq!(shown(3), json!({"rows": [1, 2, 3], "next": null}));
        assert_eq!(shown(4), json!({"rows": [1, 2, 3], "next": {"after": 3}}));
        assert!(limit(Some(0)).is_err() && limit(Some(1001)).is_err());
    }
}
