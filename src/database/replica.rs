//! Reading from a replica, which lags behind the primary. An account must see its own writes, so it reads from the
//! primary for a while after a write. Keys, sessions and settings are always read from the primary.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::Script;

use crate::database::reader::Reader;
use crate::platform::redis::Redis;

/// Number of entries at which expired ones are removed.
const CLEANUP_SIZE: usize = 1024;

/// A replica, and the accounts that do not read from it at present.
pub struct Replica {
    /// Reads from the replica.
    pub reader: Reader,
    /// Accounts that read from the primary.
    pub writers: RecentWriters,
}

/// Accounts that have recently written: in this process, or in any process that shares the Redis server.
pub struct RecentWriters {
    lag: Duration,
    local: RwLock<HashMap<String, Instant>>,
    shared: Option<SharedWriters>,
}

struct SharedWriters {
    redis: Arc<Redis>,
    set: Script,
    exists: Script,
}

impl RecentWriters {
    /// An empty set. Each account stays in it for `lag` after a write.
    pub fn new(lag: Duration, redis: Option<Arc<Redis>>) -> Self {
        let shared = redis.map(|redis| SharedWriters {
            redis,
            set: Script::new("return redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])"),
            exists: Script::new("return redis.call('EXISTS', KEYS[1])"),
        });
        Self { lag, local: RwLock::default(), shared }
    }

    /// Adds an account, which writes now.
    pub async fn note(&self, account: &str) {
        self.note_locally(account);
        let lag = i64::try_from(self.lag.as_millis()).unwrap_or(i64::MAX);
        if let Some(SharedWriters { redis, set, .. }) = &self.shared
            && lag > 0
        {
            // If Redis fails, at least this process knows it.
            let _: Option<String> = redis.run(set, &key(redis, account), &[lag]).await;
        }
    }

    fn note_locally(&self, account: &str) {
        let mut local = self.local.write().unwrap_or_else(PoisonError::into_inner);
        if local.len() >= CLEANUP_SIZE {
            local.retain(|_, wrote| wrote.elapsed() < self.lag);
        }
        local.insert(account.to_owned(), Instant::now());
    }

    /// Whether an account has recently written.
    pub async fn contains(&self, account: &str) -> bool {
        let wrote = self.local.read().unwrap_or_else(PoisonError::into_inner).get(account).copied();
        if wrote.is_some_and(|wrote| wrote.elapsed() < self.lag) {
            return true;
        }
        match &self.shared {
            Some(SharedWriters { redis, exists, .. }) => {
                redis.run::<i64>(exists, &key(redis, account), &[]).await == Some(1)
            }
            None => false,
        }
    }
}

fn key(redis: &Redis, account: &str) -> String {
    redis.key("wrote", account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_wrote_is_remembered_for_a_while() {
        let writers = RecentWriters::new(Duration::from_millis(50), None);
        let (one, other) = ("staff 1", "customer 1");
        writers.note(one).await;
        assert_eq!((writers.contains(one).await, writers.contains(other).await), (true, false));
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(!writers.contains(one).await);
    }
}
