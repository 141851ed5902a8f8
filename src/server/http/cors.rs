//! CORS: which origins a browser may send requests from, and the answers to preflight requests
//! (docs/contract/wire.md#1.8).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use facade::apis::GRAPHQL;

use crate::platform::config::Config;

/// Whether a request asks for what a browser may send.
pub(super) fn is_preflight(request: &Request) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight request, without the allowed origin.
pub(super) fn preflight_answer(request: &Request) -> Response<Body> {
    let asked = request.headers();
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
    // REST has the original's; a page asks GraphQL again and again.
    let seconds = if request.uri().path() == GRAPHQL { "600" } else { "0" };
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(seconds));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    response
}

/// The origin that an answer is open to.
#[derive(Debug)]
pub(super) struct AllowedOrigin {
    origin: Option<HeaderValue>,
    /// Whether it depends on the request.
    varies: bool,
}

impl AllowedOrigin {
    /// `FRONTEND_URL`, as the original has it, or the request's own origin where `GUICHET_CORS_ORIGINS` names it.
    pub(super) fn of(config: &Config, request: &HeaderMap) -> Self {
        let frontend = HeaderValue::from_str(&config.frontend_url).ok();
        let named = match config.cors_origins.as_slice() {
            [] => return Self { origin: frontend, varies: false },
            [all] if all == "*" => {
                return Self { origin: Some(HeaderValue::from_static("*")), varies: false };
            }
            named => named,
        };
        let own = request.get(header::ORIGIN).filter(|own| named.iter().any(|named| *own == named));
        Self { origin: own.cloned().or(frontend), varies: true }
    }

    /// Adds the header, unless an answer has its own.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.origin {
            headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
        }
    }
}
