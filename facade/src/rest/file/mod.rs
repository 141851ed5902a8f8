//! Responses that are files. A root field returns a [`FileResponse`], and its document says `answer: FILE`.
//!
//! The content is no part of the GraphQL answer, which would have to encode it as text. There, the value of the field
//! is `true`; the file is stored in the [`Execution`], and REST takes it from there.

mod answer;
mod condition;
mod content;
mod disposition;
mod media_type;
mod range;

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, MetaTypeName, Registry};
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use axum::http::HeaderValue;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncSeek};

pub(super) use self::answer::answer;
use self::condition::Validators;
use self::content::Content;
use self::disposition::{DispositionType, disposition};
pub(super) use self::media_type::is_media_range;
use super::response::CACHE_CONTROL;
use crate::execution::Execution;
use crate::{Error, Result};

/// A file as the value of a root field: its content, and the headers that describe it.
///
/// Only REST has fields of this type. The public schema leaves them out, with or without
/// [`RestOnly`](crate::rest_only::RestOnly). If the field is null, the answer is 404.
///
/// REST never sends a file of another length than it has announced. It ends the connection if the content is shorter or
/// longer, if reading it fails, or if the next piece takes longer than [`Options::timeout`]. If that happens before the
/// first piece is sent, the answer is 500.
///
/// [`Options::timeout`]: crate::engine::Options::timeout
pub struct FileResponse {
    metadata: FileMetadata,
    content: Mutex<Content>,
}

/// What the headers of a file are made of.
#[derive(Clone)]
struct FileMetadata {
    media_type: HeaderValue,
    disposition: Option<HeaderValue>,
    validators: Validators,
    cache_control: HeaderValue,
}

impl FileResponse {
    const NAME: &str = "FileResponse";

    fn new(media_type: &str, content: Content) -> Self {
        let media_type = media_type::header(media_type);
        let metadata = FileMetadata {
            media_type,
            disposition: None,
            validators: Validators::default(),
            cache_control: CACHE_CONTROL,
        };
        Self { metadata, content: Mutex::new(content) }
    }

    /// A file in memory. `media_type` is the value of `Content-Type` (`application/pdf`, `text/csv; charset=utf-8`); an
    /// invalid one is replaced by `application/octet-stream`.
    pub fn of_bytes(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self::new(media_type, Content::Bytes(bytes.into()))
    }

    /// A file that is made in memory only if it is sent: not for `HEAD`, whose answer then has no `Content-Length`, and
    /// not for 304. The future runs within the time limit of the request, and its error is the answer.
    pub fn of_future(media_type: &str, making: impl Future<Output = Result<Bytes>> + Send + 'static) -> Self {
        Self::new(media_type, Content::Future(making.boxed()))
    }

    /// An open file, which is read while it is sent. Its length and its time of modification are read now.
    ///
    /// # Errors
    /// [`Error::Internal`] if the file's metadata cannot be read.
    pub async fn of_file(media_type: &str, file: tokio::fs::File) -> Result<Self> {
        let metadata = file.metadata().await.map_err(Error::internal)?;
        let response = Self::of_reader(media_type, file, metadata.len());
        Ok(match metadata.modified() {
            Ok(changed_at) => response.last_modified(changed_at.into()),
            // Some file systems have no time of modification.
            Err(_) => response,
        })
    }

    /// A file of `length` bytes, which is read while it is sent. For a range, the reader seeks to its first byte.
    pub fn of_reader(
        media_type: &str,
        reader: impl AsyncRead + AsyncSeek + Send + 'static,
        length: u64,
    ) -> Self {
        Self::new(media_type, Content::Reader(Box::pin(reader), length))
    }

    /// A file as a stream of pieces, with its length in bytes if that is known. `Range` is ignored.
    ///
    /// The stream lives as long as the client downloads, which can be long, and does not count as a running request: it
    /// should not hold a database connection. Without a length, an HTTP/1.0 client cannot tell a failure from the end.
    pub fn of_stream(
        media_type: &str,
        pieces: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        Self::new(media_type, Content::Stream(pieces.boxed(), length))
    }

    /// Sets `Content-Disposition: inline` with a file name. Control characters are removed from the name, and slashes
    /// are replaced.
    #[must_use]
    pub fn inline(self, name: &str) -> Self {
        self.with_disposition(DispositionType::Inline, name)
    }

    /// Sets `Content-Disposition: attachment` with a file name, as [`Self::inline`] does.
    #[must_use]
    pub fn attachment(self, name: &str) -> Self {
        self.with_disposition(DispositionType::Attachment, name)
    }

    fn with_disposition(mut self, ty: DispositionType, name: &str) -> Self {
        self.metadata.disposition = Some(disposition(ty, name));
        self
    }

    /// Sets a strong `ETag`: a hash of `version`, which must differ whenever the content differs.
    #[must_use]
    pub fn etag(mut self, version: &str) -> Self {
        self.metadata.validators.set_tag(version);
        self
    }

    /// Sets `Last-Modified`: when the content was last changed.
    #[must_use]
    pub fn last_modified(mut self, at: DateTime<Utc>) -> Self {
        self.metadata.validators.set_change(at);
        self
    }

    /// Sets `Cache-Control`, which is `no-cache, private` otherwise.
    #[must_use]
    pub fn cache_control(mut self, directives: &'static str) -> Self {
        self.metadata.cache_control = HeaderValue::from_static(directives);
        self
    }

    /// Whether the type of a field is a file or a list of files.
    pub(crate) fn is_in(field: &MetaField) -> bool {
        MetaTypeName::concrete_typename(&field.ty) == Self::NAME
    }

    /// Whether the type of a field is one file.
    pub(crate) fn is_type_of(field: &MetaField) -> bool {
        field.ty.trim_end_matches('!') == Self::NAME
    }
}

impl OutputType for FileResponse {
    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Scalar, |_| MetaType::Scalar {
            name: Self::NAME.to_owned(),
            description: Some("A file, which only REST can answer; its value is `true`.".to_owned()),
            is_valid: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let content = std::mem::take(&mut *self.content.lock().unwrap_or_else(PoisonError::into_inner));
        let file = Self { metadata: self.metadata.clone(), content: Mutex::new(content) };
        Execution::of(ctx).put_file(file);
        Ok(Value::Boolean(true))
    }
}
