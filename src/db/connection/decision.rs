//! The transaction of a decision, on few ways to the server and back: it begins on one way with its first statements, and is
//! committed on one with its last. Between two calls of a campaign nothing else takes as long as such ways.

use deadpool_postgres::{GenericClient, Object, StatementCache};
use futures_util::FutureExt;
use futures_util::future::{OptionFuture, join_all, join3};
use tokio_postgres::{Row, Statement};

use super::{Connection, Session, Watch};
use crate::db::{Error, Params};

/// How durable a decision is when whoever made it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Durability {
    /// It is on the disk.
    AtOnce,
    /// It is there before anything else is that is committed after it; lost with the server until then. It is for what would be
    /// decided anew in the same way from what is durable.
    WithTheNext,
}

/// A transaction that decides. Dropped before it is committed, it has never been.
pub(in crate::db) struct Decision<'c> {
    together: Together<'c>,
    is_over: bool,
}

impl Connection {
    /// Begins a transaction with its first statements, which only read and lock. They are sent together, and come one after
    /// the other: what one of them waits for, those after it see.
    pub(in crate::db) async fn decide<const N: usize>(
        &mut self,
        durability: Durability,
        first: [(&str, Params<'_>); N],
    ) -> Result<(Decision<'_>, [Vec<Row>; N]), Error> {
        let begin = match durability {
            Durability::AtOnce => "START TRANSACTION",
            Durability::WithTheNext => "START TRANSACTION; SET LOCAL synchronous_commit = off",
        };
        let begun = Together { object: self.object(), watch: &self.watch };
        let statements = begun.prepare(&first).await?;
        let decision = Decision { together: begun, is_over: false };
        let answers = begun.send(Some(begin), &statements, &first, None).await?;
        Ok((decision, answers))
    }
}

impl Decision<'_> {
    /// Runs statements that are sent together and come one after the other.
    pub(in crate::db) async fn ask<const N: usize>(
        &self,
        asked: [(&str, Params<'_>); N],
    ) -> Result<[Vec<Row>; N], Error> {
        let statements = self.together.prepare(&asked).await?;
        self.together.send(None, &statements, &asked, None).await
    }

    /// Makes it so. An error that is an outage leaves it unknown whether it is.
    pub(in crate::db) async fn commit(mut self) -> Result<(), Error> {
        self.is_over = true;
        self.together.watch.answer(self.together.object.batch_execute(COMMIT)).await
    }

    /// Runs the last statement and makes it so, on one way: after a statement that failed nothing is. Those before it have only
    /// read and locked, as one whose parameters cannot be written down is not sent, and what comes after it is. An error that
    /// is an outage leaves it unknown whether it is.
    pub(in crate::db) async fn commit_with(
        mut self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let last = [(sql, params)];
        let statements = self.together.prepare(&last).await?;
        self.is_over = true;
        let [rows] = self.together.send(None, &statements, &last, Some(COMMIT)).await?;
        Ok(rows)
    }
}

const COMMIT: &str = "COMMIT";

/// Where statements are sent together.
#[derive(Clone, Copy)]
struct Together<'c> {
    object: &'c Object,
    watch: &'c Watch,
}

impl Together<'_> {
    /// They are prepared before any of them is sent: whichever is not yet would come after the others.
    async fn prepare(&self, asked: &[(&str, Params<'_>)]) -> Result<Vec<Statement>, Error> {
        let mut statements = Vec::with_capacity(asked.len());
        for (sql, _) in asked {
            statements.push(self.watch.answer(self.object.prepare_cached(sql)).await?);
        }
        Ok(statements)
    }

    /// Sends them, and what comes before and after them.
    async fn send<const N: usize>(
        &self,
        before: Option<&'static str>,
        statements: &[Statement],
        asked: &[(&str, Params<'_>); N],
        after: Option<&'static str>,
    ) -> Result<[Vec<Row>; N], Error> {
        let bare =
            |sql: Option<&'static str>| OptionFuture::from(sql.map(|sql| self.object.batch_execute(sql)));
        let asked =
            statements.iter().zip(asked).map(|(statement, (_, params))| self.object.query(statement, params));
        // They are sent in the order in which they are polled first.
        let answers = join3(bare(before), join_all(asked), bare(after));
        let (before, rows, after) = self.watch.answer(async { Ok(answers.await) }).await?;
        before.map(|answer| self.heed(answer)).transpose()?;
        let mut read = std::array::from_fn(|_| Vec::new());
        for (read, rows) in read.iter_mut().zip(rows) {
            *read = self.heed(rows)?;
        }
        after.map(|answer| self.heed(answer)).transpose()?;
        Ok(read)
    }

    /// The answer to one of them.
    fn heed<T>(&self, answer: Result<T, tokio_postgres::Error>) -> Result<T, Error> {
        let answer = self.watch.heed(answer);
        if answer.as_ref().is_err_and(Error::is_stale) {
            self.watch.spoil();
        }
        answer
    }
}

impl Drop for Decision<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // Sent and not waited for: whatever comes next on the connection comes after it.
            let _ = self.together.object.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

impl Session for Decision<'_> {
    fn client(&self) -> &impl GenericClient {
        self.together.object
    }

    #[expect(private_interfaces, reason = "nobody outside of this file and its parent can look at it")]
    fn watch(&self) -> &Watch {
        self.together.watch
    }

    fn renewable(&self) -> Option<&StatementCache> {
        None
    }
}
