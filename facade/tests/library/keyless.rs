//! Operations without a key: what they may send, and limiters of their own.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::shop::{Answer, Library};

async fn keyless(library: &Library, method: &str, path: &str, body: &Json) -> Answer {
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    library.send(request.body(body).unwrap()).await
}

fn limits(headers: &HeaderMap) -> [Option<&str>; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "retry-after"]
        .map(|name| headers.get(name).map(|value| value.to_str().unwrap()))
}

#[tokio::test]
async fn an_open_operation_needs_no_key_and_others_do() {
    let library = Library::open().await;
    let answer = keyless(&library, "GET", "/api/opening?day=B2", &Json::Null).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!("B2")));
    assert_eq!(library.get("/api/opening").await, "always");
    assert_eq!(keyless(&library, "GET", "/api/books", &Json::Null).await.status, StatusCode::UNAUTHORIZED);
    // A wrong key is no worse than none.
    let request = Request::builder().uri("/api/opening").header(header::AUTHORIZATION, "Bearer nobody");
    assert_eq!(library.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn its_own_limiter_counts_beside_the_usual_one_and_is_told() {
    let library = Library::open().await;
    for remaining in ["2", "1", "0"] {
        let answer = keyless(&library, "GET", "/api/opening", &Json::Null).await;
        assert_eq!(limits(&answer.headers), [Some("3"), Some(remaining), None]);
    }
    let refused = keyless(&library, "GET", "/api/opening", &Json::Null).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json(), json!({"message": "Too Many Attempts."}));
    assert_eq!(limits(&refused.headers), [Some("3"), Some("0"), Some("60")]);
    // Four requests were counted before, and other operations know no other limiter.
    let answer = library.ask("GET", "/api/clock").await;
    assert_eq!(limits(&answer.headers), [Some("60"), Some("55"), None]);
}

#[tokio::test]
async fn it_may_count_in_place_of_the_usual_one() {
    let library = Library::open().await;
    let knock = json!({"title": "Who", "loans": 0});
    for _ in 0..3 {
        let answer = keyless(&library, "POST", "/api/knock", &knock).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!("come in")));
    }
    assert_eq!(keyless(&library, "POST", "/api/knock", &knock).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limits(&library.ask("GET", "/api/clock").await.headers), [Some("60"), Some("59"), None]);
}

#[tokio::test]
async fn its_body_is_bounded_before_it_is_read() {
    let library = Library::open().await;
    let long = json!({"title": "x".repeat(300), "loans": 0});
    assert_eq!(keyless(&library, "POST", "/api/knock", &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let invalid = keyless(&library, "POST", "/api/knock", &json!({})).await;
    assert_eq!(invalid.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// A method that the body names leads to no operation that needs a key.
#[tokio::test]
async fn an_override_opens_nothing() {
    let library = Library::open().await;
    for path in ["/api/books/2", "/api/opening"] {
        let answer = keyless(&library, "POST", path, &json!({"_method": "DELETE"})).await;
        assert!(matches!(answer.status.as_u16(), 401 | 405), "{path}: {}", answer.status);
    }
    assert_eq!(library.get("/api/books").await["total"], 3);
}

#[tokio::test]
async fn the_openapi_document_tells_that_no_key_is_needed() {
    let library = Library::open().await;
    let operation = &library.openapi["paths"]["/opening"]["get"];
    assert_eq!(operation["security"], json!([{}]));
    assert!(operation["responses"].get("401").is_none() && operation["responses"]["429"].is_object());
    assert!(operation["description"].as_str().unwrap().contains("Needs no key."));
}
