//! The upstream server: the shop's own server, to which requests are forwarded. Bodies are streamed in both directions,
//! with time limits, and answers are not examined.

mod body;
mod connections;
mod error;
mod headers;
mod shares;
mod waker;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use facade::gate::{Gate, GateState};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use self::body::{AnswerBody, Progress, RequestBody};
use self::connections::{ConnectionBody, Connections, RequestFailure};
use self::error::UpstreamError;
pub use self::headers::is_looping;
use self::shares::ClientShares;
use crate::platform::config::{self, UpstreamScope};
use crate::server::connector::{Connector, SettingNames};
use crate::{Error, Result};

/// The paths of the contract.
static PATHS: LazyLock<matchit::Router<&str>> = LazyLock::new(|| {
    let mut paths = matchit::Router::new();
    for path in include_str!("paths.txt").lines() {
        // A test checks that none is refused.
        let _ = paths.insert(path, path);
    }
    paths
});

/// The documented path, with placeholders, that matches a path.
pub fn documented_path(path: &str) -> Option<String> {
    PATHS.at(path.trim_end_matches('/')).ok().map(|found| (*found.value).to_owned())
}

/// How long the result of a reachability check is valid.
const REACHABILITY_TTL: Duration = Duration::from_secs(1);

/// The upstream server.
pub struct Upstream {
    settings: config::Upstream,
    /// Value of `Host` for requests without one.
    authority: HeaderValue,
    connections: Arc<Connections>,
    gate: Gate,
    shares: Arc<ClientShares>,
    /// Result and time of the last reachability check.
    reachable: Mutex<Option<(Instant, bool)>>,
}

/// The sender of a forwarded request.
pub struct Sender<'a> {
    /// The peer of the connection.
    pub peer: IpAddr,
    /// The client, if it has no valid key: the request then counts for the client's share.
    pub keyless_client: Option<IpAddr>,
    /// Whether the peer is a trusted proxy, whose headers about the client are kept.
    pub trusted: bool,
    /// Scheme that the client has used.
    pub scheme: &'a str,
    /// Host and port that the client has used.
    pub host: &'a str,
    /// Identifier of the request.
    pub request_id: HeaderValue,
    /// The span of the request as `traceparent`, where it is traced; otherwise the header of a trusted proxy is kept.
    pub traceparent: Option<HeaderValue>,
}

/// Marks an answer of the upstream server, to which no headers are added.
#[derive(Clone, Copy)]
pub struct ForwardedAnswer;

impl Upstream {
    /// Makes an upstream by the operator's settings.
    ///
    /// # Errors
    /// [`Error::Setting`] where a certificate cannot be read.
    pub fn new(settings: config::Upstream) -> Result<Self> {
        let names = SettingNames { server: "GUICHET_UPSTREAM", authorities: "GUICHET_UPSTREAM_CA" };
        let (server, ca) = (settings.server.clone(), settings.ca.as_deref());
        let connections = Connections::new(Connector::new(server, ca, settings.connect_timeout, names)?);
        let authority = settings.server.authority().parse().map_err(Error::internal)?;
        let gate = Gate::new(settings.max, settings.max);
        let shares = ClientShares::of(settings.max);
        Ok(Self { settings, authority, connections, gate, shares, reachable: Mutex::default() })
    }

    /// Whether a rule of the operator forwards this request although guichet has a route for it. The path must be
    /// decoded and without a slash at its end.
    pub fn is_forwarded(&self, method: &Method, path: &str) -> bool {
        self.settings.pass.iter().any(|rule| rule.matches(method, path))
    }

    /// Whether paths outside of the API are forwarded too.
    pub fn forwards_all_paths(&self) -> bool {
        self.settings.scope == UpstreamScope::All
    }

    /// How many requests are being forwarded and wait.
    pub fn gate_state(&self) -> GateState {
        self.gate.state()
    }

    /// Whether a connection can be opened; the result is cached for a second.
    pub async fn is_reachable(&self) -> bool {
        let mut last = self.reachable.lock().await;
        if let Some((at, reachable)) = *last
            && at.elapsed() < REACHABILITY_TTL
        {
            return reachable;
        }
        let reachable = self.connections.try_to_connect().await.is_ok();
        *last = Some((Instant::now(), reachable));
        reachable
    }

    /// Forwards a request; returns the answer, whose body is streamed.
    ///
    /// # Errors
    /// [`Error::Upstream`] where the server is unreachable or too slow, and where the request was forwarded by this
    /// server before; [`Error::Overloaded`] where too many requests are being forwarded.
    pub async fn forward(&self, request: Request<Body>, sender: &Sender<'_>) -> Result<Response<Body>> {
        if is_looping(request.headers()) {
            return Err(UpstreamError::Loop.into());
        }
        let share = match sender.keyless_client {
            Some(client) => Some(self.shares.take(client).await?),
            None => None,
        };
        let place = self.gate.enter().await?;
        let version = request.version();
        let (mut parts, body) = request.into_parts();
        parts.uri = path_only(parts.uri);
        parts.version = Version::HTTP_11;
        headers::prepare_request(&mut parts.headers, version, sender);
        headers::set_body_length(&mut parts.headers, &body);
        parts.extensions.clear();
        let again = is_repeatable(&parts.method, &body).then(|| parts.clone());
        let progress = Progress::begin();
        let sent = RequestBody::new(body, Arc::clone(&progress));
        let answer = match (self.ask(Request::from_parts(parts, sent), &progress, false).await, again) {
            // The server may have closed a kept connection at the same moment.
            (Err(RequestFailure { was_stale: true, .. }), Some(parts)) => {
                let progress = Progress::begin();
                let sent = RequestBody::new(Body::empty(), Arc::clone(&progress));
                self.ask(Request::from_parts(parts, sent), &progress, true).await
            }
            (answer, _) => answer,
        };
        let mut answer = answer.map_err(|failed| Error::from(failed.error))?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::Broken("it switches protocols".to_owned()).into());
        }
        let version = answer.version();
        headers::prepare_answer(answer.headers_mut(), version);
        *answer.version_mut() = Version::HTTP_11;
        answer.extensions_mut().clear();
        answer.extensions_mut().insert(ForwardedAnswer);
        Ok(answer.map(|body| Body::new(AnswerBody::new(body, self.settings.idle_timeout, (place, share)))))
    }

    /// Sends a `GET`; returns the answer, whose body has at most `max` bytes. `headers` may name a host.
    ///
    /// # Errors
    /// When the server is unreachable or too slow, or its answer is larger.
    pub async fn get(
        &self,
        path: &str,
        headers: HeaderMap,
        max: usize,
    ) -> Result<Response<Bytes>, UpstreamError> {
        let broken = |error: &dyn std::fmt::Display| UpstreamError::Broken(error.to_string());
        let path: PathAndQuery = path.parse().map_err(|error| broken(&error))?;
        let progress = Progress::begin();
        let mut request = Request::new(RequestBody::new(Body::empty(), Arc::clone(&progress)));
        *request.uri_mut() = path.into();
        *request.headers_mut() = headers;
        let answer = self.ask(request, &progress, false).await.map_err(|failed| failed.error)?;
        let (parts, body) = answer.into_parts();
        let reading = axum::body::to_bytes(Body::new(body), max);
        let body =
            timeout(self.settings.idle_timeout, reading).await.map_err(|_| UpstreamError::AnswerTimeout)?;
        Ok(Response::from_parts(parts, body.map_err(|error| broken(&error))?))
    }

    async fn ask(
        &self,
        mut request: Request<RequestBody>,
        progress: &Progress,
        new_connection: bool,
    ) -> Result<Response<ConnectionBody>, RequestFailure> {
        request.headers_mut().entry(header::HOST).or_insert_with(|| self.authority.clone());
        tokio::select! {
            answer = self.connections.send(request, new_connection) => answer,
            () = progress.stalled(self.settings.timeout) => Err(UpstreamError::AnswerTimeout.into()),
        }
    }
}

/// A URL without scheme and host.
fn path_only(uri: Uri) -> Uri {
    uri.into_parts().path_and_query.map_or(Uri::from_static("/"), Uri::from)
}

/// Whether a request may be sent twice: its method is safe, and it has no body.
fn is_repeatable(method: &Method, body: &Body) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) && body.is_end_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_as_the_contract_writes_them() {
        for path in include_str!("paths.txt").lines() {
            let filled = path.replace("{id}", "7").replace('{', "x").replace('}', "");
            assert_eq!(documented_path(&filled).as_deref(), Some(path));
        }
        assert_eq!(
            documented_path("/api/application/tickets/12/"),
            Some("/api/application/tickets/{id}".to_owned())
        );
        assert_eq!(documented_path("/wp-login.php"), None);
    }
}
