//! Who counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 address that name a network. Whoever has one address of it may use all.
const PREFIX: u32 = 64;

/// What a client has as a whole: an IPv4 address, or the network of an IPv6 address.
pub fn of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - PREFIX))).into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| super::of(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_network_is_its_own(client in any::<IpAddr>()) {
            prop_assert_eq!(of(of(client)), of(client));
            prop_assert_eq!(of(client).is_ipv4(), client.is_ipv4());
        }
    }
}
