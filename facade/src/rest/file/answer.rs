//! The response to a request for a file: 200, 206, 304, 412 or 416.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;

use super::condition::Preconditions;
use super::content::Content;
use super::media_type::covers;
use super::range::{self, RequestedRange};
use super::{FileMetadata, FileResponse};
use crate::error::Refusal;
use crate::rest::document::{Checked, Document};
use crate::rest::incoming::IncomingRequest;
use crate::rest::response::{CACHE_CONTROL, Outcome, UnwrittenResponse};
use crate::{Error, Result};

/// Answers a request with a file. No piece of it may take longer than `timeout`.
///
/// # Errors
/// 404 without a file; [`Error::Changed`] if a precondition fails; [`Error::Internal`] if the document does not name
/// its media type; the error of making or reading the content.
pub(in crate::rest) async fn answer(
    file: Option<FileResponse>,
    document: &Document<Checked>,
    request: &IncomingRequest,
    timeout: Duration,
) -> Result<Outcome> {
    let FileResponse { metadata, content } = file.ok_or_else(|| Refusal::message(404, ""))?;
    let content = content.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !document.types.iter().any(|range| covers(range, &metadata.media_type)) {
        let (name, ty) = (&document.name, metadata.media_type);
        return Err(Error::internal(format!(
            "operation `{name}` answers {ty:?}, which its `type` does not name"
        )));
    }
    // RFC 9110 defines the headers for these methods.
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    match metadata.validators.evaluate(&request.headers) {
        Preconditions::Failed if reads => Err(Error::Changed),
        Preconditions::NotModified if reads => Ok(Outcome::File(response_with(
            StatusCode::NOT_MODIFIED,
            metadata.validator_headers(),
            without_length(),
        ))),
        _ if request.is_head => Ok(Outcome::File(head(&metadata, &content))),
        _ => send(&metadata, content.made().await?, request, timeout).await,
    }
}

/// The response to `HEAD`: the headers of the `GET`. The content is neither made nor read.
fn head(metadata: &FileMetadata, content: &Content) -> Response<Body> {
    response_with(StatusCode::OK, metadata.headers(content, content.length()), without_length())
}

/// The response with the content, or with the requested part of it.
async fn send(
    metadata: &FileMetadata,
    content: Content,
    request: &IncomingRequest,
    timeout: Duration,
) -> Result<Outcome> {
    let length = content.length();
    let may_be_range = request.method == Method::GET
        && content.supports_ranges()
        && metadata.validators.allow_range(&request.headers);
    match length.filter(|_| may_be_range).map(|length| (range::requested(&request.headers, length), length)) {
        Some((RequestedRange::Unsatisfiable, length)) => unsatisfiable(length),
        Some((RequestedRange::Part(part), length)) => {
            let mut headers = metadata.headers(&content, Some(part.end - part.start));
            let content_range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            headers.insert(
                header::CONTENT_RANGE,
                HeaderValue::try_from(content_range).map_err(Error::internal)?,
            );
            let body = content.into_body(Some(part), timeout).await?;
            Ok(Outcome::File(response_with(StatusCode::PARTIAL_CONTENT, headers, body)))
        }
        Some((RequestedRange::Whole, _)) | None => {
            let headers = metadata.headers(&content, length);
            let body = content.into_body(None, timeout).await?;
            Ok(Outcome::File(response_with(StatusCode::OK, headers, body)))
        }
    }
}

/// The response to a range that a file of `length` bytes does not have.
fn unsatisfiable(length: u64) -> Result<Outcome> {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = UnwrittenResponse::error(Refusal::message(status.as_u16(), text));
    let content_range = HeaderValue::try_from(format!("bytes */{length}")).map_err(Error::internal)?;
    response.headers.insert(header::CONTENT_RANGE, content_range);
    Ok(response.into())
}

fn response_with(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// An empty body without a known length, so that no layer adds `Content-Length: 0` to the response.
fn without_length() -> Body {
    Body::from_stream(stream::empty::<io::Result<Bytes>>())
}

impl FileMetadata {
    /// The headers of 304.
    fn validator_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        self.validators.write(&mut headers);
        headers
    }

    /// The headers of a response with `length` bytes of the content.
    fn headers(&self, content: &Content, length: Option<u64>) -> HeaderMap {
        let mut headers = self.validator_headers();
        headers.insert(header::CONTENT_TYPE, self.media_type.clone());
        // A browser must not take an uploaded file for a page.
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(disposition) = &self.disposition {
            headers.insert(header::CONTENT_DISPOSITION, disposition.clone());
        }
        if content.supports_ranges() {
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        headers
    }
}
