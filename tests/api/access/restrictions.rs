//! Restrictions of single keys: addresses, requests a minute, reading only. They hold on both faces.

use guichet::access::KeyRestriction;
use guichet::access::key_restriction::{Entity, Model};
use guichet::database::own_tables::OwnTables;
use guichet::platform::config::Config;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

use crate::harness::rows::{Snapshot, read};
use crate::harness::shop::Shop;

const PRODUCTS: &str = "/api/application/products";

/// The recorded shop, whose key `all` is restricted.
async fn restricted(rate_limit: Option<u32>, restriction: &KeyRestriction) -> Shop {
    let settings = |config: &mut Config| {
        config.rate_limit = rate_limit;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    };
    let shop = Shop::with("en", settings).await;
    restrict(&shop, restriction).await;
    shop
}

async fn rows(shop: &Shop) -> Snapshot {
    read(shop.db(), &["products".to_owned()]).await.unwrap()
}

/// Restricts the key `all`.
pub(crate) async fn restrict(shop: &Shop, restriction: &KeyRestriction) {
    OwnTables::default().make(shop.db(), false).await.unwrap();
    let row = Model::of(&guichet::access::key::hash("CLIENTXCMSgoldenall"), restriction);
    Entity::insert(row.into_active_model()).exec_without_returning(shop.db()).await.unwrap();
}

fn from(networks: &str) -> KeyRestriction {
    let addresses = networks.split(' ').map(|network| network.parse().unwrap()).collect();
    KeyRestriction { addresses, ..KeyRestriction::default() }
}

#[tokio::test]
async fn a_key_is_refused_elsewhere() {
    let shop = restricted(None, &from("192.0.2.0/24 2001:db8::/32")).await;
    let query = json!({"query": "{ products(first: 1) { nodes { id } } }"});
    for (client, admitted) in [
        ("192.0.2.77", true),
        ("2001:db8:1::5", true),
        ("::ffff:192.0.2.1", true),
        ("192.0.3.1", false),
        ("2001:db9::1", false),
        // The proxy itself.
        ("", false),
    ] {
        let headers = [("X-Forwarded-For", client), ("Content-Type", "application/json")];
        let headers = if client.is_empty() { &headers[1..] } else { &headers[..] };
        let rest = shop.send_with("all", "GET", PRODUCTS, headers, "").await;
        assert_eq!(rest.status, if admitted { 200 } else { 403 }, "{client}: {}", rest.text());
        let graphql = shop.send_with("all", "POST", "/graphql", headers, &query.to_string()).await;
        if admitted {
            assert_eq!(graphql.json()["errors"], serde_json::Value::Null, "{client}");
            continue;
        }
        let text = "This API key may not be used from this address.";
        assert_eq!(rest.json(), json!({"message": text}));
        let error = &graphql.json()["errors"][0];
        assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!(text), &json!("FORBIDDEN")));
    }
    // Headers that do not agree: a client has forged one of them.
    let headers = [("X-Forwarded-For", "192.0.2.77"), ("Forwarded", "for=203.0.113.1")];
    assert_eq!(shop.send_with("all", "GET", PRODUCTS, &headers, "").await.status, 403);
    // Other keys are not restricted by it.
    assert_eq!(shop.get(PRODUCTS, "products-read").await.0, 200);
    shop.close().await;
}

#[tokio::test]
async fn a_key_that_only_reads_changes_nothing() {
    let shop = restricted(None, &KeyRestriction { read_only: true, ..KeyRestriction::default() }).await;
    let before = rows(&shop).await;
    assert_eq!(shop.get(PRODUCTS, "all").await.0, 200);
    let product = json!({"name": "x", "slug": "x", "group_id": 1, "type": "none", "status": "active", "stock": 1, "description": "x"});
    for (method, path, body) in [
        ("POST", PRODUCTS, Some(&product)),
        ("PUT", "/api/application/products/1", Some(&product)),
        ("DELETE", "/api/application/products/1", None),
        ("POST", "/api/application/products/1?_method=DELETE", Some(&product)),
    ] {
        let (status, _, answer) = shop.ask(method, path, "all", body).await;
        assert_eq!(
            (status, &answer["message"]),
            (403, &json!("This API key may only read.")),
            "{method} {path}"
        );
    }
    let mutation = "mutation { productDelete(id: 1) { deletedId userErrors { code } } }";
    let answer = shop.graphql(mutation, json!({}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    assert_eq!(answer["data"]["productDelete"], serde_json::Value::Null);
    assert!(rows(&shop).await == before);
    shop.close().await;
}

#[tokio::test]
async fn a_key_has_fewer_requests_than_its_account() {
    let limit = |requests: u32| KeyRestriction {
        requests_per_minute: std::num::NonZeroU32::new(requests),
        ..KeyRestriction::default()
    };
    for account in [None, Some(60)] {
        let shop = restricted(account, &limit(2)).await;
        let (status, headers, _) = shop.get(PRODUCTS, "all").await;
        let header = |headers: &[(String, String)], name: &str| {
            headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        assert_eq!((status, header(&headers, "x-ratelimit-limit").as_deref()), (200, Some("2")));
        assert_eq!(header(&headers, "x-ratelimit-remaining").as_deref(), Some("1"));
        let answer = shop.graphql("{ products(first: 1) { nodes { id } } }", json!({}), "all").await;
        assert_eq!(answer["errors"], serde_json::Value::Null);
        let (status, headers, _) = shop.get(PRODUCTS, "all").await;
        assert_eq!((status, header(&headers, "retry-after").is_some()), (429, true));
        // Another key of the same account goes on.
        assert_eq!(shop.get(PRODUCTS, "products-read").await.0, 200);
        shop.close().await;
    }
    // The account's own limit holds too, and what it refuses does not count for the key.
    let shop = restricted(Some(1), &limit(2)).await;
    assert_eq!(shop.get(PRODUCTS, "all").await.0, 200);
    for _ in 0..3 {
        assert_eq!(shop.get(PRODUCTS, "all").await.0, 429);
    }
    shop.close().await;
}

/// What cannot be read restricts everything.
#[tokio::test]
async fn a_restriction_that_cannot_be_read_is_no_restriction_lifted() {
    let shop = restricted(None, &KeyRestriction::default()).await;
    Entity::delete_many().exec(shop.db()).await.unwrap();
    let hash = guichet::access::key::hash("CLIENTXCMSgoldenall");
    let row = Model { addresses: "anywhere".to_owned(), ..Model::of(&hash, &KeyRestriction::default()) };
    Entity::insert(row.into_active_model()).exec_without_returning(shop.db()).await.unwrap();
    assert_eq!(shop.get(PRODUCTS, "all").await.0, 500);
    shop.close().await;
}

/// The rows restrict, not the record of the migration that has made their table.
#[tokio::test]
async fn a_lost_record_of_migrations_lifts_no_restriction() {
    let shop = restricted(None, &from("203.0.113.0/24")).await;
    sea_orm::ConnectionTrait::execute_unprepared(shop.db(), "DELETE FROM guichet_own_migrations")
        .await
        .unwrap();
    assert_eq!(shop.get(PRODUCTS, "all").await.0, 403);
    shop.close().await;
}

/// Whoever has got hold of a key tries it as often as a wrong one.
#[tokio::test]
async fn tries_from_other_addresses_are_counted() {
    let shop = restricted(None, &from("203.0.113.0/24")).await;
    let mut found = Vec::new();
    for _ in 0..70 {
        found.push(shop.get(PRODUCTS, "all").await.0);
    }
    assert_eq!((found[0], found[69]), (403, 429));
    shop.close().await;
}

/// What a person may read is in the shop's language; GraphQL follows what its client asks for.
#[tokio::test]
async fn refusals_are_in_the_language_of_the_shop() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    restrict(&shop, &KeyRestriction { read_only: true, ..KeyRestriction::default() }).await;
    let french = "Cette clé API ne permet que la lecture.";
    let english = "This API key may only read.";
    let (status, _, body) = shop.ask("DELETE", "/api/application/products/1", "all", None).await;
    assert_eq!((status, body), (403, json!({"message": french})));
    let mutation = json!({"query": "mutation { productDelete(id: 1) { deletedId } }"}).to_string();
    for (languages, text) in [("", french), ("en", english), ("fr", french)] {
        let headers = [("Content-Type", "application/json"), ("Accept-Language", languages)];
        let answer = shop.send_with("all", "POST", "/graphql", &headers, &mutation).await.json();
        assert_eq!(answer["errors"][0]["message"], text, "{languages}: {answer}");
    }
    shop.sql("UPDATE guichet_key_restrictions SET addresses = '203.0.113.0/24'").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let french = "Cette clé API ne peut pas être utilisée depuis cette adresse.";
    assert_eq!(shop.get(PRODUCTS, "all").await.2, json!({"message": french}));
    let (_, _, answer) = shop.post("/graphql", "all", &json!({"query": "{ health { status } }"})).await;
    assert_eq!(answer["errors"][0]["message"], french, "{answer}");
    shop.close().await;
}
