//! The contracts: `openapi.json`, also as YAML and as XML Schema, and `schema.graphql`. Clients keep them by their `ETag`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use facade::apis::CONTRACT;
use facade::engine::Introspection;
use facade::graphql;
use facade::http::etag;
use serde::Deserialize;
use serde_json::json;

use super::compression::{Accepted, Document};
use super::origin;
use crate::App;
use crate::server::contracts::{self, ServerForm};

const OPENAPI: &str = "/docs/openapi.json";
const OPENAPI_YAML: &str = "/docs/openapi.yaml";
const XML_SCHEMA: &str = "/docs/api.xsd";
const SCHEMA: &str = "/graphql/schema.graphql";
/// The schema as it was last generated.
const WRITTEN_SCHEMA: &str = include_str!("../../../schema.graphql");

const JSON: &str = "application/json";
/// RFC 9512.
const YAML: &str = "application/yaml";
const XML: &str = "application/xml; charset=utf-8";
const GRAPHQL: &str = "text/plain; charset=utf-8";

/// The routes of the contracts.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(CONTRACT, get(original))
        .route(OPENAPI, get(openapi))
        .route(OPENAPI_YAML, get(yaml))
        .route(XML_SCHEMA, get(xml_schema))
        .route(SCHEMA, get(schema))
}

/// The OpenAPI document at the path of the original.
async fn original(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let parts = contracts::openapi_at(&origin(&app, &request).base(), ServerForm::Original);
    answer(&app, request, JSON, parts).await
}

async fn openapi(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let parts = contracts::openapi_at(&origin(&app, &request).base(), ServerForm::Whole);
    answer(&app, request, JSON, parts).await
}

async fn yaml(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let parts = contracts::openapi_yaml_at(&origin(&app, &request).base());
    answer(&app, request, YAML, parts).await
}

/// What the XML Schema is asked with.
#[derive(Deserialize)]
struct XmlSchemaQuery {
    /// The component that the root element is.
    root: Option<String>,
}

async fn xml_schema(
    State(app): State<Arc<App>>,
    Query(query): Query<XmlSchemaQuery>,
    request: Request,
) -> Response<Body> {
    let schema = match contracts::xml_schema() {
        Ok(schema) => schema,
        Err(error) => {
            tracing::error!(%error, "the XML Schema cannot be made");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    match schema.with_root(query.root.as_deref()) {
        Ok(parts) => answer(&app, request, XML, parts).await,
        Err(unknown) => {
            let body = json!({"message": unknown.to_string()});
            (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
        }
    }
}

/// The GraphQL schema, where everybody may ask for it by introspection too.
async fn schema(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if app.shop.config.introspection != Introspection::Always {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(&app, request, GRAPHQL, [Bytes::from_static(WRITTEN_SCHEMA.as_bytes())]).await
}

/// The document, compressed as its client accepts it; 304 with the headers of that answer where the client has it.
async fn answer<const N: usize>(
    app: &App,
    request: Request,
    kind: &'static str,
    parts: [Bytes; N],
) -> Response<Body> {
    let (asked, _) = request.into_parts();
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    let tag = format!("\"{:08x}\"", checksum.finalize());
    let length = HeaderValue::from(parts.iter().map(Bytes::len).sum::<usize>());
    let document = Extension(Document(format!("{kind} {tag} {}", length.to_str().unwrap_or_default())));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_LENGTH, length),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    let whole = (headers, document, graphql::body_of(parts)).into_response();
    let accepted =
        if app.shop.config.compression { Accepted::of(&asked.method, &asked.headers) } else { None };
    let whole = match accepted {
        Some(accepted) => accepted.compress(whole).await,
        None => whole,
    };
    if etag::has_current(&asked.headers, &tag) { not_modified(whole) } else { whole }
}

/// The answer 304 in place of a whole one: with its headers, but for those about the content (RFC 9110, 15.4.5).
fn not_modified(whole: Response<Body>) -> Response<Body> {
    let (mut head, _) = whole.into_parts();
    head.status = StatusCode::NOT_MODIFIED;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        head.headers.remove(name);
    }
    Response::from_parts(head, Body::empty())
}
