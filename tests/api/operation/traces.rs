//! Traces: what an OpenTelemetry collector receives of a server that is built with the feature `otlp`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::store::{DEFECT, MENDED};
use crate::harness::wire::Request;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector that takes everything.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<(String, Json)>>>,
    task: JoinHandle<()>,
}

impl Collector {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let request = take(stream).await;
                into.lock().unwrap().push(request);
            }
        });
        Self { address, received, task }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address)),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-collector=a%20key".to_owned()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()),
            ("OTEL_BSP_SCHEDULE_DELAY", "20".to_owned()),
            ("OTEL_SERVICE_NAME", "a shop".to_owned()),
            ("GUICHET_TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
        ]
    }

    async fn serve(&self, more: &[(&'static str, &str)]) -> Program {
        let mut settings = self.settings();
        settings.extend(more.iter().map(|&(name, value)| (name, value.to_owned())));
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Program::start(&settings).await
    }

    /// Heads and bodies of all requests.
    fn end(self) -> Vec<(String, Json)> {
        self.task.abort();
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

/// Reads one request and answers it.
async fn take(mut stream: TcpStream) -> (String, Json) {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        if bytes.len() == end + 4 + length.trim().parse::<usize>().unwrap() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
            return (head, serde_json::from_slice(&bytes[end + 4..]).unwrap());
        }
    }
}

/// Spans of all requests.
fn spans(received: &[(String, Json)]) -> Vec<Json> {
    let scopes = received.iter().map(|(_, body)| &body["resourceSpans"][0]["scopeSpans"][0]);
    scopes.flat_map(|scope| scope["spans"].as_array().unwrap().clone()).collect()
}

/// An attribute of a span or resource.
fn attribute<'a>(of: &'a Json, name: &str) -> &'a Json {
    let mut attributes = of["attributes"].as_array().unwrap().iter();
    let value = attributes.find(|attribute| attribute["key"] == name).map(|attribute| &attribute["value"]);
    value.and_then(|value| value.as_object()?.values().next()).unwrap_or(&Json::Null)
}

/// A reading request within a trace of its caller's.
fn traced(path: &str, sampled: bool) -> Request {
    let parent = format!("00-{TRACE}-{CALLER}-0{}", u8::from(sampled));
    let headers = [("traceparent", parent), ("Authorization", format!("Bearer {}", Shop::key("all")))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Request { method: "GET".to_owned(), path: path.to_owned(), headers, ..Request::default() }
}

fn time(span: &Json, which: &str) -> u128 {
    span[which].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_request_is_a_span_and_each_statement_below_it() {
    let collector = Collector::open().await;
    let server = collector.serve(&[]).await;
    assert_eq!(server.send(&traced("/api/application/customers/1?q=somebody", true)).await.status, 200);
    let query = json!({"query": "query Named($id: ID!) { product(id: $id) { name } }", "variables": {"id": "94711471147114"}});
    server.ask("POST", "/graphql", "all", Some(&query)).await;
    server.stop().await;
    let received = collector.end();
    for (head, body) in &received {
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/json\r\n") && head.contains("x-collector: a key"),
            "{head}"
        );
        let resource = &body["resourceSpans"][0]["resource"];
        assert_eq!(attribute(resource, "service.name"), "a shop");
        assert_eq!(attribute(resource, "deployment.environment.name"), "test");
    }
    let text = json!(received.iter().map(|(_, body)| body).collect::<Vec<_>>()).to_string();
    for secret in ["somebody", "94711471147114", "CLIENTXCMS", "@", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let spans = spans(&received);
    let find = |name: &str| {
        spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name}: {text}"))
    };
    let rest = find("GET /api/application/customers/{id}");
    assert_eq!(
        (&rest["traceId"], &rest["parentSpanId"], &rest["kind"]),
        (&json!(TRACE), &json!(CALLER), &json!(2))
    );
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/api/application/customers/{id}"),
        ("http.response.status_code", "200"),
        ("guichet.operation", "getCustomer"),
        ("guichet.key.id", "1"),
    ] {
        assert_eq!(attribute(rest, name), value, "{rest}");
    }
    let graphql = find("POST /graphql");
    assert_eq!(attribute(graphql, "graphql.operation.name"), "Named");
    assert_eq!(attribute(graphql, "graphql.operation.type"), "query");
    assert!(graphql["parentSpanId"] == "" && graphql["traceId"] != TRACE, "{graphql}");
    for request in [rest, graphql] {
        let below: Vec<_> = spans.iter().filter(|span| span["parentSpanId"] == request["spanId"]).collect();
        assert!(!below.is_empty(), "{request}");
        for statement in below {
            assert_eq!((&statement["traceId"], &statement["kind"]), (&request["traceId"], &json!(3)));
            assert_eq!(attribute(statement, "db.operation.name"), "SELECT");
            assert!(
                attribute(statement, "db.query.text").as_str().unwrap().starts_with("SELECT "),
                "{statement}"
            );
            assert!(
                time(request, "startTimeUnixNano") <= time(statement, "startTimeUnixNano"),
                "{statement}"
            );
            assert!(
                time(statement, "startTimeUnixNano") <= time(statement, "endTimeUnixNano"),
                "{statement}"
            );
            assert!(time(statement, "endTimeUnixNano") <= time(request, "endTimeUnixNano"), "{statement}");
        }
    }
}

/// Who is not trusted chooses neither the trace nor whether it is sampled.
#[tokio::test]
async fn the_trace_of_a_stranger_is_linked() {
    let collector = Collector::open().await;
    let server = collector.serve(&[("GUICHET_TRUSTED_PROXIES", "192.0.2.1")]).await;
    server.send(&traced("/healthz", false)).await;
    server.stop().await;
    let spans = spans(&collector.end());
    let span = spans.iter().find(|span| span["name"] == "GET /healthz").unwrap();
    assert!(span["traceId"] != TRACE && span["parentSpanId"] == "", "{span}");
    let link = &span["links"][0];
    assert_eq!((&link["traceId"], &link["spanId"]), (&json!(TRACE), &json!(CALLER)), "{span}");
}

#[tokio::test]
async fn a_defect_has_the_same_trace_everywhere() {
    let collector = Collector::open().await;
    let server = collector.serve(&[]).await;
    server.sql(&DEFECT).await;
    let query = json!({"query": "{ product(id: 1) { name metadata { databaseId key } } }"});
    let answer = server.ask("POST", "/graphql", "all", Some(&query)).await.json();
    let rest = server.send(&traced("/api/application/products/1?include=metadata", true)).await;
    assert_eq!(rest.status, 500, "{}", rest.text());
    server.sql(&MENDED).await;
    server.stop().await;
    let spans = spans(&collector.end());
    let trace = &answer["errors"][0]["extensions"]["traceId"];
    assert!(trace.is_string(), "{answer}");
    assert!(spans.iter().any(|span| span["traceId"] == *trace && span["name"] == "POST /graphql"));
    let failed = spans.iter().find(|span| span["parentSpanId"] == CALLER).unwrap();
    assert_eq!((&failed["status"]["code"], attribute(failed, "error.type")), (&json!(2), &json!("INTERNAL")));
}

#[tokio::test]
async fn only_what_is_sampled_is_told() {
    let collector = Collector::open().await;
    let server = collector.serve(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")]).await;
    server.send(&traced("/healthz", false)).await;
    server.send(&traced("/readyz", true)).await;
    server.ask("GET", "/api/application/products", "all", None).await;
    server.stop().await;
    // A batch has no order.
    let mut names: Vec<String> =
        spans(&collector.end()).iter().map(|span| span["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    assert_eq!(names, ["GET /readyz", "SELECT"]);
}

/// An unavailable collector delays neither answers nor the end of the server.
#[tokio::test]
async fn a_collector_that_is_away_is_not_waited_for() {
    let collector = Collector::open().await;
    let server = collector.serve(&[]).await;
    collector.end();
    for _ in 0..5 {
        let asked = Instant::now();
        assert_eq!(server.send(&traced("/healthz", true)).await.status, 200);
        assert!(asked.elapsed() < Duration::from_millis(500));
    }
    let stopped = Instant::now();
    server.stop().await;
    assert!(stopped.elapsed() < Duration::from_secs(10));
}
