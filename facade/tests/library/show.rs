//! `show`: the page of one row that a list declares beside itself.

use axum::http::StatusCode;
use serde_json::json;

use crate::shop::Library;

#[tokio::test]
async fn one_row_is_shown_as_the_list_shows_it() {
    let library = Library::open().await;
    let list = library.get("/api/books?include=authors,loansCount&per_page=1").await;
    let page = library.get("/api/books/1?include=authors,loansCount").await;
    assert_eq!(page["data"], list["data"]);
    assert_eq!((&page["total"], &page["path"]), (&json!(1), &json!("http://localhost/api/books/1")));
}

#[tokio::test]
async fn conditions_of_the_list_hold_for_the_row() {
    let library = Library::open().await;
    for (query, total) in [("", 1), ("?filter[title]=mort", 1), ("?filter[title]=omens", 0), ("?page=2", 1)] {
        assert_eq!(library.get(&format!("/api/books/2{query}")).await["total"], total, "{query}");
    }
    assert_eq!(library.get("/api/books/9").await["data"], json!([]));
    assert_eq!(library.ask("GET", "/api/books/2?filter[nope]=1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn it_does_not_search() {
    let library = Library::open().await;
    assert_eq!(library.get("/api/books?q=mort").await["total"], 1);
    assert_eq!(library.get("/api/books/1?q=mort").await["total"], 1);
    let parameters = library.openapi["paths"]["/books/{id}"]["get"]["parameters"].to_string();
    assert!(!parameters.contains("\"q\""), "{parameters}");
}
