//! Prices beyond the recordings: one thing's prices, older bodies, nested prices, GraphQL.

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

const PRICINGS: &str = "/api/application/pricings";

async fn ids(shop: &Shop, query: &str) -> Vec<i64> {
    let (status, _, body) = shop.get(&format!("{PRICINGS}?per_page=50&{query}"), "all").await;
    assert_eq!(status, 200, "{query}: {body}");
    body["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_product_and_a_currency_choose_prices_exactly() {
    let shop = Shop::golden("fr").await;
    assert_eq!(ids(&shop, "product=1").await, [1, 2], "not the coupon with the same key");
    assert_eq!(ids(&shop, "product=2&currency=usd").await, [4]);
    assert_eq!(ids(&shop, "currency=USD").await.len(), 8);
    assert_eq!(ids(&shop, "currency=XXX").await, [0_i64; 0]);
    assert_eq!(ids(&shop, "product=abc").await, [0_i64; 0]);
    assert_eq!(ids(&shop, "product=1&filter[monthly]=4.39").await, [4], "a filter wins");
    let (_, _, chosen) = shop.get(&format!("{PRICINGS}?product=2"), "all").await;
    assert_eq!(chosen["data"][0]["product_id"], 2);
    for plain in ["", "?product=", "?currency=EUR&filter[currency]=EUR"] {
        let (_, _, body) = shop.get(&format!("{PRICINGS}{plain}"), "all").await;
        assert_eq!(body["data"][0].get("product_id"), None, "{plain}");
    }
    shop.close().await;
}

#[tokio::test]
async fn older_bodies_name_the_product() {
    let shop = Shop::golden("en").await;
    let (status, _, body) =
        shop.post(PRICINGS, "all", &json!({"product_id": 3, "currency": "USD", "onetime": "7.5"})).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!((&body["related_id"], &body["related_type"]), (&json!(3), &json!("product")));
    assert_eq!((&body["onetime"], &body["monthly"]), (&json!(7.5), &Json::Null));
    let both = json!({"product_id": 3, "related_id": 4, "related_type": "product", "currency": "USD"});
    let (_, _, body) = shop.post(PRICINGS, "all", &both).await;
    assert_eq!(body["related_id"], 4, "the newer name wins");
    shop.close().await;
}

#[tokio::test]
async fn prices_of_nothing_are_refused() {
    let shop = Shop::golden("en").await;
    let before = shop.rows().await;
    let refused = [
        (json!({"product_id": 999, "currency": "USD"}), "related_id"),
        (json!({"product_id": "x", "currency": "USD"}), "related_id"),
        (json!({"product_id": 3, "related_type": "coupon", "currency": "USD"}), "related_id"),
        (json!({"related_id": 999, "related_type": "config_option", "currency": "USD"}), "related_id"),
        (
            json!({"related_id": 1, "related_type": "config_options_option", "currency": "USD"}),
            "related_type",
        ),
        (json!({"product_id": 3, "currency": "USD", "monthly": 1_000_000}), "monthly"),
        (json!({"product_id": 3, "currency": "USD", "pricing": {"hourly": {"price": 1}}}), "pricing"),
    ];
    for (body, field) in refused {
        let (status, _, answer) = shop.post(PRICINGS, "all", &body).await;
        assert_eq!(status, 422, "{body}");
        assert!(answer["errors"][field].is_array(), "{body}: {answer}");
    }
    assert_eq!(shop.rows().await, before);
    shop.close().await;
}

#[tokio::test]
async fn nested_prices_are_written() {
    let shop = Shop::golden("fr").await;
    let body = json!({
        "related_id": 1, "related_type": "product", "currency": "GBP", "annually": 90,
        "pricing": {"weekly": {"price": 2, "setup": "0,5"}, "annually": {"price": 80, "setup": 1}},
    });
    let (status, _, made) = shop.post(PRICINGS, "all", &body).await;
    assert_eq!(status, 201, "{made}");
    let (_, _, made) = shop.get(&format!("{PRICINGS}/27"), "all").await;
    assert_eq!([&made["weekly"], &made["setup_weekly"]], [2.0, 0.5]);
    assert_eq!([&made["annually"], &made["setup_annually"]], [90, 1], "by name wins");
    shop.close().await;
}

#[tokio::test]
async fn put_changes_only_what_is_given() {
    let shop = Shop::golden("fr").await;
    let path = format!("{PRICINGS}/6");
    let prices = json!({"monthly": 6.5, "annually": null});
    let (status, _, body) = shop.ask("PUT", &path, "all", Some(&prices)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        [&body["monthly"], &body["annually"], &body["quarterly"]],
        [&json!(6.5), &Json::Null, &json!(17.07)]
    );
    let (status, _, body) = shop.ask("PUT", &path, "all", Some(&json!({"related_type": "service"}))).await;
    assert_eq!((status, &body["related_type"], &body["related_id"]), (200, &json!("service"), &json!(4)));
    let (status, _, _) = shop.ask("PUT", &path, "all", Some(&json!({"related_id": 999}))).await;
    assert_eq!(status, 422, "no service has this key");
    shop.close().await;
}

#[tokio::test]
async fn graphql_reads_prices() {
    let shop = Shop::golden("fr").await;
    let query =
        "{ pricings(filter: {monthly: {eq: 2.99}}) { totalCount nodes { monthly product { name } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let found = json!({"totalCount": 1, "nodes": [{"monthly": "2.99", "product": {"name": "VPS S"}}]});
    assert_eq!(answer["data"]["pricings"], found, "{answer}");
    let query =
        "{ pricings(filter: {relatedType: {eq: \"coupon\"}}, first: 1) { nodes { product { name } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let coupon = json!({"product": null});
    assert_eq!(answer["data"]["pricings"]["nodes"][0], coupon, "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn graphql_writes_prices() {
    let shop = Shop::golden("fr").await;
    let create = "mutation { pricingCreate(input: {relatedId: 1, relatedType: PRODUCT, currency: CHF, monthly: \"1.25\"})
        { pricing { databaseId currency monthly relatedType } } }";
    let answer = shop.graphql(create, json!({}), "all").await;
    let made = json!({"databaseId": 27, "currency": "CHF", "monthly": "1.25", "relatedType": "product"});
    assert_eq!(answer["data"]["pricingCreate"]["pricing"], made, "{answer}");
    let update = "mutation { pricingUpdate(id: 27, input: {productId: 2, setupMonthly: 1}) {
        pricing { relatedId monthly setupMonthly } } }";
    let answer = shop.graphql(update, json!({}), "all").await;
    let changed = json!({"relatedId": "2", "monthly": "1.25", "setupMonthly": "1"});
    assert_eq!(answer["data"]["pricingUpdate"]["pricing"], changed, "{answer}");
    let answer =
        shop.graphql("mutation { pricingCreate(input: {}) { pricing { id } } }", json!({}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "VALIDATION_FAILED", "{answer}");
    let answer =
        shop.graphql("mutation { pricingDelete(id: 27) { pricing { deletedAt } } }", json!({}), "all").await;
    assert_eq!(answer["data"]["pricingDelete"]["pricing"]["deletedAt"], "2026-11-23T12:00:00.000000Z");
    let answer = shop.graphql("{ pricing(id: 27) { id } }", json!({}), "all").await;
    assert_eq!(answer, json!({"data": {"pricing": null}}));
    shop.close().await;
}

#[tokio::test]
async fn prices_are_checked_before_setup_fees() {
    let shop = Shop::golden("en").await;
    let body = json!({"setup_onetime": -1, "monthly": "x", "triennially": 1e7, "setup_monthly": -1});
    let (_, _, answer) = shop.post(PRICINGS, "all", &body).await;
    let fields: Vec<&String> = answer["errors"].as_object().unwrap().keys().collect();
    let asked = ["related_id", "related_type", "currency"];
    assert_eq!(fields[..3], asked);
    assert_eq!(fields[3..], ["monthly", "triennially", "setup_onetime", "setup_monthly"]);
    let empty = json!({"related_id": 1, "related_type": "product", "currency": "GBP", "pricing": ""});
    assert_eq!(shop.post(PRICINGS, "all", &empty).await.0, 201, "nothing given is no price");
    shop.close().await;
}

/// `null` in place of the prices of a period says neither "as it is" nor "no longer offered": the document does not allow it, and the
/// server refuses it.
#[tokio::test]
async fn a_period_is_not_null_but_its_price_may_be() {
    let shop = Shop::golden("en").await;
    let contract: Json = serde_json::from_str(include_str!("../../../openapi.json")).unwrap();
    let schemas = &contract["components"]["schemas"];
    for (period, schema) in schemas["PeriodPrices"]["properties"].as_object().unwrap() {
        assert_eq!(schema["$ref"], "#/components/schemas/PeriodPrice", "{period}");
    }
    for amount in ["price", "setup"] {
        let schema = &schemas["PeriodPrice"]["properties"][amount];
        assert_eq!(schema["type"], json!(["number", "null"]));
        assert_eq!((schema["minimum"].as_f64(), schema["maximum"].as_f64()), (Some(0.0), Some(999_999.99)));
    }
    for thing in ["products/1", "coupons/1", "pricings/1"] {
        let path = format!("/api/application/{thing}");
        let (status, body) = shop.put(&path, &json!({"pricing": {"monthly": null}})).await;
        assert_eq!((status, body["errors"].get("pricing").is_some()), (422, true), "{thing}: {body}");
        let (status, body) = shop.put(&path, &json!({"pricing": {"monthly": {"price": null}}})).await;
        assert_eq!(status, 200, "{thing}: {body}");
    }
    let change =
        "mutation { productUpdate(id: 1, input: {pricing: {monthly: null}}) { userErrors { field } } }";
    let answer = shop.graphql(change, json!({}), "all").await;
    let field = &answer["data"]["productUpdate"]["userErrors"][0]["field"];
    assert_eq!(*field, json!(["input", "pricing", "monthly"]), "{answer}");
    shop.close().await;
}
