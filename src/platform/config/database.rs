//! Settings of the database: one URL, or the separate variables of the original's `.env`.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// A text that `Debug` does not print.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. It must not be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "…" })
    }
}

/// Kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// MySQL or MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Driver {
    /// The driver of a `DB_CONNECTION` value or of a URL's scheme.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "mysql" | "mariadb" => Some(Self::MySql),
            "pgsql" | "postgres" | "postgresql" => Some(Self::Postgres),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    /// The default port of such a server.
    pub fn port(self) -> u16 {
        match self {
            Self::MySql => 3306,
            Self::Postgres => 5432,
            Self::Sqlite => 0,
        }
    }

    /// Its name in OpenTelemetry's semantic conventions.
    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::Postgres => "postgresql",
            Self::Sqlite => "sqlite",
        }
    }

    /// Its URL scheme in sqlx.
    fn scheme(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// A database: its kind and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Kind of database.
    pub driver: Driver,
    /// Where it is.
    pub target: DatabaseTarget,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseTarget {
    /// A URL with a scheme of sqlx. It is secret because it may hold a password.
    Url(Secret),
    /// The file of an SQLite database.
    File(PathBuf),
    /// A server, described by separate values.
    Server(DatabaseServer),
}

/// The address of a database server, and how to sign in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseServer {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Unix socket in place of host and port.
    pub socket: Option<PathBuf>,
    /// Name of the database.
    pub name: String,
    /// User.
    pub username: String,
    /// Password of the user.
    pub password: Secret,
    /// Encryption of the connection; `None`: encrypted if the server supports it.
    pub encryption: Option<Encryption>,
    /// File of the certificate authority that must have signed the server's certificate.
    pub authority: Option<PathBuf>,
}

/// Encryption of a connection, by the modes of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// `disable`
    Never,
    /// `allow`, `prefer`
    Preferred,
    /// `require`
    Required,
    /// `verify-ca`: and the server's certificate is signed by the authority.
    Authority,
    /// `verify-full`: and it names the server's host.
    Host,
}

/// The hosts of a list such as `a,b:3307,[2001:db8::1]:3308`, with the port of those that name none. `None` when one is no
/// host.
pub(super) fn hosts(text: &str, port: u16) -> Option<Vec<(String, u16)>> {
    text.split(',').map(|host| host_and_port(host.trim(), port)).collect()
}

fn host_and_port(text: &str, port: u16) -> Option<(String, u16)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text.to_owned(), port));
    }
    // With a port of its own, an address of IPv6 stands in brackets.
    let (host, behind) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok())?,
        None => Some(text.split_at(text.find(':').unwrap_or(text.len())))
            .filter(|(host, _)| is_host_name(host))?,
    };
    let port = match behind.strip_prefix(':') {
        Some(own) => own.parse().ok().filter(|own| *own > 0)?,
        None if behind.is_empty() => port,
        None => return None,
    };
    Some((host.to_owned(), port))
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|letter| letter.is_alphanumeric() || "-._".contains(letter))
}

/// A host as it stands before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Encryption {
    /// The mode of a `DB_SSLMODE` value.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "disable" => Some(Self::Never),
            "allow" | "prefer" => Some(Self::Preferred),
            "require" => Some(Self::Required),
            "verify-ca" => Some(Self::Authority),
            "verify-full" => Some(Self::Host),
            _ => None,
        }
    }
}

impl Database {
    /// A database by URL; `None` when its scheme is unknown.
    pub fn from_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let driver = Driver::named(&scheme.to_ascii_lowercase())?;
        if rest.is_empty() || (driver != Driver::Sqlite && !rest.starts_with("//")) {
            return None;
        }
        let file = rest.strip_prefix("//").unwrap_or(rest);
        if driver == Driver::Sqlite && !file.starts_with(':') && !file.contains('?') {
            return Some(Self::file(file));
        }
        let url = format!("{}:{rest}", driver.scheme());
        Some(Self { driver, target: DatabaseTarget::Url(Secret::new(url)) })
    }

    /// The databases of a URL that may name several hosts: `mysql://user:password@a:3306,b:3307/shop`. `None` when the
    /// scheme is unknown or one of several is no host.
    pub fn all_from_url(url: &str) -> Option<Vec<Self>> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Self::from_url(url).map(|one| vec![one]);
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, hosts) =
            authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
        if !hosts.contains(',') {
            return Self::from_url(url).map(|one| vec![one]);
        }
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let all = hosts.split(',').map(|host| match host.trim() {
            host if host_and_port(host, 1).is_none() => None,
            host => Self::from_url(&format!("{scheme}://{user}{host}{path}"))
                .filter(|one| one.driver != Driver::Sqlite),
        });
        all.collect()
    }

    /// Host and port of its server, or the path of its file: what a log may say.
    pub fn name(&self) -> String {
        match &self.target {
            DatabaseTarget::File(path) => path.display().to_string(),
            DatabaseTarget::Server(DatabaseServer { socket: Some(socket), .. }) => {
                socket.display().to_string()
            }
            DatabaseTarget::Server(server) => format!("{}:{}", bracketed(&server.host), server.port),
            DatabaseTarget::Url(url) => {
                let rest = url.expose().split_once("://").map_or("", |(_, rest)| rest);
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                let has_port = host
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
                if has_port { host.to_owned() } else { format!("{host}:{}", self.driver.port()) }
            }
        }
    }

    /// The SQLite database in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { driver: Driver::Sqlite, target: DatabaseTarget::File(path.into()) }
    }
}
