//! Variables to the letter (GraphQL 6.1.2, 6.4.1): with a default or none, absent, null or a value, wherever a
//! document may name them.

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;

/// What one case shows.
enum Shows {
    /// Names of the fields of the first product.
    Fields(&'static [&'static str]),
    /// So many products.
    Rows(usize),
    /// The value at a JSON pointer of the answer.
    At(&'static str, Json),
    /// An error whose message holds a text.
    Refused(&'static str),
}

/// A document, the value of its variable `v` (`None`: it is absent), and what the answer shows.
type Case = (&'static str, Option<Json>, Shows);

async fn hold(cases: Vec<Case>) {
    let shop = Shop::golden("en").await;
    // Queries once more: what is remembered of them must not change the answer.
    let again = cases.iter().filter(|(document, ..)| !document.starts_with("mutation"));
    for (document, value, shows) in cases.iter().chain(again) {
        let variables = value.as_ref().map_or_else(|| json!({}), |value| json!({"v": value}));
        let answer = shop.graphql(document, variables.clone(), "all").await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        match shows {
            Shows::Fields(names) => {
                let first = answer["data"]["products"]["nodes"][0].as_object();
                let found: Vec<_> =
                    first.map(|row| row.keys().map(String::as_str).collect()).unwrap_or_default();
                assert_eq!(found, *names, "{document} {variables}: {answer}");
            }
            Shows::Rows(number) => {
                let found = answer["data"]["products"]["nodes"].as_array().map(Vec::len);
                assert_eq!(found, Some(*number), "{document} {variables}: {answer}");
            }
            Shows::At(pointer, expected) => {
                assert_eq!(answer.pointer(pointer), Some(expected), "{document} {variables}: {answer}");
            }
            Shows::Refused(text) => {
                assert!(!message.is_empty() && message.contains(text), "{document} {variables}: {answer}");
            }
        }
    }
    shop.close().await;
}

use Shows::{At, Fields, Refused, Rows};

const BOTH: &[&str] = &["id", "name"];
const ONE: &[&str] = &["id"];

#[tokio::test]
async fn conditions_know_defaults() {
    let included = "query($v: Boolean = true) { products(first: 1) { nodes { id name @include(if: $v) } } }";
    let left_out = "query($v: Boolean = false) { products(first: 1) { nodes { id name @include(if: $v) } } }";
    let skipped = "query($v: Boolean! = true) { products(first: 1) { nodes { id name @skip(if: $v) } } }";
    let required = "query($v: Boolean!) { products(first: 1) { nodes { id name @skip(if: $v) } } }";
    let nullable = "query($v: Boolean) { products(first: 1) { nodes { id name @include(if: $v) } } }";
    let of_text = "query($v: String!) { products(first: 1) { nodes { id name @include(if: $v) } } }";
    let inline =
        "query($v: Boolean = true) { products(first: 1) { nodes { id ... @include(if: $v) { name } } } }";
    let spread = "query($v: Boolean = true) { products(first: 1) { nodes { id ...Name @skip(if: $v) } } }
        fragment Name on Product { name }";
    let within = "query($v: Boolean = true) { products(first: 1) { nodes { ...All } } }
        fragment All on Product { id name @include(if: $v) }";
    let both = "query($v: Boolean = true) { products(first: 1) { nodes { id name @include(if: $v) @skip(if: $v) } } }";
    hold(vec![
        (included, None, Fields(BOTH)),
        (included, Some(json!(true)), Fields(BOTH)),
        (included, Some(json!(false)), Fields(ONE)),
        (included, Some(Json::Null), Refused("must not be null")),
        (left_out, None, Fields(ONE)),
        (left_out, Some(json!(true)), Fields(BOTH)),
        (skipped, None, Fields(ONE)),
        (skipped, Some(json!(false)), Fields(BOTH)),
        (skipped, Some(Json::Null), Refused("needs a value")),
        (required, None, Refused("needs a value")),
        (required, Some(Json::Null), Refused("needs a value")),
        (required, Some(json!(true)), Fields(ONE)),
        (required, Some(json!("true")), Refused("Boolean")),
        (nullable, Some(json!(true)), Refused("`Boolean!` is expected")),
        (nullable, None, Refused("`Boolean!` is expected")),
        (of_text, Some(json!("true")), Refused("`Boolean!` is expected")),
        (inline, None, Fields(BOTH)),
        (inline, Some(json!(false)), Fields(ONE)),
        (inline, Some(Json::Null), Refused("must not be null")),
        (spread, None, Fields(ONE)),
        (spread, Some(json!(false)), Fields(BOTH)),
        (spread, Some(Json::Null), Refused("must not be null")),
        (within, None, Fields(BOTH)),
        (within, Some(json!(false)), Fields(ONE)),
        (within, Some(Json::Null), Refused("must not be null")),
        (both, None, Fields(ONE)),
        (both, Some(json!(false)), Fields(ONE)),
    ])
    .await;
}

#[tokio::test]
async fn arguments_know_defaults() {
    const NAME: &str = "/data/product/name";
    let shop = Shop::golden("en").await;
    let known = shop.graphql("{ products { nodes { id name } } }", json!({}), "all").await;
    shop.close().await;
    let (id, name) =
        (&known["data"]["products"]["nodes"][0]["id"], &known["data"]["products"]["nodes"][0]["name"]);
    let all = known["data"]["products"]["nodes"].as_array().unwrap().len();
    assert!(all > 3);
    let optional = "query($v: Int) { products(first: $v) { nodes { id } } }";
    let with_default = "query($v: Int = 2) { products(first: $v) { nodes { id } } }";
    let strict = "query($v: Int! = 2) { products(first: $v) { nodes { id } } }";
    let of_id = "query($v: ID!) { product(id: $v) { name } }";
    hold(vec![
        (optional, None, Rows(all)),
        (optional, Some(Json::Null), Rows(all)),
        (optional, Some(json!(3)), Rows(3)),
        (optional, Some(json!("3")), Refused("Int")),
        (with_default, None, Rows(2)),
        (with_default, Some(json!(3)), Rows(3)),
        (with_default, Some(Json::Null), Rows(all)),
        (strict, None, Rows(2)),
        (strict, Some(Json::Null), Refused("needs a value")),
        (of_id, Some(id.clone()), At(NAME, name.clone())),
        (of_id, Some(json!(1)), At(NAME, name.clone())),
        (of_id, None, Refused("needs a value")),
    ])
    .await;
}

#[tokio::test]
async fn fields_of_inputs_and_items_of_lists_know_defaults() {
    const COUNT: &str = "/data/products/totalCount";
    const FIRST: &str = "/data/products/nodes/0/databaseId";
    let shop = Shop::golden("en").await;
    let known = shop.graphql("{ products { totalCount nodes { databaseId } } }", json!({}), "all").await;
    shop.close().await;
    let all = known["data"]["products"]["totalCount"].clone();
    let nodes = known["data"]["products"]["nodes"].as_array().unwrap();
    let ids: Vec<i64> = nodes.iter().map(|node| node["databaseId"].as_i64().unwrap()).collect();
    let (least, most) = (ids.iter().min().copied(), ids.iter().max().copied());
    let equal = "query($v: Int) { products(filter: {databaseId: {eq: $v}}) { totalCount } }";
    let equal_to_one = "query($v: Int = 1) { products(filter: {databaseId: {eq: $v}}) { totalCount } }";
    let item = "query($v: Int!) { products(filter: {databaseId: {in: [$v]}}) { totalCount } }";
    let item_with_default =
        "query($v: Int! = 1) { products(filter: {databaseId: {in: [$v, 2]}}) { totalCount } }";
    let list = "query($v: [Int!]) { products(filter: {databaseId: {in: $v}}) { totalCount } }";
    let list_with_default =
        "query($v: [Int!] = [1]) { products(filter: {databaseId: {in: $v}}) { totalCount } }";
    let one_for_a_list = "query($v: [Int!] = 1) { products(filter: {databaseId: {in: $v}}) { totalCount } }";
    let whole = "query($v: ProductFilter) { products(filter: $v) { totalCount } }";
    let direction =
        "query($v: Direction) { products(sort: [{field: ID, direction: $v}]) { nodes { databaseId } } }";
    let descending = "query($v: Direction = DESC) { products(sort: [{field: ID, direction: $v}]) { nodes { databaseId } } }";
    let order = "query($v: [ProductSort!] = {field: ID, direction: DESC}) { products(sort: $v) { nodes { databaseId } } }";
    hold(vec![
        (equal, None, At(COUNT, all.clone())),
        (equal, Some(json!(1)), At(COUNT, json!(1))),
        (equal_to_one, None, At(COUNT, json!(1))),
        (equal_to_one, Some(json!(2)), At(COUNT, json!(1))),
        (item, Some(json!(1)), At(COUNT, json!(1))),
        (item, Some(Json::Null), Refused("needs a value")),
        (item_with_default, None, At(COUNT, json!(2))),
        (list, None, At(COUNT, all.clone())),
        (list, Some(json!([1, 2])), At(COUNT, json!(2))),
        (list, Some(json!(1)), At(COUNT, json!(1))),
        (list, Some(json!([1, null])), Refused("")),
        (list_with_default, None, At(COUNT, json!(1))),
        (one_for_a_list, None, At(COUNT, json!(1))),
        (whole, None, At(COUNT, all.clone())),
        (whole, Some(Json::Null), At(COUNT, all)),
        (whole, Some(json!({"databaseId": {"eq": 1}})), At(COUNT, json!(1))),
        (direction, None, At(FIRST, json!(least))),
        (direction, Some(json!("DESC")), At(FIRST, json!(most))),
        (direction, Some(Json::Null), Refused("")),
        (descending, None, At(FIRST, json!(most))),
        (order, None, At(FIRST, json!(most))),
        (order, Some(json!([{"field": "ID"}])), At(FIRST, json!(least))),
    ])
    .await;
}

/// The types of variables at each kind of place: those in the first list may stand there, those in the second not.
#[tokio::test]
async fn variables_stand_where_their_types_are_allowed() {
    const PLACES: [(&str, &[&str], &[&str]); 9] = [
        (
            "products(first: $v) { totalCount }",
            &["Int", "Int!", "Int = 1", "Int! = 1"],
            &["ID", "String", "[Int]"],
        ),
        (
            "product(id: $v) { name }",
            &["ID!", "ID = 1", "ID! = 1"],
            &["ID", "ID = null", "String!", "Int!", "[ID!]!"],
        ),
        (
            "products(filter: {databaseId: {in: $v}}) { totalCount }",
            &["[Int!]", "[Int!]!", "[Int!] = 1", "[Int!]! = [1]"],
            &["[Int]", "[Int]!", "Int", "Int!", "[[Int!]!]", "[ID!]"],
        ),
        (
            "products(filter: {databaseId: {in: [2, $v]}}) { totalCount }",
            &["Int!", "Int = 1", "Int! = 1"],
            &["Int", "Int = null", "[Int!]", "String!"],
        ),
        (
            "products(filter: {and: [{not: {databaseId: {eq: $v}}}]}) { totalCount }",
            &["Int", "Int!", "Int = 1"],
            &["ID", "[Int]"],
        ),
        (
            "products(filter: {and: {databaseId: $v}}) { totalCount }",
            &["IntFilter", "IntFilter!"],
            &["TextFilter", "Int"],
        ),
        (
            "products(sort: {field: ID, direction: $v}) { totalCount }",
            &["Direction", "Direction!", "Direction = DESC"],
            &["String", "String!"],
        ),
        (
            "products(first: 1) { nodes { ... @skip(if: $v) { name } id } }",
            &["Boolean!", "Boolean = true", "Boolean! = false"],
            &["Boolean", "Boolean = null", "String!", "[Boolean!]!"],
        ),
        ("__type(name: $v) { name }", &["String!", "String = \"Product\""], &["String", "ID!"]),
    ];
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for (place, allowed, refused) in PLACES {
        for within in
            ["{ PLACE }", "{ ... on Query { PLACE } }", "{ ...All } fragment All on Query { PLACE }"]
        {
            let within = within.replace("PLACE", place);
            let reported = |text: &str| text.contains("stands where");
            for kind in allowed {
                let answer = shop.graphql(&format!("query($v: {kind}) {within}"), json!({}), "all").await;
                let text = answer["errors"][0]["message"].as_str().unwrap_or_default();
                assert!(!reported(text), "{kind} at {within}: {answer}");
            }
            for kind in refused {
                let document = format!("query($v: {kind}) {within}");
                let answer = shop.graphql(&document, json!({}), "all").await;
                let text = answer["errors"][0]["message"].as_str().unwrap_or_default();
                // A variable that needs a value and has none is reported at its first use.
                assert!(reported(text), "{kind} at {within}: {answer}");
                assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
            }
        }
    }
    shop.close().await;
}

/// Whatever is asked for under one key is one field, be it in fragments, with a type condition or without.
#[tokio::test]
async fn fields_of_one_key_are_one_field() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for (document, fits) in [
        ("{ product(id: 1) { a: name ... on Product { a: description } } }", false),
        ("{ product(id: 1) { a: name ...F } } fragment F on Product { a: description }", false),
        ("{ a: product(id: 1) { name } ... on Query { a: product(id: 2) { description } } }", false),
        ("{ a: product(id: 1) { x: name } ... on Query { a: product(id: 1) { x: description } } }", false),
        (
            "{ product(id: 1) { group { ... on Group { a: name } } ... on Product { group { a: slug } } } }",
            false,
        ),
        ("{ node(id: \"UHJvZHVjdDox\") { a: id ... on Product { a: name } } }", false),
        ("{ node(id: \"UHJvZHVjdDox\") { ... on Product { a: name } ... on Customer { a: email } } }", true),
        ("{ node(id: \"UHJvZHVjdDox\") { id ... on Product { id name } ... on Group { id name } } }", true),
        ("{ a: product(id: 1) { name } ... on Query { a: product(id: 1) { description } } }", true),
        ("query($v: ID!) { a: product(id: $v) { name } ... { a: product(id: $v) { id } } }", true),
        (
            "{ products(first: 1, search: \"V\") { totalCount } ... on Query { products(search: \"V\", first: 1) { totalCount } } }",
            true,
        ),
    ] {
        let answer = shop.graphql(document, json!({"v": 1}), "all").await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(message.contains("conflict"), !fits, "{document}: {answer}");
        assert_eq!(answer.get("errors").is_none(), fits, "{document}: {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn directives_of_typename_are_held_to_the_letter() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for directives in [
        "@nope",
        "@include",
        "@include(if: $x)",
        "@include(if: null)",
        "@include(if: 1)",
        "@include(if: \"x\")",
        "@include(if: [true])",
        "@skip(if: true) @skip(if: true)",
        "@include(if: true, other: 1)",
        "@deprecated",
    ] {
        let answer = shop
            .graphql(&format!("{{ __typename {directives} health {{ status }} }}"), json!({}), "all")
            .await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{directives}: {answer}"
        );
    }
    for (directives, is_there) in [("@include(if: true) @skip(if: false)", true), ("@skip(if: true)", false)]
    {
        let answer = shop
            .graphql(&format!("{{ __typename {directives} health {{ status }} }}"), json!({}), "all")
            .await;
        assert_eq!(answer["data"].get("__typename").is_some(), is_there, "{directives}: {answer}");
    }
    shop.close().await;
}

/// Each operation's own variables count, also where both spread one fragment.
#[tokio::test]
async fn every_operation_is_held_against_its_own_variables() {
    let shop = Shop::golden("en").await;
    let fragment = "fragment One on Query { product(id: $v) { name } }";
    let document = format!("query A($v: ID!) {{ ...One }} query B($v: ID) {{ ...One }} {fragment}");
    let body = json!({"query": document, "operationName": "A", "variables": {"v": 1}});
    let answer = shop.post("/graphql", "all", &body).await.2;
    let expected = "The variable `$v` of type `ID` stands where `ID!` is expected.";
    assert_eq!(answer["errors"][0]["message"], expected, "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn inputs_of_mutations_know_defaults() {
    let shop = Shop::golden("en").await;
    let services = shop.graphql("{ services { nodes { id status } } }", json!({}), "all").await;
    let services = services["data"]["services"]["nodes"].as_array().unwrap();
    let id = services.iter().find(|service| service["status"] == "ACTIVE").unwrap()["id"].clone();
    let suspend = "mutation($id: ID!, $v: ServiceSuspendInput) { serviceSuspend(id: $id, input: $v) { service { status } } }";
    let answer = shop.graphql(suspend, json!({"id": id, "v": null}), "all").await;
    assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    let answer = shop.graphql(suspend, json!({"id": id}), "all").await;
    assert_eq!(answer["data"]["serviceSuspend"]["service"]["status"], "SUSPENDED", "{answer}");
    shop.close().await;
}
