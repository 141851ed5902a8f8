//! The connections to one database server.
//!
//! When a connection is returned to sqlx's pool, sqlx pings it in a task: one more round trip for every statement.
//! A `ConnectionSource` keeps some connections for reading instead, and returns one only when a statement on it failed or
//! was cancelled, when it was idle for long, or when the pool is closed.
//!
//! A connection may have broken since its last use. A statement that fails for this reason is sent once more on another
//! connection.
//!
//! Rare cases are boxed futures (`Box::pin`): inside the others they would enlarge the future of every statement,
//! which is moved several times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use facade::failure::{self, Failure};
use scopeguard::ScopeGuard;
use sea_orm::{ConnAcquireErr, DatabaseConnection, DbBackend, DbErr, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::database::HasStatementCache;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Database, Executor, IntoArguments, MySql, Pool, Postgres, Sqlite};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::database;

/// How long a kept connection may be idle: less than the idle timeout of any usual server.
const MAX_IDLE: Duration = Duration::from_secs(60);
/// How long a statement waits for a permit to use a connection.
const PERMIT_TIMEOUT: Duration = database::ACQUIRE_TIMEOUT;

/// A statement that was sent.
#[derive(Clone, Copy)]
pub struct SentStatement<'a> {
    /// The statement, with placeholders for its values.
    pub sql: &'a str,
    /// Its values; they may be personal data.
    pub values: Option<&'a sea_orm::Values>,
    /// Time until its result was complete.
    pub elapsed: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// A callback that gets every statement that the server has sent.
pub type Observer = Arc<dyn Fn(&SentStatement<'_>) + Send + Sync>;

/// A database server, with the connections that are kept for reading.
pub(super) struct ConnectionSource {
    /// sqlx's pool, which all connections come from.
    pub(super) db: DatabaseConnection,
    kept: AnyReaderPool,
}

/// The reader's pool, for each kind of database.
enum AnyReaderPool {
    MySql(Arc<ReaderPool<MySql>>),
    Postgres(Arc<ReaderPool<Postgres>>),
    Sqlite(Arc<ReaderPool<Sqlite>>),
}

/// Evaluates an expression with the pool, whatever the kind of database is.
macro_rules! with_pool {
    ($any:expr, $kept:ident => $done:expr) => {
        match $any {
            AnyReaderPool::MySql($kept) => $done,
            AnyReaderPool::Postgres($kept) => $done,
            AnyReaderPool::Sqlite($kept) => $done,
        }
    };
}

/// The connections that are kept for reading, beside sqlx's pool that they come from.
struct ReaderPool<D: Database> {
    pool: Pool<D>,
    /// Limits the connections that read at the same time. The rest of the pool is for writes and everything else.
    permits: Semaphore,
    idle: Mutex<Vec<IdleConnection<D>>>,
    observer: Observer,
}

/// A connection that is kept, and since when it is idle.
struct IdleConnection<D: Database> {
    connection: PoolConnection<D>,
    since: Instant,
}

/// Numbers of connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Open connections.
    pub open: u32,
    /// Open connections that are idle.
    pub idle: u32,
    /// Maximum number of open connections.
    pub max: u32,
}

impl ConnectionCounts {
    fn of<D: Database>(kept: &ReaderPool<D>) -> Self {
        // For sqlx's pool, kept connections are in use.
        let idle = kept.pool.num_idle() + kept.idle().len();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Self { open: kept.pool.size(), idle, max: kept.pool.options().get_max_connections() }
    }
}

impl ConnectionSource {
    /// A source of connections of this pool. The observer gets the statements that read; others on `db` are observed
    /// elsewhere.
    pub(super) fn new(db: DatabaseConnection, observer: Observer) -> Self {
        let kept = match db.get_database_backend() {
            DbBackend::MySql => {
                AnyReaderPool::MySql(ReaderPool::new(db.get_mysql_connection_pool().clone(), observer))
            }
            DbBackend::Postgres => {
                AnyReaderPool::Postgres(ReaderPool::new(db.get_postgres_connection_pool().clone(), observer))
            }
            _ => AnyReaderPool::Sqlite(ReaderPool::new(db.get_sqlite_connection_pool().clone(), observer)),
        };
        Self { db, kept }
    }

    /// The present numbers of connections.
    pub(super) fn connections(&self) -> ConnectionCounts {
        with_pool!(&self.kept, kept => ConnectionCounts::of(kept))
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.all_once(statement).await {
            Err(error) if Box::pin(self.is_connection_lost(&error)).await => {
                Box::pin(self.all_once(statement)).await
            }
            answer => answer,
        }
    }

    /// The first row of a statement.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub(super) async fn one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        match self.one_once(statement).await {
            Err(error) if Box::pin(self.is_connection_lost(&error)).await => {
                Box::pin(self.one_once(statement)).await
            }
            answer => answer,
        }
    }

    async fn all_once(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        with_pool!(&self.kept, kept => kept.all(statement).await)
    }

    async fn one_once(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        with_pool!(&self.kept, kept => kept.one(statement).await)
    }

    /// Whether a connection was lost, so that the statement may be sent again. Other idle connections, which are
    /// probably broken too, are then closed.
    async fn is_connection_lost(&self, error: &DbErr) -> bool {
        let lost = failure::of(error) == Failure::Lost;
        if lost {
            self.close_dead_connections().await;
        }
        lost
    }

    /// Closes idle connections that are broken or may be.
    pub(super) async fn close_dead_connections(&self) {
        with_pool!(&self.kept, kept => kept.close_idle());
        database::close_dead_connections(&self.db).await;
    }

    /// Closes all idle connections: the server is not what it was when they were opened.
    pub(super) fn close_idle_connections(&self) {
        with_pool!(&self.kept, kept => kept.close_all_idle());
    }
}

impl<D: Database> ReaderPool<D> {
    fn new(pool: Pool<D>, observer: Observer) -> Arc<Self> {
        // A quarter of the connections, at least one, remains for writes and everything else.
        let size = usize::try_from(pool.options().get_max_connections()).unwrap_or(1);
        let places = (size - size.div_ceil(4)).max(1);
        let closing = pool.close_event();
        let kept = Arc::new(Self { pool, permits: Semaphore::new(places), idle: Mutex::default(), observer });
        let weak = Arc::downgrade(&kept);
        tokio::spawn(async move {
            closing.await;
            if let Some(kept) = weak.upgrade() {
                kept.close_idle();
            }
        });
        kept
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the kept connections back to the pool.
    fn close_idle(&self) {
        self.idle().clear();
    }

    fn close_all_idle(&self) {
        let kept = std::mem::take(&mut *self.idle()).into_iter().map(|idle| idle.connection);
        let others = std::iter::from_fn(|| self.pool.try_acquire());
        kept.chain(others).collect::<Vec<_>>().iter_mut().for_each(PoolConnection::close_on_drop);
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, PoolConnection<D>), DbErr> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.wait_for_permit()).await?,
        };
        let idle = self.idle().pop();
        match idle {
            Some(idle) if idle.since.elapsed() < MAX_IDLE => Ok((permit, idle.connection)),
            _ => Ok((permit, Box::pin(self.pool.acquire()).await.map_err(not_connected)?)),
        }
    }

    async fn wait_for_permit(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, self.permits.acquire()).await;
        permit
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    /// Awaits the result of a statement and reports it to the observer.
    async fn observe<T>(
        &self,
        statement: &Statement,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, DbErr> {
        let began = Instant::now();
        let answer = answer.await;
        let (elapsed, failed) = (began.elapsed(), answer.is_err());
        let (sql, values) = (&statement.sql, statement.values.as_ref());
        (self.observer)(&SentStatement { sql, values, elapsed, failed });
        answer.map_err(self::failed)
    }
}

impl<D: Database + HasStatementCache> ReaderPool<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    SqlxValues: IntoArguments<D>,
    QueryResult: From<D::Row>,
{
    fn release(&self, connection: PoolConnection<D>) {
        // A single connection is returned to the pool, so that writes can use it.
        if self.pool.options().get_max_connections() > 1 && !database::has_many_statements::<D>(&connection) {
            let idle = IdleConnection { connection, since: Instant::now() };
            self.idle().push(idle);
        }
        // Checked last, because the pool may have been closed meanwhile.
        if self.pool.is_closed() {
            self.close_idle();
        }
    }

    async fn all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (_permit, connection) = self.acquire().await?;
        let mut connection = close_if_cancelled(connection);
        let answer = query::<D>(statement).fetch_all(&mut **connection);
        let answer = self.observe(statement, answer).await;
        let connection = ScopeGuard::into_inner(connection);
        let rows = answer?;
        self.release(connection);
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    async fn one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        let (_permit, connection) = self.acquire().await?;
        let mut connection = close_if_cancelled(connection);
        let answer = query::<D>(statement).fetch_optional(&mut **connection);
        let answer = self.observe(statement, answer).await;
        let connection = ScopeGuard::into_inner(connection);
        let row = answer?;
        self.release(connection);
        Ok(row.map(QueryResult::from))
    }
}

/// Closes a connection if its statement is cancelled: the rest of the result would be taken for the next one, or
/// awaited forever. After an error, sqlx's pool checks whether the connection still works.
fn close_if_cancelled<D: Database>(
    connection: PoolConnection<D>,
) -> ScopeGuard<PoolConnection<D>, impl FnOnce(PoolConnection<D>)> {
    scopeguard::guard(connection, |mut connection| connection.close_on_drop())
}

fn query<D: Database>(statement: &Statement) -> sqlx::query::Query<'static, D, SqlxValues>
where
    SqlxValues: IntoArguments<D>,
{
    let values = statement.values.clone().unwrap_or_else(|| sea_orm::Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.clone()), SqlxValues(values))
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// Why there is no connection. What the server answers to a login is no answer to a statement: another one may let in.
fn not_connected(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Conn(RuntimeErr::SqlxError(other.into())),
    }
}
