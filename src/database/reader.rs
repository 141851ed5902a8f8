//! Runs reading statements on connections that are kept between statements.
//!
//! When a connection is returned to sqlx's pool, sqlx pings it in a task: one more round trip for every statement.
//! A [`Reader`] keeps some connections instead, and returns one only when a statement on it failed or was
//! cancelled, when it was idle for long, or when the pool is closed.
//!
//! A connection may have broken since its last use. A statement that fails for this reason is sent once more on another
//! connection.
//!
//! Rare cases are boxed futures (`Box::pin`): inside the others they would enlarge the future of every statement,
//! which is moved several times.
//!
//! Where there is a replica, reads that may lag are sent to it, and to the primary while the replica fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::async_trait::async_trait;
use facade::attempts::retried;
use facade::failure::{self, Failure};
use scopeguard::ScopeGuard;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Database, Executor, IntoArguments, MySql, Pool, Postgres, Sqlite};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::database;
use crate::database::health_check::HealthCheck;
use crate::platform::outage::Outage;

/// How long a kept connection may be idle: less than the idle timeout of any usual server.
const MAX_IDLE: Duration = Duration::from_secs(60);
/// How long a statement waits for a permit to use a connection.
const PERMIT_TIMEOUT: Duration = database::ACQUIRE_TIMEOUT;

/// A statement that was sent.
#[derive(Clone, Copy, Debug)]
pub struct SentStatement<'a> {
    /// The statement, with placeholders for its values.
    pub sql: &'a str,
    /// Time until its result was complete.
    pub elapsed: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// A callback that gets every statement that the server has sent.
pub type Observer = Arc<dyn Fn(&SentStatement<'_>) + Send + Sync>;

/// Runs reading statements: on the database, or on a replica while that works.
pub struct Reader {
    source: Arc<ConnectionSource>,
    fallback: Option<Fallback>,
}

/// A database, with the connections that are kept for reading.
struct ConnectionSource {
    db: DatabaseConnection,
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

/// A replica, and the primary that is read from while the replica fails.
struct Fallback {
    replica: Arc<ConnectionSource>,
    primary: Arc<ConnectionSource>,
    health: Arc<HealthCheck>,
    outage: Arc<Outage>,
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

impl Reader {
    /// A reader of an open database. The observer gets the statements of this reader only; statements on `db`
    /// itself are observed elsewhere.
    pub fn new(db: DatabaseConnection, observer: Observer) -> Self {
        Self { source: Arc::new(ConnectionSource::new(db, observer)), fallback: None }
    }

    /// A reader of a replica, which reads from the primary while the replica fails.
    pub fn of_replica(db: DatabaseConnection, observer: Observer, primary: &Self) -> Self {
        let health = Arc::new(HealthCheck::new(db.clone()));
        let source = Arc::new(ConnectionSource::new(db, observer));
        let fallback = Fallback {
            replica: Arc::clone(&source),
            primary: Arc::clone(&primary.source),
            health,
            outage: Outage::new("the replica", "the primary is read from"),
        };
        Self { source, fallback: Some(fallback) }
    }

    /// The present numbers of connections.
    pub fn connections(&self) -> ConnectionCounts {
        self.source.connections()
    }
}

impl ConnectionSource {
    fn new(db: DatabaseConnection, observer: Observer) -> Self {
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

    fn connections(&self) -> ConnectionCounts {
        with_pool!(&self.kept, kept => ConnectionCounts::of(kept))
    }

    async fn all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.all_once(statement).await {
            Err(error) if Box::pin(self.is_connection_lost(&error)).await => {
                Box::pin(self.all_once(statement)).await
            }
            answer => answer,
        }
    }

    async fn one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
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
    async fn close_dead_connections(&self) {
        with_pool!(&self.kept, kept => kept.close_idle());
        database::close_dead_connections(&self.db).await;
    }
}

impl Fallback {
    /// The result of the replica; `None` where the statement must be sent to the primary.
    async fn try_replica<T>(
        &self,
        answer: impl Future<Output = Result<T, DbErr>>,
    ) -> Option<Result<T, DbErr>> {
        if self.outage.is_active() {
            return None;
        }
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            cause = self.health.wait_until_unreachable() => return self.lost(&cause),
        };
        match answer.as_ref().err().map(failure::of) {
            None | Some(Failure::Statement | Failure::ReadOnly) => Some(answer),
            Some(Failure::Lost | Failure::Refused) => answer.err().and_then(|cause| self.lost(&cause)),
            // Busy, or its schema is older: only this statement is sent to the primary.
            Some(Failure::Ended | Failure::Unavailable | Failure::Absent) => None,
        }
    }

    fn lost<T>(&self, cause: &DbErr) -> Option<T> {
        let (replica, health) = (Arc::downgrade(&self.replica), Arc::clone(&self.health));
        self.outage.begin(cause, move || {
            let (replica, health) = (replica.upgrade(), Arc::clone(&health));
            async move {
                let is_reachable = health.is_reachable().await;
                // Connections that do not answer may never answer again.
                if let (true, Some(replica)) = (is_reachable, replica) {
                    replica.close_dead_connections().await;
                }
                is_reachable
            }
        });
        None
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

    fn close_idle(&self) {
        self.idle().clear();
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, PoolConnection<D>), DbErr> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.wait_for_permit()).await?,
        };
        let idle = self.idle().pop();
        match idle {
            Some(idle) if idle.since.elapsed() < MAX_IDLE => Ok((permit, idle.connection)),
            _ => Ok((permit, Box::pin(self.pool.acquire()).await.map_err(failed)?)),
        }
    }

    async fn wait_for_permit(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, self.permits.acquire()).await;
        permit
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    fn release(&self, connection: PoolConnection<D>) {
        // A single connection is returned to the pool, so that writes can use it.
        if self.pool.options().get_max_connections() > 1 {
            let idle = IdleConnection { connection, since: Instant::now() };
            self.idle().push(idle);
        }
        // Checked last, because the pool may have been closed meanwhile.
        if self.pool.is_closed() {
            self.close_idle();
        }
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
        (self.observer)(&SentStatement { sql: &statement.sql, elapsed, failed });
        answer.map_err(self::failed)
    }
}

impl<D: Database> ReaderPool<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    SqlxValues: IntoArguments<D>,
    QueryResult: From<D::Row>,
{
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
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Query(RuntimeErr::SqlxError(other.into())),
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.source.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        retried(|| self.source.db.execute_raw(statement.clone())).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.source.db.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let Some(fallback) = &self.fallback else { return self.source.one(&statement).await };
        match Box::pin(fallback.try_replica(self.source.one(&statement))).await {
            Some(answer) => answer,
            None => Box::pin(fallback.primary.one(&statement)).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(fallback) = &self.fallback else { return self.source.all(&statement).await };
        match Box::pin(fallback.try_replica(self.source.all(&statement))).await {
            Some(answer) => answer,
            None => Box::pin(fallback.primary.all(&statement)).await,
        }
    }
}
