//! Methods and paths: `GET`s that change something, older spellings of a path, and `Allow`.

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::shop::Library;

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_get_that_changes_something_is_kept_by_nobody() {
    let library = Library::open().await;
    let answer = library.ask("GET", "/api/books/1/remind").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"loans": 3})));
    assert_eq!(text(&answer.headers, "cache-control"), Some("no-store"));
    assert_eq!(
        text(&library.ask("GET", "/api/books").await.headers, "cache-control"),
        Some("no-cache, private")
    );
}

#[tokio::test]
async fn its_head_has_no_effect() {
    let library = Library::open().await;
    for _ in 0..2 {
        let answer = library.ask("HEAD", "/api/books/1/remind").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
        assert_eq!(text(&answer.headers, "cache-control"), Some("no-store"));
    }
    assert_eq!(library.get("/api/books/1/remind").await, json!({"loans": 3}));
}

#[tokio::test]
async fn it_is_refused_where_nothing_may_be_written() {
    let library = Library::read_only().await;
    let answer = library.ask("GET", "/api/books/1/remind").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn older_paths_lead_to_the_same_operation() {
    let library = Library::open().await;
    let gift = json!({"number": 1, "giver": "Ada"});
    for path in ["/api/local/donations", "/api/local/donation", "/api/donate"] {
        assert_eq!(library.post("POST", path, &gift).await.status, StatusCode::CREATED, "{path}");
    }
    let paths = &library.openapi["paths"];
    assert!(paths["/local/donations"]["post"].get("deprecated").is_none());
    for path in ["/local/donation", "/donate"] {
        assert_eq!(paths[path]["post"]["deprecated"], true, "{path}");
    }
}

#[tokio::test]
async fn allow_names_what_is_answered() {
    let library = Library::open().await;
    for (method, path, status, allow) in [
        // A path that only we have.
        ("GET", "/api/local/donations", 405, Some("POST")),
        ("DELETE", "/api/donate", 405, Some("POST")),
        ("PATCH", "/api/books/1", 405, Some("GET, HEAD, POST, PUT, DELETE")),
        ("PATCH", "/api/nowhere", 405, Some("GET, HEAD")),
        ("GET", "/api/nowhere", 404, None),
    ] {
        let answer = library.ask(method, path).await;
        let allowed = answer.headers.get(header::ALLOW).map(|value| value.to_str().unwrap());
        assert_eq!((answer.status.as_u16(), allowed), (status, allow), "{method} {path}");
    }
}
