//! Values that no careful client sends, in every field of every write and every parameter of every list: they are
//! accepted or refused, and never cause an internal error.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Runtime;

use crate::harness::shop::Shop;

static OPENAPI: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../openapi.json")).unwrap());

/// A REST operation that writes: its method, its path, the names of its fields.
type Write = (String, String, Vec<String>);

fn writes() -> Vec<Write> {
    let mut writes = Vec::new();
    for (path, operations) in OPENAPI["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let component = |part: &Json| OPENAPI.pointer(part["$ref"].as_str()?.trim_start_matches('#'));
            let body = component(&operation["requestBody"]);
            let schema = body.and_then(|body| component(&body["content"]["application/json"]["schema"]));
            let Some(schema) = schema else { continue };
            let fields = schema["properties"].as_object().unwrap().keys().cloned().collect();
            writes.push((method.to_uppercase(), path.clone(), fields));
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

/// A write with a few of its fields, on a record that may exist.
fn write() -> impl Strategy<Value = (String, String, Json)> {
    prop::sample::select(writes()).prop_flat_map(|(method, path, names)| {
        let fields = prop::collection::vec((prop::sample::select(names), value()), 1..4);
        let id = prop_oneof![4 => "[12]", 1 => "[0-9]{1,20}"];
        (fields, id).prop_map(move |(fields, id)| {
            let path = path.replace("{id}", &id).replace("{action}", "suspend");
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

/// Valid values of a GraphQL type, with its limits.
fn typed(ty: &'static str) -> BoxedStrategy<Json> {
    let day = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    let time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?";
    let offset = "Z|[+-](0[0-9]|1[0-4]):[0-5][0-9]";
    match ty {
        "Int" => prop_oneof![any::<i64>().prop_map(Json::from), any::<i32>().prop_map(Json::from)].boxed(),
        "Text" => text().prop_map(Json::from).boxed(),
        "Time" => (day, time).prop_map(|(day, time)| Json::from(format!("{day}T{time}"))).boxed(),
        "Moment" => (day, time, offset)
            .prop_map(|(day, time, zone)| Json::from(format!("{day}T{time}{zone}")))
            .boxed(),
        _ => prop_oneof![
            any::<f64>().prop_map(Json::from),
            "-?[0-9]{1,29}(\\.[0-9]{1,9})?".prop_map(Json::from)
        ]
        .boxed(),
    }
}

/// A change by GraphQL: one field of an input type, mostly with a valid value.
fn mutation() -> impl Strategy<Value = Json> {
    let field = prop::sample::select(vec![
        ("product", "ProductUpdate", "name", "Text"),
        ("product", "ProductUpdate", "description", "Text"),
        ("product", "ProductUpdate", "groupId", "Int"),
        ("product", "ProductUpdate", "stock", "Int"),
        ("group", "GroupUpdate", "slug", "Text"),
        ("group", "GroupUpdate", "sortOrder", "Int"),
        ("group", "GroupUpdate", "parentId", "Int"),
        ("customer", "CustomerUpdate", "firstname", "Text"),
        ("customer", "CustomerUpdate", "phone", "Text"),
        ("customer", "CustomerUpdate", "balance", "Decimal"),
        ("service", "ServiceUpdate", "notes", "Text"),
        ("service", "ServiceUpdate", "expiresAt", "Time"),
        ("service", "ServiceUpdate", "maxRenewals", "Int"),
        ("pricing", "Pricing", "relatedId", "Int"),
        ("pricing", "Pricing", "monthly", "Decimal"),
        ("pricing", "Pricing", "setupAnnually", "Decimal"),
    ]);
    let change = field.prop_flat_map(|(kind, input, name, ty)| {
        (Just((kind, input, name)), prop_oneof![4 => typed(ty), 1 => value()])
    });
    (change, prop_oneof![4 => "[12]", 1 => text()]).prop_map(|(((kind, input, name), value), id)| {
        let head = format!("mutation($id: ID!, $input: {input}Input!)");
        let query = format!("{head} {{ {kind}Update(id: $id, input: $input) {{ {kind} {{ id }} userErrors {{ field code message params {{ min max values other }} }} }} }}");
        json!({"query": query, "variables": {"id": id, "input": { name: value }}})
    })
}

/// A list by GraphQL with a condition, mostly a valid one, and a list after a random cursor.
fn conditions() -> impl Strategy<Value = Json> {
    let column = prop::sample::select(vec![
        ("products", "Product", "stock", "Int"),
        ("products", "Product", "name", "Text"),
        ("products", "Product", "createdAt", "Moment"),
        ("customers", "Customer", "databaseId", "Int"),
        ("customers", "Customer", "email", "Text"),
        ("customers", "Customer", "balance", "Decimal"),
        ("customers", "Customer", "lastLogin", "Moment"),
        ("services", "Service", "expiresAt", "Moment"),
        ("pricings", "Pricing", "weekly", "Decimal"),
        ("pricings", "Pricing", "monthly", "Decimal"),
    ]);
    let condition = column.prop_flat_map(|(list, kind, name, ty)| {
        let texts = prop::collection::vec(text(), 0..3).prop_map(|texts| json!({ "contains": texts }));
        let compared = ("eq|ne|gt|gte|lt|lte", typed(ty)).prop_map(|(by, value)| json!({ by: value }));
        let many = prop::collection::vec(typed(ty), 0..4).prop_map(|values| json!({ "in": values }));
        (Just((list, kind, name)), prop_oneof![4 => compared, 2 => texts, 2 => many])
    });
    (condition, text()).prop_map(|(((list, kind, name), condition), after)| {
        let head = format!("query($f: {kind}Filter, $after: String)");
        let behind = format!("b: {list}(after: $after) {{ nodes {{ id }} }}");
        let query = format!("{head} {{ a: {list}(filter: $f) {{ nodes {{ id }} totalCount }} {behind} }}");
        json!({"query": query, "variables": {"f": { name: condition }, "after": after}})
    })
}

/// Tries generated requests on one shop; `judge` decides whether an answer is a failure.
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

/// Whether GraphQL has answered or refused.
async fn is_answered(shop: &Shop, body: &Json) -> bool {
    let (status, _, answer) = shop.post("/graphql", "all", body).await;
    status < 500 && !answer.to_string().contains("\"INTERNAL\"")
}

#[test]
fn any_mutation_is_taken_or_refused() {
    try_all(mutation(), is_answered);
}

#[test]
fn any_condition_is_answered_or_refused() {
    try_all(conditions(), is_answered);
}

#[tokio::test]
async fn what_postgresql_cannot_hold_is_no_failure() {
    let shop = Shop::golden("en").await;
    let asked = |filter: Json| json!({"query": "query($f: CustomerFilter) { customers(filter: $f) { totalCount } }", "variables": {"f": filter}});
    for filter in [json!({"email": {"in": ["\0"]}}), json!({"email": {"eq": "a\0"}})] {
        let (_, _, answer) = shop.post("/graphql", "all", &asked(filter)).await;
        assert_eq!(answer["data"]["customers"]["totalCount"], 0, "{answer}");
    }
    let tiny = json!({"setup_annually": 2.776e-288});
    let (status, _, body) = shop.ask("PUT", "/api/application/pricings/1", "all", Some(&tiny)).await;
    assert_eq!((status, &body["setup_annually"]), (200, &json!(0)), "{body}");
    shop.close().await;
}
