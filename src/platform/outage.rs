//! Outages of services that the server can do without: Redis, a replica. When one fails, that is logged once,
//! requests no longer use it, and a background task checks whether it is back.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Time between two checks of a failed service.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Whether a service has failed.
pub struct Outage {
    name: String,
    /// What the server does meanwhile, for the log.
    instead: &'static str,
    retry_interval: Duration,
    is_active: AtomicBool,
}

impl Outage {
    /// A service that works.
    pub fn new(name: impl Into<String>, instead: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            instead,
            retry_interval: RETRY_INTERVAL,
            is_active: AtomicBool::new(false),
        })
    }

    /// Whether the service has failed.
    pub fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    /// Marks the service as failed, unless it is already. A background task calls `is_back` repeatedly and ends the
    /// outage when it returns true.
    pub fn begin<F, Answer>(self: &Arc<Self>, cause: impl Display, is_back: F)
    where
        F: Fn() -> Answer + Send + 'static,
        Answer: Future<Output = bool> + Send,
    {
        if self.is_active.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(%cause, "{} is away: {}", self.name, self.instead);
        // A weak reference: the task ends when nobody uses the service any more.
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
