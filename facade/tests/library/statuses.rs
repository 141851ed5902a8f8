//! Statuses of answers that say something about their body.

use axum::http::{StatusCode, header};

use crate::shop::Library;

#[tokio::test]
async fn an_answer_of_204_has_no_body_and_no_type() {
    for accept in ["application/json", "application/xml"] {
        let library = Library::open().await;
        let request = axum::http::Request::builder().method("DELETE").uri("/api/books/2");
        let request =
            request.header(header::AUTHORIZATION, "Bearer librarian").header(header::ACCEPT, accept);
        let answer = library.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
        assert!(!answer.headers.contains_key(header::CONTENT_TYPE));
        assert_eq!(library.get("/api/books").await["total"], 2);
        assert_eq!(library.ask("DELETE", "/api/books/2").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_openapi_document_tells_of_no_body() {
    let library = Library::open().await;
    let deletion = library.component(&library.openapi["paths"]["/books/{id}"]["delete"]["responses"]["204"]);
    assert!(deletion["description"].is_string() && deletion.get("content").is_none(), "{deletion}");
}
