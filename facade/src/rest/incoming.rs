//! A request before its body is read: its path, its method, and the format that its client accepts.

use std::net::IpAddr;

use async_graphql::Value;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Method, Request, Uri, Version, header};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::PREFIX;
use super::fields::Fields;
use super::routes::MatchedPath;
use crate::execution::Origin;
use crate::http::accept::{MediaRange, media_ranges};
use crate::write::Expected;
use crate::{Error, Result};

/// The header of a `POST` that names another method.
const METHOD_OVERRIDE: &str = "x-http-method-override";
/// The field of a `POST` that names another method.
const METHOD_FIELD: &str = "_method";

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Xml,
}

/// A request whose body is not read yet.
pub struct IncomingRequest {
    pub method: Method,
    /// Whether it was sent as `HEAD`: then the answer has no body.
    pub is_head: bool,
    pub headers: HeaderMap,
    /// The path as [`normal_path`] returns it.
    pub path: String,
    pub matched_path: MatchedPath,
    pub uri: Uri,
    pub version: Version,
    pub client: IpAddr,
    pub origin: Origin,
    pub format: Format,
    /// Whether it counts in the limits of its caller.
    pub counts_in_limits: bool,
}

impl IncomingRequest {
    /// Separates a request from its body. `path` is its normal path, `matched_path` the path of an operation that it
    /// matches.
    pub fn new(
        request: Request<Body>,
        path: String,
        matched_path: MatchedPath,
        client: IpAddr,
        origin: Origin,
    ) -> (Self, Body) {
        let format = accepted_format(request.headers());
        let (parts, body) = request.into_parts();
        let incoming = Self {
            is_head: parts.method == Method::HEAD,
            method: parts.method,
            headers: parts.headers,
            path,
            matched_path,
            uri: parts.uri,
            version: parts.version,
            client,
            origin,
            format,
            counts_in_limits: true,
        };
        (incoming, body)
    }

    /// Whether no header, query or body can override the method. Only a `POST` can be overridden.
    pub fn has_final_method(&self, body: &Body) -> bool {
        let has_query = self.uri.query().is_some_and(|query| !query.is_empty());
        let may_be_overridden = self.headers.contains_key(METHOD_OVERRIDE) || has_query;
        self.method != Method::POST || (body.is_end_stream() && !may_be_overridden)
    }

    /// The method of the operation: the method of the request, or the one that overrides a `POST`
    /// (docs/contract/wire.md#2.4).
    ///
    /// # Errors
    /// 400 if the overriding text is not a method.
    pub fn overridden_method(&self, fields: &Fields) -> Result<Method> {
        if self.method != Method::POST {
            return Ok(self.method.clone());
        }
        let header = self.headers.get(METHOD_OVERRIDE).and_then(|value| value.to_str().ok());
        let header = header.filter(|method| !method.is_empty());
        let text = match (header, fields.get(METHOD_FIELD)) {
            (Some(text), _) => text,
            (None, None | Some(Value::Null)) => return Ok(Method::POST),
            (None, Some(Value::String(text))) => text,
            (None, Some(_)) => "",
        };
        method_from_text(text).ok_or_else(|| Error::BadRequest("Bad request.".to_owned()))
    }

    /// The state that the record must be in for a change: not changed after the date in `If-Unmodified-Since`. A text
    /// that is not an HTTP date counts as absent (RFC 9110, 13.1.4).
    pub fn expected_state(&self) -> Expected {
        let text = self.headers.get(header::IF_UNMODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let date = text.and_then(|text| httpdate::parse_http_date(text).ok());
        date.map_or(Expected::Any, |date| Expected::NotAfter(date.into()))
    }

    /// The request as it was received, with the bytes of its body.
    pub fn into_request(self, body: Bytes) -> Request<Body> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}

/// The decoded path, without `/index.php` at its beginning and without slashes at its end.
pub fn normal_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let path = decoded.strip_prefix("/index.php").unwrap_or(&decoded).trim_end_matches('/');
    path.to_owned()
}

/// Whether a path is [`PREFIX`] or below it, whether or not an operation has it.
pub fn is_below_prefix(path: &str) -> bool {
    let path = normal_path(path);
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The method by the head of a request alone: its method, or the one that a header of a `POST` names.
pub fn method_of_head(method: &Method, headers: &HeaderMap) -> Method {
    let header = headers.get(METHOD_OVERRIDE).filter(|_| *method == Method::POST);
    let overriding = header.and_then(|value| value.to_str().ok()).and_then(method_from_text);
    overriding.unwrap_or_else(|| method.clone())
}

/// The method with this name in upper or lower case; `None` if the text is not made of letters.
fn method_from_text(text: &str) -> Option<Method> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| Method::from_bytes(text.to_ascii_uppercase().as_bytes()).ok()).flatten()
}

/// XML if it ranks first in `Accept`, otherwise JSON (docs/contract/documented-contract.md#4.6).
pub fn accepted_format(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut ranges: Vec<MediaRange> = media_ranges(accept).collect();
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    let first = ranges.first().map_or("", |range| range.media.as_str());
    let is_xml = matches!(first, "application/xml" | "text/xml")
        || (first.ends_with("+xml") && first != "application/xhtml+xml");
    if is_xml { Format::Xml } else { Format::Json }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn format(accept: &'static str) -> Format {
        accepted_format(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn xml_only_where_it_ranks_first() {
        for accept in [
            "application/xml",
            "text/xml, application/json",
            "application/json;q=0.5, application/xml",
            "image/svg+xml",
        ] {
            assert_eq!(format(accept), Format::Xml, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json, application/xml",
            "application/xhtml+xml",
            "text/html,application/xml;q=0.9",
        ] {
            assert_eq!(format(accept), Format::Json, "{accept}");
        }
    }
}
