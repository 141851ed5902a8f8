//! The log of actions beyond the recordings: secrets, persons who are gone, deep pages, and what is counted.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

const LOGS: &str = "/api/application/logs";

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

/// A log of more than 2,500 entries.
async fn long() -> Shop {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.count_ttl = Duration::ZERO;
    })
    .await;
    for part in 0..26 {
        let rows = (0..100).map(|row| {
            let id = 1001 + part * 100 + row;
            format!("({id}, {}, NULL, 'new_login', NULL, NULL, '[]', '2026-11-20 10:00:00')", id % 3 + 1)
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        shop.sql(&format!("INSERT INTO action_logs (id, customer_id, staff_id, action, model, model_id, payload, created_at) VALUES {rows}")).await;
    }
    shop
}

#[tokio::test]
async fn what_looks_like_a_secret_is_masked() {
    let shop = shop().await;
    shop.sql(r#"INSERT INTO action_logs (id, action, payload, created_at) VALUES (101, 'settings_updated', '{"ip": "::1", "password": "geheim", "stripe": {"secretKey": "geheim"}, "list": [{"api_token": "geheim"}]}', '2026-11-20 10:00:00'), (102, 'other', NULL, NULL), (103, 'other', '{}', NULL)"#).await;
    shop.sql("INSERT INTO action_log_entries (id, action_log_id, attribute, old_value, new_value) VALUES (101, 101, 'SMTP_PASSWORD', 'geheim', 'geheim'), (102, 101, 'api_key', NULL, 'geheim'), (103, 101, 'name', 'a', 'b')").await;
    let (status, _, body) = shop.get(&format!("{LOGS}/101?include=entries"), "all").await;
    let row = &body["data"][0];
    let masked = json!({"ip": "::1", "password": "Encrypted", "stripe": {"secretKey": "Encrypted"}, "list": [{"api_token": "Encrypted"}]});
    assert_eq!((status, &row["payload"]), (200, &masked), "{body}");
    let values = row["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json!([entry["old_value"], entry["new_value"]]));
    let expected = json!([["Encrypted", "Encrypted"], [null, "Encrypted"], ["a", "b"]]);
    assert_eq!(Json::from(values.collect::<Vec<_>>()), expected);
    let (_, _, body) = shop.get(&format!("{LOGS}?sort=-id&per_page=2"), "all").await;
    assert_eq!(
        (&body["data"][0]["payload"], &body["data"][1]["payload"]),
        (&json!([]), &Json::Null),
        "{body}"
    );
    let query = "{ log(id: 101) { payload entries { attribute oldValue newValue } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(!answer.to_string().contains("geheim"), "{answer}");
    assert_eq!(answer["data"]["log"]["payload"], masked);
    shop.close().await;
}

#[tokio::test]
async fn persons_are_shown_though_they_were_deleted() {
    let shop = shop().await;
    shop.sql("UPDATE customers SET deleted_at = '2026-11-22 10:00:00' WHERE id = 2").await;
    shop.sql("UPDATE admins SET deleted_at = '2026-11-22 10:00:00' WHERE id = 2").await;
    shop.sql("UPDATE action_logs SET staff_id = 2 WHERE id = 1").await;
    shop.sql("UPDATE action_logs SET customer_id = 999, staff_id = 999 WHERE id = 2").await;
    let (status, _, body) =
        shop.get(&format!("{LOGS}?include=customer,staff,customerCount,staffExists&per_page=2"), "all").await;
    let rows = &body["data"];
    assert_eq!(
        (status, &rows[0]["customer"]["id"], &rows[0]["staff"]["id"]),
        (200, &json!(2), &json!(2)),
        "{body}"
    );
    assert_eq!((&rows[0]["customer_count"], &rows[0]["staff_exists"]), (&json!(1), &json!(true)), "{body}");
    assert_eq!((&rows[1]["customer"], &rows[1]["staff"]), (&Json::Null, &Json::Null), "gone: {body}");
    for secret in ["password", "remember_token", "security_answer"] {
        assert!(rows[0]["staff"].get(secret).is_none() && rows[0]["customer"].get(secret).is_none());
    }
    let answer = shop
        .graphql("{ log(id: 1) { customer { databaseId } staff { username deletedAt } } }", json!({}), "all")
        .await;
    assert_eq!(answer["data"]["log"]["customer"]["databaseId"], 2, "{answer}");
    assert!(answer["data"]["log"]["staff"]["deletedAt"].is_string(), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn deep_pages_skip_keys_alone_and_cursors_skip_nothing() {
    let shop = long().await;
    let before = shop.statements();
    let (status, _, body) = shop.get(&format!("{LOGS}?page=50&sort=-id"), "all").await;
    assert_eq!(
        (status, &body["total"], &body["per_page"], &body["from"]),
        (200, &json!(2625), &json!(50), &json!(2451))
    );
    assert_eq!(shop.statements() - before, 2, "the page and its total");
    let (_, _, body) = shop.get(&format!("{LOGS}?page=30"), "all").await;
    assert_eq!(body["data"][0]["id"], 1001 + 29 * 50 - 25);
    shop.get(&format!("{LOGS}?page=51&sort=customer_id"), "all").await;
    let query = "query($after: String) { logs(first: 100, after: $after, sort: [{field: ID, direction: DESC}]) { nodes { databaseId } pageInfo { endCursor } } }";
    let mut after = Json::Null;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"after": after}), "all").await;
        assert_eq!(shop.statements() - before, 1, "nothing is counted: {answer}");
        let page = &answer["data"]["logs"];
        seen.extend(
            page["nodes"].as_array().unwrap().iter().map(|node| node["databaseId"].as_i64().unwrap()),
        );
        let statement = shop.last_statement();
        assert!(
            after.is_null() || !statement.contains("OFFSET"),
            "a page behind a cursor skips nothing: {statement}"
        );
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, (0..500).map(|at| 3600 - at).collect::<Vec<_>>());
    let before = shop.statements();
    let answer = shop.graphql("{ logs(first: 1) { totalCount nodes { action } } }", json!({}), "all").await;
    assert_eq!((&answer["data"]["logs"]["totalCount"], shop.statements() - before), (&json!(2625), 2));
    shop.close().await;
}

#[tokio::test]
async fn totals_are_remembered_for_as_long_as_the_operator_says() {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.count_ttl = Duration::from_secs(60);
    })
    .await;
    let path = format!("{LOGS}?per_page=2");
    let mut costs = Vec::new();
    for _ in 0..3 {
        let before = shop.statements();
        assert_eq!(shop.get(&path, "all").await.2["total"], 25);
        costs.push(shop.statements() - before);
    }
    assert_eq!(costs, [2, 1, 1]);
    shop.close().await;
}

#[tokio::test]
async fn lists_cost_the_same_however_many_rows() {
    let shop = long().await;
    let query = "query($n: Int) { logs(perPage: $n, page: 2) { nodes { action customer { email } staff { username } entries { attribute oldValue } } } }";
    let (mut rest, mut graphql) = (Vec::new(), Vec::new());
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let path = format!("{LOGS}?per_page={rows}&page=2&include=customer,staff,entries,entriesCount");
        let (status, _, body) = shop.get(&path, "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        rest.push(shop.statements() - before);
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["logs"]["nodes"].as_array().unwrap().len(), rows, "{answer}");
        graphql.push(shop.statements() - before);
    }
    // One row may name nobody; no list costs a statement for each row.
    assert!(rest.iter().all(|cost| *cost <= 6) && rest[1] == rest[2], "{rest:?}");
    assert!(graphql.iter().all(|cost| *cost <= 4) && graphql[1] == graphql[2], "{graphql:?}");
    shop.close().await;
}

#[tokio::test]
async fn nobody_writes_and_few_read() {
    let shop = shop().await;
    for (method, path) in
        [("POST", LOGS.to_owned()), ("PUT", format!("{LOGS}/1")), ("DELETE", format!("{LOGS}/1"))]
    {
        let (status, headers, _) = shop.ask(method, &path, "all", Some(&json!({}))).await;
        let allow = headers.iter().find(|(name, _)| name == "allow").map(|(_, value)| value.as_str());
        assert_eq!((status, allow), (405, Some("GET, HEAD")), "{method}");
    }
    for key in ["none", "products-read", "customer1"] {
        assert_eq!(shop.get(LOGS, key).await.0, 403, "{key}");
        let answer = shop.graphql("{ logs { nodes { action } } }", json!({}), key).await;
        assert!(answer["errors"].is_array(), "{key} {answer}");
    }
    shop.sql(r#"UPDATE personal_access_tokens SET abilities = '["actionlogs:index"]' WHERE name = 'health'"#)
        .await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (status, _, body) = shop.get(&format!("{LOGS}?include=customer&per_page=2"), "health").await;
    assert_eq!((status, &body["data"][1]["payload"]["ip"]), (200, &json!("198.51.100.2")), "{body}");
    let answer = shop.graphql("{ logs(first: 2) { nodes { action payload } } }", json!({}), "health").await;
    assert!(
        answer["errors"].is_array() && !answer.to_string().contains("198.51"),
        "an ability of its own: {answer}"
    );
    let answer =
        shop.graphql("{ logs(first: 2) { nodes { action staff { email } } } }", json!({}), "health").await;
    assert!(answer["errors"].is_array() && !answer.to_string().contains('@'), "{answer}");
    shop.close().await;
}
