//! Reads GraphQL requests: from the URL, from a JSON body, or from a multipart body with files. Limits of bytes and
//! of JSON values apply before anything is kept in memory.

use std::net::IpAddr;

use async_graphql::{Extensions, ParseRequestError, Request as Operation, Value, Variables};
use async_graphql_axum::GraphQLRequest;
use async_graphql_axum::rejection::GraphQLRejection;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{JSON, Rejection};
use crate::error::{Code, Error, NotRun};
use crate::http::BodyLimits;
use crate::http::body::BodyError;
use crate::http::body_memory::HeldMemory;
use crate::http::json::{self, Fields, JsonError, JsonLimits};
use crate::operation;
use crate::pipeline::Pipeline;

/// Headers that a browser sends to another origin only after a CORS preflight. A multipart body needs one of them,
/// because an HTML form of another site could send such a body without a preflight.
const PREFLIGHT_HEADERS: [&str; 3] =
    ["x-requested-with", "graphql-require-preflight", "apollo-require-preflight"];
/// The header with which a client asks for the cost of its operation.
const COST_HEADER: &str = "x-graphql-cost";
/// The parameters of a request; others are ignored.
const PARAMETERS: [&str; 5] = ["query", "operationName", "variables", "extensions", "documentId"];
/// The parts of a multipart request that hold JSON.
const JSON_PARTS: [&str; 2] = ["operations", "map"];

/// A request that was read.
pub(super) struct GraphQlRequest {
    /// The operation; its text is empty where the request names a persisted document.
    pub(super) operation: Operation,
    /// Identifier of a persisted document.
    pub(super) document_id: Option<String>,
    /// Whether the client asks for the cost.
    pub(super) cost: bool,
    /// Whether the method is `GET`, which must not change anything.
    pub(super) by_get: bool,
}

/// Reads requests within limits, which are lower without a valid key.
#[derive(Clone, Copy)]
pub(super) struct RequestReader {
    bounds: BodyLimits,
    /// Whether the request has a valid key.
    is_known: bool,
}

impl RequestReader {
    pub(super) fn new(bounds: BodyLimits, is_known: bool) -> Self {
        Self { bounds, is_known }
    }

    /// Maximum size of a request without files, in bytes.
    fn max_bytes(self) -> usize {
        let max = self.bounds.max_query;
        if self.is_known { max } else { max.min(self.bounds.keyless_query) }
    }

    /// The limits of the document, of which `max_tokens` is the one for callers with a key.
    pub(super) fn document_limits(self, max_tokens: u64) -> operation::DocumentLimits {
        let keyless = max_tokens.min(self.bounds.keyless_tokens);
        let tokens = if self.is_known { max_tokens } else { keyless };
        operation::DocumentLimits { tokens, bytes: self.max_bytes() as u64 }
    }

    /// The limits of JSON.
    fn json_limits(self) -> JsonLimits {
        let BodyLimits { max_elements, max_depth, keyless_tokens, .. } = self.bounds;
        let keyless = usize::try_from(keyless_tokens).unwrap_or(usize::MAX);
        let elements = if self.is_known { max_elements } else { max_elements.min(keyless) };
        JsonLimits { elements, depth: max_depth }
    }

    /// Reads an operation from the query of the URL: `query`, `operationName`, `variables`, `extensions`, `documentId`.
    pub(super) fn read_query(self, text: &str, headers: &HeaderMap) -> Result<GraphQlRequest, Rejection> {
        if text.len() > self.max_bytes() {
            return Err(too_long(self.max_bytes()));
        }
        let mut fields = Fields::new();
        for (name, value) in crate::rest::plain_query(text, |name| PARAMETERS.contains(&name)) {
            let value = match name.as_str() {
                "variables" | "extensions" if !value.is_empty() => {
                    json::value(value.as_bytes(), self.json_limits())
                        .map_err(|error| self.rejection(error, &format!("`{name}` is no JSON.")))?
                }
                "variables" | "extensions" => Value::Null,
                _ => Value::String(value),
            };
            fields.insert(async_graphql::Name::new(name), value);
        }
        Ok(GraphQlRequest { by_get: true, ..from_fields(fields, headers)? })
    }

    /// Reads an operation from the body of a `POST`.
    pub(super) async fn read_body(
        self,
        pipeline: &Pipeline,
        client: IpAddr,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<GraphQlRequest, Rejection> {
        let memory = pipeline.body_memory(client);
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = kind.to_ascii_lowercase();
        let (media, charset) = kind.split_once(';').unwrap_or((&kind, ""));
        if media.trim() == "multipart/form-data" {
            return self.read_multipart(headers, body, memory).await;
        }
        let charset = charset.trim().strip_prefix("charset=");
        let utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
        if media.trim() != JSON || !utf8 {
            return Err(Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be JSON in UTF-8.",
            ));
        }
        let body = bytes(body, self.max_bytes(), memory).await?;
        let (length, tree) = (body.len(), self.json_limits());
        let read = move || json::read(&body, |name| PARAMETERS.contains(&name), tree);
        match pipeline.parse(length, read).await? {
            Ok(json::JsonBody::Object(fields)) => from_fields(fields, headers),
            Ok(json::JsonBody::List) => Err(batch()),
            Ok(json::JsonBody::Scalar) => Err(Rejection::bad("The body must be one object.")),
            Err(error) => Err(self.rejection(error, "The body is no JSON.")),
        }
    }

    /// Reads an operation with files (GraphQL multipart request specification). This needs a valid key.
    async fn read_multipart(
        self,
        headers: &HeaderMap,
        body: Body,
        memory: HeldMemory,
    ) -> Result<GraphQlRequest, Rejection> {
        if !PREFLIGHT_HEADERS.iter().any(|name| headers.contains_key(HeaderName::from_static(name))) {
            return Err(Rejection::bad("A multipart request needs the header `GraphQL-Require-Preflight`."));
        }
        if !self.is_known {
            return Err(Error::Unauthenticated.into());
        }
        let body = bytes(body, self.bounds.max, memory).await?;
        let mapped = self.check_parts(multipart(headers, body.clone())).await?;
        match GraphQLRequest::<GraphQLRejection>::from_request(multipart(headers, body), &()).await {
            Ok(request) => {
                let request = request.into_inner();
                // async-graphql passes over a path that names no variable, and with it the file.
                if request.uploads.len() != mapped {
                    let text = "The part `map` names a file or a variable that is not there.";
                    return Err(Rejection::bad(text));
                }
                Ok(GraphQlRequest::new(request, asks_for_cost(headers)))
            }
            Err(GraphQLRejection(ParseRequestError::UnsupportedBatch)) => Err(batch()),
            Err(_) => Err(unreadable_parts()),
        }
    }

    /// Checks the JSON parts against the limits of a request without files, and the number of all parts. Returns the number
    /// of places in variables that the part `map` names.
    async fn check_parts(self, request: Request) -> Result<usize, Rejection> {
        let mut mapped = 0;
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| unreadable_parts())?;
        for _ in 0..self.bounds.max_fields {
            let Some(mut part) = parts.next_field().await.map_err(|_| unreadable_parts())? else {
                return Ok(mapped);
            };
            let name = part.name().and_then(|name| JSON_PARTS.into_iter().find(|part| *part == name));
            let Some(name) = name else { continue };
            let mut text = Vec::new();
            while let Some(chunk) = part.chunk().await.map_err(|_| unreadable_parts())? {
                if text.len() + chunk.len() > self.max_bytes() {
                    return Err(too_long(self.max_bytes()));
                }
                text.extend_from_slice(&chunk);
            }
            let value = json::value(&text, self.json_limits())
                .map_err(|error| self.rejection(error, "The parts `operations` and `map` must be JSON."))?;
            if name == "map" {
                mapped = places(&value);
            }
        }
        Err(unreadable_parts())
    }

    fn rejection(self, error: JsonError, malformed: &str) -> Rejection {
        match error {
            JsonError::Malformed => Rejection::bad(malformed),
            JsonError::TooManyElements => {
                let max = self.json_limits().elements as u64;
                NotRun::limit_exceeded(Code::QueryTooLong, "elements", max, "values in JSON").into()
            }
        }
    }
}

/// The number of places in variables that the part `map` of a multipart request names.
fn places(map: &Value) -> usize {
    let Value::Object(files) = map else { return 0 };
    files.values().map(|places| if let Value::List(places) = places { places.len() } else { 0 }).sum()
}

/// Reads a whole body, unless it is larger than `max`.
async fn bytes(body: Body, max: usize, memory: HeldMemory) -> Result<Bytes, Rejection> {
    crate::http::body::read(body, max, memory).await.map_err(|reason| match reason {
        BodyError::TooLarge => too_long(max),
        BodyError::Broken => Rejection::bad("The body has no end."),
        BodyError::NoMemory => Error::Overloaded.into(),
    })
}

fn too_long(max: usize) -> Rejection {
    NotRun::limit_exceeded(Code::QueryTooLong, "bytes", max as u64, "bytes").into()
}

/// A request with this multipart body, as axum's extractors need it.
fn multipart(headers: &HeaderMap, body: Bytes) -> Request {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    // The size was checked before; axum's default limit is lower than ours.
    DefaultBodyLimit::disable().apply(&mut request);
    request
}

fn unreadable_parts() -> Rejection {
    Rejection::bad("The parts `operations` and `map` and their files cannot be read.")
}

fn batch() -> Rejection {
    NotRun::error(Code::BatchNotAllowed, "The body must be one object: batches are not accepted.").into()
}

fn asks_for_cost(headers: &HeaderMap) -> bool {
    headers.contains_key(HeaderName::from_static(COST_HEADER))
}

/// Makes a request of its parameters and checks their types.
fn from_fields(mut fields: Fields, headers: &HeaderMap) -> Result<GraphQlRequest, Rejection> {
    let query = text(&mut fields, "query")?;
    let document_id = text(&mut fields, "documentId")?;
    let name = text(&mut fields, "operationName")?;
    let variables = object(&mut fields, "variables")?.map(Variables::from_value).unwrap_or_default();
    let extensions = match object(&mut fields, "extensions")? {
        Some(Value::Object(extensions)) => {
            extensions.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
        }
        _ => std::collections::HashMap::new(),
    };
    let mut operation = Operation::new(query.clone().unwrap_or_default()).variables(variables);
    operation.extensions = Extensions(extensions);
    operation.operation_name = name;
    let named = document_id.is_some() || operation.extensions.contains_key("persistedQuery");
    if query.is_none() && !named {
        return Err(Rejection::bad("`query` must be a text."));
    }
    Ok(GraphQlRequest { document_id, ..GraphQlRequest::new(operation, asks_for_cost(headers)) })
}

impl GraphQlRequest {
    fn new(operation: Operation, by_header: bool) -> Self {
        let cost = by_header || operation.extensions.get("cost") == Some(&Value::Boolean(true));
        Self { operation, document_id: None, cost, by_get: false }
    }
}

fn text(fields: &mut Fields, name: &str) -> Result<Option<String>, Rejection> {
    match fields.swap_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::bad(&format!("`{name}` must be a text."))),
    }
}

fn object(fields: &mut Fields, name: &str) -> Result<Option<Value>, Rejection> {
    match fields.swap_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(object @ Value::Object(_)) => Ok(Some(object)),
        Some(_) => Err(Rejection::bad(&format!("`{name}` must be an object."))),
    }
}

#[cfg(test)]
mod properties {
    use axum::http::HeaderValue;
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn reader() -> RequestReader {
        RequestReader::new(crate::http::BodyLimits::default(), true)
    }

    fn memory() -> HeldMemory {
        let memory = crate::http::body_memory::BodyMemory::new(1 << 20);
        memory.of(std::net::Ipv4Addr::LOCALHOST.into())
    }

    fn read_parts(body: Vec<u8>) -> Result<GraphQlRequest, Rejection> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=edge"));
        headers.insert(HeaderName::from_static(PREFLIGHT_HEADERS[0]), HeaderValue::from_static("x"));
        reader().read_multipart(&headers, Body::from(body), memory()).now_or_never().unwrap()
    }

    proptest! {
        #[test]
        fn addresses_are_read_back(query in any::<String>(), name in "[a-z]{1,9}", number in any::<i64>()) {
            let variables = format!("{{\"n\":{number}}}");
            let fields = [("query", query.as_str()), ("operationName", &name), ("variables", &variables)];
            let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let Ok(request) = reader().read_query(&text, &HeaderMap::new()) else { panic!("{text}") };
            prop_assert_eq!(request.operation.query, query);
            prop_assert_eq!(request.operation.operation_name, Some(name));
            prop_assert_eq!(request.operation.variables.get("n"), Some(&Value::from(number)));
        }

        #[test]
        fn any_address_is_read_or_refused(text in r#"((query|variables|extensions|x)=|[{}\[\]":a0&%+-]|%[0-9a-f]{2}){0,20}|\PC*"#) {
            let _ = reader().read_query(&text, &HeaderMap::new());
        }

        #[test]
        fn any_parts_are_read_or_refused(
            operations in r#"\{"query":"\{a\}","variables":\{"f":(null|\[null\]|1)\}\}|[{}\[\]":,a]{0,12}"#,
            map in r#"\{"0":\["(variables\.f(\.[0-9]{1,20})?|variables|x|)"\]\}|[{}\[\]":,a]{0,12}"#,
            rest in any::<Vec<u8>>(),
        ) {
            let part = |name: &str, text: &str| format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
            let file = "--edge\r\nContent-Disposition: form-data; name=\"0\"; filename=\"x\"\r\n\r\nx\r\n--edge--\r\n";
            let whole = [part("operations", &operations), part("map", &map), file.to_owned()].concat();
            let _ = read_parts(whole.clone().into_bytes());
            let _ = read_parts([whole.as_bytes(), &rest].concat());
            let _ = read_parts(rest);
        }
    }
}
