//! The shop's own server behind guichet: which requests are forwarded to it, and how.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request as Asked, State};
use axum::response::Response;
use futures_util::StreamExt;
use guichet::access::KeyRestriction;
use guichet::access::key::hash;
use guichet::access::key_restriction::{Entity, Model};
use guichet::platform::config::{Config, ForwardRule, Upstream, UpstreamScope};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::access::restrictions::restrict;
use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

const INVOICES: &str = "/api/application/invoices";
const HEALTH: &str = "/api/application/health";

/// A stand-in for the shop's own server. It answers with what it was asked, unless the path says otherwise.
struct Original {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Original {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let routes = Router::new().fallback(echo).with_state(Arc::clone(&asked));
        tokio::spawn(async { axum::serve(listener, routes).await });
        Self { address, asked }
    }

    fn requests(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// The answer of the shop's API without a key. Its headers reveal a few settings.
async fn unauthenticated() -> Response {
    Response::builder()
        .status(401)
        .header("Content-Type", "application/json")
        .header("Access-Control-Allow-Origin", "https://elsewhere.example")
        .header("Set-Cookie", "shop_01234567_session=a; path=/")
        .header("Date", "Sat, 28 Nov 2020 10:00:00 GMT")
        .body(Body::from(r#"{"message":"Unauthenticated."}"#))
        .unwrap()
}

async fn echo(State(asked): State<Arc<AtomicUsize>>, request: Asked) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path.ends_with("/early") {
        return Response::builder().status(413).body(Body::from("early")).unwrap();
    }
    let mut pieces = body.into_data_stream();
    let (mut length, mut begin) = (0, Vec::new());
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { break };
        length += piece.len();
        if begin.len() < 1000 {
            begin.extend_from_slice(&piece[..piece.len().min(1000)]);
        }
    }
    if path.ends_with("/silent") {
        std::future::pending::<()>().await;
    }
    if path.ends_with("/stops") {
        let begun = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from("begun"))]);
        return Response::new(Body::from_stream(begun.chain(futures_util::stream::pending())));
    }
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "length": length,
        "body": String::from_utf8_lossy(&begin),
    });
    Response::builder()
        .status(if parts.method == "GET" { 203 } else { 202 })
        .header("Content-Type", "application/vnd.shop+json")
        .header("X-Shop", "yes")
        .header("Connection", "X-Private")
        .header("X-Private", "1")
        .header("Set-Cookie", "a=1")
        .header("Set-Cookie", "b=2")
        .body(Body::from(seen.to_string()))
        .unwrap()
}

fn upstream<F: FnOnce(&mut Upstream)>(server: &str, change: F) -> impl FnOnce(&mut Config) + use<F> {
    let mut upstream =
        Config::from_env([("GUICHET_UPSTREAM".to_owned(), server.to_owned())]).unwrap().upstream.unwrap();
    change(&mut upstream);
    move |config| config.upstream = Some(upstream)
}

async fn shop(original: &Original, change: impl FnOnce(&mut Upstream)) -> Shop {
    Shop::with("en", upstream(&format!("http://{}", original.address), change)).await
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { method: method.to_owned(), path: path.to_owned(), headers, body: body.into() }
}

/// The value of a header that the original received.
fn seen(answer: &Answer, name: &str) -> Option<String> {
    let headers = answer.json()["headers"].as_array().unwrap().clone();
    let mut values = headers.iter().filter(|header| header[0] == name).map(|header| header[1].clone());
    let value = values.next()?.as_str().unwrap().to_owned();
    assert_eq!(values.next(), None, "{name} is sent once");
    Some(value)
}

/// The original knows no restrictions of keys.
#[tokio::test]
async fn what_is_passed_on_is_held_to_the_restriction_of_its_key() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let restriction = KeyRestriction {
        read_only: true,
        requests_per_minute: std::num::NonZeroU32::new(3),
        ..KeyRestriction::default()
    };
    restrict(&shop, &restriction).await;
    let key = format!("Bearer {}", Shop::key("all"));
    let send = async |method: &str, headers: &[(&str, &str)]| {
        let headers = [&[("Authorization", key.as_str())], headers].concat();
        shop.send(&request(method, INVOICES, &headers, "")).await.status
    };
    assert_eq!(send("GET", &[]).await, 203);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(send(method, &[]).await, 403, "{method}");
    }
    assert_eq!(send("POST", &[("X-HTTP-Method-Override", "GET")]).await, 403);
    assert_eq!([send("GET", &[]).await, send("GET", &[]).await, send("GET", &[]).await], [203, 203, 429]);
    // Another line, by which the original would know another caller, is not passed on.
    let lines = [("Authorization", key.as_str()), ("Authorization", "Bearer nobody")];
    let answer = shop.send(&request("DELETE", INVOICES, &lines, "")).await;
    assert_eq!(seen(&answer, "authorization").as_deref(), Some("Bearer nobody"));
    // A key that cannot be examined may be restricted.
    let broken =
        Model { addresses: "anywhere".to_owned(), ..Model::of(&hash("CLIENTXCMSgoldenall"), &restriction) };
    Entity::delete_many().exec(shop.db()).await.unwrap();
    Entity::insert(broken.into_active_model()).exec_without_returning(shop.db()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    for method in ["GET", "DELETE"] {
        assert_eq!(send(method, &[]).await, 500, "{method}");
    }
    shop.close().await;
}

/// Paths outside of the API may lead to it as well, by the original's own rules.
#[tokio::test]
async fn restrictions_hold_on_every_path_that_is_passed_on() {
    let original = Original::start().await;
    let shop = shop(&original, |upstream| upstream.scope = UpstreamScope::All).await;
    restrict(&shop, &KeyRestriction { read_only: true, ..KeyRestriction::default() }).await;
    let key = format!("Bearer {}", Shop::key("all"));
    for path in ["/index.php/api/application/invoices", "/API/application/tickets", "/index.php//api/x"] {
        let send = async |method: &str| {
            shop.send(&request(method, path, &[("Authorization", key.as_str())], "")).await.status
        };
        assert_eq!([send("GET").await, send("DELETE").await], [203, 403], "{path}");
    }
    // A key that cannot be examined may be restricted.
    shop.sql("UPDATE guichet_key_restrictions SET addresses = 'anywhere'").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let broken = shop.send(&request("DELETE", "/API/x", &[("Authorization", key.as_str())], "")).await;
    assert_eq!(broken.status, 500);
    // The shop's pages have keys of their own, which are no wrong ones.
    for _ in 0..100 {
        let other = [("Authorization", "Bearer of-another-program")];
        assert_eq!(shop.send(&request("GET", "/page", &other, "")).await.status, 203);
    }
    let preflight = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST")];
    assert_eq!(shop.send(&request("OPTIONS", "/graphql", &preflight, "")).await.status, 204);
    shop.close().await;
}

/// Tokens that nobody here knows cost a look-up each, and a key has its own requests a minute, on all paths together.
#[tokio::test]
async fn keys_count_on_every_path_that_is_passed_on() {
    let original = Original::start().await;
    let server = format!("http://{}", original.address);
    let shop = Shop::with("en", |config| {
        upstream(&server, |upstream| upstream.scope = UpstreamScope::All)(config);
        config.failed_key_limit = Some(5);
    })
    .await;
    let limit =
        KeyRestriction { requests_per_minute: std::num::NonZeroU32::new(3), ..KeyRestriction::default() };
    restrict(&shop, &limit).await;
    let send = async |path: &str, sent: &str| {
        shop.send(&request("GET", path, &[("Authorization", sent)], "")).await.status
    };
    let mut found = Vec::new();
    for number in 0..8 {
        found.push(send("/page", &format!("Bearer unknown-{number}")).await);
    }
    assert_eq!(found, [203, 203, 203, 203, 203, 429, 429, 429]);
    // One that was looked up a moment ago costs nothing, and what is no bearer token is not looked up.
    assert_eq!(send("/page", "Bearer unknown-1").await, 203);
    assert_eq!(send("/page", "Basic dXNlcjpwYXNz").await, 203);
    let key = format!("Bearer {}", Shop::key("all"));
    let paths = ["/page", "/index.php//api/x", INVOICES, "/page", INVOICES, HEALTH];
    let mut found = Vec::new();
    for path in paths {
        found.push(send(path, &key).await);
    }
    assert_eq!(found, [203, 203, 203, 429, 429, 429]);
    let another = format!("Bearer {}", Shop::key("products-read"));
    assert_eq!(send("/page", &another).await, 203);
    shop.close().await;
}

/// A stranger's trace ends here: the original gets neither it nor what belongs to it.
#[tokio::test]
async fn the_trace_of_a_stranger_is_not_passed_on() {
    let original = Original::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for is_trusted in [false, true] {
        let server = format!("http://{}", original.address);
        let shop = Shop::with("en", |config| {
            upstream(&server, |_| ())(config);
            config.trusted_proxies =
                if is_trusted { vec!["127.0.0.1/32".parse().unwrap()] } else { Vec::new() };
        })
        .await;
        let headers = [("traceparent", trace), ("tracestate", "vendor=1")];
        let answer = shop.send(&request("GET", INVOICES, &headers, "")).await;
        let passed_on = ["traceparent", "tracestate"].map(|name| seen(&answer, name));
        let expected = is_trusted.then(|| trace.to_owned());
        assert_eq!(passed_on, [expected, is_trusted.then(|| "vendor=1".to_owned())]);
        let own = answer.header("x-request-id").unwrap();
        assert_eq!(trace.contains(own), is_trusted, "{own}");
        shop.close().await;
    }
}

#[tokio::test]
async fn what_has_no_route_here_is_passed_on_as_it_came() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let key = format!("Bearer {}", Shop::key("all"));
    let headers = [("Authorization", key.as_str()), ("Accept", "text/x"), ("X-Mine", "1")];
    let path = format!("{INVOICES}/a%20b%2Fc?x[]=%C3%A9&&y");
    let answer = shop.send(&request("GET", &path, &headers, "")).await;
    assert_eq!(answer.status, 203);
    assert_eq!(answer.header("content-type"), Some("application/vnd.shop+json"));
    assert_eq!(answer.header("x-shop"), Some("yes"));
    assert_eq!(answer.header("via"), Some("1.1 guichet"));
    let cookies: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!(cookies.len(), 2);
    for ours in ["x-private", "content-security-policy", "x-frame-options", "access-control-allow-origin"] {
        assert_eq!(answer.header(ours), None, "{ours}");
    }
    let saw = answer.json();
    assert_eq!((saw["method"].as_str(), saw["target"].as_str()), (Some("GET"), Some(path.as_str())));
    assert_eq!(seen(&answer, "authorization").as_deref(), Some(key.as_str()));
    assert_eq!(seen(&answer, "x-mine").as_deref(), Some("1"));
    let host = shop.base().replace("http://", "");
    assert_eq!(seen(&answer, "host").as_deref(), Some(host.as_str()));
    assert_eq!(seen(&answer, "x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(seen(&answer, "x-request-id").as_deref(), answer.header("x-request-id"));

    let answer = shop.send(&request("POST", INVOICES, &headers, "{\"a\": 1 }")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        (answer.json()["method"].as_str(), answer.json()["body"].as_str()),
        (Some("POST"), Some("{\"a\": 1 }"))
    );
    let answer = shop.send(&request("HEAD", INVOICES, &headers, "")).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert!(answer.header("content-length").is_some_and(|length| length != "0"));
    let answer =
        shop.send(&request("OPTIONS", INVOICES, &[("Access-Control-Request-Method", "GET")], "")).await;
    assert_eq!(answer.status, 202, "a preflight");
    shop.close().await;
}

#[tokio::test]
async fn what_is_answered_here_stays_here() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    assert_eq!(shop.get(HEALTH, "all").await.0, 200);
    assert_eq!(shop.get("/api/application/products/1", "all").await.0, 200);
    assert_eq!(shop.post("/api/application/groups", "all", &json!({})).await.0, 422);
    assert_eq!(shop.get("/graphql", "all").await.0, 400);
    for path in
        ["/", "/nothing", "/api/documentation", "/api/reference", "/healthz", "//api/application/invoices"]
    {
        let status = shop.get(path, "all").await.0;
        assert!([200, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(original.requests(), 0);
    shop.close().await;
}

#[tokio::test]
async fn routes_that_are_switched_off_are_passed_on() {
    let original = Original::start().await;
    let rules = ["GET /api/application/products*", "DELETE /api/application/groups/*"];
    let shop = shop(&original, |upstream| {
        upstream.pass = rules.map(|rule| ForwardRule::parse(rule).unwrap()).into();
    })
    .await;
    let key = format!("Bearer {}", Shop::key("all"));
    let key = ("Authorization", key.as_str());
    for (method, path, status) in [
        ("GET", "/api/application/products/1", 203),
        ("HEAD", "/api/application/products", 202),
        ("POST", "/api/application/products", 422),
        ("GET", "/api/application/groups/1", 200),
        ("DELETE", "/api/application/groups/1", 202),
        // The path is known here, the method is not.
        ("PATCH", "/api/application/groups/1", 202),
        ("GET", "/index.php/api/application/products/", 203),
    ] {
        let answer = shop.send(&request(method, path, &[key], "")).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    // The body of a POST may name another method.
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let path = "/api/application/groups/1";
    let answer = shop.send(&request("POST", path, &[key, form], "_method=delete&x=%20")).await;
    assert_eq!((answer.status, answer.json()["body"].as_str()), (202, Some("_method=delete&x=%20")));
    let method = ("X-HTTP-Method-Override", "DELETE");
    assert_eq!(shop.send(&request("POST", path, &[key, method], "")).await.status, 202);
    shop.close().await;
}

#[tokio::test]
async fn every_path_is_passed_on_where_guichet_is_the_only_address() {
    let original = Original::start().await;
    let shop = shop(&original, |upstream| upstream.scope = UpstreamScope::All).await;
    for (path, status) in [
        ("/", 203),
        ("/client/invoices/1", 203),
        ("/healthz", 200),
        ("/api/documentation", 200),
        ("/api/reference", 200),
        (INVOICES, 203),
    ] {
        assert_eq!(shop.get(path, "").await.0, status, "{path}");
    }
    shop.close().await;
}

/// A picture that was uploaded here is answered here; the shop's own server has the others.
#[tokio::test]
async fn a_file_that_is_not_here_is_passed_on() {
    let storage = std::env::temp_dir().join(format!("guichet-upstream-files-{}", std::process::id()));
    std::fs::create_dir_all(storage.join("public")).unwrap();
    std::fs::write(storage.join("public/here.png"), "here").unwrap();
    let original = Original::start().await;
    let all =
        upstream(&format!("http://{}", original.address), |upstream| upstream.scope = UpstreamScope::All);
    let folder = storage.clone();
    let shop = Shop::with("en", move |config| {
        config.storage = folder;
        all(config);
    })
    .await;
    let here = shop.send(&request("GET", "/storage/here.png", &[], "")).await;
    assert_eq!((here.status, here.body.as_slice(), original.requests()), (200, &b"here"[..], 0));
    for (method, path, status) in [
        ("GET", "/storage/there.png?v=1", 203),
        ("HEAD", "/storage/there.png", 202),
        ("POST", "/storage/here.png", 202),
    ] {
        let answer = shop.send(&request(method, path, &[], "")).await;
        assert_eq!((answer.status, seen_by_shop(&answer)), (status, true), "{method} {path}");
    }
    let out = shop.send(&request("GET", "/storage/%2e%2e/here.png", &[], "")).await;
    assert_eq!((out.status, seen_by_shop(&out)), (400, false), "another server could resolve it");
    shop.close().await;
    std::fs::remove_dir_all(storage).unwrap();
}

fn seen_by_shop(answer: &Answer) -> bool {
    answer.header("x-shop") == Some("yes")
}

#[tokio::test]
async fn a_proxy_that_is_trusted_tells_who_asked() {
    let original = Original::start().await;
    let reported = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=203.0.113.9"),
    ];
    for (trusts, forwarded_for, proto) in
        [(false, "127.0.0.1", "http"), (true, "203.0.113.9, 127.0.0.1", "https")]
    {
        let set = upstream(&format!("http://{}", original.address), |_| ());
        let shop = Shop::with("en", |config| {
            set(config);
            config.trusted_proxies = if trusts { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
        })
        .await;
        let answer = shop.send(&request("GET", INVOICES, &reported, "")).await;
        assert_eq!(seen(&answer, "x-forwarded-for").as_deref(), Some(forwarded_for));
        assert_eq!(seen(&answer, "x-forwarded-proto").as_deref(), Some(proto));
        assert!(seen(&answer, "forwarded").unwrap().ends_with(&format!("proto={proto}")));
        shop.close().await;
    }
}

#[tokio::test]
async fn a_loop_is_refused() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let answer = shop.send(&request("GET", INVOICES, &[("Via", "1.1 front, 1.1 guichet")], "")).await;
    assert_eq!((answer.status, answer.json()["message"].as_str()), (508, Some("Loop Detected")));
    assert_eq!(original.requests(), 0);
    shop.close().await;
}

#[tokio::test]
async fn requests_without_a_key_count_at_their_address() {
    let original = Original::start().await;
    let set = upstream(&format!("http://{}", original.address), |_| ());
    let shop = Shop::with("en", |config| {
        set(config);
        config.rate_limit = Some(3);
    })
    .await;
    for status in [203, 203, 203, 429, 429] {
        assert_eq!(shop.get(INVOICES, "").await.0, status);
    }
    for _ in 0..5 {
        assert_eq!(
            shop.get(INVOICES, "all").await.0,
            203,
            "those of key holders are the original's to count"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_told_apart() {
    let (mut away, original) = (upstream_away().await, Original::start().await);
    for (path, address, status) in
        [(INVOICES, away.take().unwrap(), 502), ("/api/client/silent", original.address, 504)]
    {
        let set =
            upstream(&format!("http://{address}"), |upstream| upstream.timeout = Duration::from_millis(300));
        let shop = Shop::with("en", set).await;
        let answer = shop.send(&request("GET", path, &[("Accept", "application/xml")], "")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("application/xml; charset=utf-8"))
        );
        assert_eq!(shop.get("/healthz", "").await.0, 200);
        let (ready, _, body) = shop.get("/readyz", "").await;
        let state = if status == 502 { "unavailable" } else { "ok" };
        assert_eq!((ready, body), (200, json!({"status": "ok", "upstream": state})));
        assert_eq!(shop.get(HEALTH, "all").await.0, 200);
        shop.close().await;
    }
}

/// An address where no server listens.
async fn upstream_away() -> Option<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().ok()
}

#[tokio::test]
async fn an_answer_that_stops_is_cut_off() {
    let original = Original::start().await;
    let shop = shop(&original, |upstream| upstream.idle_timeout = Duration::from_millis(300)).await;
    let to = shop.base().replace("http://", "");
    let mut stream = TcpStream::connect(&to).await.unwrap();
    stream.write_all(b"GET /api/stops HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("begun") && !answer.ends_with("0\r\n\r\n"));
    shop.close().await;
}

#[tokio::test]
async fn an_early_refusal_reaches_the_client() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let answer = shop.send(&request("POST", "/api/early", &[], &"x".repeat(100_000))).await;
    assert_eq!((answer.status, answer.text().as_str()), (413, "early"));
    shop.close().await;
}

#[tokio::test]
async fn bodies_are_larger_than_those_that_are_read_here() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let body = "x".repeat(20 << 20);
    let answer = shop.send(&request("POST", INVOICES, &[], &body)).await;
    assert_eq!((answer.status, answer.json()["length"].as_u64()), (202, Some(20 << 20)));
    assert_eq!(seen(&answer, "content-length").as_deref(), Some("20971520"));
    assert_eq!(seen(&answer, "transfer-encoding"), None);
    shop.close().await;
}

/// The answer to a raw request.
async fn raw(shop: &Shop, text: &str) -> String {
    let mut stream = TcpStream::connect(shop.base().replace("http://", "")).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
    let _ = reading.await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_second_request_is_smuggled() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let hidden = "GET /api/hidden HTTP/1.1\r\nHost: shop\r\n\r\n";
    let length = hidden.len() + 5;
    // Both lengths: the chunks count, the hidden request is one of its own, and answered as such.
    let both = format!(
        "POST {INVOICES} HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\n{hidden}"
    );
    let answer = raw(&shop, &both).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") || answer.contains(r#""length":0"#), "{answer}");
    assert!(!answer.contains("/api/hidden") || answer.matches("HTTP/1.1 2").count() == 2, "{answer}");
    for refused in [
        format!(
            "POST {INVOICES} HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"
        ),
        format!("POST {INVOICES} HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("GET {INVOICES} HTTP/1.1\r\nHost: shop\r\nX-A: b\rX-B: c\r\n\r\n"),
        format!("GET {INVOICES} HTTP/1.1\r\nHost: shop\r\nX-A : b\r\n\r\n"),
        format!("GET {INVOICES} HTTP/1.1\r\nHost: shop\r\nX-A: b\r\n c\r\n\r\n"),
        format!("GET {INVOICES}\tx HTTP/1.1\r\nHost: shop\r\n\r\n"),
    ] {
        let before = original.requests();
        let answer = raw(&shop, &refused).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{refused}: {answer}");
        assert_eq!(original.requests(), before, "{refused}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_socket_is_a_server_too() {
    let folder = std::env::temp_dir().join(format!("guichet-upstream-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("shop.sock");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let routes = Router::new().fallback(echo).with_state(Arc::default());
    tokio::spawn(async { axum::serve(listener, routes).await });
    let shop = Shop::with("en", upstream(&format!("unix:{}", socket.display()), |_| ())).await;
    let answer = shop.send(&request("GET", INVOICES, &[], "")).await;
    assert_eq!(answer.status, 203);
    shop.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The lines that `guichet doctor` has about the upstream.
async fn findings(server: &str) -> Vec<(String, String)> {
    let settings = [("GUICHET_UPSTREAM", server), ("DB_CONNECTION", "sqlite"), ("DB_DATABASE", "/nowhere")];
    let (_, output) = Program::run(&["doctor".to_owned(), "--json".to_owned()], &settings).await;
    let report: Json = serde_json::from_str(&output).expect(&output);
    let all = report["findings"].as_array().unwrap().iter();
    let of_upstream = all.filter(|finding| finding["check"] == "upstream");
    of_upstream
        .map(|finding| {
            [&finding["level"], &finding["says"]].map(|text| text.as_str().unwrap().to_owned()).into()
        })
        .collect()
}

#[tokio::test]
async fn the_doctor_asks_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let document =
        r#"{"info": {"version": "1.0.2"}, "paths": {"/application/health": {}, "/application/new": {}}}"#;
    let routes = Router::new()
        .route("/docs/api-docs.json", axum::routing::get(move || async move { document }))
        .fallback(unauthenticated);
    tokio::spawn(async { axum::serve(listener, routes).await });
    let found = findings(&format!("http://{address}")).await;
    for (level, says) in [
        ("ok", "the shop's API answers for APP_URL"),
        ("warning", "its clock and this machine's are"),
        ("warning", "browsers may call it from https://elsewhere.example"),
        ("error", "it has another APP_KEY"),
        (
            "ok",
            "its API is of version 1.0.2; these paths are not of the contract, and are passed on: /application/new",
        ),
    ] {
        assert!(
            found.iter().any(|(known, text)| known == level && text.starts_with(says)),
            "{says}: {found:?}"
        );
    }
    let original = Original::start().await;
    let found = findings(&format!("http://{}", original.address)).await;
    assert!(found[0].1.contains("without a key answers 203"), "{found:?}");
    let away = upstream_away().await.unwrap();
    let found = findings(&format!("http://{away}")).await;
    assert!(found[0].1.starts_with("no connection to GUICHET_UPSTREAM"), "{found:?}");
}

#[tokio::test]
async fn the_log_tells_what_was_passed_on() {
    let original = Original::start().await;
    let server = Program::start(&[("GUICHET_UPSTREAM", &format!("http://{}", original.address))]).await;
    for path in [format!("{INVOICES}/77?secret=1"), "/api/unknown/someone@example.com".to_owned()] {
        assert_eq!(server.ask("GET", &path, "all", None).await.status, 203);
    }
    let log = server.stop().await;
    let lines: Vec<Json> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let passed: Vec<_> = lines.iter().filter(|line| line["face"] == "upstream").collect();
    assert_eq!(passed.len(), 2, "{log}");
    assert_eq!(passed[0]["path"], "/api/application/invoices/{id}");
    assert_eq!(passed[1]["path"], Json::Null);
    assert!(!log.contains("secret") && !log.contains("someone"), "{log}");
}

/// A server that answers every request head with the same bytes, and reads nothing else.
struct Blunt {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Blunt {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            connections: Arc::default(),
        };
        let (heads, connections) = (Arc::clone(&server.heads), Arc::clone(&server.connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(Self::answer(stream, answer, Arc::clone(&heads)));
            }
        });
        server
    }

    async fn answer(mut stream: TcpStream, answer: &str, heads: Arc<Mutex<Vec<String>>>) {
        let (mut heard, mut space) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = stream.read(&mut space).await {
            heard.extend_from_slice(&space[..read]);
            while let Some(end) = heard.windows(4).position(|end| end == b"\r\n\r\n") {
                let head: Vec<u8> = heard.drain(..end + 4).collect();
                heads.lock().unwrap().push(String::from_utf8_lossy(&head).to_lowercase());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn before(server: &Blunt, shadow: &str) -> Shop {
    let settings =
        [("GUICHET_UPSTREAM", format!("http://{}", server.address)), ("GUICHET_SHADOW", shadow.to_owned())];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let upstream = Config::from_env(settings).unwrap().upstream;
    Shop::with("en", |config| config.upstream = upstream).await
}

/// The bytes that answer some bytes, until the server closes the connection or is silent for a while.
async fn said(shop: &Shop, bytes: &str) -> String {
    let mut stream = TcpStream::connect(shop.base().replace("http://", "")).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let (mut answer, mut space) = (Vec::new(), [0; 4096]);
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_millis(700), stream.read(&mut space)).await
    {
        answer.extend_from_slice(&space[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A length without its body would make the other server take the next request, with its key, for that body.
#[tokio::test]
async fn a_question_that_is_compared_has_no_length() {
    let server = Blunt::start("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}").await;
    let shop = before(&server, "1").await;
    let body = "x".repeat(309);
    let head = "Host: shop\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 309";
    let answer = said(&shop, &format!("GET {HEALTH} HTTP/1.1\r\n{head}\r\n\r\n{body}")).await;
    assert!(answer.contains("401"), "{answer}");
    for _ in 0..50 {
        if !server.heads().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heads = server.heads();
    assert!(!heads.is_empty(), "the question is compared");
    for head in heads {
        assert!(head.starts_with("get /api/application/health"), "{head}");
        for name in ["content-length", "content-type", "transfer-encoding", "expect"] {
            assert!(!head.contains(&format!("\n{name}:")), "{head}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn paths_that_lead_elsewhere_are_refused() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    for path in [
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/api/..%2fadmin",
        "/api/x/%2e%2e%2f%2e%2e/admin",
        "/api/..;a=b/admin",
        "/api/..%5cadmin",
        "/api/./invoices",
        "/%61pi/..//admin",
    ] {
        assert_eq!(shop.get(path, "all").await.0, 400, "{path}");
    }
    assert_eq!(shop.get("/api/application/invoices/a..b/...", "all").await.0, 203);
    let answer = said(&shop, "CONNECT /api/x HTTP/1.1\r\nHost: shop\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert_eq!(original.requests(), 1);
    shop.close().await;
}

#[tokio::test]
async fn answers_without_a_body_give_their_connection_back() {
    for (answer, method) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", "GET"),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "GET"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "GET"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "GET"),
    ] {
        let server = Blunt::start(answer).await;
        let shop = before(&server, "0").await;
        for _ in 0..4 {
            shop.send(&request(method, INVOICES, &[], "")).await;
        }
        assert_eq!(server.heads().len(), 4);
        assert_eq!(server.connections.load(Ordering::Relaxed), 1, "{answer}");
        shop.close().await;
    }
}

#[tokio::test]
async fn what_is_no_answer_is_bad_and_asked_for_once() {
    for (answer, status) in [
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502),
        ("XYZ\r\n\r\n", 502),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", 502),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", 200),
    ] {
        let server = Blunt::start(answer).await;
        let shop = before(&server, "0").await;
        let found = shop.send(&request("GET", INVOICES, &[], "")).await;
        assert_eq!(found.status, status, "{answer}");
        assert_eq!(server.heads().len(), 1, "{answer}");
        if status == 200 {
            assert_eq!((found.header("content-length"), found.text().as_str()), (Some("2"), "{}"));
        }
        shop.close().await;
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_the_clients() {
    let original = Original::start().await;
    let shop = shop(&original, |_| ()).await;
    let head = format!("POST {INVOICES} HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n");
    let answer = said(&shop, &format!("{head}3\r\nabc\r\nZZ\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let get = head.replace("POST", "GET");
    let answer = said(&shop, &format!("{get}3\r\nabc\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 203") && answer.contains(r#""body":"abc""#), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn one_stranger_does_not_hold_all_places() {
    let original = Original::start().await;
    let shop = shop(&original, |upstream| upstream.max = 8).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(shop.base().replace("http://", "")).await.unwrap();
        stream.write_all(b"GET /api/silent HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
        held.push(stream);
    }
    while original.requests() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(shop.get(INVOICES, "").await.0, 503);
    assert_eq!(shop.get(INVOICES, "all").await.0, 203);
    drop(held);
    for _ in 0..30 {
        if shop.get(INVOICES, "").await.0 == 203 {
            shop.close().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the places are not given back");
}
