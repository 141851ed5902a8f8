//! A bounded number of places, and a bounded line of those who wait for one. Whoever comes beyond that is
//! refused at once: a server that lets everybody wait answers nobody in time.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Error, Result};

/// Places, with a line before them. Whoever waits longest is next.
pub struct Gate {
    places: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// A place; it is given back when this is dropped.
pub struct Place<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Gate {
    /// A gate of so many places, and so many who may wait.
    pub fn new(places: usize, max_waiting: usize) -> Self {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
        Self { places, waiting: AtomicUsize::new(0), max_waiting }
    }

    /// A place, at once or after a wait.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait already.
    pub async fn enter(&self) -> Result<Place<'_>> {
        if let Ok(permit) = self.places.try_acquire() {
            return Ok(Place { _permit: permit });
        }
        let _turn = Turn::take(self)?;
        let permit = self.places.acquire().await.map_err(Error::internal)?;
        Ok(Place { _permit: permit })
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

    #[tokio::test]
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

    #[tokio::test]
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
}
