//! Contacts: written by an upload, read by the API. What a call means for them is in `attempts`.
//!
//! A list is stored while it is being read, portion by portion, in one transaction, and over a connection that the dialer
//! does not need ([`Database::list_client`]). What makes a campaign goes by binary COPY straight into the table
//! ([`begin_campaign`]); what is added to one goes by way of a table that only the connection sees, so that those who
//! are there already can be told apart ([`begin_addition`]). Whoever drops a beginning undoes it.

mod add;
mod areas;
mod copy;
mod encode;
mod find;
mod list;
mod make;
mod sorted;

use std::time::Duration;

use serde_json::value::RawValue;

pub use self::add::{Added, Adding, AlreadyThere, CannotAdd, Merged, begin_addition};
pub(super) use self::areas::refile;
pub(super) use self::areas::{area_of, known_area_of};
pub use self::encode::{Encoder, Portion};
pub use self::find::{Detail, find_contact};
pub use self::list::{
    Contact, ContactFilter, Found, LOOKED_THROUGH, Search, Somewhere, list_contacts, list_contacts_with,
    search_contacts,
};
pub use self::make::{Making, begin_campaign};
pub use self::sorted::{BadMark, Behind, Order, SortedBy, list_sorted};
use super::{Database, Error};
use crate::domain::phone::{NumberType, Phone, Region};
use crate::domain::zone::Zone;

/// A contact of a list that is being uploaded. Its place in the list is that of its coming.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// The row of the file that it comes from.
    pub file_row: u32,
    /// Its number.
    pub phone: Phone,
    /// What is dialed after the call is taken.
    pub extension: Option<String>,
    /// Where its number is.
    pub region: Region,
    /// The kind of line.
    pub number_type: NumberType,
    /// Further numbers of the same person.
    pub alternates: Vec<Phone>,
    /// Its name.
    pub name: Option<String>,
    /// The number as the file wrote it.
    pub raw_phone: String,
    /// Its own time zone, where the file says it.
    pub timezone: Option<Zone>,
    /// As the list says it.
    pub priority: i16,
    /// What was repaired about its number, by its stable name.
    pub repair: Option<&'static str>,
    /// The file's other columns, a JSON object of texts without NUL characters.
    pub metadata: Box<RawValue>,
}

/// From how many new contacts on the planner's knowledge of them is renewed at once, and not by and by.
const MANY: u32 = 10_000;

/// How long that waits for a connection: lists that are stored meanwhile do the same at their end.
const TURN_WITHIN: Duration = Duration::from_secs(1);

/// Renews the planner's statistics after `added` contacts were committed, if these are many and nobody else is at it. Returns
/// whether it did. Nothing depends on it but the time that statements take, until the server comes round to it by itself.
pub async fn renew_statistics(database: &Database, added: u32) -> Result<bool, Error> {
    if added <= MANY {
        return Ok(false);
    }
    let Some(connection) = database.list_client_within(TURN_WITHIN).await? else { return Ok(false) };
    connection.batch_execute("ANALYZE (SKIP_LOCKED) contacts").await?;
    Ok(true)
}
