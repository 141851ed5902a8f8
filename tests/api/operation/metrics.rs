//! The metrics for Prometheus: their values after known requests, and the format of their text.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::harness::program::Program;
use crate::harness::wire::{self, Request};

const QUERY: &str = "{ product(id: 1) { name } }";

/// Where a server keeps its counters: it says so in its log, which a thread of its own writes.
async fn address(server: &Program) -> SocketAddr {
    for _ in 0..1000 {
        let log = server.log();
        // The last line may be half written.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let messages = whole.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let mut addresses = messages.filter_map(|line| {
            line["message"]
                .as_str()?
                .strip_prefix("counters at http://")?
                .strip_suffix("/metrics")?
                .parse()
                .ok()
        });
        if let Some(address) = addresses.next() {
            return address;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", server.log())
}

async fn start() -> Program {
    Program::start(&[("GUICHET_METRICS_LISTEN", "127.0.0.1:0")]).await
}

/// Its counters.
pub(crate) async fn scrape(server: &Program) -> Scrape {
    let request = Request { method: "GET".to_owned(), path: "/metrics".to_owned(), ..Request::default() };
    let answer = wire::send(address(server).await, &request).await.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    Scrape::read(&answer.text()).unwrap_or_else(|error| panic!("{error}\n{}", answer.text()))
}

/// Samples by name and labels.
type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// A page of counters, read as strictly as Prometheus does (exposition formats, version 0.0.4).
pub(crate) struct Scrape {
    types: BTreeMap<String, String>,
    samples: Samples,
}

impl Scrape {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut scrape = Self { types: BTreeMap::new(), samples: Samples::new() };
        let (mut helped, mut current) = (BTreeSet::new(), String::new());
        if !text.ends_with('\n') {
            return Err("the last line does not end".to_owned());
        }
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or(line)?;
                let new = helped.insert(name.to_owned()) && !help.is_empty();
                new.then_some(()).ok_or_else(|| format!("{line}: reported twice"))?;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, ty) = rest.split_once(' ').ok_or(line)?;
                let known = ["counter", "gauge", "histogram"].contains(&ty) && helped.contains(name);
                let new = scrape.types.insert(name.to_owned(), ty.to_owned()).is_none();
                (known && new).then_some(()).ok_or_else(|| format!("{line}: unknown, or reported twice"))?;
                name.clone_into(&mut current);
            } else {
                let (name, labels, value) = sample(line).ok_or_else(|| format!("{line}: no sample"))?;
                let family = match scrape.types.get(&current).map(String::as_str) {
                    Some("histogram") => {
                        ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end))
                    }
                    Some("counter") if !name.ends_with("_total") || value < 0.0 => None,
                    _ => Some(name.as_str()),
                };
                (family == Some(&current))
                    .then_some(())
                    .ok_or_else(|| format!("{line}: not of {current}"))?;
                let new = scrape.samples.insert((name, labels), value).is_none();
                new.then_some(()).ok_or_else(|| format!("{line}: reported twice"))?;
            }
        }
        scrape.check_histograms()?;
        Ok(scrape)
    }

    /// Buckets never fall, and the last one is everything.
    fn check_histograms(&self) -> Result<(), String> {
        let mut histograms: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), &value) in &self.samples {
            let Some(family) = name.strip_suffix("_bucket") else { continue };
            let mut labels = labels.clone();
            let bound =
                labels.remove("le").and_then(|bound| bound.parse().ok()).ok_or("a bucket without bound")?;
            histograms.entry((family, labels)).or_default().push((bound, value));
        }
        for ((family, labels), mut buckets) in histograms {
            buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let rises = buckets.is_sorted_by(|(_, a), (_, b)| a <= b);
            let &(bound, all) = buckets.last().ok_or("no bucket")?;
            let count = self.samples.get(&(format!("{family}_count"), labels.clone())).copied();
            let sum = self.samples.contains_key(&(format!("{family}_sum"), labels.clone()));
            let whole = rises && sum && bound == f64::INFINITY && count == Some(all);
            whole.then_some(()).ok_or_else(|| format!("{family} {labels:?} {buckets:?}"))?;
        }
        Ok(())
    }

    /// The value of a sample.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// The value of a sample; 0 if there is none.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(name, labels).unwrap_or(0.0)
    }

    /// The host of its only database server.
    fn host(&self) -> &str {
        let (_, labels) = self.samples.keys().find(|(name, _)| name == "guichet_db_up").unwrap();
        &labels["host"]
    }

    fn requests(&self, face: &str, method: &str, operation: &str, status: &str) -> f64 {
        let labels = [("face", face), ("method", method), ("operation", operation), ("status", status)];
        self.value("guichet_requests_total", &labels)
    }
}

/// `name{label="value",…} number`
fn sample(line: &str) -> Option<(String, BTreeMap<String, String>, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let mut rest = labels.strip_suffix('}')?;
    let mut read = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        word(label, false).then_some(())?;
        read.insert(label.to_owned(), value).is_none().then_some(())?;
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    word(name, true).then_some((name.to_owned(), read, value))
}

/// A text up to its closing quote, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    loop {
        match letters.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => value.push(match letters.next()?.1 {
                'n' => '\n',
                letter @ ('\\' | '"') => letter,
                _ => return None,
            }),
            (_, letter) => value.push(letter),
        }
    }
}

fn word(text: &str, colon: bool) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || colon && letter == ':';
    !text.is_empty() && text.chars().all(letter) && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[tokio::test]
async fn counters_say_what_was_asked() {
    let server = start().await;
    let asked = json!({"query": QUERY});
    let several = json!({"query": "query A { a: product(id: 1) { name } health { status } }"});
    let mutation = json!({"query": "mutation { groupDelete(id: 1) { deletedId } }"});
    for (method, path, key, body, times) in [
        ("GET", "/api/application/products/1", "all", None, 2),
        ("GET", "/api/application/products/2?pricing=1", "all", None, 1),
        ("GET", "/api/application/customers/999", "all", None, 1),
        ("POST", "/api/application/groups", "all", Some(&json!({})), 1),
        ("GET", "/api/application/products", "wrong", None, 1),
        ("POST", "/graphql", "all", Some(&asked), 3),
        ("POST", "/graphql", "all", Some(&several), 1),
        ("POST", "/graphql", "products-read", Some(&mutation), 1),
        ("POST", "/graphql", "all", Some(&json!({"query": "{"})), 1),
        ("GET", "/healthz", "", None, 1),
    ] {
        for _ in 0..times {
            server.ask(method, path, key, body).await;
        }
    }
    let scrape = scrape(&server).await;
    let product = "getProduct";
    for (face, method, operation, status, times) in [
        ("rest", "GET", product, "200", 3.0),
        ("rest", "GET", "getCustomer", "404", 1.0),
        ("rest", "POST", "createGroup", "422", 1.0),
        ("rest", "GET", "listProducts", "401", 1.0),
        ("graphql", "POST", "product", "200", 3.0),
        ("graphql", "POST", "several", "200", 1.0),
        ("graphql", "POST", "groupDelete", "200", 1.0),
        ("graphql", "POST", "none", "200", 1.0),
        ("other", "GET", "/healthz", "200", 1.0),
    ] {
        assert_eq!(scrape.requests(face, method, operation, status), times, "{face} {operation} {status}");
    }
    let duration = [("face", "rest"), ("method", "GET"), ("operation", product), ("status", "200")];
    assert_eq!(scrape.value("guichet_request_duration_seconds_count", &duration), 3.0);
    for (face, code, times) in [
        ("rest", "NOT_FOUND", 1.0),
        ("rest", "VALIDATION_FAILED", 1.0),
        ("rest", "UNAUTHENTICATED", 1.0),
        ("graphql", "FORBIDDEN", 1.0),
        ("graphql", "GRAPHQL_PARSE_FAILED", 1.0),
    ] {
        assert_eq!(scrape.value("guichet_errors_total", &[("face", face), ("code", code)]), times, "{code}");
    }
    // Two points for each product, two for the health, and what a refused change was taken for.
    let graphql = 3.0 * 2.0 + 4.0 + 11.0;
    // One for each request and for each row: the first product has a metadatum, the second two prices; no
    // customer; eleven for a change that is not made.
    let rest = 2.0 * 3.0 + 4.0 + 1.0 + 11.0;
    assert_eq!(scrape.value("guichet_cost_points_total", &[]), graphql + rest);
    assert_eq!(scrape.value("guichet_requests_in_flight", &[]), 0.0);
    server.stop().await;
}

#[tokio::test]
async fn counters_tell_of_database_and_program() {
    let server = start().await;
    let (before, begun) = (scrape(&server).await, Instant::now());
    for _ in 0..3 {
        server.ask("GET", "/api/application/products/1", "all", None).await;
    }
    let after = scrape(&server).await;
    // The outbox is read once a second, meanwhile too.
    let looks = begun.elapsed().as_secs_f64() + 1.0;
    let statements = |scrape: &Scrape| scrape.value("guichet_sql_statements_total", &[]);
    // One for each product; those of key and settings are remembered for a moment.
    let sent = statements(&after) - statements(&before);
    assert!((3.0..12.0 + looks).contains(&sent), "{sent}");
    let host = after.host();
    let of = |more: &[(&'static str, &'static str)]| [&[("role", "primary"), ("host", host)], more].concat();
    let connections = |state| after.value("guichet_db_connections", &of(&[("state", state)]));
    // The last one may still be on its way back.
    let open = connections("idle") + connections("used");
    assert!(
        (1.0..=after.value("guichet_db_connections_max", &of(&[]))).contains(&open),
        "{:?}",
        after.samples
    );
    assert_eq!(after.value("guichet_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    for name in ["guichet_db_up", "guichet_db_in_use"] {
        assert_eq!(after.value(name, &of(&[])), 1.0, "{name}");
    }
    for gate in ["requests", "passwords"] {
        let value = |name| after.value(name, &[("gate", gate)]);
        assert_eq!((value("guichet_gate_running"), value("guichet_gate_waiting")), (0.0, 0.0), "{gate}");
        assert!(value("guichet_gate_running_max") > 0.0 && value("guichet_gate_waiting_max") > 0.0, "{gate}");
    }
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds"] {
        assert!(after.value(name, &[]) > 1.0, "{name}");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let started = after.value("process_start_time_seconds", &[]);
    assert!(started <= now && now - started < 600.0, "{started}");
    assert_eq!(after.types["guichet_request_duration_seconds"], "histogram");
    server.stop().await;
}

/// What a limit refuses is counted by the limit's name.
#[tokio::test]
async fn refusals_are_counted() {
    let limits = [("GUICHET_RATE_LIMIT", "2"), ("GUICHET_FAILED_KEY_LIMIT", "1")];
    let server = Program::start(&[&limits[..], &[("GUICHET_METRICS_LISTEN", "127.0.0.1:0")]].concat()).await;
    for _ in 0..5 {
        server.ask("GET", "/api/application/products/1", "all", None).await;
        server.ask("GET", "/api/application/products/1", "wrong", None).await;
    }
    let scrape = scrape(&server).await;
    let refused = |limit| scrape.value("guichet_throttle_refusals_total", &[("limit", limit)]);
    assert_eq!((refused("requests"), refused("sign_in"), refused("points")), (3.0, 0.0, 0.0));
    assert!(refused("failed_keys") >= 1.0, "{:?}", scrape.samples);
    server.stop().await;
}

/// However inventive a client is, there are no more series.
#[tokio::test]
async fn labels_are_bounded() {
    let server = start().await;
    let invent = async |round: usize| {
        for at in 0..20 {
            let word = format!("w{round}x{at}");
            let query = json!({"query": format!("query {word} {{ {word}: {word} {{ name }} }}"), "operationName": word});
            server.ask("GET", &format!("/api/application/{word}"), "all", None).await;
            server.ask("GET", &format!("/api/application/products/{word}?{word}={word}"), "all", None).await;
            server.ask(&word.to_uppercase(), "/api/application/products", "all", None).await;
            server.ask("POST", "/graphql", "all", Some(&query)).await;
        }
        scrape(&server).await.samples.len()
    };
    assert_eq!(invent(0).await, invent(1).await);
    server.stop().await;
}

/// The public address does not serve them.
#[tokio::test]
async fn counters_are_not_where_everybody_asks() {
    let server = start().await;
    assert_eq!(server.ask("GET", "/metrics", "all", None).await.status, 404);
    let elsewhere = Request { method: "GET".to_owned(), path: "/graphql".to_owned(), ..Request::default() };
    assert_eq!(wire::send(address(&server).await, &elsewhere).await.unwrap().status, 404);
    server.stop().await;
    let without = Program::start(&[]).await;
    assert!(!without.log().contains("counters at"));
    without.stop().await;
}
