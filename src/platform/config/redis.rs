//! Settings of the Redis server: one URL, or the separate variables of the original's `.env`.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use super::database::Secret;

/// The address of a Redis server, and how to sign in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServer {
    /// Where it listens.
    pub address: RedisAddress,
    /// User name, where the server has several users.
    pub username: Option<String>,
    /// Password of the user; may be empty.
    pub password: Secret,
    /// Number of the database on the server.
    pub database: i64,
    /// Prefix of every key.
    pub prefix: String,
}

/// Where a Redis server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisAddress {
    /// A host and a port.
    Tcp(String, u16),
    /// A Unix socket.
    Socket(PathBuf),
}

/// The values in the URL of a server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RedisUrl {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<i64>,
}

/// Parses the URL of a server. TLS is not supported.
pub(super) fn from_url(text: &str) -> Option<RedisUrl> {
    let url = Url::parse(text).ok()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
    let given = |text: &str| if text.is_empty() { Some(None) } else { decoded(text).map(Some) };
    let username = given(url.username())?;
    let password = given(url.password().unwrap_or_default())?.map(Secret::new);
    if url.scheme() == "unix" {
        let path = decoded(url.path()).filter(|path| path.len() > 1)?;
        return Some(RedisUrl { host: Some(path), username, password, ..RedisUrl::default() });
    }
    let database = match url.path().trim_matches('/') {
        "" => None,
        number => Some(number.parse().ok().filter(|&number: &i64| number >= 0)?),
    };
    let plain = matches!(url.scheme(), "redis" | "tcp");
    let host = url.host_str().filter(|host| plain && !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(RedisUrl { host: Some(host), port: url.port(), username, password, database })
}

/// Parses a host or the path of a socket, with or without a scheme.
pub(super) fn address(host: &str, port: u16) -> Option<RedisAddress> {
    let host = host.strip_prefix("unix://").or_else(|| host.strip_prefix("tcp://")).unwrap_or(host);
    if host.starts_with('/') {
        return Some(RedisAddress::Socket(host.into()));
    }
    let named = !host.is_empty() && !host.contains("://");
    named.then(|| RedisAddress::Tcp(host.to_owned(), port))
}
