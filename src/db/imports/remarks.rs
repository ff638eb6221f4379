//! What is said about rows, on its way into the database by binary COPY.

use std::borrow::Cow;
use std::sync::Arc;

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{Json, ToSql, Type};
use uuid::Uuid;

use crate::db::{Error, Transaction};
use crate::domain::names;

/// How many remarks, and how many bytes of refused rows, wait at most: a refused row may be as large as a row can be.
const WAITING: usize = 5_000;
const WAITING_BYTES: usize = 8 << 20;

const COPY: &str = "
    COPY import_rows
        (import_id, team_id, file_row, number, kind, column_name, value, reason, sentence, suggestion, repeats, cells,
         cell_bytes)
    FROM STDIN (FORMAT binary)";

const TYPES: [Type; 13] = [
    Type::UUID,
    Type::UUID,
    Type::INT4,
    Type::INT4,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT4,
    Type::JSONB,
    Type::INT4,
];

/// What is to be said about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The line or sheet row.
    pub file_row: u32,
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
        /// The row as it was; nothing where it could not be taken apart.
        cells: Vec<String>,
    },
    /// It is a contact after a repair.
    Repaired,
    /// Its number and extension came before.
    Duplicate {
        /// In this row of the same file; none if the campaign had them before.
        repeats: Option<u32>,
    },
}

names! {
    /// The name of what became of a row that is spoken of.
    pub enum KindName: "kind of row" {
        /// It is no contact.
        Refused = "refused",
        /// It is a contact after a repair.
        Repaired = "repaired",
        /// Its number and extension came before.
        Duplicate = "duplicate",
    }
}

impl Kind {
    /// Its name.
    pub fn name(&self) -> KindName {
        match self {
            Self::Refused { .. } => KindName::Refused,
            Self::Repaired => KindName::Repaired,
            Self::Duplicate { .. } => KindName::Duplicate,
        }
    }
}

/// The remarks of one import, of which the last ones wait to be written together.
pub(in crate::db) struct Remarks {
    team: Uuid,
    import: Uuid,
    waiting: Vec<Remark>,
    bytes: usize,
    written: i32,
}

impl Remarks {
    pub(in crate::db) fn of(team: Uuid, import: Uuid) -> Self {
        Self { team, import, waiting: Vec::new(), bytes: 0, written: 0 }
    }

    /// Lets remarks wait. Returns whether it is time to write them.
    pub(in crate::db) fn wait_for(&mut self, remarks: Vec<Remark>) -> bool {
        for remark in &remarks {
            self.bytes += bytes_of(remark);
        }
        self.waiting.extend(remarks);
        self.waiting.len() >= WAITING || self.bytes >= WAITING_BYTES
    }

    /// Writes those that wait. No other COPY may be open on the connection.
    pub(in crate::db) async fn write(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        self.bytes = 0;
        if self.waiting.is_empty() {
            return Ok(());
        }
        let sink = transaction.copy_in(COPY).await?;
        let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &TYPES));
        for remark in self.waiting.drain(..) {
            self.written += 1;
            let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
            let (suggestion, repeats, cells) = match &remark.kind {
                Kind::Refused { suggestion, cells } => {
                    let cells: Vec<_> = cells.iter().map(|cell| without_nul(cell)).collect();
                    (suggestion.as_deref(), None, Some(Json(cells)))
                }
                Kind::Repaired => (None, None, None),
                Kind::Duplicate { repeats } => (None, repeats.map(number), None),
            };
            let values: [&(dyn ToSql + Sync); TYPES.len()] = [
                &self.import,
                &self.team,
                &number(remark.file_row),
                &self.written,
                &remark.kind.name().as_str(),
                &without_nul(&remark.column),
                &without_nul(&remark.value),
                &remark.reason,
                &&*remark.sentence,
                &suggestion,
                &repeats,
                &cells,
                &i32::try_from(bytes_of(&remark)).unwrap_or(i32::MAX),
            ];
            writer.as_mut().write(&values).await?;
        }
        writer.as_mut().finish().await?;
        Ok(())
    }
}

/// The bytes of a refused row: what may be large of a remark.
fn bytes_of(remark: &Remark) -> usize {
    match &remark.kind {
        Kind::Refused { cells, .. } => cells.iter().map(String::len).sum(),
        Kind::Repaired | Kind::Duplicate { .. } => 0,
    }
}

/// A text as PostgreSQL takes it: files may hold NUL characters, its texts may not.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
