//! Work on the database that never hangs: it ends when it takes too long, and sooner when the
//! database turns out to be away.

use std::time::Duration;

use facade::engine::CancelReason;
use facade::failure;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::database;

/// After how long the database of work under way is asked whether it is there, again and again.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long its answer is believed.
const RESULT_TTL: Duration = Duration::from_millis(500);

/// Whether the database is there, asked on a connection beside those that work: slow statements and
/// an exhausted pool don't make it look away.
pub struct HealthCheck {
    db: DatabaseConnection,
    last: Mutex<Option<(Instant, Option<DbErr>)>>,
}

impl HealthCheck {
    /// The pulse of an open database.
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, last: Mutex::default() }
    }

    /// Why the database is away, if it is. Many who ask at once get one answer.
    async fn cached_failure(&self) -> Option<DbErr> {
        let mut last = self.last.lock().await;
        if let Some((at, away)) = &*last
            && at.elapsed() < RESULT_TTL
        {
            return away.clone();
        }
        let reached = database::check_reachable(&self.db, CHECK_TIMEOUT).await;
        // A server that refuses a connection for its own reasons is there.
        let away = reached.err().filter(|error| failure::of(error) == failure::Failure::Lost);
        *last = Some((Instant::now(), away.clone()));
        away
    }

    /// Waits until the database is away, and tells why.
    pub async fn wait_until_unreachable(&self) -> DbErr {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if let Some(cause) = self.cached_failure().await {
                return cause;
            }
        }
    }

    /// Whether a database that was away takes connections again.
    pub async fn is_reachable(&self) -> bool {
        database::check_reachable(&self.db, CHECK_TIMEOUT).await.is_ok()
    }

    /// Ends when work has to be given up that began now, with one timer: the first tick comes when there is doubt.
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
