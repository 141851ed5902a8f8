//! A semaphore with a bounded queue that is fair between client addresses: waiting requests are served round-robin by
//! address, so a flood of requests from one address does not delay those of others.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use facade::gate::GateState;
use tokio::sync::oneshot;

use crate::{Error, Result};

/// The queue.
#[derive(Clone)]
pub(super) struct FairQueue(Arc<QueueInner>);

struct QueueInner {
    permits: usize,
    max_waiting: usize,
    state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    taken: usize,
    waiting: usize,
    /// Requests that were refused or evicted so far.
    refused: u64,
    /// Waiting requests by address; the address that is served next is the first one.
    addresses: VecDeque<(IpAddr, VecDeque<oneshot::Sender<WorkerPermit>>)>,
}

/// The right to use a worker; it is passed to the next waiting request when this is dropped.
pub(super) struct WorkerPermit(Arc<QueueInner>);

impl FairQueue {
    pub(super) fn new(permits: usize, max_waiting: usize) -> Self {
        Self(Arc::new(QueueInner { permits, max_waiting, state: Mutex::default() }))
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where the queue is full, and where this request was evicted for an address with fewer
    /// requests in it.
    pub(super) async fn acquire(&self, address: IpAddr) -> Result<WorkerPermit> {
        let receiver = {
            let mut state = self.0.state();
            if state.taken < self.0.permits {
                state.taken += 1;
                return Ok(WorkerPermit(Arc::clone(&self.0)));
            }
            if state.waiting >= self.0.max_waiting && !state.evict_for(address) {
                state.refused += 1;
                return Err(Error::Overloaded);
            }
            state.wait(address)
        };
        receiver.await.map_err(|_| Error::Overloaded)
    }

    /// How full it is now.
    pub(super) fn gate_state(&self) -> GateState {
        let state = self.0.state();
        GateState {
            running: state.taken,
            max_running: self.0.permits,
            waiting: state.waiting,
            max_waiting: self.0.max_waiting,
            refused: state.refused,
        }
    }
}

impl QueueInner {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn wait(&mut self, address: IpAddr) -> oneshot::Receiver<WorkerPermit> {
        let (sender, receiver) = oneshot::channel();
        self.waiting += 1;
        match self.addresses.iter_mut().find(|(known, _)| *known == address) {
            Some((_, line)) => line.push_back(sender),
            None => self.addresses.push_back((address, VecDeque::from([sender]))),
        }
        receiver
    }

    /// Makes room in the queue for a request of this address; returns whether there is room now. First it removes
    /// requests whose clients have disconnected. If there are none, it evicts the last request of the address with
    /// the most, if that has at least two more than this address.
    fn evict_for(&mut self, address: IpAddr) -> bool {
        let before = self.waiting;
        self.addresses.iter_mut().for_each(|(_, line)| line.retain(|sender| !sender.is_closed()));
        self.addresses.retain(|(_, line)| !line.is_empty());
        self.waiting = self.addresses.iter().map(|(_, line)| line.len()).sum();
        if self.waiting < before {
            return true;
        }
        let own =
            self.addresses.iter().find(|(known, _)| *known == address).map_or(0, |(_, line)| line.len());
        let most = self.addresses.iter_mut().max_by_key(|(_, line)| line.len());
        let Some((_, line)) = most.filter(|(_, line)| line.len() > own + 1) else { return false };
        line.pop_back();
        self.waiting -= 1;
        self.refused += 1;
        true
    }

    /// Removes and returns the request that is served next.
    fn next(&mut self) -> Option<oneshot::Sender<WorkerPermit>> {
        let (address, mut line) = self.addresses.pop_front()?;
        let next = line.pop_front()?;
        self.waiting -= 1;
        if !line.is_empty() {
            self.addresses.push_back((address, line));
        }
        Some(next)
    }
}

impl Drop for WorkerPermit {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            let next = state.next();
            if next.is_none() {
                state.taken -= 1;
            }
            next
        };
        if let Some(next) = next {
            // If the client has disconnected, the permit comes back and is dropped, and so passed to the next request.
            drop(next.send(Self(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    fn address(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    #[tokio::test]
    async fn addresses_take_turns() {
        let line = FairQueue::new(1, 10);
        let first = line.acquire(address(1)).await.unwrap();
        let mut many: Vec<_> = (0..3).map(|_| Box::pin(line.acquire(address(1)))).collect();
        for waiting in &mut many {
            assert!(poll!(waiting).is_pending());
        }
        let mut other = Box::pin(line.acquire(address(2)));
        assert!(poll!(&mut other).is_pending());
        drop(first);
        let second = many.remove(0).await.unwrap();
        assert!(poll!(&mut other).is_pending() && poll!(&mut many[0]).is_pending());
        drop(second);
        assert!(poll!(&mut many[0]).is_pending(), "it is the other's turn");
        drop(other.await.unwrap());
        drop(many.remove(0).await.unwrap());
        drop(many.remove(0).await.unwrap());
        assert_eq!(line.0.state().taken, 0);
    }

    #[tokio::test]
    async fn a_full_line_is_cut_for_an_address_with_fewer() {
        let line = FairQueue::new(1, 2);
        let _first = line.acquire(address(1)).await.unwrap();
        let mut second = Box::pin(line.acquire(address(1)));
        let mut third = Box::pin(line.acquire(address(1)));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert!(matches!(line.acquire(address(1)).await, Err(Error::Overloaded)));
        let mut other = Box::pin(line.acquire(address(2)));
        assert!(poll!(&mut other).is_pending());
        assert!(matches!(third.await, Err(Error::Overloaded)));
        assert!(matches!(line.acquire(address(2)).await, Err(Error::Overloaded)), "one each");
        drop(second);
        let mut last = Box::pin(line.acquire(address(2)));
        assert!(poll!(&mut last).is_pending(), "who went away leaves room");
    }

    #[tokio::test]
    async fn who_went_away_is_passed_over() {
        let line = FairQueue::new(1, 10);
        let first = line.acquire(address(1)).await.unwrap();
        let mut gone = Box::pin(line.acquire(address(1)));
        let mut stays = Box::pin(line.acquire(address(2)));
        assert!(poll!(&mut gone).is_pending() && poll!(&mut stays).is_pending());
        drop(gone);
        drop(first);
        drop(stays.await.unwrap());
        let state = line.0.state();
        assert_eq!((state.taken, state.waiting), (0, 0));
    }
}
