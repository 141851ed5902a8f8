//! Behaviour of services that the recordings do not cover.

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

const SERVICES: &str = "/api/application/services";

/// The actions in the log of a service, oldest first.
async fn story(shop: &Shop, service: i64) -> Vec<String> {
    let rows = shop.rows().await;
    let service = Some(service.to_string());
    // id, customer_id, staff_id, action, model, model_id, …
    let reported = rows["action_logs"].values().filter(|row| row[5] == service).filter_map(|row| {
        let action = row[3].clone()?;
        action.starts_with("service_").then_some((row[0].as_ref()?.parse::<i64>().ok()?, action))
    });
    let mut reported: Vec<(i64, String)> = reported.collect();
    reported.sort_unstable();
    reported.into_iter().map(|(_, action)| action).collect()
}

#[tokio::test]
async fn racing_suspends_and_unsuspends_leave_one_story() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let calls = (0..20).map(|at| {
        let (action, body) =
            if at % 2 == 0 { ("suspend", json!({"reason": "r"})) } else { ("unsuspend", json!({})) };
        let shop = &shop;
        async move { (action, shop.post(&format!("{SERVICES}/1/{action}"), "all", &body).await) }
    });
    let answers = join_all(calls).await;
    let mut suspended = 0;
    for (action, (status, _, body)) in &answers {
        assert_eq!(*status, 200, "{action}: {body}");
        suspended += usize::from(*action == "suspend" && body["result"]["success"] == true);
    }
    let story = story(&shop, 1).await;
    // Only what is active can be suspended, so the log never tells of two suspensions in a row; lifting
    // one is reported each time, as the original does.
    assert!(!story.windows(2).any(|pair| pair == ["service_suspended", "service_suspended"]), "{story:?}");
    assert_eq!(story.iter().filter(|entry| *entry == "service_suspended").count(), suspended, "{story:?}");
    assert_eq!(story.iter().filter(|entry| *entry == "service_unsuspended").count(), 10, "{story:?}");
    let (_, _, body) = shop.get(&format!("{SERVICES}/1"), "all").await;
    let service = &body["data"][0];
    let last = story.last().map(String::as_str);
    let is_suspended = last == Some("service_suspended");
    assert_eq!(service["status"], if is_suspended { "suspended" } else { "active" }, "{story:?}");
    assert_eq!(service["suspended_at"] != Json::Null, is_suspended, "{service}");
    shop.close().await;
}

#[tokio::test]
async fn suspending_twice_keeps_the_first_reason() {
    let shop = Shop::golden("en").await;
    let suspend = |reason: &'static str| {
        let shop = &shop;
        async move { shop.post(&format!("{SERVICES}/1/suspend"), "all", &json!({"reason": reason})).await.2 }
    };
    let first = suspend("unpaid").await;
    assert_eq!(
        (&first["result"]["success"], &first["data"]["suspend_reason"]),
        (&json!(true), &json!("unpaid"))
    );
    let before = shop.rows().await;
    let second = suspend("again").await;
    assert_eq!(
        (&second["result"]["success"], &second["data"]["suspend_reason"]),
        (&json!(false), &json!("unpaid"))
    );
    assert_eq!(shop.rows().await, before);
    shop.close().await;
}

#[tokio::test]
async fn the_documented_paths_act_as_the_others() {
    let shop = Shop::golden("en").await;
    let (status, _, body) = shop
        .ask("PUT", "/api/application/suspend/1", "all", Some(&json!({"reason": "r", "notify": false})))
        .await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("suspended")), "{body}");
    let (status, _, body) = shop.ask("PUT", "/api/application/unsuspend/1", "all", Some(&json!({}))).await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("active")), "{body}");
    let (status, _, body) =
        shop.ask("DELETE", "/api/application/expire/1", "all", Some(&json!({"force": true}))).await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("expired")), "{body}");
    for path in ["suspend", "unsuspend"] {
        let (status, _, _) =
            shop.ask("PUT", &format!("/api/application/{path}/999999"), "all", Some(&json!({}))).await;
        assert_eq!(status, 404, "{path}");
    }
    shop.close().await;
}

/// As the original does (docs/contract/application-operations.md#2.3, docs/contract/application-operations.md#S2).
#[tokio::test]
async fn lifting_a_suspension_brings_any_service_back() {
    let shop = Shop::golden("en").await;
    for (service, status) in [(3, "expired"), (4, "pending"), (5, "cancelled"), (7, "hidden")] {
        let (code, _, body) = shop.post(&format!("{SERVICES}/{service}/unsuspend"), "all", &json!({})).await;
        assert_eq!((code, &body["result"]["success"]), (200, &json!(true)), "{status}: {body}");
        assert_eq!(body["data"]["status"], "active", "{status}");
        let story = story(&shop, service).await;
        assert_eq!(story.last().map(String::as_str), Some("service_unsuspended"), "{status}: {story:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn only_what_is_sent_is_changed() {
    let shop = Shop::golden("en").await;
    let put = |body: Json| {
        let shop = &shop;
        async move { shop.ask("PUT", &format!("{SERVICES}/1"), "all", Some(&body)).await }
    };
    let (_, _, before) = shop.get(&format!("{SERVICES}/1"), "all").await;
    let (status, _, after) = put(json!({"name": "Renamed", "max_renewals": 3, "data": {"a": 1}})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&after["name"], &after["max_renewals"], &after["data"]),
        (&json!("Renamed"), &json!(3), &json!({"a": 1}))
    );
    assert_eq!(after["expires_at"], before["data"][0]["expires_at"]);
    for (body, field) in [
        (json!({"max_renewals": -1}), "max_renewals"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"notes": "x".repeat(1001)}), "notes"),
        (json!({"expires_at": "never"}), "expires_at"),
        (json!({"data": "text"}), "data"),
    ] {
        let (status, _, answer) = put(body.clone()).await;
        assert_eq!((status, answer["errors"].get(field).is_some()), (422, true), "{body}: {answer}");
    }
    let (status, headers, _) = shop.post(&format!("{SERVICES}/1"), "all", &json!({})).await;
    let allow = headers.iter().find(|(name, _)| name == "allow").map(|(_, value)| value.as_str());
    assert_eq!((status, allow), (405, Some("GET, HEAD, PUT, DELETE")));
    shop.close().await;
}

#[tokio::test]
async fn a_product_knows_its_services_and_they_know_it() {
    let shop = Shop::golden("en").await;
    let query = "{ product(id: 1) { services { totalCount nodes { databaseId product { databaseId } } } } }";
    let product = shop.graphql(query, json!({}), "all").await["data"]["product"].clone();
    let services = product["services"]["nodes"].as_array().unwrap();
    assert!(!services.is_empty() && product["services"]["totalCount"] == services.len(), "{product}");
    assert!(services.iter().all(|service| service["product"]["databaseId"] == 1), "{product}");
    shop.close().await;
}

#[tokio::test]
async fn customers_are_found_by_their_services_in_one_statement() {
    let shop = Shop::golden("en").await;
    let query = "{ customers(filter: {services: {status: {eq: ACTIVE}}}, perPage: 100) { totalCount nodes { databaseId } } }";
    let before = shop.statements();
    let answer = shop.graphql(query, json!({}), "all").await;
    let ids: Vec<i64> = answer["data"]["customers"]["nodes"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|row| row["databaseId"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [2, 3, 4, 5, 6, 13, 14, 16, 17, 18, 19, 26, 27]);
    assert_eq!(shop.statements() - before, 1);
    let mut nested = "{}".to_owned();
    for _ in 0..6 {
        nested = format!("{{customer: {{services: {nested}}}}}");
    }
    let deep =
        shop.graphql(&format!("{{ services(filter: {nested}) {{ totalCount }} }}"), json!({}), "all").await;
    assert_eq!(deep["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{deep}");
    shop.close().await;
}

#[tokio::test]
async fn an_end_names_its_offset_and_stays_within_the_column() {
    let shop = Shop::golden("fr").await;
    let path = format!("{SERVICES}/1");
    for (sent, stored) in [
        ("2026-07-01 10:00:00", "2026-07-01T08:00:00.000000Z"),
        ("2026-12-01 10:00:00", "2026-12-01T09:00:00.000000Z"),
        ("2026-07-01T08:00:00.000000Z", "2026-07-01T08:00:00.000000Z"),
        ("2026-12-01T10:00:00+05:00", "2026-12-01T05:00:00.000000Z"),
        ("@1700000000", "2023-11-14T22:13:20.000000Z"),
        ("2038-01-18", "2038-01-17T23:00:00.000000Z"),
    ] {
        let (status, _, body) = shop.ask("PUT", &path, "all", Some(&json!({"expires_at": sent}))).await;
        assert_eq!((status, &body["expires_at"]), (200, &json!(stored)), "{sent}: {body}");
    }
    // The last ones are beyond what a calendar holds.
    for sent in [
        "2039-01-01",
        "1969-12-31",
        "0001-01-01",
        "9999-12-31 23:59:59",
        "9999-12-31T23:59:59-12:00",
        "@8210266876799",
        "@-8334601228800",
    ] {
        let (status, _, body) = shop.ask("PUT", &path, "all", Some(&json!({"expires_at": sent}))).await;
        assert_eq!((status, body["errors"]["expires_at"].is_array()), (422, true), "{sent}: {body}");
    }
    let long = json!({"description": "é".repeat(32_768)});
    assert_eq!(shop.ask("PUT", &path, "all", Some(&long)).await.0, 422, "TEXT holds 65,535 bytes");
    shop.close().await;
}
