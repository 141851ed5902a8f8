//! Counters in the memory of one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use facade::cache::Cache;
use facade::limit::WINDOW;

use super::{Bucket, Verdict, WindowState};

/// Maximum number of windows: it bounds the memory that a client with many addresses can take.
const MAX_WINDOWS: usize = 100_000;

/// The current windows.
pub(super) struct LocalCounters(Cache<Bucket, Arc<Window>>);

struct Window {
    opened: DateTime<Utc>,
    count: AtomicU32,
}

impl Default for LocalCounters {
    fn default() -> Self {
        Self(Cache::new(MAX_WINDOWS, WINDOW))
    }
}

impl LocalCounters {
    pub(super) fn take(&self, bucket: Bucket, amount: u32, limit: u32, now: DateTime<Utc>) -> Verdict {
        let open = || Arc::new(Window { opened: now, count: AtomicU32::new(0) });
        let window = self.0.get_or_insert_with(&bucket, open);
        let raise = |count: u32| count.checked_add(amount).filter(|&count| count <= limit);
        let left = WINDOW.saturating_sub((now - window.opened).to_std().unwrap_or_default());
        let resets_in = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let state = |count: u32| WindowState { limit, remaining: limit.saturating_sub(count), resets_in };
        match window.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise) {
            Ok(before) => Verdict::Counted(state(before + amount)),
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
        }
    }
}
