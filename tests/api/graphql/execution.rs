//! Operations are executed to the letter of the specification: fields are collected before they are run,
//! answers stand in the order of the selection, and null goes up as far as it must.

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

fn keys(object: &Json) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object}")).keys().map(String::as_str).collect()
}

fn paths(answer: &Json) -> Vec<String> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut paths: Vec<String> = errors.iter().map(|error| error["path"].to_string()).collect();
    paths.sort();
    paths
}

/// Puts a view in a table's place that no database can compute a key for.
async fn break_table(shop: &Shop, table: &str, columns: &str) {
    shop.sql(&format!("ALTER TABLE {table} RENAME TO {table}_gone")).await;
    shop.sql(&format!("CREATE VIEW {table} AS SELECT service_id / (service_id - service_id) AS id, {columns} FROM {table}_gone"))
        .await;
}

async fn mend_table(shop: &Shop, table: &str) {
    shop.sql(&format!("DROP VIEW {table}")).await;
    shop.sql(&format!("ALTER TABLE {table}_gone RENAME TO {table}")).await;
}

const OPTIONS: &str = "config_options_services";

/// The recorded shop with an option of service 1, which cannot be read.
async fn broken() -> Shop {
    let shop = Shop::golden("en").await;
    let key = shop.quoted("key");
    shop.sql(&format!(
        "INSERT INTO {OPTIONS} (id, config_option_id, service_id, value) VALUES (1, 1, 1, '8')"
    ))
    .await;
    let columns = format!("config_option_id, service_id, value, {key}, expires_at, created_at, updated_at");
    break_table(&shop, OPTIONS, &columns).await;
    shop
}

/// A field that cannot be null and fails makes null what holds it, up to what can be null; its error is
/// reported once, at its own path, and everything beside that is answered.
#[tokio::test]
async fn null_goes_up_to_what_can_be_null() {
    let shop = broken().await;
    for (query, path, null, beside) in [
        (
            "{ services { totalCount nodes { name configOptions { databaseId value } } } products { totalCount } }",
            json!(["services", "nodes", 0, "configOptions"]),
            "/services",
            "/products/totalCount",
        ),
        (
            "{ s: services { edges { cursor o: node { m: configOptions { databaseId value } } } } products { totalCount } }",
            json!(["s", "edges", 0, "o", "m"]),
            "/s",
            "/products/totalCount",
        ),
        (
            "{ service(id: 1) { name configOptions { databaseId value } } product(id: 1) { name } }",
            json!(["service", "configOptions"]),
            "/service",
            "/product/name",
        ),
        (
            "{ service(id: 1) { name product { name services { nodes { configOptions { databaseId value } } } } customer { email } } }",
            json!(["service", "product", "services", "nodes", 0, "configOptions"]),
            "/service/product/services",
            "/service/customer/email",
        ),
        (
            "{ customers { nodes { email services { edges { node { name configOptions { databaseId value } } } } metadata { key } } } }",
            json!(["customers", "nodes", 0, "services", "edges", 0, "node", "configOptions"]),
            "/customers/nodes/1/services",
            "/customers/nodes/1/metadata",
        ),
        (
            "{ nodes(ids: [\"UHJvZHVjdDox\", \"U2VydmljZTox\"]) { id ... on Service { configOptions { databaseId value } } } }",
            json!(["nodes", 1, "configOptions"]),
            "/nodes/1",
            "/nodes/0/id",
        ),
    ] {
        let answer = shop.graphql(query, json!({}), "all").await;
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{query}: {answer}");
        let error = &answer["errors"][0];
        assert_eq!((&error["path"], &error["extensions"]["code"]), (&path, &json!("INTERNAL")), "{query}");
        assert_eq!(answer["data"].pointer(null), Some(&Json::Null), "{query}: {answer}");
        assert!(answer["data"].pointer(beside).is_some_and(|value| !value.is_null()), "{query}: {answer}");
    }
    // REST has no half answer.
    let (status, _, body) = shop.get("/api/application/services?include=configoptions", "all").await;
    assert_eq!((status, body), (500, json!({"message": "Server Error"})));
    mend_table(&shop, OPTIONS).await;
    shop.close().await;
}

/// A field that is asked for several times, in fragments too, is run once: one statement, one error, and all
/// that is asked of it, in the order in which it is first named.
#[tokio::test]
async fn fields_are_collected_before_they_are_run() {
    let shop = Shop::golden("en").await;
    let query = "
        query { products(first: 2) { nodes { name } } ...Q  health { status } products(first: 2) { ...P } }
        fragment Q on Query { products(first: 2) { totalCount edges { node { pricingRows { monthly } } } ...P } }
        fragment P on ProductConnection { pageInfo { endCursor } edges { cursor node { ...R group { name } } }
            nodes { id pricingRows { currency } } pageInfo { hasNextPage } ... on ProductConnection { nodes { ...R } } }
        fragment R on Product { name group { id } pricingRows { monthly } ... on Product { databaseId } }";
    let before = shop.statements();
    let answer = shop.graphql(query, json!({}), "all").await;
    let cost = shop.statements() - before;
    assert!(answer.get("errors").is_none(), "{answer}");
    let data = &answer["data"];
    assert_eq!(keys(data), ["products", "health"]);
    let part = &data["products"];
    assert_eq!(keys(part), ["nodes", "totalCount", "edges", "pageInfo"]);
    assert_eq!(keys(&part["pageInfo"]), ["endCursor", "hasNextPage"]);
    assert_eq!(keys(&part["nodes"][1]), ["name", "id", "pricingRows", "group", "databaseId"]);
    assert_eq!(keys(&part["nodes"][1]["pricingRows"][0]), ["currency", "monthly"]);
    assert_eq!(keys(&part["edges"][1]), ["node", "cursor"]);
    assert_eq!(keys(&part["edges"][1]["node"]), ["pricingRows", "name", "group", "databaseId"]);
    assert_eq!(keys(&part["edges"][1]["node"]["group"]), ["id", "name"]);
    assert_eq!(part["pageInfo"]["endCursor"], part["edges"][1]["cursor"]);
    // The page and its count; prices and groups below `nodes`, and below `edges`; the health.
    assert!(cost <= 2 + 2 + 2 + 1, "{cost} statements");

    let refused = shop.graphql(query, json!({}), "products-read").await;
    assert_eq!(
        paths(&refused),
        [
            r#"["health"]"#,
            r#"["products","edges",0,"node","group"]"#,
            r#"["products","edges",0,"node","pricingRows"]"#,
            r#"["products","nodes",0,"group"]"#,
            r#"["products","nodes",0,"pricingRows"]"#,
        ],
        "{refused}"
    );
    let conflict = shop
        .graphql("{ products(first: 1) { totalCount } products(first: 2) { totalCount } }", json!({}), "all")
        .await;
    assert_eq!(conflict["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{conflict}");
    shop.close().await;
}

/// Computed values are asked for in several places, too.
#[tokio::test]
async fn computed_values_are_collected_too() {
    let shop = Shop::golden("en").await;
    let query = "{ group(id: 1) { startPrice { currency recurring { net { amount } } } ...G } \
                   group(id: 1) { startPrice { period currency recurring { net { currency } } } } } \
                 fragment G on Group { startPrice { setup { gross { amount } } ...P } } \
                 fragment P on Price { recurring { ... on TaxedMoney { net { ...M } n: net { a: amount __typename } } } } \
                 fragment M on Money { formatted }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let price = &answer["data"]["group"]["startPrice"];
    assert_eq!(keys(price), ["currency", "recurring", "setup", "period"]);
    let net = json!({"amount": "2.99", "formatted": "€2.99", "currency": "EUR"});
    assert_eq!(price["recurring"], json!({"net": net, "n": {"a": "2.99", "__typename": "Money"}}));
    // The same from the cache.
    assert_eq!(shop.graphql(query, json!({}), "all").await, answer);
    shop.close().await;
}

/// Changes are made one after the other, and one that is written twice is one.
#[tokio::test]
async fn changes_are_made_in_order_and_once() {
    let shop = Shop::golden("en").await;
    let make = "productCreate(input: {name: \"New\", description: \"x\", status: ACTIVE, groupId: 1, stock: 1, type: \"none\"})";
    let count = "{ products(search: \"New\") { totalCount } }";
    let query = format!(
        "mutation {{ b: productUpdate(id: 1, input: {{name: \"First\"}}) {{ product {{ name }} }} {make} {{ product {{ id }} }} \
         a: productUpdate(id: 1, input: {{name: \"Second\"}}) {{ product {{ name }} }} ...M }} \
         fragment M on Mutation {{ {make} {{ product {{ name id }} }} }}"
    );
    let answer = shop.graphql(&query, json!({}), "all").await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(keys(&answer["data"]), ["b", "productCreate", "a"]);
    assert_eq!(keys(&answer["data"]["productCreate"]["product"]), ["id", "name"]);
    let made = shop.graphql(count, json!({}), "all").await;
    assert_eq!(made["data"]["products"]["totalCount"], 1, "{made}");
    let after = shop.graphql("{ product(id: 1) { name } }", json!({}), "all").await;
    assert_eq!(after["data"]["product"]["name"], "Second");
    shop.close().await;
}

/// `@skip` and `@include` leave fields out before anything is run for them.
#[tokio::test]
async fn what_is_left_out_is_not_run() {
    let shop = Shop::golden("en").await;
    let query = "query($on: Boolean!) { products(first: 1) { nodes { name @skip(if: $on) ...P @include(if: $on) } \
                 edges @include(if: $on) { cursor } } customers @skip(if: $on) { totalCount } __typename } \
                 fragment P on Product { pricingRows { monthly } }";
    for (on, statements, row) in [(true, 2, vec!["pricingRows"]), (false, 2, vec!["name"])] {
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"on": on}), "all").await;
        assert_eq!(shop.statements() - before, statements + usize::from(!on), "{answer}");
        assert_eq!(keys(&answer["data"]["products"]["nodes"][0]), row);
        assert_eq!(answer["data"].get("customers").is_none(), on);
        assert_eq!(answer["data"]["products"].get("edges").is_some(), on);
        assert_eq!(answer["data"]["__typename"], "Query");
    }
    shop.close().await;
}

/// SQLite alone holds a time that is none.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_with_its_path() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let shop = Shop::golden("en").await;
    shop.sql("UPDATE products SET created_at = 'garbage'").await;
    for (query, path) in [
        ("{ p: product(id: 1) { createdAt } groups { totalCount } }", json!(["p"])),
        (
            "{ node(id: \"UHJvZHVjdDox\") { ... on Product { createdAt } } groups { totalCount } }",
            json!(["node"]),
        ),
        (
            "{ nodes(ids: [\"UHJvZHVjdDox\"]) { ... on Product { createdAt } } groups { totalCount } }",
            json!(["nodes"]),
        ),
        ("{ products { nodes { createdAt } } groups { totalCount } }", json!(["products", "nodes"])),
        ("{ service(id: 1) { product { createdAt } } groups { totalCount } }", json!(["service", "product"])),
    ] {
        let answer = shop.graphql(query, json!({}), "all").await;
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{query}: {answer}");
        let error = &answer["errors"][0];
        assert_eq!((&error["path"], &error["extensions"]["code"]), (&path, &json!("INTERNAL")), "{query}");
        assert!(answer["data"]["groups"]["totalCount"].is_u64(), "{query}: {answer}");
    }
    shop.sql("UPDATE products SET created_at = NULL").await;
    shop.close().await;
}
