//! A contact list that is open: its columns are known, its rows are still to be read.

use std::collections::VecDeque;
use std::num::NonZero;
use std::thread::available_parallelism;

use super::contact::{Batch, Stopped};
use super::intake::{Columns, Intake, Plan, TakenRows};
use super::layout::{FoundColumn, Known, Layout};
use super::merge::Merge;
use super::ordered::{Parts, in_order};
use super::reading::{self, Chunk, Format, Reading, Row, Shared, Source, Wanted};
use super::rejects::{self, Returned};
use super::warnings::{Warning, WarningKind};
use super::{Account, ColumnMapping, ImportError, Options};

/// How many rows with anything in them are looked at to find out which column is which.
const SAMPLE: usize = 100;

/// How many bytes of texts are enough for that, however few rows they are.
const SAMPLE_BYTES: usize = 8 << 20;

/// How many sheets with anything in them are tried to find one with a list. Each costs no more than opening the file.
const SHEETS: usize = 8;

/// A contact list that is open.
#[derive(Debug)]
pub struct List {
    plan: Plan,
    /// What was read to find out which column is which.
    first: VecDeque<Chunk>,
    /// What was read then without anything in it, and is not held.
    blank: Blank,
    reading: Reading,
}

/// Rows without anything in them: nothing but how many matters, wherever they stand.
#[derive(Debug, Default)]
pub(super) struct Blank {
    pub(super) rows: usize,
    pub(super) cells: usize,
}

/// Opens a contact list and finds out which column is which. Of a workbook the sheet that is named is read, or the first
/// visible one that has what a list needs.
pub fn open(source: Source, options: &Options) -> Result<List, ImportError> {
    let source = Shared::from(source);
    if let Some(named) = &options.sheet {
        let opened = open_sheet(source, Wanted::Named(named.clone()), options);
        return opened.map_err(|unfit| unfit.error.on(unfit.sheet.into_iter().collect()));
    }
    let mut sheets: Vec<String> = Vec::new();
    let mut first = None;
    for after in 0..SHEETS {
        match open_sheet(source.clone(), Wanted::Visible { after }, options) {
            Ok(mut list) => {
                list.plan.layout.warnings.extend(passed_over(&sheets, list.reading.sheet()));
                return Ok(list);
            }
            Err(Unfit { error, sheet: Some(sheet) }) if error.is_of_the_sheet() => {
                sheets.push(sheet);
                first.get_or_insert(error);
            }
            // There is none after the last; and what is wrong with one does not matter if nobody asked for it.
            Err(Unfit { error, .. }) => {
                first.get_or_insert(error);
                break;
            }
        }
    }
    Err(first.map_or(ImportError::Empty, |error| error.on(sheets)))
}

/// What is to be said if the list is not on the first sheet.
fn passed_over(sheets: &[String], read: Option<String>) -> Option<Warning> {
    let read = read.filter(|_| !sheets.is_empty())?;
    let before: Vec<String> = sheets.iter().map(|sheet| format!("{sheet:?}")).collect();
    let sentence = format!("the sheet {read:?} is read, as {} before it holds no list", before.join(", "));
    Some(Warning { kind: WarningKind::SheetsPassedOver, sentence })
}

/// Why a sheet, or a file without any, is refused.
struct Unfit {
    error: ImportError,
    sheet: Option<String>,
}

impl From<ImportError> for Unfit {
    fn from(error: ImportError) -> Self {
        Self { error, sheet: None }
    }
}

fn open_sheet(source: Shared, sheet: Wanted, options: &Options) -> Result<List, Unfit> {
    let home = options.default_region;
    let mut reading = reading::open(source, sheet, &options.limits, home)?;
    let mut first = VecDeque::new();
    let (mut sample, mut bytes, mut blank) = (Vec::<Row>::new(), 0, Blank::default());
    // A header alone tells nothing.
    while (sample.len() < SAMPLE && bytes < SAMPLE_BYTES || sample.len() < 2)
        && let Some(chunk) = reading.next_chunk()?
    {
        let known = sample.len();
        let filled = chunk.rows().filter(|row| !row.is_blank());
        sample.extend(filled.take(SAMPLE - known));
        if sample.len() > known {
            let cells = sample[known..].iter().flat_map(Row::cells);
            bytes += cells.map(|cell| cell.as_str().len()).sum::<usize>();
            first.push_back(chunk);
        } else {
            blank.rows += chunk.rows().count();
            blank.cells += chunk.rows().map(|row| row.cells().len()).sum::<usize>();
        }
    }
    let header = sample.iter().find(|row| !row.cells().is_empty());
    let returned = header.and_then(Returned::recognise);
    if let Some(returned) = &returned {
        sample = sample.into_iter().map(|row| returned.restore(row)).collect();
    }
    let mapping = mapping(&options.columns, returned.as_ref());
    let known = Known {
        home,
        countries: &options.countries,
        columns: options.limits.columns,
        mapping: &mapping,
        alternates: returned.as_ref().map_or(&[], |returned| &returned.alternates),
        has_header: returned.is_some(),
    };
    let layout = Layout::of(&sample, &known).map_err(|error| Unfit { error, sheet: reading.sheet() })?;
    let plan = Plan {
        columns: Columns::of(&layout, options.limits.columns),
        layout,
        home,
        countries: options.countries.clone(),
        limits: options.limits,
        returned,
    };
    Ok(List { plan, first, blank, reading })
}

/// What the owner says of the columns, and for the rest what a rejects file says of its own.
fn mapping(own: &ColumnMapping, returned: Option<&Returned>) -> ColumnMapping {
    let mut mapping = own.clone();
    if let Some(returned) = returned {
        let said = &returned.mapping;
        for (own, said) in [
            (&mut mapping.phone, &said.phone),
            (&mut mapping.name, &said.name),
            (&mut mapping.country, &said.country),
            (&mut mapping.timezone, &said.timezone),
            (&mut mapping.priority, &said.priority),
            (&mut mapping.extension, &said.extension),
        ] {
            if own.is_none() {
                own.clone_from(said);
            }
        }
    }
    mapping
}

impl List {
    /// What the file is.
    pub fn format(&self) -> Format {
        self.reading.format()
    }

    /// The columns that were recognised, and how.
    pub fn found(&self) -> &[FoundColumn] {
        &self.plan.layout.found
    }

    /// The names of the metadata's columns that the header has. Rows may have more.
    pub fn columns(&self) -> Vec<String> {
        self.plan.columns.metadata_names(&[])
    }

    /// The header of the list's rejects file.
    pub fn rejects_header(&self) -> Vec<String> {
        rejects::header(&self.plan.layout.columns, self.found())
    }

    /// Reads all rows on all cores and hands the contacts to the sink, in the file's order, some thousands at a time.
    /// If the sink wants no more of them, this ends with [`ImportError::Stopped`].
    pub fn read(self, sink: &mut dyn FnMut(Batch) -> Result<(), Stopped>) -> Result<Account, ImportError> {
        let workers = available_parallelism().map_or(1, NonZero::get);
        self.read_by(workers, sink)
    }

    /// The same with so many workers.
    pub(super) fn read_by(
        self,
        workers: usize,
        sink: &mut dyn FnMut(Batch) -> Result<(), Stopped>,
    ) -> Result<Account, ImportError> {
        let Self { plan, mut first, blank, mut reading } = self;
        let mut merge = Merge::new(&plan, &blank, sink);
        let next = move || match first.pop_front() {
            Some(chunk) => Ok(Some(chunk)),
            None => reading.next_chunk(),
        };
        let new_worker = || {
            let mut intake = Intake::new(&plan);
            move |chunk: Chunk, parts: &Parts<TakenRows>| intake.take(chunk.rows(), |taken| parts.give(taken))
        };
        in_order(workers, next, new_worker, |taken| merge.take(taken))?;
        merge.finish()
    }
}

#[cfg(test)]
mod tests;
