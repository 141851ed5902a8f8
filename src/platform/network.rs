//! The address of a client behind proxies, and the network that counts as one client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
pub use facade::http::client_network::client_network;
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of clients whose address is in doubt. It belongs to nobody: a key for some addresses is not for it.
pub const UNKNOWN_CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address of the client: the peer, or, if that is a trusted proxy, the address that it reports, and so on
/// through all trusted proxies. Proxies report it in `X-Forwarded-For` or `Forwarded` (RFC 7239). If the two
/// headers disagree, the client may have forged one of them, and the result is [`UNKNOWN_CLIENT`].
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    if !is_trusted(proxies, peer) {
        return peer;
    }
    let listed = lines(headers, X_FORWARDED_FOR).flat_map(|line| line.rsplit(',')).map(address);
    let listed = headers.contains_key(X_FORWARDED_FOR).then(|| first_untrusted(peer, listed, proxies));
    let forwarded = lines(headers, header::FORWARDED).flat_map(forwarded_hops);
    let forwarded =
        headers.contains_key(header::FORWARDED).then(|| first_untrusted(peer, forwarded, proxies));
    match (listed, forwarded) {
        (Some(listed), Some(forwarded)) if listed != forwarded => UNKNOWN_CLIENT,
        (listed, forwarded) => listed.or(forwarded).unwrap_or(peer),
    }
}

/// Whether an address belongs to a trusted proxy.
pub fn is_trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// The values of a header, the last one first.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().rev().map(|line| line.to_str().unwrap_or("?"))
}

/// Follows the hops from the peer backwards to the first one that is not trusted, or that cannot be parsed. Each
/// hop was reported by the one after it; hops that a client has forged come before those that proxies report.
fn first_untrusted(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, proxies: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops {
        match hop {
            Some(address) if is_trusted(proxies, client) => client = address,
            _ => break,
        }
    }
    client
}

/// Parses the address of a hop, which may have a port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let parsed = hop.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    let parsed = parsed.or_else(|_| hop.trim_matches(['[', ']']).parse());
    parsed.ok().map(|address: IpAddr| address.to_canonical())
}

/// The hops of a value of `Forwarded`, the last one first. If a quote is not closed, it returns one hop without an
/// address: the open quote could hide what a proxy has appended.
fn forwarded_hops(line: &str) -> Vec<Option<IpAddr>> {
    let elements = split_unquoted(line, ',').unwrap_or_else(|| vec![""]);
    elements.into_iter().rev().map(forwarded_for).collect()
}

/// The address in the parameter `for` of an element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = split_unquoted(element, ';')?;
    let pairs = pairs.into_iter().filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    // An element with two is invalid: the client may have forged one.
    match (named.next(), named.next()) {
        (Some((_, value)), None) => address(value.trim().trim_matches('"')),
        _ => None,
    }
}

/// Splits a text at a separator outside of quotes; `None` where a quote is not closed.
fn split_unquoted(text: &str, joint: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let is_joint = |letter: char| {
        let is_joint = letter == joint && !quoted;
        (quoted, escaped) = match letter {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        is_joint
    };
    let parts = text.split(is_joint).collect();
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| super::client_network(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    fn found(given: &[(&'static str, &'static str)]) -> String {
        let proxies: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).into();
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        client_address("10.0.0.1".parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_clients() {
        for (lines, client) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db8::1]:443, fd00::2"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, nobody"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(found(&lines), client, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_names_the_client_too() {
        for (line, client) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1:4711\";proto=https", "192.0.2.1"),
            ("proto=https;by=_a; for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=203.0.113.9, for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
            ("for=203.0.113.9;host=\"a,for=203.0.113.8\", for=192.0.2.1", "192.0.2.1"),
            ("for=203.0.113.9, host=\"\\\",for=203.0.113.8\"", "10.0.0.1"),
            ("for=192.0.2.1, for=unknown", "10.0.0.1"),
            ("for=203.0.113.9;x=\", for=192.0.2.1", "10.0.0.1"),
            ("for=203.0.113.9;x=\", for=\"192.0.2.1\"", "10.0.0.1"),
            ("host=\"a;for=203.0.113.9\";for=192.0.2.1", "192.0.2.1"),
            ("for=203.0.113.9;for=192.0.2.1", "10.0.0.1"),
            ("For=203.0.113.9;FOR=192.0.2.1", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for", "10.0.0.1"),
            ("\"", "10.0.0.1"),
        ] {
            assert_eq!(found(&[("forwarded", line)]), client, "{line}");
        }
    }

    #[test]
    fn headers_that_do_not_agree_are_not_believed() {
        let listed = ("x-forwarded-for", "192.0.2.1");
        assert_eq!(found(&[listed, ("forwarded", "for=192.0.2.1")]), "192.0.2.1");
        assert_eq!(found(&[listed, ("forwarded", "for=203.0.113.9")]), "0.0.0.0");
        assert_eq!(found(&[listed, ("forwarded", "for=unknown")]), "0.0.0.0");
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_network_is_its_own(client in any::<IpAddr>()) {
            prop_assert_eq!(client_network(client_network(client)), client_network(client));
            prop_assert_eq!(client_network(client).is_ipv4(), client.is_ipv4());
        }

        #[test]
        fn hops_are_read_back_with_and_without_a_port(hop in any::<IpAddr>(), port in any::<u16>()) {
            let read = Some(hop.to_canonical());
            prop_assert_eq!(address(&hop.to_string()), read);
            prop_assert_eq!(address(&SocketAddr::new(hop, port).to_string()), read);
            prop_assert_eq!(address(&format!("[{hop}]")), read);
        }

        /// Whatever a client makes up before them, what trusted proxies say last counts.
        #[test]
        fn what_a_client_makes_up_changes_nothing(
            made_up in r#"(for=|[0-9a-f:.,;="\\ ]){0,12}"#,
            client in any::<std::net::Ipv4Addr>(),
        ) {
            prop_assume!(!client.octets().starts_with(&[10]));
            let proxies: [IpNet; 1] = ["10.0.0.0/8".parse().unwrap()];
            let peer = "10.0.0.1".parse().unwrap();
            let read = |name: HeaderName, line: String| {
                super::client_address(peer, &HeaderMap::from_iter([(name, line.parse().unwrap())]), &proxies)
            };
            prop_assert_eq!(read(X_FORWARDED_FOR, format!("{made_up}, {client}")), IpAddr::from(client));
            // A quote that is left open makes the line unreadable.
            let named = read(header::FORWARDED, format!("{made_up}, for={client}"));
            prop_assert!(named == IpAddr::from(client) || named == peer, "{}", named);
        }
    }
}
