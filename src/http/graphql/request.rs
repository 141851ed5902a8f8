//! Reading a request: the address, JSON, or files beside an operation.

use async_graphql::{Extensions, ParseRequestError, Request as Operation, Value, Variables};
use async_graphql_axum::{GraphQLRequest, rejection::GraphQLRejection};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Map, Value as Json};

use super::{JSON, Rejection};
use crate::config::Config;
use crate::error::{Code, NotRun};

/// Headers that a foreign page cannot send without asking first: one of them must come with a
/// multipart body, which a form could send.
const PREFLIGHTED: [&str; 3] = ["x-requested-with", "graphql-require-preflight", "apollo-require-preflight"];
/// Header that asks what the operation costs.
const COST: &str = "x-graphql-cost";

/// What a request asks for.
pub(super) struct Asked {
    /// The operation; without a text where the document is named.
    pub(super) operation: Operation,
    /// Name of a document that the server knows.
    pub(super) document_id: Option<String>,
    /// Whether the answer shall tell what it cost.
    pub(super) cost: bool,
    /// Whether it came by `GET`, which must not change anything.
    pub(super) by_get: bool,
}

/// A query in the address: `query`, `operationName`, `variables`, `extensions`, `documentId`.
pub(super) fn from_query(text: &str, headers: &HeaderMap) -> Result<Asked, Rejection> {
    let mut fields = Map::new();
    for (name, value) in crate::rest::plain_query(text) {
        let value = match name.as_str() {
            "variables" | "extensions" if !value.is_empty() => {
                serde_json::from_str(&value).map_err(|_| Rejection::bad(&format!("`{name}` is no JSON.")))?
            }
            "variables" | "extensions" => Json::Null,
            _ => Json::String(value),
        };
        fields.insert(name, value);
    }
    Ok(Asked { by_get: true, ..from_json(Json::Object(fields), headers)? })
}

/// An operation in the body of a `POST`.
pub(super) async fn from_body(config: &Config, request: Request) -> Result<Asked, Rejection> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_ascii_lowercase();
    let (media, charset) = kind.split_once(';').unwrap_or((&kind, ""));
    if media.trim() == "multipart/form-data" {
        return from_multipart(config, request).await;
    }
    let utf8 =
        charset.trim().strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    if media.trim() != JSON || !utf8 {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON in UTF-8."));
    }
    let (parts, body) = request.into_parts();
    let body = bytes(body, config.max_query_body).await?;
    let body = serde_json::from_slice(&body).map_err(|_| Rejection::bad("The body is no JSON."))?;
    from_json(body, &parts.headers)
}

/// The whole body, unless it is or says that it is too large.
async fn bytes(body: Body, max: usize) -> Result<Bytes, Rejection> {
    let too_large = || Rejection::from(NotRun::beyond(Code::QueryTooLong, "bytes", max as u64, "bytes"));
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    axum::body::to_bytes(body, max).await.map_err(|_| too_large())
}

/// Files beside the operation (GraphQL multipart request specification).
async fn from_multipart(config: &Config, request: Request) -> Result<Asked, Rejection> {
    let (parts, body) = request.into_parts();
    if !PREFLIGHTED.iter().any(|name| parts.headers.contains_key(HeaderName::from_static(name))) {
        return Err(Rejection::bad("A multipart request needs the header `GraphQL-Require-Preflight`."));
    }
    let told = parts.headers.contains_key(HeaderName::from_static(COST));
    let body = bytes(body, config.max_body).await?;
    let request = Request::from_parts(parts, Body::from(body));
    match GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await {
        Ok(request) => Ok(Asked::new(request.into_inner(), told)),
        Err(GraphQLRejection(ParseRequestError::UnsupportedBatch)) => Err(batch()),
        Err(_) => Err(Rejection::bad("The parts `operations` and `map` and their files cannot be read.")),
    }
}

fn batch() -> Rejection {
    NotRun::because(Code::BatchNotAllowed, "The body must be one object: batches are not accepted.").into()
}

/// The parameters of a request, each of its type.
fn from_json(body: Json, headers: &HeaderMap) -> Result<Asked, Rejection> {
    let mut fields = match body {
        Json::Object(fields) => fields,
        Json::Array(_) => return Err(batch()),
        _ => return Err(Rejection::bad("The body must be one object.")),
    };
    let query = text(&mut fields, "query")?;
    let document_id = text(&mut fields, "documentId")?;
    let name = text(&mut fields, "operationName")?;
    let variables = object(&mut fields, "variables")?.map(Variables::from_json).unwrap_or_default();
    let extensions = object(&mut fields, "extensions")?;
    let extensions = extensions.and_then(|extensions| serde_json::from_value::<Extensions>(extensions).ok());
    let mut operation = Operation::new(query.clone().unwrap_or_default()).variables(variables);
    operation.extensions = extensions.unwrap_or_default();
    operation.operation_name = name;
    let named = document_id.is_some() || operation.extensions.contains_key("persistedQuery");
    if query.is_none() && !named {
        return Err(Rejection::bad("`query` must be a text."));
    }
    Ok(Asked { document_id, ..Asked::new(operation, headers.contains_key(HeaderName::from_static(COST))) })
}

impl Asked {
    fn new(operation: Operation, told: bool) -> Self {
        let cost = told || operation.extensions.get("cost") == Some(&Value::Boolean(true));
        Self { operation, document_id: None, cost, by_get: false }
    }
}

fn text(fields: &mut Map<String, Json>, name: &str) -> Result<Option<String>, Rejection> {
    match fields.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::bad(&format!("`{name}` must be a text."))),
    }
}

fn object(fields: &mut Map<String, Json>, name: &str) -> Result<Option<Json>, Rejection> {
    match fields.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(object @ Json::Object(_)) => Ok(Some(object)),
        Some(_) => Err(Rejection::bad(&format!("`{name}` must be an object."))),
    }
}
