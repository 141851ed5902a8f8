//! How much of the shop's own server one address may take up, of whom no key tells who it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Error, Result, network};

/// One address' part of all places.
const PART: usize = 4;

/// The places that addresses hold.
pub(super) struct Shares {
    each: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A place of an address; it is given back when this is dropped.
pub(super) struct Share {
    shares: Arc<Shares>,
    client: IpAddr,
}

impl Shares {
    /// Shares of so many places.
    pub(super) fn of(places: usize) -> Arc<Self> {
        Arc::new(Self { each: (places / PART).max(1), held: Mutex::default() })
    }

    /// A place for an address.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where it holds its share already.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr) -> Result<Share> {
        let client = network::of(client);
        let mut held = self.held();
        let places = held.entry(client).or_default();
        if *places >= self.each {
            return Err(Error::Overloaded);
        }
        *places += 1;
        drop(held);
        Ok(Share { shares: Arc::clone(self), client })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Entry::Occupied(mut places) = self.shares.held().entry(self.client) {
            *places.get_mut() -= 1;
            if *places.get() == 0 {
                places.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_a_quarter() {
        let shares = Shares::of(8);
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let first = shares.take(one).unwrap();
        let _second = shares.take(one).unwrap();
        assert!(shares.take(one).is_err());
        let place = shares.take(other).unwrap();
        drop((first, place));
        assert!(shares.take(one).is_ok());
        assert_eq!(shares.held().len(), 1, "nothing is kept of who holds none");
    }
}
