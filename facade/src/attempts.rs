//! Further attempts at work that the database has ended in favour of other work.

use std::time::{Duration, Instant};

use sea_orm::DbErr;

use crate::facts;
use crate::failure::{self, Failure};

/// How long after the first attempt another one may begin.
const RETRY_TIME: Duration = Duration::from_secs(2);
/// The longest pause before the second attempt; it doubles with each further one, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// The attempts at one piece of work.
pub struct Attempts {
    began: Instant,
    /// The longest pause before the next one.
    pause: Duration,
}

impl Attempts {
    /// The first attempt begins now.
    pub fn begin() -> Self {
        Self { began: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Waits before the next attempt; false where there is no time for one. Those that stand in each other's way wait
    /// for different times.
    pub async fn again(&mut self, cause: &DbErr) -> bool {
        let pause = rand::random_range(self.pause / 2..=self.pause);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        if self.began.elapsed() + pause > RETRY_TIME {
            return false;
        }
        tracing::debug!(%cause, "what the database has ended runs again");
        facts::note(|facts| facts.retries += 1);
        tokio::time::sleep(pause).await;
        true
    }
}

/// Runs a statement that is a transaction of its own, again where the database has ended it in favour of another one.
///
/// # Errors
/// When the database fails.
pub async fn retried<T, Work>(statement: impl Fn() -> Work) -> Result<T, DbErr>
where
    Work: Future<Output = Result<T, DbErr>>,
{
    let mut attempts = Attempts::begin();
    loop {
        match statement().await {
            Err(cause) if failure::of(&cause) == Failure::Ended && attempts.again(&cause).await => {}
            answer => return answer,
        }
    }
}
