//! An operation that ran before is not parsed and validated again. Whatever its variables are, the answer is that of a
//! server which sees it for the first time.

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

/// The answers to one document with some variables in turn: of a server that remembers it, and of one that
/// sees it for the first time each time.
async fn hold(document: &str, variables: &[Json]) -> Vec<Json> {
    let shop = Shop::with("en", |config| config.count_ttl = std::time::Duration::ZERO).await;
    let mut answers = Vec::new();
    for round in 0..2 {
        for (at, variables) in variables.iter().enumerate() {
            // A comment makes it another document, whose errors stand at the same places.
            let new = format!("{document} # {round} {at}");
            let fresh = shop.graphql(&new, variables.clone(), "all").await;
            let known = shop.graphql(document, variables.clone(), "all").await;
            assert_eq!(known.to_string(), fresh.to_string(), "{document} {variables}");
            answers.push(known);
        }
    }
    shop.close().await;
    answers.split_off(variables.len())
}

#[tokio::test]
async fn pages_follow_their_variables() {
    let document = "query($n: Int, $after: String, $only: ProductFilter) { products(first: $n, after: $after, filter: $only) \
                    { totalCount nodes { databaseId name ...P } } } fragment P on Product { pricingRows { currency monthly } }";
    let answers = hold(
        document,
        &[
            json!({"n": 2}),
            json!({"n": 3}),
            json!({"n": null}),
            json!({}),
            json!({"n": 1, "only": {"databaseId": {"gt": 2}}}),
            json!({"n": 1, "only": {"databaseId": {"gt": null}}}),
            json!({"n": 2, "unknown": 5}),
        ],
    )
    .await;
    let rows = |answer: &Json| answer["data"]["products"]["nodes"].as_array().map(Vec::len);
    assert_eq!(answers.iter().take(3).map(rows).collect::<Vec<_>>(), [Some(2), Some(3), rows(&answers[3])]);
    assert_eq!(answers[4]["data"]["products"]["nodes"][0]["databaseId"], 3);
}

/// What is wrong is reported in the validator's own words, though the document is known.
#[tokio::test]
async fn wrong_values_are_told_as_ever() {
    let document = "query($n: Int, $on: Boolean!, $sort: [ProductSort!], $only: ProductFilter) { products(first: $n, sort: $sort, \
                    filter: $only) { nodes { name @include(if: $on) id } } }";
    let right = json!({"n": 1, "on": true, "sort": [{"field": "NAME"}], "only": {"name": {"eq": "VPS S"}}});
    let with = |name: &str, value: Json| {
        let mut variables = right.clone();
        variables[name] = value;
        variables
    };
    let answers = hold(
        document,
        &[
            right.clone(),
            with("n", json!("two")),
            with("n", json!(1.5)),
            with("on", json!("yes")),
            with("on", Json::Null),
            with("sort", json!([{"field": "NOTHING"}])),
            with("sort", json!([{"direction": "DESC"}])),
            with("sort", json!([null])),
            with("sort", json!({"field": "NAME", "direction": "DESC"})),
            with("only", json!({"nothing": 1})),
            with("only", json!({"name": {"eq": ["VPS S"]}})),
            with("only", json!("x")),
            with("n", json!(100_000)),
            json!({}),
        ],
    )
    .await;
    assert!(answers[0].get("errors").is_none(), "{}", answers[0]);
    assert!(answers[8].get("errors").is_none(), "{}", answers[8]);
    for (at, answer) in answers.iter().enumerate().filter(|(at, _)| ![0, 8].contains(at)) {
        assert!(answer["errors"][0]["message"].is_string(), "{at}: {answer}");
    }
}

#[tokio::test]
async fn switches_and_merged_fields_follow_their_variables() {
    let document = "query($a: Boolean!, $b: Boolean = true) { products(first: 2) @include(if: $a) { nodes { name } } \
                    products(first: 2) { nodes { id @skip(if: $b) ...G @include(if: $b) } totalCount } ... on Query { health { status } } \
                    nodes(ids: [\"UHJvZHVjdDox\", \"U2VydmljZTox\"]) { id ...N } } \
                    fragment G on Product { group { slug } } \
                    fragment N on Node { ... on Service { customer { ...C } } ... on Product { name @skip(if: $a) } } \
                    fragment C on Customer { email }";
    let answers = hold(
        document,
        &[
            json!({"a": true}),
            json!({"a": false}),
            json!({"a": true, "b": false}),
            json!({"a": false, "b": null}),
        ],
    )
    .await;
    let keys = |answer: &Json| {
        let first = answer["data"]["products"]["nodes"][0].as_object().unwrap();
        first.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&answers[0]), ["name", "group"]);
    assert_eq!(keys(&answers[1]), ["group"]);
    assert_eq!(keys(&answers[2]), ["name", "id"]);
    assert!(answers[3]["errors"].is_array(), "{}", answers[3]);
    assert_eq!(answers[0]["data"]["nodes"][1]["customer"]["email"].as_str().map(str::is_empty), Some(false));
}

/// Several operations of one document are kept apart, and a change is made each time.
#[tokio::test]
async fn each_operation_of_a_document_is_its_own() {
    let shop = Shop::golden("en").await;
    let document = "query A { product(id: 1) { name } } query B { product(id: 2) { name } } \
                    mutation C($name: String!) { productUpdate(id: 1, input: {name: $name}) { product { name } } }";
    let ask = async |name: &str, variables: Json| {
        let body = json!({"query": document, "operationName": name, "variables": variables});
        shop.post("/graphql", "all", &body).await.2
    };
    for round in 0..3 {
        let name = format!("Product {round}");
        let changed = ask("C", json!({"name": name})).await;
        assert_eq!(changed["data"]["productUpdate"]["product"]["name"], name, "{changed}");
        assert_eq!(ask("A", json!({})).await["data"]["product"]["name"], name);
        assert_ne!(ask("B", json!({})).await["data"]["product"]["name"], name);
        assert!(ask("D", json!({})).await["errors"].is_array());
    }
    shop.close().await;
}

/// Whoever asks, only what the own key opens is reported.
#[tokio::test]
async fn each_caller_sees_what_its_key_opens() {
    let shop = Shop::golden("en").await;
    let document = "{ product(id: 1) { name metadata { key } group { slug } } }";
    for _ in 0..2 {
        let all = shop.graphql(document, json!({}), "all").await;
        assert!(all.get("errors").is_none() && all["data"]["product"]["metadata"].is_array(), "{all}");
        let some = shop.graphql(document, json!({}), "products-read").await;
        assert_eq!(some["errors"][0]["extensions"]["code"], "FORBIDDEN", "{some}");
        assert_eq!(some["data"]["product"]["metadata"], Json::Null);
        let none = shop.graphql(document, json!({}), "").await;
        assert_eq!(none["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{none}");
    }
    shop.close().await;
}
