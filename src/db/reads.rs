//! Connections for questions that take longer than the dialer's own: figures, searches, exports. They come from the
//! dialer's pool, a few at a time, so that however many people ask, it finds connections there; and each is given back
//! before anything is sent to whoever asked, who may read as slowly as they like.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Connection, Database, Error};

/// Such questions that are put at one time by this process; further ones wait for their turn.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A connection for one such question.
pub(super) struct Reading {
    pub(super) connection: Connection,
    _turn: SemaphorePermit<'static>,
}

/// Waits for the turn, and for a connection.
pub(super) async fn begin(database: &Database) -> Result<Reading, Error> {
    let turn = TURNS.acquire().await.expect("the turns are never closed");
    Ok(Reading { connection: database.client().await?, _turn: turn })
}
