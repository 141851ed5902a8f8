//! A replica that lags behind: another copy of the recorded shop, whose rows reveal which database answered.

use std::time::Duration;

use guichet::platform::config::{Config, Database};
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::{Value as Json, json};

use crate::harness::proxy::Proxy;
use crate::harness::shop::Shop;
use crate::harness::store::{BACKEND, Store};

const PRODUCT: &str = "/api/application/products/1";
const LAG: Duration = Duration::from_millis(1500);
/// How long its return may stay unnoticed.
const RETURN: Duration = Duration::from_secs(10);

/// A shop with a replica that calls product 1 otherwise and has no keys.
async fn shop(change: impl FnOnce(&mut Config)) -> (Shop, Store) {
    let replica = Store::fresh().await.unwrap();
    for sql in
        ["UPDATE products SET name = 'On the replica' WHERE id = 1", "DELETE FROM products WHERE id = 3"]
    {
        replica.db.execute_unprepared(sql).await.unwrap();
    }
    let address = replica.address();
    let shop = Shop::with("en", |config| {
        config.replicas = vec![address];
        config.replica_lag = LAG;
        config.rate_limit = None;
        change(config);
    });
    let shop = shop.await;
    // Another member of the staff than that of the other keys.
    shop.sql("UPDATE personal_access_tokens SET tokenable_id = 2 WHERE name = 'products-read'").await;
    (shop, replica)
}

async fn close(shop: Shop, replica: Store) {
    shop.close().await;
    replica.close().await.unwrap();
}

/// Whether the replica answered. Its return may be noticed between two questions: then both are asked again.
async fn by_replica(shop: &Shop, key: &str) -> bool {
    let query = "{ product(id: \"1\") { name } }";
    for _ in 0..2 {
        let (status, _, body) = shop.get(PRODUCT, key).await;
        assert_eq!(status, 200, "{body}");
        let answer = shop.graphql(query, json!({}), key).await;
        if answer["data"]["product"]["name"] == body["data"][0]["name"] {
            return body["data"][0]["name"] == "On the replica";
        }
    }
    panic!("the faces read from different servers");
}

async fn total(shop: &Shop, key: &str) -> Json {
    shop.get("/api/application/products?per_page=1", key).await.2["total"].clone()
}

#[tokio::test]
async fn reads_go_to_the_replica_but_those_that_follow_a_write() {
    let (shop, replica) = shop(|_| ()).await;
    assert!(by_replica(&shop, "all").await);
    let lagging = total(&shop, "all").await.as_i64().unwrap();
    let renamed = json!({"name": "Renamed"});
    let (status, _, body) = shop.ask("PUT", "/api/application/groups/1", "all", Some(&renamed)).await;
    assert_eq!((status, &body["name"]), (200, &json!("Renamed")), "a write reads from the primary");
    assert!(!by_replica(&shop, "all").await);
    assert_eq!(total(&shop, "all").await, lagging + 1, "a count of the replica is not reported");
    assert!(by_replica(&shop, "products-read").await, "another account may lag behind");
    tokio::time::sleep(LAG).await;
    assert!(by_replica(&shop, "all").await);
    let mutation = "mutation { groupUpdate(id: \"1\", input: { name: \"Again\" }) { group { name } } }";
    let written = shop.graphql(mutation, json!({}), "all").await;
    assert_eq!(written["data"]["groupUpdate"]["group"]["name"], "Again", "{written}");
    assert!(!by_replica(&shop, "all").await);
    close(shop, replica).await;
}

/// However far the replica lags behind.
#[tokio::test]
async fn keys_and_settings_are_those_of_the_primary() {
    let (shop, replica) = shop(|_| ()).await;
    assert!(by_replica(&shop, "products-read").await);
    shop.sql("DELETE FROM personal_access_tokens WHERE name = 'products-read'").await;
    shop.sql("DELETE FROM settings WHERE name = 'maintenance_enabled'").await;
    shop.sql("INSERT INTO settings (name, value) VALUES ('maintenance_enabled', '1')").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(shop.get(PRODUCT, "products-read").await.0, 401);
    assert_eq!(shop.get(PRODUCT, "all").await.0, 503);
    close(shop, replica).await;
}

/// Writes that no resolver does are refused by the database.
#[tokio::test]
async fn nothing_is_written_to_the_replica() {
    let store = Store::fresh().await.unwrap();
    let config = Config { replicas: vec![store.address()], ..Config::default() };
    let replica = guichet::database::connect_to_replica(&config, &store.address()).await.unwrap();
    let refused = replica.execute_unprepared("UPDATE admins SET email = 'x'").await.unwrap_err();
    assert!(matches!(guichet::Error::from(refused), guichet::Error::ReadOnlyForNow));
    replica.close().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_primary_answers_while_the_replica_is_away() {
    if *BACKEND == DbBackend::Sqlite {
        let nowhere = vec![Database::file("/nowhere/replica.sqlite")];
        let (shop, replica) = shop(|config| config.replicas = nowhere).await;
        assert!(!by_replica(&shop, "all").await);
        return close(shop, replica).await;
    }
    let proxy = Proxy::open().await;
    let (shop, replica) = shop(|config| {
        let mut way = Config { database: config.replicas[0].clone(), ..Config::default() };
        proxy.lead(&mut way);
        config.replicas = vec![way.database];
    })
    .await;
    assert!(by_replica(&shop, "all").await);
    proxy.cut().await;
    assert!(!by_replica(&shop, "all").await);
    proxy.restore().await;
    returned(&shop).await;
    proxy.stall(true);
    assert!(!by_replica(&shop, "all").await);
    proxy.stall(false);
    returned(&shop).await;
    close(shop, replica).await;
}

async fn returned(shop: &Shop) {
    let noticed = async {
        while !by_replica(shop, "all").await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(RETURN, noticed).await.expect("its return is noticed");
}
