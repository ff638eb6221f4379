//! Contacts, as the API reads them.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::areas::known_area_of;
use crate::db::look::KnownArea;
use crate::db::{Connection, Database, Error, count, name, name_opt, query, query_one, reads};
use crate::domain::callback::Callback;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

/// A contact, as the API shows it.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its id.
    pub id: Uuid,
    /// Its place in the list.
    pub position: i32,
    /// Its number.
    pub phone: String,
    /// What is dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// The row of the file that it comes from.
    pub file_row: i32,
    /// The list that it came with.
    pub import: Option<Uuid>,
    /// Where the number is.
    pub region: Option<String>,
    /// What kind of line it is.
    pub number_type: Option<String>,
    /// Further numbers of the same person.
    pub alternates: serde_json::Value,
    /// Its own time zone, where the file says it.
    pub timezone: Option<String>,
    /// Where they may be.
    pub area: KnownArea,
    /// As the list says it.
    pub priority: i16,
    /// What was repaired about its number, by its stable name.
    pub repair: Option<String>,
    /// How it stands.
    pub state: ContactState,
    /// From when on it may be called, exactly while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Attempts that count.
    pub attempts: u32,
    /// What the last attempt came to.
    pub last_outcome: Option<Outcome>,
    /// The callback that was last asked for, made or not.
    pub callback: Option<Callback>,
    /// Whether that is still to be made.
    pub callback_waits: bool,
    /// Why it was set aside, if it was: the error that it made its campaign fail with.
    pub set_aside: Option<String>,
    /// What the server that is asked before each call last said that kept it from being called.
    pub before_call: Option<String>,
}

/// What a contact is read from, beside its area's row.
pub(super) const COLUMNS: &str = "
    contacts.id, position, phone, extension, contacts.name, metadata, file_row, import_id, region, number_type,
    alternates, timezone, zones, told_by, places, priority, repair, contacts.state, due_at, contacts.attempts,
    last_outcome, callback_at, callback_note, callback_waits, set_aside, before_call";

/// Which contacts of a campaign are listed.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// Only those in this state.
    pub state: Option<ContactState>,
    /// Only those whose last attempt came to this.
    pub outcome: Option<Outcome>,
    /// Only those behind this position; 0 if it is all.
    pub after: i32,
    /// Whether the list is read from its end.
    pub backwards: bool,
}

/// A page of a campaign's contacts, in the order of the list or against it.
pub async fn list_contacts(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    filter: &ContactFilter,
    limit: i64,
) -> Result<Vec<Contact>, Error> {
    let (behind, direction, after) = match (filter.backwards, filter.after) {
        (false, after) => ("position > $3", "ASC", after),
        (true, 0) => ("position <= $3", "DESC", i32::MAX),
        (true, after) => ("position < $3", "DESC", after),
    };
    let sql = format!(
        "SELECT {COLUMNS}
         FROM contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         WHERE contacts.campaign_id = $1 AND contacts.team_id = $2 AND {behind}
           AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR last_outcome = $5)
         ORDER BY position {direction} LIMIT $6"
    );
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let params: crate::db::Params<'_> = &[&campaign, &team, &after, &state, &outcome, &limit];
    query(&database.client().await?, &sql, params).await?.iter().map(contact).collect()
}

/// Whom somebody looks for in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Whoever the filter lets through.
    Anybody,
    /// Whoever has this number, in E.164.
    Phone(String),
    /// Those whose number ends with these digits.
    LastDigits(String),
    /// Those with this in their name, whether in capitals or not.
    Name(String),
}

/// Contacts that were looked for.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Those that were found, in the order of the list or against it.
    pub contacts: Vec<Contact>,
    /// The position up to which it was looked, that one as well, if there are contacts behind it.
    pub looked_to: Option<i32>,
}

/// So many contacts of a campaign are looked through at once, which takes a sixth of a second. To look through all of a
/// million takes one, and an index that would find parts of names costs every import more than all searches.
pub const LOOKED_THROUGH: i32 = 250_000;

/// Looks for contacts among those behind `filter.after`, `most` of them at most. A whole number is found at once among all.
pub async fn search_contacts(
    database: &Database,
    (team, campaign): (Uuid, Uuid),
    filter: &ContactFilter,
    search: &Search,
    (most, limit): (i32, i64),
) -> Result<Found, Error> {
    let (condition, texts) = looks_for(search);
    let direction = if filter.backwards { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT {COLUMNS}
         FROM contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         WHERE contacts.campaign_id = $1 AND contacts.team_id = $2 AND position BETWEEN $3 AND $6
           AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR last_outcome = $5) AND {condition}
         ORDER BY position {direction} LIMIT $10"
    );
    let reading = reads::begin(database).await?;
    let place = (team, campaign);
    let (from, to) = match (search, filter.backwards) {
        (Search::Phone(_), false) => (filter.after.saturating_add(1), i32::MAX),
        (Search::Phone(_), true) => (i32::MIN, end_of(&reading.connection, place, filter.after).await?),
        (_, false) => (filter.after.saturating_add(1), filter.after.saturating_add(most)),
        (_, true) => {
            let last = end_of(&reading.connection, place, filter.after).await?;
            (last.saturating_sub(most - 1), last)
        }
    };
    let state = filter.state.map(ContactState::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    let [text, capital, small] = &texts;
    let params: crate::db::Params<'_> =
        &[&campaign, &team, &from, &state, &outcome, &to, text, capital, small, &limit];
    let rows = query(&reading.connection, &sql, params).await?;
    let looked_to = match (search, filter.backwards) {
        (Search::Phone(_), _) => None,
        (_, true) => (from > 1).then_some(from),
        (_, false) => are_behind(&reading.connection, place, to).await?.then_some(to),
    };
    Ok(Found { contacts: rows.iter().map(contact).collect::<Result<_, _>>()?, looked_to })
}

/// The position at which a list that is read from its end goes on: the one before `after`, or its last.
async fn end_of(connection: &Connection, (team, campaign): (Uuid, Uuid), after: i32) -> Result<i32, Error> {
    const LAST: &str = "
        SELECT coalesce((SELECT position FROM contacts WHERE campaign_id = $1 AND team_id = $2
                         ORDER BY position DESC LIMIT 1), 0) AS last";
    match after {
        0 => Ok(query_one(connection, LAST, &[&campaign, &team]).await?.try_get("last")?),
        after => Ok(after.saturating_sub(1)),
    }
}

/// Whether there are contacts behind a position.
async fn are_behind(
    connection: &Connection,
    (team, campaign): (Uuid, Uuid),
    position: i32,
) -> Result<bool, Error> {
    // By the order of the list: whether there is any would be asked of all rows, for one is expected soon.
    const BEHIND: &str = "
        SELECT (SELECT position FROM contacts WHERE campaign_id = $1 AND team_id = $2 AND position > $3
                ORDER BY position LIMIT 1) IS NOT NULL AS are_there";
    Ok(query_one(connection, BEHIND, &[&campaign, &team, &position]).await?.try_get("are_there")?)
}

/// Whom a search finds: a condition on contacts, and the texts that it names `$7`, `$8` and `$9`.
pub(super) fn looks_for(search: &Search) -> (&'static str, [String; 3]) {
    // Capitals of ASCII are made small by the server, which is quick; the others that the text has are named, because what
    // else the server knows of letters depends on how its database was made.
    match search {
        Search::Anybody => ("$7::text = $8::text AND $8 = $9::text", Default::default()),
        Search::Phone(phone) => {
            ("phone = $7 AND $8::text = $9::text", [phone.clone(), String::new(), String::new()])
        }
        Search::LastDigits(digits) => {
            ("phone LIKE '%' || $7 AND $8::text = $9::text", [digits.clone(), String::new(), String::new()])
        }
        Search::Name(text) => {
            let (small, capital) = letters(text);
            let condition = match small.is_empty() {
                true => "strpos(lower(contacts.name COLLATE \"C\"), $7) > 0 AND $8::text = $9::text",
                false => "strpos(translate(lower(contacts.name COLLATE \"C\"), $8, $9), $7) > 0",
            };
            (condition, [text.to_lowercase(), capital, small])
        }
    }
}

/// The letters of a text that have a capital which is one letter and none of ASCII: small, and capital.
fn letters(text: &str) -> (String, String) {
    let mut small: Vec<char> = text.to_lowercase().chars().filter(|letter| !letter.is_ascii()).collect();
    small.sort_unstable();
    small.dedup();
    let pairs = small.into_iter().filter_map(|letter| {
        let mut capital = letter.to_uppercase();
        let (first, more) = (capital.next()?, capital.next());
        (more.is_none() && first != letter && !first.is_ascii()).then_some((letter, first))
    });
    pairs.unzip()
}

/// A contact of a team, with the campaign that it is in.
#[derive(Debug, Clone)]
pub struct Somewhere {
    /// Its id.
    pub id: Uuid,
    /// Its campaign's id.
    pub campaign: Uuid,
    /// What people call that.
    pub campaign_name: String,
    /// How that stands.
    pub campaign_state: State,
    /// What is dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// Its name.
    pub name: Option<String>,
    /// How it stands.
    pub state: ContactState,
    /// From when on it may be called, exactly while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Attempts that count.
    pub attempts: u32,
    /// What the last attempt came to.
    pub last_outcome: Option<Outcome>,
    /// Why it was set aside, if it was.
    pub set_aside: Option<String>,
}

/// The contacts that have this number, in all of a team's campaigns, the newest campaign first: those behind the contact
/// `before`. It is one probe of an index for each campaign.
pub async fn list_contacts_with(
    database: &Database,
    team: Uuid,
    phone: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Somewhere>, Error> {
    const SQL: &str = "
        SELECT found.id, campaigns.id AS campaign, campaigns.name AS campaign_name, campaigns.state AS campaign_state,
               extension, found.name, found.state, due_at, found.attempts, last_outcome, set_aside
        FROM campaigns
        CROSS JOIN LATERAL (
            SELECT id, extension, name, state, due_at, attempts, last_outcome, set_aside FROM contacts
            WHERE campaign_id = campaigns.id AND phone = $2 AND team_id = $1 OFFSET 0) found
        WHERE campaigns.team_id = $1
          AND ($3::uuid IS NULL OR (campaigns.id, extension) <
               (SELECT campaign_id, extension FROM contacts WHERE id = $3 AND team_id = $1))
        ORDER BY campaigns.id DESC, extension DESC LIMIT $4";
    let reading = reads::begin(database).await?;
    let rows = query(&reading.connection, SQL, &[&team, &phone, &before, &limit]).await?;
    rows.iter().map(somewhere).collect()
}

fn somewhere(row: &Row) -> Result<Somewhere, Error> {
    Ok(Somewhere {
        id: row.try_get("id")?,
        campaign: row.try_get("campaign")?,
        campaign_name: row.try_get("campaign_name")?,
        campaign_state: name(row, "campaign_state", State::parse)?,
        extension: row.try_get("extension")?,
        name: row.try_get("name")?,
        state: name(row, "state", ContactState::parse)?,
        due_at: row.try_get("due_at")?,
        attempts: count(row, "attempts")?,
        last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
        set_aside: row.try_get("set_aside")?,
    })
}

/// The contact of a row.
pub(super) fn contact(row: &Row) -> Result<Contact, Error> {
    let callback_at: Option<DateTime<Utc>> = row.try_get("callback_at")?;
    let note = row.try_get("callback_note")?;
    Ok(Contact {
        id: row.try_get("id")?,
        position: row.try_get("position")?,
        phone: row.try_get("phone")?,
        extension: row.try_get("extension")?,
        name: row.try_get("name")?,
        metadata: row.try_get("metadata")?,
        file_row: row.try_get("file_row")?,
        import: row.try_get("import_id")?,
        region: row.try_get("region")?,
        number_type: row.try_get("number_type")?,
        alternates: row.try_get("alternates")?,
        timezone: row.try_get("timezone")?,
        area: known_area_of(row)?,
        priority: row.try_get("priority")?,
        repair: row.try_get("repair")?,
        state: name(row, "state", ContactState::parse)?,
        due_at: row.try_get("due_at")?,
        attempts: count(row, "attempts")?,
        last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
        callback: callback_at.map(|at| Callback { at, note }),
        callback_waits: row.try_get("callback_waits")?,
        set_aside: row.try_get("set_aside")?,
        before_call: row.try_get("before_call")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_outside_of_ascii_are_named_with_their_capitals() {
        assert_eq!(letters("Ada % _"), (String::new(), String::new()));
        assert_eq!(letters("MÜLLÈR ü"), ("èü".to_owned(), "ÈÜ".to_owned()));
        // A capital of two letters, a letter without one, and one whose capital is of ASCII.
        assert_eq!(letters("ß漢ı"), (String::new(), String::new()));
    }
}
