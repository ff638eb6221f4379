//! A whole list in memory, for lists that are small or stored at once.

use super::contact::{Batch, NewContact, RowReport};
use super::reading::Source;
use super::{Account, ImportError, Options, open};

/// A whole list.
#[derive(Debug, Clone)]
pub struct Import {
    /// One for each number and extension, in the file's order.
    pub contacts: Vec<NewContact>,
    /// What is to be said about rows, in the file's order.
    pub rows: Vec<RowReport>,
    /// The account of all rows.
    pub account: Account,
}

/// Reads a whole list into memory.
pub fn read(source: Source, options: &Options) -> Result<Import, ImportError> {
    let mut whole = Batch::default();
    let account = open(source, options)?.read(&mut |batch| {
        whole.contacts.extend(batch.contacts);
        whole.rows.extend(batch.rows);
        Ok(())
    })?;
    Ok(Import { contacts: whole.contacts, rows: whole.rows, account })
}
