//! Settings that limit what a client may use: connections, bytes, time and concurrent work.

use std::time::Duration;

use facade::http::BodyLimits;

use super::{ConfigError, Variables, at_least, seconds};

/// Limits of connections, and of how slow a client may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of open connections (`GUICHET_MAX_CONNECTIONS`); fewer where the system allows fewer open files.
    pub max: usize,
    /// Maximum number of open connections of one address (`GUICHET_MAX_CONNECTIONS_PER_ADDRESS`); trusted proxies
    /// are exempt.
    pub max_per_address: usize,
    /// How long a client may take for the head of a request (`GUICHET_HEADER_TIMEOUT`).
    pub header_timeout: Duration,
    /// How long a client may send nothing of a body, or read nothing of an answer (`GUICHET_BODY_TIMEOUT`).
    pub body_timeout: Duration,
    /// Minimum rate of a body and of an answer in bytes per second, once they have taken longer than
    /// [`Self::body_timeout`] (`GUICHET_MIN_RATE`).
    pub min_rate: u64,
    /// How long a connection may wait for its next request (`GUICHET_KEEP_ALIVE`).
    pub keep_alive: Duration,
    /// How long clients may still take to send a request completely when the server stops (`GUICHET_GRACE`).
    pub grace: Duration,
}

/// Limits of concurrent work.
#[derive(Clone, Copy, Debug)]
pub struct WorkLimits {
    /// Maximum number of requests that run at the same time (`GUICHET_MAX_RUNNING`).
    pub running: usize,
    /// Maximum number of requests that wait to be run (`GUICHET_MAX_WAITING`).
    pub waiting: usize,
    /// Maximum number of passwords that are hashed at the same time (`GUICHET_PASSWORD_WORKERS`).
    pub passwords: usize,
    /// Maximum number of passwords that wait to be hashed (`GUICHET_PASSWORD_QUEUE`).
    pub passwords_waiting: usize,
}

impl ConnectionLimits {
    pub(super) fn read(variables: &Variables) -> Result<Self, ConfigError> {
        let span = |name| variables.read(name, |text| seconds(text, 0.1..=86_400.0));
        Ok(Self {
            max: variables.read("GUICHET_MAX_CONNECTIONS", |text| at_least(text, 1))?,
            max_per_address: variables
                .read("GUICHET_MAX_CONNECTIONS_PER_ADDRESS", |text| at_least(text, 1))?,
            header_timeout: span("GUICHET_HEADER_TIMEOUT")?,
            body_timeout: span("GUICHET_BODY_TIMEOUT")?,
            min_rate: variables.parse("GUICHET_MIN_RATE")?,
            keep_alive: span("GUICHET_KEEP_ALIVE")?,
            grace: span("GUICHET_GRACE")?,
        })
    }
}

/// Reads the limits of request bodies.
pub(super) fn body_limits(variables: &Variables) -> Result<BodyLimits, ConfigError> {
    let bytes = |name| variables.read(name, |text| at_least(text, 1024));
    Ok(BodyLimits {
        max: bytes("GUICHET_MAX_BODY")?,
        max_without_files: bytes("GUICHET_MAX_FIELDS_BODY")?,
        max_elements: variables.read("GUICHET_MAX_ELEMENTS", |text| at_least(text, 1))?,
        max_depth: variables
            .read("GUICHET_MAX_BODY_DEPTH", |text| at_least(text, 1).filter(|&depth| depth <= MAX_NESTING))?,
        max_fields: variables.read("GUICHET_MAX_FIELDS", |text| at_least(text, 1))?,
        max_query: bytes("GUICHET_MAX_QUERY_BODY")?,
        keyless_query: bytes("GUICHET_KEYLESS_QUERY_BODY")?,
        keyless_tokens: variables.read("GUICHET_KEYLESS_TOKENS", |text| at_least(text, 1))?,
    })
}

impl WorkLimits {
    pub(super) fn read(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            running: variables.read("GUICHET_MAX_RUNNING", |text| at_least(text, 1))?,
            waiting: variables.parse("GUICHET_MAX_WAITING")?,
            passwords: variables.read("GUICHET_PASSWORD_WORKERS", |text| at_least(text, 1))?,
            passwords_waiting: variables.parse("GUICHET_PASSWORD_QUEUE")?,
        })
    }
}

/// Highest accepted nesting of bodies: recursion over deeper values would overflow the stack.
const MAX_NESTING: usize = 128;
