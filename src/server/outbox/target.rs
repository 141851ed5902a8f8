//! Where a webhook may go. Its address is resolved when it is called, and the connection goes to an address that was
//! checked: a name that leads elsewhere a moment later changes nothing.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use tokio::net::lookup_host;
use url::{Host, Url};

use super::SendError;
use crate::platform::special_network::is_of_internet;

/// The address of a webhook.
#[derive(Debug)]
pub(super) struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Target {
    /// Parses an address.
    pub(super) fn parse(text: &str) -> Result<Self, SendError> {
        let refuse = |why: &str| SendError::last("the address is not valid", why);
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it begins neither with https:// nor with http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a name or a password"));
        }
        let (Some(host), Some(port)) = (url.host().map(|host| host.to_owned()), url.port_or_known_default())
        else {
            return Err(refuse("it names no host"));
        };
        Ok(Self { url, host, port })
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host, as a certificate names it.
    pub(super) fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// Host and port for the header `Host`.
    pub(super) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Path and query.
    pub(super) fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The addresses of the host that may be called.
    pub(super) async fn addresses(&self, allowed: &[IpNet]) -> Result<Vec<SocketAddr>, SendError> {
        let resolved: Vec<SocketAddr> = match &self.host {
            Host::Domain(name) => {
                let found = lookup_host((name.as_str(), self.port)).await;
                found
                    .map_err(|error| SendError::passing("its host was not found", error.to_string()))?
                    .collect()
            }
            Host::Ipv4(address) => vec![(*address, self.port).into()],
            Host::Ipv6(address) => vec![(*address, self.port).into()],
        };
        let may: Vec<_> = resolved.into_iter().filter(|address| may_call(address.ip(), allowed)).collect();
        if may.is_empty() {
            let why = "its host is in a network that may not be called: see GUICHET_WEBHOOK_ALLOW";
            return Err(SendError::passing("its network may not be called", why));
        }
        Ok(may)
    }
}

/// Whether an address is one of the internet, or of a network that the operator allows.
fn may_call(address: IpAddr, allowed: &[IpNet]) -> bool {
    allowed.iter().any(|network| network.contains(&address.to_canonical())) || is_of_internet(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(address: &str, allowed: &[&str]) -> bool {
        let allowed: Vec<IpNet> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        may_call(address.parse().unwrap(), &allowed)
    }

    #[test]
    fn only_addresses_of_the_internet_are_called() {
        for address in ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(may(address, &[]), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!may(address, &[]), "{address}");
        }
        assert!(may("10.1.2.3", &["10.1.0.0/16"]) && !may("10.2.0.1", &["10.1.0.0/16"]));
        assert!(may("::ffff:10.1.2.3", &["10.1.0.0/16"]));
    }

    #[tokio::test]
    async fn other_ways_to_write_this_machine_are_refused() {
        for url in [
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::ffff:7f00:1]/",
            "http://localhost/",
        ] {
            let target = Target::parse(url).unwrap();
            assert!(target.addresses(&[]).await.is_err(), "{url}");
        }
        for url in ["ftp://1.1.1.1/", "http://user@1.1.1.1/", "unix:/x", "//x", "http://"] {
            assert!(Target::parse(url).is_err_and(|error| error.is_final), "{url}");
        }
        let target = Target::parse("https://hooks.example:8443/a%20b?c=d#e").unwrap();
        assert_eq!(
            (target.authority().as_str(), target.path().as_str()),
            ("hooks.example:8443", "/a%20b?c=d")
        );
    }
}
