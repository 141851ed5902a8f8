//! Compression of answers by `Accept-Encoding`: Zstandard, Brotli or gzip.

use std::convert::Infallible;
use std::future::ready;

use axum::body::{self, Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// Shorter answers, in bytes, are sent as they are: with their headers they hardly get smaller.
const MIN_LENGTH: u64 = 1024;
/// Longer ones are, too: they are compressed in memory, and would hold up their thread.
const MAX_LENGTH: u64 = 16 << 20;

/// Of each format. At higher levels Brotli needs several times as long, and answers get a few percent smaller.
const LEVEL: CompressionLevel = CompressionLevel::Precise(3);

/// The encodings that a client accepts.
#[derive(Debug)]
pub(super) struct Accepted(HeaderMap);

impl Accepted {
    /// `None`: the client takes answers only as they are.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let mut lines = request.headers().get_all(header::ACCEPT_ENCODING).iter().peekable();
        lines.peek()?;
        Some(Self(lines.map(|line| (header::ACCEPT_ENCODING, line.clone())).collect()))
    }

    /// Compresses an answer, if it is long enough, a text, and not compressed already.
    ///
    /// The whole body is compressed at once: the memory of an encoder, some megabytes, is free again before a slow
    /// client gets the first byte.
    pub(super) async fn compress(self, response: Response<Body>) -> Response<Body> {
        if !is_compressible(&response) {
            return response;
        }
        let status = response.status();
        let mut once = Some(response);
        let answer = tower::service_fn(move |_: Request<()>| {
            ready(Ok::<_, Infallible>(once.take().unwrap_or_default()))
        });
        let mut request = Request::new(());
        *request.headers_mut() = self.0;
        let Ok(compressed) = Compression::new(answer).quality(LEVEL).oneshot(request).await;
        let (mut head, body) = compressed.into_parts();
        // Who accepts no encoding at all gets the answer as it is (RFC 9110, 12.5.3), and not another status after a change was made.
        head.status = status;
        let Ok(bytes) = body::to_bytes(Body::new(body), usize::MAX).await else {
            tracing::error!("an answer could not be compressed");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            weaken_tag(&mut head.headers);
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        Response::from_parts(head, Body::from(bytes))
    }
}

fn is_compressible(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let named = || headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    let length: Option<u64> = response.body().size_hint().exact().or_else(named);
    length.is_some_and(|length| (MIN_LENGTH..=MAX_LENGTH).contains(&length))
        && !headers.contains_key(header::CONTENT_ENCODING)
        // Files of the storage, of which parts can be asked for.
        && !headers.contains_key(header::ACCEPT_RANGES)
        && headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_text)
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || matches!(essence.strip_prefix("application/"), Some("json" | "xml" | "yaml"))
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
}

/// A compressed answer is not the same, byte for byte, as the one that a strong tag names (RFC 9110, 8.8.1).
fn weaken_tag(headers: &mut HeaderMap) {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let weak = tag
        .filter(|tag| tag.starts_with('"'))
        .and_then(|tag| HeaderValue::from_str(&format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}
