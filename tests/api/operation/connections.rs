//! Clients that are slow, silent or many, requests that come when there is no room, and what every answer
//! carries.

use std::net::SocketAddr;
use std::time::Duration;

use guichet::platform::config::Config;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::wire::Request;

const HEALTH: &str = "/api/application/health";
const CUSTOMERS: &str = "/api/application/customers";
/// How long a connection may take to be ended that is over its time.
const PATIENCE: Duration = Duration::from_secs(20);

fn quick(config: &mut Config) {
    let bounds = &mut config.connections;
    bounds.header_timeout = Duration::from_millis(400);
    bounds.body_timeout = Duration::from_millis(400);
    bounds.keep_alive = Duration::from_millis(400);
    bounds.min_rate = 10_000;
}

fn address(shop: &Shop) -> SocketAddr {
    shop.base().replace("http://", "").parse().unwrap()
}

/// A client that sends a text at once, then one byte again and again: what it is answered before the
/// connection ends.
async fn trickle(to: SocketAddr, begin: &str, pause: Duration) -> String {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(begin.as_bytes()).await.unwrap();
    let sending = async {
        loop {
            tokio::time::sleep(pause).await;
            if writing.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = Vec::new();
    let receiving = async {
        // A reset ends it too.
        let _ = reading.read_to_end(&mut answer).await;
    };
    tokio::select! {
        () = sending => {}
        ended = tokio::time::timeout(PATIENCE, receiving) => ended.expect("the connection is ended"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {length}\r\n\r\n",
        Shop::key("all")
    )
}

#[tokio::test]
async fn slow_and_silent_clients_are_ended() {
    let shop = Shop::with("en", quick).await;
    let to = address(&shop);
    let never = Duration::from_secs(600);
    let pause = Duration::from_millis(50);
    let (head, customers, graphql) =
        ("GET / HTTP/1.1\r\nHost: shop\r\nX-A: ", post(CUSTOMERS, 9000), post("/graphql", 9000));
    let ended = tokio::join!(
        trickle(to, head, pause),
        trickle(to, &customers, pause),
        trickle(to, &graphql, pause),
        trickle(to, &customers, never),
        trickle(to, "", never),
        trickle(to, head, never),
    );
    assert_eq!(ended, Default::default(), "none of them is answered");
    // One that waits for its next request has been answered before.
    let idle = trickle(to, &format!("GET {HEALTH} HTTP/1.1\r\nHost: shop\r\n\r\n"), never).await;
    assert!(idle.starts_with("HTTP/1.1 401 "), "{idle}");
    assert_eq!(shop.get(HEALTH, "all").await.0, 200);
    shop.close().await;
}

/// Each piece of a head makes it be read anew.
#[tokio::test]
async fn a_head_comes_in_few_pieces() {
    let shop = Shop::golden("en").await;
    let mut stream = TcpStream::connect(address(&shop)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nX-A: ").await.unwrap();
    let sending = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.expect("the connection is ended");
    shop.close().await;
}

#[tokio::test]
async fn a_target_names_the_host_of_the_request() {
    let shop = Shop::golden("en").await;
    for (target, status) in
        [("http://shop/healthz", "200"), ("http://other/healthz", "400"), ("http://a@shop/", "400")]
    {
        let text = format!("GET {target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        let answer = trickle(address(&shop), &text, Duration::from_secs(600)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
    }
    shop.close().await;
}

/// A client that reads slowly but steadily gets its whole answer, however large.
#[tokio::test]
async fn a_steady_reader_gets_everything() {
    let shop = Shop::with("en", |config| {
        config.connections.body_timeout = Duration::from_secs(1);
        config.connections.min_rate = 500;
    })
    .await;
    let mut stream = TcpStream::connect(address(&shop)).await.unwrap();
    let asset = "GET /graphql/asset/graphiql.min.js HTTP/1.1\r\nHost: shop\r\n\r\n";
    let last = asset.replace("Host", "Connection: close\r\nHost");
    stream.write_all((asset.repeat(5) + &last).as_bytes()).await.unwrap();
    let (mut room, mut received) = (vec![0; 100_000], 0);
    loop {
        let read = stream.read(&mut room).await.expect("the connection is not cut");
        if read == 0 {
            break;
        }
        received += read;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(received > 5_800_000, "{received}");
    shop.close().await;
}

/// A client on a slow line is fast enough.
#[tokio::test]
async fn a_large_body_may_take_longer_than_a_small_one() {
    let shop = Shop::with("en", quick).await;
    let mut stream = TcpStream::connect(address(&shop)).await.unwrap();
    let body = json!({"firstname": "x".repeat(60_000)}).to_string();
    stream.write_all(post(CUSTOMERS, body.len()).as_bytes()).await.unwrap();
    for chunk in body.as_bytes().chunks(4000) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(chunk).await.unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 422");
    shop.close().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_ended() {
    let shop = Shop::with("en", quick).await;
    let mut stream = TcpStream::connect(address(&shop)).await.unwrap();
    let asset = "GET /graphql/asset/graphiql.min.js HTTP/1.1\r\nHost: shop\r\n\r\n";
    let asking = async {
        // More than the buffers of the system take. At the end, the server has closed the connection.
        while stream.write_all(asset.repeat(100).as_bytes()).await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the connection is ended");
    assert_eq!(shop.get(HEALTH, "all").await.0, 200);
    shop.close().await;
}

#[tokio::test]
async fn silent_connections_make_room() {
    let shop = Shop::with("en", |config| config.connections.max_per_address = 5).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address(&shop)).await.unwrap());
    }
    assert_eq!(shop.get(HEALTH, "all").await.0, 200);
    let mut first = silent.remove(0);
    assert_eq!(first.read(&mut [0; 16]).await.unwrap(), 0, "the one that was silent for longest is ended");
    shop.close().await;
}

/// A client that is still sending when it is refused can read the refusal.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_still_sends() {
    let shop = Shop::golden("en").await;
    for (path, length, status) in [(CUSTOMERS, 700_000, "401"), ("/graphql", 700_000, "413")] {
        let mut stream = TcpStream::connect(address(&shop)).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for chunk in vec![b' '; length].chunks(70_000) {
            stream.write_all(chunk).await.expect("the server reads on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the connection is not reset");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    shop.close().await;
}

/// The answer to a request that is sent unchanged.
async fn raw(shop: &Shop, text: &str) -> String {
    let mut stream = TcpStream::connect(address(shop)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_name_one_host() {
    let shop = Shop::golden("en").await;
    let is_refused =
        |answer: &str| answer.contains(" 400 Bad Request\r\n") && answer.contains("Bad request.");
    for path in [HEALTH, "/graphql", "/docs/api-docs.json", "/healthz", "/"] {
        for (hosts, good) in [
            ("Host: shop\r\n", true),
            ("Host: shop:8080\r\n", true),
            ("", false),
            ("Host: shop\r\nHost: shop\r\n", false),
            ("Host: a b\r\n", false),
            ("Host: \r\n", false),
            ("Host: user@shop\r\n", false),
        ] {
            let answer =
                raw(&shop, &format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n")).await;
            assert_eq!(is_refused(&answer), !good, "{path} {hosts:?}: {answer}");
        }
        let old = raw(&shop, &format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(!is_refused(&old), "{path}: {old}");
    }
    shop.close().await;
}

/// The default cost of hashes: the other tests use the lowest.
const SLOW: u32 = 12;

/// Signs in, which takes a quarter of a second where hashes are slow.
async fn sign_in(shop: &Shop, email: &str) -> (u16, Json) {
    let query = format!(
        "mutation {{ sessionCreate(input: {{kind: CUSTOMER, email: \"{email}\", password: \"wrong\"}}) {{ session {{ expiresIn }} }} }}"
    );
    let (status, _, answer) = shop.post("/graphql", "", &json!({"query": query})).await;
    (status, answer["errors"][0]["extensions"].clone())
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused() {
    let shop = Shop::with("en", |config| {
        (config.work.running, config.work.waiting) = (1, 0);
        config.bcrypt_rounds = SLOW;
    })
    .await;
    shop.get(HEALTH, "all").await;
    let question = json!({"query": "{ health { status } }"});
    let (signed, others) = tokio::join!(sign_in(&shop, "a@b.c"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::join!(shop.get(HEALTH, "all"), shop.post("/graphql", "", &question), shop.get("/healthz", ""))
    });
    assert_eq!(signed.1["code"], "VALIDATION_FAILED");
    let (rest, graphql, alive) = others;
    let retry = |headers: &crate::harness::shop::Headers| {
        headers.iter().any(|(name, value)| name == "retry-after" && value == "1")
    };
    assert_eq!((rest.0, &rest.2), (503, &json!({"message": "Service Unavailable"})));
    assert_eq!((graphql.0, &graphql.2["errors"][0]["extensions"]["code"]), (503, &json!("UNAVAILABLE")));
    assert!(retry(&rest.1) && retry(&graphql.1), "{:?} {:?}", rest.1, graphql.1);
    assert_eq!(alive.0, 200, "health is answered all the same");
    assert_eq!(shop.get(HEALTH, "all").await.0, 200);
    shop.close().await;
}

#[tokio::test]
async fn too_many_passwords_at_once_are_refused_and_others_go_on() {
    let shop = Shop::with("en", |config| {
        (config.work.passwords, config.work.passwords_waiting) = (1, 1);
        config.bcrypt_rounds = SLOW;
    })
    .await;
    let ((first, second, third), others) = tokio::join!(
        async { tokio::join!(sign_in(&shop, "a@b.c"), sign_in(&shop, "b@b.c"), sign_in(&shop, "c@b.c")) },
        shop.get(HEALTH, "all"),
    );
    let mut codes =
        [&first, &second, &third].map(|(_, reported)| reported["code"].as_str().unwrap().to_owned());
    codes.sort();
    assert_eq!(codes, ["UNAVAILABLE", "VALIDATION_FAILED", "VALIDATION_FAILED"]);
    assert_eq!(others.0, 200);
    shop.close().await;
}

#[tokio::test]
async fn every_answer_has_an_identifier() {
    let shop = Shop::golden("en").await;
    let proxied =
        Shop::with("en", |config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let ask = async |shop: &Shop, path: &str, given: &str| {
        let mut request = Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() };
        request.headers.push(("X-Request-Id".to_owned(), given.to_owned()));
        shop.send(&request).await.header("x-request-id").unwrap().to_owned()
    };
    for path in [HEALTH, "/api/x", "/graphql?query=%7Bhealth%7Bstatus%7D%7D", "/healthz", "/"] {
        let own = ask(&shop, path, "given-1").await;
        assert!(own.len() == 32 && own.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}: {own}");
        assert_eq!(ask(&proxied, path, "given-1").await, "given-1", "{path}");
        assert_eq!(ask(&proxied, path, "not one").await.len(), 32, "{path}");
    }
    shop.close().await;
    proxied.close().await;
}

#[tokio::test]
async fn pages_say_what_they_may_load() {
    let shop = Shop::golden("en").await;
    for path in ["/", "/api/documentation", "/api/reference", "/graphql", "/nothing"] {
        let mut request = Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() };
        request.headers.push(("Accept".to_owned(), "text/html".to_owned()));
        let answer = shop.send(&request).await;
        let policy =
            answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    }
    shop.close().await;
}

/// When the server stops, running requests are answered, and incomplete requests are not awaited.
#[tokio::test]
async fn the_end_is_not_held_up() {
    let server = Program::start(&[("GUICHET_GRACE", "0.5"), ("GUICHET_HEADER_TIMEOUT", "600")]).await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nX-A: ").await.unwrap();
    let mut body = server.connect().await;
    body.write_all(post(CUSTOMERS, 9000).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let log = tokio::time::timeout(PATIENCE, server.stop()).await.expect("the server ends");
    assert!(!log.contains("did not finish its request in time"), "{log}");
}
