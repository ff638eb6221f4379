//! Keyset pages: `limit`, and the place after which the page begins. The answer names what to ask for next.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

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

/// What asks for the next page, by the last entry of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Before {
    /// The query's `before`.
    pub(super) before: Uuid,
}

/// What asks for the next page, by the last entry's position on this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AfterPosition {
    /// The query's `after`.
    pub(super) after: i32,
}

/// What asks for the next page, by the last entry of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AfterText {
    /// The query's `after`.
    #[schema(example = "+12025550101")]
    pub(super) after: String,
}

/// The rows of a page, and what asks for the next one, if there is one: `rows` holds up to one more than `limit`.
pub(super) fn cut<T, C>(mut rows: Vec<T>, limit: i64, next: impl Fn(&T) -> C) -> (Vec<T>, Option<C>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(next);
    (rows, next)
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
        let shown = |count: i32| cut((1..=count).collect(), 3, |row| *row);
        assert_eq!(shown(3), (vec![1, 2, 3], None));
        assert_eq!(shown(4), (vec![1, 2, 3], Some(3)));
        assert!(limit(Some(0)).is_err() && limit(Some(1001)).is_err());
    }
}
