//! Operations that GraphQL refuses before they run: each limit has its code, and a refusal costs no SQL statement.

use std::fmt::Write as _;
use std::time::Duration;

use facade::engine::Introspection;
use guichet::platform::config::Config;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::attack::{aliases, attacks, deep, introspection};
use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

/// The documents that `bench` measures are refused here.
#[path = "../../../bench/src/bin/attacks/attack.rs"]
mod attack;

/// The media type whose answers have the status of the refusal.
const GRAPHQL: &str = "application/graphql-response+json";

/// A question about the schema whose lists have so many names, within each other.
fn multiplied(names: usize) -> String {
    let lists =
        |inner: &str| (0..names).map(|name| format!("f{name}: fields {{ {inner} }} ")).collect::<String>();
    format!("{{ __schema {{ types {{ {} }} }} }}", lists(&format!("type {{ {} }}", lists("name"))))
}

/// The whole schema, several times.
fn names(times: usize) -> String {
    let types = "types { name fields { name args { name type { name ofType { name } } } type { name } } }";
    (0..times).map(|name| format!("s{name}: __schema {{ {types} }} ")).collect()
}

/// The server without a limit of requests.
async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn post(shop: &Shop, body: &Json) -> Answer {
    send(shop, body.to_string().into_bytes()).await
}

async fn send(shop: &Shop, body: Vec<u8>) -> Answer {
    let headers = [
        ("Accept", GRAPHQL.to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("Authorization", format!("Bearer {}", Shop::key("all"))),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    shop.send(&Request { method: "POST".to_owned(), path: "/graphql".to_owned(), headers, body }).await
}

/// Checks the refusal of a request: code, limit, status, no data and no statement.
async fn refused(shop: &Shop, label: &str, body: Vec<u8>, code: &str, limit: &str, status: u16) {
    let before = shop.statements();
    let answer = send(shop, body).await;
    let json = answer.json();
    let extensions = &json["errors"][0]["extensions"];
    assert_eq!(extensions["code"], code, "{label}: {}", answer.text());
    assert_eq!(extensions["limit"].as_str().unwrap_or(""), limit, "{label}");
    assert_eq!(answer.status, status, "{label}");
    assert!(json.get("data").is_none(), "{label}");
    assert_eq!(json["errors"].as_array().unwrap().len(), 1, "{label}");
    assert_eq!(shop.statements(), before, "{label} reached the database");
    assert!(answer.body.len() < 500, "{label}: {}", answer.text());
    println!("{label}: {code} {limit}");
}

/// Fragments that each spread the next one twice: the last is reached 2ⁿ times.
fn doubled(count: usize) -> String {
    let fragments = (0..count).fold(String::new(), |mut text, at| {
        let next = at + 1;
        let _ = write!(text, " fragment F{at} on Query {{ ...F{next} ...F{next} }}");
        text
    });
    format!("{{ ...F0 }}{fragments} fragment F{count} on Query {{ health {{ status }} }}")
}

/// Comparing a password takes longer than this operation may.
#[tokio::test]
async fn whoever_may_not_is_told_nothing_of_the_schema() {
    let questions = [
        "{ __schema { queryType { name } } }",
        "{ __typename __type(name: \"Product\") { name } }",
        "query { ...A } fragment A on Query { ... { __schema { types { name } } } }",
    ];
    let harmless = "{ __typename }";
    for (allowed, stranger, holder) in [
        (Introspection::Always, Json::Null, Json::Null),
        (Introspection::Key, json!("UNAUTHENTICATED"), Json::Null),
        (Introspection::Never, json!("GRAPHQL_VALIDATION_FAILED"), json!("GRAPHQL_VALIDATION_FAILED")),
    ] {
        let shop = Shop::with("en", |config| config.introspection = allowed).await;
        let code = async |question: &str, key: &str| {
            let answer = shop.graphql(question, json!({}), key).await;
            answer["errors"][0]["extensions"]["code"].clone()
        };
        for question in questions {
            assert_eq!(code(question, "").await, stranger, "{allowed:?} {question}");
            assert_eq!(code(question, "all").await, holder, "{allowed:?} {question}");
        }
        assert_eq!(code(harmless, "").await, Json::Null, "{allowed:?}");
        shop.close().await;
    }
}

/// Reading them would take more of the stack than a thread has, and end the process.
#[tokio::test]
async fn conditions_in_variables_nest_only_so_deep() {
    let shop = Shop::with("en", |_| ()).await;
    let query = "query($f: ProductFilter) { products(filter: $f) { totalCount } }";
    for (wrap, levels, code) in [
        ("and", 2, Json::Null),
        ("and", 5, json!("BAD_USER_INPUT")),
        ("and", 60, json!("QUERY_TOO_DEEP")),
        ("or", 60, json!("QUERY_TOO_DEEP")),
        ("not", 120, json!("QUERY_TOO_DEEP")),
    ] {
        let mut filter = json!({"name": {"eq": "x"}});
        for _ in 0..levels {
            filter = if wrap == "not" { json!({"not": filter}) } else { json!({wrap: [filter]}) };
        }
        // The second time it is an operation that ran before.
        for _ in 0..2 {
            let answer = shop.graphql(query, json!({"f": filter}), "all").await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{wrap} {levels}: {answer}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn an_operation_ends_in_time() {
    // Hashing a password of this cost takes far longer than the operation may.
    let settings = |config: &mut Config| {
        (config.operation_timeout, config.bcrypt_rounds) = (Duration::from_millis(10), 12);
    };
    let shop = Shop::with("en", settings).await;
    let query = "mutation { sessionCreate(input: {kind: STAFF, email: \"a@b.c\", password: \"x\"}) { session { expiresIn } } }";
    let answer = post(&shop, &json!({"query": query})).await;
    assert_eq!(
        (answer.status, answer.json()["errors"][0]["extensions"]["code"].as_str()),
        (503, Some("TIMED_OUT"))
    );
    shop.close().await;
}

#[tokio::test]
async fn every_attack_is_refused_before_a_statement() {
    let shop = shop().await;
    // What says that it is too large is not waited for (below).
    for attack in attacks().into_iter().filter(|attack| attack.limit != "bytes") {
        refused(&shop, attack.name, attack.body, attack.code, attack.limit, attack.status).await;
    }
    let filled =
        |text: &str, count: usize| format!("{{ products {{ nodes {{ {} }} }} }}", text.repeat(count));
    for (label, query, code, limit, status) in [
        ("100 aliases", aliases(100), "QUERY_TOO_WIDE", "rootFields", 400),
        ("40 nested aliases", filled("x: name ", 40), "QUERY_TOO_WIDE", "aliases", 400),
        ("depth 14", deep(14), "QUERY_TOO_DEEP", "depth", 400),
        ("100,000 brackets", "{a".repeat(50_000), "QUERY_TOO_DEEP", "brackets", 400),
        (
            "a fragment in itself",
            "{ ...A } fragment A on Query { ...A ...A }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
            "",
            400,
        ),
        ("2³⁰ fields by fragments", doubled(30), "QUERY_TOO_WIDE", "rootFields", 400),
        ("2¹⁰⁰ fields by fragments", doubled(100), "QUERY_TOO_DEEP", "nesting", 400),
        ("introspection nested 4 times", introspection(4), "QUERY_TOO_DEEP", "introspectionLists", 400),
        ("the schema, multiplied by aliases", multiplied(4), "QUERY_TOO_COMPLEX", "introspection", 400),
        ("the schema, 20 times", format!("{{ {} }}", names(20)), "QUERY_TOO_COMPLEX", "introspection", 400),
        ("60 directives", filled("name @include(if: true) ", 60), "QUERY_TOO_WIDE", "directives", 400),
        ("21 root fields", "{".to_owned() + &" health { status }".repeat(21) + "}", "QUERY_TOO_WIDE", "rootFields", 400),
        (
            "101 rows",
            "{ products(first: 101) { nodes { name } } }".to_owned(),
            "LIST_TOO_LONG",
            "list",
            400,
        ),
        (
            "long lists inside a list",
            "{ customers(first: 100) { nodes { services(first: 100) { nodes { name } } invoices(last: 100) { nodes { uuid } } } } }"
                .to_owned(),
            "QUERY_TOO_COMPLEX",
            "points",
            400,
        ),
        (
            "conditions inside a list",
            format!(
                "{{ products(first: 100) {{ nodes {{ services(first: 0, filter: {{or: [{}]}}) {{ totalCount }} }} }} }}",
                "{databaseId: {gt: 1}} ".repeat(200)
            ),
            "QUERY_TOO_COMPLEX",
            "points",
            400,
        ),
        (
            "101 rows inside a list",
            "{ products(first: 1) { nodes { services(last: 101) { totalCount } } } }".to_owned(),
            "LIST_TOO_LONG",
            "list",
            400,
        ),
        (
            "20,000 points",
            "{ products(first: 100) { nodes { group { products { nodes { pricingRows { monthly } metadata { key } } } } } } }"
                .to_owned(),
            "QUERY_TOO_COMPLEX",
            "points",
            400,
        ),
    ] {
        refused(&shop, label, json!({"query": query}).to_string().into_bytes(), code, limit, status).await;
    }
    let variables = json!({
        "query": "query($n: Int = 1) { products(last: $n) { nodes { name } } }",
        "variables": {"n": 5000},
    });
    refused(
        &shop,
        "5,000 rows by a variable",
        variables.to_string().into_bytes(),
        "LIST_TOO_LONG",
        "list",
        400,
    )
    .await;
    let long = json!({"query": "{ health { status } }", "variables": {"text": "x".repeat(1_100_000)}});
    refused(&shop, "a 1.1 MB body", long.to_string().into_bytes(), "QUERY_TOO_LONG", "bytes", 413).await;
    shop.close().await;
}

/// A body that says that it is too large is refused before it is sent.
#[tokio::test]
async fn ten_megabytes_are_not_waited_for() {
    let shop = shop().await;
    let length = attacks().into_iter().find(|attack| attack.limit == "bytes").unwrap().body.len();
    for (kind, path) in [("application/json", "/graphql"), ("multipart/form-data; boundary=x", "/graphql")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             X-Requested-With: test\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\r\n{{",
            Shop::key("all")
        );
        let address = shop.base().replace("http://", "");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        assert!(received.starts_with("HTTP/1.1 413"), "{received}");
        assert!(received.contains("\"code\":\"QUERY_TOO_LONG\""), "{received}");
    }
    assert_eq!(shop.statements(), 0);
    shop.close().await;
}

/// What tools ask is within the limits: GraphiQL's question about the schema, in its longest form.
#[tokio::test]
async fn the_usual_introspection_is_answered() {
    let shop = shop().await;
    let of_type = "kind name ofType { ".repeat(9) + "kind name" + &" }".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name }} \
         types {{ ...FullType }} directives {{ name locations args(includeDeprecated: true) {{ ...Input }} }} }} }} \
         fragment FullType on __Type {{ kind name description fields(includeDeprecated: true) {{ name args {{ \
         ...Input }} type {{ ...TypeRef }} }} inputFields {{ ...Input }} interfaces {{ ...TypeRef }} \
         enumValues {{ name }} possibleTypes {{ ...TypeRef }} }} \
         fragment Input on __InputValue {{ name type {{ ...TypeRef }} defaultValue }} \
         fragment TypeRef on __Type {{ {of_type} }}"
    );
    let answer = post(&shop, &json!({"query": query})).await.json();
    assert!(answer["errors"].is_null(), "{}", answer["errors"]);
    assert!(answer["data"]["__schema"]["types"].as_array().unwrap().len() > 50);
    shop.close().await;
}

#[tokio::test]
async fn limits_are_settings() {
    let shop = Shop::with("en", |config| {
        (config.max_list, config.max_aliases, config.max_depth) = (5, 1, 2);
    })
    .await;
    for (query, code) in [
        ("{ products(first: 6) { totalCount } }", "LIST_TOO_LONG"),
        ("{ a: health { status } b: health { status } }", "QUERY_TOO_WIDE"),
        ("{ products { nodes { name } } }", "QUERY_TOO_DEEP"),
    ] {
        let answer = shop.graphql(query, json!({}), "all").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}");
    }
    shop.close().await;
}

/// Points are taken before an operation runs, given back where less was found, and end.
#[tokio::test]
async fn operations_have_a_price() {
    let shop = Shop::with("en", |config| config.cost_limit = Some(200)).await;
    let body = json!({
        "query": "{ products(first: 50) { nodes { name group { name } } totalCount } }",
        "extensions": {"cost": true},
    });
    let answer = post(&shop, &body).await.json();
    let cost = &answer["extensions"]["cost"];
    // One for the field, one for the page, and two for each row: itself and its group.
    assert_eq!(cost["requested"], 102, "{cost}");
    let found = answer["data"]["products"]["nodes"].as_array().unwrap();
    let groups = found.iter().filter(|row| row["group"].is_object()).count();
    assert_eq!(cost["actual"], json!(2 + found.len() + groups));
    assert_eq!(cost["remaining"].as_u64().unwrap(), 200 - cost["actual"].as_u64().unwrap());
    assert!(cost["resetAt"].as_str().unwrap().starts_with("2026-11-23T12:0"), "{cost}");
    let silent = shop.graphql("{ health { status } }", json!({}), "all").await;
    assert!(silent.get("extensions").is_none(), "{silent}");

    let before = shop.statements();
    let dear = json!({"query": "{ products(first: 100) { nodes { group { name } } } }"});
    let answer = post(&shop, &dear).await;
    assert_eq!(answer.status, 429);
    let error = &answer.json()["errors"][0]["extensions"];
    assert_eq!(error["code"], "RATE_LIMITED");
    assert!(error["retryAfter"].as_u64().unwrap() <= 60);
    assert_eq!(shop.statements(), before);
    // Another account has points of its own.
    let other = shop.graphql("{ products(first: 60) { nodes { group { name } } } }", json!({}), "").await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    shop.close().await;
}
