//! Answers, with the headers that all of them have.

use std::time::SystemTime;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::failure::Failure;
use crate::limits::WindowState;
use crate::time::Moment;

/// Headers of every answer.
const COMMON_HEADERS: [(HeaderName, HeaderValue); 8] = [
    (header::VARY, HeaderValue::from_static("Accept")),
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("http://localhost:3000")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(self)"),
    ),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), HeaderValue::from_static("none")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'self'")),
];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Initial size of an answer's buffer.
const EXPECTED_BYTES: usize = 1 << 13;

/// The body of a GraphQL answer.
#[derive(Serialize)]
struct Data<T> {
    data: T,
}

/// An answer of GraphQL.
pub fn graphql(data: &impl Serialize, window: WindowState) -> Result<Response, Failure> {
    let mut response = written(&Data { data }, window)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"),
    );
    Ok(response)
}

/// An answer of REST.
pub fn rest(body: &impl Serialize, window: WindowState) -> Result<Response, Failure> {
    let mut response = written(body, window)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    Ok(response)
}

/// An answer about a new record.
pub fn created(body: &impl Serialize, window: WindowState) -> Result<Response, Failure> {
    let mut response = rest(body, window)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Adds `Last-Modified`.
pub fn last_modified(headers: &mut HeaderMap, at: Moment) {
    let date = httpdate::fmt_http_date(SystemTime::from(at.utc()));
    if let Ok(value) = HeaderValue::try_from(date) {
        headers.insert(header::LAST_MODIFIED, value);
    }
}

fn written(body: &impl Serialize, window: WindowState) -> Result<Response, Failure> {
    let mut text = Vec::with_capacity(EXPECTED_BYTES);
    serde_json::to_writer(&mut text, body).map_err(|error| Failure::Internal(error.to_string()))?;
    let mut response = Response::new(Body::from(text));
    // The final number of headers, so that the map does not grow.
    response.headers_mut().reserve(24);
    window.write(response.headers_mut());
    complete(response.headers_mut());
    Ok(response)
}

/// Adds the headers of every answer.
pub fn complete(headers: &mut HeaderMap) {
    for (name, value) in COMMON_HEADERS {
        headers.insert(name, value);
    }
    let id = format!("{:032x}", rand::random::<u128>());
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
}
