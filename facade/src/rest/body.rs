//! Reads query and body of a request (docs/contract/wire.md#2.1): within limits of bytes, values and fields, and only
//! the fields that the operations of the path declare.

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::{UploadValue, Value};
use axum::body::{Body, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use axum::http::{HeaderMap, Method, Request, header};

use super::expected_body::ExpectedBody;
use super::fields::{self, Fields, NestedFields};
use super::variables::RequestInput;
use super::xml;
use crate::form::normalise;
use crate::http::BodyLimits;
use crate::http::body::BodyError;
use crate::http::json::{self, JsonError, JsonLimits};
use crate::pipeline::Pipeline;
use crate::{Error, Result};

/// The normalised fields of a query string.
pub fn query(text: &str, max_fields: usize) -> Fields {
    normalised(fields::parse_form(text, max_fields, |_| true))
}

/// The value of `Content-Length`.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that is not read yet.
pub struct UnreadBody<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub client: IpAddr,
    pub body: Body,
    pub expected: Arc<ExpectedBody>,
    pub limits: BodyLimits,
}

impl UnreadBody<'_> {
    /// The input of the request without its path. A field of the body replaces one of the query with the same name.
    ///
    /// # Errors
    /// 400 for XML that cannot be read, 413 for a body that is too large.
    pub async fn read(self, query: Fields, pipeline: &Pipeline) -> Result<RequestInput> {
        let mut input = RequestInput::of_query(query);
        let limit = self.expected.max_bytes(self.limits.max_without_files, self.limits.max);
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let memory = pipeline.body_memory(self.client);
        let bytes = crate::http::body::read(self.body, limit, memory).await.map_err(read_error)?;
        input.sent = bytes.clone();
        let fields = match BodyFormat::of(&content_type, self.method) {
            BodyFormat::Multipart => {
                let form = MultipartForm { expected: &self.expected, limits: self.limits };
                Box::pin(form.read(&content_type, bytes, &mut input.uploads)).await?
            }
            format => {
                let (expected, limits) = (self.expected, self.limits);
                pipeline.parse(bytes.len(), move || format.parse(&bytes, &expected, limits)).await??
            }
        };
        for (name, value) in normalised(fields) {
            input.fields.insert(name, value);
        }
        Ok(input)
    }
}

/// The error 413: the body is larger than the operator or the operation allows.
pub fn too_large() -> Error {
    crate::error::Refusal::message(413, "The POST data is too large.")
}

/// A form that ends in the middle, or a part with a head that cannot be read: a file would be lost.
fn unreadable(_: MultipartError) -> Error {
    Error::BadRequest("Bad request.".to_owned())
}

fn read_error(error: BodyError) -> Error {
    match error {
        BodyError::TooLarge => too_large(),
        BodyError::Broken => Error::BadRequest("Bad request.".to_owned()),
        BodyError::NoMemory => Error::Overloaded,
    }
}

fn normalised(fields: Fields) -> Fields {
    let mut value =
        Value::Object(fields.into_iter().map(|(name, value)| (name, fields::with_lists(value))).collect());
    normalise(&mut value);
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFormat {
    Json,
    Xml,
    Form,
    Multipart,
    /// Any other format: the body counts as empty.
    Ignored,
}

impl BodyFormat {
    /// The format by content type and method. `GET` and `HEAD` have no forms.
    fn of(content_type: &str, method: &Method) -> Self {
        let content_type = content_type.to_ascii_lowercase();
        let reads = *method == Method::GET || *method == Method::HEAD;
        let reads_forms = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        if content_type.starts_with("multipart/form-data") {
            if reads { Self::Ignored } else { Self::Multipart }
        } else if content_type.contains("/json") || content_type.contains("+json") {
            Self::Json
        } else if content_type.starts_with("application/xml") || content_type.starts_with("text/xml") {
            Self::Xml
        } else if content_type.starts_with("application/x-www-form-urlencoded") && reads_forms {
            Self::Form
        } else {
            Self::Ignored
        }
    }

    /// The expected fields of a body. Malformed JSON counts as empty.
    ///
    /// # Errors
    /// 400 for malformed XML, 413 for too many values.
    fn parse(self, bytes: &[u8], expected: &ExpectedBody, limits: BodyLimits) -> Result<Fields> {
        match self {
            Self::Json => {
                let json_limits = JsonLimits { elements: limits.max_elements, depth: limits.max_depth };
                match json::read(bytes, |name| expected.has_field(name), json_limits) {
                    Ok(json::JsonBody::Object(fields)) => Ok(fields),
                    // The keys of a list are numbers, and no operation declares a number as name.
                    Ok(json::JsonBody::List | json::JsonBody::Scalar) | Err(JsonError::Malformed) => {
                        Ok(Fields::new())
                    }
                    Err(JsonError::TooManyElements) => Err(too_large()),
                }
            }
            Self::Xml if !bytes.is_empty() => {
                let mut fields = xml::read(bytes, |name| expected.has_field(name), limits.max_elements)?;
                for (_, value) in fields.iter_mut().filter(|(name, _)| expected.is_boolean(name)) {
                    if let Value::String(text) = value
                        && let Some(flag) = xml::boolean(text)
                    {
                        *value = Value::Boolean(flag);
                    }
                }
                Ok(fields)
            }
            Self::Form => {
                let text = String::from_utf8_lossy(bytes);
                Ok(fields::parse_form(&text, limits.max_fields, |name| expected.has_field(name)))
            }
            Self::Xml | Self::Multipart | Self::Ignored => Ok(Fields::new()),
        }
    }
}

/// A body of the type `multipart/form-data`.
struct MultipartForm<'a> {
    expected: &'a ExpectedBody,
    limits: BodyLimits,
}

impl MultipartForm<'_> {
    /// Its fields. It adds the files to `uploads`; the field of a file holds async-graphql's reference to its upload.
    async fn read(&self, content_type: &str, bytes: Bytes, uploads: &mut Vec<UploadValue>) -> Result<Fields> {
        let mut request = Request::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(bytes))
            .map_err(Error::internal)?;
        // The body is already read within our limit, which may be greater than axum's.
        DefaultBodyLimit::disable().apply(&mut request);
        let Ok(mut parts) = Multipart::from_request(request, &()).await else { return Ok(Fields::new()) };
        let mut fields = NestedFields::default();
        for _ in 0..self.limits.max_fields {
            let Some(part) = parts.next_field().await.map_err(unreadable)? else { break };
            let Some(name) = part.name().map(str::to_owned) else { continue };
            if !fields::top_name(&name).is_some_and(|name| self.expected.has_field(&name)) {
                continue;
            }
            let file = part.file_name().map(str::to_owned);
            // Generated clients repeat the name of a list; PHP, and so the original, wants brackets behind it.
            let is_list = file.is_some() && self.expected.is_file_list(&name);
            let name = if is_list { format!("{name}[]") } else { name };
            let content_type = part.content_type().map(str::to_owned);
            let content = part.bytes().await.map_err(unreadable)?;
            let value = match file {
                // A form sends this where no file was picked. A list of files has none then.
                Some(filename) if filename.is_empty() && content.is_empty() => {
                    if name.ends_with(']') {
                        continue;
                    }
                    Value::Null
                }
                Some(filename) => {
                    uploads.push(UploadValue { filename, content_type, content });
                    Value::String(format!("#__graphql_file__:{}", uploads.len() - 1))
                }
                None => Value::String(String::from_utf8_lossy(&content).into_owned()),
            };
            fields.insert(&name, value);
        }
        Ok(fields.into_fields())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_by_their_content_type() {
        for (content_type, format) in [
            ("application/json; charset=utf-8", BodyFormat::Json),
            ("application/vnd.api+JSON", BodyFormat::Json),
            ("text/xml", BodyFormat::Xml),
            ("Multipart/Form-Data; boundary=X", BodyFormat::Multipart),
            ("application/x-www-form-urlencoded", BodyFormat::Form),
            ("text/plain", BodyFormat::Ignored),
            ("", BodyFormat::Ignored),
        ] {
            assert_eq!(BodyFormat::of(content_type, &Method::POST), format, "{content_type}");
        }
        assert_eq!(BodyFormat::of("multipart/form-data", &Method::GET), BodyFormat::Ignored);
        assert_eq!(BodyFormat::of("application/x-www-form-urlencoded", &Method::GET), BodyFormat::Ignored);
        assert_eq!(BodyFormat::of("application/json", &Method::GET), BodyFormat::Json);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: Vec<u8>) -> Result<(Fields, Vec<UploadValue>)> {
        let form = MultipartForm { expected: &ExpectedBody::default(), limits: BodyLimits::default() };
        let mut uploads = Vec::new();
        let content_type = "multipart/form-data; boundary=edge";
        let fields =
            futures_util::FutureExt::now_or_never(form.read(content_type, bytes.into(), &mut uploads));
        Ok((fields.unwrap()?, uploads))
    }

    /// The content of a part: any bytes that do not contain the form's boundary.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        any::<Vec<u8>>()
            .prop_filter("the boundary ends it", |bytes| !bytes.windows(4).any(|word| word == b"edge"))
    }

    proptest! {
        #[test]
        fn forms_in_parts_are_read_back(field in "[a-zé<> ]{0,20}", file in content(), name in "[a-z]{1,9}\\.png") {
            let head = "--edge\r\nContent-Disposition: form-data; name=\"sort\"\r\n\r\n";
            let next = "\r\n--edge\r\nContent-Disposition: form-data; name=\"filter[image]\"; filename=\"";
            let start = format!("{head}{field}{next}{name}\"\r\nContent-Type: image/png\r\n\r\n");
            let (fields, uploads) = read([start.as_bytes(), &file, b"\r\n--edge--\r\n"].concat()).unwrap();
            prop_assert_eq!(&fields["sort"], &Value::from(field));
            prop_assert_eq!(uploads.len(), 1);
            prop_assert_eq!(&uploads[0].filename, &name);
            prop_assert_eq!(&uploads[0].content[..], &file[..]);
        }

        #[test]
        fn any_parts_are_read_or_refused(text in r#"(--edge(--)?|\r\n|Content-(Disposition|Type): |form-data|; (file)?name="?[a-z\[\]é"]{0,5}"?|sort|=|[\x00-\x7f]){0,20}"#, bytes in any::<Vec<u8>>()) {
            for bytes in [text.into_bytes(), [&b"--edge\r\n"[..], &bytes].concat()] {
                if let Err(error) = read(bytes) {
                    prop_assert_eq!(error.status(), 400);
                }
            }
        }

        #[test]
        fn any_body_is_read_or_refused(bytes in any::<Vec<u8>>()) {
            for format in [BodyFormat::Json, BodyFormat::Xml, BodyFormat::Form, BodyFormat::Multipart, BodyFormat::Ignored] {
                let _ = format.parse(&bytes, &ExpectedBody::default(), BodyLimits::default());
            }
        }
    }
}
