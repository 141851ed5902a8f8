//! A limit on concurrent requests, with a bounded queue. In a short burst, requests wait in the queue. Under
//! lasting load a request that cannot run at once is refused: if all of them waited, none would be answered in
//! time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::{Error, Result};

/// Longest wait for a permit.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// A gate that has been full for longer than this is under lasting load, and no request waits.
const MAX_BURST: Duration = Duration::from_millis(250);
/// When a gate has not been found full for longer than this, the burst or load is over.
const BURST_GAP: Duration = Duration::from_millis(500);

/// A semaphore with a bounded queue; the request that has waited longest is next.
pub struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    opened: Instant,
    /// When the present burst or load began, in milliseconds since `opened`.
    full_since: AtomicU64,
    /// When the gate was last found full, in milliseconds since `opened`.
    last_full: AtomicU64,
    max_running: usize,
    refused: AtomicU64,
}

/// How full a gate is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateState {
    /// Requests that run.
    pub running: usize,
    /// Requests that may run.
    pub max_running: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Requests that may wait.
    pub max_waiting: usize,
    /// Requests that were refused so far.
    pub refused: u64,
}

/// The right to run one request; it is given back when this is dropped.
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// A gate for `places` concurrent requests and at most `max_waiting` in the queue.
    pub fn new(places: usize, max_waiting: usize) -> Self {
        let max_running = places.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(max_running)),
            waiting: AtomicUsize::new(0),
            max_waiting,
            opened: Instant::now(),
            full_since: AtomicU64::new(0),
            last_full: AtomicU64::new(0),
            max_running,
            refused: AtomicU64::new(0),
        }
    }

    /// How full it is now.
    pub fn state(&self) -> GateState {
        GateState {
            running: self.max_running.saturating_sub(self.places.available_permits()),
            max_running: self.max_running,
            // Whoever is about to be refused is counted for a moment.
            waiting: self.waiting.load(Ordering::Relaxed).min(self.max_waiting),
            max_waiting: self.max_waiting,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// A permit, at once or after a wait of at most a second.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where the queue is full, the load lasts, or the wait was too long.
    pub async fn enter(&self) -> Result<Permit> {
        self.enter_uncounted().await.inspect_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
        })
    }

    async fn enter_uncounted(&self) -> Result<Permit> {
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

    /// Whether the gate has been full for too long. To be called when it was found full.
    fn is_under_lasting_load(&self) -> bool {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let since = |then: u64| Duration::from_millis(now.saturating_sub(then));
        if since(self.last_full.swap(now, Ordering::Relaxed)) > BURST_GAP {
            self.full_since.store(now, Ordering::Relaxed);
        }
        since(self.full_since.load(Ordering::Relaxed)) > MAX_BURST
    }
}

/// A request in the queue; it leaves the queue when this is dropped, also where the client has disconnected.
struct QueueEntry<'a>(&'a Gate);

impl<'a> QueueEntry<'a> {
    fn join(gate: &'a Gate) -> Result<Self> {
        let entry = Self(gate);
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        // If the queue is full, dropping `entry` counts this request out again.
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
        let full = GateState { running: 1, max_running: 1, waiting: 1, max_waiting: 1, refused: 1 };
        assert_eq!(gate.state(), full);
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
