//! Files of the shop's public storage, for everybody: `GET` and `HEAD` below `/storage/`. The shop's web server usually
//! answers these paths; guichet does where it stands alone, and where it has the file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, header};
use facade::rest;
use percent_encoding::percent_decode_str;

use super::forwarding;
use crate::shop::storage;
use crate::{App, Result};

/// The route of all files.
pub(super) const ROUTE: &str = "/storage/{*name}";
const PREFIX: &str = "/storage/";
/// A file that a browser opens as a page runs no scripts and loads nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'",
);

/// Answers with the file that a request names. What is no file here is answered as every other path: by the upstream
/// server, if there is one.
pub(super) async fn answer(app: &Arc<App>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    match file(app, &head).await {
        Ok(Some(response)) => response,
        Ok(None) => forwarding::answer(app, Request::from_parts(head, body)).await,
        Err(error) => rest::refuse(&head.headers, error),
    }
}

async fn file(app: &App, request: &Parts) -> Result<Option<Response<Body>>> {
    let (method, config) = (&request.method, &app.shop.config);
    if *method != Method::GET && *method != Method::HEAD {
        return Ok(None);
    }
    let name = request.uri.path().strip_prefix(PREFIX).map(percent_decode_str);
    let Some(name) = name.and_then(|name| name.decode_utf8().ok()) else { return Ok(None) };
    let Some(stored) = storage::open(&config.storage, &name).await else { return Ok(None) };
    let timeout = config.timeout;
    let mut response = stored.into_response().await?.into_response(method, &request.headers, timeout).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(Some(response))
}
