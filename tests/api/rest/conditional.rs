//! Conditional changes: the record must be in the state that was read. `If-Unmodified-Since` in REST,
//! `expectedUpdatedAt` in GraphQL.

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::shop::{Headers, Shop};
use crate::harness::wire::{Answer, Request};

const CUSTOMER: &str = "/api/application/customers/2";
/// `updated_at` of customer 2 in the recorded shop, which stores local times.
const READ: &str = "Sat, 25 Oct 2025 09:00:00 GMT";
const LONG_AGO: &str = "Thu, 01 Jan 2015 00:00:00 GMT";
const LATER: &str = "Sat, 25 Oct 2025 09:00:01 GMT";

async fn send(shop: &Shop, method: &str, path: &str, since: &str, body: &Json) -> Answer {
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body: body.to_string().into_bytes(),
        ..Request::default()
    };
    for (name, value) in [
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("Authorization", &format!("Bearer {}", Shop::key("all"))),
        ("If-Unmodified-Since", since),
    ] {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    shop.send(&request).await
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

async fn last_modified(shop: &Shop, path: &str) -> String {
    let (status, headers, body) = shop.get(path, "all").await;
    assert_eq!(status, 200, "{body}");
    header(&headers, "last-modified").expect("Last-Modified").to_owned()
}

#[tokio::test]
async fn a_change_of_what_was_read_is_made_once() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    let read = last_modified(&shop, CUSTOMER).await;
    assert_eq!(read, READ);
    let changes = (0..8).map(|at| {
        let (shop, read) = (&shop, &read);
        async move { send(shop, "PUT", CUSTOMER, read, &json!({"balance": 200 + at})).await }
    });
    let answers = join_all(changes).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let reported = json!({"message": "The record was changed since it was read."});
        assert_eq!((answer.status, answer.json()), (412, reported));
    }
    shop.close().await;
}

#[tokio::test]
async fn one_record_tells_when_it_was_changed() {
    let shop = Shop::golden("en").await;
    for path in ["customers/2", "groups/2", "services/1"] {
        last_modified(&shop, &format!("/api/application/{path}")).await;
    }
    for path in ["customers", "pricings/1", "health"] {
        let (status, headers, _) = shop.get(&format!("/api/application/{path}"), "all").await;
        assert_eq!((status, header(&headers, "last-modified")), (200, None), "{path}");
    }
    shop.close().await;
}

/// The clock of the tests is frozen: all changes are in the same second.
#[tokio::test]
async fn changes_within_one_second_are_told_apart() {
    let shop = Shop::golden("en").await;
    let mut seen = vec![last_modified(&shop, CUSTOMER).await];
    for balance in 1..5 {
        let body = json!({"balance": balance});
        assert_eq!(send(&shop, "PUT", CUSTOMER, seen.last().unwrap(), &body).await.status, 200);
        for former in &seen {
            assert_eq!(send(&shop, "PUT", CUSTOMER, former, &json!({"balance": 99})).await.status, 412);
        }
        seen.push(last_modified(&shop, CUSTOMER).await);
    }
    assert_eq!(seen.last().unwrap(), "Mon, 23 Nov 2026 12:00:03 GMT");
    shop.close().await;
}

#[tokio::test]
async fn a_record_that_was_changed_since_is_left_alone() {
    let shop = Shop::golden("en").await;
    let body = json!({"city": "Elsewhere"});
    for (since, wanted) in [(LONG_AGO, 412), ("Sat, 25 Oct 2025 08:59:59 GMT", 412), (LATER, 200)] {
        assert_eq!(send(&shop, "PUT", CUSTOMER, since, &body).await.status, wanted, "{since}");
    }
    // A value that is not a date counts as absent, and so does the header for a record without a time of change.
    for (path, since, body) in [
        (CUSTOMER, "yesterday", &body),
        ("/api/application/pricings/1", LONG_AGO, &json!({"monthly": 5})),
        (CUSTOMER, "Saturday, 25-Oct-25 09:00:00 GMT", &json!({"city": "Elsewhere"})),
    ] {
        let answer = send(&shop, "PUT", path, since, body).await;
        let wanted = if since.starts_with("Saturday") { 412 } else { 200 };
        assert_eq!(answer.status, wanted, "{path} {since}: {}", answer.text());
    }
    shop.close().await;
}

#[tokio::test]
async fn every_write_of_a_record_heeds_it() {
    let shop = Shop::golden("en").await;
    for (method, path, body) in [
        ("PUT", "groups/2", json!({"description": "x"})),
        ("DELETE", "groups/7", Json::Null),
        ("PUT", "products/1", json!({"stock": 3})),
        ("DELETE", "products/1", Json::Null),
        ("PUT", "services/1", json!({"notes": "x"})),
        ("POST", "services/1/suspend", json!({})),
        ("POST", "services/1/expire", json!({})),
        ("DELETE", "services/1", Json::Null),
        ("POST", "customers/2/action/suspend", json!({})),
        ("DELETE", "customers/2", json!({"force": true})),
    ] {
        let before = shop.rows().await;
        let answer = send(&shop, method, &format!("/api/application/{path}"), LONG_AGO, &body).await;
        let wanted = if path == "groups/7" { 404 } else { 412 };
        assert_eq!(answer.status, wanted, "{method} {path}: {}", answer.text());
        assert_eq!(shop.rows().await, before, "{method} {path}");
    }
    shop.close().await;
}

#[tokio::test]
async fn graphql_takes_what_it_has_shown() {
    let shop = Shop::golden("en").await;
    for (mutation, id, input, change) in [
        ("customerUpdate", 2, "CustomerUpdateInput", json!({"city": "Elsewhere"})),
        ("groupUpdate", 1, "GroupUpdateInput", json!({"sortOrder": 44})),
        ("productUpdate", 1, "ProductUpdateInput", json!({"stock": 44})),
        ("serviceUpdate", 1, "ServiceUpdateInput", json!({"notes": "Read"})),
    ] {
        let name = mutation.trim_end_matches("Update");
        let query = format!("query($id: ID!) {{ {name}(id: $id) {{ updatedAt }} }}");
        let answer = shop.graphql(&query, json!({"id": id}), "all").await;
        let read = answer["data"][name]["updatedAt"].clone();
        let change_it = format!(
            "mutation($id: ID!, $input: {input}!, $read: DateTime) {{ \
               {mutation}(id: $id, input: $input, expectedUpdatedAt: $read) {{ {name} {{ updatedAt }} }} }}"
        );
        let variables = json!({"id": id, "input": change, "read": read});
        let first = shop.graphql(&change_it, variables.clone(), "all").await;
        assert_eq!(first["data"][mutation][name]["updatedAt"], "2026-11-23T12:00:00.000000Z", "{first}");
        let second = shop.graphql(&change_it, variables, "all").await;
        assert_eq!(second["errors"][0]["extensions"]["code"], "CONFLICT", "{second}");
        assert_eq!(second["data"][mutation], Json::Null, "{second}");
        let anyway = json!({"id": id, "input": change, "read": null});
        assert_eq!(shop.graphql(&change_it, anyway, "all").await.get("errors"), None);
    }
    shop.close().await;
}

/// The stock that an expired service returns is a change of its product too.
#[tokio::test]
async fn stock_that_came_back_is_a_change() {
    let shop = Shop::golden("en").await;
    let query = "{ product(id: 2) { updatedAt } }";
    let read = shop.graphql(query, json!({}), "all").await["data"]["product"]["updatedAt"].clone();
    assert_eq!(shop.post("/api/application/services/1/expire", "all", &json!({})).await.0, 200);
    let at: chrono::DateTime<chrono::Utc> = read.as_str().unwrap().parse().unwrap();
    let since = at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let answer = send(&shop, "PUT", "/api/application/products/2", &since, &json!({"stock": 1})).await;
    assert_eq!(answer.status, 412, "{}", answer.text());
    assert_eq!(
        shop.text("SELECT CAST(stock AS CHAR(9)) FROM products WHERE id = 2").await.unwrap().trim(),
        "6"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_refusal_is_in_the_language_of_the_shop() {
    let shop = Shop::golden("fr").await;
    let answer = send(&shop, "PUT", CUSTOMER, LONG_AGO, &json!({"balance": 1})).await;
    let french = json!({"message": "L'enregistrement a été modifié depuis sa lecture."});
    assert_eq!((answer.status, answer.json()), (412, french));
    shop.close().await;
}
