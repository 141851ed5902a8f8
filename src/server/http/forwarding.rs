//! Requests that are forwarded to the upstream server.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, Uri};
use facade::apis::GRAPHQL;
use facade::engine::Host as _;
use facade::error::Refusal;
use facade::execution::{Origin, Principal as AnyPrincipal};
use facade::facts::{self, AnsweredBy};
use facade::rest::{self, IsForwarded, Served};
use percent_encoding::percent_decode_str;

use super::{client, origin, peer, shadowing};
use crate::access::Principal;
use crate::platform::network;
use crate::server::telemetry;
use crate::server::upstream::{self, Sender, Upstream};
use crate::{App, Error, Result};

/// Answers a request that no other route has answered: by a REST operation, or by forwarding it.
pub(super) async fn answer(app: &Arc<App>, request: Request) -> Response<Body> {
    let client_info =
        ClientInfo { peer: peer(&request), client: client(app, &request), origin: origin(app, &request) };
    let (client, origin) = (client_info.client, client_info.origin.clone());
    let Some(upstream) = upstream_for(app, request.uri()) else {
        return app.apis.rest.serve(request, client, origin, None).await.answer();
    };
    if let Err(error) = check_forwardable(request.method(), request.uri()) {
        return rest::refuse(request.headers(), error);
    }
    let is_forwarded = |method: &Method, path: &str| upstream.is_forwarded(method, path);
    let is_forwarded: &IsForwarded<'_> = &is_forwarded;
    let sampled = shadowing::sample(app, &request, &client_info);
    match app.apis.rest.serve(request, client, origin, Some(is_forwarded)).await {
        Served::Answer(answer) => match sampled {
            Some(sampled) => Box::pin(shadowing::compare_later(app, sampled, answer)).await,
            None => answer,
        },
        Served::Forward(request) => {
            let headers = request.headers().clone();
            let passed = Box::pin(forward(app, upstream, request, &client_info)).await;
            passed.unwrap_or_else(|error| rest::refuse_in(&headers, error, app.shop.texts(None)))
        }
    }
}

/// Whether a CORS preflight request is to be forwarded.
pub(super) fn answers_preflight(app: &App, uri: &Uri) -> bool {
    uri.path() != GRAPHQL && upstream_for(app, uri).is_some() && !app.apis.rest.has_path(uri.path())
}

/// The upstream server, if requests of this path may be forwarded.
fn upstream_for<'a>(app: &'a App, uri: &Uri) -> Option<&'a Upstream> {
    let upstream = app.upstream.as_ref()?;
    (upstream.forwards_all_paths() || rest::is_below_prefix(uri.path())).then_some(upstream)
}

/// Refuses requests that must not be forwarded: `CONNECT`, and paths with `.` or `..`, which another server could
/// resolve to another path than the one that was checked.
fn check_forwardable(method: &Method, uri: &Uri) -> Result<()> {
    if *method == Method::CONNECT {
        return Err(Refusal::message(405, "The CONNECT method is not supported."));
    }
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    // Some servers ignore everything after a semicolon.
    let mut steps = path.split(['/', '\\']).map(|step| step.split(';').next().unwrap_or_default());
    if steps.any(|step| matches!(step, "." | "..")) {
        return Err(Error::BadRequest("Bad request.".to_owned()));
    }
    Ok(())
}

/// Where a request comes from: peer, client, scheme and host.
#[derive(Clone)]
pub(super) struct ClientInfo {
    peer: IpAddr,
    pub(super) client: IpAddr,
    pub(super) origin: Origin,
}

impl ClientInfo {
    /// The sender of the forwarded request. `has_key`: whether it has a valid key.
    pub(super) fn sender(&self, app: &App, has_key: bool) -> Sender<'_> {
        Sender {
            peer: self.peer,
            keyless_client: (!has_key).then_some(self.client),
            trusted: network::is_trusted(&app.shop.config.trusted_proxies, self.peer),
            scheme: self.origin.scheme,
            host: &self.origin.host,
            request_id: telemetry::request_id().header_value(),
            traceparent: telemetry::traceparent(),
        }
    }
}

async fn forward(
    app: &App,
    upstream: &Upstream,
    request: Request,
    client_info: &ClientInfo,
) -> Result<Response<Body>> {
    let path = request.uri().path();
    facts::note(|facts| {
        facts.answered_by = AnsweredBy::Upstream;
        facts.path = upstream::documented_path(path);
    });
    let (method, headers, client) = (request.method(), request.headers(), client_info.client);
    let has_key = if rest::is_below_prefix(path) {
        admit(app, method, headers, client).await?
    } else {
        // Other paths may lead to the API of the upstream server, too.
        if app.access.knows_or_counts(headers, client).await? {
            admit(app, method, headers, client).await?;
        }
        false
    };
    upstream.forward(request, &client_info.sender(app, has_key)).await
}

/// Counts a request without a valid key for its address, and holds one with a key to the restrictions of the key, which the
/// upstream server does not know; returns whether it has a valid key. The upstream server counts requests with other
/// keys.
///
/// # Errors
/// When the key cannot be examined: it may be restricted. When the key does not allow the request, or no requests are left.
async fn admit(app: &App, method: &Method, headers: &HeaderMap, client: IpAddr) -> Result<bool> {
    let mut caller = app.apis.pipeline.identify(headers, client).await?;
    let principal = caller.principal.clone();
    if let Some(principal) = &principal {
        check_method(method, &**principal)?;
    }
    let is_counted = match principal.as_deref().and_then(Principal::of) {
        Some(who) => who.restriction.is_some(),
        None => true,
    };
    if is_counted {
        app.apis.pipeline.count(&mut caller).await?;
    }
    Ok(principal.is_some())
}

/// Refuses a request that may change something, where the caller may not.
fn check_method(method: &Method, caller: &dyn AnyPrincipal) -> Result<()> {
    if method.is_safe() { Ok(()) } else { caller.check_writable() }
}
