//! Concurrent writers: invariants hold afterwards, and no answer is 500.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

const GROUPS: &str = "/api/application/groups";
/// Number of rounds: enough for every interleaving.
const ROUNDS: usize = 8;

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn new_group(shop: &Shop, slug: &str) -> (u16, Json) {
    let body = json!({"name": slug, "slug": slug, "status": "active", "description": "x", "sort_order": 1});
    let (status, _, body) = shop.post(GROUPS, "all", &body).await;
    (status, body)
}

async fn put_below(shop: &Shop, group: i64, parent: i64) -> u16 {
    let body = json!({"parent_id": parent});
    shop.ask("PUT", &format!("{GROUPS}/{group}"), "all", Some(&body)).await.0
}

async fn parent_of(shop: &Shop, group: i64) -> Option<i64> {
    let query = "query($id: ID!) { group(id: $id) { parent { databaseId } } }";
    let answer = shop.graphql(query, json!({"id": group}), "all").await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["group"]["parent"]["databaseId"].as_i64()
}

#[tokio::test]
async fn groups_stay_a_forest() {
    let shop = shop().await;
    for round in 0..ROUNDS {
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            let (status, body) = new_group(&shop, &format!("forest-{round}-{name}")).await;
            assert_eq!(status, 201, "{body}");
            ids.push(body["id"].as_i64().or(body["data"]["id"].as_i64()).expect("the group's key"));
        }
        let [a, b, c] = ids[..] else { panic!("three groups") };
        let statuses =
            join_all([put_below(&shop, a, b), put_below(&shop, b, c), put_below(&shop, c, a)]).await;
        assert!(statuses.iter().all(|status| [200, 422].contains(status)), "{statuses:?}");
        assert!(statuses.contains(&422), "a circle of three: {statuses:?}");
        for start in [a, b, c] {
            let (mut steps, mut above) = (0, Some(start));
            while let Some(group) = above {
                steps += 1;
                assert!(steps < 4, "round {round}: {start} is above itself");
                above = parent_of(&shop, group).await;
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_slug_taken_meanwhile_is_told_as_by_the_rule() {
    let shop = shop().await;
    for round in 0..ROUNDS {
        let slug = format!("taken-{round}");
        let answers = join_all((0..4).map(|_| new_group(&shop, &slug))).await;
        let made = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(made, 1, "{answers:?}");
        for (status, body) in answers.iter().filter(|(status, _)| *status != 201) {
            assert_eq!(*status, 422, "{body}");
            assert!(body["errors"]["slug"].is_array(), "{body}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_customer_that_many_suspend_has_one_note_of_each_kind() {
    let shop = shop().await;
    let suspend = "/api/application/customers/3/action/suspend";
    let body = json!({"reason": "unpaid"});
    let answers = join_all((0..10).map(|_| shop.post(suspend, "all", &body))).await;
    let statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let rows = shop.rows().await;
    let columns = &crate::harness::store::DATA["metadata"].columns;
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let notes = rows["metadata"].values().filter(|row| row[at("model_id")].as_deref() == Some("3"));
    let mut keys: Vec<_> = notes.filter_map(|row| row[at("key")].clone()).collect();
    keys.sort();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all, "{keys:?}");
    assert!(keys.iter().any(|key| key == "suspended"), "{keys:?}");
    shop.close().await;
}

/// Changes a customer repeatedly, until the customer is deleted.
async fn change_until_deleted(shop: &Shop, path: &str) {
    for number in 0..10_000 {
        let body = json!({"city": format!("Town {number}"), "balance": 1 + number % 9});
        let (status, _, body) = shop.ask("PUT", path, "all", Some(&body)).await;
        assert!([200, 404].contains(&status), "{body}");
        if status == 404 {
            return;
        }
    }
    panic!("{path} was not deleted");
}

#[tokio::test]
async fn a_customer_who_is_deleted_meanwhile_stays_deleted() {
    let shop = shop().await;
    for customer in [22, 23, 24, 26, 27, 30] {
        let path = format!("/api/application/customers/{customer}");
        let force = json!({"force": true});
        let deletion = shop.ask("DELETE", &path, "all", Some(&force));
        let changes = join_all((0..4).map(|_| change_until_deleted(&shop, &path)));
        let ((status, _, body), _) = tokio::join!(deletion, changes);
        assert_eq!(status, 200, "{body}");
        let left = format!("SELECT city FROM customers WHERE id = {customer} AND balance = 0");
        assert_eq!(shop.text(&left).await.as_deref(), Some("Deleted"), "customer {customer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn prices_that_many_write_stay_one_row() {
    let shop = shop().await;
    for _ in 0..ROUNDS {
        shop.sql("DELETE FROM pricings WHERE related_id = 9 AND related_type = 'product'").await;
        let changes = (0..8).map(|at| {
            let body = json!({"pricing": {"monthly": {"price": at, "setup": 0}}});
            let shop = &shop;
            async move { shop.ask("PUT", "/api/application/products/9", "all", Some(&body)).await.0 }
        });
        let statuses = join_all(changes).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        let count = "SELECT CAST(COUNT(*) AS CHAR(9)) FROM pricings WHERE related_id = 9 AND related_type = 'product'";
        assert_eq!(shop.text(count).await.as_deref().map(str::trim), Some("1"));
    }
    shop.close().await;
}

#[tokio::test]
async fn a_service_that_is_suspended_in_two_ways_is_so_once() {
    let shop = shop().await;
    let count = "SELECT CAST(COUNT(*) AS CHAR(9)) FROM action_logs WHERE model_id = '8' AND action = 'service_suspended'";
    let reported = async || shop.text(count).await.unwrap().trim().parse::<usize>().unwrap();
    for _ in 0..ROUNDS {
        let before = reported().await;
        let suspensions = (0..8).map(|at| {
            let path = if at % 2 == 0 { "customers/14/action/suspend" } else { "services/8/suspend" };
            let shop = &shop;
            let body = json!({"reason": "unpaid", "force": true});
            async move { shop.post(&format!("/api/application/{path}"), "all", &body).await.0 }
        });
        let statuses = join_all(suspensions).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        assert_eq!(reported().await, before + 1);
        assert_eq!(shop.post("/api/application/services/8/unsuspend", "all", &json!({})).await.0, 200);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_deletion_happens_once() {
    let shop = shop().await;
    let paths = ["groups/4", "products/10", "pricings/3"].map(|path| format!("/api/application/{path}"));
    shop.sql("UPDATE products SET group_id = 1 WHERE group_id = 4").await;
    for path in &paths {
        let answers = join_all((0..6).map(|_| shop.ask("DELETE", path, "all", None))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|(status, ..)| *status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404, 404, 404, 404, 404], "{path}");
    }
    shop.close().await;
}

/// Both wait for each other's rows. MariaDB ends the transaction that has written less, PostgreSQL the one that has waited
/// first.
#[tokio::test]
async fn what_the_database_ends_in_a_deadlock_runs_again() {
    let shop = shop().await;
    if shop.db().get_database_backend() == DbBackend::Sqlite {
        return shop.close().await;
    }
    let other = shop.db().begin().await.unwrap();
    other.execute_unprepared("UPDATE services SET notes = 'deadlock'").await.unwrap();
    let body = json!({"force": true, "reason": "unpaid"});
    let suspend = shop.post("/api/application/customers/1/action/suspend", "all", &body);
    let stand_in_the_way = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.execute_unprepared("UPDATE customers SET city = 'Deadlock' WHERE id = 1").await.unwrap();
        other.commit().await.unwrap();
    };
    let ((status, _, body), ()) = tokio::join!(suspend, stand_in_the_way);
    assert_eq!(status, 200, "{body}");
    let reason = "SELECT value FROM metadata WHERE model_id = 1 AND value = 'unpaid'";
    assert_eq!(shop.text(reason).await.as_deref(), Some("unpaid"));
    assert_eq!(shop.text("SELECT city FROM customers WHERE id = 1").await.as_deref(), Some("Deadlock"));
    shop.close().await;
}
