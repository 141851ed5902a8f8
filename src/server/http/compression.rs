//! Compression of answers by `Accept-Encoding`: Zstandard, Brotli or gzip.

use std::convert::Infallible;
use std::future::ready;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::{self, Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use facade::cache::Cache;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// Shorter answers, in bytes, are sent as they are: with their headers they hardly get smaller.
const MIN_LENGTH: u64 = 1024;
/// Longer ones are, too: they are compressed in memory.
const MAX_LENGTH: u64 = 16 << 20;
/// Longer ones are compressed on a blocking thread, so that they do not delay other requests.
const MAX_INLINE_LENGTH: u64 = 64 * 1024;
/// How many long answers are compressed at the same time.
static LONG_ANSWERS: Semaphore = Semaphore::const_new(2);

/// Of each format. At higher levels Brotli needs several times as long, and answers get a few percent smaller.
const LEVEL: CompressionLevel = CompressionLevel::Precise(3);

/// The compressed contents of documents that are the same for everybody ([`Document`]).
static DOCUMENTS: LazyLock<Cache<String, Compressed>> = LazyLock::new(|| Cache::new(64, DOCUMENT_TTL));
const DOCUMENT_TTL: Duration = Duration::from_secs(3600);
/// Longer lists of encodings do not become keys of the cache.
const MAX_ACCEPTED: usize = 100;

/// Marks an answer as a document that is the same for everybody: its compressed content is kept. The text names the
/// content.
#[derive(Clone)]
pub(super) struct Document(pub(super) String);

/// The encodings that a client accepts.
#[derive(Debug)]
pub(super) struct Accepted(HeaderMap);

/// A content, and its encoding; `None`: the client accepts none.
#[derive(Clone)]
struct Compressed {
    encoding: Option<HeaderValue>,
    bytes: Bytes,
}

impl Accepted {
    /// `None`: the client takes answers only as they are, or wants no content at all.
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
        lines.peek().filter(|_| *method != Method::HEAD)?;
        Some(Self(lines.map(|line| (header::ACCEPT_ENCODING, line.clone())).collect()))
    }

    /// Compresses an answer, if it is long enough, a text, and not compressed already.
    ///
    /// The whole body is compressed at once: the memory of an encoder, some megabytes, is free again before a slow
    /// client gets the first byte.
    pub(super) async fn compress(self, response: Response<Body>) -> Response<Body> {
        let Some(length) = compressible_length(&response) else { return response };
        let (mut head, body) = response.into_parts();
        let Some(compressed) = self.content(&head, body, length).await else {
            tracing::error!("an answer could not be compressed");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        head.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = compressed.encoding {
            head.headers.insert(header::CONTENT_ENCODING, encoding);
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(compressed.bytes.len()));
            weaken_tag(&mut head.headers);
        }
        Response::from_parts(head, Body::from(compressed.bytes))
    }

    /// The content of an answer in the encoding that the client prefers; `None` where that fails.
    async fn content(self, head: &Parts, body: Body, length: u64) -> Option<Compressed> {
        let key = head.extensions.get().and_then(|document| self.key(document));
        if let Some(kept) = key.as_ref().and_then(|key| DOCUMENTS.get(key)) {
            return Some(kept);
        }
        let compressed = if length <= MAX_INLINE_LENGTH {
            self.encode(body).await?
        } else {
            let place = LONG_ANSWERS.acquire().await.ok()?;
            let encoded =
                tokio::task::spawn_blocking(move || Handle::current().block_on(self.encode(body))).await;
            drop(place);
            encoded.ok()??
        };
        if let Some(key) = key.filter(|_| compressed.encoding.is_some()) {
            DOCUMENTS.insert(key, compressed.clone());
        }
        Some(compressed)
    }

    fn key(&self, Document(name): &Document) -> Option<String> {
        let accepted: Vec<_> = self.0.values().map(|value| value.to_str().unwrap_or_default()).collect();
        let accepted = accepted.join(",");
        (accepted.len() <= MAX_ACCEPTED).then(|| format!("{accepted} {name}"))
    }

    async fn encode(self, body: Body) -> Option<Compressed> {
        let mut once = Some(Response::new(body));
        let answer = tower::service_fn(move |_: Request<()>| {
            ready(Ok::<_, Infallible>(once.take().unwrap_or_default()))
        });
        let mut request = Request::new(());
        *request.headers_mut() = self.0;
        // Who accepts no encoding at all gets the answer as it is (RFC 9110, 12.5.3): its status is not that of this one.
        let Ok(compressed) = Compression::new(answer).quality(LEVEL).oneshot(request).await;
        let encoding = compressed.headers().get(header::CONTENT_ENCODING).cloned();
        let bytes = body::to_bytes(Body::new(compressed.into_body()), usize::MAX).await.ok()?;
        Some(Compressed { encoding, bytes })
    }
}

/// The length of an answer that can be compressed.
fn compressible_length(response: &Response<Body>) -> Option<u64> {
    let headers = response.headers();
    let named = || headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    let length: u64 = response.body().size_hint().exact().or_else(named)?;
    let is_compressible = (MIN_LENGTH..=MAX_LENGTH).contains(&length)
        && !headers.contains_key(header::CONTENT_ENCODING)
        // Files of the storage, of which parts can be asked for.
        && !headers.contains_key(header::ACCEPT_RANGES)
        && headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_text)
        && !is_negotiated(headers);
    is_compressible.then_some(length)
}

/// Whether an answer was made for the encodings that the client accepts.
fn is_negotiated(headers: &HeaderMap) -> bool {
    let varies = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
    varies.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("accept-encoding"))
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
