//! Something that the server can do without for a while: Redis, a replica. When it goes away, that is
//! logged once, nobody asks it any more, and a task of its own looks for its return.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long something that went away is left alone.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Whether something is away.
pub struct Outage {
    name: &'static str,
    /// What happens meanwhile, for the log.
    instead: &'static str,
    retry_interval: Duration,
    is_active: AtomicBool,
}

impl Outage {
    /// Something that is there.
    pub fn new(name: &'static str, instead: &'static str) -> Arc<Self> {
        Arc::new(Self { name, instead, retry_interval: RETRY_INTERVAL, is_active: AtomicBool::new(false) })
    }

    /// Whether it lasts.
    pub fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    /// Begins, unless it lasts already; ends when `is_back` says so, which is asked again and again.
    pub fn begin<F, Answer>(self: &Arc<Self>, cause: impl Display, is_back: F)
    where
        F: Fn() -> Answer + Send + 'static,
        Answer: Future<Output = bool> + Send,
    {
        if self.is_active.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(%cause, "{} is away: {}", self.name, self.instead);
        // Whoever drops the last of it ends the task too.
        let (outage, retry_interval) = (Arc::downgrade(self), self.retry_interval);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(retry_interval).await;
                let Some(outage) = outage.upgrade() else { return };
                if is_back().await {
                    outage.is_active.store(false, Ordering::Relaxed);
                    tracing::info!("{} is back", outage.name);
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[tokio::test]
    async fn it_ends_when_the_thing_is_back() {
        let retry_interval = Duration::from_millis(10);
        let outage = Outage {
            retry_interval,
            ..Arc::into_inner(Outage::new("the thing", "nothing is done")).expect("ours")
        };
        let outage = Arc::new(outage);
        let asked = Arc::new(AtomicU32::new(0));
        for _ in 0..2 {
            let asked = Arc::clone(&asked);
            outage.begin("it broke", move || {
                let asked = Arc::clone(&asked);
                async move { asked.fetch_add(1, Ordering::Relaxed) > 0 }
            });
        }
        assert!(outage.is_active());
        while outage.is_active() {
            tokio::time::sleep(retry_interval).await;
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "one task looks");
    }
}
