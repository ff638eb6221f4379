//! A list on its way into the database: contacts and remarks, each by binary COPY, in turns on one connection.

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::CopyInSink;

use super::areas::Areas;
use super::encode::{Belongs, COLUMNS, Encoder, Portion};
use crate::db::imports::Remarks;
use crate::db::{Error, Transaction};

/// How many contacts one COPY takes. The trigger that asks for their campaign keeps them until the end of the
/// statement: so many are kept in memory.
const AT_ONCE: i32 = 10_000;

/// How many bytes are sent at once.
const PIECE: usize = 64 << 10;

/// What binary COPY begins and ends with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const END: i16 = -1;

/// Where the contacts go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    /// Among all the others.
    Contacts,
    /// Beside them, where only this connection sees them.
    Staged,
}

impl Table {
    fn statement(self) -> String {
        let name = match self {
            Self::Contacts => "contacts",
            Self::Staged => "staged_contacts",
        };
        format!("COPY {name} ({COLUMNS}) FROM STDIN (FORMAT binary)")
    }
}

/// A list that is being written, in a transaction of its own.
pub(super) struct Copy<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) belongs: Belongs,
    pub(super) remarks: Remarks,
    pub(super) areas: Areas,
    table: Table,
    written: i32,
    open: Option<Open>,
}

/// A COPY of contacts that has begun.
struct Open {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    rows: i32,
}

impl<'c> Copy<'c> {
    pub(super) fn new(transaction: Transaction<'c>, table: Table, belongs: Belongs) -> Self {
        let remarks = Remarks::of(belongs.team, belongs.import);
        Self { transaction, belongs, remarks, areas: Areas::default(), table, written: 0, open: None }
    }

    /// What makes the portions that [`Copy::take`] takes.
    pub(super) fn encoder(&self) -> Encoder {
        Encoder::of(self.belongs)
    }

    /// Writes what follows in the list.
    pub(super) async fn take(&mut self, portion: Portion) -> Result<(), Error> {
        self.areas.extend(portion.areas)?;
        if portion.contacts > 0 {
            let open = match &mut self.open {
                Some(open) => open,
                none => none.insert(Open::begin(&self.transaction, self.table).await?),
            };
            open.write(portion.rows).await?;
            open.rows += portion.contacts;
            self.written += portion.contacts;
            if open.rows >= AT_ONCE {
                self.close().await?;
            }
        }
        if self.remarks.wait_for(portion.remarks) {
            self.close().await?;
            self.remarks.write(&self.transaction).await?;
        }
        Ok(())
    }

    /// Writes what is left, and returns how many contacts there were.
    pub(super) async fn end(&mut self) -> Result<i32, Error> {
        self.close().await?;
        self.remarks.write(&self.transaction).await?;
        Ok(self.written)
    }

    async fn close(&mut self) -> Result<(), Error> {
        if let Some(open) = self.open.take() {
            open.end().await?;
        }
        Ok(())
    }
}

impl Open {
    async fn begin(transaction: &Transaction<'_>, table: Table) -> Result<Self, Error> {
        let mut sink = Box::pin(transaction.copy_in(&table.statement()).await?);
        let mut header = BytesMut::from(SIGNATURE);
        // No flags, and no extension of the header.
        header.put_i32(0);
        header.put_i32(0);
        sink.feed(header.freeze()).await?;
        Ok(Self { sink, rows: 0 })
    }

    async fn write(&mut self, mut rows: Bytes) -> Result<(), Error> {
        while !rows.is_empty() {
            self.sink.feed(rows.split_to(rows.len().min(PIECE))).await?;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<(), Error> {
        self.sink.feed(Bytes::copy_from_slice(&END.to_be_bytes())).await?;
        self.sink.as_mut().finish().await?;
        Ok(())
    }
}
