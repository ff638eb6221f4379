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
    #[error(
        "expected a column of phone numbers, such as \"phone\"; found {}{}",
        list(columns),
        place(sheets)
    )]
    NoPhoneColumn {
        /// The columns that were seen.
        columns: Vec<String>,
        /// The sheet of a workbook on which they are, and the others that have no such column either.
        sheets: Vec<String>,
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
    #[error("expected CSV, TXT, JSON, XLSX, XLSB, XLS or ODS, found {found}")]
    NotAList {
        /// What it seems to be.
        found: &'static str,
    },
    /// A workbook with a password.
    #[error("expected a workbook without a password; remove the password and save it again")]
    Encrypted,
    /// A sheet was named that the workbook does not have.
    #[error("expected a sheet named {named:?}; found {}", list(sheets))]
    UnknownSheet {
        /// The name.
        named: String,
        /// The sheets that are there, hidden ones included.
        sheets: Vec<String>,
    },
    /// A workbook or an archive that cannot be read.
    #[error("expected a file that can be opened, found a damaged one ({what}); save it again, or as CSV")]
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
    /// JSON that is no list of contacts.
    #[error(
        "expected JSON: an array of objects or of texts, or one object a line; found {what} at line {line}"
    )]
    BadJson {
        /// What was found instead.
        what: String,
        /// The line on which it was found.
        line: u32,
    },
    /// The file could not be read to its end.
    #[error("expected to read the file to its end, but the disk did not give it ({what}); upload it again")]
    Unreadable {
        /// What the operating system said.
        what: String,
    },
    /// More bytes than one file may have.
    #[error("expected at most {}; split the file", megabytes(*limit))]
    TooManyBytes {
        /// The most bytes.
        limit: u64,
    },
    /// A compressed file inflates to more than it may.
    #[error("expected a file that unpacks to at most {}; split it, or save it as CSV", megabytes(*limit))]
    InflatesTooFar {
        /// The most bytes that this file may unpack to.
        limit: u64,
    },
    /// More rows than one file may have.
    #[error("expected at most {limit} rows; split the file")]
    TooManyRows {
        /// The most rows.
        limit: usize,
    },
    /// More cells than one file may have.
    #[error("expected at most {limit} cells; split the file, or leave out columns")]
    TooManyCells {
        /// The most cells.
        limit: usize,
    },
    /// A line without an end, as far as was looked.
    #[error("expected rows of at most {}, found a longer one at line {line}; is it a list?", megabytes(*limit))]
    RowTooLong {
        /// The line on which it begins.
        line: u32,
        /// The most bytes of a row.
        limit: u64,
    },
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
            Self::UnknownSheet { .. } => "unknown-sheet",
            Self::Corrupt { .. } => "corrupt",
            Self::Stopped => "stopped",
            Self::Defect => "defect",
            Self::BadJson { .. } => "bad-json",
            Self::Unreadable { .. } => "unreadable",
            Self::TooManyBytes { .. } | Self::InflatesTooFar { .. } => "too-large",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::TooManyCells { .. } => "too-many-cells",
            Self::RowTooLong { .. } => "row-too-long",
        }
    }

    /// Whether this is the stable name of a reason that lies in the file, or in what was said about its columns, for whoever
    /// hears of it from a server.
    pub fn is_of_the_file(reason: &str) -> bool {
        let (unreadable, unlike, too_much) = (
            ["empty-file", "header-only", "not-a-list", "encrypted", "corrupt", "bad-json"],
            ["no-phone-column", "unknown-column", "column-twice", "unknown-sheet"],
            ["too-large", "too-many-rows", "too-many-cells", "row-too-long"],
        );
        unreadable.contains(&reason) || unlike.contains(&reason) || too_much.contains(&reason)
    }

    /// Whether the file holds more than a limit allows, so that a smaller part of it would be taken.
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::TooManyBytes { .. }
            | Self::InflatesTooFar { .. }
            | Self::TooManyRows { .. }
            | Self::TooManyCells { .. }
            | Self::RowTooLong { .. } => true,
            Self::Empty
            | Self::HeaderOnly
            | Self::NoPhoneColumn { .. }
            | Self::UnknownColumn { .. }
            | Self::ColumnTwice { .. }
            | Self::NotAList { .. }
            | Self::Encrypted
            | Self::UnknownSheet { .. }
            | Self::Corrupt { .. }
            | Self::Stopped
            | Self::Defect
            | Self::BadJson { .. }
            | Self::Unreadable { .. } => false,
        }
    }

    /// Whether another sheet of the same workbook may have what is missing.
    pub(super) fn is_of_the_sheet(&self) -> bool {
        matches!(self, Self::NoPhoneColumn { .. } | Self::HeaderOnly | Self::UnknownColumn { .. })
    }

    /// The same, where it says on which sheets was looked.
    pub(super) fn on(self, sheets: Vec<String>) -> Self {
        match self {
            Self::NoPhoneColumn { columns, .. } => Self::NoPhoneColumn { columns, sheets },
            error => error,
        }
    }

    /// A damaged file, and what the one who read it said, cut short.
    pub(super) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string().chars().take(200).collect() }
    }
}

fn list(columns: &[String]) -> String {
    const SHOWN: usize = 20;
    let quoted: Vec<String> = columns.iter().take(SHOWN).map(|column| format!("{column:?}")).collect();
    let more = if columns.len() > SHOWN { " and others" } else { "" };
    format!("{}{more}", quoted.join(", "))
}

/// On which sheet the columns were seen, and how to have another one read.
fn place(sheets: &[String]) -> String {
    const ANOTHER: &str = "`sheet` names another one to read, also a hidden one";
    match sheets {
        [] => String::new(),
        [only] => format!(" in the sheet {only:?}; {ANOTHER}"),
        [first, others @ ..] => {
            format!(" in the sheet {first:?}, and no such column in {} either; {ANOTHER}", list(others))
        }
    }
}

/// Bytes as people say them: whole megabytes where there are some.
fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        megabytes => format!("{megabytes} MB"),
    }
}
