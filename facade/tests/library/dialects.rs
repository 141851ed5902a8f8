//! Answers of other contracts: envelopes, members beside them, and how moments are spelled below a path.

use axum::http::StatusCode;
use serde_json::json;

use crate::shop::Library;

#[tokio::test]
async fn moments_are_spelled_as_below_their_path() {
    let library = Library::open().await;
    let zone = value::ShopTime::from_local("2026-11-23T13:00:00".parse().unwrap()).0;
    let local = zone.with_timezone(&value::zone()).to_rfc3339();
    let utc = zone.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let book = library.graphql("{ book(id: 2) { printedAt } clock { now } }").await;
    assert_eq!(
        book["data"],
        json!({"book": {"printedAt": utc}, "clock": {"now": "2026-07-01T12:00:00.000000Z"}})
    );
    assert_eq!(
        library.get("/api/local/books/2").await,
        json!({"data": {"title": "Mort", "printed_at": local}})
    );
    assert_eq!(library.get("/api/clock").await, json!({"now": "2026-07-01T12:00:00.000000Z"}));
    let summer = "2026-07-01T12:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let summer = summer.with_timezone(&value::zone()).to_rfc3339();
    let both = json!({"data": {"title": "Mort"}, "clock": {"now": summer}, "ok": true});
    assert_eq!(library.get("/api/local/both/2").await, both);
}

#[tokio::test]
async fn a_page_of_four_numbers_with_members_beside_it() {
    let library = Library::open().await;
    let page = library.get("/api/local/books?per_page=2&page=2").await;
    assert_eq!(page["data"][0]["title"], "Nobody's");
    assert_eq!(page["meta"], json!({"current_page": 2, "last_page": 2, "per_page": 2, "total": 3}));
    assert_eq!(page["filters"], json!({"all": "all", "lent": "lent"}));
    let keys: Vec<&String> = page.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
}

#[tokio::test]
async fn what_is_missing_is_so_in_every_envelope() {
    let library = Library::open().await;
    for path in ["/api/local/books/77", "/api/local/both/77"] {
        let answer = library.ask("GET", path).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::NOT_FOUND, json!({"message": ""})), "{path}");
    }
}

#[tokio::test]
async fn the_openapi_document_tells_of_the_envelopes() {
    let library = Library::open().await;
    let schema = |path: &str| {
        let answer = library.component(&library.openapi["paths"][path]["get"]["responses"]["200"]);
        library.component(&answer["content"]["application/json"]["schema"])
    };
    assert_eq!(schema("/local/books")["allOf"][0]["$ref"], "#/components/schemas/DataPage");
    assert_eq!(schema("/local/books")["allOf"][1]["required"], json!(["data", "filters"]));
    assert_eq!(schema("/local/books/{id}")["required"], json!(["data"]));
    assert_eq!(schema("/local/both/{id}")["required"], json!(["data", "clock", "ok"]));
}
