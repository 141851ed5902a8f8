//! Conditions on lists: each operator finds the rows that it describes, on every database, and nothing else is taken.

use serde_json::{Value as Json, json};

use crate::graphql::errors::code;
use crate::harness::shop::Shop;

/// Identifiers of the rows of a list for which a condition holds.
async fn found(shop: &Shop, list: &str, condition: &str) -> Vec<i64> {
    let query = format!("{{ {list}(filter: {{{condition}}}, perPage: 100) {{ nodes {{ databaseId }} }} }}");
    let answer = shop.graphql(&query, json!({}), "all").await;
    let nodes = answer["data"][list]["nodes"].as_array().unwrap_or_else(|| panic!("{condition}: {answer}"));
    nodes.iter().map(|node| node["databaseId"].as_i64().unwrap()).collect()
}

type Holds = fn(&Json) -> bool;

fn int(row: &Json, key: &str) -> Option<i64> {
    row[key].as_i64()
}

fn text<'a>(row: &'a Json, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

fn decimal(row: &Json, key: &str) -> Option<f64> {
    row[key].as_str().map(|text| text.parse().unwrap())
}

/// Compares each condition with what it means, row by row. Each must find something.
async fn compare(shop: &Shop, list: &str, columns: &str, cases: &[(&str, Holds)]) {
    let query = format!("{{ {list}(perPage: 100) {{ nodes {{ databaseId {columns} }} }} }}");
    let answer = shop.graphql(&query, json!({}), "all").await;
    let rows = answer["data"][list]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    for (condition, holds) in cases {
        let meant: Vec<i64> =
            rows.iter().filter(|row| holds(row)).map(|row| row["databaseId"].as_i64().unwrap()).collect();
        assert!(!meant.is_empty() && meant.len() < rows.len(), "{condition} tells rows apart");
        assert_eq!(found(shop, list, condition).await, meant, "{condition}");
    }
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    let columns = "name status stock groupId group { databaseId } pinned createdAt";
    let products: &[(&str, Holds)] = &[
        ("stock: {between: {from: 1, to: 10}}", |row| (1..=10).contains(&int(row, "stock").unwrap())),
        ("stock: {notIn: [0, 100]}", |row| ![0, 100].contains(&int(row, "stock").unwrap())),
        ("stock: {gte: 5, lt: 100}", |row| (5..100).contains(&int(row, "stock").unwrap())),
        ("groupId: {notIn: [1]}", |row| int(&row["group"], "databaseId").is_some_and(|group| group != 1)),
        ("groupId: {in: [\"R3JvdXA6MQ\", 3]}", |row| {
            ["R3JvdXA6MQ", "R3JvdXA6Mw"].contains(&text(row, "groupId"))
        }),
        ("groupId: {ne: 2}", |row| int(&row["group"], "databaseId").is_some_and(|group| group != 2)),
        ("name: {startsWith: [\"vps\", \"WEB s\"]}", |row| {
            text(row, "name").starts_with("VPS") || text(row, "name").starts_with("Web S")
        }),
        ("name: {notIn: [\"VPS S\", \"VPS M\"]}", |row| !["VPS S", "VPS M"].contains(&text(row, "name"))),
        ("name: {contains: [\"L\"], startsWith: [\"vps\"]}", |row| text(row, "name") == "VPS L"),
        ("status: {eq: ACTIVE}", |row| row["status"] == "ACTIVE"),
        ("status: {ne: ACTIVE}", |row| row["status"] != "ACTIVE"),
        ("status: {in: [HIDDEN, UNREFERENCED]}", |row| row["status"] != "ACTIVE"),
        ("status: {notIn: [HIDDEN]}", |row| row["status"] != "HIDDEN"),
        ("pinned: {eq: true}", |row| row["pinned"] == true),
        ("createdAt: {between: {from: \"2026-01-29T12:00:00Z\", to: \"2026-01-31T12:00:00Z\"}}", |row| {
            ("2026-01-29T12".."2026-01-31T13").contains(&text(row, "createdAt"))
        }),
    ];
    compare(&shop, "products", columns, products).await;
    let pricings: &[(&str, Holds)] = &[
        ("monthly: {eq: \"2.99\"}", |row| decimal(row, "monthly") == Some(2.99)),
        ("monthly: {in: [\"2.99\", \"3.99\"]}", |row| {
            [Some(2.99), Some(3.99)].contains(&decimal(row, "monthly"))
        }),
        ("monthly: {between: {from: \"2.99\", to: \"3.99\"}}", |row| {
            decimal(row, "monthly").is_some_and(|price| (2.99..=3.99).contains(&price))
        }),
        ("monthly: {notIn: [\"2.99\"]}", |row| decimal(row, "monthly").is_some_and(|price| price != 2.99)),
        ("monthly: {isNull: true}", |row| row["monthly"].is_null()),
        ("weekly: {eq: \"2.5\"}", |row| decimal(row, "weekly") == Some(2.5)),
        ("setupMonthly: {gt: \"0\", isNull: false}", |row| decimal(row, "setupMonthly") > Some(0.0)),
    ];
    compare(&shop, "pricings", "monthly weekly setupMonthly", pricings).await;
    shop.close().await;
}

#[tokio::test]
async fn wildcards_are_letters_and_empty_lists_mean_nothing_in_them() {
    let shop = Shop::golden("en").await;
    let whole = found(&shop, "products", "").await;
    for (condition, all) in [
        ("name: {startsWith: [\"%\"]}", false),
        ("name: {startsWith: [\"_PS\"]}", false),
        ("name: {startsWith: [\"V\\u0000\"]}", false),
        ("name: {notIn: []}", true),
        ("name: {in: []}", false),
        ("status: {notIn: []}", true),
        ("status: {in: []}", false),
        ("stock: {between: {from: 10, to: 1}}", false),
    ] {
        let rows = found(&shop, "products", condition).await;
        assert_eq!(rows, if all { whole.clone() } else { Vec::new() }, "{condition}");
    }
    shop.close().await;
}

/// Whatever is empty in a condition counts, so that the database is not kept busy for nothing.
#[tokio::test]
async fn empty_parts_are_bounded() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    let query = "query($f: CustomerFilter) { customers(filter: $f) { totalCount } }";
    let part = [
        json!({}),
        json!({"services": {}}),
        json!({"services": {"name": {"notIn": []}}}),
        json!({"email": {}}),
        json!({"and": []}),
        json!({"email": {"in": []}}),
    ];
    for part in part {
        for join in ["and", "or"] {
            let filter = json!({join: vec![part.clone(); 201]});
            let answer = shop.graphql(query, json!({"f": filter}), "all").await;
            assert_eq!(code(&answer), "QUERY_TOO_COMPLEX", "{part}: {answer}");
        }
    }
    let literal =
        format!("{{ customers(filter: {{and: [{}]}}) {{ totalCount }} }}", "{services: {}} ".repeat(201));
    assert_eq!(code(&shop.graphql(&literal, json!({}), "all").await), "QUERY_TOO_COMPLEX");
    let answer = shop.graphql(query, json!({"f": {}}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn moments_far_away_are_before_and_behind_all_others() {
    let shop = Shop::golden("en").await;
    let whole = found(&shop, "products", "").await;
    for far in ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00-23:59"] {
        assert_eq!(found(&shop, "products", &format!("createdAt: {{lte: \"{far}\"}}")).await, whole, "{far}");
        assert_eq!(found(&shop, "products", &format!("createdAt: {{gt: \"{far}\"}}")).await, [0; 0], "{far}");
    }
    for far in ["0000-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"] {
        let range = format!("createdAt: {{between: {{from: \"{far}\", to: \"9999-12-31T23:59:59Z\"}}}}");
        assert_eq!(found(&shop, "products", &range).await, whole, "{far}");
        assert_eq!(found(&shop, "products", &format!("createdAt: {{lt: \"{far}\"}}")).await, [0; 0], "{far}");
    }
    shop.close().await;
}

/// Refused when it is first sent, and when the same document was run before with other variables.
#[tokio::test]
async fn what_a_column_is_not_compared_with_is_refused() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for condition in [
        "stock: {contains: [\"1\"]}",
        "pinned: {contains: [\"1\"]}",
        "createdAt: {contains: [\"2026\"]}",
        "status: {contains: [\"act\"]}",
        "status: {eq: \"active\"}",
        "status: {eq: active}",
        "status: {eq: PENDING}",
        "stock: {between: {from: 1}}",
        "stock: {between: [1, 2]}",
        "stock: {startsWith: [\"1\"]}",
        "and: [{stock: {between: {from: 1, to: \"2\"}}}]",
    ] {
        let query = format!("{{ products(filter: {{{condition}}}) {{ totalCount }} }}");
        for _ in 0..2 {
            let answer = shop.graphql(&query, json!({}), "all").await;
            let refused = ["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code(&answer));
            assert!(refused && answer["data"]["products"].is_null(), "{condition}: {answer}");
        }
    }
    let query = "query($f: ProductFilter) { products(filter: $f) { totalCount } }";
    for (filter, right) in [
        (json!({"status": {"eq": "ACTIVE"}}), true),
        (json!({"status": {"eq": "active"}}), false),
        (json!({"status": {"notIn": ["HIDDEN", "NOPE"]}}), false),
        (json!({"stock": {"between": {"from": 1, "to": 5}}}), true),
        (json!({"stock": {"between": {"from": 1}}}), false),
        (json!({"stock": {"contains": ["1"]}}), false),
        (json!({"status": {"contains": ["act"]}}), false),
        (json!({"status": {"in": ["HIDDEN"], "isNull": false}}), true),
    ] {
        let answer = shop.graphql(query, json!({"f": filter}), "all").await;
        assert_eq!(answer["errors"].is_null(), right, "{filter}: {answer}");
    }
    shop.close().await;
}
