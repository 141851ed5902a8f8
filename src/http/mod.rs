//! The server's routes and what every answer carries.

mod graphql;
mod health;
pub mod pages;

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::get;
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;

use crate::App;
use crate::error::Code;
use crate::scope::Origin;
use crate::telemetry;

/// Every route of the server.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/docs/api-docs.json", get(contract))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/.well-known/jwks.json", get(jwks))
        .merge(pages::router())
        .fallback(rest)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), watched))
        .with_state(app)
}

/// The route of counters: not among the others, which the whole world may reach.
pub fn metrics_router(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(health::metrics)).with_state(app)
}

/// A defect of ours: the client learns nothing of it, the log everything.
fn panicked(cause: Box<dyn Any + Send>) -> Response<Body> {
    let text =
        cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(cause = text.unwrap_or("unknown"), trace_id = %telemetry::trace_id(), "a handler panicked");
    telemetry::note(|facts| facts.error(Code::Internal.name()));
    let mut response = Response::new(Body::from(r#"{"message":"Server Error"}"#));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The OpenAPI document, for the address that was asked.
async fn contract(State(app): State<Arc<App>>, request: Request) -> impl IntoResponse {
    let json = crate::contracts::openapi_at(&origin(&app, &request).base());
    ([(header::CONTENT_TYPE, "application/json")], json)
}

/// The public keys of access tokens (RFC 7517).
async fn jwks(State(app): State<Arc<App>>) -> Response<Body> {
    let mut response = match app.shared.sessions.key_ring(&app.shared.config) {
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

async fn rest(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let origin = origin(&app, &request);
    app.rest.serve(request, origin).await
}

/// The client's address: the peer, or what a trusted proxy says.
pub(crate) fn client(app: &App, request: &Request) -> IpAddr {
    let peer = peer(request);
    let forwarded = || {
        request.headers().get("x-forwarded-for")?.to_str().ok()?.split(',').next_back()?.trim().parse().ok()
    };
    if trusted(&app.shared.config.trusted_proxies, peer) { forwarded().unwrap_or(peer) } else { peer }
}

fn peer(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip())
}

fn trusted(proxies: &[IpNet], peer: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(&peer))
}

/// How the client reached the server: its `Host`, or what a trusted proxy forwards.
fn origin(app: &App, request: &Request) -> Origin {
    let host = believed(app, request, "x-forwarded-host")
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok())
        .or_else(|| request.uri().authority().map(Authority::as_str));
    let host = host.filter(|host| !host.is_empty()).unwrap_or("localhost").to_ascii_lowercase();
    let scheme = believed(app, request, "x-forwarded-proto").filter(|scheme| *scheme == "https");
    let (scheme, port) = scheme.map_or(("http", ":80"), |scheme| (scheme, ":443"));
    // The port that the scheme means anyway is not written.
    let host = host.strip_suffix(port).unwrap_or(&host).to_owned();
    Origin { scheme: scheme.to_owned(), host }
}

/// A header that counts only from a trusted proxy.
fn believed<'a>(app: &App, request: &'a Request, name: &str) -> Option<&'a str> {
    let value = request.headers().get(name)?.to_str().ok()?;
    trusted(&app.shared.config.trusted_proxies, peer(request)).then_some(value)
}

/// Answers a request while the operator's telemetry looks on, where it does.
async fn watched(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    match app.telemetry.begin(&request) {
        Some(ongoing) => ongoing.watch(finish(&app, request, next)).await,
        None => finish(&app, request, next).await,
    }
}

/// Answers preflights, and gives every answer the headers of the contract (spec: `wire.md` 1.8).
async fn finish(app: &App, request: Request, next: Next) -> Response<Body> {
    let https = believed(app, &request, "x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let preflight = *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight { preflight_answer(request.headers()) } else { next.run(request).await };
    let headers = response.headers_mut();
    if let Ok(frontend) = HeaderValue::from_str(&app.shared.config.frontend_url) {
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(frontend);
    }
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
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    response
}

fn preflight_answer(asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let given = |name: HeaderName| asked.get(name).cloned().unwrap_or(HeaderValue::from_static(""));
    let method = given(header::ACCESS_CONTROL_REQUEST_METHOD).to_str().unwrap_or("").to_ascii_uppercase();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_str(&method).unwrap_or(HeaderValue::from_static("")),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, given(header::ACCESS_CONTROL_REQUEST_HEADERS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("0"));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    response
}
