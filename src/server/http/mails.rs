//! The mails of a demo shop, which sends none.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use facade::pages;

use crate::App;
use crate::shop::html::{escape, is_harmless};
use crate::shop::mail::{self, StoredMail};

static MAILS: LazyLock<String> = LazyLock::new(|| pages::host_html(include_str!("mails.html")));

/// Mails that the page shows.
const SHOWN: u64 = 50;

/// The page.
pub(super) async fn page(State(app): State<Arc<App>>) -> Response<Body> {
    match mail::newest(&app.shop.reader, SHOWN).await {
        Ok(mails) => pages::host_page(MAILS.replace("{mails}", &mails.iter().map(shown).collect::<String>())),
        Err(error) => {
            tracing::warn!(%error, "the mails cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn shown(mail: &StoredMail) -> String {
    let mut html = format!("<h2>{}</h2>\n<p>To {}", escape(&mail.subject), escape(&mail.recipient));
    if let Some(at) = mail.created_at {
        // Writing to a String cannot fail.
        let _ = write!(html, ", {}", at.0.format("%Y-%m-%d %H:%M UTC"));
    }
    let content = if is_harmless(&mail.content) { mail.content.clone() } else { escape(&mail.content) };
    let _ = write!(html, "</p>\n<blockquote>{content}</blockquote>\n");
    html
}
