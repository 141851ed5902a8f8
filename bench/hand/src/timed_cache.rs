//! A cache whose values expire.

use std::hash::Hash;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

/// Values by key, which expire after the same time.
pub struct TimedCache<K, V> {
    values: Cache<K, (Instant, V)>,
    span: Duration,
}

impl<K: Hash + Eq + Copy, V: Copy> TimedCache<K, V> {
    pub fn new(span: Duration) -> Self {
        Self { values: Cache::new(100), span }
    }

    /// The cached value, or the result of `read`.
    pub async fn get_or_load<E>(&self, key: K, read: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        if let Some((at, value)) = self.values.get(&key)
            && at.elapsed() < self.span
        {
            return Ok(value);
        }
        let value = read.await?;
        self.values.insert(key, (Instant::now(), value));
        Ok(value)
    }

    /// Removes a value.
    pub fn forget(&self, key: &K) {
        self.values.remove(key);
    }
}
