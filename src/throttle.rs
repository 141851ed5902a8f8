//! Requests a minute (spec: `wire.md` 1.7) and points a minute, on both faces, tries to sign in, and keys
//! that are not valid: a fixed window that opens with the first request. Staff and customers are counted apart, whatever their
//! numbers. Each process counts in memory, or all of them together in Redis.

mod memory;
mod shared;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};

use self::memory::Memory;
use self::shared::SharedCounters;
use crate::auth::Owner;
use crate::network;
use crate::redis::Redis;

const WINDOW: Duration = Duration::from_secs(60);

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// All keys and sessions of one account.
    Owner(Owner),
    /// Everybody without a key behind one address, or in one network of IPv6 ([`Bucket::of_client`]).
    Address(IpAddr),
    /// Everybody who tries to sign in to one account, by a hash of what names it.
    Account([u8; 32]),
}

impl Bucket {
    /// Everybody without a key whose address is this one, or in the same network.
    pub fn of_client(address: IpAddr) -> Self {
        Self::Address(network::of(address))
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Points of what is asked for.
    Points,
    /// Tries to sign in.
    Tries,
    /// Keys that are not valid.
    FailedKeys,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Points => "points",
            Self::Tries => "tries",
            Self::FailedKeys => "failed-keys",
        }
    }
}

/// Counters of the current minute.
pub struct Throttle {
    limit: Option<u32>,
    own: Memory,
    shared: Option<SharedCounters>,
}

/// How a request stands against a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// No limit is set, or nothing was counted yet.
    #[default]
    Unlimited,
    /// Counted; so much is left.
    Counted(Standing),
    /// Refused, and not counted: less is left than was asked for.
    Refused(Standing),
}

/// What a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// So much in a minute.
    pub limit: u32,
    /// So much of it is left in this minute.
    pub remaining: u32,
    /// Seconds until the window ends.
    pub resets_in: u64,
}

impl Throttle {
    /// A throttle of so much a minute; `None` is no limit. Where a Redis server is given, all its users
    /// count together.
    pub fn new(unit: Unit, limit: Option<u32>, shared: Option<&Arc<Redis>>) -> Self {
        let shared = shared.map(|redis| SharedCounters::new(Arc::clone(redis), unit.name()));
        Self { limit, own: Memory::default(), shared }
    }

    /// Counts one request that arrives now.
    pub async fn hit(&self, bucket: Bucket, now: DateTime<Utc>) -> Verdict {
        self.take(bucket, 1, now).await
    }

    /// Counts so much at once, or nothing if it isn't left.
    pub async fn take(&self, bucket: Bucket, amount: u32, now: DateTime<Utc>) -> Verdict {
        let Some(limit) = self.limit else { return Verdict::Unlimited };
        if let Some(shared) = &self.shared
            && let Some(verdict) = Box::pin(shared.take(bucket, amount, limit)).await
        {
            return verdict;
        }
        self.own.take(bucket, amount, limit, now)
    }

    /// Corrects what was counted to what was used in the end, be it less or more; how the request stands then.
    pub async fn settle(&self, bucket: Bucket, verdict: Verdict, taken: u32, used: u32) -> Verdict {
        let Verdict::Counted(standing) = verdict else { return verdict };
        let more = i64::from(used) - i64::from(taken);
        if more != 0 {
            match &self.shared {
                Some(shared) if Box::pin(shared.correct(bucket, more)).await => {}
                _ => self.own.correct(bucket, more),
            }
        }
        let remaining = u32::try_from((i64::from(standing.remaining) - more).max(0)).unwrap_or(u32::MAX);
        Verdict::Counted(Standing { remaining, ..standing })
    }
}

impl Verdict {
    /// What the window holds, where there is a limit.
    pub fn standing(self) -> Option<Standing> {
        match self {
            Self::Unlimited => None,
            Self::Counted(standing) | Self::Refused(standing) => Some(standing),
        }
    }

    /// Seconds until another try makes sense, where this one was refused.
    pub fn retry_after(self) -> Option<u64> {
        if let Self::Refused(standing) = self { Some(standing.resets_in) } else { None }
    }
}

/// What an answer tells of its caller's limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests a minute.
    pub requests: Verdict,
    /// Points a minute.
    pub points: Verdict,
}

impl Limits {
    /// Seconds until another try makes sense, where a limit refused this one.
    pub fn retry_after(self) -> Option<u64> {
        self.requests.retry_after().max(self.points.retry_after())
    }

    /// Adds the headers that tell a client where it stands: those of the original, which know requests only,
    /// and those of draft-ietf-httpapi-ratelimit-headers. `now` is the Unix time.
    pub fn write(self, headers: &mut HeaderMap, now: i64) {
        if let Some(standing) = self.requests.standing() {
            let mut set = |name: HeaderName, value: i64| headers.insert(name, HeaderValue::from(value));
            set(HeaderName::from_static("x-ratelimit-limit"), standing.limit.into());
            let retry_after = self.retry_after();
            let remaining = if retry_after.is_some() { 0 } else { standing.remaining };
            set(HeaderName::from_static("x-ratelimit-remaining"), remaining.into());
            if let Some(seconds) = retry_after.and_then(|seconds| i64::try_from(seconds).ok()) {
                set(HeaderName::from_static("x-ratelimit-reset"), now + seconds);
            }
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.write_standard(headers);
    }

    /// `RateLimit-Policy` and `RateLimit`: lists of structured fields (RFC 9651), an item a limit.
    fn write_standard(self, headers: &mut HeaderMap) {
        let (mut policies, mut standings) = (String::new(), String::new());
        for (unit, verdict) in [(Unit::Requests, self.requests), (Unit::Points, self.points)] {
            let Some(standing) = verdict.standing() else { continue };
            let Standing { limit, remaining, resets_in } = standing;
            let joint = if policies.is_empty() { "" } else { ", " };
            // Requests are the unit where none is named.
            let measure = if unit == Unit::Points { r#";qu="points""# } else { "" };
            let (name, window) = (unit.name(), WINDOW.as_secs());
            // Writing to a String cannot fail.
            let _ = write!(policies, r#"{joint}"{name}";q={limit}{measure};w={window}"#);
            let _ = write!(standings, r#"{joint}"{name}";r={remaining};t={resets_in}"#);
        }
        for (name, text) in [("ratelimit-policy", policies), ("ratelimit", standings)] {
            if let Ok(value) = HeaderValue::try_from(text)
                && !value.is_empty()
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    fn bucket(number: u8) -> Bucket {
        Bucket::Address([192, 0, 2, number].into())
    }

    fn counted(limit: u32, remaining: u32) -> Verdict {
        Verdict::Counted(Standing { limit, remaining, resets_in: 60 })
    }

    #[tokio::test]
    async fn what_is_used_counts_be_it_less_or_more_than_was_taken() {
        let (points, now) = (Throttle::new(Unit::Points, Some(10), None), NOW.parse().expect("a time"));
        let taken = points.take(bucket(1), 5, now).await;
        assert_eq!(taken, counted(10, 5));
        assert_eq!(points.settle(bucket(1), taken, 5, 2).await, counted(10, 8));
        assert!(
            matches!(points.take(bucket(1), 9, now).await, Verdict::Refused(left) if left.remaining == 8)
        );
        let taken = points.take(bucket(1), 1, now).await;
        assert_eq!(points.settle(bucket(1), taken, 1, 30).await, counted(10, 0));
        assert_eq!(points.take(bucket(1), 1, now).await.retry_after(), Some(60));
        assert_eq!(points.take(bucket(2), 1, now).await, counted(10, 9));
    }

    #[test]
    fn headers_tell_of_every_limit() {
        let mut headers = HeaderMap::new();
        Limits { requests: counted(60, 59), points: counted(200_000, 199_990) }.write(&mut headers, 0);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let policy = r#""requests";q=60;w=60, "points";q=200000;qu="points";w=60"#;
        assert_eq!(text("ratelimit-policy"), Some(policy));
        assert_eq!(text("ratelimit"), Some(r#""requests";r=59;t=60, "points";r=199990;t=60"#));
        assert_eq!((text("x-ratelimit-limit"), text("x-ratelimit-remaining")), (Some("60"), Some("59")));
        assert_eq!((text("retry-after"), text("x-ratelimit-reset")), (None, None));

        let mut headers = HeaderMap::new();
        let refused = Verdict::Refused(Standing { limit: 10, remaining: 3, resets_in: 42 });
        Limits { requests: counted(60, 59), points: refused }.write(&mut headers, 1000);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((text("retry-after"), text("x-ratelimit-reset")), (Some("42"), Some("1042")));
        assert_eq!(text("x-ratelimit-remaining"), Some("0"));

        let mut headers = HeaderMap::new();
        Limits::default().write(&mut headers, 0);
        assert!(headers.is_empty());
    }
}
