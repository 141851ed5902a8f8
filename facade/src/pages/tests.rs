#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use regex::Regex;
use tower::ServiceExt as _;

use super::*;

async fn fetch(path: &str, key: Option<&str>) -> Response {
    let pages = DocumentationPages { title: "REST API", key: key.map(Arc::from) };
    router::<()>(pages).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().into()).unwrap()
}

#[test]
fn no_page_names_another_host() {
    let elsewhere = Regex::new(r#"://|(src|href)="//"#).unwrap();
    for page in [GRAPHIQL.as_str(), &SWAGGER, &REDOC] {
        assert!(!elsewhere.is_match(page), "{page}");
    }
}

#[tokio::test]
async fn every_file_that_a_page_names_is_served() {
    let names = Regex::new(r#"(?:src|href)="(/(?:docs|graphql)/asset/[^"]+)""#).unwrap();
    for page in [GRAPHIQL.as_str(), &SWAGGER, &REDOC] {
        for name in names.captures_iter(page) {
            assert!(name[1].contains("?v="), "{}", &name[1]);
            assert_eq!(fetch(&name[1], None).await.status(), StatusCode::OK, "{}", &name[1]);
        }
    }
}

#[tokio::test]
async fn a_key_cannot_break_out_of_its_attribute() {
    let key = Some("1|\"><script>");
    let graphiql = graphiql(GraphiqlPage { key, ..GraphiqlPage::new("/graphql", "GraphiQL") });
    for page in [graphiql, fetch(DOCUMENTATION, key).await] {
        assert!(text(page).await.contains("data-key=\"1|&quot;>&lt;script>\""));
    }
}

#[tokio::test]
async fn a_page_without_a_key_has_none() {
    assert!(text(fetch(DOCUMENTATION, None).await).await.contains("data-key=\"\""));
}
