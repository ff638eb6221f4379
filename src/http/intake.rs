//! From a list to the tables: reading it on threads of its own, and handing what comes out to the database, portion by
//! portion.

use std::future::Future;

use actix_web::web;
use tokio::sync::mpsc::{Receiver, channel};

use crate::db::contacts::{AlreadyThere, NewContact};
use crate::db::imports::{Kind, Remark};
use crate::import::{self, Account, List, Options, Source, Stopped, mask};

use super::Problem;
use super::show::RowSaid;
use super::spool::Spooled;

/// How many batches may wait for the database. The reader waits when there are more.
const AHEAD: usize = 2;

/// How many rows an answer shows of those that were refused, and of those that were repeated. All are kept.
pub(super) const SHOWN: usize = 1000;

/// What reading a list came to.
pub(super) struct Read {
    pub(super) account: Account,
    /// The first rows that were refused.
    pub(super) refused: Vec<RowSaid>,
    /// The first rows whose number came before.
    pub(super) repeated: Vec<RowSaid>,
}

/// Opens a list, which finds out which column is which.
pub(super) async fn open(spooled: &Spooled, options: Options) -> Result<List, Problem> {
    let file = spooled.file.try_clone().map_err(|error| Problem::unavailable(error.to_string()))?;
    on_a_thread(move || import::open(Source::File(file), &options)).await?.map_err(Problem::from)
}

/// Begins to read a list. What `make` makes of its batches, on the thread that reads, comes as long as somebody receives
/// it; the answer says what the list came to, or why it could not be read to its end.
pub(super) fn read<T: Send + 'static>(
    list: List,
    mut make: impl FnMut(Vec<NewContact>, Vec<Remark>) -> T + Send + 'static,
) -> (Receiver<T>, impl Future<Output = Result<Read, Problem>>) {
    let (sender, made) = channel(AHEAD);
    let reading = on_a_thread(move || {
        read_all(list, |contacts, remarks| sender.blocking_send(make(contacts, remarks)).map_err(|_| Stopped))
    });
    (made, async { reading.await? })
}

/// Reading takes a while and all cores: not on the threads that answer everybody else. It begins at once, whether
/// anybody waits for it yet or not.
pub(super) fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Problem>> {
    let begun = web::block(work);
    async { begun.await.map_err(|_| Problem::unavailable("the server is stopping")) }
}

fn read_all(
    list: List,
    mut take: impl FnMut(Vec<NewContact>, Vec<Remark>) -> Result<(), Stopped>,
) -> Result<Read, Problem> {
    let (mut refused, mut repeated) = (Vec::new(), Vec::new());
    let account = list.read(&mut |batch: import::Batch| {
        for row in &batch.rows {
            match row.kind {
                import::Kind::Refused { .. } if refused.len() < SHOWN => refused.push(row.into()),
                import::Kind::Duplicate { .. } if repeated.len() < SHOWN => repeated.push(row.into()),
                _ => {}
            }
        }
        take(batch.contacts.into_iter().map(contact).collect(), batch.rows.into_iter().map(remark).collect())
    })?;
    Ok(Read { account, refused, repeated })
}

fn contact(contact: import::NewContact) -> NewContact {
    NewContact {
        file_row: contact.row,
        phone: contact.phone,
        extension: contact.extension,
        region: contact.region,
        number_type: contact.number_type,
        alternates: contact.alternates,
        name: contact.name,
        raw_phone: contact.raw_phone,
        timezone: contact.timezone,
        priority: contact.priority,
        repair: contact.repair,
        metadata: contact.metadata,
    }
}

fn remark(report: import::RowReport) -> Remark {
    let kind = match report.kind {
        import::Kind::Refused { suggestion, cells } => Kind::Refused { suggestion, cells },
        import::Kind::Repaired => Kind::Repaired,
        import::Kind::Duplicate { repeats } => Kind::Duplicate { repeats: Some(repeats) },
    };
    Remark {
        file_row: report.row,
        column: report.column,
        value: report.value,
        reason: report.reason,
        sentence: report.sentence,
        kind,
    }
}

/// What is said of a row whose contact the campaign has already.
pub(super) fn already_there(row: &AlreadyThere, phone_column: &str) -> Remark {
    Remark {
        file_row: row.file_row,
        column: phone_column.into(),
        value: mask(&row.raw_phone),
        reason: "already-there",
        sentence: format!("the campaign has this number already, as its contact {}", row.position).into(),
        kind: Kind::Duplicate { repeats: None },
    }
}
