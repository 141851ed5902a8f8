//! Figures of the shop compared with statements of their own, and the licence.

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

const STATISTICS: &str = "/api/application/statistics";
const LIVE: &str = "deleted_at IS NULL";

/// The number or sum of an SQL expression.
async fn figure(shop: &Shop, expression: &str, rest: &str) -> f64 {
    let text = if *BACKEND == DbBackend::MySql { "CHAR" } else { "TEXT" };
    let sql = format!("SELECT CAST(COALESCE({expression}, 0) AS {text}) FROM {rest}");
    shop.text(&sql).await.unwrap().parse().unwrap()
}

async fn count(shop: &Shop, rest: &str) -> f64 {
    figure(shop, "count(*)", rest).await
}

fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

/// Compares the paid invoices of a currency since a local time.
async fn assert_takings(shop: &Shop, got: &Json, currency: &str, since: &str) {
    let paid = format!(
        "invoices WHERE {LIVE} AND status = 'paid' AND currency = '{currency}' AND paid_at >= '{since}'"
    );
    assert_eq!(number(&got["invoices"]), count(shop, &paid).await, "{currency} since {since}");
    for column in ["total", "tax", "fees"] {
        let sum = cents(figure(shop, &format!("sum({column})"), &paid).await);
        assert_eq!(number(&got[column]), sum, "{currency} since {since}: {column}");
    }
    let net = cents(figure(shop, "sum(total - tax - fees)", &paid).await);
    assert_eq!(number(&got["net"]), net, "{currency} since {since}: net");
}

#[tokio::test]
async fn figures_by_status_are_those_of_the_rows() {
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE products SET stock = 0 WHERE id = 12").await;
    let (status, _, body) = shop.get(STATISTICS, "all").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["generated_at"], "2026-11-23T12:00:00.000000Z");
    for (key, table, words) in [
        ("services", "services", "pending active suspended expired cancelled hidden"),
        ("products", "products", "active hidden unreferenced"),
        ("invoices", "invoices", "draft pending paid cancelled refunded failed"),
        ("tickets", "support_tickets", "open answered closed"),
    ] {
        let all = count(&shop, &format!("{table} WHERE {LIVE}")).await;
        assert_eq!(number(&body[key]["total"]), all, "{key}");
        let by_status = body[key]["by_status"].as_object().unwrap();
        assert_eq!(by_status.keys().cloned().collect::<Vec<_>>().join(" "), words);
        for (word, got) in by_status {
            let rows = count(&shop, &format!("{table} WHERE {LIVE} AND status = '{word}'")).await;
            assert_eq!(number(got), rows, "{key} {word}");
        }
    }
    let sold_out = count(&shop, &format!("products WHERE {LIVE} AND stock = 0")).await;
    assert_eq!(number(&body["products"]["out_of_stock"]), sold_out);
    let overdue = format!("invoices WHERE {LIVE} AND status = 'pending' AND due_date < '2026-11-23'");
    assert_eq!(number(&body["invoices"]["overdue"]), count(&shop, &overdue).await);
    assert_eq!(body["groups"], json!({"total": 6}));
    assert_eq!(body["subscriptions"], json!({"active": 1}));
    shop.close().await;
}

/// Thirty days ago summer time still held: 14:00 then is as long ago as 13:00 now.
#[tokio::test]
async fn figures_of_customers_are_those_of_the_rows() {
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE customers SET created_at = '2026-10-24 14:00:00' WHERE id IN (3, 4)").await;
    shop.sql("UPDATE customers SET created_at = '2026-10-24 13:59:59' WHERE id = 5").await;
    let (_, _, body) = shop.get(STATISTICS, "all").await;
    let there = if *BACKEND == DbBackend::Postgres { "NOT is_deleted" } else { "is_deleted = 0" };
    let customers = format!("customers WHERE {there} AND {LIVE}");
    let owners =
        |rest: &str| format!("(SELECT DISTINCT customer_id FROM services WHERE {LIVE}{rest}) AS owners");
    for (key, rows) in [
        ("total", customers.clone()),
        ("verified", format!("{customers} AND email_verified_at IS NOT NULL")),
        ("new_last_30_days", format!("{customers} AND created_at >= '2026-10-24 14:00:00'")),
        ("with_services", owners("")),
        ("with_active_services", owners(" AND status = 'active'")),
    ] {
        assert_eq!(number(&body["customers"][key]), count(&shop, &rows).await, "{key}");
    }
    shop.close().await;
}

#[tokio::test]
async fn revenue_is_told_by_currency_and_period() {
    let shop = Shop::golden("fr").await;
    for (id, paid_at) in [(2, "2026-11-23 00:00:00"), (6, "2026-11-22 23:59:59"), (10, "2026-11-01 00:00:00")]
    {
        shop.sql(&format!("UPDATE invoices SET paid_at = '{paid_at}', fees = 0.35 WHERE id = {id}")).await;
    }
    let (_, _, body) = shop.get(STATISTICS, "all").await;
    let revenue = body["revenue"].as_array().unwrap();
    let currencies: Vec<_> = revenue.iter().map(|one| one["currency"].as_str().unwrap()).collect();
    assert_eq!(currencies, ["EUR", "USD"]);
    for (one, currency) in revenue.iter().zip(currencies) {
        for (period, since) in [
            ("all_time", "1970-01-02 00:00:00"),
            ("current_month", "2026-11-01 00:00:00"),
            ("last_30_days", "2026-10-24 14:00:00"),
            ("last_7_days", "2026-11-16 13:00:00"),
            ("today", "2026-11-23 00:00:00"),
        ] {
            assert_takings(&shop, &one[period], currency, since).await;
        }
    }
    assert_eq!(revenue[0]["today"]["invoices"], 1);
    assert_eq!(revenue[0]["last_7_days"]["invoices"], 2);
    assert_eq!(revenue[1]["current_month"]["fees"], 0.35);
    shop.close().await;
}

#[tokio::test]
async fn figures_need_their_ability_and_are_typed_in_graphql() {
    let shop = Shop::golden("fr").await;
    assert_eq!(shop.get(STATISTICS, "products-read").await.0, 403);
    shop.sql("UPDATE personal_access_tokens SET abilities = '[\"statitics\"]' WHERE name = 'health'").await;
    assert_eq!(shop.get(STATISTICS, "health").await.0, 200, "the older spelling");
    let query = "{ statistics { groups { total } revenue { currency allTime { invoices total { amount currency formatted } } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["data"]["statistics"]["groups"]["total"], 6, "{answer}");
    let total = &answer["data"]["statistics"]["revenue"][0]["allTime"]["total"];
    assert!(total["amount"].as_str().is_some_and(|amount| amount.contains('.')), "{answer}");
    assert_eq!(total["currency"], answer["data"]["statistics"]["revenue"][0]["currency"]);
    shop.close().await;
}

#[tokio::test]
async fn a_shop_without_rows_has_every_key() {
    let shop = Shop::golden("fr").await;
    for table in ["invoices", "services", "support_tickets", "products", "customers"] {
        shop.sql(&format!("UPDATE {table} SET deleted_at = '2026-11-23 13:00:00'")).await;
    }
    let (status, _, body) = shop.get(STATISTICS, "all").await;
    assert_eq!((status, &body["revenue"]), (200, &json!([])));
    assert_eq!(body["customers"]["total"], 0);
    assert_eq!(body["services"]["by_status"]["hidden"], 0);
    shop.close().await;
}

#[tokio::test]
async fn the_licence_is_read_from_its_file() {
    let file = std::env::temp_dir().join(format!("guichet-licence-{}.json", std::process::id()));
    let shop = Shop::with("fr", |config| config.license_file = Some(file.clone())).await;
    let missing = json!({"status": "error", "message": "License not found"});
    for content in [None, Some(""), Some("{}"), Some("[]"), Some("{\"expire\":"), Some("5")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let (status, _, body) = shop.get("/api/application/license", "all").await;
        assert_eq!((status, body), (200, missing.clone()), "{content:?}");
    }
    let stored = json!({"expire": "31-12-2026", "lastchecked": 1, "nextCheck": 2, "server": 3,
        "extensions": {"a-b": {"expires_at": null}}, "type": "pro"});
    std::fs::write(&file, stored.to_string()).unwrap();
    let (status, _, body) = shop.get("/api/application/license", "all").await;
    let license = json!({"expire": "31-12-2026", "domain": shop.base().replace("http://", ""),
        "lastchecked": 1, "nextCheck": 2, "domains": [], "data": [], "server": 3,
        "extensions": {"a-b": {"expires_at": null}}, "type": "pro", "support_expiration": null,
        "version_type": "self_hosted"});
    assert_eq!((status, body), (200, json!({"status": "ok", "license": license})));
    let loose = json!({"expire": 31, "lastchecked": "1", "nextCheck": null, "server": "three", "data": {},
        "extensions": {}, "type": [], "domains": ["x"]});
    std::fs::write(&file, loose.to_string()).unwrap();
    let (status, _, body) = shop.get("/api/application/license", "all").await;
    assert_eq!((status, &body["status"]), (200, &json!("ok")));
    let license = &body["license"];
    assert_eq!(
        [&license["expire"], &license["lastchecked"], &license["nextCheck"]],
        [&json!("31"), &json!(1), &json!(0)]
    );
    assert_eq!(
        [&license["data"], &license["extensions"], &license["domains"]],
        [&json!([]), &json!([]), &json!([])]
    );
    assert_eq!((&license["server"], &license["type"]), (&Json::Null, &json!("community")));
    std::fs::write(&file, stored.to_string()).unwrap();
    let query = "{ license { status message license { type nextCheck } } }";
    let typed = json!({"status": "OK", "message": null, "license": {"type": "pro", "nextCheck": 2}});
    assert_eq!(shop.graphql(query, json!({}), "all").await["data"]["license"], typed);
    shop.close().await;
    let _ = std::fs::remove_file(file);
}
