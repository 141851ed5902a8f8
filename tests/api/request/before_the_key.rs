//! What a caller without a valid key can make the server do: no body is read before the key is checked, and little else
//! is done.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

const CUSTOMERS: &str = "/api/application/customers";
const GROUPS: &str = "/api/application/groups";
const HEALTH: &str = "/api/application/health";
/// Maximum duration of an answer that must not wait for a body.
const PATIENCE: Duration = Duration::from_secs(20);

/// The answer to a request of which only the head is sent.
async fn head_only(shop: &Shop, head: &str) -> String {
    let mut stream = TcpStream::connect(shop.base().replace("http://", "")).await.unwrap();
    stream.write_all(format!("{head}\r\nHost: shop\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut space = [0; 4096];
    let read = async {
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut space).await.unwrap();
            assert!(read > 0, "no answer to {head}");
            answer.extend_from_slice(&space[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no answer to {head}"));
    String::from_utf8_lossy(&answer).into_owned()
}

async fn send(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request { method: method.to_owned(), path: path.to_owned(), headers, body: body.to_vec() };
    shop.send(&request).await
}

#[tokio::test]
async fn bodies_are_not_waited_for() {
    let shop = Shop::golden("en").await;
    let key = format!("Authorization: Bearer {}", Shop::key("all"));
    let json = "Content-Type: application/json\r\nContent-Length: 8000000";
    let beyond = "Content-Type: application/json\r\nContent-Length: 9000000";
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked";
    for (status, head) in [
        (401, format!("POST {CUSTOMERS} HTTP/1.1\r\n{json}")),
        (401, format!("POST {CUSTOMERS} HTTP/1.1\r\n{chunked}")),
        (401, format!("POST {CUSTOMERS} HTTP/1.1\r\nAuthorization: Bearer 1|wrong\r\n{json}")),
        (401, format!("GET {CUSTOMERS} HTTP/1.1\r\n{json}")),
        (401, format!("POST /api/x HTTP/1.1\r\n{json}")),
        (401, format!("POST {HEALTH} HTTP/1.1\r\n{json}")),
        (404, format!("GET /api/x HTTP/1.1\r\n{json}")),
        (405, format!("PUT /api/x HTTP/1.1\r\n{json}")),
        (405, format!("PATCH {CUSTOMERS} HTTP/1.1\r\n{json}")),
        (413, format!("POST {CUSTOMERS} HTTP/1.1\r\n{beyond}")),
        (413, format!("POST /api/x HTTP/1.1\r\n{beyond}")),
        (413, format!("POST {CUSTOMERS} HTTP/1.1\r\n{key}\r\n{json}")),
        (413, format!("POST {GROUPS} HTTP/1.1\r\n{key}\r\n{json}")),
        (413, format!("POST /graphql HTTP/1.1\r\n{json}")),
        (
            401,
            "POST /graphql HTTP/1.1\r\nX-Requested-With: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000".to_owned(),
        ),
    ] {
        let answer = head_only(&shop, &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn without_a_key_no_override_is_looked_at() {
    let shop = Shop::golden("en").await;
    let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
    // A path that only accepts POST answers as the contract says.
    let plain = send(&shop, "POST", HEALTH, &json, b"").await;
    assert_eq!((plain.status, plain.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(send(&shop, "POST", "/api/x", &json, b"").await.status, 405);
    for (headers, path, body) in [
        (vec![], HEALTH.to_owned(), &br#"{"_method": "GET"}"#[..]),
        (vec![], "/api/x".to_owned(), br#"{"_method": "GET"}"#),
        (vec![("X-HTTP-Method-Override", "GET")], HEALTH.to_owned(), b""),
        (vec![], format!("{HEALTH}?_method=GET"), b""),
    ] {
        let headers: Vec<_> = json.iter().copied().chain(headers).collect();
        let answer = send(&shop, "POST", &path, &headers, body).await;
        assert_eq!((answer.status, answer.json()), (401, json!({"message": "Unauthenticated."})), "{path}");
        let key = format!("Bearer {}", Shop::key("all"));
        let headers: Vec<_> = headers.into_iter().chain([("Authorization", key.as_str())]).collect();
        let answer = send(&shop, "POST", &path, &headers, body).await;
        assert_eq!(answer.status, if path.contains("/api/x") { 404 } else { 200 }, "{path}");
    }
    shop.close().await;
}

#[tokio::test]
async fn wrong_keys_are_held_back_and_valid_ones_are_not() {
    let shop = Shop::with("en", |config| config.failed_key_limit = Some(3)).await;
    for _ in 0..3 {
        let (status, headers, _) = shop.get(HEALTH, "1|wrong").await;
        assert_eq!(status, 401);
        assert!(!headers.iter().any(|(name, _)| name.contains("ratelimit") || name == "retry-after"));
    }
    let (status, headers, body) = shop.get(HEALTH, "1|another").await;
    assert_eq!((status, body), (429, json!({"message": "Too Many Attempts."})));
    assert!(headers.iter().any(|(name, value)| name == "retry-after" && value == "60"));
    let question = json!({"query": "{ health { status } }"});
    let (status, _, body) = shop.post("/graphql", "1|another", &question).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(shop.get(HEALTH, "all").await.0, 200, "a valid key is not held back");
    assert_eq!(shop.get(HEALTH, "").await.0, 401, "no key at all is none that failed");
    assert_eq!(shop.post("/graphql", "", &question).await.0, 200);
    shop.close().await;
}

/// Behind proxies, the last address that is not trusted is the client; the client may have invented those before it.
#[tokio::test]
async fn a_client_cannot_choose_its_address() {
    let shop = Shop::with("en", |config| {
        config.failed_key_limit = Some(1);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    })
    .await;
    for (client, lines) in [
        (1, vec!["5.5.5.N", "192.0.2.1"]),
        (2, vec!["5.5.5.N, 192.0.2.2, 10.1.1.1", "10.2.2.2"]),
        (3, vec!["192.0.2.3:4000"]),
        (4, vec!["5.5.5.N, 2001:db8::4"]),
    ] {
        for number in 0..3 {
            let lines: Vec<_> = lines.iter().map(|line| line.replace('N', &number.to_string())).collect();
            let mut headers = vec![("Authorization", "Bearer 1|wrong")];
            headers.extend(lines.iter().map(|line| ("X-Forwarded-For", line.as_str())));
            let status = send(&shop, "GET", HEALTH, &headers, b"").await.status;
            assert_eq!(status, if number == 0 { 401 } else { 429 }, "{client}: {lines:?}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_body_is_as_large_as_its_operation_needs() {
    let shop = Shop::golden("en").await;
    let (long, longer) = ("x".repeat(200_000), "x".repeat(300_000));
    assert_eq!(shop.post(CUSTOMERS, "all", &json!({"firstname": long})).await.0, 422);
    let (status, _, body) = shop.post(CUSTOMERS, "all", &json!({"firstname": longer})).await;
    assert_eq!((status, &body["message"]), (413, &json!("The POST data is too large.")));
    // The picture of a group has up to two megabytes.
    assert_eq!(shop.post(GROUPS, "all", &json!({"name": "x".repeat(2_000_000)})).await.0, 422);
    assert_eq!(shop.post(GROUPS, "all", &json!({"name": "x".repeat(3_000_000)})).await.0, 413);
    // Without a length, the body is read up to the limit.
    let key = format!("Bearer {}", Shop::key("all"));
    let chunks = format!("{:x}\r\n{longer}\r\n0\r\n\r\n", longer.len());
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", key.as_str()),
        ("Transfer-Encoding", "chunked"),
    ];
    assert_eq!(send_raw(&shop, CUSTOMERS, &headers, chunks.as_bytes()).await, 413);
    shop.close().await;
}

/// The status of the answer to a POST with the given framing headers.
async fn send_raw(shop: &Shop, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(shop.base().replace("http://", "")).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses may stop reading.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn only_declared_fields_are_built_and_not_too_many_values() {
    let shop = Shop::golden("en").await;
    let post = async |text: String| {
        let key = format!("Bearer {}", Shop::key("all"));
        let headers = [("Content-Type", "application/json"), ("Authorization", key.as_str())];
        send(&shop, "POST", GROUPS, &headers, text.as_bytes()).await
    };
    let zeros = "0,".repeat(100_000) + "0";
    let unknown = post(format!("{{\"unknown\": [{zeros}], \"slug\": \"s\"}}")).await;
    assert_eq!(unknown.status, 422);
    assert!(unknown.json()["errors"]["slug"].is_null(), "what is known is read: {}", unknown.text());
    let declared = post(format!("{{\"name\": [{zeros}]}}")).await;
    assert_eq!(declared.status, 413);
    assert_eq!(post(format!("[{zeros}]")).await.status, 422, "a list has no fields");
    let broken = post(format!("{{\"unknown\": [{zeros}], \"slug\": \"s\"")).await;
    assert_eq!(broken.status, 422);
    assert!(!broken.json()["errors"]["slug"].is_null(), "what is broken at its end is empty");
    let elements = format!("<g><unknown>{}</unknown></g>", "<a/>".repeat(60_000));
    let key = format!("Bearer {}", Shop::key("all"));
    let headers = [("Content-Type", "application/xml"), ("Authorization", key.as_str())];
    assert_eq!(send(&shop, "POST", GROUPS, &headers, elements.as_bytes()).await.status, 413);
    shop.close().await;
}

/// A refusal by a limit of GraphQL: status, code and limit.
async fn refusal(shop: &Shop, key: &str, body: &Json) -> (u16, Json, Json) {
    let (status, _, answer) = shop.post("/graphql", key, body).await;
    let reported = &answer["errors"][0]["extensions"];
    (status, reported["code"].clone(), reported["limit"].clone())
}

#[tokio::test]
async fn graphql_reads_less_of_strangers() {
    let shop = Shop::golden("en").await;
    let health = "{ health { status } }";
    let comment = |length: usize| json!({"query": format!("{health} #{}", "x".repeat(length))});
    assert_eq!(refusal(&shop, "", &comment(60_000)).await.0, 200);
    let too_long = |limit: &str| (json!("QUERY_TOO_LONG"), json!(limit));
    let (status, code, limit) = refusal(&shop, "", &comment(70_000)).await;
    assert_eq!((status, (code, limit)), (413, too_long("bytes")));
    assert_eq!(refusal(&shop, "all", &comment(70_000)).await.0, 200);
    let names = json!({"query": format!("{{ health {{ {} }} }}", "status ".repeat(1000))});
    let (_, code, limit) = refusal(&shop, "", &names).await;
    assert_eq!((code, limit), too_long("tokens"));
    assert_eq!(refusal(&shop, "all", &names).await.1, Json::Null);
    // A long name is written again and again, a comment is read as a name is, and a variable is copied.
    let alias = json!({"query": format!("{{ __schema {{ types {{ {}: name }} }} }}", "a".repeat(300))});
    assert_eq!(refusal(&shop, "all", &alias).await.2, "name");
    let comments = json!({"query": format!("{health} {}", "#\n".repeat(1000))});
    assert_eq!(refusal(&shop, "", &comments).await.2, "tokens");
    let list = "$v ".repeat(10);
    let query =
        format!("query($v: String!) {{ products(filter: {{name: {{in: [{list}]}}}}) {{ totalCount }} }}");
    let copies = |length: usize| json!({"query": query, "variables": {"v": "x".repeat(length)}});
    assert_eq!(refusal(&shop, "", &copies(50_000)).await.2, "arguments");
    assert_eq!(refusal(&shop, "all", &copies(500_000)).await.2, "arguments");
    assert_eq!(refusal(&shop, "", &copies(1000)).await.2, Json::Null);
    let values = |count: usize| json!({"query": health, "variables": {"a": vec![0; count]}});
    let (_, code, limit) = refusal(&shop, "", &values(1000)).await;
    assert_eq!((code, limit), too_long("elements"));
    assert_eq!(refusal(&shop, "all", &values(1000)).await.0, 200);
    let (_, code, limit) = refusal(&shop, "all", &values(50_000)).await;
    assert_eq!((code, limit), too_long("elements"));
    let extensions = json!({"query": health, "extensions": {"a": vec![0; 50_000]}});
    assert_eq!(refusal(&shop, "all", &extensions).await.1, "QUERY_TOO_LONG");
    let address =
        format!("/graphql?query=%7Bhealth%7Bstatus%7D%7D&variables=%7B%22a%22:[{}0]%7D", "0,".repeat(1000));
    let (_, _, body) = shop.get(&address, "").await;
    assert_eq!(body["errors"][0]["extensions"]["limit"], "elements");
    assert_eq!(shop.get(&address, "all").await.2["data"]["health"]["status"], "ok");
    shop.close().await;
}

#[tokio::test]
async fn the_parts_of_a_multipart_request_are_under_the_same_limits() {
    let shop = Shop::golden("en").await;
    let send = async |operations: &str, map: &str| {
        let part = |name: &str, text: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let body = part("operations", operations) + &part("map", map) + "--b--\r\n";
        let key = format!("Bearer {}", Shop::key("all"));
        let headers = [
            ("Content-Type", "multipart/form-data; boundary=b"),
            ("GraphQL-Require-Preflight", "1"),
            ("Authorization", key.as_str()),
        ];
        self::send(&shop, "POST", "/graphql", &headers, body.as_bytes()).await.json()
    };
    let operations = r#"{"query": "{ health { status } }"}"#;
    let answer = send(operations, "{}").await;
    assert_eq!(answer["data"]["health"]["status"], "ok", "{answer}");
    for map in [r#"{"0": ["variables.nowhere"]}"#, r#"{"0": ["variables.input.picture"]}"#] {
        let answer = send(operations, map).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{map}: {answer}");
    }
    let limit = |answer: &Json| answer["errors"][0]["extensions"]["limit"].clone();
    let blanks = format!("{operations}{}", " ".repeat(2_000_000));
    assert_eq!(limit(&send(&blanks, "{}").await), "bytes");
    let variables = format!(
        r#"{{"query": "{{ health {{ status }} }}", "variables": {{"a": [{}0]}}}}"#,
        "0,".repeat(60_000)
    );
    assert_eq!(limit(&send(&variables, "{}").await), "elements");
    assert_eq!(
        limit(&send(operations, &format!(r#"{{"a": [{}0]}}"#, "0,".repeat(60_000))).await),
        "elements"
    );
    shop.close().await;
}

/// The same question is answered from memory, whoever asks; another one is not.
#[tokio::test]
async fn questions_about_the_schema_are_kept() {
    let shop = Shop::golden("en").await;
    let ask = async |name: &str, query: &str, key: &str| {
        let body = json!({"query": query, "variables": {"name": name}, "extensions": {"cost": true}});
        shop.post("/graphql", key, &body).await.2
    };
    let query = "query($name: String!) { __type(name: $name) { name kind } }";
    for key in ["", "all", ""] {
        for name in ["Product", "Group"] {
            let answer = ask(name, query, key).await;
            assert_eq!(answer["data"], json!({"__type": {"name": name, "kind": "OBJECT"}}));
            assert_eq!(answer["extensions"]["cost"]["actual"], answer["extensions"]["cost"]["requested"]);
        }
    }
    let wrong = "query($name: String!) { __type(name: $name) { nome } }";
    for _ in 0..2 {
        assert_eq!(
            ask("Product", wrong, "").await["errors"][0]["extensions"]["code"],
            "GRAPHQL_VALIDATION_FAILED"
        );
    }
    shop.close().await;
}
