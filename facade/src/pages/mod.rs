//! The HTML pages GraphiQL, Swagger UI and Redoc, and the files that they load.
//!
//! All files are inside the binary. The pages load nothing from other hosts, and their `Content-Security-Policy`
//! forbids it.

mod asset;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use crate::apis::{DOCUMENTATION, REFERENCE};

static GRAPHIQL: LazyLock<String> = LazyLock::new(|| asset::versioned(include_str!("graphiql.html")));
static SWAGGER: LazyLock<String> = LazyLock::new(|| asset::versioned(include_str!("swagger.html")));
static REDOC: LazyLock<String> = LazyLock::new(|| asset::versioned(include_str!("redoc.html")));

/// `Content-Security-Policy` of the pages: scripts from this server only, no inline scripts. GraphiQL, Swagger UI
/// and Redoc need inline styles, and images and fonts as `data:` URLs.
const PAGE_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Values of the pages that show the OpenAPI document.
#[derive(Clone, Debug)]
pub struct DocumentationPages {
    /// Title of the pages.
    pub title: &'static str,
    /// An API key with which Swagger UI is signed in (for demos).
    pub key: Option<Arc<str>>,
}

/// Routes for Swagger UI and Redoc, and for the files of all pages. GraphiQL shares its path with the GraphQL
/// endpoint, whose handler calls [`graphiql`].
pub fn router<S: Clone + Send + Sync + 'static>(pages: DocumentationPages) -> Router<S> {
    let DocumentationPages { title, key } = pages;
    let titled = move |html: &str| html.replace("{title}", &escape(title));
    let swagger = move || async move {
        let key = escape(key.as_deref().unwrap_or_default());
        page(titled(&SWAGGER.replace("{key}", &key)))
    };
    Router::new()
        .route(DOCUMENTATION, get(swagger))
        .route(REFERENCE, get(move || async move { page(titled(&REDOC)) }))
        .merge(asset::router())
}

/// The HTML of a page of the host, which may load the same files: with their current addresses.
pub fn host_html(html: &str) -> String {
    asset::versioned(html)
}

/// A page of the host, with the headers of the other pages.
pub fn host_page(html: String) -> Response {
    page(html)
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
    /// The operation that ends the session of its variable `$refreshToken`.
    pub sign_out: &'a str,
}

/// A kind of account that can sign in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SignIn<'a> {
    /// Its name in the form.
    pub account: &'a str,
    /// The operation that signs in. It takes `$email`, `$password` and `$code`, and answers
    /// `sessionCreate { session { accessToken refreshToken } userErrors { message } }`.
    pub document: &'a str,
    /// The e-mail address that the form is filled with (for demos); else empty.
    pub email: &'a str,
    /// The password that the form is filled with (for demos); else empty.
    pub password: &'a str,
}

impl<'a> GraphiqlPage<'a> {
    /// A page without key, examples and form.
    pub fn new(endpoint: &'a str, title: &'a str) -> Self {
        Self { endpoint, title, key: None, examples: &[], sign_in: &[], sign_out: "" }
    }
}

/// The page GraphiQL.
pub fn graphiql(values: GraphiqlPage<'_>) -> Response {
    let GraphiqlPage { endpoint, title, key, examples, sign_in, sign_out } = values;
    let json = |value: serde_json::Value| escape(&value.to_string());
    // The title comes last: it is the only value that may hold anything in braces.
    let html = GRAPHIQL
        .replace("{endpoint}", &escape(endpoint))
        .replace("{key}", &escape(key.unwrap_or_default()))
        .replace("{examples}", &json(json!(examples)))
        .replace("{sign_in}", &json(json!(sign_in)))
        .replace("{sign_out}", &escape(sign_out))
        .replace("{title}", &escape(title));
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

/// Escapes a text for HTML, also for an attribute value in double quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests;
