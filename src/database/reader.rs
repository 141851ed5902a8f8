//! Runs statements outside of transactions. Where there are replicas, reads that may lag are sent to them, in turn, and to
//! the primary while they fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::async_trait::async_trait;
use facade::attempts::retried;
use facade::failure::{self, Failure};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::servers::{ServerState, Servers};
use crate::database::health_check::HealthCheck;
use crate::platform::outage::Outage;

/// Runs reading statements: on the primary, or on a replica while one works. What writes goes to the primary.
pub struct Reader {
    primary: Arc<Servers>,
    replicas: Vec<ReplicaServer>,
    /// The replica whose turn it is.
    turn: AtomicUsize,
}

/// A replica.
struct ReplicaServer {
    server: Arc<Servers>,
    health: Arc<HealthCheck>,
    outage: Arc<Outage>,
}

impl Reader {
    /// A reader of the primary.
    pub fn new(primary: Arc<Servers>) -> Self {
        Self { primary, replicas: Vec::new(), turn: AtomicUsize::new(0) }
    }

    /// A reader of replicas, by their names; it reads from the primary while they fail.
    pub fn of_replicas(replicas: Vec<(String, Arc<Servers>)>, primary: Arc<Servers>) -> Self {
        let replicas = replicas.into_iter().map(|(name, server)| ReplicaServer {
            health: Arc::new(HealthCheck::new(Arc::clone(&server))),
            server,
            outage: Outage::new(format!("the replica {name}"), "others or the primary are read from"),
        });
        Self { primary, replicas: replicas.collect(), turn: AtomicUsize::new(0) }
    }

    /// What is known of each replica now.
    pub async fn replica_states(&self) -> Vec<ServerState> {
        let states = self.replicas.iter().map(async |replica| {
            let is_used = !replica.outage.is_active();
            let states = replica.server.states().await.into_iter();
            states.map(|state| ServerState { is_used, ..state }).collect::<Vec<_>>()
        });
        join_all(states).await.concat()
    }

    /// Closes all connections to the replicas.
    ///
    /// # Errors
    /// When a connection cannot be closed.
    pub async fn close(&self) -> Result<(), DbErr> {
        let closed = join_all(self.replicas.iter().map(|replica| replica.server.close())).await;
        closed.into_iter().collect()
    }

    /// The answer of the first replica that works, beginning with the one whose turn it is; `None` where the statement must
    /// be sent to the primary.
    async fn try_replicas<'r, T, Answer>(
        &'r self,
        read: impl Fn(&'r Servers) -> Answer,
    ) -> Option<Result<T, DbErr>>
    where
        Answer: Future<Output = Result<T, DbErr>>,
    {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for offset in 0..self.replicas.len() {
            let replica = &self.replicas[turn.wrapping_add(offset) % self.replicas.len()];
            if let Some(answer) = replica.try_answer(read(&replica.server)).await {
                return Some(answer);
            }
        }
        None
    }
}

impl ReplicaServer {
    /// Its result; `None` where the statement must be sent elsewhere.
    async fn try_answer<T>(
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
            // No connection was there in time: it opens none any more, or too much waits for it.
            Some(Failure::Unavailable) if matches!(answer, Err(DbErr::ConnectionAcquire(_))) => {
                answer.err().and_then(|cause| self.lost(&cause))
            }
            // Busy, or its schema is older: only this statement is sent elsewhere.
            Some(Failure::Ended | Failure::Unavailable | Failure::Absent) => None,
        }
    }

    fn lost<T>(&self, cause: &DbErr) -> Option<T> {
        let (server, health) = (Arc::downgrade(&self.server), Arc::clone(&self.health));
        self.outage.begin(cause, move || {
            let (server, health) = (server.upgrade(), Arc::clone(&health));
            async move {
                let is_reachable = health.is_reachable().await;
                // Connections that do not answer may never answer again.
                if let (true, Some(server)) = (is_reachable, server) {
                    server.close_dead_connections().await;
                }
                is_reachable
            }
        });
        None
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.primary.db().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        retried(|| self.primary.execute(statement.clone())).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.primary.db().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if self.replicas.is_empty() {
            return self.primary.one(&statement).await;
        }
        match Box::pin(self.try_replicas(|server| server.one(&statement))).await {
            Some(answer) => answer,
            None => Box::pin(self.primary.one(&statement)).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if self.replicas.is_empty() {
            return self.primary.all(&statement).await;
        }
        match Box::pin(self.try_replicas(|server| server.all(&statement))).await {
            Some(answer) => answer,
            None => Box::pin(self.primary.all(&statement)).await,
        }
    }
}
