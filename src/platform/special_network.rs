//! Networks that are not of the internet: requests that guichet makes for somebody must not lead there unawares.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// Networks of an organisation, and those for examples: machines of a shop may be there.
const LOCAL: [&str; 11] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
    "3fff::/20",
    "fc00::/7",
];

/// This machine, its link (where clouds tell their secrets), many machines at once, and what embeds addresses of IPv4: the
/// rest of IANA's special-purpose registries.
const SPECIAL: [&str; 18] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.88.99.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2002::/16",
    "5f00::/16",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

static LOCAL_NETWORKS: LazyLock<Vec<IpNet>> = LazyLock::new(|| parse(&LOCAL));
static SPECIAL_NETWORKS: LazyLock<Vec<IpNet>> = LazyLock::new(|| parse(&SPECIAL));

fn parse(networks: &[&str]) -> Vec<IpNet> {
    networks.iter().filter_map(|network| network.parse().ok()).collect()
}

/// Whether an address is of the internet. An address of IPv4 inside of one of IPv6 counts as that of IPv4.
pub fn is_of_internet(address: IpAddr) -> bool {
    can_be_another_machine(address) && !contains(&LOCAL_NETWORKS, address)
}

/// Whether an address is of the internet or of an organisation's own network.
pub fn can_be_another_machine(address: IpAddr) -> bool {
    !contains(&SPECIAL_NETWORKS, address)
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is_one: fn(IpAddr) -> bool, addresses: &[&str], expected: bool) {
        for address in addresses {
            assert_eq!(is_one(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn every_network_is_read() {
        assert_eq!((LOCAL_NETWORKS.len(), SPECIAL_NETWORKS.len()), (LOCAL.len(), SPECIAL.len()));
    }

    #[test]
    fn addresses_are_told_apart() {
        let internet = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"];
        check(is_of_internet, &internet, true);
        let local = [
            "10.1.2.3",
            "100.64.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.51.100.7",
            "fd00::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ];
        check(can_be_another_machine, &[&internet[..], &local[..]].concat(), true);
        let special = [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ];
        check(is_of_internet, &[&local[..], &special[..]].concat(), false);
        check(can_be_another_machine, &special, false);
    }
}
