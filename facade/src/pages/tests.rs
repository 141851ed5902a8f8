#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::Request;
use regex::Regex;
use tower::ServiceExt as _;

use super::*;

async fn fetch(path: &str, known: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(known) = known {
        request = request.header(axum::http::header::IF_NONE_MATCH, known);
    }
    router::<()>("/documentation", "REST API").oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[test]
fn no_page_or_own_script_names_another_host() {
    let own = [&GRAPHQL_ASSETS[6], &DOCS_ASSETS[3], &DOCS_ASSETS[4], &DOCS_ASSETS[5]];
    let own = own.map(|asset| std::str::from_utf8(asset.body).unwrap());
    let without_scheme = Regex::new(r#"(src|href)="//"#).unwrap();
    for text in [GRAPHIQL.as_str(), &SWAGGER].into_iter().chain(own) {
        assert!(!text.contains("//") || !text.contains("://"), "{text}");
        assert!(!without_scheme.is_match(text), "{text}");
    }
}

#[test]
fn vendored_styles_load_nothing() {
    let outside = Regex::new(r#"(@import|url\(["']?(https?:)?//)"#).unwrap();
    for asset in GRAPHQL_ASSETS.iter().chain(DOCS_ASSETS).filter(|asset| asset.kind == STYLE) {
        assert!(!outside.is_match(std::str::from_utf8(asset.body).unwrap()), "{}", asset.name);
    }
}

#[tokio::test]
async fn every_file_that_a_page_names_is_served() {
    let names = Regex::new(r#"(?:src|href)="(/(?:docs|graphql)/asset/[^"]+)""#).unwrap();
    for page in [GRAPHIQL.as_str(), &SWAGGER] {
        for name in names.captures_iter(page) {
            assert!(name[1].contains("?v="), "{}", &name[1]);
            assert_eq!(fetch(&name[1], None).await.status(), StatusCode::OK, "{}", &name[1]);
        }
    }
}

#[tokio::test]
async fn assets_are_kept_for_a_year_and_unknown_ones_not_found() {
    let first = fetch("/docs/asset/swagger-ui.css", None).await;
    assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=31536000");
    assert_eq!(first.headers()[CONTENT_TYPE], STYLE);
    let tag = first.headers()[ETAG].to_str().unwrap();
    assert_eq!(fetch("/docs/asset/swagger-ui.css", Some(tag)).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(fetch("/docs/asset/nope.js", None).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(fetch("/graphql/asset/swagger-ui.css", None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_key_cannot_break_out_of_its_attribute() {
    let page =
        graphiql(GraphiqlPage { key: Some("1|\"><script>"), ..GraphiqlPage::new("/graphql", "GraphiQL") });
    let body = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("data-key=\"1|&quot;>&lt;script>\""));
}
