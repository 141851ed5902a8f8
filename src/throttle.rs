//! Requests a minute, on both faces (spec: `wire.md` 1.7), and points a minute of GraphQL operations:
//! a fixed window that opens with the first request.
//! Staff and customers are counted apart, whatever their numbers.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};
use moka::future::Cache;

use crate::auth::Owner;

const WINDOW: Duration = Duration::from_secs(60);

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// All keys and sessions of one account.
    Owner(Owner),
    /// Everybody without a key behind one address.
    Address(IpAddr),
    /// Everybody who tries to sign in to one account, by a hash of what names it.
    Account([u8; 32]),
}

/// Counters of the current minute.
pub struct Throttle {
    limit: Option<u32>,
    windows: Cache<Bucket, Arc<Window>>,
}

struct Window {
    opened: DateTime<Utc>,
    count: AtomicU32,
}

/// How a request stands against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No limit is set.
    Unlimited,
    /// Counted; so many are left.
    Counted {
        /// Requests a minute.
        limit: u32,
        /// Requests left in this minute.
        remaining: u32,
        /// Seconds until the window ends.
        resets_in: u64,
    },
    /// Refused, and not counted.
    Refused {
        /// Requests a minute.
        limit: u32,
        /// Requests left in this minute: fewer than were asked for.
        remaining: u32,
        /// Seconds until the window ends.
        retry_after: u64,
    },
}

impl Throttle {
    /// A throttle of so many requests a minute; `None` is no limit.
    pub fn new(limit: Option<u32>) -> Self {
        Self { limit, windows: Cache::builder().max_capacity(1_000_000).time_to_live(WINDOW).build() }
    }

    /// Counts one request that arrives now.
    pub async fn hit(&self, bucket: Bucket, now: DateTime<Utc>) -> Verdict {
        self.take(bucket, 1, now).await
    }

    /// Counts so much at once, or nothing if it isn't left.
    pub async fn take(&self, bucket: Bucket, amount: u32, now: DateTime<Utc>) -> Verdict {
        let Some(limit) = self.limit else { return Verdict::Unlimited };
        let open = async { Arc::new(Window { opened: now, count: AtomicU32::new(0) }) };
        let window = self.windows.get_with(bucket, open).await;
        let raise = |count: u32| count.checked_add(amount).filter(|&count| count <= limit);
        let left = WINDOW.saturating_sub((now - window.opened).to_std().unwrap_or_default());
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        match window.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise) {
            Ok(before) => Verdict::Counted { limit, remaining: limit - before - amount, resets_in: seconds },
            Err(before) => {
                Verdict::Refused { limit, remaining: limit.saturating_sub(before), retry_after: seconds }
            }
        }
    }

    /// Gives back what was counted and then not used.
    pub async fn give_back(&self, bucket: Bucket, amount: u32) {
        if let Some(window) = self.windows.get(&bucket).await {
            let lower = |count: u32| Some(count.saturating_sub(amount));
            // The closure always lowers.
            let _ = window.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower);
        }
    }
}

impl Verdict {
    /// Adds the headers that tell a client where it stands; `now` is the Unix time.
    pub fn headers(self, headers: &mut HeaderMap, now: i64) {
        let mut set = |name: HeaderName, value: i64| headers.insert(name, HeaderValue::from(value));
        let limit_header = HeaderName::from_static("x-ratelimit-limit");
        let remaining_header = HeaderName::from_static("x-ratelimit-remaining");
        match self {
            Self::Unlimited => {}
            Self::Counted { limit, remaining, .. } => {
                set(limit_header, limit.into());
                set(remaining_header, remaining.into());
            }
            Self::Refused { limit, retry_after, .. } => {
                let seconds = i64::try_from(retry_after).unwrap_or(60);
                set(limit_header, limit.into());
                set(remaining_header, 0);
                set(header::RETRY_AFTER, seconds);
                set(HeaderName::from_static("x-ratelimit-reset"), now + seconds);
            }
        }
    }
}
