//! Settings of the upstream server: the shop's own server, to which requests are forwarded.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{Method, Uri};
use regex::Regex;

use super::{ConfigError, Variables, at_least, seconds, switch};

/// The upstream server, and which requests are forwarded to it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it is (`GUICHET_UPSTREAM`).
    pub server: UpstreamServer,
    /// PEM file of the authorities that may have signed its certificate; `None`: those of the system
    /// (`GUICHET_UPSTREAM_CA`).
    pub ca: Option<PathBuf>,
    /// Which paths without a route are forwarded (`GUICHET_UPSTREAM_SCOPE`).
    pub scope: UpstreamScope,
    /// Requests that are forwarded although guichet has a route for them (`GUICHET_PASS`).
    pub pass: Vec<ForwardRule>,
    /// Timeout of connecting (`GUICHET_UPSTREAM_CONNECT_TIMEOUT`).
    pub connect_timeout: Duration,
    /// How long it may read nothing of a request, and afterwards send no head of an answer
    /// (`GUICHET_UPSTREAM_TIMEOUT`).
    pub timeout: Duration,
    /// How long it may send nothing of an answer that has begun (`GUICHET_UPSTREAM_IDLE_TIMEOUT`).
    pub idle_timeout: Duration,
    /// Maximum number of requests that are forwarded at the same time (`GUICHET_UPSTREAM_MAX`).
    pub max: usize,
    /// How guichet's answers are compared with its answers; `None`: not at all.
    pub shadow: Option<Shadow>,
}

/// Settings of shadowing: the comparison of guichet's answers with those of the upstream server.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// Fraction of `GET` requests that are compared, above 0 and up to 1 (`GUICHET_SHADOW`).
    pub rate: f64,
    /// Maximum number of comparisons at the same time (`GUICHET_SHADOW_MAX`).
    pub max: usize,
    /// How long the upstream server may take; if it takes longer, comparisons pause for a minute
    /// (`GUICHET_SHADOW_PATIENCE`).
    pub patience: Duration,
    /// Whether different values are stored, not only where they are (`GUICHET_SHADOW_VALUES`).
    pub values: bool,
}

impl Shadow {
    fn read(variables: &Variables, has_server: bool) -> Result<Option<Self>, ConfigError> {
        let part = |text: &str| text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
        let rate =
            variables.read("GUICHET_SHADOW", |text| part(text).filter(|&rate| rate == 0.0 || has_server))?;
        let shadow = Self {
            rate,
            max: variables.read("GUICHET_SHADOW_MAX", |text| at_least(text, 1))?,
            patience: variables.read("GUICHET_SHADOW_PATIENCE", |text| seconds(text, 0.1..=60.0))?,
            values: variables.read("GUICHET_SHADOW_VALUES", switch)?,
        };
        Ok(Some(shadow).filter(|_| rate > 0.0))
    }
}

/// The address of the upstream server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamServer {
    /// A host and port.
    Host {
        /// Whether TLS is used.
        tls: bool,
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix socket.
    Socket(PathBuf),
}

/// Which paths without a route are forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamScope {
    /// Paths below `/api`.
    Api,
    /// All paths.
    All,
}

impl UpstreamScope {
    fn named(text: &str) -> Option<Self> {
        match text {
            "api" => Some(Self::Api),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// A rule for requests that are forwarded: a method and a pattern of paths.
#[derive(Clone, Debug)]
pub struct ForwardRule {
    /// `None`: any method.
    method: Option<Method>,
    path: Regex,
}

impl ForwardRule {
    /// Parses a rule such as `POST /api/client/*`. As a method, `*` stands for any method; in a path, for any
    /// characters, slashes too. `None` where the text is no rule.
    pub fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.trim().split_once(char::is_whitespace)?;
        let path = path.trim();
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
        let method = match method {
            "*" => None,
            name if letters(name) => Some(Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()?),
            _ => return None,
        };
        if !path.starts_with('/') || path.contains(char::is_whitespace) {
            return None;
        }
        let pattern = regex::escape(path.trim_end_matches('/')).replace(r"\*", ".*");
        Some(Self { method, path: Regex::new(&format!("(?s)^{pattern}$")).ok()? })
    }

    /// Whether the rule applies to a request. The path must be decoded and without a slash at its end. A rule for
    /// `GET` also applies to `HEAD`.
    pub fn matches(&self, method: &Method, path: &str) -> bool {
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        self.method.as_ref().is_none_or(|known| known == asked || known == method) && self.path.is_match(path)
    }
}

impl UpstreamServer {
    /// Parses `http://host:port`, `https://host` or `unix:/path`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return path.starts_with('/').then(|| Self::Socket(path.into()));
        }
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !is_bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Some(Self::Host { tls, host, port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }) })
    }

    /// Host and port for the header `Host` and for URLs.
    pub fn authority(&self) -> String {
        match self {
            Self::Host { tls, host, port } => {
                let is_v6 = host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
                let host = if is_v6 { format!("[{host}]") } else { host.clone() };
                if *port == if *tls { 443 } else { 80 } { host } else { format!("{host}:{port}") }
            }
            Self::Socket(_) => "localhost".to_owned(),
        }
    }
}

impl Upstream {
    /// Default settings for a server that only answers queries of guichet's own commands.
    pub fn with_defaults(server: UpstreamServer, ca: Option<PathBuf>) -> Self {
        let defaults = Variables(BTreeMap::new());
        let upstream =
            Self::for_server(server, Vec::new(), None, &defaults).expect("every default is accepted");
        Self { ca, ..upstream }
    }

    /// Reads the settings; `None` where there is no upstream server. Rules and shadowing are then refused, so that
    /// an operator who removes the server notices that they have no effect.
    pub(super) fn read(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        let server = variables.optional("GUICHET_UPSTREAM", UpstreamServer::parse)?;
        let pass = variables.read("GUICHET_PASS", |text| {
            let rules = text.split(',').map(str::trim).filter(|rule| !rule.is_empty());
            rules
                .map(ForwardRule::parse)
                .collect::<Option<Vec<_>>>()
                .filter(|rules| rules.is_empty() || server.is_some())
        })?;
        let shadow = Shadow::read(variables, server.is_some())?;
        server.map(|server| Self::for_server(server, pass, shadow, variables)).transpose()
    }

    fn for_server(
        server: UpstreamServer,
        pass: Vec<ForwardRule>,
        shadow: Option<Shadow>,
        variables: &Variables,
    ) -> Result<Self, ConfigError> {
        let span = |name| variables.read(name, |text| seconds(text, 0.1..=86_400.0));
        Ok(Self {
            server,
            ca: variables.optional("GUICHET_UPSTREAM_CA", |text| text.parse().ok())?,
            scope: variables.read("GUICHET_UPSTREAM_SCOPE", UpstreamScope::named)?,
            pass,
            connect_timeout: span("GUICHET_UPSTREAM_CONNECT_TIMEOUT")?,
            timeout: span("GUICHET_UPSTREAM_TIMEOUT")?,
            idle_timeout: span("GUICHET_UPSTREAM_IDLE_TIMEOUT")?,
            max: variables.read("GUICHET_UPSTREAM_MAX", |text| at_least(text, 1))?,
            shadow,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_hosts_or_sockets() {
        let host = |tls, host: &str, port| Some(UpstreamServer::Host { tls, host: host.to_owned(), port });
        assert_eq!(UpstreamServer::parse("http://127.0.0.1:8000"), host(false, "127.0.0.1", 8000));
        assert_eq!(UpstreamServer::parse("https://shop.example/"), host(true, "shop.example", 443));
        assert_eq!(UpstreamServer::parse("http://[::1]:81").unwrap().authority(), "[::1]:81");
        assert_eq!(UpstreamServer::parse("https://a:443").unwrap().authority(), "a");
        assert_eq!(UpstreamServer::parse("unix:/run/x").unwrap(), UpstreamServer::Socket("/run/x".into()));
        for wrong in ["", "shop.example", "ftp://a", "http://a/b", "http://a?b", "http://u@a", "unix:x"] {
            assert_eq!(UpstreamServer::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rules_are_a_method_and_a_path() {
        let rule = ForwardRule::parse("post /api/client/*").unwrap();
        assert!(rule.matches(&Method::POST, "/api/client/tickets/5/reply"));
        assert!(!rule.matches(&Method::GET, "/api/client/tickets"));
        assert!(!rule.matches(&Method::POST, "/api/client"));
        assert!(!rule.matches(&Method::POST, "/x/api/client/a"));
        let rule = ForwardRule::parse("* /api/application/groups").unwrap();
        assert!(rule.matches(&Method::DELETE, "/api/application/groups"));
        assert!(!rule.matches(&Method::DELETE, "/api/application/groups/1"));
        let rule = ForwardRule::parse("GET /api/a.b/").unwrap();
        assert!(rule.matches(&Method::HEAD, "/api/a.b") && !rule.matches(&Method::GET, "/api/axb"));
        for wrong in ["", "/api", "GET", "GET api", "G3T /api", "GET /a b"] {
            assert!(ForwardRule::parse(wrong).is_none(), "{wrong}");
        }
    }
}
