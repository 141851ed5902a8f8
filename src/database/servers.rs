//! The servers that hold the shop's database: usually one.
//!
//! Of several, one is the current one, and all statements go to it. It is left for the first of the others that can take
//! its place when it fails, falls silent, takes no writes any more or sends its data to a node that joins its cluster: a
//! watch looks at it twice a second, and at once when a statement has failed. What runs on it then is cancelled; what has
//! changed nothing yet runs again on the next one.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use facade::attempts::Attempts;
use facade::engine::write_transaction_options;
use facade::failure::{self, Failure};
use futures_util::future::join_all;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, ExecResult, QueryResult, Statement,
    TransactionTrait,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::source::{ConnectionCounts, ConnectionSource, Observer};
use crate::database;

/// Time between two looks at the current server.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// Time between two times that the connections of a server that takes no writes are closed.
const CLOSING_INTERVAL: Duration = Duration::from_secs(1);

/// How long a server may take to answer when its state is asked for.
const STATE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The servers of one database.
pub struct Servers {
    all: Vec<Server>,
    current: RwLock<Current>,
    /// Whether the current one must take writes.
    writes: bool,
    /// Wakes the watch.
    suspected: Notify,
    /// Why none of several can be used.
    outage: Mutex<Option<DbErr>>,
    /// When idle connections were closed last because the server takes no writes.
    closed: Mutex<Option<Instant>>,
}

/// A server.
struct Server {
    /// Host and port.
    name: String,
    source: ConnectionSource,
}

impl Server {
    async fn is_reachable(&self) -> bool {
        let reached = database::check_reachable(&self.source.db, STATE_TIMEOUT).await;
        // One that has no place for a connection is there.
        reached.is_ok() || reached.is_err_and(|cause| database::is_busy(&cause))
    }
}

/// What is known of a server.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// Host and port, or the path of a file.
    pub name: String,
    /// Whether statements are sent to it at present.
    pub is_used: bool,
    /// Whether it answers when a connection is opened.
    pub is_reachable: bool,
    /// Its connections.
    pub connections: ConnectionCounts,
}

/// The server that is used.
#[derive(Clone)]
struct Current {
    index: usize,
    /// Cancelled when the server is left.
    left: CancellationToken,
}

impl Servers {
    /// One or several servers, by host and port, in the order in which they are preferred. The observer gets the statements
    /// that read; others are observed elsewhere. `writes` tells whether the database takes writes while all is well.
    pub fn of(servers: Vec<(String, DatabaseConnection)>, observer: &Observer, writes: bool) -> Arc<Self> {
        let all = servers
            .into_iter()
            .map(|(name, db)| Server { name, source: ConnectionSource::new(db, Arc::clone(observer)) });
        let servers = Arc::new(Self {
            all: all.collect(),
            current: RwLock::new(Current { index: 0, left: CancellationToken::new() }),
            writes,
            suspected: Notify::new(),
            outage: Mutex::default(),
            closed: Mutex::default(),
        });
        if servers.all.len() > 1 {
            tokio::spawn(watch(Arc::downgrade(&servers)));
        }
        servers
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn source(&self) -> &ConnectionSource {
        match &*self.all {
            [only] => &only.source,
            all => &all[self.current().index].source,
        }
    }

    /// The pool of the current server.
    pub fn db(&self) -> &DatabaseConnection {
        &self.source().db
    }

    /// What is known of each server now. Each is asked for a new connection.
    pub async fn states(&self) -> Vec<ServerState> {
        let current = self.current().index;
        let states = self.all.iter().enumerate().map(async |(index, server)| ServerState {
            name: server.name.clone(),
            is_used: index == current,
            is_reachable: server.is_reachable().await,
            connections: server.source.connections(),
        });
        join_all(states).await
    }

    /// The rows of a statement that reads.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &*self.all {
            [only] => only.source.all(statement).await,
            _ => Box::pin(self.on_current(|source| source.all(statement))).await.map(|(rows, _)| rows),
        }
    }

    /// The first row of a statement that reads.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        match &*self.all {
            [only] => only.source.one(statement).await,
            _ => Box::pin(self.on_current(|source| source.one(statement))).await.map(|(row, _)| row),
        }
    }

    /// Begins a transaction that writes, on the current server. The token is cancelled when that server is left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<(DatabaseTransaction, CancellationToken), DbErr> {
        if let [only] = &*self.all {
            let begun = match begin_on(&only.source).await {
                // An idle connection was broken. Nothing was done yet, so the transaction can begin on another one.
                Err(cause) if failure::of(&cause) == Failure::Lost => {
                    only.source.close_dead_connections().await;
                    begin_on(&only.source).await
                }
                begun => begun,
            };
            return Ok((begun?, CancellationToken::new()));
        }
        self.on_current(begin_on).await
    }

    /// Runs a statement that writes, on the current server.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let current = self.current();
        let executed = self.all[current.index].source.db.execute_raw(statement);
        let executed = current.left.run_until_cancelled(executed).await;
        executed.unwrap_or_else(|| Err(failure::left())).inspect_err(|cause| {
            self.failed(cause);
        })
    }

    /// Runs what changes nothing on the current of several servers, and again on the next one where that fails. Returns
    /// the token of the server that it ran on, too.
    async fn on_current<'s, T, Work>(
        &'s self,
        work: impl Fn(&'s ConnectionSource) -> Work,
    ) -> Result<(T, CancellationToken), DbErr>
    where
        Work: Future<Output = Result<T, DbErr>>,
    {
        let mut attempts = Attempts::begin();
        loop {
            let current = self.current();
            let answer = current.left.run_until_cancelled(work(&self.all[current.index].source)).await;
            match answer.unwrap_or_else(|| Err(failure::left())) {
                Err(cause) if self.failed(&cause) && attempts.again(&cause).await => {}
                answer => return answer.map(|answer| (answer, current.left)),
            }
        }
    }

    /// Notes that a statement has failed. Returns whether another server may run it soon.
    pub fn failed(&self, cause: &DbErr) -> bool {
        let failure = failure::of(cause);
        if !matches!(failure, Failure::Lost | Failure::Refused | Failure::ReadOnly) {
            return false;
        }
        if failure == Failure::ReadOnly && self.writes {
            self.close_idle_connections();
        }
        if self.all.len() > 1 {
            self.suspected.notify_one();
        }
        self.all.len() > 1 && (failure != Failure::ReadOnly || self.writes)
    }

    /// Closes the idle connections of a server that takes no writes any more: its name may lead to another server by now.
    fn close_idle_connections(&self) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.is_none_or(|closed| closed.elapsed() > CLOSING_INTERVAL) {
            *closed = Some(Instant::now());
            self.source().close_idle_connections();
        }
    }

    /// Checks that a new connection can be opened in time, or that one of several servers can be used.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check_reachable(&self, timeout: Duration) -> Result<(), DbErr> {
        match &*self.all {
            [only] => database::check_reachable(&only.source.db, timeout).await,
            _ => match &*self.outage.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(cause) => Err(cause.clone()),
                None => Ok(()),
            },
        }
    }

    /// Closes idle connections that are broken or may be.
    pub(super) async fn close_dead_connections(&self) {
        self.source().close_dead_connections().await;
    }

    /// Closes all connections.
    ///
    /// # Errors
    /// When a connection cannot be closed.
    pub async fn close(&self) -> Result<(), DbErr> {
        let closed = join_all(self.all.iter().map(|server| server.source.db.clone().close())).await;
        closed.into_iter().collect()
    }

    /// Of several servers, chooses the first that can be used.
    pub async fn choose(&self) {
        if self.all.len() > 1 {
            self.look().await;
        }
    }

    /// Looks at the current server, and leaves it where another one can take its place.
    async fn look(&self) {
        let current = self.current();
        let cause = match self.look_at(current.index).await {
            Ok(true) => return self.end_outage(),
            Ok(false) => {
                DbErr::Custom("the node sends its data to another one, or has not caught up".to_owned())
            }
            // Another server may lack what this one has. Of the others, one that is busy does not tell whether it takes writes.
            Err(cause) if database::is_busy(&cause) => return self.end_outage(),
            Err(cause) => cause,
        };
        let looks = join_all((0..self.all.len()).map(|index| self.look_at(index))).await;
        let best = looks.iter().position(|look| matches!(look, Ok(true)));
        let usable = || looks[current.index].is_ok().then_some(current.index);
        match best.or_else(usable).or_else(|| looks.iter().position(Result::is_ok)) {
            Some(index) => {
                if index != current.index {
                    self.change(&current, index, &cause);
                }
                self.end_outage();
            }
            None => self.begin_outage(cause),
        }
    }

    /// Checks that a server can be used. Returns whether none can be better.
    async fn look_at(&self, index: usize) -> Result<bool, DbErr> {
        database::check_usable(&self.all[index].source.db, self.writes, true, database::LOOK_TIMEOUT).await
    }

    fn change(&self, from: &Current, to: usize, cause: &DbErr) {
        let next = Current { index: to, left: CancellationToken::new() };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        from.left.cancel();
        let (left, used) = (&self.all[from.index], &self.all[to]);
        left.source.close_idle_connections();
        used.source.close_idle_connections();
        tracing::warn!(%cause, left = left.name, used = used.name, "another database server is used");
    }

    fn begin_outage(&self, cause: DbErr) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if outage.is_none() {
            tracing::warn!(%cause, "no database server can be used");
        }
        *outage = Some(cause);
    }

    fn end_outage(&self) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if outage.take().is_some() {
            tracing::info!(used = self.all[self.current().index].name, "a database server can be used again");
        }
    }
}

async fn begin_on(source: &ConnectionSource) -> Result<DatabaseTransaction, DbErr> {
    source.db.begin_with_options(write_transaction_options()).await
}

/// Looks at the current server until nobody uses the servers any more.
async fn watch(servers: Weak<Servers>) {
    loop {
        let Some(watched) = servers.upgrade() else { return };
        // A failed statement may come before the interval is over, but no look follows another one at once.
        let _ = tokio::time::timeout(WATCH_INTERVAL, watched.suspected.notified()).await;
        watched.look().await;
        drop(watched);
        tokio::time::sleep(WATCH_INTERVAL / 10).await;
    }
}
