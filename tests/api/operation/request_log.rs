//! The line of each request in the log, and data that it never has.

use guichet::access::key;
use sea_orm::DbBackend;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt;

use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::store::{BACKEND, DEFECT, MENDED};
use crate::harness::wire::Request;
use crate::operation::metrics;

/// Parts of a line that are different each time.
const VARYING: [&str; 4] = ["timestamp", "duration_us", "trace_id", "statements"];

/// The lines of requests, without values that vary.
fn lines(log: &str) -> Vec<Json> {
    let lines = log.lines().map(|line| serde_json::from_str::<Json>(line).expect("each line is JSON"));
    let mut lines: Vec<Json> = lines.filter(|line| line["target"] == "guichet::request").collect();
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        assert!(line["duration_us"].as_u64().is_some_and(|duration| duration < 60_000_000), "{line:?}");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line:?}");
        for part in VARYING {
            line.shift_remove(part).unwrap();
        }
    }
    lines
}

/// A line with those parts beside the ones that are always the same.
fn line(parts: Json) -> Json {
    let mut line = json!({"level": "INFO", "message": "request", "target": "guichet::request"});
    line.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    line
}

#[tokio::test]
async fn each_request_leaves_one_line() {
    let server = Program::start(&[]).await;
    let (query, wrong) =
        ("query Name($id: ID!) { product(id: $id) { name } }", "{ product(id: 1) { nome } }");
    let group = json!({"name": "", "email": "someone@example.com"});
    let asked = json!({"query": query, "variables": {"id": 1}});
    let forbidden = json!({"query": "{ product(id: 1) { name } customer(id: 1) { email } }"});
    for (status, method, path, key, body) in [
        (200, "GET", "/api/application/products/1?pricing=1", "all", None),
        (200, "HEAD", "/api/application/products?q=someone", "products-read", None),
        (422, "POST", "/api/application/groups", "all", Some(&group)),
        (401, "GET", "/api/application/products/1", "1|wrong", None),
        (404, "GET", "/api/application/nobody/7", "all", None),
        (405, "DELETE", "/api/application/statistics", "all", None),
        (200, "POST", "/graphql", "all", Some(&asked)),
        (200, "POST", "/graphql", "all", Some(&json!({"query": wrong}))),
        (200, "POST", "/graphql", "products-read", Some(&forbidden)),
        (200, "GET", "/healthz", "", None),
    ] {
        let answer = server.ask(method, path, key, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let log = server.stop().await;
    let rest = |method: &str, path: &str, operation: &str, more: Json| {
        let path = format!("/api/application/{path}");
        let mut parts = json!({"face": "rest", "method": method, "path": path, "operation": operation});
        parts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line(parts)
    };
    let graphql = |more: Json| {
        let mut parts = json!({"face": "graphql", "method": "POST", "path": "/graphql", "status": 200});
        parts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line(parts)
    };
    let expected = [
        rest("GET", "products/{id}", "getProduct", json!({"status": 200, "key": 1, "cost": 5})),
        rest("HEAD", "products", "listProducts", json!({"status": 200, "key": 2, "cost": 1})),
        rest(
            "POST",
            "groups",
            "createGroup",
            json!({"status": 422, "key": 1, "cost": 11, "errors": "VALIDATION_FAILED"}),
        ),
        rest("GET", "products/{id}", "getProduct", json!({"status": 401, "errors": "UNAUTHENTICATED"})),
        line(json!({"face": "rest", "method": "GET", "status": 404, "errors": "NOT_FOUND"})),
        line(json!({"face": "rest", "method": "DELETE", "status": 405, "errors": "BAD_USER_INPUT"})),
        graphql(json!({"operation": "Name", "document": key::hash(query), "key": 1, "cost": 2})),
        graphql(
            json!({"document": key::hash(wrong), "key": 1, "cost": 1, "errors": "GRAPHQL_VALIDATION_FAILED"}),
        ),
        graphql(json!({
            "document": key::hash(forbidden["query"].as_str().unwrap()), "key": 2, "cost": 3, "errors": "FORBIDDEN",
        })),
        line(json!({"face": "other", "method": "GET", "path": "/healthz", "status": 200})),
    ];
    let lines = lines(&log);
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(line, expected);
    }
}

/// Each request's statements are its own, and the trace is that of a proxy which is trusted.
#[tokio::test]
async fn a_line_tells_statements_and_trace() {
    let server = Program::start(&[("GUICHET_TRUSTED_PROXIES", "127.0.0.1")]).await;
    // Keys and settings are remembered from the first request on.
    server.ask("GET", "/api/application/products/1", "all", None).await;
    let query = json!({"query": "{ product(id: 1) { name group { name } } }"});
    let refused = json!({"query": "{ product(id: 1) { nome } }"});
    tokio::join!(
        server.ask("POST", "/graphql", "all", Some(&query)),
        server.ask("POST", "/graphql", "all", Some(&refused)),
    );
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = [("traceparent".to_owned(), format!("00-{trace}-b7ad6b7169203331-01"))].to_vec();
    let asked =
        Request { method: "GET".to_owned(), path: "/healthz".to_owned(), headers, ..Request::default() };
    server.send(&asked).await;
    let log = server.stop().await;
    let line = |part: &str, value: Json| {
        let mut lines = log.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        lines.find(|line| line[part] == value).unwrap_or_else(|| panic!("{part}: {log}"))
    };
    assert_eq!(
        line("document", key::hash("{ product(id: 1) { name group { name } } }").into())["statements"],
        2
    );
    assert_eq!(line("document", key::hash("{ product(id: 1) { nome } }").into())["statements"], 0);
    assert_eq!(line("path", "/healthz".into())["trace_id"], trace);
}

/// Operators search their logs by these identifiers: a stranger chooses neither.
#[tokio::test]
async fn a_stranger_names_no_trace() {
    let server = Program::start(&[]).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers =
        [("traceparent", format!("00-{trace}-b7ad6b7169203331-01")), ("X-Request-Id", "mine".to_owned())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let asked =
        Request { method: "GET".to_owned(), path: "/healthz".to_owned(), headers, ..Request::default() };
    let ids = [server.send(&asked).await, server.send(&asked).await];
    let ids = ids.map(|answer| answer.header("x-request-id").unwrap().to_owned());
    let log = server.stop().await;
    assert!(ids[0] != ids[1] && ids.iter().all(|id| log.contains(id)), "{ids:?}: {log}");
    assert!(!log.contains(trace) && !log.contains("mine"), "{log}");
}

/// The identifier that a client gets for a defect leads to the request and to the cause.
#[tokio::test]
async fn a_defect_is_found_by_its_trace() {
    let server = Program::start(&[]).await;
    server.sql(&DEFECT).await;
    let query = json!({"query": "{ product(id: 1) { name metadata { databaseId key } } }"});
    let answer = server.ask("POST", "/graphql", "all", Some(&query)).await.json();
    let trace = answer["errors"][0]["extensions"]["traceId"].as_str().unwrap().to_owned();
    server.sql(&MENDED).await;
    let log = server.stop().await;
    let reported: Vec<Json> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reported: Vec<&str> = reported
        .iter()
        .filter(|line| line["trace_id"] == trace.as_str())
        .filter_map(|line| line["message"].as_str())
        .collect();
    assert_eq!(reported, ["operation failed", "request"], "{log}");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_line_too() {
    // There, a write waits for another's as long as the test likes.
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let server = Program::start(&[("GUICHET_METRICS_LISTEN", "127.0.0.1:0")]).await;
    server.sql(&["BEGIN IMMEDIATE"]).await;
    let mut stream = server.connect().await;
    let body = json!({"name": "Renamed"}).to_string();
    let head = format!(
        "PUT /api/application/groups/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n",
        Shop::key("all"),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let under_way = async || metrics::scrape(&server).await.value("guichet_requests_in_flight", &[]);
    while under_way().await < 1.0 {}
    drop(stream);
    while under_way().await > 0.0 {}
    server.sql(&["ROLLBACK"]).await;
    let log = server.stop().await;
    let [line] = lines(&log).try_into().unwrap();
    assert_eq!((&line["path"], &line["status"]), (&json!("/api/application/groups/{id}"), &json!(499)));
}

/// The log has no data that a client sends, wherever the client puts it.
#[tokio::test]
async fn no_secret_and_no_personal_data_is_logged() {
    let server = Program::start(&[("RUST_LOG", "debug")]).await;
    let secret = |at: usize| format!("secret{at}");
    let person = json!({
        "firstname": secret(0), "lastname": secret(1), "email": format!("{}@example.com", secret(2)),
        "phone": secret(3), "address": secret(4), "password": secret(5), "region": 7, "city": secret(6),
    });
    let sign_in = json!({
        "query": format!("mutation {{ sessionCreate(input: {{kind: STAFF, email: \"{}@example.com\", password: \
                          \"{}\"}}) {{ session {{ accessToken }} }} }}", secret(10), secret(11)),
    });
    let variables = json!({
        "query": "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { session { accessToken } } }",
        "variables": {"input": {"kind": "CUSTOMER", "email": "customer1@example.com", "password": secret(12)}},
    });
    let named = json!({"query": "query A { health { status } }", "operationName": secret(13)});
    let text = json!({"query": format!("{{ product(id: \"{}\") {{ {} }} }}", secret(14), secret(15))});
    for (method, path, key, body) in [
        ("POST", "/api/application/customers".to_owned(), "all", Some(&person)),
        (
            "GET",
            format!("/api/application/customers?filter[email]={}&q={}", secret(20), secret(21)),
            "all",
            None,
        ),
        ("GET", format!("/api/application/{}/{}", secret(22), secret(23)), "all", None),
        ("GET", format!("/graphql?query=%7B{}%7D", secret(24)), "all", None),
        ("GET", format!("/api/application/products/{}", secret(25)), "all", None),
        (&secret(26).to_uppercase(), "/api/application/products".to_owned(), "all", None),
        ("GET", "/api/application/products".to_owned(), "1|secret27", None),
        ("POST", "/graphql".to_owned(), "secret28", Some(&text)),
        ("POST", "/graphql".to_owned(), "", Some(&sign_in)),
        ("POST", "/graphql".to_owned(), "", Some(&variables)),
        ("POST", "/graphql".to_owned(), "all", Some(&named)),
        ("POST", "/graphql".to_owned(), "all", Some(&text)),
    ] {
        server.ask(method, &path, key, body).await;
    }
    let headers = ["traceparent", "X-Forwarded-For", "User-Agent", "Cookie", "Host"];
    let headers = headers.iter().map(|&name| (name.to_owned(), "secret30".to_owned())).collect();
    let asked = Request {
        method: "GET".to_owned(),
        path: "/api/application/products".to_owned(),
        headers,
        ..Request::default()
    };
    server.send(&asked).await;
    let log = server.stop().await;
    assert_eq!(log.matches("guichet::request").count(), 13, "{log}");
    for part in ["secret", "customer1", "CLIENTXCMS", "127.0.0.1", "Bearer"] {
        let found = log.lines().find(|line| line.to_lowercase().contains(&part.to_lowercase()));
        assert_eq!(found, None, "{part} is in the log");
    }
}

#[tokio::test]
async fn lines_can_be_switched_off() {
    let server = Program::start(&[("GUICHET_REQUEST_LOG", "0"), ("GUICHET_LOG_FORMAT", "text")]).await;
    server.ask("GET", "/healthz", "", None).await;
    let log = server.stop().await;
    assert!(
        !log.contains("guichet::request") && log.contains(" INFO guichet::command::serve: stopping"),
        "{log}"
    );
}

/// The log never affects an answer: neither if its disk is full, nor if its reader has ended or is blocked.
#[tokio::test]
async fn a_log_that_cannot_be_written_changes_no_answer() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    let (_sleeping, stuck) = std::io::pipe().unwrap();
    for sink in [full, std::os::fd::OwnedFd::from(gone).into(), std::os::fd::OwnedFd::from(stuck).into()] {
        let server = Program::start_logging_to(sink).await;
        for number in 0..300 {
            let answer = server.ask("GET", "/api/application/products/1", "all", None).await;
            assert_eq!(answer.status, 200, "{number}: {}", answer.text());
        }
        let group = json!({"name": "Logged", "slug": "logged", "status": "active", "description": "x", "sort_order": 1});
        let answer = server.ask("POST", "/api/application/groups", "all", Some(&group)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(server.ask("GET", "/healthz", "", None).await.status, 200);
        server.stop().await;
    }
}
