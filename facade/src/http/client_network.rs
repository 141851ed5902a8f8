//! The network that counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// Prefix length of an IPv6 network that counts as one client: who has one address of it usually has all.
const IPV6_NETWORK_BITS: u32 = 64;

/// What counts as one client: an IPv4 address, or the /64 network of an IPv6 address.
pub fn client_network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - IPV6_NETWORK_BITS))).into()
        }
    }
}
