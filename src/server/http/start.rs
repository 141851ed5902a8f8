//! The start page: links to the other pages, and a request to paste into a terminal.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use facade::pages;

use super::origin;
use crate::App;

static START: LazyLock<String> = LazyLock::new(|| pages::host_html(include_str!("start.html")));

/// What stands above the request, with a key of a demo shop and without one.
const DEMO_KEY: &str = "Both faces take the same key. This one may do everything in the demo shop:";
const NO_KEY: &str = "Both faces take the same key. Put one in the place of <var>KEY</var>; \
                      <code>guichet create-api-key</code> makes one:";

/// The link to the mails of a demo shop.
const MAILS: &str = "<li><a href=\"/mails\"><b>Mails</b> What the demo shop would have sent.</a></li>\n";

/// The page, with the address that was asked.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (about_key, key) = match app.demo_key.as_deref() {
        Some(key) => (DEMO_KEY, pages::escape(key)),
        None => (NO_KEY, "<var>KEY</var>".to_owned()),
    };
    let html = START
        .replace("{mails}", app.demo_key.as_ref().map_or("", |_| MAILS))
        .replace("{about_key}", about_key)
        .replace("{key}", &key)
        .replace("{origin}", &pages::escape(&origin(&app, &request).base()));
    pages::host_page(html)
}
