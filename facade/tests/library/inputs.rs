//! Inputs: a second pass of rules, limits that are settings, lists of files.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::shop::{Answer, KEY, Library};

async fn give(library: &Library, body: &Json) -> (StatusCode, Json) {
    let answer = library.post("POST", "/api/local/donations", body).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn the_second_pass_runs_only_when_the_first_found_nothing() {
    let library = Library::open().await;
    let (status, body) = give(&library, &json!({})).await;
    assert_eq!((status, &body["errors"]["giver"]), (StatusCode::UNPROCESSABLE_ENTITY, &Json::Null), "{body}");
    assert!(body["errors"]["number"].is_array());
    let (status, body) = give(&library, &json!({"number": 1})).await;
    assert_eq!(
        (status, body["errors"]["giver"].as_array().map(Vec::len)),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(1))
    );
    let (_, body) = give(&library, &json!({"number": 1, "giver": "Al"})).await;
    assert_eq!(body["errors"]["giver"], json!(["validation.min.string"]));
    assert_eq!(
        give(&library, &json!({"number": 1, "giver": "Ada"})).await,
        (StatusCode::CREATED, json!(["Ada"]))
    );
}

#[tokio::test]
async fn a_limit_is_a_setting_or_its_usual_value() {
    let library = Library::open().await;
    // The host of these tests has the setting `most_books` only: it says 7.
    for (number, status) in [(6, 201), (7, 201), (8, 422)] {
        let answered = give(&library, &json!({"number": number, "giver": "Ada"})).await;
        assert_eq!(answered.0.as_u16(), status, "{number}: {}", answered.1);
    }
}

async fn give_files(library: &Library, files: &[(&str, usize)]) -> Answer {
    let mut body = String::new();
    for (field, value) in [("giver", "Ada"), ("number", "1")] {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
    }
    for (name, bytes) in files {
        let text = "x".repeat(*bytes);
        body += &format!(
            "--edge\r\nContent-Disposition: form-data; name=\"photos[]\"; filename=\"{name}\"\r\n\r\n{text}\r\n"
        );
    }
    body += "--edge--\r\n";
    let request = Request::builder().method("POST").uri("/api/local/donations");
    let request = request
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    library.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_field_takes_several_files() {
    let library = Library::open().await;
    let answer = give_files(&library, &[("a.txt", 10), ("b.txt", 20)]).await;
    assert_eq!(answer.json(), json!(["a.txt: 10 bytes", "b.txt: 20 bytes", "Ada"]));
    let many = give_files(&library, &[("a.txt", 1), ("b.txt", 1), ("c.txt", 1)]).await;
    assert_eq!(many.json()["errors"], json!({"photos": ["validation.max.array"]}));
    let large = give_files(&library, &[("a.txt", 1), ("b.txt", 1025)]).await;
    assert_eq!(large.json()["errors"], json!({"photos.1": ["validation.max.file"]}));
    assert_eq!(give_files(&library, &[]).await.json(), json!(["Ada"]));
}
