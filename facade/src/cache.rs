//! Caches: [`Cache`] keeps values for a fixed time and is bounded in their number; [`LoadingCache`] also loads missing
//! values, once for all requests that wait for the same one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Equivalent;
use quick_cache::sync::{Cache as Table, EntryAction, EntryResult};
use tokio::sync::Mutex as AsyncMutex;

/// A bounded map whose entries expire, all after the same time.
pub struct Cache<K, V> {
    values: Table<K, Entry<V>>,
    time: Duration,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    until: Instant,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache of at most `capacity` values, each of which expires after `time`.
    pub fn new(capacity: usize, time: Duration) -> Self {
        Self { values: Table::new(capacity), time }
    }

    /// The value of a key, unless it has expired.
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        let entry = self.values.get(key)?;
        (Instant::now() < entry.until).then_some(entry.value)
    }

    /// Stores a value; its time starts now.
    pub fn insert(&self, key: K, value: V) {
        self.values.insert(key, self.entry(value));
    }

    /// The value of a key. Where it is missing or expired, `new` makes one; concurrent callers get the same value.
    pub fn get_or_insert_with(&self, key: &K, new: impl FnOnce() -> V) -> V {
        let now = Instant::now();
        let found = self.values.entry(key, None, |_, entry| {
            if now < entry.until {
                EntryAction::Retain(entry.value.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        match found {
            EntryResult::Retained(value) => value,
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => {
                let value = new();
                // This fails only if the entry was removed meanwhile; then no other caller has this value.
                let _ = place.insert(self.entry(value.clone()));
                value
            }
            EntryResult::Removed(_, entry) => entry.value,
            EntryResult::Timeout => new(),
        }
    }

    /// Removes the value of a key.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        self.values.remove(key);
    }

    /// Removes the values of some keys.
    pub fn forget(&self, is_stale: impl Fn(&K) -> bool) {
        self.values.retain(|key, _| !is_stale(key));
    }

    fn entry(&self, value: V) -> Entry<V> {
        Entry { value, until: Instant::now() + self.time }
    }
}

/// A cache that loads missing values. Callers that ask for the same key at the same time share one load and its
/// result, an error included. Errors are not kept.
pub struct LoadingCache<K, V, E> {
    loaded: Cache<K, V>,
    loading: Mutex<HashMap<K, LoadSlot<V, E>>>,
}

/// The result of one load; `None` while it runs, and where the loading caller was cancelled.
type LoadSlot<V, E> = Arc<AsyncMutex<Option<Result<V, Arc<E>>>>>;

impl<K: Clone + Eq + Hash, V: Clone, E> LoadingCache<K, V, E> {
    /// A cache of at most `capacity` values, each of which expires after `time`.
    pub fn new(capacity: usize, time: Duration) -> Self {
        Self { loaded: Cache::new(capacity, time), loading: Mutex::default() }
    }

    /// The value of a key, unless it has expired.
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        self.loaded.get(key)
    }

    /// The value of a key. Where it is missing or expired, `load` runs, or the load that already runs is awaited.
    ///
    /// # Errors
    /// The error of the load.
    pub async fn get_or_load(&self, key: K, load: impl Future<Output = Result<V, E>>) -> Result<V, Arc<E>> {
        if let Some(value) = self.loaded.get(&key) {
            return Ok(value);
        }
        let slot = Arc::clone(
            self.loading.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default(),
        );
        let mut loaded = slot.lock().await;
        if let Some(loaded) = &*loaded {
            return loaded.clone();
        }
        // Removes the slot when the load ends or is cancelled, so that a later call loads again.
        let _guard = LoadGuard { loading: &self.loading, key: &key };
        let result = load.await.map_err(Arc::new);
        if let Ok(value) = &result {
            self.loaded.insert(key.clone(), value.clone());
        }
        *loaded = Some(result.clone());
        result
    }

    /// Forgets the values of some keys.
    pub fn forget(&self, is_meant: impl Fn(&K) -> bool) {
        self.loaded.forget(is_meant);
    }
}

/// Removes a key's slot from the loads that run, when dropped.
struct LoadGuard<'a, K: Eq + Hash, L> {
    loading: &'a Mutex<HashMap<K, L>>,
    key: &'a K,
}

impl<K: Eq + Hash, L> Drop for LoadGuard<'_, K, L> {
    fn drop(&mut self) {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner).remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn values_are_remembered_for_their_time_and_in_bounds() {
        let cache = Cache::new(100, LONG);
        cache.insert("a".to_owned(), 1);
        assert_eq!((cache.get("a"), cache.get("b")), (Some(1), None));
        cache.forget(|key| key == "a");
        assert_eq!(cache.get("a"), None);
        (0..10_000).for_each(|number| cache.insert(number.to_string(), number));
        let known = (0..10_000).filter(|number: &i32| cache.get(&number.to_string()).is_some()).count();
        assert!((1..=100).contains(&known), "{known}");
        let over = Cache::new(100, Duration::ZERO);
        over.insert(1, 1);
        assert_eq!(over.get(&1), None);
        assert_eq!((over.get_or_insert_with(&1, || 2), over.get_or_insert_with(&1, || 3)), (2, 3));
    }

    #[test]
    fn all_who_ask_at_once_share_one_value() {
        let cache: Cache<u8, Arc<AtomicU32>> = Cache::new(10, LONG);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let counter = cache.get_or_insert_with(&1, Arc::default);
                    counter.fetch_add(1, Ordering::Relaxed)
                });
            }
        });
        assert_eq!(cache.get(&1).map(|counter| counter.load(Ordering::Relaxed)), Some(8));
    }

    #[tokio::test]
    async fn a_value_is_loaded_once() {
        let (loads, times) = (LoadingCache::<_, _, ()>::new(10, LONG), AtomicU32::new(0));
        let load = || async {
            tokio::task::yield_now().await;
            Ok(times.fetch_add(1, Ordering::Relaxed))
        };
        let all = futures_util::future::join_all((0..5).map(|_| loads.get_or_load("a", load()))).await;
        assert_eq!(all, vec![Ok(0); 5]);
        assert_eq!(loads.get("a"), Some(0));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_waited_and_to_nobody_later() {
        let loads = LoadingCache::<_, u8, &str>::new(10, LONG);
        let fail = || async {
            tokio::task::yield_now().await;
            Err("away")
        };
        let all = futures_util::future::join_all((0..3).map(|_| loads.get_or_load(1, fail()))).await;
        assert!(all.iter().all(|answer| answer.as_ref().is_err_and(|error| **error == "away")));
        assert_eq!(loads.get_or_load(1, async { Ok(7) }).await, Ok(7));
        assert!(loads.loading.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn another_goes_on_where_the_first_went_away() {
        let loads = Arc::new(LoadingCache::<_, u8, ()>::new(10, LONG));
        let first = tokio::time::timeout(Duration::ZERO, loads.get_or_load(1, std::future::pending())).await;
        assert!(first.is_err());
        assert_eq!(loads.get_or_load(1, async { Ok(7) }).await, Ok(7));
        assert!(loads.loading.lock().unwrap().is_empty());
    }
}
