//! The columns of lists that are taken away: our own by their names in the API, and the list's own as `metadata.Title`, or
//! `metadata.*` for all of them. `?columns=` names them with commas between; a name with a comma in it stands in quotes.
#![expect(unreachable_pub, reason = "enumerations with names are public to whoever sees their module")]

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use crate::db::export::{AttemptRow, ContactRow};
use crate::domain::money::Money;
use crate::domain::names::names;
use crate::domain::zone::Zone;
use crate::http::Problem;

/// What stands before the name of a column of the list.
const METADATA: &str = "metadata.";

/// Columns that a sheet may have.
const MOST: usize = 16_384;

/// Characters of a file's name that are taken from the campaign's.
const LONGEST_NAME: usize = 80;

names! {
    /// A column of contacts.
    pub enum ContactColumn: "column" {
        /// The name.
        Name = "name",
        /// The number, in E.164.
        Phone = "phone",
        /// What is dialed after the call is taken.
        Extension = "extension",
        /// How it stands.
        State = "state",
        /// Attempts that count.
        Attempts = "attempts",
        /// What the last attempt came to.
        LastOutcome = "last_outcome",
        /// From when on it may be called.
        DueAt = "due_at",
        /// When somebody wants to be called.
        CallbackAt = "callback_at",
        /// A note for whoever does.
        CallbackNote = "callback_note",
        /// Why it was set aside.
        SetAside = "set_aside",
        /// What the server that is asked before each call last said that kept it from being called.
        BeforeCall = "before_call",
        /// As the list says it.
        Priority = "priority",
        /// Where the number is.
        Region = "region",
        /// What kind of line it is.
        NumberType = "number_type",
        /// Its own zone, where the list says it.
        Timezone = "timezone",
        /// The zones whose clocks count.
        Zones = "zones",
        /// The row of the file.
        Row = "row",
        /// The contact's id.
        Id = "id",
    }
}

names! {
    /// A column of attempts.
    pub enum AttemptColumn: "column" {
        /// When it was intended.
        IntendedAt = "intended_at",
        /// The contact's name.
        Name = "name",
        /// The called number.
        To = "to",
        /// Its number among the contact's attempts.
        Number = "number",
        /// What it came to.
        Outcome = "outcome",
        /// What the provider says.
        Status = "status",
        /// Who took the call.
        AnsweredBy = "answered_by",
        /// Seconds of conversation.
        DurationSeconds = "duration_seconds",
        /// What it cost.
        Price = "price",
        /// The currency of that.
        PriceUnit = "price_unit",
        /// The provider's code for a refusal.
        ErrorCode = "error_code",
        /// The provider's words for it.
        ErrorMessage = "error_message",
        /// When the provider's call became known.
        PlacedAt = "placed_at",
        /// When it began to ring.
        RingingAt = "ringing_at",
        /// When it was taken.
        AnsweredAt = "answered_at",
        /// When it ended.
        EndedAt = "ended_at",
        /// When its outcome was applied.
        SettledAt = "settled_at",
        /// The calling number.
        From = "from",
        /// The provider's id of the call.
        Sid = "sid",
        /// The version of the settings.
        SettingsVersion = "settings_version",
        /// The contact's id.
        ContactId = "contact_id",
        /// The attempt's id.
        Id = "id",
    }
}

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Contacts.
    Contacts,
    /// Attempts.
    Attempts,
}

impl Kind {
    /// What a sheet of them is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts",
            Self::Attempts => "Attempts",
        }
    }
}

/// A column that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Contact(ContactColumn),
    Attempt(AttemptColumn),
    Metadata(String),
    AllMetadata,
}

/// The columns that are asked for, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wishes(Vec<Wish>);

/// Reads what is asked for. Where nothing is, contacts have all columns, and attempts all of ours.
pub(super) fn read(kind: Kind, columns: Option<&str>) -> Result<Wishes, Problem> {
    let Some(columns) = columns else {
        return Ok(Wishes(match kind {
            Kind::Contacts => {
                let own = |column: &ContactColumn| Wish::Contact(*column);
                let (person, ours) = ContactColumn::ALL.split_at(3);
                person.iter().map(own).chain([Wish::AllMetadata]).chain(ours.iter().map(own)).collect()
            }
            Kind::Attempts => AttemptColumn::ALL.iter().map(|column| Wish::Attempt(*column)).collect(),
        }));
    };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(columns.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    let wishes = record.iter().map(|name| wish(kind, name)).collect::<Result<Vec<_>, _>>()?;
    match wishes.is_empty() {
        true => Err(Problem::invalid(
            "bad-columns",
            "columns is empty, expected names such as name,phone,metadata.*",
        )),
        false => Ok(Wishes(wishes)),
    }
}

fn wish(kind: Kind, name: &str) -> Result<Wish, Problem> {
    match name.strip_prefix(METADATA) {
        Some("*") => return Ok(Wish::AllMetadata),
        Some(title) => return Ok(Wish::Metadata(title.to_owned())),
        None => {}
    }
    let wish = match kind {
        Kind::Contacts => ContactColumn::parse(name).map(Wish::Contact),
        Kind::Attempts => AttemptColumn::parse(name).map(Wish::Attempt),
    };
    wish.map_err(|unknown| {
        Problem::invalid("bad-columns", format!("{unknown}, metadata.* or metadata.Title"))
    })
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Contact(ContactColumn),
    Attempt(AttemptColumn),
    Metadata(String),
}

/// The columns of a file, and whose clock its instants are told by.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Column>,
    zone: Zone,
}

impl Wishes {
    /// Whether it matters which columns the list itself has.
    pub(super) fn need_the_list_s_own(&self) -> bool {
        self.0.iter().any(|wish| matches!(wish, Wish::AllMetadata | Wish::Metadata(_)))
    }

    /// The columns of the file, where the list has these of its own.
    pub(super) fn lay_out(self, own: &[String], zone: Zone) -> Result<Layout, Problem> {
        let mut columns = Vec::new();
        for wish in self.0 {
            match wish {
                Wish::Contact(column) => columns.push(Column::Contact(column)),
                Wish::Attempt(column) => columns.push(Column::Attempt(column)),
                Wish::Metadata(title) if own.contains(&title) => columns.push(Column::Metadata(title)),
                Wish::Metadata(title) => {
                    let detail =
                        format!("the list has no column {title:?}, expected one of {}", own.join(", "));
                    return Err(Problem::invalid("bad-columns", detail));
                }
                Wish::AllMetadata => columns.extend(own.iter().cloned().map(Column::Metadata)),
            }
        }
        if columns.len() > MOST {
            let detail = format!("{} columns, expected {MOST} at most", columns.len());
            return Err(Problem::invalid("bad-columns", detail));
        }
        Ok(Layout { columns, zone })
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// Nothing.
    Nothing,
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// An amount of money.
    Amount(Money),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl Layout {
    /// Whether something of the list's own is in it.
    pub(super) fn has_metadata(&self) -> bool {
        self.columns.iter().any(|column| matches!(column, Column::Metadata(_)))
    }

    /// The titles. A column of the list that is called like one of ours keeps what tells them apart.
    pub(super) fn titles(&self) -> Vec<String> {
        let ours = |column: &Column| match column {
            Column::Contact(column) => Some(column.as_str()),
            Column::Attempt(column) => Some(column.as_str()),
            Column::Metadata(_) => None,
        };
        let is_ours =
            |title: &str| self.columns.iter().filter_map(ours).any(|own| own.eq_ignore_ascii_case(title));
        let title = |column: &Column| match column {
            Column::Metadata(title) if is_ours(title) => format!("{METADATA}{title}"),
            Column::Metadata(title) => title.clone(),
            Column::Contact(column) => column.to_string(),
            Column::Attempt(column) => column.to_string(),
        };
        self.columns.iter().map(title).collect()
    }

    /// A contact's cells.
    pub(super) fn contact(&self, contact: ContactRow) -> Vec<Told> {
        let cell = |column: &Column| match column {
            Column::Contact(column) => of_contact(&contact, *column),
            Column::Metadata(title) => of_metadata(&contact.metadata, title),
            Column::Attempt(_) => Told::Nothing,
        };
        self.columns.iter().map(cell).collect()
    }

    /// An attempt's cells.
    pub(super) fn attempt(&self, attempt: AttemptRow) -> Vec<Told> {
        let cell = |column: &Column| match column {
            Column::Attempt(column) => of_attempt(&attempt, *column),
            Column::Metadata(title) => of_metadata(&attempt.metadata, title),
            Column::Contact(_) => Told::Nothing,
        };
        self.columns.iter().map(cell).collect()
    }

    /// What the campaign's clock shows at an instant.
    pub(super) fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        self.zone.local(at)
    }

    /// The same with its offset, by which it is an instant (RFC 3339).
    pub(super) fn with_offset(&self, at: DateTime<Utc>) -> String {
        let seconds = (self.local(at) - at.naive_utc()).num_seconds();
        let offset = i32::try_from(seconds).ok().and_then(FixedOffset::east_opt);
        let shown = |offset| at.with_timezone(&offset).format("%Y-%m-%dT%H:%M:%S%:z").to_string();
        offset.map_or_else(|| at.to_rfc3339(), shown)
    }
}

fn of_contact(contact: &ContactRow, column: ContactColumn) -> Told {
    match column {
        ContactColumn::Name => text(contact.name.as_deref()),
        ContactColumn::Phone => text(Some(&contact.phone)),
        ContactColumn::Extension => text(Some(&contact.extension)),
        ContactColumn::State => text(Some(&contact.state)),
        ContactColumn::Attempts => Told::Number(contact.attempts.into()),
        ContactColumn::LastOutcome => text(contact.last_outcome.as_deref()),
        ContactColumn::DueAt => instant(contact.due_at),
        ContactColumn::CallbackAt => instant(contact.callback_at),
        ContactColumn::CallbackNote => text(contact.callback_note.as_deref()),
        ContactColumn::SetAside => text(contact.set_aside.as_deref()),
        ContactColumn::BeforeCall => text(contact.before_call.as_deref()),
        ContactColumn::Priority => Told::Number(contact.priority.into()),
        ContactColumn::Region => text(contact.region.as_deref()),
        ContactColumn::NumberType => text(contact.number_type.as_deref()),
        ContactColumn::Timezone => text(contact.timezone.as_deref()),
        ContactColumn::Zones => text(contact.zones.as_deref()),
        ContactColumn::Row => Told::Number(contact.file_row.into()),
        ContactColumn::Id => Told::Text(contact.id.to_string()),
    }
}

fn of_attempt(attempt: &AttemptRow, column: AttemptColumn) -> Told {
    match column {
        AttemptColumn::IntendedAt => Told::Instant(attempt.intended_at),
        AttemptColumn::Name => text(attempt.name.as_deref()),
        AttemptColumn::To => text(Some(&attempt.to)),
        AttemptColumn::Number => Told::Number(attempt.number.into()),
        AttemptColumn::Outcome => text(attempt.outcome.as_deref()),
        AttemptColumn::Status => text(attempt.status.as_deref()),
        AttemptColumn::AnsweredBy => text(attempt.answered_by.as_deref()),
        AttemptColumn::DurationSeconds => number(attempt.duration_seconds),
        AttemptColumn::Price => attempt.price.map_or(Told::Nothing, Told::Amount),
        AttemptColumn::PriceUnit => text(attempt.price_unit.as_deref()),
        AttemptColumn::ErrorCode => number(attempt.error_code),
        AttemptColumn::ErrorMessage => text(attempt.error_message.as_deref()),
        AttemptColumn::PlacedAt => instant(attempt.placed_at),
        AttemptColumn::RingingAt => instant(attempt.ringing_at),
        AttemptColumn::AnsweredAt => instant(attempt.answered_at),
        AttemptColumn::EndedAt => instant(attempt.ended_at),
        AttemptColumn::SettledAt => instant(attempt.settled_at),
        AttemptColumn::From => text(Some(&attempt.from)),
        AttemptColumn::Sid => text(attempt.sid.as_deref()),
        AttemptColumn::SettingsVersion => Told::Number(attempt.settings_version.into()),
        AttemptColumn::ContactId => Told::Text(attempt.contact.to_string()),
        AttemptColumn::Id => Told::Text(attempt.id.to_string()),
    }
}

fn of_metadata(metadata: &Map<String, Value>, title: &str) -> Told {
    match metadata.get(title) {
        None | Some(Value::Null) => Told::Nothing,
        Some(Value::String(value)) => text(Some(value)),
        Some(value) => Told::Text(value.to_string()),
    }
}

fn text(text: Option<&str>) -> Told {
    text.filter(|text| !text.is_empty()).map_or(Told::Nothing, |text| Told::Text(text.to_owned()))
}

fn number(number: Option<i32>) -> Told {
    number.map_or(Told::Nothing, |number| Told::Number(number.into()))
}

fn instant(at: Option<DateTime<Utc>>) -> Told {
    at.map_or(Told::Nothing, Told::Instant)
}

/// The name of a file, without its ending: the campaign's, as far as it can stand in one on any system, and what is in it.
pub(super) fn file_name(campaign: &str, kind: Kind) -> String {
    let may_stand = |c: char| if c.is_alphanumeric() || " -_.()".contains(c) { c } else { '_' };
    let name: String = campaign.chars().take(LONGEST_NAME).map(may_stand).collect();
    let name = name.trim().trim_matches('.');
    let what = kind.title().to_lowercase();
    if name.is_empty() { what } else { format!("{name} {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(columns: Option<&str>, own: &[&str]) -> Result<Layout, Problem> {
        let own: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
        read(Kind::Contacts, columns)?.lay_out(&own, Zone::parse("America/New_York").unwrap())
    }

    #[test]
    fn columns_are_chosen_by_name_in_their_order_and_the_list_s_own_among_them() {
        let titles = |columns, own| layout(columns, own).unwrap().titles();
        assert_eq!(titles(Some("phone, name"), &[]), ["phone", "name"]);
        assert_eq!(titles(Some("metadata.*,phone"), &["Plan", "City"]), ["Plan", "City", "phone"]);
        let quoted = Some("state,\"metadata.Last, First\"");
        assert_eq!(titles(quoted, &["Last, First", "x"]), ["state", "Last, First"]);
        assert_eq!(titles(None, &["Plan"])[..5], ["name", "phone", "extension", "Plan", "state"]);
        assert_eq!(titles(Some("state,metadata.*"), &["State"]), ["state", "metadata.State"]);
        assert_eq!(titles(Some("name,metadata.*"), &["State"]), ["name", "State"]);
    }

    #[test]
    fn a_column_that_is_none_is_refused_with_those_that_are() {
        for (columns, expected) in [
            ("name,colour", "unknown column \"colour\", expected one of name, phone"),
            ("metadata.Plan", "the list has no column \"Plan\", expected one of City"),
            ("", "columns is empty"),
            ("name,,phone", "unknown column \"\""),
        ] {
            let refused = layout(Some(columns), &["City"]).unwrap_err().to_string();
            assert!(refused.contains(expected), "{columns}: {refused}");
        }
    }

    #[test]
    fn instants_are_told_by_the_campaign_s_clock_with_its_offset() {
        let layout = layout(None, &[]).unwrap();
        assert_eq!(layout.with_offset("2026-03-02T15:00:00Z".parse().unwrap()), "2026-03-02T10:00:00-05:00");
        assert_eq!(layout.with_offset("2026-07-02T15:00:00Z".parse().unwrap()), "2026-07-02T11:00:00-04:00");
    }

    #[test]
    fn a_file_has_a_name_that_can_stand_on_any_system() {
        assert_eq!(file_name("Recall 2026", Kind::Contacts), "Recall 2026 contacts");
        assert_eq!(file_name("../../etc/pa\"ss\r\nwd", Kind::Attempts), "_.._etc_pa_ss__wd attempts");
        assert_eq!(file_name("größe", Kind::Contacts), "größe contacts");
        assert_eq!(file_name(" . ", Kind::Contacts), "contacts");
        assert!(file_name(&"x".repeat(500), Kind::Contacts).len() < 100);
    }
}
