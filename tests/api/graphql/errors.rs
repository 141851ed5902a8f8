//! Errors of GraphQL: their codes, their messages, and their paths.

use facade::error::Code;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::store::{DEFECT, MENDED};

pub(crate) fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("")
}

/// The page for frontends lists every code with when it is sent.
#[test]
fn every_code_is_documented() {
    let page = include_str!("../../../docs/frontends.md");
    for code in Code::ALL {
        let line = format!("| `{}` | {} |", code.name(), code.meaning());
        assert!(page.contains(&line), "docs/frontends.md lacks: {line}");
    }
}

#[tokio::test]
async fn errors_have_their_code() {
    let shop = Shop::golden("en").await;
    for (query, variables, key, expected) in [
        ("{ products { nodes { name } } }", json!({}), "", "UNAUTHENTICATED"),
        ("{ products { nodes { name } } }", json!({}), "health", "FORBIDDEN"),
        ("mutation { productDelete(id: 999) { deletedId } }", json!({}), "all", "NOT_FOUND"),
        (
            "mutation { productUpdate(id: 1, input: {groupId: 999}) { product { id } } }",
            json!({}),
            "all",
            "VALIDATION_FAILED",
        ),
        ("{ products(first: -1) { totalCount } }", json!({}), "all", "BAD_USER_INPUT"),
        ("{ products(after: \"x\") { totalCount } }", json!({}), "all", "BAD_USER_INPUT"),
        ("{ products {", json!({}), "all", "GRAPHQL_PARSE_FAILED"),
        ("{ product }", json!({}), "all", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products { nodes { nam } } }", json!({}), "all", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { product(id: $id) { name } }", json!({}), "all", "BAD_USER_INPUT"),
        ("{ ...A }", json!({}), "all", "GRAPHQL_VALIDATION_FAILED"),
        (
            "query A { health { status } } query B { health { status } }",
            json!({}),
            "all",
            "OPERATION_RESOLUTION_FAILURE",
        ),
    ] {
        let answer = shop.graphql(query, variables, key).await;
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        let text = answer["errors"].to_string();
        for leak in ["App\\", "SELECT", "src/", "::", ".rs"] {
            assert!(!text.contains(leak), "{query} tells {leak}: {text}");
        }
    }
    let missing =
        shop.graphql("query($id: ID!) { product(id: $id) { name } }", json!({"id": null}), "all").await;
    assert!(missing.get("data").is_none(), "{missing}");
    let wrong =
        shop.graphql("query($n: Int) { products(first: $n) { totalCount } }", json!({"n": "x"}), "all").await;
    assert!(wrong.get("data").is_none(), "{wrong}");
    let syntax = shop.graphql("{ products {\n  nodes { name ", json!({}), "").await;
    let error = &syntax["errors"][0];
    assert!(error["message"].as_str().unwrap().starts_with("Syntax error: expected "), "{error}");
    assert_eq!(error["locations"][0]["line"], 2, "{error}");
    shop.close().await;
}

/// Callers with a key get suggestions for misspelled names; others cannot learn names by guessing.
#[tokio::test]
async fn names_are_suggested_to_callers_with_a_key() {
    let shop = Shop::golden("en").await;
    let variables = json!({"filter": {"nam": {"eq": "x"}}, "status": "ACTVE"});
    for (query, text, suggestion) in [
        (
            "{ product(id: 1) { nmae } }",
            "Unknown field \"nmae\" on type \"Product\".",
            " Did you mean \"name\" or \"image\"?",
        ),
        (
            "{ products(frist: 1) { totalCount } }",
            "Unknown argument \"frist\" on field \"products\" of type \"Query\".",
            " Did you mean \"first\" or \"last\"?",
        ),
        (
            "{ ...A } fragment A on Prodct { name }",
            "Unknown type \"Prodct\"",
            ". Did you mean \"Product\" or \"Price\"?",
        ),
        (
            "query($filter: ProductFilter) { products(filter: $filter) { totalCount } }",
            "Invalid value for argument \"filter\", unknown field \"nam\" of type \"ProductFilter\"",
            ". Did you mean \"name\", \"and\", or \"not\"?",
        ),
    ] {
        for (key, expected) in
            [("none", format!("{text}{suggestion}")), ("", text.to_owned()), ("wrong", text.to_owned())]
        {
            let answer = shop.graphql(query, variables.clone(), key).await;
            assert_eq!(answer["errors"][0]["message"], expected, "{key}: {query}");
            assert!(key == "none" || !answer.to_string().contains("Did you mean"), "{answer}");
        }
    }
    // The library itself suggests arguments of directives to everybody.
    let directive = "{ product(id: 1) { name @can(anny: []) } }";
    for (key, reported) in [("none", true), ("", false)] {
        let answer = shop.graphql(directive, json!({}), key).await;
        assert_eq!(answer.to_string().contains("Did you mean \\\"any\\\"?"), reported, "{answer}");
    }
    shop.close().await;
}

/// The client gets a number, the log the cause.
#[tokio::test]
async fn a_defect_is_told_by_a_trace_id_alone() {
    let shop = Shop::golden("en").await;
    for sql in DEFECT {
        shop.sql(sql).await;
    }
    let query = "{ products(first: 2) { nodes { name metadata { databaseId key } } totalCount } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["message"], "Server Error");
    assert_eq!(error["extensions"]["code"], "INTERNAL");
    assert_eq!(error["extensions"]["traceId"].as_str().unwrap().len(), 32);
    assert_eq!(error["extensions"].as_object().unwrap().len(), 2, "{error}");
    assert!(answer["data"]["products"]["nodes"][1]["name"].is_string(), "{answer}");
    assert!(answer["data"]["products"]["nodes"][1]["metadata"].is_null(), "{answer}");
    for sql in MENDED {
        shop.sql(sql).await;
    }
    shop.close().await;
}

/// Answers stand in the order of the selection, whichever is ready first; a refused field is null,
/// leaves its neighbours alone and is reported once, at its path.
#[tokio::test]
async fn refused_fields_are_null_and_told_once() {
    let shop = Shop::golden("en").await;
    let query = "{ last: products(first: 3) { edges { node { name m: metadata { databaseId key } id } cursor } nodes { \
                 metadata { databaseId key } name } totalCount } customers { totalCount } health { status } \
                 first: product(id: 1) { name services { totalCount } } __typename }";
    let answer = shop.graphql(query, json!({}), "products-read").await;
    let data = answer["data"].as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["last", "customers", "health", "first", "__typename"]);
    let row = &data["last"]["edges"][2]["node"];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "m", "id"]);
    assert!(row["name"].is_string() && row["m"].is_null(), "{row}");
    assert_eq!(
        data["last"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["edges", "nodes", "totalCount"]
    );
    assert!(data["customers"].is_null() && data["health"].is_null());
    let mut reported: Vec<String> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");
            assert!(error["locations"][0]["column"].as_u64().unwrap() > 0, "{error}");
            assert!(!error["extensions"]["abilities"].as_array().unwrap().is_empty(), "{error}");
            error["path"].to_string()
        })
        .collect();
    reported.sort();
    assert_eq!(
        reported,
        [
            r#"["customers"]"#,
            r#"["first","services"]"#,
            r#"["health"]"#,
            r#"["last","edges",0,"node","m"]"#,
            r#"["last","nodes",0,"metadata"]"#,
        ]
    );
    shop.close().await;
}

/// `edges` costs as many statements as `nodes`.
#[tokio::test]
async fn edges_are_answered_level_by_level() {
    let shop = Shop::golden("en").await;
    let mut costs = Vec::new();
    for rows in [1, 5] {
        let before = shop.statements();
        let query = "query($n: Int) { products(first: $n) { edges { cursor node { name pricingRows { monthly } \
                     group { name } } } } }";
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["products"]["edges"].as_array().unwrap().len(), rows, "{answer}");
        assert!(answer["data"]["products"]["edges"][0]["node"]["group"]["name"].is_string());
        costs.push(shop.statements() - before);
    }
    assert_eq!(costs, [3, 3]);
    shop.close().await;
}
