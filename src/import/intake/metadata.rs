//! All columns that are nothing else: their names, and a row's texts in them as JSON, empty ones left out.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::import::layout::{Layout, Names, with_nameless};
use crate::import::reading::{Cell, Row};

/// The columns of a list, those that only some rows have included.
#[derive(Debug)]
pub(in crate::import) struct Columns {
    names: Vec<Arc<str>>,
    /// How many have a place in the header.
    named: usize,
    /// The places of the named columns that are metadata.
    metadata: Vec<usize>,
}

impl Columns {
    /// The columns of a list whose rows have at most so many. What a contact holds otherwise is no metadata: its
    /// number, its whole name, its zone, its priority and its extension.
    pub(in crate::import) fn of(layout: &Layout, most: usize) -> Self {
        let named = layout.columns.len();
        let names = with_nameless(layout.columns.clone(), most.max(named) + 1);
        let whole_name = match layout.names {
            Names::Whole(column) => Some(column),
            Names::Nowhere | Names::Joined(..) => None,
        };
        let held = [Some(layout.phone), whole_name, layout.timezone, layout.priority, layout.extension];
        let is_metadata = |column: &usize| !held.contains(&Some(*column));
        let metadata = (0..named).filter(is_metadata).collect();
        Self { names: names.into_iter().map(Arc::from).collect(), named, metadata }
    }

    /// The name of a column.
    pub(in crate::import) fn name(&self, column: usize) -> Arc<str> {
        self.names.get(column).or(self.names.last()).cloned().unwrap_or_default()
    }

    /// The names of the metadata's columns, where these others have something in them as well.
    pub(in crate::import) fn metadata_names(&self, extra: &[bool]) -> Vec<String> {
        let extra = extra.iter().enumerate().filter(|(_, is_used)| **is_used).map(|(at, _)| self.named + at);
        self.metadata
            .iter()
            .copied()
            .chain(extra)
            .map(|column| self.name(column).as_ref().to_owned())
            .collect()
    }

    /// Notes which columns beyond the named ones a row fills.
    pub(super) fn note_extra(&self, row: &Row, extra: &mut Vec<bool>) {
        for (at, cell) in row.cells().iter().skip(self.named).enumerate() {
            if !cell.as_str().is_empty() {
                extra.resize(extra.len().max(at + 1), false);
                extra[at] = true;
            }
        }
    }

    /// A row's metadata.
    pub(super) fn metadata(&self, row: &Row) -> serde_json::Result<Box<RawValue>> {
        to_raw_value(&Metadata { columns: self, row })
    }
}

struct Metadata<'m> {
    columns: &'m Columns,
    row: &'m Row,
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { columns, row } = self;
        let mut map = serializer.serialize_map(None)?;
        let named = columns.metadata.iter().map(|column| (&columns.names[*column], row.text(*column)));
        let extra = columns.names.iter().zip(row.cells().iter().map(Cell::as_str)).skip(columns.named);
        // An empty cell says nothing, and a short row would come to the names of all columns.
        for (name, text) in named.chain(extra).filter(|(_, text)| !text.is_empty()) {
            map.serialize_entry(&**name, text)?;
        }
        map.end()
    }
}
