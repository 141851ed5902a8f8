//! Introspection, held against async-graphql's own answers.

use async_graphql::{Request, Variables};
use guichet::server::schema;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

/// Everything that introspection can show.
const EVERYTHING: &str = "
    query Everything($deprecated: Boolean = true) {
        __schema {
            __typename
            queryType { ...Name } mutationType { ...Name } subscriptionType { ...Name }
            types { ...Type }
            directives {
                __typename name description isRepeatable locations args(includeDeprecated: $deprecated) { ...Input }
            }
        }
    }
    fragment Name on __Type { name kind }
    fragment Type on __Type {
        __typename ...Name description specifiedByURL isOneOf
        fields(includeDeprecated: $deprecated) {
            __typename name description isDeprecated deprecationReason
            args(includeDeprecated: true) { ...Input } type { ...Reference }
        }
        inputFields(includeDeprecated: $deprecated) { ...Input }
        interfaces { ...Reference } possibleTypes { ...Reference }
        enumValues(includeDeprecated: $deprecated) { __typename name description isDeprecated deprecationReason }
    }
    fragment Input on __InputValue {
        __typename name description defaultValue isDeprecated deprecationReason type { ...Reference }
    }
    fragment Reference on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// async-graphql's own answer, but for the interfaces of an interface: a list, as the specification demands.
async fn expected(query: &str, variables: &Json) -> Json {
    let request = Request::new(query).variables(Variables::from_json(variables.clone()));
    let answer = schema::validating().execute(request).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    let mut data = answer.data.into_json().unwrap();
    let types = data.pointer_mut("/__schema/types").and_then(Json::as_array_mut);
    for ty in types.into_iter().flatten() {
        if ty["kind"] == "INTERFACE" && ty.get("interfaces").is_some() {
            ty["interfaces"] = json!([]);
        }
    }
    data
}

/// The first place in which two answers differ, with what is there.
fn difference(left: &Json, right: &Json, place: &str) -> Option<String> {
    match (left, right) {
        (Json::Object(fields), Json::Object(others)) if fields.keys().eq(others.keys()) => {
            fields.iter().find_map(|(key, value)| difference(value, &others[key], &format!("{place}.{key}")))
        }
        (Json::Array(items), Json::Array(others)) if items.len() == others.len() => {
            let mut pairs = items.iter().zip(others).enumerate();
            pairs.find_map(|(at, (item, other))| difference(item, other, &format!("{place}.{at}")))
        }
        _ => (left != right).then(|| format!("{place}: {left} is not {right}")),
    }
}

#[tokio::test]
async fn it_answers_as_async_graphql_does() {
    let shop = Shop::golden("en").await;
    let none = json!({});
    for (query, variables) in [
        (EVERYTHING, json!({"deprecated": true})),
        (EVERYTHING, json!({"deprecated": false})),
        (EVERYTHING, none.clone()),
        ("{ __schema { types { name fields { name } enumValues { name } inputFields { name } } } }", none.clone()),
        ("{ a: __schema { types { b: name c: kind } } d: __schema { queryType { name } } }", none.clone()),
        // One response key, several selections.
        (
            "{ __schema { types { name } } ... on Query { __schema { types { kind } } } __schema { queryType { name } } }",
            none.clone(),
        ),
        (
            "{ __schema { types { fields { type { name } } fields { type { kind ofType { name } } } ...T ...T } } }
             fragment T on __Type { ...U name } fragment U on __Type { kind ... { description } }",
            none.clone(),
        ),
        (
            "query ($skip: Boolean!) { __schema { types @skip(if: $skip) { name } queryType { name kind @include(if: $skip) } } }",
            json!({"skip": true}),
        ),
        ("query ($name: String!) { __type(name: $name) { name fields { name } } }", json!({"name": "Product"})),
        ("{ __type(name: \"__Type\") { name fields { name args { name defaultValue } } } }", none.clone()),
        ("{ __type(name: \"NoSuchType\") { name } b: __type(name: \"ID\") { __typename kind ofType { name } } }", none),
    ] {
        let answer = shop.graphql(query, variables.clone(), "all").await;
        assert!(answer["errors"].is_null(), "{query}: {}", answer["errors"]);
        let expected = expected(query, &variables).await;
        let place = difference(&answer["data"], &expected, "data");
        assert_eq!(place, None, "{query} {variables}");
    }
    shop.close().await;
}

/// async-graphql has the same text once more, without line breaks.
#[tokio::test]
async fn the_schema_has_a_description() {
    let shop = Shop::golden("en").await;
    let answer = shop.graphql("{ __schema { description } }", json!({}), "all").await;
    let description = answer["data"]["__schema"]["description"].as_str().unwrap();
    assert!(description.starts_with("A GraphQL Schema defines"), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn it_stands_beside_other_fields() {
    let shop = Shop::golden("en").await;
    let query = "{ __typename health { status } __type(name: \"ID\") { kind } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let expected = json!({"__typename": "Query", "health": {"status": "ok"}, "__type": {"kind": "SCALAR"}});
    assert_eq!(answer["data"], expected, "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn an_argument_that_is_null_is_an_error() {
    let shop = Shop::golden("en").await;
    let query = "query ($deprecated: Boolean = false) {
        __type(name: \"Product\") { fields(includeDeprecated: $deprecated) { name } }
    }";
    let answer = shop.graphql(query, json!({"deprecated": null}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    assert!(answer["data"].is_null(), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn an_argument_without_a_value_has_its_default() {
    let shop = Shop::golden("en").await;
    let query = "query ($deprecated: Boolean) {
        __type(name: \"Product\") { fields(includeDeprecated: $deprecated) { name } }
    }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert!(answer["data"]["__type"]["fields"].is_array(), "{answer}");
    shop.close().await;
}

/// An answer of few parts, whose aliases are long.
#[tokio::test]
async fn an_answer_of_many_bytes_is_refused() {
    let shop = Shop::golden("en").await;
    let aliases = |numbers: std::ops::Range<i32>| -> String {
        numbers.map(|number| format!("x{number:03}{}: isOneOf ", "y".repeat(250))).collect()
    };
    let one = format!("{{ __schema {{ types {{ fields {{ type {{ {} }} }} }} }} }}", aliases(0..20));
    let types = format!("__schema {{ types {{ {} }} }}", aliases(0..7));
    let several = format!("{{ a: {types} b: {types} }}");
    for query in [one.as_str(), several.as_str()] {
        for key in ["", "all"] {
            let answer = shop.graphql(query, json!({}), key).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{}", answer["errors"]);
            assert!(answer["data"].is_null());
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn mutations_have_none() {
    let shop = Shop::golden("en").await;
    let answer = shop.graphql("mutation { __schema { queryType { name } } }", json!({}), "all").await;
    assert!(answer["data"].is_null(), "{answer}");
    assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    shop.close().await;
}
