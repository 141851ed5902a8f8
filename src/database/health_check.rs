//! Checks whether the database answers, so that work on it is cancelled as soon as it does not, and not only when
//! its time limit is over.

use std::sync::Arc;
use std::time::Duration;

use facade::engine::CancelReason;
use facade::failure;
use sea_orm::DbErr;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::servers::Servers;

/// Time between two checks while work is running.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of a check.
const CHECK_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long the result of a check is valid.
const RESULT_TTL: Duration = Duration::from_millis(500);

/// Checks the database with a connection outside of the pool, so that neither slow statements nor an exhausted pool
/// make it look unreachable.
pub struct HealthCheck {
    servers: Arc<Servers>,
    last: Mutex<Option<(Instant, Option<DbErr>)>>,
}

impl HealthCheck {
    /// The health check of a database.
    pub fn new(servers: Arc<Servers>) -> Self {
        Self { servers, last: Mutex::default() }
    }

    /// Why the database is unreachable; `None` if it is reachable. Callers at the same time share one check.
    async fn cached_failure(&self) -> Option<DbErr> {
        let mut last = self.last.lock().await;
        if let Some((at, away)) = &*last
            && at.elapsed() < RESULT_TTL
        {
            return away.clone();
        }
        let reached = self.servers.check_reachable(CHECK_TIMEOUT).await;
        // A server that refuses a connection is reachable.
        let away = reached.err().filter(|error| failure::of(error) == failure::Failure::Lost);
        *last = Some((Instant::now(), away.clone()));
        away
    }

    /// Waits until the database is unreachable; returns the reason.
    pub async fn wait_until_unreachable(&self) -> DbErr {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if let Some(cause) = self.cached_failure().await {
                return cause;
            }
        }
    }

    /// Whether the database accepts connections.
    pub async fn is_reachable(&self) -> bool {
        self.servers.check_reachable(CHECK_TIMEOUT).await.is_ok()
    }

    /// Completes when work that begins now must be cancelled: when the time limit is over, or when a check fails.
    /// It uses one timer, and the first check comes after a second, so that fast requests cost no check.
    pub async fn cancelled(&self, limit: Duration) -> CancelReason {
        let ends = Instant::now() + limit;
        loop {
            sleep_until(ends.min(Instant::now() + CHECK_INTERVAL)).await;
            if Instant::now() >= ends {
                return CancelReason::TimedOut;
            }
            match timeout_at(ends, Box::pin(self.cached_failure())).await {
                Ok(Some(cause)) => return CancelReason::DatabaseUnavailable(cause),
                Ok(None) => {}
                Err(_) => return CancelReason::TimedOut,
            }
        }
    }
}
