//! How long a key is valid, and the answer to a client without one (RFC 6750).

use std::time::Duration;

use crate::harness::shop::Shop;

const HEALTH: &str = "/api/application/health";
const PRODUCTS: &str = "/api/application/products";
/// Longer than a key is believed without asking the database.
const A_MOMENT: Duration = Duration::from_millis(1100);

async fn status(shop: &Shop, path: &str, key: &str) -> u16 {
    shop.ask("GET", path, key, None).await.0
}

#[tokio::test]
async fn a_key_ends_with_its_owner() {
    let shop = Shop::golden("en").await;
    let customer_key = async |shop: &Shop| {
        let answer = shop.graphql("{ viewer { __typename } }", serde_json::json!({}), "customer1").await;
        answer["data"]["viewer"].is_object()
    };
    assert_eq!(status(&shop, HEALTH, "health").await, 200);
    assert!(customer_key(&shop).await);
    shop.sql("UPDATE admins SET expires_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    shop.sql("UPDATE customers SET deleted_at = '2026-11-20 10:00:00' WHERE id = 1").await;
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(status(&shop, HEALTH, "health").await, 401);
    assert!(!customer_key(&shop).await);
    // Keys that have not expired stay valid.
    shop.sql("UPDATE admins SET expires_at = '2037-01-01 00:00:00' WHERE id = 2").await;
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(status(&shop, HEALTH, "health").await, 200);
    shop.sql("UPDATE admins SET deleted_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(status(&shop, HEALTH, "health").await, 401);
    shop.close().await;
}

#[tokio::test]
async fn a_client_is_told_what_it_lacks() {
    let shop = Shop::golden("en").await;
    for (key, path, status, challenge) in [
        ("", PRODUCTS, 401, Some("Bearer")),
        ("7|wrong", PRODUCTS, 401, Some(r#"Bearer error="invalid_token""#)),
        ("expired", PRODUCTS, 401, Some(r#"Bearer error="invalid_token""#)),
        ("health", PRODUCTS, 403, Some(r#"Bearer error="insufficient_scope""#)),
        ("all", PRODUCTS, 200, None),
    ] {
        let (answered, headers, _) = shop.ask("GET", path, key, None).await;
        let reported =
            headers.iter().find(|(name, _)| name == "www-authenticate").map(|(_, value)| value.as_str());
        assert_eq!((answered, reported), (status, challenge), "{key}");
    }
    shop.close().await;
}
