//! Limits the concurrent forwarded requests of each client without a valid key.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::platform::network;
use crate::{Error, Result};

/// One client may use this fraction of all permits: one fourth.
const SHARE_DIVISOR: usize = 4;
/// Longest wait for a permit.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The permits of all clients.
pub(super) struct ClientShares {
    each: usize,
    held: Mutex<HashMap<IpAddr, ClientPermits>>,
}

/// The permits of one client.
struct ClientPermits {
    places: Arc<Semaphore>,
    /// Requests that hold a permit or wait for one.
    requests: usize,
}

/// A permit of a client; it is given back when this is dropped.
pub(super) struct SharePermit {
    _place: OwnedSemaphorePermit,
    _request: CountedRequest,
}

/// A request that holds a permit or waits for one; it is counted out when this is dropped.
struct CountedRequest {
    shares: Arc<ClientShares>,
    client: IpAddr,
}

impl ClientShares {
    /// Shares of this number of permits in all.
    pub(super) fn of(places: usize) -> Arc<Self> {
        Arc::new(Self { each: (places / SHARE_DIVISOR).max(1), held: Mutex::default() })
    }

    /// A permit for a client, at once or after a short wait.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where the client uses its whole share for that time.
    pub(super) async fn take(self: &Arc<Self>, client: IpAddr) -> Result<SharePermit> {
        let client = network::client_network(client);
        let (places, request) = self.count(client);
        let place = timeout(MAX_WAIT, places.acquire_owned()).await;
        let place = place.map_err(|_| Error::Overloaded)?.map_err(Error::internal)?;
        Ok(SharePermit { _place: place, _request: request })
    }

    fn count(self: &Arc<Self>, client: IpAddr) -> (Arc<Semaphore>, CountedRequest) {
        let mut held = self.held();
        let new = || ClientPermits { places: Arc::new(Semaphore::new(self.each)), requests: 0 };
        let known = held.entry(client).or_insert_with(new);
        known.requests += 1;
        (Arc::clone(&known.places), CountedRequest { shares: Arc::clone(self), client })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, ClientPermits>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        if let Entry::Occupied(mut known) = self.shares.held().entry(self.client) {
            known.get_mut().requests -= 1;
            if known.get().requests == 0 {
                known.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_holds_a_quarter() {
        let shares = ClientShares::of(8);
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let first = shares.take(one).await.unwrap();
        let _second = shares.take(one).await.unwrap();
        assert!(shares.take(one).await.is_err());
        let place = shares.take(other).await.unwrap();
        let waiting = shares.take(one);
        drop((first, place));
        assert!(waiting.await.is_ok());
        assert_eq!(shares.held().len(), 1, "nothing is kept of who holds none");
    }
}
