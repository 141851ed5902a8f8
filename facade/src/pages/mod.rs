//! The HTML pages GraphiQL and Swagger UI, and the files that they load.
//!
//! All files are inside the binary. The pages load nothing from other hosts, and their `Content-Security-Policy`
//! forbids it.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use crate::http::etag;

static GRAPHIQL: LazyLock<String> = LazyLock::new(|| versioned(include_str!("graphiql.html")));
static SWAGGER: LazyLock<String> = LazyLock::new(|| versioned(include_str!("swagger.html")));

/// `Content-Security-Policy` of the pages: scripts from this server only, no inline scripts. GraphiQL and Swagger
/// UI need inline styles, and images and fonts as `data:` URLs.
const PAGE_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A file that a page loads.
#[derive(Debug)]
struct Asset {
    name: &'static str,
    kind: &'static str,
    body: &'static [u8],
}

impl Asset {
    /// A checksum of the content, for the URL and the `ETag`.
    fn version(&self) -> String {
        format!("{:08x}", crc32fast::hash(self.body))
    }
}

/// Lists assets by folder. A file has the same name in the URL and on disk.
macro_rules! assets {
    ($($folder:literal: $($file:literal $kind:expr),*;)*) => {
        &[$($(Asset {
            name: $file,
            kind: $kind,
            body: include_bytes!(concat!("../../assets/", $folder, "/", $file)),
        }),*),*]
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Files at `/graphql/asset/`.
const GRAPHQL_ASSETS: &[Asset] = assets! {
    "graphiql": "graphiql.min.js" SCRIPT, "graphiql.min.css" STYLE, "explorer.min.js" SCRIPT, "explorer.css" STYLE,
        "react.production.min.js" SCRIPT, "react-dom.production.min.js" SCRIPT;
    "page": "graphiql-page.js" SCRIPT;
};

/// Files at `/docs/asset/`.
const DOCS_ASSETS: &[Asset] = assets! {
    "swagger-ui": "swagger-ui-bundle.js" SCRIPT, "swagger-ui.css" STYLE, "favicon-32x32.png" "image/png";
    "page": "swagger-page.js" SCRIPT, "start.js" SCRIPT, "pages.css" STYLE;
};

/// Routes for Swagger UI at the path `documentation`, and for the files of all pages. GraphiQL shares its path with the
/// GraphQL endpoint, whose handler calls [`graphiql`].
pub fn router<S: Clone + Send + Sync + 'static>(documentation: &str, title: &'static str) -> Router<S> {
    Router::new()
        .route(
            documentation,
            get(move || async move { page(SWAGGER.replace("{title}", &escape_attribute(title))) }),
        )
        .route("/docs/asset/{asset}", get(docs_asset))
        .route("/graphql/asset/{asset}", get(graphql_asset))
}

/// A page of the host, which may load the same files.
pub fn host_page(html: &str) -> Response {
    page(versioned(html))
}

/// Values of the page GraphiQL, which browsers get.
#[derive(Clone, Copy, Debug)]
pub struct GraphiqlPage<'a> {
    /// Path of the endpoint.
    pub endpoint: &'a str,
    /// Title of the page.
    pub title: &'a str,
    /// An API key that the page enters into its editor of headers (for demos).
    pub key: Option<&'a str>,
    /// Documents that the page opens, each in a tab. A tab is called as the operation.
    pub examples: &'a [&'a str],
    /// The accounts that its form signs in; without any, there is no form.
    pub sign_in: &'a [SignIn<'a>],
}

/// A kind of account that can sign in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SignIn<'a> {
    /// Its name in the form.
    pub account: &'a str,
    /// The operation that signs in. It takes `$email`, `$password` and `$code`, and answers
    /// `sessionCreate { session { accessToken } userErrors { message } }`.
    pub document: &'a str,
}

impl<'a> GraphiqlPage<'a> {
    /// A page without key, examples and form.
    pub fn new(endpoint: &'a str, title: &'a str) -> Self {
        Self { endpoint, title, key: None, examples: &[], sign_in: &[] }
    }
}

/// The page GraphiQL.
pub fn graphiql(values: GraphiqlPage<'_>) -> Response {
    let GraphiqlPage { endpoint, title, key, examples, sign_in } = values;
    let json = |value: serde_json::Value| escape_attribute(&value.to_string());
    // The title comes last: it is the only value that may hold anything in braces.
    let html = GRAPHIQL
        .replace("{endpoint}", &escape_attribute(endpoint))
        .replace("{key}", &escape_attribute(key.unwrap_or_default()))
        .replace("{examples}", &json(json!(examples)))
        .replace("{sign_in}", &json(json!(sign_in)))
        .replace("{title}", &escape_attribute(title));
    page(html)
}

fn page(html: String) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, PAGE_SECURITY_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(html)).into_response()
}

/// Adds the version of each asset to its URL in a page: a browser may keep a file for a year, and still loads the
/// new one after an update.
fn versioned(html: &str) -> String {
    GRAPHQL_ASSETS.iter().chain(DOCS_ASSETS).fold(html.to_owned(), |html, asset| {
        let name = format!("/asset/{}", asset.name);
        html.replace(&format!("{name}\""), &format!("{name}?v={}\"", asset.version()))
    })
}

/// Escapes a text for an attribute value in double quotes.
fn escape_attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

async fn docs_asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    asset(DOCS_ASSETS, &name, &headers)
}

async fn graphql_asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    asset(GRAPHQL_ASSETS, &name, &headers)
}

fn asset(assets: &[Asset], name: &str, asked: &HeaderMap) -> Response {
    let Some(asset) = assets.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", asset.version());
    let headers: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    if etag::has_current(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, asset.body).into_response()
}

#[cfg(test)]
mod tests;
