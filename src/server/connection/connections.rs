//! The open connections: their number, in all and by address, and which one is ended for a new one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch as channel;
use tokio::time::{Instant, MissedTickBehavior};

use super::state::{AddressConnections, ConnectionState, Stage};
use crate::platform::config::ConnectionLimits;
use crate::platform::network;

/// Time between two checks of all connections.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// All connections of a server.
pub(super) struct Connections {
    bounds: ConnectionLimits,
    proxies: Vec<IpNet>,
    open_connections: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    next: u64,
    open: HashMap<u64, Arc<ConnectionState>>,
    by_address: HashMap<IpAddr, Arc<AddressConnections>>,
}

impl OpenConnections {
    fn remove(&mut self, id: u64) {
        let Some(state) = self.open.remove(&id) else { return };
        if state.of_address.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.by_address.remove(&state.peer);
        }
    }

    /// Ends the connection whose client the server has waited for the longest: among those of `of`, or among those
    /// of the address with the most connections, so that a client that opens many ends its own. Connections of
    /// proxies come last. Returns false if the server is waiting for none of them.
    fn end_longest_idle(&mut self, of: Option<IpAddr>) -> bool {
        let candidates = self.open.iter().filter(|(_, state)| of.is_none_or(|peer| state.peer == peer));
        let waiting = candidates
            .filter_map(|(id, state)| Some((state.of_address.weight(), state.waiting_time()?, Reverse(*id))));
        let Some((_, _, Reverse(id))) = waiting.max() else { return false };
        if let Some(state) = self.open.get(&id) {
            state.end();
        }
        self.remove(id);
        true
    }
}

/// A counted connection; it is counted out when this is dropped.
pub(super) struct OpenConnection {
    connections: Arc<Connections>,
    id: u64,
    state: Arc<ConnectionState>,
}

impl OpenConnection {
    pub(super) fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
    }
}

impl Connections {
    pub(super) fn new(bounds: ConnectionLimits, proxies: Vec<IpNet>) -> Self {
        Self { bounds, proxies, open_connections: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open_connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection from an address. If there are too many, another one is ended: one of the same address if
    /// that has too many. `None` if none can be ended.
    pub(super) fn open(self: &Arc<Self>, peer: IpAddr) -> Option<OpenConnection> {
        let mut known = self.lock();
        let is_proxy = self.proxies.iter().any(|network| network.contains(&peer));
        let peer = if is_proxy { peer } else { network::client_network(peer) };
        let of_address = known.by_address.get(&peer).cloned();
        let of_address = of_address
            .unwrap_or_else(|| Arc::new(AddressConnections { is_proxy, ..AddressConnections::default() }));
        let of_peer = of_address.open.load(Ordering::Relaxed);
        if !of_address.is_proxy
            && of_peer >= self.bounds.max_per_address
            && !known.end_longest_idle(Some(peer))
        {
            return None;
        }
        if known.open.len() >= self.bounds.max && !known.end_longest_idle(None) {
            return None;
        }
        let (id, state) = (known.next, Arc::new(ConnectionState::new(peer, Arc::clone(&of_address))));
        known.next += 1;
        known.open.insert(id, Arc::clone(&state));
        of_address.open.fetch_add(1, Ordering::Relaxed);
        known.by_address.insert(peer, of_address);
        Some(OpenConnection { connections: Arc::clone(self), id, state })
    }

    /// Ends the connection whose client the server has waited for the longest.
    pub(super) fn end_longest_idle(&self) {
        self.lock().end_longest_idle(None);
    }

    /// Checks all connections periodically, and ends those whose clients are too slow. When the server stops,
    /// clients that have not sent their whole request have only the grace period left.
    pub(super) async fn sweep(self: Arc<Self>, stopped: channel::Receiver<bool>) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_call = None;
        loop {
            ticks.tick().await;
            if *stopped.borrow() {
                last_call.get_or_insert_with(|| Instant::now() + self.bounds.grace);
            }
            let is_late = last_call.is_some_and(|at| Instant::now() >= at);
            for state in self.lock().open.values() {
                if state.is_overdue(&self.bounds) || (is_late && state.stage() != Stage::Busy) {
                    state.end();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max: usize, max_per_address: usize) -> Arc<Connections> {
        let bounds = ConnectionLimits {
            max,
            max_per_address,
            ..crate::platform::config::Config::default().connections
        };
        Arc::new(Connections::new(bounds, vec!["10.0.0.0/8".parse().unwrap()]))
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_one_that_is_idle_for_longest_makes_room() {
        let all = connections(3, 2);
        let first = all.open(peer("192.0.2.1")).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        let second = all.open(peer("192.0.2.1")).unwrap();
        let _third = all.open(peer("192.0.2.1")).expect("the first makes room");
        assert!(!all.lock().open.contains_key(&first.id) && all.lock().open.contains_key(&second.id));
        drop(first);
        assert_eq!(all.lock().by_address[&peer("192.0.2.1")].weight(), 2);
        let _other = all.open(peer("192.0.2.2")).unwrap();
        let _another = all.open(peer("192.0.2.3")).expect("the second makes room");
        assert!(!all.lock().open.contains_key(&second.id));
    }

    #[test]
    fn whoever_opens_many_ends_their_own() {
        let all = connections(5, 4);
        let one = all.open(peer("192.0.2.1")).unwrap();
        let proxy = all.open(peer("10.0.0.1")).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        // They send a part of a head, and wait for a shorter time.
        let mut many = Vec::new();
        for number in 0..20 {
            let open =
                all.open(peer(&format!("198.51.100.{}", number % 2))).expect("one of theirs makes room");
            open.state().bytes_received();
            many.push(open);
        }
        assert!(all.lock().open.contains_key(&one.id) && all.lock().open.contains_key(&proxy.id));
    }

    #[test]
    fn whoever_is_served_is_not_ended() {
        let all = connections(1, 1);
        let busy = all.open(peer("192.0.2.1")).unwrap();
        busy.state().head_received();
        assert!(all.open(peer("192.0.2.2")).is_none());
        drop(busy);
        assert!(all.open(peer("192.0.2.2")).is_some());
    }

    #[test]
    fn proxies_open_as_many_as_they_need() {
        let all = connections(10, 1);
        let open: Vec<_> = (0..5).filter_map(|_| all.open(peer("10.1.2.3"))).collect();
        assert_eq!(all.lock().open.len(), open.len());
        assert_eq!(open.len(), 5);
    }
}
