//! The memory that bodies of requests take while they arrive and are in use: bounded in all, and for each client. Clients
//! that send slowly keep what they have announced.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::client_network::client_network;

/// A body of up to this many bytes is not counted: others bound how many there are.
const FREE: usize = 64 * 1024;
/// How many clients have place for all that one may have.
const CLIENTS: usize = 4;
/// How many of the largest bodies a client may have at the same time.
const BODIES: usize = 8;

/// The memory for bodies.
pub struct BodyMemory {
    /// How many bytes one client may have.
    of_client: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: usize,
    clients: HashMap<IpAddr, usize>,
}

impl BodyMemory {
    /// Memory for bodies that have at most `max` bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { of_client: max.saturating_mul(BODIES), used: Mutex::default() })
    }

    /// The memory of the body of a request from this client: none yet.
    pub fn of(self: &Arc<Self>, client: IpAddr) -> HeldMemory {
        HeldMemory { memory: Arc::clone(self), client: client_network(client.to_canonical()), bytes: 0 }
    }
}

/// The memory that one body takes, until this is dropped.
pub struct HeldMemory {
    memory: Arc<BodyMemory>,
    client: IpAddr,
    bytes: usize,
}

impl HeldMemory {
    /// Takes as much as a body of this many bytes needs. Returns false, and takes nothing, where there is not that much.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if bytes <= FREE || more == 0 {
            return true;
        }
        let most = self.memory.of_client;
        let mut used = self.memory.used.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = used.clients.get(&self.client).copied().unwrap_or_default();
        if of_client + more > most || used.all + more > most.saturating_mul(CLIENTS) {
            return false;
        }
        used.all += more;
        used.clients.insert(self.client, of_client + more);
        self.bytes = bytes;
        true
    }

    /// Whether it is nothing.
    pub fn is_none(&self) -> bool {
        self.bytes == 0
    }
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut used = self.memory.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.all = used.all.saturating_sub(self.bytes);
        if let Some(of_client) = used.clients.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(self.bytes);
            if *of_client == 0 {
                used.clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn clients_have_a_part_each() {
        let max = 1 << 20;
        let memory = BodyMemory::new(max);
        let held = |address: &str| {
            let bodies = (0..=BODIES).map(|_| memory.of(client(address)));
            let mut bodies: Vec<_> = bodies.collect();
            let took: Vec<bool> = bodies.iter_mut().map(|body| body.grow_to(max)).collect();
            assert_eq!(took.iter().filter(|took| **took).count(), BODIES, "{address}");
            bodies
        };
        let mut first = held("192.0.2.1");
        assert!(!memory.of(client("::ffff:192.0.2.1")).grow_to(max), "the same address");
        assert!(first[BODIES].grow_to(FREE) && first[BODIES].is_none(), "small ones are free");
        let others: Vec<_> = ["192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"].map(held).into();
        assert!(!memory.of(client("192.0.2.9")).grow_to(max), "all is taken");
        drop(first);
        assert!(memory.of(client("192.0.2.9")).grow_to(max));
        drop(others);
        let used = memory.used.lock().unwrap();
        assert_eq!((used.all, used.clients.len()), (0, 0));
    }

    #[test]
    fn what_grows_is_counted_once() {
        let memory = BodyMemory::new(1 << 20);
        let mut body = memory.of(client("2001:db8::5"));
        for bytes in [10, FREE, FREE + 1, 2 * FREE, FREE] {
            assert!(body.grow_to(bytes));
        }
        assert_eq!(memory.used.lock().unwrap().all, 2 * FREE);
        assert_eq!(memory.used.lock().unwrap().clients.keys().next(), Some(&client("2001:db8::")));
    }
}
