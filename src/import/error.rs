//! Why a whole file is refused.

/// Why a whole file is refused: no row of it could be trusted, or there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No bytes, or only blank rows.
    #[error("expected a contact list, found an empty file")]
    Empty,
    /// Only column names.
    #[error("expected rows below the header, found only the header")]
    HeaderOnly,
    /// No column has numbers in it, by name or content.
    #[error("expected a column of phone numbers, such as \"phone\"; found {}", list(columns))]
    NoPhoneColumn {
        /// The columns that were seen.
        columns: Vec<String>,
    },
    /// A column was named that the list does not have.
    #[error("expected a column {named:?}; found {}", list(columns))]
    UnknownColumn {
        /// What was named.
        named: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// A column was named for two things.
    #[error("expected each column to be named once, found {column:?} twice")]
    ColumnTwice {
        /// The column.
        column: String,
    },
    /// Something else than a contact list.
    #[error("expected CSV, TXT, XLSX or XLS, found {found}")]
    NotAList {
        /// What it seems to be.
        found: &'static str,
    },
    /// A workbook with a password.
    #[error("expected a workbook without a password; remove the password and save it again")]
    Encrypted,
    /// A workbook that cannot be read.
    #[error("expected a workbook that can be opened, found a damaged one ({what}); save it again, or as CSV")]
    Corrupt {
        /// What was wrong with it.
        what: String,
    },
    /// Whoever took the contacts wanted no more of them.
    #[error("expected to read to the end, was stopped")]
    Stopped,
    /// A defect of this program.
    #[error("expected rows that can be read, but reading them failed; this is a defect of the program")]
    Defect,
    /// More rows than one file may have.
    #[error("expected at most {} rows; split the file", super::MAX_ROWS)]
    TooManyRows,
    /// More content than one file may have.
    #[error("expected a smaller file; split it, or leave out columns")]
    TooLarge,
}

impl ImportError {
    /// The stable name of the reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty-file",
            Self::HeaderOnly => "header-only",
            Self::NoPhoneColumn { .. } => "no-phone-column",
            Self::UnknownColumn { .. } => "unknown-column",
            Self::ColumnTwice { .. } => "column-twice",
            Self::NotAList { .. } => "not-a-list",
            Self::Encrypted => "encrypted",
            Self::Corrupt { .. } => "corrupt",
            Self::Stopped => "stopped",
            Self::Defect => "defect",
            Self::TooManyRows => "too-many-rows",
            Self::TooLarge => "too-large",
        }
    }
}

fn list(columns: &[String]) -> String {
    const SHOWN: usize = 20;
    let quoted: Vec<String> = columns.iter().take(SHOWN).map(|column| format!("{column:?}")).collect();
    let more = if columns.len() > SHOWN { " and others" } else { "" };
    format!("{}{more}", quoted.join(", "))
}
