//! Reading a request's query and body (docs/contract/wire.md#2.1): within limits of bytes, values and fields, and
//! of the names that the operation declares.

use std::sync::Arc;

use async_graphql::{UploadValue, Value};
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use axum::http::{HeaderMap, Method, Request, header};

use super::bag::{self, Fields, Nest};
use super::expected::Expected;
use super::request::Input;
use crate::form::normalise;
use crate::http::BodyLimits;
use crate::http::body::BodyError;
use crate::http::json::{self, JsonError, JsonLimits};
use crate::pipeline::Pipeline;
use crate::{Error, Result};

/// The query's fields, normalised: nulls are gone, as page addresses have it.
pub fn query(text: &str, max_fields: usize) -> Fields {
    let mut fields = normalised(bag::parse_form(text, max_fields, |_| true));
    fields.retain(|_, value| *value != Value::Null);
    fields
}

/// The body's length, if the request tells it.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that is not read yet.
pub struct Unread<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub body: Body,
    pub expected: Arc<Expected>,
    pub bounds: BodyLimits,
}

impl Unread<'_> {
    /// Everything that the request sends beside its path; body fields are completed by those of the query.
    ///
    /// # Errors
    /// 400 for XML that cannot be read, 413 for a body that is too large.
    pub async fn read(self, query: Fields, pipeline: &Pipeline) -> Result<Input> {
        let mut input = Input::of_query(query);
        let limit = self.expected.max_bytes(self.bounds.max_without_files, self.bounds.max);
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let bytes = crate::http::body::read(self.body, limit).await.map_err(unreadable)?;
        input.sent = bytes.clone();
        let fields = match Kind::of(&kind, self.method) {
            Kind::Multipart => {
                let form = Form { expected: &self.expected, bounds: self.bounds };
                Box::pin(form.multipart(&kind, bytes, &mut input.uploads)).await?
            }
            plain => {
                let (expected, bounds) = (self.expected, self.bounds);
                pipeline.parse(bytes.len(), move || plain.fields(&bytes, &expected, bounds)).await??
            }
        };
        for (name, value) in normalised(fields) {
            input.bag.insert(name, value);
        }
        Ok(input)
    }
}

/// 413: the body is larger than the operator or the operation allows.
pub fn too_large() -> Error {
    crate::error::Refusal::message(413, "The POST data is too large.")
}

fn unreadable(reason: BodyError) -> Error {
    match reason {
        BodyError::TooLarge => too_large(),
        BodyError::Broken => Error::BadRequest("Bad request.".to_owned()),
    }
}

fn normalised(fields: Fields) -> Fields {
    let mut value =
        Value::Object(fields.into_iter().map(|(name, value)| (name, bag::lists(value))).collect());
    normalise(&mut value);
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Xml,
    Form,
    Multipart,
    /// Not at all: it counts as empty.
    Ignored,
}

impl Kind {
    /// By the content type, whatever its case.
    fn of(content_type: &str, method: &Method) -> Self {
        let kind = content_type.to_ascii_lowercase();
        let reads = *method == Method::GET || *method == Method::HEAD;
        let reads_forms = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        if kind.starts_with("multipart/form-data") {
            if reads { Self::Ignored } else { Self::Multipart }
        } else if kind.contains("/json") || kind.contains("+json") {
            Self::Json
        } else if kind.starts_with("application/xml") || kind.starts_with("text/xml") {
            Self::Xml
        } else if kind.starts_with("application/x-www-form-urlencoded") && reads_forms {
            Self::Form
        } else {
            Self::Ignored
        }
    }

    /// The wanted fields. What cannot be read as JSON or form counts as empty.
    fn fields(self, bytes: &[u8], expected: &Expected, bounds: BodyLimits) -> Result<Fields> {
        match self {
            Self::Json => {
                let tree = JsonLimits { elements: bounds.max_elements, depth: bounds.max_depth };
                match json::read(bytes, |name| expected.wants(name), tree) {
                    Ok(json::JsonBody::Object(fields)) => Ok(fields),
                    // The fields of a list are numbers, which no operation declares.
                    Ok(json::JsonBody::List | json::JsonBody::Scalar) | Err(JsonError::Malformed) => {
                        Ok(Fields::new())
                    }
                    Err(JsonError::TooManyElements) => Err(too_large()),
                }
            }
            Self::Xml if !bytes.is_empty() => {
                super::xml::read(bytes, |name| expected.wants(name), bounds.max_elements)
            }
            Self::Form => {
                let text = String::from_utf8_lossy(bytes);
                Ok(bag::parse_form(&text, bounds.max_fields, |name| expected.wants(name)))
            }
            Self::Xml | Self::Multipart | Self::Ignored => Ok(Fields::new()),
        }
    }
}

/// A multipart form.
struct Form<'a> {
    expected: &'a Expected,
    bounds: BodyLimits,
}

impl Form<'_> {
    /// Its fields and files; a file's value is the marker that GraphQL uses for it.
    async fn multipart(
        &self,
        content_type: &str,
        bytes: Bytes,
        uploads: &mut Vec<UploadValue>,
    ) -> Result<Fields> {
        let mut request = Request::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(bytes))
            .map_err(Error::internal)?;
        // The body was read within our own limit; axum's is lower.
        DefaultBodyLimit::disable().apply(&mut request);
        let Ok(mut parts) = Multipart::from_request(request, &()).await else { return Ok(Fields::new()) };
        let mut nest = Nest::default();
        for _ in 0..self.bounds.max_fields {
            let Ok(Some(part)) = parts.next_field().await else { break };
            let Some(name) = part.name().map(str::to_owned) else { continue };
            if !bag::top_name(&name).is_some_and(|name| self.expected.wants(&name)) {
                continue;
            }
            let file = part.file_name().map(str::to_owned);
            let kind = part.content_type().map(str::to_owned);
            let Ok(content) = part.bytes().await else { break };
            let value = match file {
                Some(filename) if filename.is_empty() && content.is_empty() => Value::Null,
                Some(filename) => {
                    uploads.push(UploadValue { filename, content_type: kind, content });
                    Value::String(format!("#__graphql_file__:{}", uploads.len() - 1))
                }
                None => Value::String(String::from_utf8_lossy(&content).into_owned()),
            };
            nest.insert(&name, value);
        }
        Ok(nest.into_fields())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_by_their_content_type() {
        for (content_type, kind) in [
            ("application/json; charset=utf-8", Kind::Json),
            ("application/vnd.api+JSON", Kind::Json),
            ("text/xml", Kind::Xml),
            ("Multipart/Form-Data; boundary=X", Kind::Multipart),
            ("application/x-www-form-urlencoded", Kind::Form),
            ("text/plain", Kind::Ignored),
            ("", Kind::Ignored),
        ] {
            assert_eq!(Kind::of(content_type, &Method::POST), kind, "{content_type}");
        }
        assert_eq!(Kind::of("multipart/form-data", &Method::GET), Kind::Ignored);
        assert_eq!(Kind::of("application/x-www-form-urlencoded", &Method::GET), Kind::Ignored);
        assert_eq!(Kind::of("application/json", &Method::GET), Kind::Json);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: Vec<u8>) -> (Fields, Vec<UploadValue>) {
        let form = Form { expected: &Expected::default(), bounds: crate::http::BodyLimits::default() };
        let mut uploads = Vec::new();
        let content_type = "multipart/form-data; boundary=edge";
        let fields =
            futures_util::FutureExt::now_or_never(form.multipart(content_type, bytes.into(), &mut uploads));
        (fields.unwrap().unwrap(), uploads)
    }

    /// A part of a form whose content is any bytes that don't hold the form's edge.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        any::<Vec<u8>>()
            .prop_filter("the edge ends it", |bytes| !bytes.windows(4).any(|word| word == b"edge"))
    }

    proptest! {
        #[test]
        fn forms_in_parts_are_read_back(field in "[a-zé<> ]{0,20}", file in content(), name in "[a-z]{1,9}\\.png") {
            let head = "--edge\r\nContent-Disposition: form-data; name=\"sort\"\r\n\r\n";
            let next = "\r\n--edge\r\nContent-Disposition: form-data; name=\"filter[image]\"; filename=\"";
            let start = format!("{head}{field}{next}{name}\"\r\nContent-Type: image/png\r\n\r\n");
            let (fields, uploads) = read([start.as_bytes(), &file, b"\r\n--edge--\r\n"].concat());
            prop_assert_eq!(&fields["sort"], &Value::from(field));
            prop_assert_eq!(uploads.len(), 1);
            prop_assert_eq!(&uploads[0].filename, &name);
            prop_assert_eq!(&uploads[0].content[..], &file[..]);
        }

        #[test]
        fn any_parts_are_read_or_passed_over(text in r#"(--edge(--)?|\r\n|Content-(Disposition|Type): |form-data|; (file)?name="?[a-z\[\]é"]{0,5}"?|sort|=|[\x00-\x7f]){0,20}"#, bytes in any::<Vec<u8>>()) {
            read(text.into_bytes());
            read([&b"--edge\r\n"[..], &bytes].concat());
        }

        #[test]
        fn any_body_is_read_or_refused(bytes in any::<Vec<u8>>()) {
            for kind in [Kind::Json, Kind::Xml, Kind::Form, Kind::Multipart, Kind::Ignored] {
                let _ = kind.fields(&bytes, &Expected::default(), crate::http::BodyLimits::default());
            }
        }
    }
}
