//! What only the documents promise: the recorded shop doesn't have it
//! (spec: docs/contract/documented-contract.md#4.4, docs/contract/documented-contract.md#4.5).

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

/// Links customers to accounts at Discord: 4 and 6 have an active service, 5 a deleted account's, 27
/// only an ended one.
async fn linked(discord_role: guichet::platform::config::DiscordRole) -> Shop {
    let shop = Shop::with("fr", |config| config.discord_role = discord_role).await;
    let backslash = if shop.is_mysql() { "\\\\" } else { "\\" };
    let model = "App/Models/Account/Customer".replace('/', backslash);
    for (customer, account) in [(6, "912345678901234567"), (4, "80351110224678912"), (5, "42"), (1, "77")] {
        shop.sql(&format!(
            "INSERT INTO metadata (model_id, model_type, {}, value) VALUES ({customer}, '{model}', 'social_discord', '{account}')",
            shop.quoted("key")
        ))
        .await;
    }
    shop.sql("UPDATE customers SET deleted_at = '2026-11-01 10:00:00' WHERE id = 5").await;
    shop
}

#[tokio::test]
async fn a_customer_sees_itself_and_staff_is_refused() {
    let shop = Shop::golden("fr").await;
    let (status, _, own) = shop.get("/api/customer/me", "customer1").await;
    let keys: Vec<&String> = own.as_object().unwrap().keys().collect();
    assert_eq!(
        (status, own["id"].as_i64(), own["email"].as_str()),
        (200, Some(1), Some("customer1@example.com"))
    );
    let expected = "id firstname lastname email company_name billing_details locale phone address address2 city \
                    country region zipcode email_verified_at balance last_login is_confirmed is_deleted dark_mode \
                    gdpr_compliment created_at";
    assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    let refused = json!({"message": "Invalid ability provided."});
    for key in ["all", "none"] {
        let (status, _, body) = shop.get("/api/customer/me", key).await;
        assert_eq!((status, &body), (403, &refused), "{key}");
    }
    assert_eq!(shop.get("/api/customer/me", "").await.0, 401);
    let answer = shop.graphql("{ viewer { email } }", json!({}), "all").await;
    assert_eq!(
        (&answer["data"]["viewer"], &answer["errors"][0]["extensions"]["code"]),
        (&Json::Null, &json!("FORBIDDEN"))
    );
    let (_, _, product) = shop.get("/api/application/products", "customer1").await;
    assert_eq!(product, refused);
    shop.close().await;
}

#[tokio::test]
async fn a_linked_customer_is_found_by_its_account() {
    let shop = linked(guichet::platform::config::DiscordRole::ActiveService).await;
    let path = "/api/application/discordlink/search";
    let (status, _, found) = shop.get(&format!("{path}/80351110224678912"), "all").await;
    assert_eq!(status, 200);
    let keys: Vec<&String> = found.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["id", "firstname", "lastname", "email", "locale", "discord_id", "services", "invoices"]
    );
    assert_eq!((&found["id"], &found["discord_id"]), (&json!(4), &json!("80351110224678912")));
    let services: Vec<&Json> =
        found["services"].as_array().unwrap().iter().map(|service| &service["id"]).collect();
    assert_eq!(services, [6, 33]);
    let keys: Vec<&String> = found["services"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "name", "status", "billing", "expires_at"]);
    for invoice in found["invoices"].as_array().unwrap() {
        let keys: Vec<&String> = invoice.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "invoice_number", "status", "total", "currency", "created_at"]);
        assert_ne!(invoice["status"], "draft");
    }
    for unknown in ["80351110224678913", "42", "8035111022467891200001", "x", "-4", "4.0"] {
        let (status, _, body) = shop.get(&format!("{path}/{unknown}"), "all").await;
        assert_eq!((status, body), (404, json!({"message": "Not found"})), "{unknown}");
    }
    assert_eq!(shop.get(&format!("{path}/42"), "none").await.0, 403);
    let (status, _, body) = shop.get("/api/application/discordlink/check", "none").await;
    assert_eq!((status, body), (200, json!({"status": "ok"})));
    assert_eq!(shop.get("/api/application/discordlink/check", "").await.0, 401);
    shop.close().await;
}

#[tokio::test]
async fn the_operator_says_who_holds_the_role() {
    use guichet::platform::config::DiscordRole;
    for (role, holders) in [
        (DiscordRole::Linked, vec![1, 4, 6]),
        (DiscordRole::ActiveService, vec![4, 6]),
        (DiscordRole::AnyService, vec![1, 4, 6]),
    ] {
        let shop = linked(role).await;
        let (status, _, body) = shop.get("/api/application/discordlink/getlinkedcustomers", "all").await;
        let ids: Vec<i64> =
            body["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!((status, ids), (200, holders), "{role:?}");
        assert!(body["data"][0]["discord_id"].is_string());
        shop.close().await;
    }
}
