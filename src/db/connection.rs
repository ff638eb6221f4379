//! A connection in use, and a transaction on it. Whatever is asked is answered within the connection's patience, or else
//! it counts as gone: a backend that hangs runs into none of the server's own timeouts.
//!
//! A connection in a state that nobody can know, or of no more use, is thrown away and not given to the next who asks.

mod decision;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, GenericClient, Object, StatementCache};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CopyInSink, IsolationLevel, Portal, Row, Statement};

use super::outage::Failures;
use super::{Error, Params};

pub(super) use decision::{Decision, Durability};

/// A connection, until it is dropped: then it goes back to where it came from.
pub struct Connection {
    object: Option<Object>,
    watch: Watch,
}

/// A transaction. Dropped before it is committed, it has never been.
pub(super) struct Transaction<'c> {
    inner: deadpool_postgres::Transaction<'c>,
    watch: &'c Watch,
}

/// What is known of a connection's health.
struct Watch {
    patience: Duration,
    failures: Failures,
    is_spoilt: AtomicBool,
    /// It leads to a server that takes no writes any more, as after a failover, and the others lead there, too.
    leads_astray: AtomicBool,
}

impl Watch {
    fn of(patience: Duration, failures: Failures) -> Self {
        Self { patience, failures, is_spoilt: AtomicBool::new(false), leads_astray: AtomicBool::new(false) }
    }
}

impl Connection {
    pub(super) fn new(object: Object, patience: Duration, failures: Failures) -> Self {
        Self { object: Some(object), watch: Watch::of(patience, failures) }
    }

    /// Begins a transaction.
    pub(super) async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        let Self { object, watch } = self;
        let inner = watch.answer(present_mut(object).transaction()).await?;
        Ok(Transaction { inner, watch })
    }

    /// Begins a transaction whose statements all see the same, and write nothing.
    pub(super) async fn consistent_read(&mut self) -> Result<Transaction<'_>, Error> {
        let Self { object, watch } = self;
        let builder = present_mut(object).build_transaction();
        let builder = builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let inner = watch.answer(builder.start()).await?;
        Ok(Transaction { inner, watch })
    }

    /// Runs statements without parameters.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.watch.answer(self.object().batch_execute(sql)).await
    }

    /// Says that the server takes no writes: neither this connection is kept, nor those that wait beside it.
    pub(super) fn leads_astray(&self) {
        self.watch.leads_astray.store(true, Ordering::Relaxed);
    }

    /// The bare connection, which goes back to nobody.
    pub(super) fn detach(mut self) -> ClientWrapper {
        Object::take(self.object.take().expect(PRESENT))
    }

    fn object(&self) -> &Object {
        self.object.as_ref().expect(PRESENT)
    }
}

const PRESENT: &str = "the connection is there until it is dropped or taken apart";

fn present_mut(object: &mut Option<Object>) -> &mut Object {
    object.as_mut().expect(PRESENT)
}

impl Drop for Connection {
    fn drop(&mut self) {
        let leads_astray = self.watch.leads_astray.load(Ordering::Relaxed);
        if leads_astray && let Some(pool) = self.object.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
        if leads_astray || self.watch.is_spoilt.load(Ordering::Relaxed) {
            self.object.take().map(Object::take);
        }
    }
}

impl Transaction<'_> {
    /// Makes it so. An error that is an outage leaves it unknown whether it is.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.watch.answer(self.inner.commit()).await
    }

    /// Runs statements without parameters.
    pub(super) async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.watch.answer(self.inner.batch_execute(sql)).await
    }

    /// Plans a statement for these parameters alone, whose rows are then [fetched](Self::fetch) some at a time.
    pub(super) async fn bind(&self, sql: &str, params: Params<'_>) -> Result<Portal, Error> {
        let bound = async { self.inner.bind(&self.inner.prepare(sql).await?, params).await };
        self.watch.answer(bound).await
    }

    /// The next rows, `most` of them at most; none when all have been fetched.
    pub(super) async fn fetch(&self, portal: &Portal, most: i32) -> Result<Vec<Row>, Error> {
        self.watch.answer(self.inner.query_portal(portal, most)).await
    }

    /// Begins a COPY into a table.
    pub(super) async fn copy_in(&self, sql: &str) -> Result<CopyInSink<Bytes>, Error> {
        let begun = async { self.inner.copy_in(&self.inner.prepare_cached(sql).await?).await };
        self.watch.answer(begun).await
    }
}

impl Watch {
    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        self.wait_for(asked).await.inspect_err(|error| self.failures.note(error))
    }

    async fn wait_for<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        // Whoever stops waiting in the middle of it leaves a statement behind whose end nobody hears.
        let was_spoilt = self.is_spoilt.swap(true, Ordering::Relaxed);
        let Ok(answer) = timeout(self.patience, asked).await else {
            return Err(Error::Silent { waited: self.patience });
        };
        self.is_spoilt.store(was_spoilt, Ordering::Relaxed);
        self.mind(&answer);
        Ok(answer?)
    }

    /// Notes what the answer to one of several statements says of the connection, which were waited for together.
    fn heed<T>(&self, answer: Result<T, tokio_postgres::Error>) -> Result<T, Error> {
        self.mind(&answer);
        answer.map_err(Error::from).inspect_err(|error| self.failures.note(error))
    }

    fn mind<T>(&self, answer: &Result<T, tokio_postgres::Error>) {
        if answer.as_ref().is_err_and(|error| error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)) {
            self.leads_astray.store(true, Ordering::Relaxed);
        }
    }

    fn spoil(&self) {
        self.is_spoilt.store(true, Ordering::Relaxed);
    }
}

/// Where statements can be run: a connection, or a transaction on it.
pub(super) trait Session {
    /// Who runs them.
    fn client(&self) -> &impl GenericClient;

    /// What is known of the connection's health.
    #[expect(private_interfaces, reason = "nobody outside of this file can look at it")]
    fn watch(&self) -> &Watch;

    /// The prepared statements, if one that went stale can be prepared anew: within a transaction it has failed all.
    fn renewable(&self) -> Option<&StatementCache>;
}

impl Session for Connection {
    fn client(&self) -> &impl GenericClient {
        self.object()
    }

    #[expect(private_interfaces, reason = "nobody outside of this file can look at it")]
    fn watch(&self) -> &Watch {
        &self.watch
    }

    fn renewable(&self) -> Option<&StatementCache> {
        Some(&self.object().statement_cache)
    }
}

impl Session for Transaction<'_> {
    fn client(&self) -> &impl GenericClient {
        &self.inner
    }

    #[expect(private_interfaces, reason = "nobody outside of this file can look at it")]
    fn watch(&self) -> &Watch {
        self.watch
    }

    fn renewable(&self) -> Option<&StatementCache> {
        None
    }
}

pub(super) async fn query(on: &impl Session, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
    prepared(on, sql, async |statement| on.client().query(statement, params).await).await
}

pub(super) async fn query_opt(
    on: &impl Session,
    sql: &str,
    params: Params<'_>,
) -> Result<Option<Row>, Error> {
    prepared(on, sql, async |statement| on.client().query_opt(statement, params).await).await
}

pub(super) async fn query_one(on: &impl Session, sql: &str, params: Params<'_>) -> Result<Row, Error> {
    prepared(on, sql, async |statement| on.client().query_one(statement, params).await).await
}

/// Returns how many rows were written.
pub(super) async fn execute(on: &impl Session, sql: &str, params: Params<'_>) -> Result<u64, Error> {
    prepared(on, sql, async |statement| on.client().execute(statement, params).await).await
}

/// Runs a statement that is prepared once for each connection. Should the server not know it any more, or should a table
/// have changed under it, it is prepared anew, once.
async fn prepared<T>(
    on: &impl Session,
    sql: &str,
    run: impl AsyncFn(&Statement) -> Result<T, tokio_postgres::Error>,
) -> Result<T, Error> {
    let ask = async || run(&on.client().prepare_cached(sql).await?).await;
    let answer = on.watch().answer(ask()).await;
    if !answer.as_ref().is_err_and(Error::is_stale) {
        return answer;
    }
    match on.renewable() {
        None => {
            on.watch().spoil();
            answer
        }
        Some(statements) => {
            statements.clear();
            on.watch().answer(ask()).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_not_answered_in_time_is_told_so_and_the_connection_is_of_no_more_use() {
        let watch = Watch::of(Duration::from_millis(5), Failures::default());
        watch.answer(async { Ok(()) }).await.unwrap();
        assert!(!watch.is_spoilt.load(Ordering::Relaxed));
        let error = watch.answer(std::future::pending::<Result<(), _>>()).await.unwrap_err();
        assert!(matches!(error, Error::Silent { .. }) && error.is_outage(), "{error}");
        assert!(watch.is_spoilt.load(Ordering::Relaxed));
        let silent = watch.failures.list().find(|(kind, _)| *kind == "silent");
        assert_eq!(silent, Some(("silent", 1)));
    }
}
