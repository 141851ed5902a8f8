//! A transaction that writes. It notes the tables that it writes: with the commit, what is remembered of their lists
//! is forgotten. What the database ends before the commit is run again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::attempts::Attempts;
use crate::engine::Engine;
use crate::failure::{self, Failure};
use crate::{Error, Result};

/// A transaction that writes. Rolled back where it is not committed. It is cheap to clone.
#[derive(Clone)]
pub struct Transaction {
    open: Arc<OpenTransaction>,
}

struct OpenTransaction {
    inner: DatabaseTransaction,
    /// Cancelled when the server that it runs on is left.
    left: CancellationToken,
    engine: Arc<Engine>,
    written: Mutex<BTreeSet<Box<str>>>,
    /// Why the database has ended it. MariaDB would run what follows outside of any transaction.
    ended: OnceLock<DbErr>,
    /// What is done once it is committed.
    after_commit: Mutex<Vec<BoxFuture<'static, Result<()>>>>,
}

impl Transaction {
    /// Runs `work` in a transaction and commits it. Where the database ends the transaction (a deadlock, a conflict with
    /// another one, a lost connection), the whole of it runs again: it has changed nothing, if `work` changes nothing but
    /// the database.
    ///
    /// # Errors
    /// Those of `work`, after which nothing is committed; when the database fails. Where the connection is lost during the
    /// commit, nobody knows whether it took place, and it is not tried again.
    pub(crate) async fn run<T, Work>(
        engine: &Arc<Engine>,
        work: impl Fn(Self) -> Work,
        before_retry: impl Fn(),
    ) -> Result<T>
    where
        Work: Future<Output = Result<T>>,
    {
        let mut attempts = Attempts::begin();
        loop {
            let cause = match Self::attempt(engine, &work).await {
                Ok(done) => return done,
                Err(cause) => cause,
            };
            if !attempts.again(&cause).await {
                return Err(cause.into());
            }
            before_retry();
        }
    }

    /// The result of one attempt; the error is the cause for which the database has ended it.
    async fn attempt<T, Work>(engine: &Arc<Engine>, work: &impl Fn(Self) -> Work) -> Result<Result<T>, DbErr>
    where
        Work: Future<Output = Result<T>>,
    {
        let transaction = match engine.host.begin().await {
            Ok((inner, left)) => Self::new(inner, left, Arc::clone(engine)),
            Err(cause) if failure::of(&cause).ends_transaction() => return Err(cause),
            Err(cause) => return Ok(Err(cause.into())),
        };
        let done = work(transaction.clone()).await;
        if let Some(cause) = transaction.ended() {
            return Err(cause.clone());
        }
        match done {
            Ok(done) => transaction.commit().await.map(|committed| committed.map(|()| done)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn new(inner: DatabaseTransaction, left: CancellationToken, engine: Arc<Engine>) -> Self {
        let (written, ended, after_commit) = (Mutex::default(), OnceLock::new(), Mutex::default());
        Self { open: Arc::new(OpenTransaction { inner, left, engine, written, ended, after_commit }) }
    }

    /// Does something once the transaction is committed, and only then: it belongs to files whose names the rows have by
    /// then. A request that ends meanwhile does not end it. Its error is that of the write.
    pub fn after_commit(&self, work: impl Future<Output = Result<()>> + Send + 'static) {
        let mut all = self.open.after_commit.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(work.boxed());
    }

    /// Makes the changes last, in a task of its own: a client that leaves meanwhile does not decide how far it gets.
    async fn commit(self) -> Result<Result<()>, DbErr> {
        let Some(open) = Arc::into_inner(self.open) else {
            return Ok(Err(Error::internal("a transaction is still in use")));
        };
        let committed = tokio::spawn(open.commit().in_current_span()).await;
        committed.unwrap_or_else(|panic| Ok(Err(Error::internal(panic))))
    }

    /// The engine that it belongs to.
    pub(crate) fn engine(&self) -> &Engine {
        &self.open.engine
    }

    /// Why the database has ended it, so that it runs again.
    pub(crate) fn ended(&self) -> Option<&DbErr> {
        self.open.ended.get()
    }

    /// Runs a statement, unless the database has ended the transaction before.
    async fn send<T>(&self, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        if let Some(cause) = self.ended() {
            return Err(cause.clone());
        }
        let answer = self.open.left.run_until_cancelled(answer).await;
        let answer = answer.unwrap_or_else(|| Err(failure::left()));
        if let Err(cause) = &answer {
            let is_elsewhere = self.open.engine.host.failed(cause);
            if is_elsewhere || failure::of(cause).ends_transaction() {
                let _ = self.open.ended.set(cause.clone());
            }
        }
        answer
    }

    fn note(&self, sql: &str) {
        if let Some(table) = written_table(sql) {
            self.open.written.lock().unwrap_or_else(PoisonError::into_inner).insert(table.into());
        }
    }
}

impl OpenTransaction {
    /// Makes the changes last, forgets what is remembered of lists that they concern, and does what is to be done then.
    async fn commit(self) -> Result<Result<()>, DbErr> {
        let Self { inner, left, engine, written, after_commit, .. } = self;
        let committed = left.run_until_cancelled(inner.commit()).await;
        if let Err(cause) = committed.unwrap_or_else(|| Err(failure::left())) {
            let is_elsewhere = engine.host.failed(&cause);
            // A server that takes no writes any more has refused the commit.
            let is_undone = match failure::of(&cause) {
                Failure::Ended => true,
                Failure::ReadOnly => is_elsewhere,
                _ => false,
            };
            return if is_undone { Err(cause) } else { Ok(Err(cause.into())) };
        }
        let written = written.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.iter().for_each(|table| engine.lists.forget(table));
        let mut done = Ok(());
        for work in after_commit.into_inner().unwrap_or_else(PoisonError::into_inner) {
            done = done.and(work.await);
        }
        Ok(done)
    }
}

/// The table that a statement writes, as SeaQuery spells it: the first name in quotes.
fn written_table(sql: &str) -> Option<&str> {
    let verb = sql.split_ascii_whitespace().next()?;
    if !["INSERT", "UPDATE", "DELETE", "REPLACE"].iter().any(|write| verb.eq_ignore_ascii_case(write)) {
        return None;
    }
    let quote = sql.find(['"', '`'])?;
    let (name, _) = sql[quote + 1..].split_once(&sql[quote..=quote])?;
    Some(name)
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.open.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(&statement.sql);
        self.send(self.open.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(sql);
        self.send(self.open.inner.execute_unprepared(sql)).await
    }

    // An insertion that answers its row is a query, too.
    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(&statement.sql);
        self.send(self.open.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(&statement.sql);
        self.send(self.open.inner.query_all_raw(statement)).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use sea_orm::{Database, DatabaseConnection};

    use super::*;

    /// The file of a database of one test.
    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("guichet-{name}-{}.sqlite", std::process::id()))
    }

    /// Two connections to a table of numbers, of which the second does not wait for locks.
    async fn two_connections(file: &Path) -> [DatabaseConnection; 2] {
        let url = format!("sqlite:{}?mode=rwc", file.display());
        let [first, second] =
            [Database::connect(&url).await.unwrap(), Database::connect(&url).await.unwrap()];
        first.execute_unprepared("CREATE TABLE numbers (number INTEGER)").await.unwrap();
        second.execute_unprepared("PRAGMA busy_timeout = 0").await.unwrap();
        [first, second]
    }

    async fn write_number(engine: &Arc<Engine>, runs: &AtomicU32) -> Result<()> {
        let work = |transaction: Transaction| async move {
            runs.fetch_add(1, Ordering::Relaxed);
            transaction.execute_unprepared("INSERT INTO numbers VALUES (1)").await?;
            // An error that the work swallows ends the transaction all the same.
            let _ = transaction.execute_unprepared("INSERT INTO numbers VALUES (2)").await;
            Ok(())
        };
        Transaction::run(engine, work, || ()).await
    }

    async fn numbers(db: &DatabaseConnection) -> i64 {
        let count = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) FROM numbers");
        db.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    #[tokio::test]
    async fn what_another_transaction_keeps_out_runs_again() {
        let file = file("again");
        let [first, second] = two_connections(&file).await;
        let (engine, runs) = (Engine::with_defaults(second), AtomicU32::new(0));
        first.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        let let_in = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            first.execute_unprepared("COMMIT").await.unwrap();
        };
        let (written, ()) = tokio::join!(write_number(&engine, &runs), let_in);
        written.unwrap();
        assert_eq!((numbers(&first).await, runs.load(Ordering::Relaxed)), (2, 1));
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn what_is_kept_out_for_long_fails() {
        let file = file("long");
        let [first, second] = two_connections(&file).await;
        let (engine, runs) = (Engine::with_defaults(second), AtomicU32::new(0));
        first.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        let written = write_number(&engine, &runs).await;
        assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
        first.execute_unprepared("ROLLBACK").await.unwrap();
        assert_eq!((numbers(&first).await, runs.load(Ordering::Relaxed)), (0, 0));
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn a_request_that_ends_during_the_commit_ends_nothing_else() {
        let file = file("leaving");
        let [first, second] = two_connections(&file).await;
        let engine = Engine::with_defaults(second);
        let (worked, placed) = (AtomicU32::new(0), Arc::new(AtomicU32::new(0)));
        let work = |transaction: Transaction| {
            let placed = Arc::clone(&placed);
            transaction.after_commit(async move {
                placed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            let worked = &worked;
            async move {
                transaction.execute_unprepared("INSERT INTO numbers VALUES (1)").await?;
                worked.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        };
        {
            let mut writing = pin!(Transaction::run(&engine, work, || ()));
            while worked.load(Ordering::Relaxed) == 0 {
                assert!(writing.as_mut().now_or_never().is_none(), "the commit has begun, and not ended");
                tokio::task::yield_now().await;
            }
        }
        while placed.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(numbers(&first).await, 1);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn the_table_of_a_writing_statement() {
        for (sql, table) in [
            (r#"INSERT INTO "books" ("title") VALUES ($1) RETURNING "id""#, Some("books")),
            ("INSERT INTO `books` (`title`) VALUES (?)", Some("books")),
            (r#"UPDATE "books" SET "title" = ? WHERE "books"."id" = ?"#, Some("books")),
            (r#"delete from "loans" WHERE "id" = ?"#, Some("loans")),
            (r#"SELECT "id" FROM "books" FOR UPDATE"#, None),
            ("UPDATE books SET title = 1", None),
            ("", None),
        ] {
            assert_eq!(written_table(sql), table, "{sql}");
        }
    }
}
