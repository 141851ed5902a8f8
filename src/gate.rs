//! A bounded number of places, and a bounded line before them. A server that lets everybody wait answers nobody
//! in time: a short burst is waited out, while under lasting load whoever cannot be served soon is refused at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use crate::{Error, Result};

/// How long a burst is waited out; a line that has stood for longer is lasting load.
const BURST: Duration = Duration::from_secs(1);
/// How long is waited for a place under lasting load.
const UNDER_LOAD: Duration = Duration::from_millis(3);

/// Places, with a line before them. Whoever has waited longest is next.
pub struct Gate {
    places: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
    opened: Instant,
    /// When a place was last free at once, in milliseconds since the gate was opened.
    last_free: AtomicU64,
}

/// A place; it is given back when this is dropped.
pub struct Place<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Gate {
    /// A gate of so many places, and so many who may wait.
    pub fn new(places: usize, max_waiting: usize) -> Self {
        Self {
            places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
            waiting: AtomicUsize::new(0),
            max_waiting,
            opened: Instant::now(),
            last_free: AtomicU64::new(0),
        }
    }

    /// A place, at once or after a short wait.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait already, or the wait was too long.
    pub async fn enter(&self) -> Result<Place<'_>> {
        if let Ok(permit) = self.places.try_acquire() {
            self.last_free.store(self.now(), Ordering::Relaxed);
            return Ok(Place { _permit: permit });
        }
        let _turn = Turn::take(self)?;
        let permit = timeout(self.patience(), self.places.acquire()).await;
        let permit = permit.map_err(|_| Error::Overloaded)?.map_err(Error::internal)?;
        Ok(Place { _permit: permit })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long is waited for a place now.
    fn patience(&self) -> Duration {
        let stands = Duration::from_millis(self.now().saturating_sub(self.last_free.load(Ordering::Relaxed)));
        if stands > BURST { UNDER_LOAD } else { BURST }
    }
}

/// A turn in the line; it is given up when this is dropped, be it that the client went away.
struct Turn<'a>(&'a Gate);

impl<'a> Turn<'a> {
    fn take(gate: &'a Gate) -> Result<Self> {
        let turn = Self(gate);
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        // The turn counts itself away where it is refused.
        if before >= gate.max_waiting { Err(Error::Overloaded) } else { Ok(turn) }
    }
}

impl Drop for Turn<'_> {
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
        let _first = gate.enter().await.unwrap();
        let waited = async || {
            let begun = Instant::now();
            assert!(matches!(gate.enter().await, Err(Error::Overloaded)));
            begun.elapsed().as_millis()
        };
        assert!((1000..1010).contains(&waited().await));
        tokio::time::advance(Duration::from_millis(10)).await;
        assert!((3..10).contains(&waited().await));
    }
}
