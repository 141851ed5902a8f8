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
use crate::rest::response::{Outcome, UnwrittenResponse};
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
    let file = file.ok_or_else(|| Refusal::message(404, ""))?;
    if !document.types.iter().any(|range| covers(range, &file.metadata.media_type)) {
        let (name, ty) = (&document.name, file.metadata.media_type);
        return Err(Error::internal(format!(
            "operation `{name}` answers {ty:?}, which its `type` does not name"
        )));
    }
    let asked = FileRequest { method: &request.method, is_head: request.is_head, headers: &request.headers };
    match asked.answer(file, timeout).await? {
        FileAnswer::Response(response) => Ok(Outcome::File(response)),
        FileAnswer::Unsatisfiable(length) => unsatisfiable(length),
    }
}

impl FileResponse {
    /// The response to a request that no operation answers: 200, 206, 304 or 416. No piece of the file may take longer
    /// than `timeout`.
    ///
    /// # Errors
    /// [`Error::Changed`] if a precondition fails; the error of making or reading the content.
    pub async fn into_response(
        self,
        method: &Method,
        headers: &HeaderMap,
        timeout: Duration,
    ) -> Result<Response<Body>> {
        let asked = FileRequest { method, is_head: *method == Method::HEAD, headers };
        Ok(match asked.answer(self, timeout).await? {
            FileAnswer::Response(response) => response,
            FileAnswer::Unsatisfiable(length) => response_with(
                StatusCode::RANGE_NOT_SATISFIABLE,
                HeaderMap::from_iter([(header::CONTENT_RANGE, content_range_of(length)?)]),
                Body::empty(),
            ),
        })
    }
}

/// What a request says of the file that it asks for.
struct FileRequest<'a> {
    method: &'a Method,
    /// Whether it was sent as `HEAD`.
    is_head: bool,
    headers: &'a HeaderMap,
}

/// The answer to a request for a file.
enum FileAnswer {
    Response(Response<Body>),
    /// The file, which has so many bytes, lacks the requested range.
    Unsatisfiable(u64),
}

impl FileRequest<'_> {
    async fn answer(&self, file: FileResponse, timeout: Duration) -> Result<FileAnswer> {
        let FileResponse { metadata, content } = file;
        let content = content.into_inner().unwrap_or_else(PoisonError::into_inner);
        // RFC 9110 defines the headers for these methods.
        let reads = self.method == Method::GET || self.method == Method::HEAD;
        match metadata.validators.evaluate(self.headers) {
            Preconditions::Failed if reads => Err(Error::Changed),
            Preconditions::NotModified if reads => Ok(FileAnswer::Response(response_with(
                StatusCode::NOT_MODIFIED,
                metadata.validator_headers(),
                without_length(),
            ))),
            _ if self.is_head => Ok(FileAnswer::Response(head(&metadata, &content))),
            _ => self.send(&metadata, content.made().await?, timeout).await,
        }
    }

    /// The response with the content, or with the requested part of it.
    async fn send(&self, metadata: &FileMetadata, content: Content, timeout: Duration) -> Result<FileAnswer> {
        let length = content.length();
        let may_be_range = self.method == Method::GET
            && content.supports_ranges()
            && metadata.validators.allow_range(self.headers);
        match length.filter(|_| may_be_range).map(|length| (range::requested(self.headers, length), length)) {
            Some((RequestedRange::Unsatisfiable, length)) => Ok(FileAnswer::Unsatisfiable(length)),
            Some((RequestedRange::Part(part), length)) => {
                let mut headers = metadata.headers(&content, Some(part.end - part.start));
                let content_range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                headers.insert(
                    header::CONTENT_RANGE,
                    HeaderValue::try_from(content_range).map_err(Error::internal)?,
                );
                let body = content.into_body(Some(part), timeout).await?;
                Ok(FileAnswer::Response(response_with(StatusCode::PARTIAL_CONTENT, headers, body)))
            }
            Some((RequestedRange::Whole, _)) | None => {
                let headers = metadata.headers(&content, length);
                let body = content.into_body(None, timeout).await?;
                Ok(FileAnswer::Response(response_with(StatusCode::OK, headers, body)))
            }
        }
    }
}

/// The response to `HEAD`: the headers of the `GET`. The content is neither made nor read.
fn head(metadata: &FileMetadata, content: &Content) -> Response<Body> {
    response_with(StatusCode::OK, metadata.headers(content, content.length()), without_length())
}

/// The response to a range that a file of `length` bytes does not have.
fn unsatisfiable(length: u64) -> Result<Outcome> {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = UnwrittenResponse::error(Refusal::message(status.as_u16(), text));
    response.headers.insert(header::CONTENT_RANGE, content_range_of(length)?);
    Ok(response.into())
}

/// `Content-Range` of a file of `length` bytes that lacks the requested range.
fn content_range_of(length: u64) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("bytes */{length}")).map_err(Error::internal)
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
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
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
