//! Contacts in another order than the list's: the first so many of all that are wanted, and those behind them.
//!
//! The tables that the dialer writes have no index for what people sort by, and get none: every call would pay for it. Only numbers
//! stand in the order of an index. In any other order all contacts of a campaign are read, so somebody has to see to it that
//! these are not too many ([`Order::has_index`]).

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::list::{COLUMNS, Contact, ContactFilter, Search, contact, looks_for};
use crate::db::{Connection, Database, Error, query, query_opt, reads};
use crate::domain::contact::ContactState;
use crate::domain::names::names;
use crate::domain::outcome::Outcome;

names! {
    /// What contacts can be sorted by.
    pub enum SortedBy: "order" {
        /// Their place in the list.
        Position = "position",
        /// Their number.
        Phone = "phone",
        /// Their name.
        Name = "name",
        /// How they stand, by its name.
        State = "state",
        /// What the last attempt came to, by its name.
        Outcome = "outcome",
        /// How many attempts count.
        Attempts = "attempts",
        /// From when on they may be called.
        Due = "due",
    }
}

/// An order of contacts. Those that are alike in it stand as in the list; those that have nothing of the kind come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: SortedBy,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// A mark that is none of its order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mark:?} is no {by} behind which a page could begin")]
pub struct BadMark {
    mark: String,
    by: SortedBy,
}

/// Where a page begins: behind a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Its position.
    pub position: i32,
    /// What it was sorted by, as [`Order::mark`] told. It may have changed since.
    pub mark: String,
}

impl Order {
    /// The order of the list.
    pub const OF_THE_LIST: Self = Self { by: SortedBy::Position, descending: false };

    /// Whether contacts stand in it, or against it, in an index: then some of them are read without the others.
    pub fn has_index(self) -> bool {
        matches!(self.by, SortedBy::Position | SortedBy::Phone)
    }

    /// What a contact is sorted by, for whoever asks for those behind it. Empty if it has nothing of the kind, and where the
    /// contact tells it all the same, because it never changes.
    pub fn mark(self, contact: &Contact) -> String {
        match self.by {
            SortedBy::Position | SortedBy::Phone => String::new(),
            // As the server makes them small.
            SortedBy::Name => contact.name.as_deref().unwrap_or_default().to_ascii_lowercase(),
            SortedBy::State => contact.state.to_string(),
            SortedBy::Outcome => contact.last_outcome.map(Outcome::as_str).unwrap_or_default().to_owned(),
            SortedBy::Attempts => contact.attempts.to_string(),
            SortedBy::Due => contact.due_at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default(),
        }
    }

    /// Whether a page may begin behind this mark.
    pub fn check(self, mark: &str) -> Result<(), BadMark> {
        let is_good = match self.by {
            SortedBy::Position | SortedBy::Phone => mark.is_empty(),
            SortedBy::Name => true,
            SortedBy::State => ContactState::parse(mark).is_ok(),
            SortedBy::Outcome => mark.is_empty() || Outcome::parse(mark).is_ok(),
            SortedBy::Attempts => mark.parse::<u16>().is_ok(),
            SortedBy::Due => mark.is_empty() || instant(mark).is_some(),
        };
        if is_good { Ok(()) } else { Err(BadMark { mark: mark.to_owned(), by: self.by }) }
    }

    /// The key of SQL that it sorts by, its type, and what stands for nothing in it: `$11` is that, as a text.
    fn key(self) -> (&'static str, &'static str, &'static str) {
        let least_or_greatest = |least, greatest| if self.descending { least } else { greatest };
        match self.by {
            SortedBy::Position => ("position", "integer", "0"),
            SortedBy::Phone => ("phone", "text", ""),
            SortedBy::Name => {
                ("lower(contacts.name COLLATE \"C\")", "text", least_or_greatest("", "\u{10FFFF}"))
            }
            SortedBy::State => ("contacts.state COLLATE \"C\"", "text", ""),
            SortedBy::Outcome => ("last_outcome COLLATE \"C\"", "text", least_or_greatest("", "\u{10FFFF}")),
            SortedBy::Attempts => ("contacts.attempts", "integer", "0"),
            SortedBy::Due => ("due_at", "timestamptz", least_or_greatest("-infinity", "infinity")),
        }
    }
}

/// An instant by its microseconds since the beginning of 1970, as finely as the server has it.
fn instant(mark: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(mark.parse().ok()?).filter(|at| (1..=9999).contains(&at.year()))
}

/// The first contacts in an order among those that are wanted, or those behind one. Of the filter `after` and `backwards`
/// count for nothing. The mark has been checked ([`Order::check`]).
pub async fn list_sorted(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    (filter, search): (&ContactFilter, &Search),
    (order, behind): (Order, Option<&Behind>),
    limit: i64,
) -> Result<Vec<Contact>, Error> {
    let (side, direction) = if order.descending { ("<", "DESC") } else { (">", "ASC") };
    let (key, type_of_key, nothing) = order.key();
    // What stands twice for a number is told apart by its extension, by which the index goes on.
    let (key, then, type_of_then) = match order.by {
        SortedBy::Phone => (key.to_owned(), "extension", "text"),
        _ => (format!("coalesce({key}, $11::text::{type_of_key})"), "position", "integer"),
    };
    let (condition, texts) = looks_for(search);
    let reading = reads::begin(database).await?;
    let place = match behind {
        None => None,
        Some(behind) if order.by == SortedBy::Phone => {
            match number_at(&reading.connection, (team, campaign), behind.position).await? {
                None => return Ok(Vec::new()),
                number => number,
            }
        }
        Some(Behind { position, .. }) if order.by == SortedBy::Position => {
            Some((position.to_string(), position.to_string()))
        }
        Some(Behind { position, mark }) => {
            let key = match (mark.is_empty(), order.by) {
                (true, _) => nothing.to_owned(),
                (false, SortedBy::Due) => instant(mark).unwrap_or_default().to_rfc3339(),
                (false, _) => mark.to_owned(),
            };
            Some((key, position.to_string()))
        }
    };
    // It stands by itself, without an `or`, for the index to be entered at it.
    let is_behind = match &place {
        None => "$5::text IS NULL AND $6::text IS NULL".to_owned(),
        Some(_) => format!("({key}, {then}) {side} ($5::text::{type_of_key}, $6::text::{type_of_then})"),
    };
    let sql = format!(
        "SELECT {COLUMNS}
         FROM (SELECT * FROM contacts
               WHERE campaign_id = $1 AND team_id = $2 AND ($3::text IS NULL OR state = $3)
                 AND ($4::text IS NULL OR last_outcome = $4) AND {condition}
                 AND {is_behind} AND $11::text IS NOT NULL
               ORDER BY {key} {direction}, {then} {direction} LIMIT $10) contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         ORDER BY {key} {direction}, {then} {direction}"
    );
    let (mark, next_to_it) = place.unzip();
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let [text, capital, small] = &texts;
    let params: crate::db::Params<'_> =
        &[&campaign, &team, &state, &outcome, &mark, &next_to_it, text, capital, small, &limit, &nothing];
    query(&reading.connection, &sql, params).await?.iter().map(contact).collect()
}

/// The number and the extension of the contact of a position.
async fn number_at(
    connection: &Connection,
    (team, campaign): (Uuid, Uuid),
    position: i32,
) -> Result<Option<(String, String)>, Error> {
    const SQL: &str =
        "SELECT phone, extension FROM contacts WHERE campaign_id = $1 AND team_id = $2 AND position = $3";
    let row = query_opt(connection, SQL, &[&campaign, &team, &position]).await?;
    row.map(|row| Ok((row.try_get("phone")?, row.try_get("extension")?))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_only_behind_what_stands_in_its_order() {
        let order = |by| Order { by, descending: true };
        for (by, mark, is_good) in [
            (SortedBy::Position, "", true),
            (SortedBy::Phone, "+12025550101", false),
            (SortedBy::Name, "ada", true),
            (SortedBy::State, "failed", true),
            (SortedBy::State, "", false),
            (SortedBy::Outcome, "", true),
            (SortedBy::Outcome, "joy", false),
            (SortedBy::Attempts, "3", true),
            (SortedBy::Attempts, "-1", false),
            (SortedBy::Due, "1772463600000001", true),
            (SortedBy::Due, "9223372036854775807", false),
            (SortedBy::Due, "infinity", false),
        ] {
            assert_eq!(order(by).check(mark).is_ok(), is_good, "{by} {mark}");
        }
    }
}
