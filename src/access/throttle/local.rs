//! Counters in the memory of one process. Where processes count together in Redis, they follow what Redis says, so that a
//! window goes on when Redis goes away; what is counted meanwhile is told to Redis when it is back ([`Untold`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use facade::cache::Cache;
use facade::limit::WINDOW;

use super::{Bucket, Verdict, WindowState};

/// Maximum number of windows: it bounds the memory that a client with many addresses can take.
const MAX_WINDOWS: usize = 100_000;
/// By how many milliseconds the beginnings of one window may differ: Redis tells whole seconds, and answers take time.
const SAME_WINDOW_MS: u64 = 2_000;

/// The current windows.
pub(super) struct LocalCounters(Cache<Bucket, Arc<Window>>);

struct Window {
    opened: DateTime<Utc>,
    count: AtomicU32,
    /// What Redis has not been told of the count, which may be negative.
    untold: AtomicI64,
}

/// What Redis has not been told of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Untold {
    pub(super) amount: i64,
    /// How long the window goes on.
    pub(super) left: Duration,
}

impl Window {
    fn of(opened: DateTime<Utc>, count: u32) -> Arc<Self> {
        Arc::new(Self { opened, count: AtomicU32::new(count), untold: AtomicI64::new(0) })
    }

    fn left(&self, now: DateTime<Utc>) -> Duration {
        WINDOW.saturating_sub((now - self.opened).to_std().unwrap_or_default())
    }
}

impl Default for LocalCounters {
    fn default() -> Self {
        Self(Cache::new(MAX_WINDOWS, WINDOW))
    }
}

impl LocalCounters {
    pub(super) fn take(&self, bucket: Bucket, amount: u32, limit: u32, now: DateTime<Utc>) -> Verdict {
        let window = self.current(bucket, now);
        let window = window.unwrap_or_else(|| self.0.get_or_insert_with(&bucket, || Window::of(now, 0)));
        let raise = |count: u32| count.checked_add(amount).filter(|&count| count <= limit);
        let left = window.left(now);
        let resets_in = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let state = |count: u32| WindowState { limit, remaining: limit.saturating_sub(count), resets_in };
        match window.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise) {
            Ok(before) => {
                window.untold.fetch_add(amount.into(), Ordering::Relaxed);
                Verdict::Counted(state(before + amount))
            }
            Err(before) => Verdict::Refused(state(before)),
        }
    }

    /// Adds an amount, which may be negative, regardless of the limit.
    pub(super) fn correct(&self, bucket: Bucket, more: i64) {
        if let Some(window) = self.0.get(&bucket) {
            let change = u32::try_from(more.unsigned_abs()).unwrap_or(u32::MAX);
            let correct = |count: u32| {
                Some(if more < 0 { count.saturating_sub(change) } else { count.saturating_add(change) })
            };
            // The closure never returns `None`, so this cannot fail.
            let _ = window.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, correct);
            window.untold.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Takes over what Redis says of a window.
    pub(super) fn follow(&self, bucket: Bucket, state: WindowState, now: DateTime<Utc>) {
        let count = state.limit.saturating_sub(state.remaining);
        let opened = now + Duration::from_secs(state.resets_in) - WINDOW;
        match self.current(bucket, now) {
            Some(window)
                if (window.opened - opened).abs().num_milliseconds().unsigned_abs() < SAME_WINDOW_MS =>
            {
                if state.remaining > 0 {
                    window.count.store(count, Ordering::Relaxed);
                } else {
                    // More may have been counted, within a higher limit of the same bucket.
                    window.count.fetch_max(count, Ordering::Relaxed);
                }
            }
            _ => self.0.insert(bucket, Window::of(opened, count)),
        }
    }

    /// Takes out what Redis is to be told.
    pub(super) fn take_untold(&self, bucket: Bucket, now: DateTime<Utc>) -> Untold {
        let Some(window) = self.current(bucket, now) else { return Untold::default() };
        Untold { amount: window.untold.swap(0, Ordering::Relaxed), left: window.left(now) }
    }

    /// Puts back what Redis could not be told.
    pub(super) fn put_back(&self, bucket: Bucket, untold: Untold) {
        if let Some(window) = self.0.get(&bucket) {
            window.untold.fetch_add(untold.amount, Ordering::Relaxed);
        }
    }

    /// Whether Redis has not been told all of a window.
    pub(super) fn has_untold(&self, bucket: Bucket) -> bool {
        self.0.get(&bucket).is_some_and(|window| window.untold.load(Ordering::Relaxed) != 0)
    }

    /// The window of a bucket that has not ended. One that follows Redis ends before its entry in the cache does.
    fn current(&self, bucket: Bucket, now: DateTime<Utc>) -> Option<Arc<Window>> {
        let window = self.0.get(&bucket)?;
        if window.left(now).is_zero() {
            self.0.remove(&bucket);
            return None;
        }
        Some(window)
    }
}
