//! The response to a request: its status, its headers, and its body as JSON or XML.

use async_graphql::Value;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::incoming::{Format, accepted_format};
use super::routes::Unmatched;
use super::xml;
use crate::engine::{KeysAsTexts, Texts};
use crate::error::Refusal;
use crate::{Error, facts};

/// The target of log lines: operators filter by it (`RUST_LOG`).
const LOG_TARGET: &str = "facade::rest";
const JSON: &str = "application/json";
const XML: &str = "application/xml; charset=utf-8";
/// `Cache-Control` of a response that has no other.
pub const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("no-cache, private");
/// Number of headers for which memory is reserved at once: a rough estimate.
const HEADERS: usize = 20;
/// Number of bytes that are reserved for the JSON around the rows of a page: a rough estimate.
const ENVELOPE_BYTES: usize = 4096;

/// A response whose body is not written as JSON or XML yet.
pub struct UnwrittenResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// The result of a request to [`Rest`](super::Rest).
pub enum Served {
    /// The response.
    Answer(Response<Body>),
    /// The request as it was received: the host must forward it.
    Forward(Request<Body>),
}

impl Served {
    /// The response. For a request that must be forwarded, it is an internal error: a caller that forwards no requests
    /// passes `None` for [`IsForwarded`](super::IsForwarded).
    pub fn answer(self) -> Response<Body> {
        match self {
            Self::Answer(answer) => answer,
            Self::Forward(request) => {
                refuse(request.headers(), Error::internal("a request was left to nobody"))
            }
        }
    }
}

/// The result of a request before anything is written.
pub enum Outcome {
    Response(UnwrittenResponse),
    /// A file, which is neither JSON nor XML.
    File(Response<Body>),
    /// The request as it was received: the host must forward it.
    Forward(Box<Request<Body>>),
}

impl Outcome {
    /// The headers of the response; `None` for a request that must be forwarded.
    pub fn headers_mut(&mut self) -> Option<&mut HeaderMap> {
        match self {
            Self::Response(response) => Some(&mut response.headers),
            Self::File(response) => Some(response.headers_mut()),
            Self::Forward(_) => None,
        }
    }
}

impl From<UnwrittenResponse> for Outcome {
    fn from(response: UnwrittenResponse) -> Self {
        Self::Response(response)
    }
}

impl UnwrittenResponse {
    /// The response to a request that has failed, for errors that have one message in all languages.
    pub fn error(error: Error) -> Self {
        Self::error_in(error, &KeysAsTexts)
    }

    /// The response to a request that has failed. It logs the cause, if the error has one.
    pub fn error_in(error: Error, texts: &dyn Texts) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(target: LOG_TARGET, %cause, trace_id = %facts::trace_id(), "request failed: {error}");
        }
        facts::note(|facts| facts.error(error.log_code().name()));
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = error.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Self { status, headers, body: Value::from_json(error.body(texts)).unwrap_or_default() }
    }

    /// The response to a request that no operation answers: 404 or 405. `path` is its normal path.
    pub fn unmatched(unmatched: Unmatched, method: &Method, path: &str) -> Self {
        match unmatched {
            Unmatched::NotFound => Self::error(Refusal::message(404, "")),
            Unmatched::NotAllowed(allow) => {
                let route = path.trim_start_matches('/');
                let text = format!(
                    "The {method} method is not supported for route {route}. Supported methods: {allow}."
                );
                let mut response = Self::error(Refusal::message(405, text));
                if let Ok(allow) = HeaderValue::from_str(&allow) {
                    response.headers.insert(header::ALLOW, allow);
                }
                response
            }
        }
    }

    /// The response to `OPTIONS`. `allow` is the value of `Allow`.
    pub fn options(allow: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::VARY, HeaderValue::from_static("Access-Control-Request-Method"));
        if let Ok(allow) = HeaderValue::from_str(allow) {
            headers.insert(header::ALLOW, allow);
        }
        Self { status: StatusCode::OK, headers, body: Value::Binary(Bytes::new()) }
    }

    /// Writes the body and completes the headers. For `HEAD`, the body is left out, and `Content-Length` is its length.
    pub fn write(self, format: Format, is_head: bool) -> Response<Body> {
        let Self { status, mut headers, body } = self;
        let json = json(&body);
        let is_empty = is_head || json.is_empty();
        let (content_type, bytes) = match format {
            Format::Xml if json.is_empty() => (XML, json),
            Format::Xml => (XML, xml::write(&json).unwrap_or_default().into()),
            Format::Json => (JSON, json),
        };
        headers.reserve(HEADERS);
        // A response without content has no media type (RFC 9110, 15.3.5).
        if status != StatusCode::NO_CONTENT {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        }
        headers.entry(header::VARY).or_insert(HeaderValue::from_static("Accept"));
        headers.entry(header::CACHE_CONTROL).or_insert(CACHE_CONTROL);
        if is_head {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        let mut response = Response::new(if is_empty { Body::empty() } else { Body::from(bytes) });
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// The response to a request that is refused before it is read, for errors that have one message in all languages. Of `headers`,
/// only `Accept` is used.
pub fn refuse(headers: &HeaderMap, error: Error) -> Response<Body> {
    refuse_in(headers, error, &KeysAsTexts)
}

/// As [`refuse`], for all errors.
pub fn refuse_in(headers: &HeaderMap, error: Error, texts: &dyn Texts) -> Response<Body> {
    UnwrittenResponse::error_in(error, texts).write(accepted_format(headers), false)
}

/// The body as JSON text. A body in bytes is JSON text already.
fn json(body: &Value) -> Bytes {
    if let Value::Binary(json) = body {
        return json.clone();
    }
    let written = |value: &Value| if let Value::Binary(json) = value { json.len() } else { 0 };
    let rows = if let Value::Object(fields) = body { fields.values().map(written).sum() } else { 0 };
    let mut json = Vec::with_capacity(rows + ENVELOPE_BYTES);
    crate::write_value(body, crate::Api::REST, &mut json);
    json.into()
}

/// The header of the response to a `GET` that has changed something: no cache may store it.
pub fn no_store() -> HeaderMap {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))].into_iter().collect()
}

/// `Last-Modified`, if the time of the last change is known. HTTP has no dates before 1970.
pub fn last_modified(changed_at: Option<DateTime<Utc>>) -> HeaderMap {
    let changed_at = changed_at.filter(|at| at.timestamp() >= 0);
    let text = changed_at.map(|at| httpdate::fmt_http_date(at.into()));
    let value = text.and_then(|text| HeaderValue::from_str(&text).ok());
    value.map(|value| (header::LAST_MODIFIED, value)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_before_1970_has_no_date() {
        let headers = |at: &str| last_modified(Some(at.parse().unwrap())).len();
        assert_eq!(
            (headers("1969-12-31T23:59:59Z"), headers("1970-01-01T00:00:00Z"), last_modified(None).len()),
            (0, 1, 0)
        );
    }
}
