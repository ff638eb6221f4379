//! What comes out: contacts, what is to be said about rows, and both in batches.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::domain::phone::{NumberType, Phone, Region};
use crate::domain::zone::Zone;

/// A contact, as the file describes it.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// The line or sheet row, as its owner sees it: the first is 1.
    pub row: u32,
    /// The number to call.
    pub phone: Phone,
    /// What to dial once it is answered: one to seven digits.
    pub extension: Option<String>,
    /// Where the number is.
    pub region: Region,
    /// What kind of line it is.
    pub number_type: NumberType,
    /// Further numbers of the same person, from the same cell and from other columns.
    pub alternates: Vec<Phone>,
    /// The person's name.
    pub name: Option<String>,
    /// The number as the file has it.
    pub raw_phone: String,
    /// The person's own time zone, where the file says it.
    pub timezone: Option<Zone>,
    /// From -1000 to 1000, kept as the list says it.
    pub priority: i16,
    /// What was repaired about the number, by its stable name.
    pub repair: Option<&'static str>,
    /// All other columns that the row has something in, a JSON object of texts: those of the header in its order, then
    /// what stands beyond them.
    pub metadata: Box<RawValue>,
}

/// What is to be said about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReport {
    /// The line or sheet row.
    pub row: u32,
    /// The column that it is about.
    pub column: Arc<str>,
    /// What stands there, masked.
    pub value: String,
    /// The reason's stable name.
    pub reason: &'static str,
    /// What was expected, or what was done.
    pub sentence: Cow<'static, str>,
    /// What became of the row.
    pub kind: Kind,
}

/// What became of a row that is spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It is no contact.
    Refused {
        /// What could be meant, but is not certain.
        suggestion: Option<String>,
        /// The row as it was, for the rejects file; where a quotation has no end, what stands between the delimiters.
        cells: Vec<String>,
    },
    /// It is a contact after a repair.
    Repaired,
    /// Its number and extension came before.
    Duplicate {
        /// In this row.
        repeats: u32,
    },
}

impl Kind {
    /// The stable name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Repaired => "repaired",
            Self::Duplicate { .. } => "duplicate",
        }
    }
}

/// Some contacts, and what is to be said about their rows and the rows between them, both in the file's order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// One for each number and extension.
    pub contacts: Vec<NewContact>,
    /// Rows that were refused, repaired or came before.
    pub rows: Vec<RowReport>,
}

/// Whoever takes the batches wants no more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;
