#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::IF_NONE_MATCH;
use regex::Regex;
use tower::ServiceExt as _;

use super::*;

async fn fetch(path: &str, headers: &[(axum::http::HeaderName, &str)]) -> Response {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(name, *value));
    router::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn all() -> impl Iterator<Item = &'static Asset> {
    GRAPHQL_ASSETS.iter().chain(&DOCS_ASSETS)
}

fn text(asset: &Asset) -> String {
    String::from_utf8(asset.encoded(Encoding::Identity).unwrap().into()).unwrap()
}

#[test]
fn no_own_file_names_another_host() {
    let own = all().filter(|asset| matches!(asset.content, Content::Plain(_)) && asset.kind != PNG);
    let own: Vec<_> = own.map(text).collect();
    assert_eq!(own.len(), 5);
    for text in own {
        assert!(!text.contains("://"), "{text}");
    }
}

#[test]
fn vendored_styles_load_nothing() {
    let outside = Regex::new(r#"(@import|url\(["']?(https?:)?//)"#).unwrap();
    for asset in all().filter(|asset| asset.kind == STYLE) {
        assert!(!outside.is_match(&text(asset)), "{}", asset.name);
    }
}

#[test]
fn a_client_gets_the_encoding_that_it_prefers() {
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", Encoding::Brotli),
        ("gzip, deflate", Encoding::Gzip),
        ("br;q=0.5, gzip", Encoding::Gzip),
        ("br;q=0, *", Encoding::Gzip),
        ("*", Encoding::Brotli),
        ("br;q=0, gzip;q=0", Encoding::Identity),
        ("identity", Encoding::Identity),
        ("", Encoding::Identity),
    ] {
        let asked = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        assert_eq!(Encoding::preferred(&asked), expected, "{accepted}");
    }
    assert_eq!(Encoding::preferred(&HeaderMap::new()), Encoding::Identity);
}

#[tokio::test]
async fn scripts_and_styles_of_others_are_sent_compressed() {
    let path = "/docs/asset/swagger-ui-bundle.js";
    let mut tags = Vec::new();
    let mut sizes = Vec::new();
    for (accepted, encoding) in [("br", Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
        let answer = fetch(path, &[(ACCEPT_ENCODING, accepted)]).await;
        let headers = answer.headers().clone();
        assert_eq!(headers.get(CONTENT_ENCODING).map(|name| name.to_str().unwrap()), encoding);
        assert_eq!(
            (&headers[VARY], &headers[CONTENT_TYPE]),
            (&"Accept-Encoding".parse().unwrap(), &SCRIPT.parse().unwrap())
        );
        sizes.push(to_bytes(answer.into_body(), usize::MAX).await.unwrap().len());
        let tag = headers[ETAG].to_str().unwrap().to_owned();
        let known = fetch(path, &[(ACCEPT_ENCODING, accepted), (IF_NONE_MATCH, &tag)]).await;
        assert_eq!((known.status(), &known.headers()[VARY]), (StatusCode::NOT_MODIFIED, &headers[VARY]));
        tags.push(tag);
    }
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2] / 3, "{sizes:?}");
    // Bytes of another encoding are not what a client has kept.
    let other = fetch(path, &[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, &tags[0])]).await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn assets_are_kept_for_a_year_and_unknown_ones_not_found() {
    let first = fetch("/docs/asset/pages.css", &[(ACCEPT_ENCODING, "br")]).await;
    assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=31536000");
    assert_eq!(first.headers()[CONTENT_TYPE], STYLE);
    assert!(first.headers().get(CONTENT_ENCODING).is_none());
    let tag = first.headers()[ETAG].to_str().unwrap();
    assert_eq!(
        fetch("/docs/asset/pages.css", &[(IF_NONE_MATCH, tag)]).await.status(),
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(fetch("/docs/asset/nope.js", &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(fetch("/graphql/asset/swagger-ui.css", &[]).await.status(), StatusCode::NOT_FOUND);
}
