//! A bounded number of places, and a bounded line before them. A server that lets everybody wait answers nobody
//! in time: a short burst is waited out, while under lasting load whoever cannot be served at once is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::{Error, Result};

/// How long a request waits for a place at the most.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// A gate that was full again and again for longer is under lasting load: then nobody begins to wait.
const MAX_BURST: Duration = Duration::from_millis(250);
/// A gate that was not full for longer has come to the end of a burst, or of the load.
const BURST_GAP: Duration = Duration::from_millis(500);

/// Places, with a line before them. Whoever has waited longest is next.
pub struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    opened: Instant,
    /// Since when it has been full again and again, in milliseconds since it was opened.
    full_since: AtomicU64,
    /// When it was last found full, likewise.
    last_full: AtomicU64,
}

/// A place; it is given back when this is dropped.
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// A gate of so many places, and so many who may wait.
    pub fn new(places: usize, max_waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            max_waiting,
            opened: Instant::now(),
            full_since: AtomicU64::new(0),
            last_full: AtomicU64::new(0),
        }
    }

    /// A place, at once or after a short wait.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait already, or the wait was too long.
    pub async fn enter(&self) -> Result<Permit> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Permit { _permit: permit });
        }
        if self.is_under_lasting_load() {
            return Err(Error::Overloaded);
        }
        let _entry = QueueEntry::join(self)?;
        let permit = timeout(MAX_WAIT, Arc::clone(&self.places).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Overloaded)?.map_err(Error::internal)?;
        Ok(Permit { _permit: permit })
    }

    /// Whether it has been full for too long. It is full now.
    fn is_under_lasting_load(&self) -> bool {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let since = |then: u64| Duration::from_millis(now.saturating_sub(then));
        if since(self.last_full.swap(now, Ordering::Relaxed)) > BURST_GAP {
            self.full_since.store(now, Ordering::Relaxed);
        }
        since(self.full_since.load(Ordering::Relaxed)) > MAX_BURST
    }
}

/// A turn in the line; it is given up when this is dropped, be it that the client went away.
struct QueueEntry<'a>(&'a Gate);

impl<'a> QueueEntry<'a> {
    fn join(gate: &'a Gate) -> Result<Self> {
        let entry = Self(gate);
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        // The turn counts itself away where it is refused.
        if before >= gate.max_waiting { Err(Error::Overloaded) } else { Ok(entry) }
    }
}

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_beyond_the_line_is_refused() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.unwrap();
        let second = gate.enter();
        let mut second = std::pin::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(matches!(gate.enter().await, Err(Error::Overloaded)));
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
        drop(second);
        assert!(gate.enter().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_leaves_the_line() {
        let gate = Gate::new(1, 1);
        let _first = gate.enter().await.unwrap();
        {
            let waiting = std::pin::pin!(gate.enter());
            assert!(futures_util::poll!(waiting).is_pending());
            assert_eq!(gate.waiting.load(Ordering::Relaxed), 1);
        }
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_waited_out_and_lasting_load_is_not() {
        let gate = Gate::new(1, 10);
        let first = gate.enter().await.unwrap();
        let waited = async || {
            let begun = Instant::now();
            assert!(matches!(gate.enter().await, Err(Error::Overloaded)));
            begun.elapsed().as_millis()
        };
        assert!((1000..1010).contains(&waited().await), "a burst");
        for _ in 0..10 {
            let waiting = std::pin::pin!(gate.enter());
            assert!(futures_util::poll!(waiting).is_pending(), "a burst still");
            tokio::time::advance(Duration::from_millis(25)).await;
        }
        tokio::time::advance(Duration::from_millis(25)).await;
        assert_eq!(waited().await, 0, "lasting load");
        drop(first);
        drop(gate.enter().await.unwrap());
        let _second = gate.enter().await.unwrap();
        assert_eq!(waited().await, 0, "a place that is free for a moment doesn't end the load");
        tokio::time::advance(Duration::from_millis(600)).await;
        assert!((1000..1010).contains(&waited().await), "another burst");
    }
}
