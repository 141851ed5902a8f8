//! CORS: the origins that browsers may send requests from.

use crate::harness::shop::Shop;
use crate::harness::wire::Answer;

const SHOP: &str = "https://shop.example";
const LOCAL: &str = "http://localhost:5173";

async fn from(shop: &Shop, method: &str, path: &str, origin: &str) -> Answer {
    let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
    shop.send_with("all", method, path, &headers, "").await
}

fn origins(config: &mut guichet::platform::config::Config, origins: &[&str]) {
    config.cors_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
}

#[tokio::test]
async fn several_origins_may_call() {
    let shop = Shop::with("en", |config| origins(config, &[SHOP, LOCAL])).await;
    for path in ["/graphql", "/api/application/products", "/docs/openapi.json", "/api/nothing"] {
        for method in ["OPTIONS", "GET"] {
            for (origin, allowed) in [
                (SHOP, SHOP),
                (LOCAL, LOCAL),
                ("http://localhost:3000", "http://localhost:3000"),
                // The browser finds another origin than its own, and refuses.
                ("https://evil.example", "http://localhost:3000"),
                ("https://shop.example.evil.example", "http://localhost:3000"),
                ("null", "http://localhost:3000"),
            ] {
                let answer = from(&shop, method, path, origin).await;
                let found = answer.header("access-control-allow-origin");
                assert_eq!(found, Some(allowed), "{method} {path} from {origin}");
                let varies = |(name, value): &(String, String)| name == "vary" && value.contains("Origin");
                assert!(answer.headers.iter().any(varies), "a cache keeps them apart: {method} {path}");
                assert!(answer.header("access-control-allow-credentials").is_none());
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn all_origins_may_call_where_that_is_set() {
    let shop = Shop::with("en", |config| origins(config, &["*"])).await;
    for method in ["OPTIONS", "GET"] {
        let answer = from(&shop, method, "/graphql", "https://anything.example").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    shop.close().await;
}

#[tokio::test]
async fn without_the_setting_answers_are_the_originals() {
    let shop = Shop::golden("en").await;
    let answer = from(&shop, "GET", "/api/application/products", SHOP).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(answer.header("vary"), Some("Accept"));
    let seconds = async |path| {
        from(&shop, "OPTIONS", path, SHOP).await.header("access-control-max-age").map(str::to_owned)
    };
    assert_eq!(seconds("/graphql").await.as_deref(), Some("600"));
    assert_eq!(seconds("/api/application/products").await.as_deref(), Some("0"));
    shop.close().await;
}
