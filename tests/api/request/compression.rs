//! Answers are compressed for clients that accept it, and are the same once they are unpacked.

use std::io::Read;

use serde_json::json;

use crate::harness::shop::Shop;
use crate::harness::wire::Answer;

const PRODUCTS: &str = "/api/application/products?per_page=100&include=group,metadata";

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let body = answer.body.as_slice();
    match answer.header("content-encoding") {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut bytes).unwrap(),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut bytes).unwrap(),
        Some("zstd") => zstd::Decoder::new(body).unwrap().read_to_end(&mut bytes).unwrap(),
        other => panic!("{other:?}: {}", answer.text()),
    };
    bytes
}

/// Whether caches keep an answer by the encodings that were accepted.
fn varies(answer: &Answer) -> bool {
    let is_named = |(name, value): &(String, String)| name == "vary" && value.contains("accept-encoding");
    answer.headers.iter().any(is_named)
}

async fn read(shop: &Shop, path: &str, encodings: &str) -> Answer {
    shop.send_with("all", "GET", path, &[("Accept-Encoding", encodings)], "").await
}

#[tokio::test]
async fn answers_are_compressed_as_the_client_accepts() {
    let shop = Shop::golden("en").await;
    let plain = shop.send_with("all", "GET", PRODUCTS, &[], "").await;
    assert_eq!((plain.header("content-encoding"), varies(&plain)), (None, false), "nothing was asked for");
    for (accepted, encoding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("GZIP;q=1.0, br;q=0.5", "gzip"),
        ("*", "zstd"),
    ] {
        let answer = read(&shop, PRODUCTS, accepted).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(encoding)), "{accepted}");
        assert!(varies(&answer));
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert!(answer.body.len() < plain.body.len() / 2, "{encoding}: {}", answer.body.len());
        assert_eq!(unpacked(&answer), plain.body, "{encoding}");
    }
    shop.close().await;
}

#[tokio::test]
async fn xml_graphql_contracts_and_errors_are_compressed_too() {
    let shop = Shop::golden("en").await;
    let headers = [("Accept-Encoding", "br"), ("Accept", "application/xml")];
    let xml = shop.send_with("all", "GET", PRODUCTS, &headers, "").await;
    assert!(unpacked(&xml).starts_with(b"<?xml"));
    let query = json!({"query": "{ products(first: 9) { nodes { id name description createdAt updatedAt group { id name slug description } } } }"});
    let headers = [("Accept-Encoding", "zstd"), ("Content-Type", "application/json")];
    let answer = shop.send_with("all", "POST", "/graphql", &headers, &query.to_string()).await;
    let plain = shop.post("/graphql", "all", &query).await.2;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&unpacked(&answer)).unwrap(), plain);
    for path in ["/docs/openapi.json", "/docs/openapi.yaml", "/docs/api.xsd", "/graphql/schema.graphql"] {
        let answer = read(&shop, path, "gzip").await;
        assert!(unpacked(&answer).len() > 3 * answer.body.len(), "{path}");
    }
    shop.close().await;
}

/// What is kept of a document is its content alone, and that of one host is not for another.
#[tokio::test]
async fn kept_documents_have_the_headers_of_each_request() {
    let shop = Shop::with("en", |config| config.cors_origins = vec!["https://a.example".to_owned()]).await;
    for (origin, allowed) in
        [("https://a.example", "https://a.example"), ("https://b.example", "http://localhost:3000")]
    {
        for _ in 0..2 {
            let headers = [("Accept-Encoding", "gzip"), ("Origin", origin)];
            let answer = shop.send_with("", "GET", "/docs/openapi.json", &headers, "").await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(allowed));
            let plain = shop.send_with("", "GET", "/docs/openapi.json", &[], "").await;
            assert_eq!(unpacked(&answer), plain.body);
        }
    }
    let head = shop.send_with("", "HEAD", "/docs/openapi.json", &[("Accept-Encoding", "gzip")], "").await;
    assert_eq!((head.status, head.header("content-encoding"), head.body.len()), (200, None, 0));
    let answer = read(&shop, "/docs/asset/swagger-ui-bundle.js", "zstd").await;
    assert_eq!(answer.header("content-encoding"), None, "it is there in other encodings");
    shop.close().await;
}

/// A tag that was given for a compressed answer is known again, whatever the next request accepts.
#[tokio::test]
async fn tags_of_compressed_answers_are_weak() {
    let shop = Shop::golden("en").await;
    let path = "/docs/openapi.json";
    let answer = read(&shop, path, "br").await;
    let tag = answer.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for encodings in ["br", "identity"] {
        let headers = [("Accept-Encoding", encodings), ("If-None-Match", tag.as_str())];
        let answer = shop.send_with("all", "GET", path, &headers, "").await;
        assert_eq!((answer.status, answer.body.len()), (304, 0));
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_short_or_not_wanted_is_sent_as_it_is() {
    let shop = Shop::golden("en").await;
    let product = "/api/application/products/9999";
    for (path, encodings) in [
        (product, "br"),
        (PRODUCTS, "identity"),
        (PRODUCTS, "deflate"),
        (PRODUCTS, "br;q=0, gzip;q=0"),
        (PRODUCTS, ""),
        (PRODUCTS, "\u{e9}, ;;q=,,"),
        // Nothing at all is accepted: the original does not look, either.
        (PRODUCTS, "identity;q=0"),
        (PRODUCTS, "*;q=0"),
    ] {
        let answer = read(&shop, path, encodings).await;
        assert_eq!(answer.header("content-encoding"), None, "{encodings}");
        assert_eq!(answer.status, 200, "{encodings}");
        serde_json::from_slice::<serde_json::Value>(&answer.body).expect("JSON");
    }
    shop.close().await;
    let shop = Shop::with("en", |config| config.compression = false).await;
    let answer = read(&shop, PRODUCTS, "br").await;
    assert_eq!((answer.header("content-encoding"), varies(&answer)), (None, false));
    shop.close().await;
}
