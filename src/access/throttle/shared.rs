//! Counters of all processes, in Redis: one key for each window, which expires with it. Each change is one script,
//! so it is atomic.

use std::sync::Arc;

use facade::limit::WINDOW;
use redis::Script;

use super::local::Untold;
use super::{Bucket, Verdict, WindowState};
use crate::platform::redis::Redis;

/// Takes an amount. Arguments: amount, limit, what was counted elsewhere before (it may be negative), length of a new window in
/// milliseconds. Result: whether it was taken (1 or 0), how much is left, milliseconds until the window ends.
const TAKE: &str = "
local more, limit, untold, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local count, left = tonumber(redis.call('GET', KEYS[1])), redis.call('PTTL', KEYS[1])
if not count or left < 0 then
  count, left = 0, window
  redis.call('SET', KEYS[1], 0, 'PX', window)
end
if untold ~= 0 then
  count = redis.call('INCRBY', KEYS[1], math.max(untold, -count))
end
if count + more > limit then
  return {0, math.max(limit - count, 0), left}
end
redis.call('INCRBY', KEYS[1], more)
return {1, limit - count - more, left}";

/// Adds an amount, which may be negative; the count never falls below zero, and no window is opened.
const CORRECT: &str = "
local count = tonumber(redis.call('GET', KEYS[1]))
if count then
  redis.call('INCRBY', KEYS[1], math.max(tonumber(ARGV[1]), -count))
end
return 1";

/// The current windows in Redis.
pub(super) struct SharedCounters {
    redis: Arc<Redis>,
    unit: &'static str,
    take: Script,
    correct: Script,
}

impl SharedCounters {
    pub(super) fn new(redis: Arc<Redis>, unit: &'static str) -> Self {
        Self { redis, unit, take: Script::new(TAKE), correct: Script::new(CORRECT) }
    }

    /// Takes an amount, after what Redis has not been told yet; `None` where Redis fails.
    pub(super) async fn take(
        &self,
        bucket: Bucket,
        amount: u32,
        limit: u32,
        untold: Untold,
    ) -> Option<Verdict> {
        // A window that was opened without Redis goes on.
        let window = if untold.amount == 0 { WINDOW } else { untold.left };
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
        let arguments = [i64::from(amount), i64::from(limit), untold.amount, window];
        let answer: (i64, u32, u64) = self.redis.run(&self.take, &self.key(bucket), &arguments).await?;
        let (counted, remaining, left) = answer;
        let window = WindowState { limit, remaining, resets_in: left.div_ceil(1000) };
        Some(if counted == 1 { Verdict::Counted(window) } else { Verdict::Refused(window) })
    }

    /// Adds an amount, which may be negative; returns false where Redis fails.
    pub(super) async fn correct(&self, bucket: Bucket, more: i64) -> bool {
        self.redis.run::<i64>(&self.correct, &self.key(bucket), &[more]).await.is_some()
    }

    fn key(&self, bucket: Bucket) -> String {
        let name = match bucket {
            Bucket::Owner(owner) => owner.to_string(),
            Bucket::Key(id) => format!("key {}", id.0),
            Bucket::Address(address) => format!("address {address}"),
            Bucket::Account(hash) => format!("account {}", hex::encode(hash)),
        };
        self.redis.key(self.unit, &name)
    }
}
