//! Which sheet of a workbook is read.

use crate::import::ImportError;

/// Which sheet is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::import) enum Wanted {
    /// The one of this name.
    Named(String),
    /// The visible one with anything in it that comes after so many others of that kind.
    Visible {
        /// How many are passed over.
        after: usize,
    },
}

impl Wanted {
    /// Its name, if it is wanted by name.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Visible { .. } => None,
        }
    }

    /// How many sheets with anything in them are passed over.
    pub(super) fn after(&self) -> usize {
        match self {
            Self::Named(_) => 0,
            Self::Visible { after } => *after,
        }
    }
}

/// The sheet of this name, in whatever letters, as spreadsheets have it.
pub(super) fn find_sheet(named: &str, sheets: Vec<String>) -> Result<String, ImportError> {
    let wanted = named.trim().to_lowercase();
    let is_wanted = |sheet: &&String| sheet.trim().to_lowercase() == wanted;
    match sheets.iter().find(|sheet| *sheet == named).or_else(|| sheets.iter().find(is_wanted)) {
        Some(sheet) => Ok(sheet.clone()),
        None => Err(ImportError::UnknownSheet { named: named.to_owned(), sheets }),
    }
}
