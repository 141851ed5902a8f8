//! Requests that a careful client does not send: the engine answers them as the contract says, in time and without an
//! internal error.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

const GROUPS: &str = "/api/application/groups";
const PRICINGS: &str = "/api/application/pricings";
const SERVICES: &str = "/api/application/services";

async fn send(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body: body.to_vec(),
        ..Request::default()
    };
    let mut header = |name: &str, value: &str| request.headers.push((name.to_owned(), value.to_owned()));
    header("Accept", "application/json");
    header("Authorization", &format!("Bearer {}", Shop::key("all")));
    headers.iter().for_each(|(name, value)| header(name, value));
    shop.send(&request).await
}

#[tokio::test]
async fn routes_lie_below_the_prefix_only() {
    let shop = Shop::golden("fr").await;
    for path in ["/application/health", "/customer/me", "//api/application/health"] {
        assert_eq!(shop.get(path, "all").await.0, 404, "{path}");
    }
    assert_eq!(shop.ask("POST", "/application/groups", "all", Some(&json!({}))).await.0, 405);
    shop.close().await;
}

#[tokio::test]
async fn paths_that_only_take_posts_name_no_get() {
    let shop = Shop::golden("fr").await;
    let answer = send(&shop, "PATCH", "/api/application/services/1/expire", &[], b"{}").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    let options = send(&shop, "OPTIONS", "/api/application/services/1/expire", &[], b"").await;
    assert_eq!(options.header("allow"), Some("POST"));
    assert_eq!(shop.get("/api/application/services/1/expire", "all").await.0, 404);
    shop.close().await;
}

#[tokio::test]
async fn head_tells_the_length_of_get() {
    let shop = Shop::golden("fr").await;
    for path in [GROUPS, "/api/application/groups/99", "/api/nope"] {
        let (head, get) =
            (send(&shop, "HEAD", path, &[], b"").await, send(&shop, "GET", path, &[], b"").await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_first() {
    let shop = Shop::with("fr", |config| config.bodies.max = 1024).await;
    let (status, headers, body) = shop.post(GROUPS, "", &json!({"name": "x".repeat(2000)})).await;
    assert_eq!((status, &body["message"]), (413, &json!("The POST data is too large.")));
    assert!(headers.iter().all(|(name, _)| !name.starts_with("x-ratelimit")));
    shop.close().await;
}

#[tokio::test]
async fn hosts_that_are_none_are_refused() {
    let shop = Shop::golden("fr").await;
    let proxied =
        Shop::with("fr", |config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    for (host, shown) in [("Shop.example:80", "shop.example"), ("shop.example:8080", "shop.example:8080")] {
        let answer = send(&proxied, "GET", PRICINGS, &[("X-Forwarded-Host", host)], b"").await;
        assert_eq!(answer.json()["path"], format!("http://{shown}{PRICINGS}"), "{host}");
    }
    for host in ["a b", "x\"><y", "a..b", "x/y", "user@x"] {
        let answer = send(&proxied, "GET", PRICINGS, &[("X-Forwarded-Host", host)], b"").await;
        assert_eq!((answer.status, answer.json()), (400, json!({"message": "Bad request."})), "{host}");
        let plain = send(&shop, "GET", PRICINGS, &[("X-Forwarded-Host", host)], b"").await;
        assert_eq!(plain.status, 200, "nobody else's word counts");
    }
    shop.close().await;
    proxied.close().await;
}

/// The line to paste is for the address that was asked; only a demo shop shows a key.
#[tokio::test]
async fn the_start_page_names_the_address_that_was_asked() {
    let proxied =
        Shop::with("fr", |config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let headers = [("X-Forwarded-Host", "shop.example:8443"), ("X-Forwarded-Proto", "https")];
    for (headers, address) in [(&headers[..], "https://shop.example:8443".to_owned()), (&[], proxied.base())]
    {
        let page = String::from_utf8(send(&proxied, "GET", "/", headers, b"").await.body).unwrap();
        assert!(page.contains(&format!("'<span id=\"origin\">{address}</span>/api/")), "{page}");
        assert!(page.contains("Bearer <var>KEY</var>'"), "{page}");
    }
    let page = send(&proxied, "GET", "/api/documentation", &[], b"").await;
    assert!(String::from_utf8(page.body).unwrap().contains("data-key=\"\""));
    proxied.close().await;
}

#[tokio::test]
async fn an_empty_override_is_none() {
    let shop = Shop::golden("fr").await;
    let answer = send(&shop, "POST", GROUPS, &[("X-HTTP-Method-Override", "")], b"").await;
    assert_eq!(answer.status, 422);
    shop.close().await;
}

#[tokio::test]
async fn floods_are_answered_at_once() {
    let shop = Shop::golden("fr").await;
    let begun = Instant::now();
    let list = (0..100_000).map(|at| format!("name[]={at}")).collect::<Vec<_>>().join("&");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(send(&shop, "POST", GROUPS, &form, list.as_bytes()).await.status, 422);
    let huge = b"name[9223372036854775807]=1&name[]=2&slug[18446744073709551615]=1&slug[]=2";
    assert_eq!(send(&shop, "POST", GROUPS, &form, huge).await.status, 422);
    let ids = |count: usize| (0..count).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let questions = [
        (200, json!({"sort": "id,".repeat(20_000) + &"currency,".repeat(20_000)})),
        (200, json!({"filter": {"id": ids(997), "currency": "E,U,R"}})),
        (400, json!({"filter": {"id": ids(1001)}})),
        (200, json!({"filter": {"id": "1,".repeat(50_000)}})),
        (200, json!({"filter": {"currency": "x".repeat(250_000)}})),
        (200, json!({"filter": {"currency": "a\0b"}})),
        (200, json!({"currency": "a\0b"})),
        (200, json!({"page": i64::MAX})),
    ];
    let kind = [("Content-Type", "application/json")];
    for (status, question) in questions {
        let answer = send(&shop, "GET", PRICINGS, &kind, question.to_string().as_bytes()).await;
        assert_eq!(answer.status, status, "{:.60}", question.to_string());
    }
    let search = json!({"q": "%".repeat(100_000)}).to_string();
    assert_eq!(send(&shop, "GET", GROUPS, &kind, search.as_bytes()).await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    shop.close().await;
}

#[tokio::test]
async fn fields_are_refused_under_the_plural_of_an_included_relation() {
    let shop = Shop::golden("fr").await;
    for (status, query) in [
        (400, "include=customer&fields[customers]=id"),
        (200, "include=customer&fields[customer]=id"),
        (400, "include=pricing&fields[pricings]=id"),
        (400, "include=metadata&fields[metadata]=id"),
        (200, "include=customerCount&fields[customers]=id"),
        (200, "fields[customers]=id"),
    ] {
        assert_eq!(shop.get(&format!("{SERVICES}?{query}"), "all").await.0, status, "{query}");
    }
    shop.close().await;
}

#[tokio::test]
async fn numbers_are_searched_as_they_are_shown() {
    let shop = Shop::golden("fr").await;
    let (_, _, all) = shop.get(&format!("{PRICINGS}?per_page=100"), "all").await;
    let shown = |row: &Json| row["monthly"].to_string();
    let wanted: Vec<&Json> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| shown(row).contains('0'))
        .map(|row| &row["id"])
        .collect();
    let (_, _, found) = shop.get(&format!("{PRICINGS}?per_page=100&filter[monthly]=0"), "all").await;
    let found: Vec<&Json> = found["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(found, wanted);
    shop.close().await;
}

#[tokio::test]
async fn rows_without_a_value_are_ordered_first() {
    let shop = Shop::golden("fr").await;
    let (_, _, up) = shop.get(&format!("{PRICINGS}?sort=annually&per_page=1"), "all").await;
    let (_, _, down) = shop.get(&format!("{PRICINGS}?sort=-annually&per_page=1"), "all").await;
    assert_eq!(up["data"][0]["annually"], Json::Null);
    assert!(down["data"][0]["annually"].is_number());
    shop.close().await;
}

#[tokio::test]
async fn xml_with_something_beside_its_element_is_refused() {
    let shop = Shop::golden("fr").await;
    let kind = [("Content-Type", "application/xml")];
    for body in ["<g/><h/>", "<g/>x", "x<g/>", "<g/><!DOCTYPE g>"] {
        assert_eq!(send(&shop, "POST", GROUPS, &kind, body.as_bytes()).await.status, 400, "{body}");
    }
    let answer = send(&shop, "POST", GROUPS, &kind, "\u{feff}<g/>\n<!-- -->".as_bytes()).await;
    assert_eq!(answer.status, 422);
    shop.close().await;
}

/// docs/contract/wire.md#0, docs/contract/wire.md#9.2: a missing service is reported before parameters that are not
/// allowed.
#[tokio::test]
async fn a_missing_record_is_told_before_a_wrong_parameter() {
    let shop = Shop::golden("fr").await;
    for parameter in ["filter[nope]=1", "sort=nope", "include=nope"] {
        let (status, _, body) = shop.get(&format!("{SERVICES}/9999?{parameter}"), "all").await;
        assert_eq!((status, body), (404, json!({"message": ""})), "{parameter}");
        assert_eq!(shop.get(&format!("{SERVICES}/1?{parameter}"), "all").await.0, 400, "{parameter}");
        // Nothing is looked up if the answer would be an empty list.
        let products = format!("/api/application/products/9999?{parameter}");
        assert_eq!(shop.get(&products, "all").await.0, 400, "{parameter}");
    }
    shop.close().await;
}

/// The original reads JSON 512 deep (docs/contract/wire.md#2.1), guichet 128: resolvers would
/// need more stack for deeper values than a thread has.
#[tokio::test]
async fn json_that_nests_too_deep_counts_as_empty() {
    let shop = Shop::golden("fr").await;
    for (levels, read) in [(2, true), (127, true), (129, false), (200_000, false)] {
        let name = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        let body = format!("{{\"slug\": \"deep\", \"name\": {name}}}");
        let answer =
            send(&shop, "POST", GROUPS, &[("Content-Type", "application/json")], body.as_bytes()).await;
        assert_eq!(answer.status, 422, "{levels}");
        assert_eq!(answer.json()["errors"]["slug"].is_null(), read, "{levels}: {}", answer.text());
    }
    shop.close().await;
}
