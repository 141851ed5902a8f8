//! Reading statements on connections that are kept between them.
//!
//! A connection that comes back to sqlx's pool is asked whether it still lives, in a task of its own:
//! a second round trip for every statement. A [`Reader`] keeps some connections to itself instead
//! and gives one back only when a statement on it failed or was given up, when it was idle for
//! long, or when the pool closes.
//!
//! A connection may have died since its last use. A statement that meets such a one is sent once
//! more, on a connection that lives.
//!
//! What seldom happens is a future of its own (`Box::pin`): within the others it would make room for itself
//! in those of every statement, which are moved some times on their way.
//!
//! Where there is a replica, what may lag behind is read from it, and from the primary while it is away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::async_trait::async_trait;
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

/// How long a kept connection may be idle: less than any server's own patience.
const MAX_IDLE: Duration = Duration::from_secs(60);
/// How long a statement waits for a connection.
const PERMIT_TIMEOUT: Duration = database::ACQUIRE_TIMEOUT;

/// A statement that was sent.
#[derive(Clone, Copy, Debug)]
pub struct SentStatement<'a> {
    /// The statement, with placeholders for its values.
    pub sql: &'a str,
    /// How long its answer took.
    pub elapsed: Duration,
    /// Whether that was an error.
    pub failed: bool,
}

/// Told of every statement that the server sends.
pub type Observer = Arc<dyn Fn(&SentStatement<'_>) + Send + Sync>;

/// Where resolvers read from: the database, or a replica of it while that is there.
pub struct Reader {
    source: Arc<ConnectionSource>,
    fallback: Option<Fallback>,
}

/// A database's connections, kept between statements.
struct ConnectionSource {
    db: DatabaseConnection,
    kept: AnyReaderPool,
}

/// The kept connections of a kind of database.
enum AnyReaderPool {
    MySql(Arc<ReaderPool<MySql>>),
    Postgres(Arc<ReaderPool<Postgres>>),
    Sqlite(Arc<ReaderPool<Sqlite>>),
}

/// Does the same with the connections of any kind.
macro_rules! with_pool {
    ($any:expr, $kept:ident => $done:expr) => {
        match $any {
            AnyReaderPool::MySql($kept) => $done,
            AnyReaderPool::Postgres($kept) => $done,
            AnyReaderPool::Sqlite($kept) => $done,
        }
    };
}

/// What is read from while a replica is away.
struct Fallback {
    replica: Arc<ConnectionSource>,
    primary: Arc<ConnectionSource>,
    health: Arc<HealthCheck>,
    outage: Arc<Outage>,
}

struct ReaderPool<D: Database> {
    pool: Pool<D>,
    /// How many may be used at once. The rest of the pool is for writing and everything else.
    permits: Semaphore,
    idle: Mutex<Vec<IdleConnection<D>>>,
    observer: Observer,
}

struct IdleConnection<D: Database> {
    connection: PoolConnection<D>,
    since: Instant,
}

/// Connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Those that are open.
    pub open: u32,
    /// Open ones that do nothing.
    pub idle: u32,
    /// How many may be open.
    pub max: u32,
}

impl ConnectionCounts {
    fn of<D: Database>(kept: &ReaderPool<D>) -> Self {
        // To the pool, those that are kept look as if they were used.
        let idle = kept.pool.num_idle() + kept.idle().len();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Self { open: kept.pool.size(), idle, max: kept.pool.options().get_max_connections() }
    }
}

impl Reader {
    /// Reads from a database that is open. What goes through the database itself is observed there.
    pub fn new(db: DatabaseConnection, observer: Observer) -> Self {
        Self { source: Arc::new(ConnectionSource::new(db, observer)), fallback: None }
    }

    /// Reads from a replica of the primary, and from the primary itself while the replica is away.
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

    /// The database's connections now.
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

    /// Whether only a connection failed, not the database. Its idle neighbours, which will have died
    /// with it, are ended.
    async fn is_connection_lost(&self, error: &DbErr) -> bool {
        let lost = failure::of(error) == Failure::Lost;
        if lost {
            self.close_dead_connections().await;
        }
        lost
    }

    /// Ends idle connections that have died, or may have.
    async fn close_dead_connections(&self) {
        with_pool!(&self.kept, kept => kept.close_idle());
        database::close_dead_connections(&self.db).await;
    }
}

impl Fallback {
    /// The replica's answer; `None` where the primary has to be asked.
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
            // Busy, or behind a change of the schema: the next statement may fare better.
            Some(Failure::Unavailable | Failure::Absent) => None,
        }
    }

    fn lost<T>(&self, cause: &DbErr) -> Option<T> {
        let (replica, health) = (Arc::downgrade(&self.replica), Arc::clone(&self.health));
        self.outage.begin(cause, move || {
            let (replica, health) = (replica.upgrade(), Arc::clone(&health));
            async move {
                let is_reachable = health.is_reachable().await;
                // Connections that fell silent may never speak again.
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
        // Writing and everything else has the remaining quarter of the connections, at least one.
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
        // Of a single connection, writing has a turn too.
        if self.pool.options().get_max_connections() > 1 {
            let idle = IdleConnection { connection, since: Instant::now() };
            self.idle().push(idle);
        }
        // Asked last: the pool may have been closed meanwhile.
        if self.pool.is_closed() {
            self.close_idle();
        }
    }

    /// Waits for an answer and tells the observer of it.
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

/// A connection that is closed when its statement is given up: what is left of the answer would be taken for the
/// next one's, or waited for without end. After an error, the pool finds out whether it is still good.
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
        self.source.db.execute_raw(statement).await
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
