//! What only REST has: documents use it, and clients of GraphQL neither see it nor can ask for it.

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::shop::Library;

#[tokio::test]
async fn documents_use_it() {
    let library = Library::open().await;
    assert_eq!(library.get("/api/books/count").await, json!(3));
    assert_eq!(library.get("/api/books/2/whole").await, json!({"title": "Mort", "signature": "A1"}));
    let changed = library.post("POST", "/api/books/2", &json!({"title": "Mort", "loans": 4})).await;
    assert_eq!(changed.json()["loans"], 4);
    let refused = library.post("POST", "/api/books/2", &json!({"title": "Mort"})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.json()["errors"]["loans"].is_array());
}

#[tokio::test]
async fn clients_cannot_ask_for_it() {
    let library = Library::open().await;
    for asked in [
        "{ bookCount }",
        "{ book(id: 1) { signature } }",
        "{ book(id: 1, place: \"x\") { title } }",
        "{ books(only: 1) { totalCount } }",
        "mutation { bookUpdate(id: 1, input: {loans: 9}) { book { title } } }",
        "{ books { nodes { ... on Book { signature } } } }",
        "{ node: books { edges { node { signature } } } }",
    ] {
        // Twice: what was asked before is not validated again.
        for _ in 0..2 {
            let answer = library.graphql(asked).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
                "{asked}: {answer}"
            );
        }
    }
    let variables = json!({
        "query": "mutation($i: BookInput!) { bookUpdate(id: 1, input: $i) { book { title loans } } }",
        "variables": {"i": {"title": "Good Omens", "loans": 9}},
    });
    for _ in 0..2 {
        let answer = library.post("POST", "/graphql", &variables).await.json();
        assert_ne!(answer["data"]["bookUpdate"]["book"]["loans"], 9, "{answer}");
    }
    let whole = library
        .graphql("mutation { bookUpdate(id: 1, input: {title: \"New\"}) { book { title loans } } }")
        .await;
    assert_eq!(whole, json!({"data": {"bookUpdate": {"book": {"title": "New", "loans": 2}}}}));
}

/// Names of fields and inputs in an introspection.
fn names(schema: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(fields) => {
            found.extend(fields.get("name").and_then(Json::as_str).map(ToOwned::to_owned));
            fields.values().for_each(|value| names(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_schema_does_not_show_it() {
    let library = Library::open().await;
    let asked = "{ __schema { directives { name } types { name fields { name args { name } } inputFields { name } } } }";
    for _ in 0..3 {
        let (schema, mut found) = (library.graphql(asked).await, Vec::new());
        names(&schema, &mut found);
        assert!(found.contains(&"BookInput".to_owned()) && found.contains(&"title".to_owned()), "{schema}");
        for hidden in ["bookCount", "signature", "place", "only", "restOnly"] {
            assert!(!found.contains(&hidden.to_owned()), "{hidden}");
        }
        let input = library.graphql("{ __type(name: \"BookInput\") { inputFields { name } } }").await;
        assert_eq!(input["data"]["__type"]["inputFields"], json!([{"name": "title"}]));
    }
    let sdl = facade::schema::sdl::<crate::shop::Query, crate::shop::Mutation>();
    assert!(
        sdl.contains("input BookInput") && !sdl.contains("signature") && !sdl.contains("restOnly"),
        "{sdl}"
    );
}

#[tokio::test]
async fn a_document_says_what_is_missing() {
    let library = Library::open().await;
    let missing = library.ask("GET", "/api/books/77/whole").await;
    assert_eq!(
        (missing.status, missing.json()),
        (StatusCode::NOT_FOUND, json!({"message": "No book 77 here"}))
    );
    assert_eq!(library.graphql("{ book(id: 77) { title } }").await, json!({"data": {"book": null}}));
}
