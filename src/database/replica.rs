//! Reading from a replica, which lags behind. Whoever has just written must see it, so an account's reads
//! go to the primary for a while after its writes. Keys, sessions and settings are read from the primary
//! always.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::Script;

use crate::database::reader::Reader;
use crate::platform::redis::Redis;

/// Accounts that are remembered before those whose time is over are dropped.
const CLEANUP_SIZE: usize = 1024;

/// Where a replica is read from, and who doesn't.
pub struct Replica {
    /// What resolvers read from.
    pub reader: Reader,
    /// Whose reads go to the primary.
    pub writers: RecentWriters,
}

/// Accounts that wrote a moment ago; where processes share a Redis server, on any of them.
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
    /// Nobody yet; each is remembered for so long.
    pub fn new(lag: Duration, redis: Option<Arc<Redis>>) -> Self {
        let shared = redis.map(|redis| SharedWriters {
            redis,
            set: Script::new("return redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])"),
            exists: Script::new("return redis.call('EXISTS', KEYS[1])"),
        });
        Self { lag, local: RwLock::default(), shared }
    }

    /// Remembers an account that writes now.
    pub async fn note(&self, account: &str) {
        self.note_locally(account);
        let lag = i64::try_from(self.lag.as_millis()).unwrap_or(i64::MAX);
        if let Some(SharedWriters { redis, set, .. }) = &self.shared
            && lag > 0
        {
            // Where Redis is away, this process knows all the same.
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

    /// Whether an account wrote a moment ago.
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
