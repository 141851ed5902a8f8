//! Values that no careful client sends, in every field of every write and every parameter of every list: they are taken
//! or refused, and never a failure of the server.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Runtime;

use crate::shop::Shop;

static OPENAPI: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap());

/// A REST operation that writes: its method, its path, the names of its fields.
type Write = (String, String, Vec<String>);

fn writes() -> Vec<Write> {
    let mut writes = Vec::new();
    for (path, operations) in OPENAPI["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str().and_then(|schema| schema.rsplit('/').next()) else { continue };
            let fields = OPENAPI["components"]["schemas"][name]["properties"].as_object().unwrap();
            writes.push((method.to_uppercase(), path.clone(), fields.keys().cloned().collect()));
        }
    }
    assert!(writes.len() > 10);
    writes
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "@-?[0-9]{1,19}",
        "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e[0-9]{1,4})?",
        "[0-9]{1,6}-[0-9]{1,2}-[0-9]{1,2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([+-][0-9]{2}:[0-9]{2}|Z)?)?",
        prop::sample::select(vec![
            "",
            " ",
            "\0",
            "null",
            "none",
            "true",
            "NaN",
            "inf",
            "-0",
            "0x1",
            "FR",
            "active",
            "hidden",
            "EUR",
            "domain",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "#__graphql_file__:0",
            "%",
            "_",
            "\\",
            "'",
            "a@example.org",
            "0612345678",
            "35000",
            "product",
            "suspend",
            "ban",
            "<b",
            "\u{feff}",
            "\u{10ffff}",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        4 => text().prop_map(Json::from),
        2 => any::<i64>().prop_map(Json::from),
        2 => (-2..10_i64).prop_map(Json::from),
        1 => any::<u64>().prop_map(Json::from),
        1 => any::<f64>().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let name = prop_oneof!["monthly|onetime|price|setup|0|1", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map(name, inner, 0..3).prop_map(Json::from_iter),
        ]
    })
}

/// A write with some of its fields, others of its own.
fn write() -> impl Strategy<Value = (String, String, Json)> {
    prop::sample::select(writes()).prop_flat_map(|(method, path, names)| {
        let field = (prop::sample::select(names), value());
        (prop::collection::vec(field, 0..8), 0..4_u8).prop_map(move |(fields, id)| {
            let path = path.replace("{id}", &id.to_string()).replace("{action}", "suspend");
            (method.clone(), format!("/api{path}"), Json::Object(Map::from_iter(fields)))
        })
    })
}

fn list() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "customers",
        "groups",
        "pricings",
        "products",
        "services",
        "customers/1",
        "statistics",
    ]);
    let name = prop_oneof![
        prop::sample::select(vec![
            "page",
            "per_page",
            "sort",
            "include",
            "q",
            "pricing",
            "filter[name]",
            "filter[id]"
        ])
        .prop_map(str::to_owned),
        "(filter|sort|page)\\[[a-z_]{1,9}\\](\\[\\])?",
    ];
    let value = prop_oneof![text(), "-?(id|name|created_at|status)(,-?[a-z_]{1,9})?"];
    (path, prop::collection::vec((name, value), 0..5)).prop_map(|(path, parameters)| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("/api/application/{path}?{query}")
    })
}

/// An operation of GraphQL with one variable for its input.
fn mutation() -> impl Strategy<Value = Json> {
    let kind = prop::sample::select(vec!["Product", "Group", "Customer", "Service", "Pricing"]);
    let names = "name|status|groupId|parentId|slug|sortOrder|stock|pinned|description|email|balance|expiresAt|dueAt|monthly|currency";
    (kind, prop::collection::btree_map(names, value(), 0..6), text()).prop_map(|(kind, input, id)| {
        let field = format!("{}{}Update", kind[..1].to_lowercase(), &kind[1..]);
        let query = format!(
            "mutation($id: ID!, $input: {kind}UpdateInput!) {{ {field}(id: $id, input: $input) {{ id }} }}"
        );
        let id = if id.len().is_multiple_of(2) { "1".to_owned() } else { id };
        json!({"query": query, "variables": {"id": id, "input": input}})
    })
}

/// Tries generated requests on one shop; `judge` tells of an answer whether it is a failure.
fn try_all<T: std::fmt::Debug>(requests: impl Strategy<Value = T>, ask: impl AsyncFn(&Shop, &T) -> bool) {
    let runtime = Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::with("en", |config| {
        config.rate_limit = None;
        config.cost_limit = None;
    }));
    let mut config = ProptestConfig::with_source_file(file!());
    config.max_shrink_iters = 200;
    let tried = TestRunner::new(config).run(&requests, |request| {
        let answered = runtime.block_on(ask(&shop, &request));
        prop_assert!(answered, "the server failed");
        Ok(())
    });
    runtime.block_on(shop.close());
    if let Err(TestError::Fail(why, request)) = tried {
        panic!("{why}: {request:?}");
    }
}

#[test]
fn any_write_is_taken_or_refused() {
    try_all(write(), async |shop, (method, path, body)| {
        shop.ask(method, path, "all", Some(body)).await.0 < 500
    });
}

#[test]
fn any_list_is_answered_or_refused() {
    try_all(list(), async |shop, path| shop.get(path, "all").await.0 < 500);
}

#[test]
fn any_mutation_is_taken_or_refused() {
    try_all(mutation(), async |shop, body| {
        let (status, _, answer) = shop.post("/graphql", "all", body).await;
        status < 500 && !answer.to_string().contains("\"INTERNAL\"")
    });
}
