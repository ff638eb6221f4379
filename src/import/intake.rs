//! What a row comes to: a contact, a refusal with its reason, or nothing. Whether a contact came before is asked
//! later, when the rows are in order.

mod check;
mod memo;
mod metadata;
mod zones;

use std::borrow::Cow;
use std::sync::Arc;

use self::check::check;
use self::memo::Memo;
pub(super) use self::metadata::Columns;
use self::zones::Zones;
use super::contact::{Kind, NewContact, RowReport};
use super::country::country;
use super::fields;
use super::layout::{Layout, Lines, Names};
use super::masking::mask;
use super::reading::{Cell, Content, Limits, Row};
use super::rejects::Returned;
use super::seen::NumberKey;
use super::warnings::{Contradiction, Sign, Signs};
use crate::domain::phone::{Countries, Parsed, Phone, PhoneError, Refusal, Region, Repair, read_phone};
use crate::domain::zone::{UnknownZone, Zone};

/// Everything that is known of a list before its rows are taken.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    pub(super) columns: Columns,
    pub(super) home: Region,
    pub(super) countries: Countries,
    pub(super) limits: Limits,
    /// Set if it is a rejects file that came back.
    pub(super) returned: Option<Returned>,
}

/// What a row comes to.
#[derive(Debug)]
pub(super) enum Taken {
    /// Nothing stands in it.
    Blank,
    /// It is no contact.
    Refused(RowReport),
    /// It is a contact, unless it came before.
    Contact(Box<Candidate>),
}

/// A contact that may have come before.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) key: NumberKey,
    pub(super) contact: NewContact,
    /// The column that its number was taken from.
    pub(super) column: usize,
    /// What is to be said if it did not.
    pub(super) repaired: Option<RowReport>,
}

/// How many bytes of memory make a part, give or take a row: a short row may come to much, as its columns' names are
/// kept with it.
const PART: usize = 4 << 20;

/// What some rows come to.
#[derive(Debug, Default)]
pub(super) struct TakenRows {
    pub(super) rows: Vec<Taken>,
    pub(super) signs: Signs,
    /// Cells of all rows, empty ones included.
    pub(super) cells: usize,
    /// Which columns beyond the named ones have something in them.
    pub(super) extra: Vec<bool>,
    /// About how many bytes of memory they take.
    bytes: usize,
}

/// Why a row is refused, before it is masked.
#[derive(Debug)]
struct Fault {
    column: usize,
    reason: &'static str,
    sentence: Cow<'static, str>,
    suggestion: Option<Phone>,
    /// Where the number would be, had it its country code's sign.
    elsewhere: Option<Region>,
}

/// A row's number and where it stood.
struct Number {
    parsed: Parsed,
    column: usize,
}

/// Where a number without a country code is.
#[derive(Debug, Clone, Copy)]
enum Home {
    Known(Region),
    /// The row names a country that nobody knows, in this column.
    Unknown(usize),
}

/// Takes rows, one after the other; each worker has its own.
#[derive(Debug)]
pub(super) struct Intake<'p> {
    plan: &'p Plan,
    countries: Memo<Option<Region>>,
    zones: Memo<Result<Zone, UnknownZone>>,
    numbers_zones: Zones,
}

impl<'p> Intake<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let (countries, zones) = (Memo::new(country), Memo::new(fields::zone));
        Self { plan, countries, zones, numbers_zones: Zones::default() }
    }

    /// Takes some rows of the file, without those of its header, and gives what they come to in parts that take no more
    /// memory than is needed to have enough at once.
    pub(super) fn take<E>(
        &mut self,
        rows: impl Iterator<Item = Row>,
        mut give: impl FnMut(TakenRows) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut taken = TakenRows::default();
        for row in rows {
            if taken.bytes >= PART {
                give(std::mem::take(&mut taken))?;
            }
            let row = match &self.plan.returned {
                Some(returned) => returned.restore(row),
                None => row,
            };
            let row = row.narrowed(self.plan.limits.columns);
            taken.cells += row.cells().len();
            if self.is_header(&row) {
                continue;
            }
            match self.plan.layout.lines {
                Lines::Contact => self.take_row(row, &mut taken),
                Lines::Numbers => one_number_each(row).for_each(|row| self.take_row(row, &mut taken)),
            }
        }
        give(taken)
    }

    fn is_header(&self, row: &Row) -> bool {
        self.plan.layout.header.is_some_and(|header| {
            row.number == header || (row.number < header && !row.cells().is_empty() && !row.is_blank())
        })
    }

    fn take_row(&mut self, row: Row, taken: &mut TakenRows) {
        if row.is_blank() {
            taken.push(Taken::Blank);
            return;
        }
        let layout = &self.plan.layout;
        let verdict = check(&row, &self.plan.limits).map_or_else(|| self.number(&row), Err);
        let sign = match &verdict {
            Ok(number) => Sign::Number(number.parsed.region),
            Err(fault) => fault.sign(),
        };
        taken.signs.note(row.text(layout.phone), sign);
        let verdict = verdict.and_then(|number| {
            let source = (number.column, number.parsed.repair);
            Ok((self.contact(&row, number)?, source))
        });
        let came_to = match verdict {
            Ok((contact, (column, repair))) => {
                self.compare_zones(&row, column, &contact, &mut taken.signs);
                self.plan.columns.note_extra(&row, &mut taken.extra);
                Taken::Contact(Box::new(self.candidate(row, contact, column, repair)))
            }
            Err(fault) => Taken::Refused(self.refused(row, fault)),
        };
        taken.push(came_to);
    }

    /// The number that is called. Where its column is empty, the first of the others with a number stands in for it;
    /// where it is wrong, they are only proposed: nobody knows which of the two was meant.
    fn number(&mut self, row: &Row) -> Result<Number, Fault> {
        let layout = &self.plan.layout;
        let home = self.home(row);
        let column = layout.phone;
        let mut fault = match self.read(row, column, home) {
            Ok(parsed) => return Ok(Number { parsed, column }),
            Err(fault) => fault,
        };
        let nothing = [PhoneError::Empty.reason(), PhoneError::Placeholder.reason()];
        let is_empty = nothing.contains(&fault.reason) || !row.text(column).contains(char::is_numeric);
        let other = layout
            .alternates
            .iter()
            .filter(|column| !row.text(**column).is_empty())
            .find_map(|column| Some((self.read(row, *column, home).ok()?, *column)));
        match other {
            Some((parsed, column)) if is_empty => Ok(Number { parsed, column }),
            Some((parsed, _)) => {
                fault.suggestion.get_or_insert(parsed.phone);
                Err(fault)
            }
            None => Err(fault),
        }
    }

    fn home(&mut self, row: &Row) -> Home {
        let named = self.plan.layout.country.map(|column| (column, row.text(column)));
        match named {
            Some((column, text)) if !text.is_empty() => {
                self.countries.get(text).map_or(Home::Unknown(column), Home::Known)
            }
            Some(_) | None => Home::Known(self.plan.home),
        }
    }

    fn read(&self, row: &Row, column: usize, home: Home) -> Result<Parsed, Fault> {
        let text = row.text(column);
        let read = |home: Region| read_phone(text, home, &self.plan.countries);
        let refused = |refusal: Refusal| Fault {
            column,
            reason: refusal.error.reason(),
            sentence: Cow::Owned(refusal.error.to_string()),
            suggestion: refusal.suggestion,
            elsewhere: match refusal.error {
                PhoneError::MissingPlus { region } => Some(region),
                _ => None,
            },
        };
        match home {
            Home::Known(region) => read(region).map_err(refused),
            Home::Unknown(named) => {
                let parsed = read(self.plan.home).map_err(refused)?;
                if is_same_anywhere(&parsed, read) {
                    return Ok(parsed);
                }
                let sentence = "expected a country such as US or Germany, as the number has no country code";
                Err(Fault::new(named, "unknown-country", sentence))
            }
        }
    }

    /// A contact without what can be moved out of its row: its name and its number as written.
    fn contact(&mut self, row: &Row, mut number: Number) -> Result<NewContact, Fault> {
        let layout = &self.plan.layout;
        let extension = self.extension(row, number.parsed.extension.take())?;
        let timezone = match layout.timezone.map(|column| (column, row.text(column))) {
            Some((column, text)) if !text.is_empty() => {
                let unknown = |unknown: UnknownZone| Fault {
                    sentence: Cow::Owned(unknown.expected()),
                    ..Fault::new(column, "unknown-timezone", "")
                };
                Some(self.zones.get(text).map_err(unknown)?)
            }
            Some(_) | None => None,
        };
        let priority = match layout.priority.map(|column| (column, row.text(column))) {
            Some((column, text)) if !text.is_empty() => {
                let sentence = "expected a whole number from -1000 to 1000";
                fields::priority(text).ok_or_else(|| Fault::new(column, "bad-priority", sentence))?
            }
            Some(_) | None => 0,
        };
        let metadata = self
            .plan
            .columns
            .metadata(row)
            .map_err(|_| Fault::new(0, "unreadable", "expected texts that can be kept"))?;
        self.add_alternates(row, &mut number);
        let parsed = number.parsed;
        Ok(NewContact {
            row: row.number,
            phone: parsed.phone,
            extension,
            region: parsed.region,
            number_type: parsed.number_type,
            alternates: parsed.alternates,
            name: None,
            raw_phone: String::new(),
            timezone,
            priority,
            repair: None,
            metadata,
        })
    }

    /// Notes if the row names a zone that its number is not in: the row counts, but it may be wrong.
    fn compare_zones(&mut self, row: &Row, column: usize, contact: &NewContact, signs: &mut Signs) {
        let Some(named) = &contact.timezone else { return };
        let numbers = self.numbers_zones.contradict(named, &contact.phone, contact.number_type);
        if let Some(zones) = numbers {
            signs.note_contradiction(|| Contradiction {
                row: row.number,
                number: mask(row.text(column)),
                named: named.name().to_owned(),
                number_in: zones.zones().iter().map(Zone::name).collect::<Vec<_>>().join(" or "),
            });
        }
    }

    /// The extension of the number's own cell or of its column; where both say something else, nobody knows which.
    fn extension(&self, row: &Row, own: Option<String>) -> Result<Option<String>, Fault> {
        let said = self.plan.layout.extension.map(|column| (column, row.text(column)));
        let Some((column, text)) = said.filter(|(_, text)| !text.is_empty()) else { return Ok(own) };
        let bad = |sentence| Fault::new(column, "bad-extension", sentence);
        let digits =
            fields::extension(text).ok_or_else(|| bad("expected an extension of at most 7 digits"))?;
        if own.is_some_and(|own| own != digits) {
            return Err(bad("expected one extension, found another one beside the number"));
        }
        Ok(Some(digits.to_owned()))
    }

    /// Adds the numbers of other columns to those of the number's own cell.
    fn add_alternates(&mut self, row: &Row, number: &mut Number) {
        let others = &self.plan.layout.alternates;
        let is_other = |column: &&usize| **column != number.column && !row.text(**column).is_empty();
        let others: Vec<usize> = others.iter().filter(is_other).copied().collect();
        for column in others {
            let home = self.home(row);
            let Ok(other) = self.read(row, column, home) else { continue };
            for phone in std::iter::once(other.phone).chain(other.alternates) {
                if phone != number.parsed.phone && !number.parsed.alternates.contains(&phone) {
                    number.parsed.alternates.push(phone);
                }
            }
        }
    }

    fn candidate(
        &self,
        row: Row,
        mut contact: NewContact,
        column: usize,
        repair: Option<Repair>,
    ) -> Candidate {
        let plan = self.plan;
        let key = NumberKey::of(&contact.phone, contact.extension.as_deref());
        let repair = if column == plan.layout.phone {
            repair.map(|repair| (repair.as_str(), Cow::Borrowed(repair.sentence())))
        } else {
            let other = plan.columns.name(column);
            Some((
                "other-column",
                Cow::Owned(format!("the number was taken from {other:?}, as this cell is empty")),
            ))
        };
        let repaired = repair.map(|(reason, sentence)| RowReport {
            row: row.number,
            column: plan.columns.name(plan.layout.phone),
            value: mask(row.text(plan.layout.phone)),
            reason,
            sentence,
            kind: Kind::Repaired,
        });
        contact.repair = repaired.as_ref().map(|repaired| repaired.reason);
        let mut cells = match row.content {
            Content::Cells(cells) => cells,
            Content::UnclosedQuote(_) => Vec::new(),
        };
        contact.name = name(plan.layout.names, &mut cells);
        contact.raw_phone = move_out(&mut cells, column);
        Candidate { key, contact, column, repaired }
    }

    fn refused(&self, row: Row, fault: Fault) -> RowReport {
        RowReport {
            row: row.number,
            column: self.plan.columns.name(fault.column),
            value: mask(row.text(fault.column)),
            reason: fault.reason,
            sentence: fault.sentence,
            kind: Kind::Refused {
                suggestion: fault.suggestion.map(|phone| phone.as_str().to_owned()),
                cells: match row.content {
                    Content::Cells(cells) | Content::UnclosedQuote(cells) => {
                        cells.into_iter().map(into_text).collect()
                    }
                },
            },
        }
    }
}

impl TakenRows {
    fn push(&mut self, taken: Taken) {
        self.bytes += taken.bytes();
        self.rows.push(taken);
    }
}

impl Taken {
    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize {
        let held = match self {
            Self::Blank => 0,
            Self::Refused(RowReport { kind: Kind::Refused { cells, .. }, .. }) => {
                cells.iter().map(|cell| size_of::<String>() + cell.len()).sum()
            }
            Self::Refused(_) => 0,
            Self::Contact(candidate) => {
                let contact = &candidate.contact;
                let name = contact.name.as_ref().map_or(0, String::len);
                size_of::<Candidate>() + contact.metadata.get().len() + contact.raw_phone.len() + name
            }
        };
        size_of::<Self>() + held
    }
}

impl Plan {
    /// What is said of a contact that came before.
    pub(super) fn duplicate(&self, candidate: &Candidate, repeats: u32) -> RowReport {
        RowReport {
            row: candidate.contact.row,
            column: self.columns.name(candidate.column),
            value: mask(&candidate.contact.raw_phone),
            reason: "duplicate",
            sentence: Cow::Owned(format!(
                "expected a number that did not come before, found that of row {repeats}"
            )),
            kind: Kind::Duplicate { repeats },
        }
    }

    /// The name of the phone column.
    pub(super) fn phone_column(&self) -> Arc<str> {
        self.columns.name(self.layout.phone)
    }
}

impl Fault {
    fn new(column: usize, reason: &'static str, sentence: &'static str) -> Self {
        Self { column, reason, sentence: Cow::Borrowed(sentence), suggestion: None, elsewhere: None }
    }

    fn sign(&self) -> Sign {
        self.elsewhere.map_or(Sign::Nothing, Sign::Elsewhere)
    }
}

/// Whether a number means the same wherever it is read, as one with its country code does. A country with another
/// code is asked.
fn is_same_anywhere(parsed: &Parsed, read: impl Fn(Region) -> Result<Parsed, Refusal>) -> bool {
    let elsewhere =
        if parsed.phone.as_str().starts_with("+1") { Region::parse("DE") } else { Ok(Region::US) };
    let again = elsewhere.ok().and_then(|region| read(region).ok());
    again.is_some_and(|again| again.phone == parsed.phone)
}

/// The numbers of a line as rows of their own.
fn one_number_each(row: Row) -> impl Iterator<Item = Row> {
    let number = row.number;
    let is_list = row.cells().iter().any(|cell| !cell.as_str().is_empty());
    let (whole, cells) = match row.content {
        Content::Cells(cells) if is_list => (None, cells),
        content => (Some(Row { number, content }), Vec::new()),
    };
    let cells = cells.into_iter().filter(|cell| !cell.as_str().is_empty());
    whole.into_iter().chain(cells.map(move |cell| Row::of(number, vec![cell])))
}

fn name(names: Names, cells: &mut [Cell]) -> Option<String> {
    let name = match names {
        Names::Nowhere => return None,
        Names::Whole(column) => move_out(cells, column),
        Names::Joined(given, family) => {
            let text = |column: usize| cells.get(column).map_or("", Cell::as_str);
            format!("{} {}", text(given), text(family)).trim().to_owned()
        }
    };
    (!name.is_empty()).then_some(name)
}

fn move_out(cells: &mut [Cell], column: usize) -> String {
    cells
        .get_mut(column)
        .map_or_else(String::new, |cell| into_text(std::mem::replace(cell, Cell::Text(String::new()))))
}

fn into_text(cell: Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Error(text) => text,
    }
}

#[cfg(test)]
mod tests;
