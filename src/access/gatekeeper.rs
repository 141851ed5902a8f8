//! The engine's [`Access`](facade::pipeline::Access): authentication by keys and sessions, and rate limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use axum::http::{HeaderMap, header};
use facade::engine::{CancelReason, Settings as _};
use facade::execution::Principal as AnyPrincipal;
use facade::limit::Verdict;
use facade::pipeline::{Caller, LimitUnit};

use super::{Credential, Keys, Owner, Principal};
use crate::access::throttle::{Bucket, Throttle};
use crate::shop::{Shop, settings};
use crate::{Error, Result};

/// The rate limits.
pub struct Throttles {
    /// Requests per minute.
    pub requests: Throttle,
    /// Points per minute.
    pub points: Throttle,
    /// Wrong keys per minute.
    pub failed_keys: Throttle,
}

/// Authentication and rate limits.
pub struct Access {
    shop: Arc<Shop>,
    /// API keys, with a cache.
    pub keys: Keys,
    throttles: Throttles,
}

/// The account of a caller.
fn owner(caller: &Caller) -> Option<Owner> {
    caller.principal.as_deref().and_then(Principal::of).map(|who| who.owner)
}

/// The bucket in which a caller's requests are counted.
fn bucket(caller: &Caller) -> Bucket {
    owner(caller).map_or(Bucket::of_client(caller.client), Bucket::Owner)
}

/// The bucket of a caller's key and its limit, where the key has a limit of its own: of requests alone.
fn own_limit(unit: LimitUnit, caller: &Caller) -> Option<(Bucket, NonZeroU32)> {
    if unit != LimitUnit::Requests {
        return None;
    }
    let who = caller.principal.as_deref().and_then(Principal::of)?;
    let Credential::Key(id) = who.credential else { return None };
    Some((Bucket::Key(id), who.restriction.as_ref()?.requests_per_minute?))
}

impl Access {
    /// An access over the keys of a shop, with these rate limits.
    pub fn new(shop: Arc<Shop>, keys: Keys, throttles: Throttles) -> Self {
        Self { shop, keys, throttles }
    }

    /// The name of a caller's account for [`Shop::begins`]; `None` where there is no replica.
    fn account(&self, caller: &Caller) -> Option<String> {
        self.shop.replica.as_ref().and_then(|_| owner(caller)).map(|owner| owner.to_string())
    }

    /// How often each limit has refused, by its name.
    pub fn refusals(&self) -> [(&'static str, u64); 3] {
        let Throttles { requests, points, failed_keys } = &self.throttles;
        [
            ("requests", requests.refusals()),
            ("points", points.refusals()),
            ("failed_keys", failed_keys.refusals()),
        ]
    }

    fn throttle(&self, unit: LimitUnit) -> &Throttle {
        match unit {
            LimitUnit::Requests => &self.throttles.requests,
            LimitUnit::Points => &self.throttles.points,
        }
    }

    /// Whether the caller has sent a key or session of this shop, for paths where others have keys of their own: one that is
    /// not known here is no wrong one, but each look-up of one is counted as such.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the address has had too many looked up; when the key cannot be examined: it may be
    /// restricted.
    pub async fn knows_or_counts(&self, headers: &HeaderMap, client: IpAddr) -> Result<bool> {
        let is_looked_up = self.keys.must_look_up(headers);
        match self.keys.authenticate(&self.shop, headers, client).await {
            Ok(_) | Err(Error::RestrictedKey(_)) => Ok(true),
            Err(Error::Unauthenticated) if is_looked_up => {
                self.count_failed_key(headers, client).await.map(|()| false)
            }
            Err(Error::Unauthenticated) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts a wrong key. A request without a key is not counted.
    async fn count_failed_key(&self, headers: &HeaderMap, client: IpAddr) -> Result<()> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        let tried = self.throttles.failed_keys.count(Bucket::of_client(client), self.shop.clock.now()).await;
        tried.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }
}

#[async_trait]
impl facade::pipeline::Access for Access {
    async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Option<Arc<dyn AnyPrincipal>>> {
        match self.keys.authenticate(&self.shop, headers, client).await {
            Ok(principal) => Ok(Some(principal)),
            Err(Error::Unauthenticated) => self.count_failed_key(headers, client).await.map(|()| None),
            // A key that others have got hold of is tried like a wrong one.
            Err(error @ Error::RestrictedKey(_)) => {
                self.count_failed_key(headers, client).await.and(Err(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn take(&self, unit: LimitUnit, caller: &Caller, amount: u32) -> Verdict {
        let (throttle, now) = (self.throttle(unit), self.shop.clock.now());
        let Some((key, limit)) = own_limit(unit, caller) else {
            return throttle.take(bucket(caller), amount, now).await;
        };
        let own = throttle.take_within(limit.get(), key, amount, now).await;
        if own.retry_after().is_some() {
            return own;
        }
        let verdict = throttle.take(bucket(caller), amount, now).await;
        if verdict.retry_after().is_some() {
            throttle.correct(key, -i64::from(amount)).await;
            return verdict;
        }
        own.narrower(verdict)
    }

    async fn settle(
        &self,
        unit: LimitUnit,
        caller: &Caller,
        verdict: Verdict,
        taken: u32,
        used: u32,
    ) -> Verdict {
        if let Some((key, _)) = own_limit(unit, caller) {
            self.throttle(unit).correct(key, i64::from(used) - i64::from(taken)).await;
        }
        self.throttle(unit).settle(bucket(caller), verdict, taken, used).await
    }

    async fn begins(&self, caller: &Caller, writes: bool) -> bool {
        self.shop.begins(self.account(caller).as_deref(), writes).await
    }

    async fn ends(&self, caller: &Caller, writes: bool) {
        self.shop.ends(self.account(caller).as_deref(), writes).await;
    }

    async fn check_open(&self) -> Result<()> {
        if settings::is_on(&*self.shop, "maintenance_enabled", false).await? {
            let text = self.shop.setting("maintenance_message").await?;
            return Err(Error::Maintenance(text.unwrap_or_default()));
        }
        Ok(())
    }

    async fn cancelled(&self, limit: Duration) -> CancelReason {
        self.shop.health.cancelled(limit).await
    }
}
