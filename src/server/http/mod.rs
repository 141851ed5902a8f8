//! The server's routes, and the headers of all answers.

mod compression;
mod contracts;
mod cors;
mod forwarding;
pub mod graphiql;
mod health;
mod mails;
mod shadowing;
mod start;
mod storage;

use std::any::Any;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use facade::apis::{DOCUMENTATION, GRAPHQL, REFERENCE};
use facade::error::Code;
use facade::execution::Origin;
use facade::graphql::{self, GraphQl};
use facade::pages::{self, DocumentationPages};
use facade::{facts, rest};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::ServiceExt as _;

use crate::platform::network;
use crate::server::telemetry::{RequestId, RequestSender};
use crate::server::upstream::ForwardedAnswer;
use crate::{App, Error};
use compression::Accepted;
use cors::AllowedOrigin;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Maximum length of a host name with its port.
const MAX_HOST: usize = 262;

/// The routes of one listener.
#[derive(Clone)]
pub struct Site {
    router: Router,
    /// The app whose REST API is answered. REST requests do not go through the router, because its layers cost more
    /// time than many requests.
    api: Option<Arc<App>>,
}

impl Site {
    /// All public routes of the server.
    pub fn new(app: Arc<App>) -> Self {
        Self { router: router(Arc::clone(&app)), api: Some(app) }
    }

    /// A site with these routes only.
    #[cfg(test)]
    pub(super) fn of_router(router: Router) -> Self {
        Self { router, api: None }
    }

    /// The route of the metrics, which is not public.
    pub fn of_metrics(app: Arc<App>) -> Self {
        Self { router: Router::new().route("/metrics", get(health::metrics)).with_state(app), api: None }
    }

    /// Answers a request.
    pub fn answer(&self, request: Request) -> BoxFuture<'_, Response<Body>> {
        let path = request.uri().path();
        match &self.api {
            Some(app) if path.starts_with("/api/") && path != DOCUMENTATION && path != REFERENCE => {
                with_telemetry(app, request, |request| forwarding::answer(app, request)).boxed()
            }
            _ => self.router.clone().oneshot(request).map(|Ok(answer)| answer).boxed(),
        }
    }
}

fn router(app: Arc<App>) -> Router {
    let documentation = DocumentationPages { title: "guichet REST API", key: app.demo_key.clone() };
    let start = match &app.upstream {
        // The shop's own start page is forwarded.
        Some(upstream) if upstream.forwards_all_paths() => Router::new(),
        _ => Router::new().route("/", get(start::page)),
    };
    let mails = match &app.demo_key {
        Some(_) => Router::new().route("/mails", get(mails::page)),
        None => Router::new(),
    };
    Router::new()
        .route(GRAPHQL, get(graphql_get).post(graphql_post))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/.well-known/jwks.json", get(jwks))
        .route(storage::ROUTE, any(storage_file))
        .merge(contracts::router())
        .merge(pages::router(documentation))
        .merge(start)
        .merge(mails)
        .fallback(answer_rest)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), telemetry_layer))
        .with_state(app)
}

/// The answer after a panic. The cause is logged and not sent to the client.
fn panicked(cause: &(dyn Any + Send)) -> Response<Body> {
    let text =
        cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(cause = text.unwrap_or("unknown"), trace_id = %facts::trace_id(), "a handler panicked");
    facts::note(|facts| facts.error(Code::Internal.name()));
    let mut response = Response::new(Body::from(r#"{"message":"Server Error"}"#));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The public keys of access tokens (RFC 7517).
async fn jwks(State(app): State<Arc<App>>) -> Response<Body> {
    let mut response = match app.sessions.key_ring(&app.shop.config) {
        Ok(ring) => axum::Json(ring.jwks()).into_response(),
        Err(error) => {
            tracing::error!(%error, cause = ?std::error::Error::source(&error), "no keys of sessions");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    }
    response
}

async fn graphql_get(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if GraphQl::wants_page(&request) {
        return graphiql::page(&app).await;
    }
    let (client, origin) = (client(&app, &request), origin(&app, &request));
    app.apis.graphql.get(request, client, origin).await
}

async fn graphql_post(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (client, origin) = (client(&app, &request), origin(&app, &request));
    app.apis.graphql.post(request, client, origin).await
}

async fn storage_file(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    storage::answer(&app, request).await
}

async fn answer_rest(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    forwarding::answer(&app, request).await
}

/// The client's address.
pub(crate) fn client(app: &App, request: &Request) -> IpAddr {
    network::client_address(peer(request), request.headers(), &app.shop.config.trusted_proxies)
}

fn peer(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip().to_canonical())
}

/// Scheme and host that the client has used: from `Host`, or from the headers of a trusted proxy.
fn origin(app: &App, request: &Request) -> Origin {
    let host = named_host(app, request).unwrap_or("localhost").to_ascii_lowercase();
    let is_https = trusted_header(app, request, FORWARDED_PROTO).is_some_and(|scheme| scheme == "https");
    let (scheme, port) = if is_https { ("https", ":443") } else { ("http", ":80") };
    // The default port of the scheme is removed.
    let host = host.strip_suffix(port).unwrap_or(&host).to_owned();
    Origin { scheme, host }
}

/// The host that a request names, without checking its syntax.
fn named_host<'a>(app: &App, request: &'a Request) -> Option<&'a str> {
    trusted_header(app, request, FORWARDED_HOST)
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok())
        .or_else(|| request.uri().authority().map(Authority::as_str))
}

/// Whether a request names its host as HTTP requires: exactly once in HTTP/1.1, and with the syntax of a host.
fn has_valid_host(app: &App, request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let is_complete = first.is_some() || request.version() != Version::HTTP_11;
    let is_host = |host: &HeaderValue| host.to_str().is_ok_and(is_host);
    // If the request target has a host, it must be the same one (RFC 9112, 3.2.2).
    let is_same = match (request.uri().authority(), first) {
        (Some(target), Some(host)) => target.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()),
        _ => true,
    };
    is_complete
        && is_same
        && second.is_none()
        && first.is_none_or(is_host)
        && named_host(app, request).is_none_or(self::is_host)
}

/// Whether a text is a host with an optional port. It becomes part of URLs.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (None, port),
        Some(_) => return false,
        None => text.find(':').map_or((Some(text), ""), |at| (Some(&text[..at]), &text[at..])),
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_name = |host: &str| {
        let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
        labels.all(|label| !label.is_empty() && label.chars().all(letters))
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 5,
        None => port.is_empty(),
    };
    text.len() <= MAX_HOST && is_port && host.is_none_or(is_name)
}

/// A header that is accepted only from a trusted proxy: the last value of its last line, which that proxy has written.
fn trusted_header<'a>(app: &App, request: &'a Request, name: HeaderName) -> Option<&'a str> {
    if !is_trusted(app, request) {
        return None;
    }
    let line = request.headers().get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

/// Whether a trusted proxy has sent a request.
fn is_trusted(app: &App, request: &Request) -> bool {
    network::is_trusted(&app.shop.config.trusted_proxies, peer(request))
}

async fn telemetry_layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    with_telemetry(&app, request, |request| next.run(request)).await
}

/// Answers a request under the observation of telemetry, and adds `X-Request-Id`.
async fn with_telemetry<A: Future<Output = Response<Body>>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response<Body> {
    let observed = app.telemetry.begin(&request, sender(app, &request));
    let id = observed.request_id().header_value();
    // Pinned by reference: a future that is moved into another one takes its size again.
    let mut response = observed.observe(pin!(with_common_headers(app, request, answer))).await;
    response.headers_mut().insert(RequestId::HEADER, id);
    response
}

/// Who has sent a request, for telemetry.
fn sender(app: &App, request: &Request) -> RequestSender {
    if !is_trusted(app, request) {
        return RequestSender::Stranger;
    }
    RequestSender::Trusted(trusted_header(app, request, RequestId::HEADER).and_then(RequestId::parse))
}

/// The answer to a request without a valid host, in the form of its API.
fn bad_host_answer(request: &Request) -> Response<Body> {
    let error = Error::BadRequest("Bad request.".to_owned());
    if request.uri().path() == GRAPHQL {
        graphql::refuse(error)
    } else {
        rest::refuse(request.headers(), error)
    }
}

/// Answers preflight requests, and adds the headers of the contract to all answers (docs/contract/wire.md#1.8).
async fn with_common_headers<A: Future<Output = Response<Body>>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response<Body> {
    let https = trusted_header(app, &request, FORWARDED_PROTO).is_some_and(|scheme| scheme == "https");
    let has_key = request.headers().contains_key(header::AUTHORIZATION);
    let preflight = cors::is_preflight(&request) && !forwarding::answers_preflight(app, request.uri());
    let allowed = AllowedOrigin::of(&app.shop.config, request.headers());
    let accepted =
        if app.shop.config.compression { Accepted::of(request.method(), request.headers()) } else { None };
    let mut response = if !has_valid_host(app, &request) {
        bad_host_answer(&request)
    } else if preflight {
        cors::preflight_answer(&request)
    } else {
        let answered = AssertUnwindSafe(pin!(answer(request))).catch_unwind().await;
        answered.unwrap_or_else(|cause| panicked(&*cause))
    };
    if response.extensions().get::<ForwardedAnswer>().is_some() {
        return response;
    }
    let challenge = challenge(response.status(), has_key);
    let headers = response.headers_mut();
    if let Some(challenge) = challenge {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    allowed.write(headers);
    if preflight {
        return response;
    }
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(self)",
    );
    set(HeaderName::from_static("x-permitted-cross-domain-policies"), "none");
    // Pages have a policy of their own. If a browser shows another answer as a page, that may load nothing.
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'self'");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    match accepted {
        // Boxed, so that the future of a request that is not compressed stays small.
        Some(accepted) => Box::pin(accepted.compress(response)).await,
        None => response,
    }
}

/// What a client that is refused needs (RFC 6750, 3).
fn challenge(status: StatusCode, has_key: bool) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED if has_key => Some(r#"Bearer error="invalid_token""#),
        StatusCode::UNAUTHORIZED => Some("Bearer"),
        StatusCode::FORBIDDEN => Some(r#"Bearer error="insufficient_scope""#),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_or_without_a_port() {
        for host in
            ["shop.example", "shop.example.:8080", "localhost", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b"]
        {
            assert!(is_host(host), "{host}");
        }
        let long = "a".repeat(300);
        for host in [
            "", ":80", "a b", "a..b", "x/y", "user@x", "x\"", "a:b", "a:1:2", "[::1", "[x]", "a:123456",
            &long,
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_host_or_none(host in r"[0-9a-f:.\[\]%]{0,40}|\PC*") {
            is_host(&host);
        }
    }
}
