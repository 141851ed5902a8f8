//! Work on the database that never hangs: it ends when it takes too long, and sooner when the
//! database turns out to be away.

use std::time::{Duration, Instant};

use sea_orm::{ConnAcquireErr, DatabaseConnection, DbErr};
use tokio::sync::Mutex;

use crate::database::{self, failure};
use crate::{Error, Result};

/// After how long the database of work under way is asked whether it is there, again and again.
const DOUBT: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long its answer is believed.
const BELIEVED: Duration = Duration::from_millis(500);

/// Whether the database is there, asked on a connection beside those that work: slow statements and
/// an exhausted pool don't make it look away.
pub struct Pulse {
    db: DatabaseConnection,
    last: Mutex<Option<(Instant, Option<DbErr>)>>,
}

impl Pulse {
    /// The pulse of an open database.
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, last: Mutex::default() }
    }

    /// Why the database is away, if it is. Many who ask at once get one answer.
    async fn away(&self) -> Option<DbErr> {
        let mut last = self.last.lock().await;
        if let Some((at, away)) = &*last
            && at.elapsed() < BELIEVED
        {
            return away.clone();
        }
        let reached = database::reach(&self.db, PATIENCE).await;
        // A server that refuses a connection for its own reasons is there.
        let away = reached.err().filter(|error| failure::of(error) == failure::Failure::Lost);
        *last = Some((Instant::now(), away.clone()));
        away
    }

    /// Does something for one request.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it takes longer than the limit or the database is away;
    /// whatever the work itself fails with.
    pub async fn watch<T>(&self, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        let lost = async {
            loop {
                tokio::time::sleep(DOUBT).await;
                if let Some(cause) = self.away().await {
                    return cause;
                }
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            cause = lost => Err(Error::Unavailable(cause)),
            () = tokio::time::sleep(limit) => Err(Error::Unavailable(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))),
        }
    }
}
