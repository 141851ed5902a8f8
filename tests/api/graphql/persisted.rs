//! Operations that a request names instead of sending them, and answers that a client keeps.

use std::path::PathBuf;

use facade::operation::TrustedMode;
use guichet::access::key;
use guichet::platform::config::Config;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

const QUERY: &str = "query Name($id: ID!) { product(id: $id) { name } }";

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("")
}

/// A text as a parameter of an address.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn persisted(hash: &str) -> Json {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

async fn get(shop: &Shop, parameters: &[(&str, String)], more: &[(&str, &str)]) -> Answer {
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let mut headers = vec![("Authorization".to_owned(), format!("Bearer {}", Shop::key("all")))];
    headers.extend(more.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    let path = format!("/graphql?{}", query.join("&"));
    shop.send(&Request { method: "GET".to_owned(), path, headers, ..Request::default() }).await
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_afterwards() {
    let shop = Shop::golden("en").await;
    let hash = key::hash(QUERY);
    let named = [("extensions", persisted(&hash).to_string()), ("variables", json!({"id": 1}).to_string())];

    let unknown = get(&shop, &named, &[]).await.json();
    assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");

    let wrong = json!({"query": "{ health { status } }", "extensions": persisted(&hash)});
    let (status, _, wrong) = shop.post("/graphql", "all", &wrong).await;
    assert_eq!((status, code(&wrong)), (400, "BAD_USER_INPUT"));
    let broken = json!({"query": "{", "extensions": persisted(&key::hash("{"))});
    assert_eq!(code(&shop.post("/graphql", "all", &broken).await.2), "GRAPHQL_PARSE_FAILED");
    assert_eq!(code(&get(&shop, &named, &[]).await.json()), "PERSISTED_QUERY_NOT_FOUND");

    let first = json!({"query": QUERY, "extensions": persisted(&hash), "variables": {"id": 1}});
    let first = shop.post("/graphql", "all", &first).await.2;
    assert!(first["data"]["product"]["name"].is_string(), "{first}");
    assert_eq!(get(&shop, &named, &[]).await.json(), first);
    let by_id = json!({"documentId": format!("sha256:{hash}"), "variables": {"id": 1}});
    assert_eq!(shop.post("/graphql", "all", &by_id).await.2, first);
    shop.close().await;
}

#[tokio::test]
async fn a_named_mutation_is_not_run_by_get() {
    let shop = Shop::golden("en").await;
    let text = "mutation { productDelete(id: 1) { deletedId } }";
    let before = shop.rows().await;
    let refused = json!({"query": text, "extensions": persisted(&key::hash(text))});
    // Remembered, though the caller may not run it.
    assert_eq!(code(&shop.post("/graphql", "health", &refused).await.2), "FORBIDDEN");
    let answer = get(&shop, &[("extensions", persisted(&key::hash(text)).to_string())], &[]).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(shop.rows().await["products"], before["products"]);
    shop.close().await;
}

#[tokio::test]
async fn a_client_keeps_what_has_not_changed() {
    let shop = Shop::golden("en").await;
    let asked = [("query", QUERY.to_owned()), ("variables", json!({"id": 1}).to_string())];
    let first = get(&shop, &asked, &[]).await;
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    assert_eq!(first.header("vary"), Some("Accept, Accept-Language, Authorization, X-GraphQL-Cost"));
    let tag = first.header("etag").unwrap();
    for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = get(&shop, &asked, &[("If-None-Match", &known)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(tag));
    }
    shop.sql("UPDATE products SET name = 'Renamed' WHERE id = 1").await;
    let changed = get(&shop, &asked, &[("If-None-Match", tag)]).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["data"]["product"]["name"], "Renamed");
    let posted = shop.post("/graphql", "all", &json!({"query": "{ health { status } }"})).await;
    assert!(posted.1.contains(&("cache-control".to_owned(), "no-store".to_owned())));
    shop.close().await;
}

/// The shortest time of all fields counts; an answer that needs a key is private.
#[tokio::test]
async fn an_answer_is_kept_as_its_fields_say() {
    let shop = Shop::golden("en").await;
    let statistics = "{ statistics { customers { total } } }";
    for (query, kept) in [
        (statistics, "max-age=30, private"),
        ("{ __schema { queryType { name } } }", "max-age=300"),
        ("{ __schema { queryType { name } } statistics { generatedAt } }", "max-age=30, private"),
        ("{ statistics { generatedAt } health { status } }", "private, no-cache"),
        ("{ products { nodes { name } } }", "private, no-cache"),
    ] {
        let answer = get(&shop, &[("query", query.to_owned())], &[]).await;
        assert_eq!(answer.header("cache-control"), Some(kept), "{query}");
        assert!(answer.header("etag").is_some() && answer.json().get("errors").is_none(), "{query}");
        let (_, headers, _) = shop.post("/graphql", "all", &json!({"query": query})).await;
        assert!(headers.contains(&("cache-control".to_owned(), "no-store".to_owned())), "{query}");
    }
    // Neither a refusal nor an answer with errors may be cached.
    let path = format!("/graphql?query={}", encoded(statistics));
    let (_, headers, refused) = shop.get(&path, "products-read").await;
    assert_eq!(code(&refused), "FORBIDDEN");
    assert!(headers.contains(&("cache-control".to_owned(), "private, no-cache".to_owned())), "{headers:?}");
    shop.close().await;
}

/// A file or folder of trusted documents, gone at the end.
struct Trusted(PathBuf);

impl Trusted {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("guichet-trusted-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Trusted {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn only_trusted_documents_are_run_where_the_shop_says_so() {
    let folder = Trusted::new("only");
    folder.file("name.graphql", &format!("{QUERY}\n"));
    let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        {"id": "name", "name": "Name", "type": "query", "body": QUERY},
    ]});
    let apollo = folder.file("apollo.json", &apollo.to_string());
    let relay = folder.file("relay.json", &json!({"name": QUERY}).to_string());
    for path in [folder.0.clone(), apollo, relay] {
        let shop = Shop::with("en", |config| {
            config.trusted_documents = Some(path.clone());
            config.trusted_mode = TrustedMode::Only;
        })
        .await;
        let variables = json!({"id": 1});
        for body in [
            json!({"query": QUERY, "variables": variables}),
            json!({"documentId": "name", "variables": variables}),
            json!({"extensions": persisted(&key::hash(QUERY)), "variables": variables}),
        ] {
            let (_, _, answer) = shop.post("/graphql", "all", &body).await;
            assert!(answer["data"]["product"]["name"].is_string(), "{}: {body} {answer}", path.display());
        }
        let before = shop.statements();
        for body in [
            json!({"query": "{ health { status } }"}),
            json!({"query": "{ __schema { types { name } } }"}),
            json!({"query": "{ health { status } }", "extensions": persisted(&key::hash("{ health { status } }"))}),
            json!({"documentId": "other"}),
        ] {
            let (_, _, answer) = shop.post("/graphql", "all", &body).await;
            assert_eq!(code(&answer), "DOCUMENT_NOT_TRUSTED", "{body}");
        }
        assert_eq!(shop.statements(), before);
        shop.close().await;
    }
}

#[tokio::test]
async fn other_documents_are_run_where_trust_is_off_or_only_logged() {
    let folder = Trusted::new("log");
    folder.file("name.graphql", QUERY);
    for mode in [TrustedMode::Off, TrustedMode::Log] {
        let shop = Shop::with("en", |config| {
            config.trusted_documents = Some(folder.0.clone());
            config.trusted_mode = mode;
        })
        .await;
        let answer = shop.graphql("{ health { status } }", json!({}), "all").await;
        assert_eq!(answer["data"]["health"]["status"], "ok", "{mode:?}");
        let body = json!({"documentId": "name", "variables": {"id": 1}});
        assert!(shop.post("/graphql", "all", &body).await.2["data"]["product"].is_object());
        shop.close().await;
    }
}

/// The operator reads which file is wrong, and the server does not start.
#[test]
fn trusted_documents_are_checked_at_the_start() {
    let folder = Trusted::new("broken");
    let broken = folder.file("broken.graphql", "query {");
    let list = folder.file("list.json", "[]");
    for (path, reason) in [
        (folder.0.clone(), "`broken`: "),
        (list, "neither a manifest of operations nor an object of documents"),
        (broken.with_file_name("absent.json"), "No such file"),
    ] {
        let config = Config { trusted_documents: Some(path.clone()), ..Config::default() };
        let text = guichet::server::trusted_documents(&config).err().unwrap().to_string();
        assert!(text.starts_with(&format!("GUICHET_TRUSTED_DOCUMENTS={}: ", path.display())), "{text}");
        assert!(text.contains(reason), "{text}");
    }
}
