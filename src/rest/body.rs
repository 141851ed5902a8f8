//! Reading a request's query and body (spec: `wire.md` 2.1).

use async_graphql::{Name, UploadValue, Value};
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use axum::http::{HeaderMap, Method, Request, header};

use super::bag::{self, Fields, Nest};
use super::request::Input;
use crate::form::normalise;
use crate::{Error, Result};

/// The query's fields, normalised: nulls are gone, as page addresses have it.
pub fn query(text: &str) -> Fields {
    let mut fields = normalised(bag::parse_form(text));
    fields.retain(|_, value| *value != Value::Null);
    fields
}

/// Everything a request sends beside its path.
///
/// # Errors
/// 400 for XML that cannot be read, 413 for a body that is too large.
pub async fn read(
    method: &Method,
    headers: &HeaderMap,
    query: Fields,
    body: Body,
    limit: usize,
) -> Result<Input> {
    let mut input = Input { bag: query.clone(), query, ..Input::default() };
    if body.is_end_stream() {
        return Ok(input);
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let kind = content_type.to_ascii_lowercase();
    let fields = if kind.starts_with("multipart/form-data") {
        if *method == Method::GET || *method == Method::HEAD {
            Fields::new()
        } else {
            Box::pin(multipart(&content_type, body, limit, &mut input.uploads)).await?
        }
    } else {
        let bytes = axum::body::to_bytes(body, limit).await.map_err(|_| too_large())?;
        plain(method, &kind, &bytes)?
    };
    for (name, value) in normalised(fields) {
        input.bag.insert(name, value);
    }
    Ok(input)
}

/// 413: the body is larger than the operator allows.
pub fn too_large() -> Error {
    crate::error::Refusal::message(413, "The POST data is too large.")
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

/// A body by its content type in lower case; what cannot be read as JSON or form counts as empty.
fn plain(method: &Method, kind: &str, bytes: &[u8]) -> Result<Fields> {
    if kind.contains("/json") || kind.contains("+json") {
        return Ok(json(bytes));
    }
    if kind.starts_with("application/xml") || kind.starts_with("text/xml") {
        return if bytes.is_empty() { Ok(Fields::new()) } else { super::xml::read(bytes) };
    }
    let reads_forms = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    if kind.starts_with("application/x-www-form-urlencoded") && reads_forms {
        return Ok(bag::parse_form(&String::from_utf8_lossy(bytes)));
    }
    Ok(Fields::new())
}

fn json(bytes: &[u8]) -> Fields {
    match serde_json::from_slice::<serde_json::Value>(bytes).map(Value::from_json) {
        Ok(Ok(Value::Object(fields))) => fields,
        Ok(Ok(Value::List(items))) => {
            items.into_iter().enumerate().map(|(at, item)| (Name::new(at.to_string()), item)).collect()
        }
        _ => Fields::new(),
    }
}

/// Fields and files of a multipart body; a file's value is the marker that GraphQL uses for it.
async fn multipart(
    content_type: &str,
    body: Body,
    limit: usize,
    uploads: &mut Vec<UploadValue>,
) -> Result<Fields> {
    let bytes = axum::body::to_bytes(body, limit).await.map_err(|_| too_large())?;
    let mut request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(bytes))
        .map_err(Error::internal)?;
    // The body was read within our own limit; axum's is lower.
    DefaultBodyLimit::disable().apply(&mut request);
    let Ok(mut parts) = Multipart::from_request(request, &()).await else { return Ok(Fields::new()) };
    let mut nest = Nest::default();
    for _ in 0..bag::MAX_FIELDS {
        let Ok(Some(part)) = parts.next_field().await else { break };
        let Some(name) = part.name().map(str::to_owned) else { continue };
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
