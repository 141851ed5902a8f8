//! Rate limits per minute: requests (docs/contract/wire.md#1.7) and points of both APIs, sign-in attempts, and
//! wrong keys. A window of a minute begins with the first request. Staff and customers with the same primary key
//! are counted separately. Each process counts in memory, or all processes count together in Redis. While Redis is away, each
//! goes on from what Redis has said last; when it is back, it is told what was counted meanwhile.

mod local;
mod shared;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use entity::Id;
use facade::limit::{Verdict, WindowState};

use self::local::LocalCounters;
use self::shared::SharedCounters;
use crate::access::Owner;
use crate::platform::network;
use crate::platform::redis::Redis;

/// Requests that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// All keys and sessions of one account.
    Owner(Owner),
    /// One key, which has a limit of its own.
    Key(Id),
    /// All callers without a key at one address, or in one IPv6 network ([`Bucket::of_client`]).
    Address(IpAddr),
    /// All attempts to sign in to one account, by a hash of what names the account.
    Account([u8; 32]),
}

impl Bucket {
    /// The bucket of callers without a key at this address or in its network.
    pub fn of_client(address: IpAddr) -> Self {
        Self::Address(network::client_network(address))
    }
}

/// What a throttle counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedUnit {
    /// Requests.
    Requests,
    /// Points (the price of operations).
    Points,
    /// Sign-in attempts.
    SignInAttempts,
    /// Wrong keys.
    FailedKeys,
}

impl CountedUnit {
    fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Points => "points",
            Self::SignInAttempts => "tries",
            Self::FailedKeys => "failed-keys",
        }
    }
}

/// A rate limit, with the counters of the current windows.
pub struct Throttle {
    limit: Option<u32>,
    local: LocalCounters,
    shared: Option<SharedCounters>,
    refusals: AtomicU64,
}

impl Throttle {
    /// A throttle that allows `limit` per minute; `None`: no limit. With a Redis server, all processes that use it
    /// count together.
    pub fn new(unit: CountedUnit, limit: Option<u32>, shared: Option<&Arc<Redis>>) -> Self {
        let shared = shared.map(|redis| SharedCounters::new(Arc::clone(redis), unit.name()));
        Self { limit, local: LocalCounters::default(), shared, refusals: AtomicU64::new(0) }
    }

    /// Takes one.
    pub async fn count(&self, bucket: Bucket, now: DateTime<Utc>) -> Verdict {
        self.take(bucket, 1, now).await
    }

    /// How often this process has refused.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Takes an amount. Where less is left, it takes nothing and refuses.
    pub async fn take(&self, bucket: Bucket, amount: u32, now: DateTime<Utc>) -> Verdict {
        match self.limit {
            Some(limit) => self.take_within(limit, bucket, amount, now).await,
            None => Verdict::Unlimited,
        }
    }

    /// Takes an amount from a bucket that has another limit.
    pub async fn take_within(&self, limit: u32, bucket: Bucket, amount: u32, now: DateTime<Utc>) -> Verdict {
        let shared = match &self.shared {
            Some(shared) => Box::pin(self.take_shared(shared, limit, bucket, amount, now)).await,
            None => None,
        };
        let verdict = shared.unwrap_or_else(|| self.local.take(bucket, amount, limit, now));
        if matches!(verdict, Verdict::Refused(_)) {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    /// Takes an amount in Redis, with what was counted here while Redis was away: a window is one, whoever counts it. `None`
    /// where Redis fails.
    async fn take_shared(
        &self,
        shared: &SharedCounters,
        limit: u32,
        bucket: Bucket,
        amount: u32,
        now: DateTime<Utc>,
    ) -> Option<Verdict> {
        let untold = self.local.take_untold(bucket, now);
        let verdict = shared.take(bucket, amount, limit, untold).await;
        match verdict {
            Some(Verdict::Counted(state) | Verdict::Refused(state)) => self.local.follow(bucket, state, now),
            _ => self.local.put_back(bucket, untold),
        }
        verdict
    }

    /// Corrects the amount that was taken to the amount that was used, which may be less or more; returns the state
    /// afterwards.
    pub async fn settle(&self, bucket: Bucket, verdict: Verdict, taken: u32, used: u32) -> Verdict {
        let Verdict::Counted(window) = verdict else { return verdict };
        let more = i64::from(used) - i64::from(taken);
        if more != 0 {
            self.correct(bucket, more).await;
        }
        let remaining = u32::try_from((i64::from(window.remaining) - more).max(0)).unwrap_or(u32::MAX);
        Verdict::Counted(WindowState { remaining, ..window })
    }

    /// Adds an amount to a bucket, which may be negative, regardless of its limit.
    pub async fn correct(&self, bucket: Bucket, more: i64) {
        match &self.shared {
            // What Redis has not been told of is not corrected there.
            Some(shared)
                if !self.local.has_untold(bucket) && Box::pin(shared.correct(bucket, more)).await => {}
            _ => self.local.correct(bucket, more),
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
        Verdict::Counted(WindowState { limit, remaining, resets_in: 60 })
    }

    /// What Redis and one process tell each other when Redis goes and comes back.
    #[test]
    fn a_window_goes_on_with_and_without_redis() {
        let (local, now): (_, DateTime<Utc>) = (LocalCounters::default(), NOW.parse().expect("a time"));
        let left = |seconds| now + chrono::Duration::seconds(seconds);
        local.follow(bucket(1), WindowState { limit: 10, remaining: 4, resets_in: 30 }, now);
        assert_eq!(local.take_untold(bucket(1), now).amount, 0);
        let taken = local.take(bucket(1), 3, 10, left(10));
        assert_eq!(taken, Verdict::Counted(WindowState { limit: 10, remaining: 1, resets_in: 20 }));
        assert!(matches!(local.take(bucket(1), 2, 10, left(10)), Verdict::Refused(_)));
        local.correct(bucket(1), -1);
        let untold = local.take_untold(bucket(1), left(15));
        assert_eq!((untold.amount, untold.left.as_secs()), (2, 15));
        local.put_back(bucket(1), untold);
        assert!(local.has_untold(bucket(1)));
        assert_eq!(local.take_untold(bucket(1), left(16)).amount, 2);
        // It ends when the one in Redis does, and the next begins with nothing.
        assert_eq!(local.take_untold(bucket(1), left(30)), local::Untold::default());
        assert_eq!(local.take(bucket(1), 1, 10, left(30)), counted(10, 9));
    }

    #[tokio::test]
    async fn what_is_used_counts_be_it_less_or_more_than_was_taken() {
        let (points, now) =
            (Throttle::new(CountedUnit::Points, Some(10), None), NOW.parse().expect("a time"));
        let taken = points.take(bucket(1), 5, now).await;
        assert_eq!(taken, counted(10, 5));
        assert_eq!(points.settle(bucket(1), taken, 5, 2).await, counted(10, 8));
        assert!(
            matches!(points.take(bucket(1), 9, now).await, Verdict::Refused(left) if left.remaining == 8)
        );
        assert_eq!(points.refusals(), 1);
        let taken = points.take(bucket(1), 1, now).await;
        assert_eq!(points.settle(bucket(1), taken, 1, 30).await, counted(10, 0));
        assert_eq!(points.take(bucket(1), 1, now).await.retry_after(), Some(60));
        assert_eq!(points.take(bucket(2), 1, now).await, counted(10, 9));
    }
}
